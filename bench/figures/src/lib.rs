//! Owns how every bench says what it saw: samples, medians, bars, a line for each, and one JSON document of all of it.
//! Never a measurement: benches measure and hand their samples here.
//! Next: `run` is what a bench talks to; `bin/bench-figures` makes tables and plots of the documents.

mod document;
pub mod kernel;
pub mod page;
pub mod plot;
mod run;
mod samples;
pub mod table;

pub use document::{Bar, Document, Figure, Row, documents};
pub use run::{Run, ended, say};
pub use samples::{median, quantile, shown};

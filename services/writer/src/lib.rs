//! WRITER: a report that a person can act on, in which every citation is proved.
//!
//! Invariant: a report is published only if each reference resolves and each quote stands in its source, byte for byte.
//! Next: `handler` consumes `analysis.completed`; `report.written` says where the report is.

mod bounds;
mod chart;
mod check;
pub mod escape;
mod fault;
mod figure;
pub mod files;
mod handler;
mod html;
mod limits;
mod markdown;
pub mod offline;
mod parse;
pub mod prompted;
mod proof;
mod references;
pub mod report;
mod texts;

pub use check::{check, check_markdown};
pub use fault::Fault;
pub use handler::Writer;
pub use html::html;
pub use markdown::markdown;
pub use parse::read;
pub use report::Report;
pub use texts::Texts;

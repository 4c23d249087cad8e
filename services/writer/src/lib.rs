//! WRITER: a report that a person can act on, in which every citation is proved.
//!
//! Invariant: a report is published only if each reference resolves and each quote stands in its source, byte for byte.
//! Next: `handler` consumes `analysis.completed`; `report.written` says where the report is.

mod config;
mod handler;

pub use config::{Config, VARIABLES};
pub use handler::Writer;

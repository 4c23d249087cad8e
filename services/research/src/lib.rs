//! RESEARCH: plans a goal into questions, and answers each with exact quotes from sources.
//!
//! Invariant: every quote is bytes of a source, with its place; nothing is answered that no source says.
//! Next: `plan` consumes `goal.requested`, `task` consumes `research.task.requested`; `analysis` reads what they bring.

mod config;
mod gather;
mod offline;
mod plan;
mod prompted;
mod task;
mod topic;

pub use config::{Config, VARIABLES};
pub use plan::Plan;
pub use task::Task;

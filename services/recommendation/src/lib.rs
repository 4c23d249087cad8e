//! RECOMMENDATION: advice by rules over findings and numbers, each with its reasons and its evidence.
//!
//! Invariant: no advice without evidence; what a model suggests by itself is marked as the model's own.
//! Next: `handler` consumes `analysis.completed`; `recommendations.made` goes into the goal's result.

mod config;
mod facts;
mod functions;
mod handler;
mod names;
mod offline;
mod prompted;
mod rules;
mod text;

pub use config::{Config, VARIABLES};
pub use functions::{ALL as FUNCTIONS, Function};
pub use handler::Recommending;
pub use rules::{Pack, Problem, read as read_rules};

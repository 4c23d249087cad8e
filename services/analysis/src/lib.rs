//! ANALYSIS: turns evidence into findings, computes numbers from tables, shows conflicts and names gaps.
//!
//! Invariant: a number is computed from rows or stands in a quote; it is never guessed, and never a model's.
//! Next: `handler` consumes `research.completed`; writer and recommendation read the `Analysed` that it stores.

mod config;
mod handler;
mod offline;

pub use config::{Config, VARIABLES};
pub use handler::Analysis;

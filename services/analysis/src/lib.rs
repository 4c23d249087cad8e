//! ANALYSIS: turns evidence into findings, computes numbers from tables, shows conflicts and names gaps.
//!
//! Invariant: a number is computed from rows or stands in a quote; it is never guessed, and never a model's.
//! Next: `handler` consumes `research.completed`; writer and recommendation read the `Analysed` that it stores.

mod age;
mod amounts;
mod charts;
mod claims;
mod confidence;
mod config;
mod conflicts;
mod event;
mod gaps;
mod handler;
mod measure;
mod metrics;
mod offline;
mod pool;
mod prompted;
mod prose;
mod said;
mod sheet;
mod sums;
mod support;
mod told;
mod words;

pub use config::{Config, VARIABLES};
pub use handler::Analysis;

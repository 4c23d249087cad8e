//! ANALYSIS: turns evidence into findings, computes numbers from tables, shows conflicts and names gaps.
//!
//! Invariant: a number is computed from rows or stands in a quote; it is never guessed, and never a model's.
//! Next: `handler` consumes `research.completed`; writer and recommendation read the `Analysed` that it stores.

mod age;
mod amounts;
mod answers;
mod assign;
mod charts;
mod claims;
mod confidence;
mod conflicts;
mod event;
mod extremes;
mod gaps;
mod handler;
mod listing;
mod measure;
mod metrics;
mod names;
mod offline;
mod pool;
mod prompted;
mod prose;
mod sheet;
mod summary;
mod sums;
mod support;
mod told;
mod words;

pub use handler::Analysis;

//! HOW IT THINKS: models, tools, sources, and the record of every exchange with them.
//!
//! Invariant: a model or a tool is asked through `exchange` only: recorded, or replayed, and a replay asks nobody.
//! Invariant: what came from a source is data: fenced in every prompt, and never a reason to reach a tool or an address.
//! Next: the four agents; `contract::Workplace` is all that it knows of a step.

pub mod corpus;
pub mod exchange;
pub mod mind;
pub mod model;
pub mod prompt;
pub mod providers;
pub mod tools;
pub mod words;

pub use mind::{Ask, Instead, Mind, Sitting, Unanswered};

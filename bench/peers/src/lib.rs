//! PROVES IT: what one step costs in this runtime, and what the same step costs without it.
//!
//! Invariant: whoever takes part does the same step, over the same server, on messages of the same size.
//! Next: `hop` is the step, `bare` the loop that a person would write by hand; `main` drives all contenders.

pub mod bare;
pub mod hop;

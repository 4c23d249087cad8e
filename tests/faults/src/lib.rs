//! Owns what is known of a run under faults, and the verdict on it: a history, and the checker that judges it.
//! Never a fault, and never the reason for one: whoever does harm says only what it did.
//! Next: `history` is what a run leaves, `checker` what must hold of it.

pub mod checker;
pub mod history;
pub mod points;
pub mod rounds;
pub mod soak;

//! Owns the long runs: rounds of faults on real processes, each judged.
//! Never decides what is right: `faults::checker` does.
//! Next: the rounds.

fn main() {}

//! PROVES IT: fakes that behave like the servers they stand for, the suites that hold both to the same conduct, the stage
//! for one scene, and the simulated world in which whole choreographies are tried.
//!
//! Invariant: a fake is never kinder than its server. Whatever runs over it may run over the real one.
//! Next: `memory` is the fakes, `suites` the conduct, `stage` one scene as a test says, `world` the trial by seeds,
//! `clock` the time that tests can move, `calls` what it all costs at the ports, `plain` the simplest load to cost anything.

pub mod calls;
pub mod clock;
pub mod memory;
pub mod place;
pub mod plain;
pub mod stage;
pub mod suites;
pub mod tired;
pub mod world;

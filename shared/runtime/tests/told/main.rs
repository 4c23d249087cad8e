//! What daemons tell while they work: the four agents over the memory cloud, under paused time, with real `Daemon`s.
//! Never a collector: spans go to memory, lines to a buffer, counts are rendered as `/metrics` would.
//! Next: `stage` is the run; `traces`, `lines` and `counts` look at what it told; `queue_away` at one that is not there.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod counts;
mod lines;
mod queue_away;
mod stage;
mod traces;

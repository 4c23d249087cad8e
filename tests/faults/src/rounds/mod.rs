//! Owns rounds of faults on the real processes: one goal each, struck once, and brought to its end all the same.
//! Never counts a round whose fault did not strike, and never decides whether a history is right: the checker does.
//! Next: `campaign` runs them in batches; each kind has a file of its own.

mod ambush;
mod campaign;
mod field;
mod figures;
mod freeze;
mod kill;
mod operator;
mod oracle;
mod rookery;
mod standin;
mod term;
mod wire;
mod words;

use std::time::Duration;

pub use ambush::Ambush;
pub use campaign::{Campaign, Kind};
pub use field::{Field, Layout};
pub use figures::Figures;
pub use oracle::Wrong;
pub use rookery::DAEMONS;

/// Of a goal, from its strike to its end: leases, takeovers and sweeps included.
pub const END_MAX: Duration = Duration::from_secs(90);

/// What became of one round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Round {
    Struck,
    /// The goal never came there, or whoever was to be struck was gone already.
    Missed,
}

//! Owns finding the goal that a person means.
//! Never a guess: what could be two goals is neither.
//! Next: every command about one goal begins here.

use contract::GoalId;

use crate::exit::Misused;
use crate::reach::Reach;
use crate::screen::harmless;

/// The goal of this id.
pub(crate) async fn find(_reach: &Reach, name: &str) -> anyhow::Result<GoalId> {
    let whole =
        name.parse().map_err(|_| Misused(format!("{:?} is no goal's id: give the whole of it", harmless(name))));
    Ok(whole?)
}

//! Owns how a person names a goal: by its whole id, by how that begins, or by the key that it was sent with.
//! Never a choice between two: where several begin alike, all of them are told.
//! Next: every command about one goal begins here.

use anyhow::bail;
use contract::{GoalId, Tenant, UnixMs, attributes};
use runtime::ledger::{ItemKey, Listed, Standing, unexpired};
use runtime::listing::{Bounds, Wanted, page};
use runtime::{Chance, retried};

use super::sending::PATIENCE;
use crate::exit::Misused;
use crate::reach::Reach;

/// Shorter beginnings are the beginnings of too many.
const PREFIX_MIN: usize = 6;
/// So many that begin alike are told.
const ALIKE_MAX: usize = 5;
/// Entries of the index, of the one shard in four that can hold them, that are looked through.
const LOOKS_MAX: usize = 50_000;

/// One goal, as an argument.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Which {
    /// The goal's id, or how it begins: six characters at least
    #[arg(value_name = "GOAL", required_unless_present = "key", conflicts_with = "key")]
    pub(crate) goal: Option<String>,
    /// The key that the goal was sent with, instead of its id
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Whose goal that is
    #[arg(long, value_name = "NAME", requires = "key", default_value_t)]
    pub(crate) tenant: Tenant,
}

impl Which {
    /// The goal, whether or not it has been accepted yet, where its id can be told without looking.
    pub(crate) fn told(&self) -> anyhow::Result<Option<GoalId>> {
        match (&self.key, &self.goal) {
            (Some(key), _) if attributes::is_key(key) => Ok(Some(GoalId::derive(&self.tenant, key))),
            (Some(key), _) => {
                Err(Misused(format!("{key:?} is no key: 1 to 256 bytes without control characters")).into())
            }
            (None, Some(text)) => Ok(text.parse().ok()),
            (None, None) => Ok(None),
        }
    }

    /// The goal, which is there.
    pub(crate) async fn find(&self, reach: &Reach) -> anyhow::Result<GoalId> {
        match (self.told()?, &self.goal) {
            (Some(goal), _) => there(reach, goal).await,
            (None, Some(text)) => find(reach, text).await,
            (None, None) => Err(Misused("name a goal, or its --key".into()).into()),
        }
    }
}

/// The goal with this id, or the one whose id begins so.
pub(crate) async fn find(reach: &Reach, text: &str) -> anyhow::Result<GoalId> {
    if let Ok(goal) = text.parse() {
        return there(reach, goal).await;
    }
    let prefix = prefix(text)?;
    let wanted = Wanted { prefix: Some(prefix.clone()), ..Wanted::default() };
    let bounds = Bounds { goals_max: ALIKE_MAX, looks_max: LOOKS_MAX };
    let chance = Chance::fresh();
    let found = retried(PATIENCE, &chance, || page(&*reach.ports.ledger, &wanted, None, bounds)).await?;
    match found.goals.as_slice() {
        [(one, _)] => there(reach, one.mark.goal).await,
        [] => {
            let newest = if found.next.is_some() { " among the newest" } else { "" };
            bail!(
                "no goal{newest} has an id that begins with {prefix}: see murmur goal list{}, or give the whole id",
                reach.flags
            )
        }
        several => {
            let now = reach.ports.clock.now();
            let told: String = several.iter().map(|(listed, standing)| line(listed, *standing, now)).collect();
            bail!("several goals have an id that begins with {prefix}; give more of it:{told}")
        }
    }
}

/// An id that the ledger knows.
async fn there(reach: &Reach, goal: GoalId) -> anyhow::Result<GoalId> {
    let (key, chance) = (ItemKey::goal(goal), Chance::fresh());
    let found = retried(PATIENCE, &chance, || reach.ports.ledger.read(&key)).await?;
    if unexpired(found, reach.ports.clock.now()).is_none() {
        bail!(
            "no such goal: {goal} was never accepted here, or has expired. If it was sent just now, the research agent has \
             not taken it yet: see murmur status{flags}, and murmur goal list{flags}",
            flags = reach.flags
        );
    }
    Ok(goal)
}

fn prefix(text: &str) -> anyhow::Result<String> {
    let prefix = text.to_ascii_lowercase();
    let fits = |(at, c): (usize, char)| if matches!(at, 8 | 13 | 18 | 23) { c == '-' } else { c.is_ascii_hexdigit() };
    if prefix.len() > 36 || !prefix.chars().enumerate().all(fits) {
        return Err(
            Misused(format!("{text:?} is no goal's id: ids look like 6f1c0d5e-93ab-5c1d-8a70-0d3fb7b2b0e1")).into()
        );
    }
    if prefix.len() < PREFIX_MIN {
        return Err(Misused(format!("{text:?} is too short: give {PREFIX_MIN} characters of the id at least")).into());
    }
    Ok(prefix)
}

fn line(listed: &Listed, standing: Standing, now: UnixMs) -> String {
    let age = super::span(listed.mark.at.until(now));
    format!("\n  {}  {}, {age} old", listed.mark.goal, standing.as_str())
}

#[cfg(test)]
mod tests {
    use super::prefix;

    #[test]
    fn a_prefix_is_the_beginning_of_an_id_in_either_case() {
        for (text, read) in [("6F1C0d", "6f1c0d"), ("6f1c0d5e-93ab", "6f1c0d5e-93ab")] {
            assert_eq!(prefix(text).ok().as_deref(), Some(read));
        }
    }

    #[test]
    fn what_cannot_begin_an_id_is_refused_with_what_would_do() {
        for (text, told) in [("6f1c0", "too short"), ("pricing", "no goal's id"), ("6f1c0d5e93ab", "no goal's id")] {
            assert!(prefix(text).is_err_and(|why| why.to_string().contains(told)), "{text}");
        }
    }
}

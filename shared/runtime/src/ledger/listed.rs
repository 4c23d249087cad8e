//! Owns where a goal stands in the index of goals: on the shelf of its standing, at the place of its acceptance.
//! Never a second truth: a shelf may be behind, and the goal's own item says how it stands.
//! Next: `goal` puts a goal on its shelf, `listing` at the crate's root reads shelves together, newest first.

use std::fmt;
use std::str::FromStr;

use contract::events::{GoalCancelled, GoalCompleted};
use contract::{Event, EventData as _, EventType, GoalId, Tenant, UnixMs};

/// Shelves of each standing: one would take no more writes than a single partition does.
pub const LISTED_SHARDS: u8 = 4;
/// Enough for every date that a calendar has; of equal length, so that texts sort as times do.
const TIME_DIGITS: usize = 15;

/// How a goal stands, as far as its own item tells: whether an open one is stalled, its steps say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    Open,
    Completed,
    Failed,
    Cancelled,
}

impl Standing {
    pub const ALL: [Standing; 4] = [Standing::Open, Standing::Completed, Standing::Failed, Standing::Cancelled];

    pub const fn as_str(self) -> &'static str {
        match self {
            Standing::Open => "open",
            Standing::Completed => "completed",
            Standing::Failed => "failed",
            Standing::Cancelled => "cancelled",
        }
    }

    /// After an end of this type.
    pub fn after(end: &EventType) -> Standing {
        match end {
            kind if *kind == GoalCompleted::TYPE => Standing::Completed,
            kind if *kind == GoalCancelled::TYPE => Standing::Cancelled,
            _ => Standing::Failed,
        }
    }
}

/// One partition of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shelf {
    pub standing: Standing,
    pub shard: u8,
}

impl Shelf {
    /// By the first bits of the id: whoever knows how an id begins knows its shelves.
    pub fn of(goal: GoalId, standing: Standing) -> Shelf {
        Shelf { standing, shard: Shelf::shard_of(goal.0.as_bytes()[0]) }
    }

    /// The shard of the goals whose id begins with this byte.
    pub const fn shard_of(first: u8) -> u8 {
        first >> 6
    }
}

impl fmt::Display for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.standing.as_str(), self.shard)
    }
}

/// A place in the listing: everything older stands behind it. No two goals have the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    pub at: UnixMs,
    pub goal: GoalId,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0TIME_DIGITS$}.{}", self.at.0.max(0), self.goal)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no place in the listing of goals")]
pub struct NoMark(String);

impl FromStr for Mark {
    type Err = NoMark;
    fn from_str(text: &str) -> Result<Mark, NoMark> {
        let parsed = || {
            let (at, goal) = text.split_once('.')?;
            let is_time = at.len() == TIME_DIGITS && at.bytes().all(|c| c.is_ascii_digit());
            Some(Mark { at: UnixMs(at.parse().ok().filter(|_| is_time)?), goal: goal.parse().ok()? })
        };
        parsed().ok_or_else(|| NoMark(text.chars().take(64).collect()))
    }
}

/// What the index holds of a goal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    pub mark: Mark,
    pub tenant: Tenant,
}

impl Listed {
    pub fn of(request: &Event, accepted_at: UnixMs) -> Listed {
        Listed { mark: Mark { at: accepted_at, goal: request.goal }, tenant: request.tenant.clone() }
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.mark, self.tenant)
    }
}

impl FromStr for Listed {
    type Err = NoMark;
    fn from_str(text: &str) -> Result<Listed, NoMark> {
        let parsed = || {
            // A tenant may hold dots.
            let (end_of_goal, _) = text.match_indices('.').nth(1)?;
            let tenant = text.get(end_of_goal + 1..)?.parse().ok()?;
            Some(Listed { mark: text.get(..end_of_goal)?.parse().ok()?, tenant })
        };
        parsed().ok_or_else(|| NoMark(text.chars().take(160).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(at: i64, key: &str, tenant: &str) -> Listed {
        let tenant: Tenant = tenant.parse().unwrap_or_default();
        Listed { mark: Mark { at: UnixMs(at), goal: GoalId::derive(&tenant, key) }, tenant }
    }

    #[test]
    fn a_place_reads_as_it_was_written() {
        for listed in [listed(0, "a", "default"), listed(1_795_000_000_123, "b", "acme.eu-1_x")] {
            assert_eq!(listed.to_string().parse(), Ok(listed.clone()));
            assert_eq!(listed.mark.to_string().parse(), Ok(listed.mark));
        }
    }

    #[test]
    fn what_is_no_place_is_refused() {
        let mark = listed(1, "a", "default").mark.to_string();
        for text in ["", "now", &mark[1..], &format!("{mark}.default"), &format!("+{}", &mark[1..])] {
            assert!(text.parse::<Mark>().is_err(), "{text}");
        }
        for text in ["", &mark, &format!("{mark}."), &format!("{mark}.no tenant")] {
            assert!(text.parse::<Listed>().is_err(), "{text}");
        }
    }

    #[test]
    fn texts_sort_as_places_do_and_a_mark_stands_right_before_its_goal() {
        let mut all =
            [listed(10, "a", "x"), listed(9, "b", "x"), listed(10, "c", "a"), listed(1_795_000_000_000, "d", "x")];
        all.sort();
        let texts: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert!(texts.is_sorted(), "{texts:?}");
        for (older, newer) in texts.iter().zip(&all[1..]) {
            assert!(*older < newer.mark.to_string() && newer.mark.to_string() < newer.to_string());
        }
    }

    #[test]
    fn an_id_and_its_beginning_have_the_same_shard() {
        for n in 0..64 {
            let goal = listed(0, &n.to_string(), "default").mark.goal;
            let first = u8::from_str_radix(&goal.to_string()[..1], 16).map(|digit| digit << 4);
            assert_eq!(first.map(Shelf::shard_of), Ok(Shelf::of(goal, Standing::Open).shard));
        }
    }
}

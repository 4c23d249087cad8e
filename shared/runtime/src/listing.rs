//! Owns pages of goals, newest first: all shelves of the index read side by side and merged, within a bound of looks.
//! Never believes a shelf: the goals' own items are read with a page, and what has expired is left out.
//! Next: `murmur goal list` shows pages, and finds a goal by the beginning of its id.

use std::collections::{BTreeMap, VecDeque};

use contract::{GoalId, PortError, Tenant, UnixMs};
use futures_util::future::try_join_all;

use crate::ledger::{Item, LISTED_SHARDS, Listed, Mark, Shelf, Standing, unexpired};
use crate::ports::Ledger;

/// One query brings no more than this: about a tenth of what DynamoDB puts into one answer.
const AT_ONCE_MAX: usize = 1_000;
const SMALL_PAGE: usize = 50;
/// Whole goals may hold what all their agents brought: fewer at once keep one answer small.
const GOALS_AT_ONCE: usize = 25;
/// A server that leaves keys unprocessed is asked again, but not for ever.
const ASKS_MAX: usize = 20;

/// Which goals.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// None means all.
    pub standing: Option<Standing>,
    pub tenant: Option<Tenant>,
    /// How the id begins, in lower case.
    pub prefix: Option<String>,
}

/// How far to go.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Goals on the page.
    pub goals_max: usize,
    /// Entries of the index that are looked at for it: where few are wanted, a page may hold fewer, or none.
    pub looks_max: usize,
}

/// A part of the listing.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// As the index has them.
    pub goals: Vec<(Listed, Standing)>,
    /// Where the next page begins; none at the end of the listing.
    pub next: Option<Mark>,
    pub looked: usize,
}

impl Wanted {
    fn wants(&self, listed: &Listed) -> bool {
        let begins = |prefix: &String| listed.mark.goal.to_string().starts_with(prefix.as_str());
        self.tenant.as_ref().is_none_or(|tenant| *tenant == listed.tenant) && self.prefix.as_ref().is_none_or(begins)
    }

    fn is_picky(&self) -> bool {
        self.tenant.is_some() || self.prefix.is_some()
    }

    fn shelves(&self) -> Vec<Shelf> {
        let begins = self.prefix.as_deref().and_then(|prefix| u8::from_str_radix(prefix.get(..1)?, 16).ok());
        let only = begins.map(|digit| Shelf::shard_of(digit << 4));
        let standings = Standing::ALL.into_iter().filter(|standing| self.standing.is_none_or(|only| only == *standing));
        let shards = || (0..LISTED_SHARDS).filter(move |shard| only.is_none_or(|only| only == *shard));
        standings.flat_map(|standing| shards().map(move |shard| Shelf { standing, shard })).collect()
    }
}

/// One shelf, as far as it was read.
struct Reading {
    shelf: Shelf,
    ahead: VecDeque<Listed>,
    after: Option<Mark>,
    at_its_end: bool,
}

impl Reading {
    /// More of it, where nothing is left of what was read.
    async fn refill(&mut self, ledger: &dyn Ledger, at_once: usize) -> Result<(), PortError> {
        if self.at_its_end || !self.ahead.is_empty() {
            return Ok(());
        }
        let more = ledger.listed(self.shelf, self.after, at_once).await?;
        self.at_its_end = more.len() < at_once;
        self.after = more.last().map(|last| last.mark).or(self.after);
        self.ahead.extend(more);
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.at_its_end && self.ahead.is_empty()
    }
}

/// The goals behind `after` that are wanted, as the index has them.
pub async fn page(
    ledger: &dyn Ledger,
    wanted: &Wanted,
    after: Option<Mark>,
    bounds: Bounds,
) -> Result<Page, PortError> {
    let shelves = wanted.shelves();
    let at_once = at_once(wanted, bounds, shelves.len());
    let reading = |shelf| Reading { shelf, ahead: VecDeque::new(), after, at_its_end: false };
    let mut readings: Vec<Reading> = shelves.into_iter().map(reading).collect();
    let mut page = Page { goals: vec![], next: after, looked: 0 };
    loop {
        try_join_all(readings.iter_mut().map(|reading| reading.refill(ledger, at_once))).await?;
        let first = |reading: &Reading| reading.ahead.front().map(|listed| listed.mark);
        let Some(newest) = readings.iter_mut().filter(|one| !one.ahead.is_empty()).max_by_key(|one| first(one)) else {
            page.next = None;
            return Ok(page);
        };
        let Some(listed) = newest.ahead.pop_front() else { continue };
        page.looked += 1;
        // Caught between two shelves, a goal may stand on both.
        let twice = page.goals.last().is_some_and(|(last, _)| last.mark == listed.mark);
        page.next = Some(listed.mark);
        if !twice && wanted.wants(&listed) {
            page.goals.push((listed, newest.shelf.standing));
        }
        if page.goals.len() >= bounds.goals_max || page.looked >= bounds.looks_max {
            if readings.iter().all(Reading::is_over) {
                page.next = None;
            }
            return Ok(page);
        }
    }
}

/// Entries that each shelf is asked for at first, and again once they are used up.
fn at_once(wanted: &Wanted, bounds: Bounds, shelves: usize) -> usize {
    let looks = if wanted.is_picky() {
        bounds.looks_max / shelves.max(1)
    } else {
        // Where all that comes is wanted, a small page may come from one shelf, and a large one hardly does.
        (2 * bounds.goals_max / shelves.max(1)).max(bounds.goals_max.min(SMALL_PAGE))
    };
    looks.clamp(1, AT_ONCE_MAX)
}

/// The goals' own items, those that are there and have not expired.
pub async fn goals(ledger: &dyn Ledger, ids: &[GoalId], now: UnixMs) -> Result<BTreeMap<GoalId, Item>, PortError> {
    let read = ids.chunks(GOALS_AT_ONCE).map(|some| read(ledger, some.to_vec()));
    let found = try_join_all(read).await?.into_iter().flatten();
    Ok(found.filter_map(|(goal, item)| Some((goal, unexpired(Some(item), now)?))).collect())
}

async fn read(ledger: &dyn Ledger, mut ids: Vec<GoalId>) -> Result<BTreeMap<GoalId, Item>, PortError> {
    let mut found = BTreeMap::new();
    for _ in 0..ASKS_MAX {
        let states = ledger.goals(&ids).await?;
        found.extend(states.found);
        ids = states.unprocessed;
        if ids.is_empty() {
            return Ok(found);
        }
    }
    Err(PortError::transient(format!("the ledger leaves {} goals unread, again and again", ids.len())))
}

//! Owns what a list of goals says of each: how it stands, how old it is, what it spent; read in pages within bounds.
//! Never more looks than its bounds allow: where few goals are wanted a page ends early, and says where to go on.
//! Next: `list` shows it; `runtime::listing` has the pages of the index.

use clap::ValueEnum;
use contract::topology::Choreography;
use contract::{GoalId, PortError, Tenant, UnixMs};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use runtime::ledger::goal::Goal;
use runtime::ledger::{Attr, Item, Mark, Standing};
use runtime::listing::{Bounds, Page, Wanted, goals, page};
use runtime::ports::Ledger;
use runtime::stall::stalls_of;
use runtime::{Chance, retried};
use serde::Serialize;

use super::sending::PATIENCE;
use crate::reach::Reach;

/// Entries of the index that are looked at for one list.
const LOOKS_MAX: usize = 4_000;
/// Open goals whose steps are read for one list: only steps say whether a goal is stalled.
const STORIES_MAX: usize = 200;
const STORIES_AT_ONCE: usize = 8;

/// How a goal stands, as a person sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// Agents are at work, or will be
    Running,
    /// A step gave up, and the goal waits for a redrive
    Stalled,
    Completed,
    Failed,
    Cancelled,
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Stalled => "stalled",
            State::Completed => "completed",
            State::Failed => "failed",
            State::Cancelled => "cancelled",
        }
    }

    fn standing(self) -> Standing {
        match self {
            State::Running | State::Stalled => Standing::Open,
            State::Completed => Standing::Completed,
            State::Failed => Standing::Failed,
            State::Cancelled => Standing::Cancelled,
        }
    }

    fn of(standing: Standing, is_stalled: bool) -> State {
        match standing {
            Standing::Open if is_stalled => State::Stalled,
            Standing::Open => State::Running,
            Standing::Completed => State::Completed,
            Standing::Failed => State::Failed,
            Standing::Cancelled => State::Cancelled,
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) state: Option<State>,
    pub(crate) tenant: Option<Tenant>,
    pub(crate) after: Option<Mark>,
    pub(crate) limit: usize,
}

/// One goal.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) goal: GoalId,
    pub(crate) state: State,
    pub(crate) accepted_at: UnixMs,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended_at: Option<UnixMs>,
    pub(crate) deadline: UnixMs,
    pub(crate) tenant: Tenant,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    pub(crate) tokens: i64,
    pub(crate) usd: f64,
    pub(crate) words: String,
}

/// A page, newest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listing {
    pub(crate) rows: Vec<Row>,
    /// Where the next page begins.
    pub(crate) next: Option<Mark>,
    /// Goals that were looked at.
    pub(crate) looked: usize,
}

pub(crate) async fn list(reach: &Reach, question: &Question) -> anyhow::Result<Listing> {
    let (ledger, now, chance) = (&*reach.ports.ledger, reach.ports.clock.now(), Chance::fresh());
    let standing = question.state.map(State::standing);
    let wanted = Wanted { standing, tenant: question.tenant.clone(), prefix: None };
    let mut listing = Listing { next: question.after, ..Listing::default() };
    let mut stories = 0;
    loop {
        let wanted_still = question.limit - listing.rows.len();
        let is_any_open = standing.is_none_or(|standing| standing == Standing::Open);
        let goals_max = if is_any_open { wanted_still.min(STORIES_MAX - stories) } else { wanted_still };
        let bounds = Bounds { goals_max, looks_max: LOOKS_MAX - listing.looked };
        let after = listing.next;
        let found = retried(PATIENCE, &chance, || page(ledger, &wanted, after, bounds)).await?;
        let rows = retried(PATIENCE, &chance, || rows(ledger, &reach.choreography, &found, now)).await?;
        stories += rows.iter().filter(|row| row.state.standing() == Standing::Open).count();
        listing.looked += found.looked;
        listing.next = found.next;
        // What ended meanwhile is on another shelf by now.
        listing.rows.extend(rows.into_iter().filter(|row| question.state.is_none_or(|state| state == row.state)));
        let enough = listing.rows.len() >= question.limit || listing.looked >= LOOKS_MAX || stories >= STORIES_MAX;
        if enough || listing.next.is_none() {
            return Ok(listing);
        }
    }
}

async fn rows(
    ledger: &dyn Ledger,
    choreography: &Choreography,
    page: &Page,
    now: UnixMs,
) -> Result<Vec<Row>, PortError> {
    let ids: Vec<GoalId> = page.goals.iter().map(|(listed, _)| listed.mark.goal).collect();
    let items = goals(ledger, &ids, now).await?;
    let there = page.goals.iter().filter_map(|(listed, _)| Some((listed.mark, items.get(&listed.mark.goal)?)));
    let rows = there.map(|(mark, item)| row(ledger, choreography, mark, item));
    stream::iter(rows).buffered(STORIES_AT_ONCE).try_collect().await
}

async fn row(ledger: &dyn Ledger, choreography: &Choreography, mark: Mark, item: &Item) -> Result<Row, PortError> {
    let goal = Goal::read(item)?;
    let standing = goal.standing();
    let is_stalled = standing == Standing::Open && !stalls_of(ledger, mark.goal, choreography).await?.is_empty();
    let spent = |attr| item.number(&attr).unwrap_or(0);
    Ok(Row {
        goal: mark.goal,
        state: State::of(standing, is_stalled),
        accepted_at: mark.at,
        ended_at: goal.join.closed.as_ref().map(|end| end.time),
        deadline: goal.deadline,
        tenant: goal.request.tenant.clone(),
        key: goal.request.goal_key.clone(),
        tokens: spent(Attr::TokensSpent),
        usd: spent(Attr::MicrosSpent) as f64 / 1e6,
        words: goal.words(),
    })
}

//! Owns the telling of a goal's story: from the items of the ledger alone, and from the records of attempts where they are.
//! Never asks a server, and never fails: what cannot be read is a gap that the story names.
//! Next: `records` fetches artifacts beforehand; `sources`, `steps`, `joins`, `moments` and `verdict` tell their parts;
//! `murmur explain` renders the whole.

mod advice;
mod attempts;
mod joins;
mod moments;
mod phrase;
mod records;
mod sentence;
mod sources;
mod steps;
mod verdict;

use std::collections::BTreeMap;

use contract::events::{ForkedFrom, GoalCancelled, GoalFailed, GoalRequested, OnDeadLetter};
use contract::story::{EndTold, GoalTold, Purse, RunStory, Waiting};
use contract::topology::Row;
use contract::{Choreography, Event, EventData, EventId, EventType, GoalId, Spend, Tenant, UnixMs, bounded};
use serde::Deserialize as _;

use crate::ledger::goal::Goal;
use crate::ledger::{Attr, Item, ItemKind, unexpired};
use crate::outcome::Outcome;
use sources::Source;

pub use phrase::{money, span};
pub use records::Records;

/// What the parts of a story are told from.
struct Material<'a> {
    id: GoalId,
    items: Vec<&'a Item>,
    goal: Option<Goal>,
    goal_item: Option<&'a Item>,
    records: &'a Records,
    choreography: &'a Choreography,
    now: UnixMs,
    /// What each committed step led to.
    outcomes: BTreeMap<ItemKind, Outcome>,
    /// Every event of the goal that any record holds.
    sources: BTreeMap<EventId, Source>,
}

/// What happened to a goal, as far as its items tell. `None`: there are none, or they have expired.
pub fn tell(items: &[Item], records: &Records, choreography: &Choreography, now: UnixMs) -> Option<RunStory> {
    let mut gaps = vec![];
    let material = Material::of(items, records, choreography, now, &mut gaps)?;
    let steps = steps::told(&material, &mut gaps);
    let joins = joins::told(&material, &steps, &mut gaps);
    let waiting = waiting(&material);
    let end = end(&material);
    let goal = goal(&material);
    let until = end.as_ref().map_or(now, |end| end.at);
    let verdict = verdict::of(&material, &steps, &joins, &waiting, end.as_ref());
    records.gaps(&steps, &mut gaps);
    Some(RunStory {
        dataschema: RunStory::dataschema(),
        told_at: now,
        standing: verdict.standing,
        summary: verdict.summary,
        trouble: verdict.trouble,
        next: verdict.next,
        took_ms: phrase::ms(goal.requested_at, until),
        spent: purse(material.goal_item),
        moments: moments::told(&goal, &steps, &joins, end.as_ref()),
        goal,
        steps,
        waiting,
        joins,
        end,
        gaps,
    })
}

impl<'a> Material<'a> {
    fn of(
        items: &'a [Item],
        records: &'a Records,
        choreography: &'a Choreography,
        now: UnixMs,
        gaps: &mut Vec<String>,
    ) -> Option<Material<'a>> {
        // An expired item may lie there for days: to a reader it is gone.
        let items: Vec<&Item> = items.iter().filter(|item| unexpired(Some((*item).clone()), now).is_some()).collect();
        let id = items.first()?.key.goal;
        let goal_item = items.iter().copied().find(|item| item.key.kind == ItemKind::Goal);
        let goal = match goal_item.map(Goal::read) {
            None => {
                gaps.push("the goal's own item is not there".into());
                None
            }
            Some(Err(why)) => {
                gaps.push(format!("the goal's own item cannot be read: {why}"));
                None
            }
            Some(Ok(goal)) => Some(goal),
        };
        let outcomes = records.outcomes(&items, gaps);
        let sources = sources::all(goal.as_ref(), &items, &outcomes);
        Some(Material { id, items, goal, goal_item, records, choreography, now, outcomes, sources })
    }

    fn ended(&self) -> Option<&Event> {
        self.goal.as_ref()?.join.closed.as_ref()
    }

    fn has_step(&self, row: &contract::RowName, event: EventId) -> bool {
        self.items.iter().any(
            |item| matches!(&item.key.kind, ItemKind::Step { row: of, event: about } if of == row && *about == event),
        )
    }

    /// Since when an event of that time can be taken here: a fork's copied events are older than the fork.
    fn here_since(&self, event_at: UnixMs) -> UnixMs {
        let fork = self.goal.as_ref().filter(|goal| goal.forked_from().is_some());
        fork.map_or(event_at, |goal| event_at.max(goal.request.time))
    }

    /// Whether a fork copied the join at which the row arrives as it closed: then nobody is sent what it had not done.
    fn is_left_out(&self, row: &Row) -> bool {
        let is_its =
            |item: &Item| matches!((&item.key.kind, &row.arrives), (ItemKind::Join(of), Some(at)) if *of == at.join);
        self.items.iter().any(|item| is_its(item) && item.has(&Attr::CopiedFrom))
    }

    fn kind_of(&self, event: EventId) -> Option<EventType> {
        self.sources.get(&event).map(|source| source.event.kind.clone())
    }
}

fn goal(material: &Material<'_>) -> GoalTold {
    let request = material.goal.as_ref().map(|goal| &goal.request);
    let asked = request.and_then(|request| request.data_as::<GoalRequested>().ok());
    let first = material.items.iter().filter_map(|item| item.time(&Attr::EventAt)).min();
    GoalTold {
        id: material.id,
        key: request.and_then(|request| request.goal_key.clone()),
        tenant: request.map_or_else(Tenant::default, |request| request.tenant.clone()),
        words: asked.as_ref().map(|asked| asked.goal.clone()).unwrap_or_default(),
        collections: asked.as_ref().map(|asked| asked.collections.clone()).unwrap_or_default(),
        sources: asked.as_ref().map(|asked| asked.sources.clone()).unwrap_or_default(),
        context: asked.as_ref().and_then(|asked| asked.context.clone()),
        budget: asked.as_ref().and_then(|asked| asked.budget),
        on_dead_letter: material.goal.as_ref().map_or(OnDeadLetter::Hold, |goal| goal.on_dead_letter),
        model: request.and_then(|request| request.data["model"].as_str()).map(bounded),
        trace: request.map_or_else(|| "0".repeat(32), |request| request.trace.trace.to_string()),
        requested_at: request.map(|request| request.time).or(first).unwrap_or(material.now),
        deadline: material.goal.as_ref().map(|goal| goal.deadline),
        forked_from: request.and_then(|request| ForkedFrom::deserialize(&request.data["forkedfrom"]).ok()),
    }
}

fn purse(goal: Option<&Item>) -> Purse {
    let number = |attr| {
        let found = goal.and_then(|goal| goal.number(&attr)).unwrap_or(0);
        u64::try_from(found).unwrap_or(0)
    };
    let spend = |tokens, micros| Spend { tokens: number(tokens), micros: number(micros) };
    Purse {
        spent: spend(Attr::TokensSpent, Attr::MicrosSpent),
        reserved: spend(Attr::TokensReserved, Attr::MicrosReserved),
        allowed: spend(Attr::TokensAllowed, Attr::MicrosAllowed),
    }
}

fn end(material: &Material<'_>) -> Option<EndTold> {
    let event = material.ended()?;
    let told = material.goal.as_ref().is_some_and(|goal| goal.join.told);
    let missing = event.data["missing"].as_array().map(Vec::as_slice).unwrap_or_default();
    let (mut cause, mut reason) = (None, None);
    if event.kind == GoalFailed::TYPE {
        cause = event.data_as::<GoalFailed>().ok().map(|failed| failed.cause);
    }
    if event.kind == GoalCancelled::TYPE {
        reason = event.data_as::<GoalCancelled>().ok().and_then(|cancelled| cancelled.reason);
    }
    Some(EndTold {
        kind: event.kind.clone(),
        event: event.id,
        at: event.time,
        told,
        cause,
        reason,
        missing: missing.iter().filter_map(|member| member.as_str().map(str::to_owned)).collect(),
    })
}

/// Events that somebody consumes, and whose step nobody has begun.
fn waiting(material: &Material<'_>) -> Vec<Waiting> {
    if material.ended().is_some() {
        return vec![];
    }
    let mut all = vec![];
    for source in material.sources.values() {
        let event = &source.event;
        let consumers = material.choreography.rows.iter().filter(|row| row.consumes.contains(&event.kind));
        let since = material.here_since(event.time);
        let is_awaited = |row: &&Row| !material.has_step(&row.name, event.id) && !material.is_left_out(row);
        for row in consumers.filter(is_awaited) {
            all.push(Waiting {
                row: row.name.clone(),
                agent: row.daemon.clone(),
                queue: row.queue.clone(),
                event: event.id,
                kind: event.kind.clone(),
                since,
                waited_ms: phrase::ms(since, material.now),
            });
        }
    }
    all.sort_by_key(|waiting| waiting.since);
    all
}

//! Owns one goal as `run` sees it: sent once, and its steps counted in the ledger until it ends.
//! Never changes anything but by that one message, which is judged and sent as any other goal's.
//! Next: `goal::sending` sends it.

use std::collections::BTreeMap;

use contract::events::GoalCompleted;
use contract::topology::Choreography;
use contract::{Event, EventData as _, GoalId, PortError};
use runtime::ledger::{Attr, Item, ItemKey, ItemKind};
use runtime::ports::Ports;
use runtime::{Chance, Settings};
use serde::Serialize;
use serde_json::Value;

use crate::goal::sending::Wish;

pub(crate) struct Goal {
    pub(crate) id: GoalId,
    wish: Wish,
}

pub(crate) enum Ended {
    Completed(Box<GoalCompleted>),
    Otherwise { kind: String, data: Value },
}

/// What is known of a goal's steps.
#[derive(Default)]
pub(crate) struct Followed {
    /// By the step's key: its row, and how it stands.
    steps: BTreeMap<String, (String, String)>,
    pub(crate) spent: Spent,
    pub(crate) ended: Option<Ended>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Spent {
    pub(crate) tokens: i64,
    /// Millionths of a US dollar.
    pub(crate) micros: i64,
}

/// A step that stands otherwise than before.
pub(crate) struct Changed {
    pub(crate) row: String,
    pub(crate) state: String,
    pub(crate) cause: Option<String>,
}

impl Goal {
    pub(crate) fn new(goal: &str, urls: &[String], collections: &[String], context: Option<&str>) -> Goal {
        let key = Chance::fresh().token().to_string();
        let wish = Wish {
            goal: goal.to_owned(),
            sources: urls.to_vec(),
            collections: collections.to_vec(),
            context: context.map(str::to_owned),
            ..Wish::default()
        };
        Goal { id: GoalId::derive(&wish.tenant, &key), wish: Wish { key: Some(key), ..wish } }
    }

    /// The key makes it one goal however often it arrives.
    pub(crate) async fn send(&self, ports: &Ports, choreography: &Choreography) -> anyhow::Result<()> {
        let (settings, chance) = (Settings::of(choreography), Chance::fresh());
        let letter = self.wish.clone().letter(choreography, &settings, ports.clock.now(), &chance)?;
        letter.send(ports).await
    }

    /// What has changed since it was asked last.
    pub(crate) async fn follow(&self, ports: &Ports, followed: &mut Followed) -> Result<Vec<Changed>, PortError> {
        let items = ports.ledger.story(self.id).await?;
        let changed = items.iter().filter_map(|item| followed.step(item)).collect();
        if let Some(goal) = items.iter().find(|item| item.key == ItemKey::goal(self.id)) {
            let number = |attr: &Attr| goal.number(attr).unwrap_or(0);
            followed.spent = Spent { tokens: number(&Attr::TokensSpent), micros: number(&Attr::MicrosSpent) };
            if let Some(ended) = goal.text(&Attr::Ended) {
                let read = Ended::read(ended);
                followed.ended = Some(read.map_err(|why| PortError::permanent(format!("the goal's end: {why}")))?);
            }
        }
        Ok(changed)
    }
}

impl Followed {
    fn step(&mut self, item: &Item) -> Option<Changed> {
        let ItemKind::Step { row, .. } = &item.key.kind else { return None };
        let (row, state) = (row.to_string(), item.text(&Attr::State).unwrap_or_default().to_owned());
        let now = (row.clone(), state.clone());
        let before = self.steps.insert(item.key.sort(), now.clone());
        (before != Some(now)).then(|| Changed { row, state, cause: item.text(&Attr::Cause).map(str::to_owned) })
    }

    /// Of one row: `2 done, 1 at work`; nothing where it has not begun.
    pub(crate) fn of_row(&self, row: &str) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, state) in self.steps.values().filter(|(of, _)| of == row) {
            *counts.entry(named(state)).or_default() += 1;
        }
        counts.iter().rev().map(|(state, count)| format!("{count} {state}")).collect::<Vec<_>>().join(", ")
    }
}

/// In a person's words.
pub(crate) fn named(state: &str) -> &str {
    match state {
        "claimed" => "at work",
        "committed" => "done",
        "released" => "to be tried again",
        "parked" => "given up",
        other => other,
    }
}

impl Ended {
    fn read(text: &str) -> Result<Ended, serde_json::Error> {
        let event: Event = serde_json::from_str(text)?;
        if event.kind == GoalCompleted::TYPE {
            return Ok(Ended::Completed(Box::new(serde_json::from_value(event.data)?)));
        }
        Ok(Ended::Otherwise { kind: event.kind.to_string(), data: event.data })
    }
}

//! Owns one goal as its user sees it: sent to the research queue, followed in the ledger until it ends.
//! Never changes anything but by that one message.
//! Next: `contract::decode` reads what is sent here.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use contract::events::GoalCompleted;
use contract::topology::Choreography;
use contract::{Attributes, Event, EventData as _, GoalId, PortError, Tenant};
use runtime::ledger::{Attr, Item, ItemKey, ItemKind};
use runtime::ports::{Outbound, Ports};
use runtime::{Chance, retried};
use serde::Serialize;
use serde_json::{Value, json};

const SEND_MAX: Duration = Duration::from_secs(30);

pub(crate) struct Goal {
    pub(crate) id: GoalId,
    body: Value,
    key: String,
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
        let mut body = json!({"goal": goal, "key": key, "collections": collections});
        if !urls.is_empty() {
            body["sources"] = json!(urls);
        }
        if let Some(context) = context {
            body["context"] = json!(context);
        }
        Goal { id: GoalId::derive(&Tenant::default(), &key), body, key }
    }

    /// The key makes it one goal however often it arrives.
    pub(crate) async fn send(&self, ports: &Ports, choreography: &Choreography) -> anyhow::Result<()> {
        let row = choreography.rows.iter().find(|row| row.accepts_goals).context("nobody accepts goals")?;
        let mut attributes = Attributes::default();
        attributes.set(contract::attributes::IDEMPOTENCY_KEY, &self.key);
        attributes.set(contract::attributes::GOAL_ID, self.id.to_string());
        let goal = [Outbound { body: self.body.to_string(), attributes, group: None }];
        let chance = Chance::fresh();
        let once = || async { ports.queue.send(&row.queue, &goal).await?.into_iter().collect::<Result<Vec<()>, _>>() };
        retried(SEND_MAX, &chance, once).await?;
        Ok(())
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

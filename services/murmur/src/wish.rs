//! Owns one goal as its user sees it: sent to the research queue, followed in the ledger until it ends.
//! Never changes anything but by that one message.
//! Next: `contract::decode` reads what is sent here.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, bail};
use contract::events::GoalCompleted;
use contract::topology::Choreography;
use contract::{Attributes, Event, EventData as _, GoalId, Tenant};
use runtime::ledger::{Attr, ItemKey, ItemKind};
use runtime::ports::{Outbound, Ports};
use runtime::{Chance, retried};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::show;

const SEND_MAX: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

pub(crate) struct Goal {
    pub(crate) id: GoalId,
    body: Value,
    key: String,
}

pub(crate) enum Ended {
    Completed(Box<GoalCompleted>),
    Otherwise { kind: String, data: Value },
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

    /// Until it ends; each step is told as it is done.
    pub(crate) async fn watch(&self, ports: &Ports, within: Duration) -> anyhow::Result<Ended> {
        let deadline = Instant::now() + within;
        let mut seen = BTreeMap::new();
        loop {
            let items = ports.ledger.story(self.id).await.unwrap_or_default();
            for item in &items {
                let ItemKind::Step { row, .. } = &item.key.kind else { continue };
                let state = item.text(&Attr::State).unwrap_or_default().to_owned();
                if seen.insert(item.key.sort(), state.clone()).as_ref() != Some(&state) {
                    show::step(row.as_str(), &state, item.text(&Attr::Cause));
                }
            }
            let goal = items.iter().find(|item| item.key == ItemKey::goal(self.id));
            if let Some(ended) = goal.and_then(|goal| goal.text(&Attr::Ended)) {
                return Ended::read(ended);
            }
            if Instant::now() >= deadline {
                bail!("the goal has not ended within {} s", within.as_secs());
            }
            sleep(POLL).await;
        }
    }
}

impl Ended {
    fn read(text: &str) -> anyhow::Result<Ended> {
        let event: Event = serde_json::from_str(text)?;
        if event.kind == GoalCompleted::TYPE {
            return Ok(Ended::Completed(Box::new(serde_json::from_value(event.data)?)));
        }
        Ok(Ended::Otherwise { kind: event.kind.to_string(), data: event.data })
    }
}

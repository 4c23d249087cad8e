//! Owns a goal as its user knows it: sent to the research queue as a person would type it, watched until it ends.
//! Never looks into a daemon: the ledger tells how a goal ended.
//! Next: `contract::decode` reads what is sent here.

use std::time::Duration;

use anyhow::{Context as _, bail};
use contract::{Attributes, Choreography, Event, GoalId, Tenant};
use runtime::ledger::{Attr, Item, ItemKey};
use runtime::ports::{Outbound, Ports};
use runtime::{Chance, retried};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::agents::SLOWLY;

const SEND_MAX: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// One goal.
#[derive(Clone, Debug)]
pub struct Wish {
    pub key: String,
    pub words: String,
    /// What else the message says: `sources`, `collections`, …
    pub more: Map<String, Value>,
}

impl Wish {
    pub fn new(key: &str) -> Wish {
        Wish::of(key, &format!("the goal of {key}"))
    }

    /// With a word that makes its analysis slow.
    pub fn slowly(key: &str) -> Wish {
        Wish::of(key, &format!("the goal of {key}, {SLOWLY}"))
    }

    pub fn of(key: &str, words: &str) -> Wish {
        Wish { key: key.into(), words: words.into(), more: Map::new() }
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Wish {
        self.more.insert(name.into(), value);
        self
    }

    pub fn id(&self) -> GoalId {
        GoalId::derive(&Tenant::default(), &self.key)
    }

    /// As a client does that tries again: the key makes it one goal however often it arrives.
    pub async fn send(&self, ports: &Ports, choreography: &Choreography) -> anyhow::Result<()> {
        let row = choreography.rows.iter().find(|row| row.accepts_goals).context("nobody accepts goals")?;
        let mut body = self.more.clone();
        body.extend([("goal".to_owned(), json!(self.words)), ("key".to_owned(), json!(self.key))]);
        let goal = [Outbound { body: Value::Object(body).to_string(), attributes: Attributes::default(), group: None }];
        let chance = Chance::fresh();
        let once = || async { ports.queue.send(&row.queue, &goal).await?.into_iter().collect::<Result<Vec<()>, _>>() };
        retried(SEND_MAX, &chance, once).await?;
        Ok(())
    }

    /// The terminal event, once there is one.
    pub async fn end(&self, ports: &Ports, within: Duration) -> anyhow::Result<Event> {
        let deadline = Instant::now() + within;
        loop {
            // A server may be away for a while, as a test wants.
            let goal = ports.ledger.read(&ItemKey::goal(self.id())).await.ok().flatten();
            if let Some(ended) = goal.as_ref().and_then(|goal| goal.text(&Attr::Ended)) {
                return Ok(serde_json::from_str(ended)?);
            }
            if Instant::now() >= deadline {
                bail!("{} has not ended: {}", self.key, self.story(ports).await);
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Every item of the goal, for whoever must find out why.
    pub async fn story(&self, ports: &Ports) -> String {
        let told = |item: Item| format!("{}: {:?}\n", item.key.sort(), item.attrs);
        match ports.ledger.story(self.id()).await {
            Ok(items) => items.into_iter().map(told).collect(),
            Err(why) => why.to_string(),
        }
    }
}

//! Owns a goal on its way: what is asked for, judged here as its receiver will, and sent to the queue that accepts goals.
//! Never a goal without a key, and never a key with other data than before: the first goal is found, and left alone.
//! Next: `contract::decode` reads what is sent; `submit` and `run` send.

use std::time::Duration;

use anyhow::Context as _;
use contract::decode::{Raw, decode};
use contract::events::{Budget, GoalRequested, OnDeadLetter};
use contract::topology::Choreography;
use contract::{Attributes, Digest, Event, QueueName, Tenant, UnixMs, attributes};
use runtime::ledger::goal::{self, Goal};
use runtime::ledger::{ItemKey, unexpired};
use runtime::ports::{Outbound, Ports, Queue};
use runtime::{Chance, Settings, retried};
use serde_json::{Map, Value, json};

use crate::exit::Misused;

/// How long a server may be away before a call is given up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What somebody wants.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    pub(crate) goal: String,
    pub(crate) sources: Vec<String>,
    pub(crate) collections: Vec<String>,
    pub(crate) context: Option<String>,
    pub(crate) tenant: Tenant,
    /// Without one, a fresh one is made.
    pub(crate) key: Option<String>,
    pub(crate) budget: Option<Budget>,
    pub(crate) until: Option<Until>,
    pub(crate) on_dead_letter: OnDeadLetter,
}

/// A goal's deadline, as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    In(Duration),
    At(UnixMs),
}

/// A wish that its receiver will take, addressed.
#[derive(Debug)]
pub(crate) struct Letter {
    /// As the receiver will read it.
    pub(crate) event: Event,
    pub(crate) key: String,
    queue: QueueName,
    message: Outbound,
    /// Asked for again, it lies elsewhere, and means the same.
    deadline_floats: bool,
}

/// What became of this key before.
#[derive(Debug)]
pub(crate) enum Before {
    Nothing,
    Same(Box<Goal>),
    /// With these fields of the goal different.
    Other(Box<Goal>, Vec<String>),
}

impl Wish {
    /// Refused with what is wrong with it, before anything is sent.
    pub(crate) fn letter(
        self,
        choreography: &Choreography,
        settings: &Settings,
        now: UnixMs,
        chance: &Chance,
    ) -> anyhow::Result<Letter> {
        let row = choreography.rows.iter().find(|row| row.accepts_goals).context("nobody accepts goals")?;
        let key = self.key.clone().unwrap_or_else(|| chance.token().to_string());
        let body = self.body(&key, now)?.to_string();
        let mut told = Attributes::default();
        told.set(attributes::IDEMPOTENCY_KEY, &key);
        told.set(attributes::TENANT, self.tenant.as_str());
        told.set(attributes::TRACEPARENT, chance.trace().traceparent());
        let raw = Raw { body: body.as_bytes(), attributes: &told, message_id: "", sent_at: now };
        let event = decode(raw, row, choreography).map_err(|why| Misused(why.detail))?;
        let request: GoalRequested = event.data_as()?;
        goal::deadline(&request, now, settings).map_err(Misused)?;
        told.set(attributes::GOAL_ID, event.goal.to_string());
        Ok(Letter {
            event,
            key,
            queue: row.queue.clone(),
            message: Outbound { body, attributes: told, group: Some(self.tenant.to_string()) },
            deadline_floats: matches!(self.until, Some(Until::In(_))),
        })
    }

    /// The bare form, as a person with any client would type it.
    fn body(&self, key: &str, now: UnixMs) -> anyhow::Result<Value> {
        if self.goal.trim().is_empty() {
            return Err(
                Misused("an empty goal: say what you want, as in \"Compare prices of hosted brokers\"".into()).into()
            );
        }
        if let Some(source) = self.sources.iter().find(|source| !is_url(source)) {
            let instead = format!("murmur ingest {source} --collection NAME, then --collections NAME");
            return Err(Misused(format!("{source} is no URL, and agents cannot read your disk: {instead}")).into());
        }
        let mut body = Map::new();
        let mut say = |name: &str, value: Value| body.insert(name.into(), value);
        say("goal", json!(self.goal));
        say("key", json!(key));
        say("tenant", json!(self.tenant));
        say("collections", json!(self.collections));
        say("sources", json!(self.sources));
        if let Some(context) = &self.context {
            say("context", json!(context));
        }
        if let Some(budget) = self.budget {
            say("budget", json!(budget));
        }
        if let Some(until) = self.until {
            say("deadline", json!(until.instant(now)?));
        }
        say("on_dead_letter", json!(self.on_dead_letter));
        Ok(body.into())
    }
}

impl Until {
    fn instant(self, now: UnixMs) -> anyhow::Result<UnixMs> {
        match self {
            Until::In(span) => Ok(now + span),
            Until::At(at) if at > now => Ok(at),
            Until::At(at) => Err(Misused(format!("the deadline {at} has passed: it is {now}")).into()),
        }
    }
}

impl Letter {
    /// Whether the ledger knows this goal already. What is still in the queue is not seen: the key makes that one goal.
    pub(crate) async fn before(&self, ports: &Ports) -> anyhow::Result<Before> {
        let (key, chance) = (ItemKey::goal(self.event.goal), Chance::fresh());
        let found = retried(PATIENCE, &chance, || ports.ledger.read(&key)).await?;
        let Some(item) = unexpired(found, ports.clock.now()) else { return Ok(Before::Nothing) };
        let first = Box::new(Goal::read(&item)?);
        let ours = self.as_if_asked_then(&first);
        if Digest::of_data(&ours) == first.digest {
            return Ok(Before::Same(first));
        }
        let differs = differing(&first.request.data, &ours);
        Ok(Before::Other(first, differs))
    }

    /// The same span from now ends later than it did then.
    fn as_if_asked_then(&self, first: &Goal) -> Value {
        let mut ours = self.event.data.clone();
        if let (true, Some(then)) = (self.deadline_floats, first.request.data.get("deadline")) {
            ours["deadline"] = then.clone();
        }
        ours
    }

    pub(crate) async fn send(&self, ports: &Ports) -> anyhow::Result<()> {
        post(&*ports.queue, &self.queue, &self.message).await
    }
}

/// One message to one queue, tried again while that may help.
pub(crate) async fn post(port: &dyn Queue, queue: &QueueName, message: &Outbound) -> anyhow::Result<()> {
    let (batch, chance) = (std::slice::from_ref(message), Chance::fresh());
    let once = || async { port.send(queue, batch).await?.into_iter().collect::<Result<Vec<()>, _>>() };
    retried(PATIENCE, &chance, once).await?;
    Ok(())
}

fn differing(one: &Value, other: &Value) -> Vec<String> {
    let (Some(one), Some(other)) = (one.as_object(), other.as_object()) else { return vec![] };
    let mut names: Vec<&String> = one.keys().chain(other.keys()).collect();
    names.sort();
    names.dedup();
    names.into_iter().filter(|name| one.get(*name) != other.get(*name)).cloned().collect()
}

pub(crate) fn is_url(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://")
}

#[cfg(test)]
mod tests {
    use contract::{GoalId, Topology};

    use super::*;

    const NOW: UnixMs = UnixMs(1_795_000_000_000);

    fn wish(goal: &str) -> Wish {
        Wish { goal: goal.into(), ..Wish::default() }
    }

    fn letter(wish: Wish) -> anyhow::Result<Letter> {
        let choreography = Topology::murmuration().check().map_err(|why| anyhow::anyhow!("{why:?}"))?;
        wish.letter(&choreography, &Settings::of(&choreography), NOW, &Chance::seeded(1))
    }

    #[test]
    fn a_letter_carries_its_facts_in_attributes_and_makes_a_key_where_none_is_given() -> anyhow::Result<()> {
        let tenant: Tenant = "acme".parse()?;
        let letter = letter(Wish { tenant: tenant.clone(), ..wish("Compare prices") })?;
        assert_eq!(letter.event.goal, GoalId::derive(&tenant, &letter.key));
        let told = &letter.message.attributes;
        assert_eq!(told.get(attributes::IDEMPOTENCY_KEY), Some(letter.key.as_str()));
        assert_eq!((told.goal(), told.tenant()), (Some(letter.event.goal), Some(tenant)));
        assert_eq!(told.trace().map(|trace| trace.trace), Some(letter.event.trace.trace));
        assert_eq!(letter.message.group.as_deref(), Some("acme"));
        Ok(())
    }

    #[test]
    fn what_the_receiver_would_reject_is_refused_with_what_to_do() {
        let at = |ms: i64| Some(Until::At(UnixMs(NOW.0 + ms)));
        let refused = [
            (wish("  "), "an empty goal"),
            (wish(&"x".repeat(9_000)), "8192 at most"),
            (Wish { until: at(-1), ..wish("a") }, "has passed"),
            (
                Wish { until: Some(Until::In(Duration::from_secs(30 * 24 * 3600))), ..wish("a") },
                "later than the latest",
            ),
            (Wish { budget: Some(Budget { tokens: None, usd: Some(-1.0) }), ..wish("a") }, "budget"),
            (Wish { key: Some(String::new()), ..wish("a") }, "key is empty"),
            (Wish { sources: vec!["./notes".into()], ..wish("a") }, "murmur ingest ./notes"),
            (Wish { collections: vec!["x".into(); 101], ..wish("a") }, "more than 100"),
        ];
        for (wish, told) in refused {
            let why = letter(wish).map(|_| "it was taken".to_owned()).unwrap_or_else(|why| why.to_string());
            assert!(why.contains(told), "{why:?} does not say {told:?}");
        }
    }

    #[test]
    fn what_differs_is_told_by_its_name() {
        let (one, other) = (json!({"goal": "a", "context": "b"}), json!({"goal": "c", "sources": []}));
        assert_eq!(differing(&one, &other), ["context", "goal", "sources"]);
    }
}

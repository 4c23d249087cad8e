//! Owns the three entrances: an event in EventBridge's wrapper, an event by itself, and a person's bare goal.
//! Never panics, never guesses: what is not exactly one of the three is refused with a cause that says why.
//! Next: `runtime::delivery`, which rejects what is refused and claims what is not.

use serde::Deserialize;
use serde_json::Value;

use crate::events::{Budget, GoalRequested, OnDeadLetter};
use crate::guard::{self, Guard};
use crate::limits::{BODY_BYTES_MAX, EVENT_BYTES_MAX, GOAL_TEXT_BYTES_MAX, JSON_DEPTH_MAX, SOURCES_MAX};
use crate::topology::{Choreography, Row};
use crate::{
    Attributes, Cause, CauseKind, Enveloped, Event, EventData, EventId, EventType, GoalId, Source, SpanId, Tenant,
    TraceContext, TraceId, Unit, UnixMs, attributes, json,
};

/// A queue message as it came, of which nothing is believed yet.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a> {
    pub body: &'a [u8],
    pub attributes: &'a Attributes,
    pub message_id: &'a str,
    pub sent_at: UnixMs,
}

/// The event that a message of this row's queue carries, or why it carries none.
pub fn decode(raw: Raw<'_>, row: &Row, choreography: &Choreography) -> Result<Event, Cause> {
    let body = body_of(raw)?;
    let event = match body {
        Body::Bare(bare) if row.accepts_goals => bare.into_event(raw)?,
        Body::Bare(_) => return Err(undecodable("a bare goal belongs on the queue of the row that accepts goals")),
        Body::Event(event) => entered(event, raw)?,
    };
    if !row.consumes.contains(&event.kind) {
        return Err(undecodable(format!("row {} does not consume {}", row.name, event.kind)));
    }
    choreography.validate(&event.kind, event.version, &event.data).map_err(undecodable)?;
    if !guard::holds(Guard::SourcePermitted, choreography.may_publish(&event.source, &event.kind)) {
        return Err(Cause::new(CauseKind::ForgedSource, format!("{} may not publish {}", event.source, event.kind)));
    }
    if !guard::holds(Guard::HopLimit, event.hops <= choreography.hops_max) {
        let detail = format!("{} hops from the goal, {} at most", event.hops, choreography.hops_max);
        return Err(Cause::new(CauseKind::HopsExhausted, detail));
    }
    Ok(event)
}

enum Body {
    Event(Box<Enveloped>),
    Bare(Box<BareGoal>),
}

fn body_of(raw: Raw<'_>) -> Result<Body, Cause> {
    if !guard::holds(Guard::BodySize, raw.body.len() <= BODY_BYTES_MAX) {
        return Err(undecodable(format!("{} bytes where {BODY_BYTES_MAX} are the most", raw.body.len())));
    }
    let text = std::str::from_utf8(raw.body).map_err(|why| undecodable(format!("no UTF-8: {why}")))?;
    if !guard::holds(Guard::JsonDepth, depth(text) <= JSON_DEPTH_MAX) {
        return Err(undecodable(format!("nested deeper than {JSON_DEPTH_MAX}")));
    }
    let value = json::parse(text).map_err(|why| undecodable(format!("no JSON: {why}")))?;
    let Value::Object(fields) = &value else {
        return Err(undecodable("the body is no JSON object"));
    };
    let read = |why: serde_json::Error| undecodable(why.to_string());
    if fields.contains_key("specversion") {
        Ok(Body::Event(Box::new(small(Enveloped::deserialize(value).map_err(read)?)?)))
    } else if fields.contains_key("detail-type") {
        let wrapper = Wrapper::deserialize(value).map_err(read)?;
        Ok(Body::Event(Box::new(small(wrapper.unwrapped()?)?)))
    } else if fields.contains_key("goal") {
        Ok(Body::Bare(Box::new(BareGoal::deserialize(value).map_err(read)?)))
    } else {
        Err(undecodable("neither a CloudEvent, nor EventBridge's wrapper of one, nor {\"goal\": \"…\"}"))
    }
}

/// What EventBridge puts around an event on its way to a queue.
#[derive(Deserialize)]
struct Wrapper {
    #[serde(rename = "detail-type")]
    detail_type: EventType,
    source: Source,
    detail: Enveloped,
}

impl Wrapper {
    /// IAM policies speak of the wrapper's source and type: an envelope that says otherwise is a forgery.
    fn unwrapped(self) -> Result<Enveloped, Cause> {
        let event = self.detail.event();
        if event.source != self.source || event.kind != self.detail_type {
            let detail = format!("{} published {} as {}", self.source, self.detail_type, event.kind);
            return Err(Cause::new(CauseKind::ForgedSource, detail));
        }
        Ok(self.detail)
    }
}

fn small(enveloped: Enveloped) -> Result<Enveloped, Cause> {
    let bytes = enveloped.event().json_bytes();
    if bytes > EVENT_BYTES_MAX {
        return Err(undecodable(format!("an event of {bytes} bytes, {EVENT_BYTES_MAX} at most")));
    }
    Ok(enveloped)
}

/// An event that says of itself who and what it is: what can be checked of that, is.
fn entered(enveloped: Box<Enveloped>, raw: Raw<'_>) -> Result<Event, Cause> {
    let key = enveloped.idempotency_key.clone();
    let goal = enveloped.event().goal;
    if enveloped.event().goal_key.as_deref().is_some_and(|key| !attributes::is_key(key)) {
        return Err(undecodable("goalkey is empty, too long, or holds control characters"));
    }
    let mut event = enveloped.with_trace(|| raw.attributes.trace().unwrap_or_else(|| fresh_trace(goal)));
    if event.kind == GoalRequested::TYPE {
        if !attributes::is_key(&key) || GoalId::derive(&event.tenant, &key) != event.goal {
            return Err(undecodable("goalid is not the one that tenant and idempotencykey lead to"));
        }
        if event.id != EventId::derive(event.goal, &event.kind, &Unit::goal()) {
            return Err(undecodable("id is not the one that a goal's request has"));
        }
        // Through the type, so that the same goal has the same digest whichever way it came.
        let goal: GoalRequested = event.data_as().map_err(|why| undecodable(why.to_string()))?;
        sensible(&goal)?;
        event.data = to_data(&goal)?;
        event.goal_key = Some(key);
    }
    Ok(event)
}

/// What a person types into any AWS client. Unknown fields are refused here: they are typing errors.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BareGoal {
    goal: String,
    key: Option<String>,
    tenant: Option<Tenant>,
    #[serde(default)]
    collections: Vec<String>,
    #[serde(default)]
    sources: Vec<String>,
    context: Option<String>,
    budget: Option<Budget>,
    deadline: Option<UnixMs>,
    #[serde(default)]
    on_dead_letter: OnDeadLetter,
}

impl BareGoal {
    fn into_event(self, raw: Raw<'_>) -> Result<Event, Cause> {
        let key = agreed("key", self.key, raw.attributes.idempotency_key().map(str::to_owned))?;
        let tenant = agreed("tenant", self.tenant, raw.attributes.tenant())?.unwrap_or_default();
        let key = key.unwrap_or_else(|| raw.message_id.to_owned());
        if !attributes::is_key(&key) {
            return Err(undecodable("the key is empty, too long, or holds control characters"));
        }
        let goal = GoalId::derive(&tenant, &key);
        let request = GoalRequested {
            goal: self.goal,
            collections: self.collections,
            sources: self.sources,
            context: self.context,
            budget: self.budget,
            deadline: self.deadline,
            on_dead_letter: self.on_dead_letter,
            model: None,
            forkedfrom: None,
        };
        sensible(&request)?;
        Ok(Event {
            id: EventId::derive(goal, &GoalRequested::TYPE, &Unit::goal()),
            source: Source::USER,
            kind: GoalRequested::TYPE,
            version: GoalRequested::VERSION,
            time: raw.sent_at,
            goal,
            goal_key: Some(key),
            causation: None,
            hops: 0,
            deadline: request.deadline,
            tenant,
            trace: raw.attributes.trace().unwrap_or_else(|| fresh_trace(goal)),
            data: to_data(&request)?,
        })
    }
}

/// Said in the body, in an attribute, in both the same way, or not at all.
fn agreed<T: PartialEq>(what: &str, body: Option<T>, attribute: Option<T>) -> Result<Option<T>, Cause> {
    match (body, attribute) {
        (Some(body), Some(attribute)) if body != attribute => {
            Err(undecodable(format!("the {what} in the body is not the one in the message attribute")))
        }
        (body, attribute) => Ok(body.or(attribute)),
    }
}

fn sensible(goal: &GoalRequested) -> Result<(), Cause> {
    if goal.goal.trim().is_empty() {
        return Err(undecodable("the goal is empty"));
    }
    // As JSON spells it, without its quotes: so much room it takes in every event that repeats it.
    let bytes = serde_json::to_string(&goal.goal).map_or(0, |text| text.len() - 2);
    if bytes > GOAL_TEXT_BYTES_MAX {
        return Err(undecodable(format!("a goal of {bytes} bytes as JSON, {GOAL_TEXT_BYTES_MAX} at most")));
    }
    if goal.sources.len() > SOURCES_MAX || goal.collections.len() > SOURCES_MAX {
        return Err(undecodable(format!("more than {SOURCES_MAX} sources or collections")));
    }
    if goal.budget.and_then(|budget| budget.usd).is_some_and(|usd| !(0.0..1e9).contains(&usd)) {
        return Err(undecodable("a budget in usd is a number from 0 to a thousand million"));
    }
    Ok(())
}

fn to_data<T: EventData>(data: &T) -> Result<Value, Cause> {
    serde_json::to_value(data).map_err(|why| undecodable(why.to_string()))
}

/// Derived from the goal: a redelivery of a message without a trace begins the same fresh one.
fn fresh_trace(goal: GoalId) -> TraceContext {
    let id = goal.0.as_u128();
    TraceContext { trace: TraceId(id.max(1)), span: SpanId((id as u64).max(1)), sampled: true, state: None }
}

fn undecodable(why: impl Into<String>) -> Cause {
    Cause::new(CauseKind::Undecodable, why)
}

/// How deep the brackets go, looked at before a parser recurses into them.
fn depth(json: &str) -> usize {
    let (mut now, mut most, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                now += 1;
                most = most.max(now);
            }
            b'}' | b']' if !in_string => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

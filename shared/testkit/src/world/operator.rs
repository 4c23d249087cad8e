//! Owns the people of a simulated world: who sends goals, sends them twice, cancels them, forges events, and redrives
//! dead letters, as a seed decides.
//! Never a daemon: they use the servers directly, as a person with an AWS client would.
//! Next: `run` starts them; the witness learns what they redrive.

use std::sync::Arc;
use std::time::Duration;

use contract::events::{GoalCancelRequested, GoalRequested};
use contract::{Attributes, Event, EventData, EventId, GoalId, QueueName, Source, Tenant, TraceContext, Unit};
use runtime::ledger::{ItemKey, ItemKind};
use runtime::ports::{Bus, Outbound, Queue};
use serde_json::{Value, json};

use super::Shared;
use super::point::Fault;
use crate::memory::StoredMessage;

const REDRIVES_MAX: u32 = 24;

/// One goal as its user knows it.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) tenant: Tenant,
    pub(crate) key: String,
    body: Value,
}

impl Wish {
    pub(crate) fn draw(shared: &Shared, number: usize) -> Wish {
        let mut body = json!({ "goal": format!("goal {number} of seed {}", shared.seed) });
        let policy = if shared.chance(0.35) { "fail" } else { "hold" };
        let tokens = shared.draw(|rng| [1_000_000, 1_000_000, 40, 90][rng.usize(..4)]);
        let deadline_s = shared.draw(|rng| [4_000, 2_000, 900, 250, 120][rng.usize(..5)]);
        body["on_dead_letter"] = policy.into();
        body["budget"] = json!({ "tokens": tokens });
        body["deadline"] = (shared.now() + Duration::from_secs(deadline_s)).to_string().into();
        if shared.chance(0.02) {
            // Longer ago than records are kept.
            shared.hits().fault(Fault::DeadlinePast);
            body["deadline"] = (shared.now() - Duration::from_secs(40 * 24 * 3_600)).to_string().into();
        }
        let tenant = if shared.chance(0.5) { "acme" } else { "default" };
        Wish { tenant: tenant.parse().unwrap_or_default(), key: format!("key-{number}"), body }
    }

    pub(crate) fn goal(&self) -> GoalId {
        GoalId::derive(&self.tenant, &self.key)
    }

    fn other(&self) -> Wish {
        let mut body = self.body.clone();
        body["goal"] = "something else under the same key".into();
        Wish { body, ..self.clone() }
    }

    fn event(&self, shared: &Shared) -> Event {
        let goal = self.goal();
        let data: GoalRequested =
            serde_json::from_value(self.body.clone()).unwrap_or_else(|_| GoalRequested::example());
        envelope(shared, goal, &self.tenant, Some(self.key.clone()), json!(data), &GoalRequested::TYPE)
    }
}

fn envelope(
    shared: &Shared,
    goal: GoalId,
    tenant: &Tenant,
    key: Option<String>,
    data: Value,
    kind: &contract::EventType,
) -> Event {
    let traceparent = format!("00-{:032x}-{:016x}-01", goal.0.as_u128().max(1), shared.draw(|rng| rng.u64(1..)));
    Event {
        id: EventId::derive(goal, kind, &Unit::goal()),
        source: Source::USER,
        kind: kind.clone(),
        version: 1,
        time: shared.now(),
        goal,
        goal_key: key,
        causation: None,
        hops: 0,
        deadline: None,
        tenant: tenant.clone(),
        trace: TraceContext::parse(&traceparent, None).unwrap_or(TraceContext::NONE),
        data,
    }
}

/// Everything that people will do in this seed.
pub(crate) fn plan(shared: &Arc<Shared>, wishes: &[Wish]) {
    for wish in wishes {
        at(shared, 60, wish.clone(), |shared, wish| async move { send(&shared, &wish).await });
        if shared.chance(0.3) {
            shared.hits().fault(Fault::SecondGoal);
            at(shared, 1_500, wish.clone(), |shared, wish| async move { send(&shared, &wish).await });
        }
        if shared.chance(0.2) {
            shared.hits().fault(Fault::OtherData);
            at(shared, 300, wish.other(), |shared, wish| async move { send(&shared, &wish).await });
        }
        if shared.chance(0.2) {
            at(shared, 600, (), |shared, ()| async move { forge(&shared).await });
        }
    }
    if shared.seed.is_multiple_of(4) {
        // Every other seed has a cancel or, below, a redrive.
        let wish = wishes[shared.draw(|rng| rng.usize(..wishes.len()))].clone();
        shared.hits().fault(Fault::Cancel);
        let within = shared.draw(|rng| [5, 60, 400][rng.usize(..3)]);
        at(shared, within, wish, |shared, wish| async move { cancel(&shared, wish.goal(), &wish.tenant).await });
    }
    if shared.chance(0.1) {
        shared.hits().fault(Fault::CancelOfNobody);
        let nobody = GoalId::derive(&Tenant::default(), "nobody's");
        at(shared, 300, nobody, |shared, goal| async move { cancel(&shared, goal, &Tenant::default()).await });
    }
    if shared.chance(0.1) {
        shared.hits().fault(Fault::Rubbish);
        at(shared, 300, (), |shared, ()| async move { rubbish(&shared).await });
    }
    if shared.chance(0.1) {
        at(shared, 600, (), |shared, ()| async move { from_somebody_else(&shared).await });
    }
    if shared.chance(0.1) {
        shared.hits().fault(Fault::EventOfNobody);
        at(shared, 300, (), |shared, ()| async move { event_of_nobody(&shared).await });
    }
}

fn at<T, F>(shared: &Arc<Shared>, within_s: u64, with: T, what: impl FnOnce(Arc<Shared>, T) -> F + Send + 'static)
where
    T: Send + 'static,
    F: Future<Output = ()> + Send,
{
    let (after, world) = (Duration::from_millis(shared.up_to(within_s * 1_000)), Arc::clone(shared));
    shared.later(after, async move { what(world, with).await });
}

/// By whichever entrance: as an event by the bus or to the queue, or bare.
async fn send(shared: &Shared, wish: &Wish) {
    let queue = QueueName::new("murmur-research");
    let event = wish.event(shared);
    let message = match shared.up_to(2) {
        0 => {
            drop(shared.cloud.bus.put(&[event]).await);
            return;
        }
        1 => Outbound { attributes: Attributes::of_event(&event), body: event.to_json(), group: None },
        _ => {
            let mut attributes = Attributes::default();
            attributes.set(contract::attributes::TENANT, wish.tenant.as_str());
            let mut body = wish.body.clone();
            if shared.chance(0.5) {
                attributes.set(contract::attributes::IDEMPOTENCY_KEY, wish.key.as_str());
            } else {
                body["key"] = wish.key.clone().into();
            }
            Outbound { body: body.to_string(), attributes, group: None }
        }
    };
    drop(shared.cloud.queue.send(&queue, &[message]).await);
}

async fn cancel(shared: &Shared, goal: GoalId, tenant: &Tenant) {
    let data = json!(GoalCancelRequested { reason: Some("a user did".into()) });
    let event = envelope(shared, goal, tenant, None, data, &GoalCancelRequested::TYPE);
    shared.log("user", "CANCELS", goal);
    drop(shared.cloud.bus.put(&[event]).await);
}

/// A message with the id of an event whose step exists, and other data.
async fn forge(shared: &Shared) {
    let published = shared.cloud.bus.published_since(0);
    let consumed = |event: &&Arc<Event>| {
        shared.choreography.rows.iter().any(|row| {
            let key = ItemKey::step(event.goal, &row.name, event.id);
            row.consumes.contains(&event.kind) && shared.step(&key).is_some()
        }) && event.kind != GoalRequested::TYPE
    };
    let candidates: Vec<_> = published.iter().filter(consumed).collect();
    if candidates.is_empty() {
        return;
    }
    shared.hits().fault(Fault::Forged);
    let mut forged = Event::clone(candidates[shared.draw(|rng| rng.usize(..candidates.len()))]);
    forged.data["forged"] = true.into();
    shared.log("somebody", "FORGES", forged.id);
    for row in shared.choreography.rows.iter().filter(|row| row.consumes.contains(&forged.kind)) {
        let key = ItemKey::step(forged.goal, &row.name, forged.id);
        let Some(step) = shared.step(&key) else { continue };
        let mut attributes = Attributes::of_event(&forged);
        if step.parks > 0 && shared.chance(0.5) {
            let note = contract::ParkNote {
                n: step.parks,
                cause: contract::Cause::new(contract::CauseKind::Permanent, "forged"),
                attempts: 0,
                goal: None,
                event: None,
                trace: None,
                body: None,
            };
            attributes.set(contract::attributes::PARK, note.render());
        }
        let message = Outbound { body: forged.to_json(), attributes, group: None };
        drop(shared.cloud.queue.send(&row.queue, &[message]).await);
    }
}

/// What is no event at all, on any queue.
async fn rubbish(shared: &Shared) {
    let rows = &shared.choreography.rows;
    let row = &rows[shared.draw(|rng| rng.usize(..rows.len()))];
    let bodies = ["{}", "[[[[[", "{\"goal\": \"\"}", "{\"specversion\": \"9\"}", "\u{feff}{}"];
    let body = bodies[shared.draw(|rng| rng.usize(..bodies.len()))].to_owned();
    let message = Outbound { body, ..Outbound::default() };
    drop(shared.cloud.queue.send(&row.queue, &[message]).await);
}

/// A copy of a real event, from a source that may not say it, or after too many hops.
async fn from_somebody_else(shared: &Shared) {
    let published = shared.cloud.bus.published_since(0);
    let consumed = |event: &&Arc<Event>| {
        shared.choreography.rows.iter().any(|row| row.consumes.contains(&event.kind)) && event.source != Source::USER
    };
    let candidates: Vec<_> = published.iter().filter(consumed).collect();
    if candidates.is_empty() {
        return;
    }
    let mut event = Event::clone(candidates[shared.draw(|rng| rng.usize(..candidates.len()))]);
    if shared.chance(0.5) {
        shared.hits().fault(Fault::ForgedSource);
        event.source = Source::from("murmuration.nobody".to_owned());
    } else {
        shared.hits().fault(Fault::TooManyHops);
        event.hops = shared.choreography.hops_max + 1;
    }
    event.data["forged"] = true.into();
    drop(shared.cloud.bus.put(&[event]).await);
}

async fn event_of_nobody(shared: &Shared) {
    let goal = GoalId::derive(&Tenant::default(), "nobody's either");
    let data = json!(contract::events::AnalysisCompleted::example());
    let mut event = envelope(shared, goal, &Tenant::default(), None, data, &contract::events::AnalysisCompleted::TYPE);
    event.source = Source::from("murmuration.analysis".to_owned());
    drop(shared.cloud.bus.put(&[event]).await);
}

/// Looks at the dead letters now and then, and sends some of them back.
pub(crate) async fn redrives(shared: Arc<Shared>) {
    let mut sent = 0;
    let mut seen = std::collections::BTreeSet::new();
    while shared.faults_on() {
        tokio::time::sleep(Duration::from_secs(3)).await;
        for row in &shared.choreography.rows {
            for letter in shared.cloud.queue.messages(&row.queue.dead_letters()) {
                let wanted = shared.chance(shared.odds.redrive) || shared.seed % 4 == 2;
                if !seen.insert(letter.message_id.clone()) || sent >= REDRIVES_MAX || !wanted {
                    continue;
                }
                sent += 1;
                let (world, queue) = (Arc::clone(&shared), row.queue.clone());
                let within = shared.odds.redrive_within_s;
                at(&shared, within, letter, move |_, letter| async move { redrive(&world, &queue, &letter).await });
            }
        }
    }
}

/// Back to its queue under a new MessageId; sometimes a copy stays, and comes later.
async fn redrive(shared: &Shared, queue: &QueueName, letter: &StoredMessage) {
    let note = letter.attributes.park();
    shared.hits().fault(Fault::Redrive);
    shared.log("operator", "REDRIVES", format!("{queue} n {}", note.as_ref().map_or(0, |note| note.n)));
    if let Some((goal, event, n)) = note.and_then(|note| Some((note.goal?, note.event?, note.n))) {
        let row = shared.choreography.rows.iter().find(|row| row.queue == *queue);
        if let Some(row) = row {
            let kind = ItemKind::Step { row: row.name.clone(), event };
            shared.witness().redriven(&ItemKey { goal, kind }, n);
        }
    }
    let mut attributes = letter.attributes.clone();
    if attributes.park().is_none() && attributes.idempotency_key().is_none() {
        // SQS moved it: a keyless goal is found again by the id of the message that it was.
        attributes.set(contract::attributes::IDEMPOTENCY_KEY, letter.message_id.as_str());
    }
    let message = Outbound { body: letter.body.clone(), attributes, group: None };
    drop(shared.cloud.queue.send(queue, std::slice::from_ref(&message)).await);
    if shared.chance(0.2) {
        shared.hits().fault(Fault::RedriveCopy);
        tokio::time::sleep(Duration::from_millis(shared.up_to(shared.odds.redrive_within_s * 1_000))).await;
        drop(shared.cloud.queue.send(queue, &[message]).await);
    }
    shared.cloud.queue.remove(&queue.dead_letters(), &letter.message_id);
}

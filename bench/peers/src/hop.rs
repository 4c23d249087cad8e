//! Owns the step that every contender does: its two events, its row beside the four agents', its handler, its messages.
//! Never a second of anything: whoever takes part is sent bodies that were made here.
//! Next: `bin/hop` is the daemon that does it by the runtime, `bare` does it without.

use std::time::Duration;

use async_trait::async_trait;
use contract::events::GoalRequested;
use contract::topology::{Row, Topology};
use contract::{
    Choreography, Event, EventData, EventId, EventType, GoalId, Source, SpanId, Tenant, TraceContext, TraceId, Unit,
    UnixMs,
};
use runtime::ledger::{Write, goal};
use runtime::{Handled, Handler, Settings, Step, StepError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The row; its name is its daemon's and its program's, too.
pub const ROW: &str = "hop";
/// What makes the daemon's handler fail after its wait, when it is set to anything.
pub const FAILING: &str = "MURMUR_FAILING";
/// Of the text that every event carries.
const TEXT_BYTES: usize = 800;

/// What a message asks for: nothing, after some time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HopAsked {
    pub number: u64,
    pub wait_ms: u64,
    pub text: String,
}

/// What is published for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HopDone {
    pub number: u64,
    pub text: String,
}

impl EventData for HopAsked {
    const TYPE: EventType = EventType::new("hop.asked");
    fn example() -> HopAsked {
        HopAsked { number: 1, wait_ms: 0, text: "x".repeat(TEXT_BYTES) }
    }
}

impl EventData for HopDone {
    const TYPE: EventType = EventType::new("hop.done");
    fn example() -> HopDone {
        HopDone { number: 1, text: "x".repeat(TEXT_BYTES) }
    }
}

/// The four agents' choreography, and one row more, which nobody waits for.
pub fn topology() -> Topology {
    Topology::murmuration()
        .with_entrance::<HopAsked>()
        .with_result::<HopDone>()
        .with_row(Row::new(ROW).consumes::<HopAsked>().emits::<HopDone>())
}

/// Does nothing, in its time.
#[derive(Clone, Copy, Debug)]
pub struct Hop {
    pub failing: bool,
}

#[async_trait]
impl Handler for Hop {
    type Input = HopAsked;

    async fn handle(&self, asked: HopAsked, _: &Step) -> Result<Handled, StepError> {
        if asked.wait_ms > 0 {
            tokio::time::sleep(Duration::from_millis(asked.wait_ms)).await;
        }
        if self.failing {
            return Err(StepError::transient("it was told to fail"));
        }
        Ok(Handled::emit(&HopDone { number: asked.number, text: asked.text }))
    }
}

/// One message, and the goal that it belongs to.
#[derive(Clone, Debug)]
pub struct Message {
    pub event: Event,
    request: Event,
}

impl Message {
    /// A number must not be asked twice over one ledger: it names the goal.
    pub fn of(number: u64, wait_ms: u64, at: UnixMs) -> Message {
        let (tenant, key) = (Tenant::default(), format!("peers-{number}"));
        let goal = GoalId::derive(&tenant, &key);
        let event = |id, kind, data| Event {
            id,
            source: Source::USER,
            kind,
            version: 1,
            time: at,
            goal,
            goal_key: Some(key.clone()),
            causation: None,
            hops: 0,
            deadline: None,
            tenant: tenant.clone(),
            trace: TraceContext { trace: TraceId(goal.0.as_u128()), span: SpanId(7), sampled: true, state: None },
            data,
        };
        let request = serde_json::to_value(asked_for()).unwrap_or_default();
        let id = EventId::derive(goal, &GoalRequested::TYPE, &Unit::goal());
        let request = event(id, GoalRequested::TYPE, request);
        let data = HopAsked { wait_ms, number, ..HopAsked::example() };
        let data = serde_json::to_value(data).unwrap_or_default();
        let id = EventId::derive(goal, &HopAsked::TYPE, &Unit::goal());
        Message { event: event(id, HopAsked::TYPE, data), request }
    }

    /// The goal exists before its message does.
    pub fn accept(&self, choreography: &Choreography) -> Write {
        let (settings, now) = (Settings::default(), self.request.time);
        goal::accept(&self.request, &asked_for(), now + settings.goal_deadline, now, choreography, &settings)
    }

    /// As EventBridge would have put it on a queue.
    pub fn body(&self) -> String {
        serde_json::json!({
            "version": "0",
            "id": self.event.id,
            "detail-type": self.event.kind,
            "source": self.event.source,
            "account": "000000000000",
            "time": self.event.time,
            "region": "us-east-1",
            "resources": [],
            "detail": self.event,
        })
        .to_string()
    }
}

fn asked_for() -> GoalRequested {
    GoalRequested { deadline: None, ..GoalRequested::example() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::decode::{Raw, decode};
    use contract::{Attributes, RowName};

    const AT: UnixMs = UnixMs(1_795_000_000_000);

    fn decoded(body: &str) -> Result<Event, contract::Cause> {
        let choreography = topology().check().unwrap();
        let row = choreography.row(&RowName::new(ROW)).unwrap();
        let raw = Raw { body: body.as_bytes(), attributes: &Attributes::default(), message_id: "m", sent_at: AT };
        decode(raw, row, &choreography)
    }

    #[test]
    fn the_daemon_understands_what_the_bench_sends() {
        let message = Message::of(7, 2_000, AT);
        let event = decoded(&message.body()).unwrap();
        assert_eq!(event, message.event);
        assert_eq!(event.data_as::<HopAsked>().unwrap().wait_ms, 2_000);
    }

    #[test]
    fn what_is_published_is_no_message_of_the_row() {
        assert!(decoded(&Message::of(7, 0, AT).body().replace("hop.asked", "hop.done")).is_err());
    }
}

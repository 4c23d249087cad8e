//! Owns the letters that the tests post: bodies with attributes, on their way to a row of the murmuration.
//! Never a judgement: `decode` makes it.
//! Next: `decode.rs`, `hostile.rs`, `properties.rs`.
#![allow(dead_code, unreachable_pub, reason = "each test crate uses some of it")]

use std::sync::LazyLock;

use contract::decode::{Raw, decode};
use contract::topology::Choreography;
use contract::{Attributes, Cause, Event, RowName, Topology, UnixMs, schema};
use serde_json::{Value, json};

pub const MESSAGE_ID: &str = "5fea7756-0ea4-451a-a703-a558b933e274";
pub const SENT_AT: UnixMs = UnixMs(1_795_176_000_000);

pub static CHOREOGRAPHY: LazyLock<Choreography> = LazyLock::new(|| Topology::murmuration().check().unwrap());

pub struct Letter {
    pub body: Vec<u8>,
    pub attributes: Attributes,
}

impl Letter {
    pub fn of(body: &Value) -> Letter {
        Letter::bytes(body.to_string())
    }
    pub fn text(body: &str) -> Letter {
        Letter::bytes(body)
    }
    pub fn bytes(body: impl Into<Vec<u8>>) -> Letter {
        Letter { body: body.into(), attributes: Attributes::default() }
    }
    pub fn with(mut self, name: &str, value: &str) -> Letter {
        self.attributes.set(name, value);
        self
    }
    pub fn read(&self, row: &str) -> Result<Event, Cause> {
        let row = CHOREOGRAPHY.row(&RowName::from(row.to_owned())).unwrap();
        let raw = Raw { body: &self.body, attributes: &self.attributes, message_id: MESSAGE_ID, sent_at: SENT_AT };
        decode(raw, row, &CHOREOGRAPHY)
    }
}

/// As EventBridge would deliver it.
pub fn wrapped(event: &Value) -> Value {
    json!({
        "version": "0", "id": "cd2d702e-ab31-411b-9344-793ce56b1bc7", "account": "123456789012", "time": "2026-11-20T12:00:00Z",
        "region": "eu-west-1", "resources": [], "source": event["source"], "detail-type": event["type"], "detail": event,
    })
}

pub fn example(kind: &str) -> Value {
    let spec = CHOREOGRAPHY.events.iter().find(|spec| spec.kind.as_str() == kind).unwrap();
    json!(schema::example_of(&CHOREOGRAPHY, spec))
}

pub fn goal_requested() -> Value {
    example("goal.requested")
}

pub fn analysis_completed() -> Value {
    example("analysis.completed")
}

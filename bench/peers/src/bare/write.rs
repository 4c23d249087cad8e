//! Owns the two writes of the bare loop: a claim and a commit with the attributes that the runtime writes.
//! Never a condition that the runtime does not ask for, and none less.
//! Next: `bare` sends them; `runtime::ledger::step` reads what they leave.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::builders::PutItemFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use contract::{Clock as _, GoalId, UnixMs};
use runtime::ledger::step::{Held, Over};
use runtime::ports::SystemClock;

use super::Asked;
use crate::hop::ROW;

const LEASE_MS: i64 = 60_000;

pub(super) fn key(goal: GoalId, item: String) -> HashMap<String, AttributeValue> {
    HashMap::from([("goal".into(), text(goal.to_string())), ("item".into(), text(item))])
}

fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn number(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn step_of(asked: &Asked) -> HashMap<String, AttributeValue> {
    key(asked.event.goal, format!("step#{ROW}#{}", asked.event.id))
}

pub(super) fn claim(
    client: &Client,
    table: &str,
    asked: &Asked,
    holder: &str,
) -> Result<PutItemFluentBuilder, serde_json::Error> {
    let now = SystemClock.now();
    let held = Held { by: holder.into(), from: now, sent_at: asked.sent_at, received_at: asked.received_at };
    let time = |at: UnixMs| number(at.0);
    Ok(client
        .put_item()
        .table_name(table)
        .set_item(Some(step_of(asked)))
        .item("state", text("claimed"))
        .item("owner", text(&asked.token))
        .item("epoch", number(1))
        .item("lease", number(now.0 + LEASE_MS))
        .item("event_at", time(asked.event.time))
        .item("sent_at", time(asked.sent_at))
        .item("received_at", time(asked.received_at))
        .item("claimed_at", time(now))
        .item("held#1", text(serde_json::to_string(&held)?))
        .item("digest", text(asked.digest.as_str()))
        .item("expires_at", number(asked.expires_at))
        .item("ttl", number(asked.expires_at / 1_000 + 1))
        .condition_expression("attribute_not_exists(#goal) OR #expires <= :now")
        .expression_attribute_names("#goal", "goal")
        .expression_attribute_names("#expires", "expires_at")
        .expression_attribute_values(":now", time(now))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld))
}

/// With the event whole, so that a crash after it could publish it.
pub(super) fn commit(
    client: &Client,
    table: &str,
    asked: &Asked,
    event: &str,
) -> Result<UpdateItemFluentBuilder, serde_json::Error> {
    let now = SystemClock.now();
    let over = serde_json::to_string(&Over::new("committed", now, None))?;
    let mut call = client
        .update_item()
        .table_name(table)
        .set_key(Some(step_of(asked)))
        .update_expression(
            "SET #state = :committed, #outcome = :outcome, #tokens = :zero, #micros = :zero, #unbooked = :no, \
             #finished = :now, #over = :over",
        )
        .condition_expression("attribute_exists(#goal) AND #state = :claimed AND (#owner = :owner AND #epoch = :epoch)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    for (name, attribute) in [
        ("#goal", "goal"),
        ("#state", "state"),
        ("#owner", "owner"),
        ("#epoch", "epoch"),
        ("#outcome", "outcome"),
        ("#tokens", "cost_tokens"),
        ("#micros", "cost_micros"),
        ("#unbooked", "unbooked"),
        ("#finished", "finished_at"),
        ("#over", "over#1"),
    ] {
        call = call.expression_attribute_names(name, attribute);
    }
    for (name, value) in [
        (":claimed", text("claimed")),
        (":owner", text(&asked.token)),
        (":epoch", number(1)),
        (":committed", text("committed")),
        (":outcome", text(format!("{{\"here\":{{\"emits\":[{event}]}}}}"))),
        (":zero", number(0)),
        (":no", AttributeValue::Bool(false)),
        (":now", number(now.0)),
        (":over", text(over)),
    ] {
        call = call.expression_attribute_values(name, value);
    }
    Ok(call)
}

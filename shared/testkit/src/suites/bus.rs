//! Owns what every bus must do, as EventBridge does it: route by type, wrap, answer for each entry.
//! Never counts on order, or on an event coming only once.
//! Next: `contract::decode` reads what these checks find in the queues.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use contract::{
    Event, EventId, EventType, GoalId, QueueName, Source, SpanId, Tenant, TraceContext, TraceId, Unit, UnixMs,
};
use runtime::ports::{Bus, Queue, Receipt};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Failure, PATIENCE, Verdict, all_fine, permanent, refused};

#[async_trait]
pub trait BusFixture: Send + Sync {
    fn bus(&self) -> Arc<dyn Bus>;
    /// Reads the queues that `subscribe` makes.
    fn queue(&self) -> Arc<dyn Queue>;
    /// A fresh queue that the bus sends events of these types to.
    async fn subscribe(&self, types: &[EventType]) -> Result<QueueName, Failure>;
    /// A goal id that no other check uses.
    fn fresh_goal(&self) -> GoalId;
}

suite! {
    $ bus_suite in bus over BusFixture:
    an_event_arrives_wrapped_and_unchanged,
    an_event_reaches_each_queue_that_consumes_its_type,
    an_event_that_nobody_consumes_is_accepted_and_goes_nowhere,
    a_batch_of_ten_arrives_whole,
    a_batch_of_more_than_ten_is_refused_whole,
    an_oversize_event_is_refused,
    an_event_put_twice_arrives_twice_under_its_own_id,
    the_trace_rides_in_the_envelope,
}

const ALPHA: EventType = EventType::new("suite.alpha");
const BETA: EventType = EventType::new("suite.beta");
const HIDDEN: Duration = Duration::from_secs(120);
const SECOND: Duration = Duration::from_secs(1);
/// More than EventBridge, SQS and we ourselves let through.
const OVERSIZE_BYTES: usize = 1_200_000;

/// What came out of one queue: the wrapper, and the event in it.
struct Delivered {
    message_id: String,
    wrapper: Value,
    event: Event,
}

fn event(goal: GoalId, kind: EventType, n: u128) -> Event {
    let unit = Unit::output("suite", EventId(goal.0), usize::try_from(n).unwrap_or(0));
    Event {
        id: EventId::derive(goal, &kind, &unit),
        source: Source::new("murmuration.suite"),
        kind,
        version: 1,
        time: UnixMs(1_795_000_000_123),
        goal,
        goal_key: Some("the user's own key".into()),
        causation: Some(EventId(goal.0)),
        hops: 3,
        deadline: Some(UnixMs(1_795_000_600_000)),
        tenant: Tenant::default(),
        trace: TraceContext { trace: TraceId(0xabc0 + n), span: SpanId(7), sampled: true, state: Some("k=v".into()) },
        data: json!({"n": 12, "text": "ünï → \u{1f426} \"quoted\" \\ \n", "nested": {"list": [1, -2.5, null, true]}}),
    }
}

async fn put(fixture: &dyn BusFixture, events: &[Event]) -> Verdict {
    all_fine(&fixture.bus().put(events).await?, events.len())
}

/// Receives until the goal's `wanted` events have come; after that, whatever still comes within a second.
async fn delivered(
    fixture: &dyn BusFixture,
    queue: &QueueName,
    goal: GoalId,
    wanted: usize,
) -> Result<Vec<Delivered>, Failure> {
    let port = fixture.queue();
    let deadline = Instant::now() + PATIENCE;
    let mut all: Vec<Delivered> = vec![];
    loop {
        let some = port.receive(queue, 10, SECOND, HIDDEN).await?;
        let nothing_came = some.is_empty();
        let receipts: Vec<Receipt> = some.iter().map(|message| message.receipt.clone()).collect();
        for message in some {
            let wrapper: Value = serde_json::from_str(&message.body)?;
            let event: Event = serde_json::from_value(wrapper["detail"].clone())?;
            if event.goal == goal {
                all.push(Delivered { message_id: message.message_id, wrapper, event });
            }
        }
        if !receipts.is_empty() {
            all_fine(&port.delete(queue, &receipts).await?, receipts.len())?;
        }
        if (all.len() >= wanted && nothing_came) || Instant::now() >= deadline {
            return Ok(all);
        }
    }
}

pub async fn an_event_arrives_wrapped_and_unchanged(fixture: &dyn BusFixture) -> Verdict {
    let queue = fixture.subscribe(&[ALPHA]).await?;
    let sent = event(fixture.fresh_goal(), ALPHA, 1);
    put(fixture, std::slice::from_ref(&sent)).await?;
    let all = delivered(fixture, &queue, sent.goal, 1).await?;
    let Some(got) = all.first() else { return Err(Failure::new("the event did not come")) };
    ensure!(got.event == sent, "it came as {:?}", got.event);
    ensure!(got.event.digest() == sent.digest(), "its data has another digest");
    let wrapper = &got.wrapper;
    ensure!(wrapper["detail-type"] == json!(sent.kind), "detail-type is {}", wrapper["detail-type"]);
    ensure!(wrapper["source"] == json!(sent.source), "source is {}", wrapper["source"]);
    for name in ["version", "id", "account", "time", "region"] {
        ensure!(wrapper[name].is_string(), "the wrapper's {name} is {}", wrapper[name]);
    }
    ensure!(wrapper["resources"].is_array(), "the wrapper's resources are {}", wrapper["resources"]);
    Ok(())
}

pub async fn an_event_reaches_each_queue_that_consumes_its_type(fixture: &dyn BusFixture) -> Verdict {
    let (one, both) = (fixture.subscribe(&[ALPHA]).await?, fixture.subscribe(&[ALPHA, BETA]).await?);
    let other = fixture.subscribe(&[BETA]).await?;
    let goal = fixture.fresh_goal();
    let (alpha, beta) = (event(goal, ALPHA, 1), event(goal, BETA, 2));
    put(fixture, &[alpha.clone(), beta.clone()]).await?;
    for (queue, wanted) in [(one, vec![&alpha]), (both, vec![&alpha, &beta]), (other, vec![&beta])] {
        let all = delivered(fixture, &queue, goal, wanted.len()).await?;
        let came = |event: &Event| all.iter().any(|got| got.event == *event);
        ensure!(wanted.iter().all(|event| came(event)), "{queue} misses an event");
        let stray = all.iter().find(|got| !wanted.contains(&&got.event)).map(|got| &got.event.kind);
        ensure!(stray.is_none(), "{queue} got {stray:?}");
    }
    Ok(())
}

pub async fn an_event_that_nobody_consumes_is_accepted_and_goes_nowhere(fixture: &dyn BusFixture) -> Verdict {
    let queue = fixture.subscribe(&[ALPHA]).await?;
    let goal = fixture.fresh_goal();
    put(fixture, &[event(goal, EventType::new("suite.nobody"), 1), event(goal, ALPHA, 2)]).await?;
    // The second one shows that the bus has had its time.
    let all = delivered(fixture, &queue, goal, 1).await?;
    ensure!(!all.is_empty() && all.iter().all(|got| got.event.kind == ALPHA), "{} came", all.len());
    Ok(())
}

pub async fn a_batch_of_ten_arrives_whole(fixture: &dyn BusFixture) -> Verdict {
    let queue = fixture.subscribe(&[ALPHA]).await?;
    let goal = fixture.fresh_goal();
    let events: Vec<Event> = (0..10).map(|n| event(goal, ALPHA, n)).collect();
    put(fixture, &events).await?;
    let all = delivered(fixture, &queue, goal, 10).await?;
    let missing = events.iter().filter(|event| !all.iter().any(|got| got.event == **event)).count();
    ensure!(missing == 0, "{missing} of 10 did not come");
    Ok(())
}

pub async fn a_batch_of_more_than_ten_is_refused_whole(fixture: &dyn BusFixture) -> Verdict {
    let queue = fixture.subscribe(&[ALPHA, BETA]).await?;
    let goal = fixture.fresh_goal();
    let events: Vec<Event> = (0..11).map(|n| event(goal, ALPHA, n)).collect();
    permanent(fixture.bus().put(&events).await, "a put of eleven")?;
    put(fixture, &[event(goal, BETA, 1)]).await?;
    let all = delivered(fixture, &queue, goal, 1).await?;
    ensure!(all.iter().all(|got| got.event.kind == BETA), "some of the eleven came");
    Ok(())
}

pub async fn an_oversize_event_is_refused(fixture: &dyn BusFixture) -> Verdict {
    let queue = fixture.subscribe(&[ALPHA, BETA]).await?;
    let goal = fixture.fresh_goal();
    let good = event(goal, ALPHA, 1);
    let mut oversize = event(goal, BETA, 2);
    oversize.data = json!({"text": "x".repeat(OVERSIZE_BYTES)});
    let answer = fixture.bus().put(&[good.clone(), oversize]).await;
    refused(&answer, 1)?;
    match answer {
        Ok(results) => ensure!(results.len() == 2 && results[0].is_ok(), "its neighbour failed: {results:?}"),
        // Refused whole: the caller splits the batch.
        Err(_) => put(fixture, std::slice::from_ref(&good)).await?,
    }
    let all = delivered(fixture, &queue, goal, 1).await?;
    ensure!(!all.is_empty() && all.iter().all(|got| got.event == good), "{} events came", all.len());
    Ok(())
}

pub async fn an_event_put_twice_arrives_twice_under_its_own_id(fixture: &dyn BusFixture) -> Verdict {
    let queue = fixture.subscribe(&[ALPHA]).await?;
    let sent = event(fixture.fresh_goal(), ALPHA, 1);
    put(fixture, std::slice::from_ref(&sent)).await?;
    put(fixture, std::slice::from_ref(&sent)).await?;
    let all = delivered(fixture, &queue, sent.goal, 2).await?;
    ensure!(all.len() >= 2 && all.iter().all(|got| got.event == sent), "{} copies came", all.len());
    ensure!(all[0].message_id != all[1].message_id, "two sends have one MessageId");
    ensure!(all[0].wrapper["id"] != all[1].wrapper["id"], "two puts have one id of the bus");
    Ok(())
}

pub async fn the_trace_rides_in_the_envelope(fixture: &dyn BusFixture) -> Verdict {
    let queue = fixture.subscribe(&[ALPHA]).await?;
    let sent = event(fixture.fresh_goal(), ALPHA, 1);
    put(fixture, std::slice::from_ref(&sent)).await?;
    let all = delivered(fixture, &queue, sent.goal, 1).await?;
    let Some(got) = all.first() else { return Err(Failure::new("the event did not come")) };
    let detail = &got.wrapper["detail"];
    ensure!(detail["traceparent"] == json!(sent.trace.traceparent()), "traceparent is {}", detail["traceparent"]);
    ensure!(detail["tracestate"] == json!("k=v"), "tracestate is {}", detail["tracestate"]);
    Ok(())
}

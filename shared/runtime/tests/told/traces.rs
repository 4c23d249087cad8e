//! Owns the proof that one goal is one trace, whatever happened on the way.
//! Never trusts a name: ids, parents and links are compared with what travelled in the events.
//! Next: `docs/adr/0005`, which says why.

use std::collections::BTreeSet;
use std::time::Duration;

use contract::events::{GoalCompleted, GoalFailed, ResearchCompleted, StepFailed};
use contract::{Event, EventData, QueueName};
use opentelemetry_sdk::trace::SpanData;
use runtime::StepError;

use crate::stage::{Mishap, Stage, users_place};

fn attribute(span: &SpanData, name: &str) -> Option<String> {
    span.attributes.iter().find(|pair| pair.key.as_str() == name).map(|pair| pair.value.to_string())
}

fn is(span: &SpanData, operation: &str, row: &str) -> bool {
    attribute(span, "messaging.operation.type").as_deref() == Some(operation)
        && attribute(span, "murmur.row").as_deref() == Some(row)
}

fn id(span: &SpanData) -> String {
    span.span_context.span_id().to_string()
}

fn links(span: &SpanData) -> BTreeSet<String> {
    span.links.iter().map(|link| link.span_context.span_id().to_string()).collect()
}

/// The send span of the one event of this type.
fn sent<T: EventData>(spans: &[SpanData]) -> &SpanData {
    let of_type = |span: &&SpanData| {
        attribute(span, "messaging.operation.type").as_deref() == Some("send")
            && attribute(span, "murmur.event_type").as_deref() == Some(T::TYPE.as_str())
    };
    let found: Vec<&SpanData> = spans.iter().filter(of_type).collect();
    assert_eq!(found.len(), 1, "sends of {}", T::TYPE);
    found[0]
}

fn one_trace(stage: &Stage) -> Vec<SpanData> {
    let user = users_place();
    let all = stage.spans();
    let receives = all.iter().filter(|span| span.name.starts_with("receive"));
    let receives: BTreeSet<String> = receives.map(id).collect();
    let spans: Vec<SpanData> = all.into_iter().filter(|span| !span.name.starts_with("receive")).collect();
    let mut known: BTreeSet<String> = spans.iter().map(id).collect();
    assert_eq!(known.len(), spans.len(), "no two spans have one id");
    known.insert(user.span.to_string());
    for span in &spans {
        let name = &span.name;
        assert_eq!(span.span_context.trace_id().to_string(), user.trace.to_string(), "{name}");
        assert_eq!(attribute(span, "murmur.goal_id").unwrap(), stage.goal().to_string(), "{name}");
        let parent = span.parent_span_id.to_string();
        assert!(known.contains(&parent), "{name} has a parent that nobody recorded: {parent}");
        if name.starts_with("process") {
            let [brought] = &links(span).into_iter().collect::<Vec<_>>()[..] else { panic!("{name}") };
            assert!(receives.contains(brought), "{name} was brought by no receive");
            assert!(attribute(span, "murmur.epoch").is_some() && span.parent_span_is_remote, "{name}");
        }
    }
    for Event { kind, trace, .. } in stage.events() {
        assert_eq!(trace.trace, user.trace, "{kind}");
        assert!(known.contains(&trace.span.to_string()), "{kind} names a span that nobody recorded");
    }
    spans
}

#[tokio::test(start_paused = true)]
async fn one_goal_is_one_trace_from_its_enqueue_to_its_end() {
    let stage = Stage::new().with_daemons();
    stage.send_goal().await;
    stage.until(GoalCompleted::TYPE).await;
    let spans = one_trace(&stage);
    let of = |operation: &str| spans.iter().filter(|span| span.name.starts_with(operation)).count();
    // Seven steps; three tasks, three results, the joined event and the end.
    assert_eq!((of("process"), of("settle"), of("send")), (7, 7, 8));
    let plan = spans.iter().find(|span| is(span, "process", "research")).unwrap();
    assert_eq!(plan.parent_span_id.to_string(), users_place().span.to_string());
    assert_eq!(plan.end_time.duration_since(plan.start_time).unwrap().as_secs(), 1);
    for task in spans.iter().filter(|span| is(span, "process", "research-tasks")) {
        assert_eq!(task.parent_span_id.to_string(), id(plan), "a task continues the span that asked for it");
    }
}

#[tokio::test(start_paused = true)]
async fn a_joined_event_links_to_all_its_causes_and_is_the_parent_of_what_follows() {
    let stage = Stage::new().with_daemons();
    stage.send_goal().await;
    stage.until(GoalCompleted::TYPE).await;
    let spans = one_trace(&stage);
    let processed = |rows: &[&str]| -> BTreeSet<String> {
        spans.iter().filter(|span| rows.iter().any(|row| is(span, "process", row))).map(id).collect()
    };
    let evidence = sent::<ResearchCompleted>(&spans);
    assert_eq!(links(evidence), processed(&["research-tasks"]));
    assert_eq!(links(evidence).len(), 3);
    let analysis = spans.iter().find(|span| is(span, "process", "analysis")).unwrap();
    assert_eq!(analysis.parent_span_id.to_string(), id(evidence));
    assert_eq!(links(sent::<GoalCompleted>(&spans)), processed(&["writer", "recommendation"]));
}

#[tokio::test(start_paused = true)]
async fn it_is_one_trace_after_a_transient_failure_and_both_attempts_are_in_it() {
    let stage = Stage::new().with_daemons();
    stage.mishaps.then("analysis", Mishap::Fail(StepError::transient("the model is away")));
    stage.send_goal().await;
    stage.until(GoalCompleted::TYPE).await;
    let spans = one_trace(&stage);
    let attempts = spans.iter().filter(|span| is(span, "process", "analysis"));
    let told: Vec<_> = attempts
        .map(|span| ["murmur.attempt", "murmur.epoch", "murmur.outcome"].map(|name| attribute(span, name).unwrap()))
        .collect();
    assert_eq!(told, [["1", "1", "released"], ["2", "2", "committed"]]);
    let failed = spans.iter().find(|span| is(span, "process", "analysis")).unwrap();
    assert_eq!(failed.status, opentelemetry::trace::Status::error("the model is away"));
    assert_eq!(attribute(failed, "error.type").unwrap(), "released");
}

#[tokio::test(start_paused = true)]
async fn it_is_one_trace_after_a_park_and_a_redrive() {
    let stage = Stage::new().with_daemons();
    stage.mishaps.then("analysis", Mishap::Fail(StepError::permanent("nonsense")));
    stage.send_goal().await;
    stage.until(StepFailed::TYPE).await;
    let queue = QueueName::new("murmur-analysis");
    assert_eq!(stage.cloud.queue.move_to(&queue.dead_letters(), &queue).unwrap(), 1);
    stage.until(GoalCompleted::TYPE).await;
    let spans = one_trace(&stage);
    let rounds: Vec<_> = spans.iter().filter(|span| is(span, "process", "analysis")).collect();
    let outcomes: Vec<_> = rounds.iter().map(|span| attribute(span, "murmur.outcome").unwrap()).collect();
    assert_eq!(outcomes, ["parked", "committed"]);
    assert_eq!(rounds[0].parent_span_id, rounds[1].parent_span_id, "both continue the event that they consumed");
    assert_eq!(rounds[0].status, opentelemetry::trace::Status::error("permanent: nonsense"));
    assert_eq!(sent::<StepFailed>(&spans).parent_span_id.to_string(), id(rounds[0]));
}

#[tokio::test(start_paused = true)]
async fn an_end_by_a_sweep_stands_in_the_goals_trace_below_its_request() {
    let mut stage = Stage::new();
    stage.start("research");
    stage.send_goal().await;
    stage.until(ResearchCompleted::TYPE).await;
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    stage.until(GoalFailed::TYPE).await;
    let spans = one_trace(&stage);
    assert_eq!(sent::<GoalFailed>(&spans).parent_span_id.to_string(), users_place().span.to_string());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_rejected_leaves_a_span_with_its_cause_where_its_attributes_say() {
    let mut stage = Stage::new();
    stage.start("writer");
    let mut message = runtime::ports::Outbound { body: "no JSON".into(), ..Default::default() };
    message.attributes.set(contract::attributes::TRACEPARENT, crate::stage::TRACEPARENT);
    stage.send("murmur-writer", message).await;
    stage.until_that(|stage| !stage.spans().is_empty()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let spans = stage.spans();
    let span = spans.iter().find(|span| is(span, "process", "writer")).unwrap();
    assert_eq!(span.span_context.trace_id().to_string(), users_place().trace.to_string());
    assert_eq!(span.parent_span_id.to_string(), users_place().span.to_string());
    assert_eq!(attribute(span, "error.type").unwrap(), "undecodable");
    assert!(
        matches!(&span.status, opentelemetry::trace::Status::Error { description } if description.contains("JSON"))
    );
}

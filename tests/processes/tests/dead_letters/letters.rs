//! What may lie among the dead letters, and what each command makes of it.
//! Never an agent: what a message would meet is read from the ledger beforehand.
//! Next: `docs/protocol.md` §2 has the table that these scenes ask.

use anyhow::Context as _;
use contract::attributes::{GOAL_ID, IDEMPOTENCY_KEY, PARK};
use contract::events::AnalysisCompleted;
use contract::{
    Attributes, Cause, CauseKind, DaemonName, Event, EventData as _, EventId, GoalId, QueueName, Source, Tenant, Unit,
};
use serde_json::{Value, json};

use crate::desk::{ANALYSIS, Desk, RESEARCH, WRITER, note};

fn only(told: &Value) -> anyhow::Result<String> {
    assert_eq!(told["letters"], 1, "{told}");
    Ok(told["groups"][0]["letters"][0]["id"].as_str().context("an id")?.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_is_no_event_is_named_refused_and_discarded_with_a_copy() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let mut attributes = Attributes::default();
    attributes.set(PARK, note(Cause::new(CauseKind::Undecodable, "no JSON: expected value"), 0, None).render());
    desk.put(&ANALYSIS, "no \u{9b}31mevent", attributes).await?;
    let id = only(&desk.listed().await?)?;
    let shown = desk.murmur(&["dlq", "show", &id[..6]]).await?;
    let shown = String::from_utf8(shown.stdout)?;
    assert!(shown.contains("undecodable") && shown.contains("murmur dlq edit"), "{shown}");
    assert!(!shown.contains('\u{9b}'), "a terminal would obey it");
    let (code, told) = desk.json(&["dlq", "redrive", &id]).await?;
    assert_eq!((code, &told["kept"]), (Some(1), &1.into()), "{told}");
    let file = desk.data.path().join("kept.jsonl");
    let refused = desk.murmur(&["dlq", "discard", &id]).await?;
    assert_eq!(refused.status.code(), Some(2), "nobody was asked: {refused:?}");
    let path = file.display().to_string();
    let (code, told) = desk.json(&["dlq", "discard", &id, "--yes", "--keep", &path]).await?;
    assert_eq!((code, &told["discarded"]), (Some(0), &1.into()), "{told}");
    let kept: Value = serde_json::from_str(std::fs::read_to_string(file)?.trim())?;
    assert_eq!(kept["body"], "no \u{9b}31mevent");
    assert_eq!(desk.listed().await?["letters"], 0);
    desk.cloud.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_editor_that_fails_changes_nothing() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    desk.parked("editor", 0).await?;
    let id = only(&desk.listed().await?)?;
    for (editor, says) in [("false", "failed"), ("true", "nothing was changed"), ("sh -c 'echo } >> $1' -", "no JSON")]
    {
        let mut command = desk.command(&["dlq", "edit", &id])?;
        let output = command.env("VISUAL", editor).output().await?;
        assert_eq!(output.status.code(), Some(1), "{editor}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(says), "{editor}: {said}");
        assert_eq!(only(&desk.listed().await?)?, id, "{editor}: it lies where it lay, and is visible at once");
    }
    assert!(desk.received(&ANALYSIS).await?.is_empty());
    let drafts: Vec<_> = std::fs::read_dir(desk.data.path().join("drafts"))?.collect::<Result<_, _>>()?;
    assert_eq!(drafts.len(), 1, "what was typed is kept, and what was not is not: {drafts:?}");
    desk.cloud.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_problem_of_an_edit_is_said_at_once() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let event = desk.parked("problems", 0).await?;
    let id = only(&desk.listed().await?)?;
    let mut wrong: Value = serde_json::from_str(&event.to_json())?;
    wrong["data"]["arrived"] = 7.into();
    wrong["data"]["missing"] = "none".into();
    let file = desk.data.path().join("wrong.json");
    std::fs::write(&file, wrong.to_string())?;
    let output = desk.murmur(&["dlq", "edit", &id, "--file", &file.display().to_string()]).await?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("data/arrived") && said.contains("data/missing"), "{said}");
    desk.cloud.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_that_would_loop_is_refused_before_it_is_sent() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let rounds = desk.site.choreography.row(&"analysis".into()).context("a row")?.limits.rounds_max;
    desk.parked("loops", rounds).await?;
    let id = only(&desk.listed().await?)?;
    let (code, told) = desk.json(&["dlq", "redrive", &id]).await?;
    assert_eq!(code, Some(1));
    let why = told["letters"][0]["why"].as_str().context("a reason")?;
    assert!(why.contains("redriven-too-often"), "{told}");
    assert!(desk.received(&ANALYSIS).await?.is_empty());
    assert_eq!(only(&desk.listed().await?)?, id);
    desk.cloud.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_keeps_n_trace_goal_and_what_the_sender_said() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let event = desk.parked("carries", 1).await?;
    let id = only(&desk.listed().await?)?;
    let (code, told) = desk.json(&["dlq", "redrive", &id[..8]]).await?;
    assert_eq!(code, Some(0), "{told}");
    let sent = desk.received(&ANALYSIS).await?;
    assert_eq!(sent.len(), 1);
    let attributes = &sent[0].attributes;
    assert_eq!(attributes.park().map(|note| (note.n, note.attempts)), Some((2, 3)));
    assert_eq!(attributes.goal(), Some(event.goal));
    assert_eq!(attributes.trace(), Some(event.trace.clone()));
    assert_eq!(attributes.get("of-the-sender"), Some("kept"));
    assert_eq!(sent[0].body, event.to_json());
    desk.cloud.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_of_an_ended_goal_offers_the_fork_and_stays() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let event = desk.parked("ended", 0).await?;
    desk.end("ended").await?;
    let id = only(&desk.listed().await?)?;
    let (code, told) = desk.json(&["dlq", "redrive", "--all", "--yes"]).await?;
    assert_eq!(code, Some(1));
    let fork = format!("murmur goal fork {} --from analysis", event.goal);
    let instead = told["letters"][0]["instead"].as_str().context("a command")?;
    let place = format!(" --data {} --endpoint {}", desk.data.path().display(), desk.cloud.endpoint());
    assert_eq!(instead, format!("{fork}{place}"), "typed as it is, it reaches the same place");
    let edit = desk.murmur(&["dlq", "edit", &id]).await?;
    assert!(String::from_utf8_lossy(&edit.stderr).contains(&fork), "{edit:?}");
    assert_eq!(only(&desk.listed().await?)?, id);
    desk.cloud.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyless_goal_that_sqs_moved_begins_under_the_id_that_its_message_gave() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    desk.put(&RESEARCH, r#"{"goal": "without a key"}"#, Attributes::default()).await?;
    let told = desk.listed().await?;
    let id = only(&told)?;
    assert_eq!(told["groups"][0]["cause"]["kind"], "moved-by-sqs");
    let (code, told) = desk.json(&["dlq", "redrive", &id]).await?;
    assert_eq!(code, Some(0), "{told}");
    let sent = desk.received(&RESEARCH).await?;
    let goal = GoalId::derive(&Tenant::default(), &id);
    assert_eq!(sent[0].attributes.get(IDEMPOTENCY_KEY), Some(id.as_str()));
    assert_eq!(sent[0].attributes.get(GOAL_ID), Some(goal.to_string().as_str()));
    assert!(sent[0].attributes.park().is_none());
    desk.cloud.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_eventbridge_could_not_deliver_goes_to_the_queue_it_was_for() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let event = desk.parked("undelivered", 0).await?;
    let id = only(&desk.listed().await?)?;
    desk.json(&["dlq", "discard", &id, "--yes"]).await?;
    let mut attributes = Attributes::default();
    attributes.set("TARGET_ARN", format!("arn:aws:sqs:us-east-1:000000000000:{ANALYSIS}"));
    attributes.set("ERROR_CODE", "NO_PERMISSIONS");
    attributes.set("ERROR_MESSAGE", "the queue's policy says no");
    let unit = contract::Unit::join("another");
    let other = contract::Event { id: contract::EventId::derive(event.goal, &event.kind, &unit), ..event };
    let letter = [runtime::ports::Outbound { body: other.to_json(), attributes, group: None }];
    let queue = QueueName::new("murmuration-undelivered");
    desk.ports.queue.send(&queue, &letter).await?.into_iter().collect::<Result<Vec<()>, _>>()?;
    let told = desk.listed().await?;
    assert_eq!(told["groups"][0]["cause"]["kind"], "undelivered", "{told}");
    let id = only(&told)?;
    let (code, told) = desk.json(&["dlq", "redrive", &id]).await?;
    assert_eq!(code, Some(0), "{told}");
    let sent = desk.received(&ANALYSIS).await?;
    assert_eq!(sent[0].attributes.get("ERROR_CODE"), None);
    assert_eq!(sent[0].attributes.goal(), Some(other.goal));
    desk.cloud.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscribers_dead_letter_goes_back_to_its_queue_as_it_was() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let queue = QueueName::new("murmur-sub-billing");
    let made = desk.murmur(&["subscribe", "billing"]).await?;
    assert!(made.status.success(), "{made:?}");
    let mut attributes = Attributes::default();
    attributes.set("theirs", "kept");
    desk.put(&queue, "whatever they read", attributes).await?;
    let told = desk.listed().await?;
    assert_eq!(told["groups"][0]["for"], "murmur-sub-billing", "{told}");
    let id = only(&told)?;
    let edit = desk.murmur(&["dlq", "edit", &id]).await?;
    assert_eq!(edit.status.code(), Some(1), "it is not ours to edit");
    let (code, told) = desk.json(&["dlq", "redrive", &id]).await?;
    assert_eq!(code, Some(0), "{told}");
    let sent = desk.received(&queue).await?;
    assert_eq!((sent.len(), sent[0].body.as_str()), (1, "whatever they read"));
    assert_eq!(sent[0].attributes.get("theirs"), Some("kept"));
    desk.cloud.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_had_not_fitted_its_letter_is_restored_from_its_artifact() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let event = desk.parked("restored", 0).await?;
    let id = only(&desk.listed().await?)?;
    desk.json(&["dlq", "discard", &id, "--yes"]).await?;
    // As a sender's nine attributes leave no room for ours beside the note.
    let theirs: std::collections::BTreeMap<String, String> =
        (1..=9).map(|number| (format!("their-{number}"), "kept".to_owned())).collect();
    let whole = serde_json::json!({"body": event.to_json(), "attributes": theirs}).to_string();
    let at = desk.ports.artifacts.put(whole.as_bytes(), "application/json").await?;
    let cause = Cause::new(CauseKind::AttemptsExhausted, "3 attempts");
    let note = contract::ParkNote { body: Some(at), ..note(cause, 1, Some(&event)) };
    let mut attributes = Attributes::of_event(&event);
    attributes.set(PARK, note.render());
    desk.put(&ANALYSIS, r#"{"murmur-body": "elsewhere"}"#, attributes).await?;
    let id = only(&desk.listed().await?)?;
    let (code, told) = desk.json(&["dlq", "redrive", &id]).await?;
    assert_eq!(code, Some(0), "{told}");
    let sent = desk.received(&ANALYSIS).await?;
    assert_eq!(sent[0].body, event.to_json());
    let kept = theirs.keys().filter(|name| sent[0].attributes.get(name) == Some("kept")).count();
    assert_eq!((kept, sent[0].attributes.park().map(|note| note.n)), (9, Some(1)), "{:?}", sent[0].attributes);
    assert_eq!(told["letters"][0]["left_out"].as_array().map(Vec::len), Some(0), "{told}");
    desk.cloud.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_a_copy_that_another_agent_may_have_too_gets_an_id_of_its_own() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let input = desk.parked("copies", 0).await?;
    let id = only(&desk.listed().await?)?;
    desk.json(&["dlq", "discard", &id, "--yes"]).await?;
    // The recommendation agent gets the same event; the writer's copy was moved by SQS before anybody claimed it.
    let unit = Unit::output("analysis", input.id, 0);
    let event = Event {
        id: EventId::derive(input.goal, &AnalysisCompleted::TYPE, &unit),
        source: Source::of_daemon(&DaemonName::new("analysis")),
        kind: AnalysisCompleted::TYPE,
        version: AnalysisCompleted::VERSION,
        causation: Some(input.id),
        hops: input.hops + 1,
        data: json!(AnalysisCompleted::example()),
        ..input
    };
    desk.put(&WRITER, &event.to_json(), Attributes::of_event(&event)).await?;
    let id = only(&desk.listed().await?)?;
    let mut mended: Value = serde_json::from_str(&event.to_json())?;
    mended["data"]["summary"] = "What a person made of it.".into();
    let file = desk.data.path().join("mended.json");
    std::fs::write(&file, mended.to_string())?;
    let (code, told) = desk.json(&["dlq", "edit", &id, "--file", &file.display().to_string()]).await?;
    assert_eq!(code, Some(0), "{told}");
    let old = event.id.to_string();
    assert_eq!(told["instead_of"], old, "two contents under one id: {told}");
    let sent = desk.received(&WRITER).await?;
    let body: Value = serde_json::from_str(&sent[0].body)?;
    assert_eq!((sent.len(), &body["id"], &body["causationid"]), (1, &told["event"], &json!(old)));
    assert_ne!(body["id"], old);
    desk.cloud.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_beyond_what_is_held_at_once_wait_for_the_next_command() -> anyhow::Result<()> {
    const LETTERS: u64 = 70;
    const LETTER_BYTES: usize = 1_000_000;
    const HELD: u64 = (64 << 20) / LETTER_BYTES as u64;
    let desk = Desk::open().await?;
    let queue = QueueName::new("murmur-sub-billing");
    assert!(desk.murmur(&["subscribe", "billing"]).await?.status.success());
    let body = "x".repeat(LETTER_BYTES);
    for _ in 0..LETTERS {
        desk.put(&queue, &body, Attributes::default()).await?;
    }
    let listed = desk.listed().await?;
    assert_eq!(listed["letters"], LETTERS, "a list needs no bodies");
    assert_eq!(listed["groups"][0]["letters"][0]["bytes"], LETTER_BYTES);
    let (code, told) = desk.json(&["dlq", "redrive", "--all", "--yes"]).await?;
    assert_eq!((code, &told["redriven"], &told["left"]), (Some(1), &json!(HELD), &json!(LETTERS - HELD)));
    let (code, told) = desk.json(&["dlq", "redrive", "--all", "--yes"]).await?;
    assert_eq!((code, &told["redriven"], &told["left"]), (Some(0), &json!(LETTERS - HELD), &json!(0)));
    assert_eq!(desk.listed().await?["letters"], 0);
    desk.cloud.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cause_that_no_letter_can_have_is_refused_with_those_that_there_are() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    let refused = desk.murmur(&["dlq", "list", "--cause", "nosuch"]).await?;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(["attempts-exhausted", "moved-by-sqs", "undelivered"].iter().all(|kind| said.contains(kind)), "{said}");
    desk.cloud.stop().await;
    Ok(())
}

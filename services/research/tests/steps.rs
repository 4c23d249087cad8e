//! Owns the proofs of research: what a goal is planned into, what a task brings, and that the program replays it.
//! Never a server: collections lie in memory, and the web is not there.
//! Next: `tests/processes` has the agent as a daemon among the others.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use contract::documents::{self, Gathered};
use contract::events::{Evidence, GoalRequested, ResearchTaskRequested};
use contract::{
    Artifacts, AttemptRecord, Event, EventData, EventId, GoalId, RowName, Source, Tenant, TraceContext, Unit, UnixMs,
    artifact,
};
use engine::corpus::ingest::quiet;
use engine::corpus::{self, DEFAULT_COLLECTION};
use research::{Config, Plan, Task};
use runtime::replay::{RecordedStep, Replayed};
use runtime::{Handler as _, Step};
use tempfile::TempDir;
use testkit::memory::MemoryArtifacts;

const NOW: UnixMs = UnixMs(1_795_000_000_000);
const GOAL: &str = "Research prices of espresso machines and write a report";

fn event<T: EventData>(data: &T) -> Event {
    let goal = GoalId::derive(&Tenant::default(), "a key");
    Event {
        id: EventId::derive(goal, &T::TYPE, &Unit::goal()),
        source: Source::USER,
        kind: T::TYPE,
        version: T::VERSION,
        time: NOW,
        goal,
        goal_key: Some("a key".into()),
        causation: None,
        hops: 0,
        deadline: None,
        tenant: Tenant::default(),
        trace: TraceContext::NONE,
        data: serde_json::to_value(data).unwrap(),
    }
}

/// A collection of two files.
async fn shelves() -> Arc<dyn Artifacts> {
    let machines = "# Machines\n\nThe Ristretto 9 espresso machine costs 900 USD. It was 850 USD last year.\n";
    let prices = "company,model,price_usd\nMill,Ristretto 9,900\nMill,Lungo 4,400\nKiln,Doppio,650\n";
    shelves_of(&[("machines.md", machines), ("prices.csv", prices)]).await
}

async fn shelves_of(files: &[(&str, &str)]) -> Arc<dyn Artifacts> {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let store: Arc<dyn Artifacts> = Arc::new(MemoryArtifacts::new());
    corpus::ingest(folder.path(), DEFAULT_COLLECTION, &store, &quiet()).await.unwrap();
    store
}

fn task_about(question: &str) -> ResearchTaskRequested {
    let topic = Some("prices of espresso machines".into());
    ResearchTaskRequested { question: question.into(), topic, collections: vec![], sources: vec![] }
}

async fn done(task: &ResearchTaskRequested, store: &Arc<dyn Artifacts>) -> (Replayed, Gathered, AttemptRecord) {
    let step = Step::rehearsed(event(task), Arc::clone(store), NOW);
    let handled = Task::with(&Config::offline()).handle(task.clone(), &step).await.unwrap();
    let replayed = Replayed::of(handled).unwrap();
    let brought: Evidence = serde_json::from_value(replayed.arrives.clone().unwrap()).unwrap();
    let gathered = documents::get(&**store, &brought.passages.unwrap()).await.unwrap();
    (replayed, gathered, step.journal.so_far())
}

#[tokio::test]
async fn a_plan_has_a_task_for_each_question_and_one_for_an_address() {
    let address = "https://example.com/prices".to_owned();
    let goal = GoalRequested { goal: GOAL.into(), sources: vec![address.clone()], ..GoalRequested::example() };
    let store: Arc<dyn Artifacts> = Arc::new(MemoryArtifacts::new());
    let step = Step::rehearsed(event(&goal), store, NOW);
    let planned = Replayed::of(Plan::with(&Config::offline()).handle(goal, &step).await.unwrap()).unwrap();
    let tasks: Vec<ResearchTaskRequested> =
        planned.emits.iter().map(|event| serde_json::from_value(event.data.clone()).unwrap()).collect();
    let (pages, questions): (Vec<_>, Vec<_>) = tasks.into_iter().partition(|task| !task.sources.is_empty());
    assert_eq!(pages.iter().flat_map(|task| task.sources.clone()).collect::<Vec<_>>(), [address]);
    assert!(questions.len() >= 3, "{questions:?}");
    assert!(questions.iter().all(|task| task.topic.as_deref() == Some("prices of espresso machines")));
    assert_eq!(planned.opens.unwrap().join, "evidence");
}

#[tokio::test]
async fn what_a_task_brings_stands_in_its_sources_word_for_word() {
    let store = shelves().await;
    let (_, gathered, _) = done(&task_about("What price has each model of each company?"), &store).await;
    assert!(!gathered.passages.is_empty() && !gathered.tables.is_empty(), "{gathered:?}");
    for passage in &gathered.passages {
        let source = gathered.sources.iter().find(|source| source.id == passage.source).unwrap();
        let text = artifact::fetch(&*store, source.text.as_ref().unwrap()).await.unwrap();
        assert!(passage.stands_in(std::str::from_utf8(&text).unwrap()), "{passage:?}");
    }
    let known: Vec<_> = gathered.passages.iter().map(|passage| &passage.id).collect();
    for row in gathered.tables.iter().flat_map(|table| &table.passages) {
        assert!(known.contains(&row), "a row of a table leads nowhere");
    }
}

#[tokio::test]
async fn a_question_about_something_else_brings_nothing() {
    let store = shelves().await;
    let task =
        ResearchTaskRequested { topic: Some("moons of Jupiter".into()), ..task_about("What changed over time?") };
    let (_, gathered, _) = done(&task, &store).await;
    assert!(gathered.passages.is_empty() && gathered.tables.is_empty(), "{gathered:?}");
}

/// What brokers cost, on which machines.
async fn brokers() -> Arc<dyn Artifacts> {
    let notes = "# Brokers\n\nThe broker Sorrel runs on three machines. Its price is 420 USD a month.\n";
    let prices = "vendor,plan,monthly_price_usd\nSorrel,Small,20\nSorrel,Large,420\nTeasel,Only,9\n";
    shelves_of(&[("notes.md", notes), ("prices.csv", prices)]).await
}

#[tokio::test]
async fn a_topic_of_which_only_the_plain_words_are_known_brings_nothing_and_names_the_word_that_no_source_has() {
    let store = brokers().await;
    let (replayed, gathered, _) =
        done(&task_about("prices of espresso machines: what do competitors charge, by plan and month?"), &store).await;
    assert!(gathered.passages.is_empty() && gathered.tables.is_empty(), "{gathered:?}");
    assert_eq!(gathered.unknown, ["espresso"]);
    assert!(replayed.arrives.unwrap().to_string().contains("no evidence found"));
}

#[tokio::test]
async fn of_two_things_the_known_one_is_answered_and_the_other_is_named() {
    let store = brokers().await;
    let topic = Some("Sorrel and RabbitMQ".into());
    let question = "Sorrel and RabbitMQ: what do competitors charge, by plan and month?";
    let task = ResearchTaskRequested { topic, ..task_about(question) };
    let (_, gathered, _) = done(&task, &store).await;
    assert!(!gathered.passages.is_empty(), "{gathered:?}");
    assert_eq!(gathered.unknown, ["RabbitMQ"]);
}

#[tokio::test]
async fn a_goal_that_only_asks_who_is_cheapest_brings_the_prices() {
    let store = brokers().await;
    let topic = Some("Which vendor is cheapest".into());
    let question = "Which vendor is cheapest: what do competitors charge, by plan and month?";
    let (_, gathered, _) = done(&ResearchTaskRequested { topic, ..task_about(question) }, &store).await;
    assert_eq!(gathered.tables.len(), 1, "{gathered:?}");
    assert!(gathered.unknown.is_empty());
}

#[tokio::test]
async fn the_built_agent_replays_a_recorded_task_without_its_collections() {
    let store = shelves().await;
    let task = task_about("What does an espresso machine cost?");
    let (expected, _, record) = done(&task, &store).await;
    assert!(record.exchanges.len() >= 2, "{record:?}");
    assert_eq!(record.reads, [""; 0], "no replay reads the files of an index: they do not belong in the record");
    let later = NOW + Duration::from_secs(600);
    let mut recorded = RecordedStep {
        row: RowName::new("research-tasks"),
        event: event(&task),
        goal_deadline: later,
        step_deadline: later,
        model: None,
        record,
        artifacts_at: "artifact:/".into(),
        artifacts: Default::default(),
    };
    let mut replayed: Replayed = serde_json::from_slice(&replay(&recorded).stdout).unwrap();
    assert!(!std::mem::take(&mut replayed.artifacts).is_empty(), "what it stored comes with it");
    assert_eq!(replayed, expected);
    recorded.record.exchanges.pop();
    let incomplete = replay(&recorded);
    assert!(!incomplete.status.success() || String::from_utf8_lossy(&incomplete.stdout).contains("not recorded"));
}

fn replay(recorded: &RecordedStep) -> std::process::Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_research"))
        .arg("replay")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&serde_json::to_vec(recorded).unwrap()).unwrap();
    child.wait_with_output().unwrap()
}

//! Owns the step that is given evidence made by hand, and what must hold of everything that comes of it.
//! Never the real reader nor a queue: a rehearsal over artifacts in memory.
//! Next: each test file gathers what it needs and looks at what comes of it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]
#![allow(dead_code, reason = "every test file uses another part")]

mod gathering;

use std::sync::Arc;

use analysis::Analysis;
use contract::documents::{self, Analysed, Gathered};
use contract::events::{AnalysisCompleted, ArrivalStatus, Arrived, Evidence, ResearchCompleted, ResearchHead};
use contract::{Artifacts, Event, EventData, EventId, GoalId, Tenant, TraceContext, Unit, UnixMs};
use engine::Mind;
use runtime::replay::Replayed;
use runtime::{Handler, Step};
use testkit::memory::MemoryArtifacts;

pub(crate) use gathering::Gathering;

pub(crate) const NOW: UnixMs = UnixMs(1_795_000_000_000);

/// The event of a goal of whose tasks all arrived.
pub(crate) async fn researched(goal: &str, gathered: Vec<Gathered>, store: &Arc<dyn Artifacts>) -> ResearchCompleted {
    let questions = gathered.iter().map(|one| one.question.clone()).collect();
    let mut arrived = vec![];
    for (at, one) in gathered.iter().enumerate() {
        let passages = Some(documents::put(&**store, one).await.unwrap());
        let data = Evidence { question: one.question.clone(), summary: "as gathered".into(), passages };
        arrived.push(Arrived {
            member: format!("task-{at}"),
            status: ArrivalStatus::Ok,
            data: Some(serde_json::to_value(data).unwrap()),
            reference: None,
        });
    }
    ResearchCompleted { head: ResearchHead { goal: goal.into(), questions }, arrived, missing: vec![] }
}

/// An event of a goal, as a step meets it.
pub(crate) fn event<T: EventData>(data: &T) -> Event {
    let goal = GoalId::derive(&Tenant::default(), "a key");
    Event {
        id: EventId::derive(goal, &T::TYPE, &Unit::join("evidence")),
        source: contract::Source::CHOREOGRAPHY,
        kind: T::TYPE,
        version: T::VERSION,
        time: NOW,
        goal,
        goal_key: Some("a key".into()),
        causation: None,
        hops: 2,
        deadline: None,
        tenant: Tenant::default(),
        trace: TraceContext::NONE,
        data: serde_json::to_value(data).unwrap(),
    }
}

pub(crate) struct Outcome {
    pub(crate) event: AnalysisCompleted,
    pub(crate) analysed: Analysed,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) async fn analysed_of(research: &ResearchCompleted, store: &Arc<dyn Artifacts>) -> Outcome {
    let step = Step::rehearsed(event(research), Arc::clone(store), NOW);
    let handled = Analysis::with(Mind::offline()).handle(research.clone(), &step).await.unwrap();
    let event: AnalysisCompleted = Replayed::of(handled).unwrap().emitted().unwrap();
    let details = event.details.clone().unwrap();
    let bytes = store.get(&details.uri).await.unwrap();
    let analysed: Analysed = documents::get(&**store, &details).await.unwrap();
    holds_together(&analysed);
    Outcome { event, analysed, bytes }
}

/// What evidence amounts to, through the handler.
pub(crate) async fn analysed(goal: &str, gathered: Vec<Gathering>) -> Outcome {
    let store: Arc<dyn Artifacts> = Arc::new(MemoryArtifacts::new());
    let research = researched(goal, gathered.into_iter().map(|one| one.0).collect(), &store).await;
    analysed_of(&research, &store).await
}

/// Every id leads somewhere, every quote stands in its passage, and no number is none.
pub(crate) fn holds_together(analysed: &Analysed) {
    let supports = analysed.findings.iter().flat_map(|one| one.supporting.iter().chain(&one.contradicting));
    for support in supports.chain(analysed.conflicts.iter().flat_map(|one| &one.sides).map(|side| &side.support)) {
        let passage = analysed.passage(&support.passage).expect("a cited passage is there");
        assert!(!support.quote.is_empty() && passage.quote.contains(&support.quote), "{:?}", support.quote);
        assert!(analysed.source_of(passage).is_some());
    }
    for metric in &analysed.metrics {
        assert!(metric.value.is_finite() && !(metric.value == 0.0 && metric.value.is_sign_negative()));
        assert!(!metric.evidence.is_empty() && metric.evidence.iter().all(|id| analysed.passage(id).is_some()));
        assert!(analysed.tables.iter().any(|table| table.id == metric.table));
    }
    for finding in &analysed.findings {
        assert!(!finding.supporting.is_empty(), "{}", finding.statement);
        assert!(finding.metrics.iter().all(|id| analysed.metric(id).is_some()));
    }
    assert!(analysed.charts.iter().flat_map(|chart| &chart.bars).all(|(_, id)| analysed.metric(id).is_some()));
    let mut ids: Vec<_> = analysed.metrics.iter().map(|metric| &metric.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), analysed.metrics.len());
    assert!(analysed.metrics.len() <= 96 && analysed.findings.len() <= 12);
}

/// The sample sources of the repository.
pub(crate) fn sample(path: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../compose/samples/pricing/");
    std::fs::read_to_string(format!("{root}{path}")).unwrap()
}

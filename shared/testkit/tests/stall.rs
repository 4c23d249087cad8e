//! Owns the proof of what stalls a goal: a step that gave up and is needed, and none that others can do without.
//! Never a daemon: the ledger is written as daemons write it.
//! Next: `runtime::stall`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use contract::events::{ArrivalStatus, GoalCancelled, GoalRequested};
use contract::{
    Cause, CauseKind, Digest, Event, EventData, EventId, EventType, GoalId, JoinName, RowName, Source, SpanId, Tenant,
    Topology, TraceContext, TraceId, Unit, UnixMs,
};
use runtime::ledger::join::{self, Arriving, Brought, Head, Opening};
use runtime::ledger::step::{self, Claimant, Ending, Hold};
use runtime::ledger::{ItemKey, Write, goal};
use runtime::ports::{Ledger as _, Written};
use runtime::stall::stalls_of;
use runtime::{Chance, Settings};
use testkit::memory::MemoryLedger;

const NOW: UnixMs = UnixMs(1_795_000_000_000);
const HOUR: Duration = Duration::from_secs(3600);

/// One open goal.
struct Case {
    ledger: MemoryLedger,
    request: Event,
}

impl Case {
    async fn open() -> Case {
        let goal = GoalId::derive(&Tenant::default(), "stalled");
        let request = GoalRequested { deadline: None, ..GoalRequested::example() };
        let asked = event(GoalRequested::TYPE, goal, serde_json::to_value(&request).unwrap());
        let case = Case { ledger: MemoryLedger::new(), request: asked.clone() };
        let choreography = Topology::murmuration().check().unwrap();
        let settings = Settings::of(&choreography);
        case.write(&goal::accept(&asked, &request, NOW + HOUR, NOW, &choreography, &settings)).await;
        case
    }

    async fn write(&self, write: &Write) {
        assert!(matches!(self.ledger.write(write).await, Ok(Written::Applied(_))), "{write:?}");
    }

    fn input(&self, n: usize) -> EventId {
        let unit = Unit::output("research", EventId(self.request.goal.0), n);
        EventId::derive(self.request.goal, &EventType::new("research.task.requested"), &unit)
    }

    async fn parked(&self, row: &'static str, input: EventId) {
        let key = ItemKey::step(self.request.goal, &RowName::new(row), input);
        let token = Chance::seeded(1).token();
        let who = Claimant {
            token: token.clone(),
            holder: "it".into(),
            now: NOW,
            lease: NOW + HOUR,
            event_at: NOW,
            sent_at: NOW,
            received_at: NOW,
        };
        self.write(&step::claim(key.clone(), &Digest::of(b""), NOW + HOUR, &who)).await;
        let cause = Cause::new(CauseKind::Permanent, "no");
        self.write(&Hold { key, token, epoch: 1 }.park(&cause, false, Ending { at: NOW, record: None })).await;
    }

    /// The join of the tasks, of which so many must come; the first has failed.
    async fn evidence(&self, members: usize, quorum: u32) {
        let key = ItemKey::join(self.request.goal, &JoinName::new("evidence"));
        let opening = Opening {
            join: JoinName::new("evidence"),
            members: (0..members).map(|n| self.input(n).to_string()).collect(),
            required: vec![],
            quorum,
            head: Head::default(),
            due_at: NOW + HOUR,
        };
        self.write(&join::open(key.clone(), &opening, NOW + HOUR, NOW)).await;
        let member = self.input(0).to_string();
        let arriving = Arriving { member, status: ArrivalStatus::Failed, brought: Brought::default() };
        self.write(&join::arrive(key, &arriving, NOW + HOUR, NOW)).await;
    }

    async fn stalled_by(&self) -> Vec<String> {
        let choreography = Topology::murmuration().check().unwrap();
        let stalls = stalls_of(&self.ledger, self.request.goal, &choreography).await.unwrap();
        stalls.into_iter().map(|stall| stall.row).collect()
    }
}

fn event(kind: EventType, goal: GoalId, data: serde_json::Value) -> Event {
    Event {
        id: EventId::derive(goal, &kind, &Unit::goal()),
        source: Source::USER,
        version: 1,
        kind,
        time: NOW,
        goal,
        goal_key: None,
        causation: None,
        hops: 0,
        deadline: None,
        tenant: Tenant::default(),
        trace: TraceContext { trace: TraceId(1), span: SpanId(1), sampled: true, state: None },
        data,
    }
}

#[tokio::test]
async fn a_goal_without_a_step_that_gave_up_is_not_stalled() {
    let case = Case::open().await;
    assert!(case.stalled_by().await.is_empty());
    let nobody = GoalId::derive(&Tenant::default(), "nobody's");
    let choreography = Topology::murmuration().check().unwrap();
    assert_eq!(stalls_of(&case.ledger, nobody, &choreography).await, Ok(vec![]));
}

#[tokio::test]
async fn what_others_wait_for_stalls_its_goal_and_what_is_optional_does_not() {
    for (row, stalls) in [("analysis", true), ("research", true), ("writer", true), ("recommendation", false)] {
        let case = Case::open().await;
        case.parked(row, case.input(0)).await;
        assert_eq!(!case.stalled_by().await.is_empty(), stalls, "{row}");
    }
}

#[tokio::test]
async fn a_task_stalls_its_goal_where_too_few_others_are_left() {
    for (members, quorum, stalls) in [(3, 2, false), (3, 3, true), (1, 1, true)] {
        let case = Case::open().await;
        case.evidence(members, quorum).await;
        case.parked("research-tasks", case.input(0)).await;
        assert_eq!(!case.stalled_by().await.is_empty(), stalls, "{quorum} of {members}");
    }
}

#[tokio::test]
async fn a_goal_that_has_ended_is_not_stalled() {
    let case = Case::open().await;
    case.parked("analysis", case.input(0)).await;
    assert_eq!(case.stalled_by().await, ["analysis"]);
    let data = serde_json::to_value(GoalCancelled::example()).unwrap();
    let end = event(GoalCancelled::TYPE, case.request.goal, data);
    case.write(&goal::end(&end, None, &Chance::seeded(1).token(), NOW)).await;
    assert!(case.stalled_by().await.is_empty());
}

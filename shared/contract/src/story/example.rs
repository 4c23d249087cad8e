//! Owns the example of a story: a goal that stalled in the analysis after its attempts.
//! Never a recording: every number is made up, and stays the same.
//! Next: `schema` writes it to `schemas/examples/`.

use uuid::Uuid;

use super::{
    Asked, AttemptEnd, AttemptTold, DeadLetter, Emitted, GoalTold, JoinTold, Lapse, MemberState, MemberTold, Moment,
    Origin, Parked, Purse, RunStory, Standing, StepState, StepTold, Trouble, What,
};
use crate::events::{Budget, GoalRequested, OnDeadLetter, ResearchCompleted, ResearchTaskRequested};
use crate::{Cause, CauseKind, EventData, EventId, GoalId, JoinName, QueueName, RowName, Spend, Tenant, Unit, UnixMs};

const BASE: i64 = 1_795_176_000_000;

fn at(ms: i64) -> UnixMs {
    UnixMs(BASE + ms)
}

fn event(n: u128) -> EventId {
    EventId(Uuid::from_u128(0x1b4e_28ba_2fa1_51d2_883f_0016_d3cc_a400 + n))
}

impl RunStory {
    /// The same every time.
    pub fn example() -> RunStory {
        let goal = GoalId::derive(&Tenant::default(), "pricing-2026");
        let request = EventId::derive(goal, &GoalRequested::TYPE, &Unit::goal());
        let cause = Cause::new(CauseKind::AttemptsExhausted, "2 attempts; the last: the model answered nonsense");
        let spent = Purse {
            spent: Spend { tokens: 1_640, micros: 2_100 },
            reserved: Spend::default(),
            allowed: Spend { tokens: 200_000, micros: 500_000 },
        };
        RunStory {
            dataschema: RunStory::dataschema(),
            told_at: at(60_000),
            goal: asked(goal),
            standing: Standing::Stalled,
            summary: "Stalled: analysis gave up at attempt 2 of 2: the model answered nonsense.".into(),
            trouble: Some(Trouble {
                row: RowName::new("analysis"),
                agent: "analysis".into(),
                event: event(3),
                attempts: 2,
                attempts_max: Some(2),
                cause: cause.clone(),
                at: at(9_310),
                dead_letter: DeadLetter { queue: QueueName::new("murmur-analysis-dlq"), n: 1, sent: true },
                optional: false,
            }),
            next: vec![format!("murmur dlq redrive --all --goal {goal}")],
            took_ms: 60_000,
            spent,
            steps: vec![plan(request), task(request), analysis(cause.clone())],
            waiting: vec![],
            joins: vec![evidence()],
            end: None,
            moments: vec![
                told(0, What::Requested, None, request, "goal.requested"),
                told(21, What::Claimed, Some("research"), request, "attempt 1 by research@host:41"),
                told(64, What::Committed, Some("research"), request, "1 event"),
                told(9_310, What::GaveUp, Some("analysis"), event(3), &cause.to_string()),
            ],
            gaps: vec![],
        }
    }
}

fn told(ms: i64, what: What, row: Option<&'static str>, event: EventId, words: &str) -> Moment {
    Moment { at: at(ms), what, row: row.map(RowName::new), event: Some(event), words: words.into() }
}

fn asked(id: GoalId) -> GoalTold {
    GoalTold {
        id,
        key: Some("pricing-2026".into()),
        tenant: Tenant::default(),
        words: GoalRequested::example().goal,
        collections: vec!["pricing".into()],
        sources: vec![],
        context: None,
        budget: Some(Budget { tokens: Some(200_000), usd: Some(0.5) }),
        on_dead_letter: OnDeadLetter::Hold,
        model: None,
        trace: format!("{:032x}", id.0.as_u128()),
        requested_at: at(0),
        deadline: Some(at(3_600_000)),
        forked_from: None,
    }
}

fn step(row: &'static str, consumed: EventId, from: Origin, event_ms: i64) -> StepTold {
    let queue = QueueName::from(format!("murmur-{row}"));
    StepTold {
        row: RowName::new(row),
        agent: row.into(),
        queue,
        event: consumed,
        kind: None,
        from,
        about: None,
        state: StepState::Committed,
        event_at: at(event_ms),
        bus: Lapse { ms: 4, skew_ms: 0 },
        attempts: vec![],
        attempts_max: Some(2),
        redriven: 0,
        crashes: 0,
        not_before: None,
        lease_until: None,
        finished_at: None,
        cost: Spend::default(),
        models: Asked::default(),
        tools: Asked::default(),
        parked: vec![],
        emitted: vec![],
        opens: None,
        arrives: None,
        copied: false,
    }
}

/// Claimed at a time, over after another.
fn attempt(holder: &str, epoch: u32, claimed_ms: i64, work_ms: i64, end: AttemptEnd) -> AttemptTold {
    AttemptTold {
        epoch,
        round: 1,
        number: (end != AttemptEnd::GaveUp).then_some(epoch),
        holder: holder.into(),
        sent_at: at(claimed_ms - 17),
        received_at: at(claimed_ms - 2),
        claimed_at: at(claimed_ms),
        ended_at: Some(at(claimed_ms + work_ms)),
        wait: Lapse { ms: 15, skew_ms: 0 },
        claim: Lapse { ms: 2, skew_ms: 0 },
        work: Lapse { ms: work_ms.unsigned_abs(), skew_ms: 0 },
        end,
        why: None,
        record: None,
        cost: Spend::default(),
        models: Asked::default(),
        tools: Asked::default(),
    }
}

fn plan(request: EventId) -> StepTold {
    StepTold {
        kind: Some(GoalRequested::TYPE),
        attempts: vec![attempt("research@host:41", 1, 21, 43, AttemptEnd::Committed)],
        finished_at: Some(at(64)),
        emitted: vec![Emitted { event: event(1), kind: ResearchTaskRequested::TYPE }],
        opens: Some(JoinName::new("evidence")),
        ..step("research", request, Origin::User, 0)
    }
}

fn task(request: EventId) -> StepTold {
    let from = Origin::Step { row: RowName::new("research"), event: request };
    StepTold {
        agent: "research".into(),
        kind: Some(ResearchTaskRequested::TYPE),
        about: Some("What do competitors charge?".into()),
        attempts: vec![attempt("research@host:41", 1, 90, 210, AttemptEnd::Committed)],
        finished_at: Some(at(300)),
        arrives: Some(JoinName::new("evidence")),
        ..step("research-tasks", event(1), from, 64)
    }
}

fn analysis(cause: Cause) -> StepTold {
    let queue = QueueName::new("murmur-analysis-dlq");
    let models = Asked { calls: 1, failed: 0, ms: 800 };
    let cost = Spend { tokens: 820, micros: 1_050 };
    let failed = |epoch, ms| AttemptTold {
        why: Some("the model answered nonsense".into()),
        cost,
        models,
        ..attempt("analysis@host:42", epoch, ms, 900, AttemptEnd::Failed)
    };
    StepTold {
        kind: Some(ResearchCompleted::TYPE),
        state: StepState::Parked,
        attempts: vec![
            failed(1, 330),
            failed(2, 3_240),
            AttemptTold {
                why: Some(cause.to_string()),
                ..attempt("analysis@host:42", 3, 9_300, 10, AttemptEnd::GaveUp)
            },
        ],
        finished_at: Some(at(9_310)),
        cost: cost + cost,
        models: models + models,
        parked: vec![Parked { n: 1, at: at(9_310), cause, queue, redriven: false }],
        ..step("analysis", event(3), Origin::Join { join: JoinName::new("evidence") }, 310)
    }
}

fn evidence() -> JoinTold {
    JoinTold {
        join: JoinName::new("evidence"),
        makes: Some(ResearchCompleted::TYPE),
        ends_goal: false,
        opened_by: Some(RowName::new("research")),
        opened_at: Some(at(64)),
        members: vec![MemberTold {
            member: event(1).to_string(),
            row: Some(RowName::new("research-tasks")),
            required: false,
            state: MemberState::Arrived,
            at: Some(at(300)),
        }],
        quorum: 1,
        due_at: None,
        closed_at: Some(at(310)),
        closed_with: Some(event(3)),
    }
}

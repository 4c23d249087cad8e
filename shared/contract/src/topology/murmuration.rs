//! Owns the table of this repository's choreography: the four agents, their events and their two joins.
//! Never anything that can be derived from it.
//! Next: `Topology::murmuration().check()`, which every daemon starts from.

use super::{Join, Member, Members, Row, Topology};
use crate::events::{
    AnalysisCompleted, GoalCancelRequested, GoalCancelled, GoalCompleted, GoalFailed, GoalRequested,
    RecommendationsMade, ReportWritten, ResearchCompleted, ResearchTaskRequested, StepFailed,
};
use crate::{EventData, JoinName, RowName};

pub(super) fn topology() -> Topology {
    Topology::empty()
        .with_entrance::<GoalRequested>()
        .with_entrance::<GoalCancelRequested>()
        .with_event::<ResearchTaskRequested>()
        .with_event::<ResearchCompleted>()
        .with_event::<AnalysisCompleted>()
        .with_result::<ReportWritten>()
        .with_result::<RecommendationsMade>()
        .with_result::<StepFailed>()
        .with_result::<GoalCompleted>()
        .with_result::<GoalFailed>()
        .with_result::<GoalCancelled>()
        .with_row(
            Row::new("research")
                .consumes::<GoalRequested>()
                .consumes::<GoalCancelRequested>()
                .emits::<ResearchTaskRequested>()
                .opens("evidence")
                .accepts_goals()
                .spends(),
        )
        .with_row(
            Row::new("research-tasks")
                .hosted_by("research")
                .consumes::<ResearchTaskRequested>()
                .arrives_at("evidence", Member::Event)
                .spends(),
        )
        .with_join(Join {
            name: JoinName::new("evidence"),
            emits: ResearchCompleted::TYPE,
            members: Members::Opened,
            inline_bytes_max: 1024,
        })
        .with_row(Row::new("analysis").consumes::<ResearchCompleted>().emits::<AnalysisCompleted>().spends())
        .with_row(
            Row::new("writer")
                .consumes::<AnalysisCompleted>()
                .emits::<ReportWritten>()
                .arrives_at("result", Member::Row)
                .spends(),
        )
        .with_row(
            Row::new("recommendation")
                .consumes::<AnalysisCompleted>()
                .emits::<RecommendationsMade>()
                .arrives_at("result", Member::Row)
                .spends(),
        )
        .with_join(Join {
            name: JoinName::new("result"),
            emits: GoalCompleted::TYPE,
            members: Members::Terminal {
                required: vec![RowName::new("writer")],
                optional: vec![RowName::new("recommendation")],
            },
            inline_bytes_max: 16 * 1024,
        })
}

//! Owns the parts: closures as handlers, the plain parts that every row has unless a test says otherwise, and the
//! smallest choreography there is.
//! Never a queue or a ledger: parts are handlers like anybody's.
//! Next: `Stage::plays` exchanges one.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use contract::events::{
    AnalysisCompleted, Evidence, GoalCancelRequested, GoalCancelled, GoalCompleted, GoalFailed, GoalRequested,
    RecommendationsMade, ReportWritten, ResearchHead, ResearchTaskRequested, StepFailed,
};
use contract::topology::{Join, Member, Members, Row};
use contract::{Event, EventData, JoinName, RowName, Topology};
use futures_util::future::BoxFuture;
use runtime::{Handled, Handler, Inputs, Open, Step, StepError};

use super::process::Process;
use super::{Outcome, locked};
use crate::place::Op;

pub(crate) type Part = Arc<dyn Fn(Step) -> BoxFuture<'static, Result<Handled, StepError>> + Send + Sync>;

/// Whatever a row consumes: parts look at `step.event` themselves.
#[derive(Debug)]
pub(crate) struct Anything;

impl Inputs for Anything {
    fn decode(_: &Event) -> Result<Anything, String> {
        Ok(Anything)
    }
}

/// A row's part in one process. Each call is a place like a port's.
pub(crate) struct Playing {
    pub(crate) process: Arc<Process>,
    pub(crate) row: &'static str,
}

#[async_trait]
impl Handler for Playing {
    type Input = Anything;
    async fn handle(&self, _: Anything, step: &Step) -> Result<Handled, StepError> {
        let about = format!("{}/{}#{}", step.event.goal, self.row, step.event.id);
        self.process.call(Op::Handler, about, |_| async { Ok(((), Outcome::Applied)) }).await?;
        let part = locked(&self.process.stage.parts).get(self.row).cloned();
        match part {
            Some(part) => part(step.clone()).await,
            None => Ok(Handled::nothing()),
        }
    }
}

fn part<Fut>(play: impl Fn(Step) -> Fut + Send + Sync + 'static) -> Part
where
    Fut: Future<Output = Result<Handled, StepError>> + Send + 'static,
{
    Arc::new(move |step| Box::pin(play(step)))
}

/// Everybody does at once, and for nothing, what the row is for.
pub(crate) fn plain() -> BTreeMap<&'static str, Part> {
    BTreeMap::from([
        ("solo", part(|_| async { Ok(Handled::emit(&ReportWritten::example())) })),
        ("research", part(|_| async { Ok(evidence(2, 0)) })),
        (
            "research-tasks",
            part(|step| async move {
                let task: ResearchTaskRequested =
                    step.event.data_as().map_err(|why| StepError::permanent(why.to_string()))?;
                let found = Evidence { question: task.question, summary: "found".into(), passages: None };
                Ok(Handled::nothing().arriving(&found))
            }),
        ),
        ("analysis", part(|_| async { Ok(Handled::emit(&AnalysisCompleted::example())) })),
        ("writer", part(|_| async { Ok(Handled::emit(&ReportWritten::example())) })),
        ("recommendation", part(|_| async { Ok(Handled::emit(&RecommendationsMade::example())) })),
    ])
}

/// What a plan of so many tasks returns.
pub fn evidence(tasks: usize, quorum: u32) -> Handled {
    let questions: Vec<String> = (0..tasks).map(|task| format!("question {task}")).collect();
    let mut handled = Handled::nothing();
    for question in &questions {
        let task =
            ResearchTaskRequested { question: question.clone(), topic: None, collections: vec![], sources: vec![] };
        handled = handled.and_emit(&task);
    }
    let head = ResearchHead { goal: "a goal".into(), questions };
    handled.opening(Open::join("evidence", &head).quorum(quorum))
}

/// One row that accepts goals, publishes a report and thereby ends them.
pub fn solo() -> Topology {
    Topology::empty()
        .with_entrance::<GoalRequested>()
        .with_entrance::<GoalCancelRequested>()
        .with_result::<ReportWritten>()
        .with_result::<StepFailed>()
        .with_result::<GoalCompleted>()
        .with_result::<GoalFailed>()
        .with_result::<GoalCancelled>()
        .with_row(
            Row::new("solo")
                .consumes::<GoalRequested>()
                .consumes::<GoalCancelRequested>()
                .emits::<ReportWritten>()
                .arrives_at("result", Member::Row)
                .accepts_goals()
                .spends(),
        )
        .with_join(Join {
            name: JoinName::new("result"),
            emits: GoalCompleted::TYPE,
            members: Members::Terminal { required: vec![RowName::new("solo")], optional: vec![] },
            inline_bytes_max: 16 * 1024,
        })
}

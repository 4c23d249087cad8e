//! Owns the four agents as scripts: they plan, find, analyse, write and recommend nothing, but they spend, fail, panic,
//! take their time and die as a seed decides. Whoever answers twice answers differently, as models do.
//! Never looks at a queue or the ledger's rules: they are handlers like anybody's.
//! Next: `run` puts them into processes.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use contract::events::{
    AnalysisCompleted, Evidence, GoalRequested, RecommendationsMade, ReportWritten, ResearchCompleted, ResearchHead,
    ResearchTaskRequested,
};
use contract::{EventData, RowName, Topology};
use runtime::ledger::{Attr, ItemKey};
use runtime::{Daemon, Handled, Handler, Open, Refused, Spend, Step, StepError};

use super::point::{Fault, Op, Side};
use super::process::Process;
use super::{Shared, World};

/// What a scripted call may cost at most, and what it costs.
pub(crate) const BOUND: Spend = Spend { tokens: 10, micros: 10 };
const COST: Spend = Spend { tokens: 7, micros: 7 };
/// Larger than a step item may hold.
const LARGE: usize = 46_000;

/// The choreography of this repository, with two replicas of each agent.
pub fn scripted() -> Result<World, Vec<contract::topology::Problem>> {
    scripted_with(Topology::murmuration())
}

/// The same four in a topology that was extended: whoever extended it adds its own daemons by `World::agent`.
pub fn scripted_with(topology: Topology) -> Result<World, Vec<contract::topology::Problem>> {
    let choreography = topology.check()?;
    let research = choreography.clone();
    let (analysis, writer, recommendation) = (choreography.clone(), choreography.clone(), choreography.clone());
    Ok(World::new(choreography)
        .daemon("research", 2, move |process| {
            Daemon::new("research", research.clone())
                .handles("research", Plan(Script::of(process, "research")))
                .handles("research-tasks", Task(Script::of(process, "research-tasks")))
        })
        .daemon("analysis", 2, move |process| {
            Daemon::new("analysis", analysis.clone()).handles("analysis", Analysis(Script::of(process, "analysis")))
        })
        .daemon("writer", 2, move |process| {
            Daemon::new("writer", writer.clone()).handles("writer", Writer(Script::of(process, "writer")))
        })
        .daemon("recommendation", 2, move |process| {
            Daemon::new("recommendation", recommendation.clone())
                .handles("recommendation", Recommendation(Script::of(process, "recommendation")))
        }))
}

/// What all of them do alike, in one row.
struct Script {
    process: Arc<Process>,
    row: &'static str,
}

struct Plan(Script);
struct Task(Script);
struct Analysis(Script);
struct Writer(Script);
struct Recommendation(Script);

impl Script {
    fn of(process: &Arc<Process>, row: &'static str) -> Script {
        Script { process: Arc::clone(process), row }
    }

    fn shared(&self) -> &Shared {
        &self.process.shared
    }

    /// Works as the seed decides; returns what makes this answer unlike any other.
    async fn work(&self, step: &Step) -> Result<String, StepError> {
        let shared = self.shared();
        let key = ItemKey::step(step.event.goal, &RowName::new(self.row), step.event.id);
        let other = shared.cloud.ledger.item(&ItemKey::goal(step.event.goal)).is_some_and(|goal| {
            step.event.kind == GoalRequested::TYPE && goal.text(&Attr::Digest) != Some(step.event.digest().as_str())
        });
        if other || step.event.data.get("forged").is_some() {
            shared.violated("other-data-done", || key.sort());
        }
        let alone = shared.step(&key).is_some_and(|step| step.alone);
        let _at_work = self.process.begins(key.clone(), alone);
        self.process.point(Op::Handler, Side::Before).await;
        for _ in 0..shared.odds.calls {
            let reservation = match step.budget.reserve(BOUND).await {
                Ok(reservation) => reservation,
                Err(Refused::Exhausted) if shared.chance(0.5) => break,
                Err(error) => return Err(error.into()),
            };
            self.kill(&key).await;
            self.take_time().await;
            self.fail()?;
            if shared.faults_on() && shared.chance(shared.odds.unsettled) {
                shared.hits().fault(Fault::Unsettled);
            } else {
                reservation.settle(COST).await;
            }
        }
        if shared.odds.calls == 0 {
            self.kill(&key).await;
            self.take_time().await;
            self.fail()?;
        }
        self.process.point(Op::Handler, Side::After).await;
        Ok(format!("{:016x}", shared.draw(|rng| rng.u64(..))))
    }

    async fn kill(&self, key: &ItemKey) {
        let shared = self.shared();
        if shared.odds.killer == Some(self.row) && shared.is_the_killer(key) && shared.chance(0.95) {
            shared.hits().fault(Fault::Killer);
            shared.witness().killed(shared, key, &self.process.at_work());
            self.process.crash_here().await;
        }
    }

    async fn take_time(&self) {
        let shared = self.shared();
        if shared.faults_on() && shared.chance(shared.odds.handler_long) {
            shared.hits().fault(Fault::LongWork);
            tokio::time::sleep(Duration::from_millis(shared.up_to(120_000))).await;
        } else {
            tokio::time::sleep(Duration::from_millis(shared.up_to(2_000))).await;
        }
    }

    fn fail(&self) -> Result<(), StepError> {
        let shared = self.shared();
        let odds = &shared.odds;
        if odds.poison == Some(self.row) && shared.chance(0.9) {
            shared.hits().fault(Fault::Poison);
            if shared.chance(0.05) {
                // As if a model's whole answer stood in the error.
                shared.hits().fault(Fault::LongError);
                return Err(StepError::transient("\u{ffff}\n".repeat(120_000)));
            }
            return Err(StepError::transient("poisoned"));
        }
        if !shared.faults_on() {
            return Ok(());
        }
        if shared.chance(odds.handler_panic) {
            shared.hits().fault(Fault::HandlerPanic);
            // `resume_unwind` panics without the hook that would print a backtrace for each of thousands.
            std::panic::resume_unwind(Box::new("scripted"));
        }
        if shared.chance(odds.handler_error) {
            shared.hits().fault(Fault::HandlerError);
            return Err(if shared.chance(0.7) {
                StepError::transient("scripted")
            } else {
                StepError::permanent("scripted")
            });
        }
        Ok(())
    }
}

#[async_trait]
impl Handler for Plan {
    type Input = GoalRequested;
    async fn handle(&self, goal: GoalRequested, step: &Step) -> Result<Handled, StepError> {
        let nonce = self.0.work(step).await?;
        let shared = self.0.shared();
        let tasks = if shared.odds.tasks == 3 && shared.chance(0.03) { 0 } else { shared.odds.tasks };
        let padding = if shared.is_large() { "x".repeat(LARGE) } else { String::new() };
        let mut handled = Handled::nothing();
        let mut questions = vec![];
        for task in 0..tasks {
            let question = format!("{nonce} {task}");
            questions.push(question.clone());
            let question = if tasks < 5 { format!("{question} {padding}") } else { question };
            handled = handled.and_emit(&ResearchTaskRequested {
                question,
                topic: None,
                collections: vec![],
                sources: vec![],
            });
        }
        let head = ResearchHead { goal: goal.goal, questions };
        let quorum = u32::try_from(tasks.min(2)).unwrap_or(0);
        let open = Open::join("evidence", &head).quorum(quorum);
        if shared.chance(0.1) {
            shared.hits().fault(Fault::AllRequired);
            return Ok(handled.opening(open.all_required()));
        }
        Ok(handled.opening(open))
    }
}

#[async_trait]
impl Handler for Task {
    type Input = ResearchTaskRequested;
    async fn handle(&self, task: ResearchTaskRequested, step: &Step) -> Result<Handled, StepError> {
        let nonce = self.0.work(step).await?;
        let padding = if self.0.shared().is_large() { "y".repeat(2_000) } else { String::new() };
        let question = task.question.chars().take(40).collect();
        Ok(Handled::nothing().arriving(&Evidence { question, summary: format!("{nonce}{padding}"), passages: None }))
    }
}

#[async_trait]
impl Handler for Analysis {
    type Input = ResearchCompleted;
    async fn handle(&self, input: ResearchCompleted, step: &Step) -> Result<Handled, StepError> {
        let nonce = self.0.work(step).await?;
        let done = AnalysisCompleted { goal: input.head.goal, summary: nonce, findings: vec![], details: None };
        Ok(Handled::emit(&done))
    }
}

#[async_trait]
impl Handler for Writer {
    type Input = AnalysisCompleted;
    async fn handle(&self, _: AnalysisCompleted, step: &Step) -> Result<Handled, StepError> {
        let nonce = self.0.work(step).await?;
        Ok(Handled::emit(&ReportWritten { summary: nonce, ..ReportWritten::example() }))
    }
}

#[async_trait]
impl Handler for Recommendation {
    type Input = AnalysisCompleted;
    async fn handle(&self, _: AnalysisCompleted, step: &Step) -> Result<Handled, StepError> {
        let nonce = self.0.work(step).await?;
        let mut made = RecommendationsMade::example();
        made.recommendations[0].rationale = nonce;
        Ok(Handled::emit(&made))
    }
}

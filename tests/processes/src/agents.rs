//! Owns the four agents as small scripts.
//! Never a model and never a source: each hands on what it was given, so that a test knows what must come out.
//! Next: `bin/scripted-agent` runs each as a process; the tests of the wire run them beside themselves.

use std::time::Duration;

use async_trait::async_trait;
use contract::events::{
    AnalysisCompleted, Evidence, GoalRequested, Recommendation, RecommendationsMade, ReportWritten, ResearchCompleted,
    ResearchHead, ResearchTaskRequested,
};
use contract::{Choreography, EventData as _};
use runtime::{Daemon, Handled, Handler, Open, Step, StepError};

/// A goal with this word takes the analysis as long as `LONG_WORK`: longer than a short lease.
pub const SLOWLY: &str = "slowly";
/// A goal with these words fails in its analysis, in every attempt.
pub const IN_VAIN: &str = "in vain";
pub const NONSENSE: &str = "the model answered nonsense";
const LONG_WORK: Duration = Duration::from_secs(5);
/// As many tasks as a goal gets.
pub const TASKS: usize = 3;

struct Plan;
struct Task;
struct Analysis;
struct Writer;
struct Recommending;

/// The daemons of this choreography.
pub const NAMES: [&str; 4] = ["research", "analysis", "writer", "recommendation"];

/// The daemon of that name, with its scripts.
pub fn daemon(name: &'static str, choreography: Choreography) -> Daemon {
    hatch(name, Daemon::new(name, choreography))
}

/// Its scripts.
pub fn hatch(name: &str, daemon: Daemon) -> Daemon {
    match name {
        "research" => daemon.handles("research", Plan).handles("research-tasks", Task),
        "analysis" => daemon.handles("analysis", Analysis),
        "writer" => daemon.handles("writer", Writer),
        _ => daemon.handles("recommendation", Recommending),
    }
}

#[async_trait]
impl Handler for Plan {
    type Input = GoalRequested;
    async fn handle(&self, goal: GoalRequested, _: &Step) -> Result<Handled, StepError> {
        let questions: Vec<String> = (1..=TASKS).map(|n| format!("question {n} of: {}", goal.goal)).collect();
        let mut handled = Handled::nothing();
        for question in &questions {
            let task =
                ResearchTaskRequested { question: question.clone(), topic: None, collections: vec![], sources: vec![] };
            handled = handled.and_emit(&task);
        }
        Ok(handled.opening(Open::join("evidence", &ResearchHead { goal: goal.goal, questions }).all_required()))
    }
}

#[async_trait]
impl Handler for Task {
    type Input = ResearchTaskRequested;
    async fn handle(&self, task: ResearchTaskRequested, _: &Step) -> Result<Handled, StepError> {
        let summary = format!("answer to {}", task.question);
        Ok(Handled::nothing().arriving(&Evidence { question: task.question, summary, passages: None }))
    }
}

#[async_trait]
impl Handler for Analysis {
    type Input = ResearchCompleted;
    async fn handle(&self, input: ResearchCompleted, _: &Step) -> Result<Handled, StepError> {
        if input.head.goal.contains(SLOWLY) {
            tokio::time::sleep(LONG_WORK).await;
        }
        if input.head.goal.contains(IN_VAIN) {
            return Err(StepError::transient(NONSENSE));
        }
        let summary = format!("{} answers to {:?}", input.arrived.len(), input.head.goal);
        Ok(Handled::emit(&AnalysisCompleted { goal: input.head.goal, summary, findings: vec![], details: None }))
    }
}

#[async_trait]
impl Handler for Writer {
    type Input = AnalysisCompleted;
    async fn handle(&self, input: AnalysisCompleted, _: &Step) -> Result<Handled, StepError> {
        Ok(Handled::emit(&ReportWritten { summary: input.summary, ..ReportWritten::example() }))
    }
}

#[async_trait]
impl Handler for Recommending {
    type Input = AnalysisCompleted;
    async fn handle(&self, input: AnalysisCompleted, _: &Step) -> Result<Handled, StepError> {
        let mut made = RecommendationsMade::example();
        for Recommendation { rationale, .. } in &mut made.recommendations {
            rationale.clone_from(&input.summary);
        }
        Ok(Handled::emit(&made))
    }
}

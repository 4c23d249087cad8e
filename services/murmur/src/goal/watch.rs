//! Owns `murmur goal watch`: a goal's progress as lines, and its end as an exit code.
//! Never a hand on the goal: whoever stops watching leaves it as it was.
//! Next: `following` finds what is new.

use std::time::Duration;

use contract::events::{EndCause, GoalCancelled, GoalFailed};
use contract::{Event, GoalId, UnixMs};
use runtime::ledger::Standing;

use super::following::{News, Patience, StepNews, Told, follow};
use super::named::Which;
use super::{command, named, span};
use crate::exit::Exit;
use crate::reach::{Reach, Where};
use crate::screen::{Screen, harmless};

/// Longer than any agent takes that is up.
const TAKEN_MAX: Duration = Duration::from_secs(60);

const HELP: &str = "\
Example:\n\
\x20 murmur goal watch 6f1c0d5e --within 10m\n\
\n\
Each step is one line as it moves. A server that is away for a while is\n\
waited for. Ctrl-C ends only the watching. With --json, each change is one\n\
JSON object on a line of its own; \"what\" says which.";

/// Follow a goal until it ends: exit code 0 when it completed, 1 when it failed or was cancelled
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Asked {
    #[command(flatten)]
    which: Which,
    /// Stop watching after so long, as in 90s, 10m or 2h: exit code 1
    #[arg(long, visible_alias = "timeout", value_name = "TIME", value_parser = humantime::parse_duration)]
    within: Option<Duration>,
}

pub(crate) async fn run(asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let reach = place.reach_to_read().await?;
    let (goal, until_taken) = match (asked.which.told()?, &asked.which.goal) {
        // Sent just now, it may not have been accepted yet.
        (Some(goal), _) => (goal, Some(TAKEN_MAX)),
        (None, text) => (named::find(&reach, text.as_deref().unwrap_or_default()).await?, None),
    };
    until_end(&reach, goal, Patience { within: asked.within, until_taken }, place, screen).await
}

/// Tells everything until the end.
pub(crate) async fn until_end(
    reach: &Reach,
    goal: GoalId,
    patience: Patience,
    place: &Where,
    screen: Screen,
) -> anyhow::Result<Exit> {
    let mut left = Left { screen, again: Some(command(place, &format!("goal watch {goal}"))) };
    let mut began = None;
    let mut tell = |told: &Told| {
        if screen.json {
            return screen.record(told);
        }
        let began = *began.get_or_insert(told.at);
        screen.prose(&lines(told, began, place))
    };
    let ended = follow(reach, goal, patience, &mut tell).await?;
    left.again = None;
    Ok(if Standing::after(&ended.kind) == Standing::Completed { Exit::Done } else { Exit::Failed })
}

/// Says, however the watching ends, that the goal goes on; unless it has ended.
struct Left {
    screen: Screen,
    again: Option<String>,
}

impl Drop for Left {
    fn drop(&mut self) {
        if let Some(again) = &self.again {
            self.screen.progress(&format!("the goal goes on without being watched; go on with {again}"));
        }
    }
}

/// What happened, for a person.
fn lines(told: &Told, began: UnixMs, place: &Where) -> String {
    let goal = told.goal;
    let said = match &told.news {
        News::Waiting { .. } => {
            let [status, up] = ["status", "up"].map(|words| command(place, words));
            format!("nobody has taken the goal yet\n  is a research agent up: {status}\n  agents start with: {up}")
        }
        News::Accepted { words, deadline } => format!("goal {goal}, until {deadline}\n  {}", harmless(words)),
        News::Step(step) => said_of(step),
        News::Joined { join, arrived, failed, missing } => joined(join, *arrived, failed, missing.len()),
        News::Stalled { by } => {
            let who: String = by.iter().map(|one| format!("\n  {}: {}", one.row, harmless(&one.cause))).collect();
            let [why, letters, redrive] = ["explain", "dlq list --goal", "dlq redrive --all --goal"]
                .map(|words| command(place, &format!("{words} {goal}")));
            format!(
                "stalled: it waits for somebody to mend and redrive what gave up{who}\n  why: {why}\n  its dead letters: \
                 {letters}\n  once mended: {redrive}"
            )
        }
        News::GoesOn => "it goes on".into(),
        News::Unanswered { why } => format!("the ledger does not answer, and is asked again: {}", harmless(why)),
        News::Answered => "the ledger answers again".into(),
        News::Ended { standing, event } => {
            let next = command(place, &format!("explain {goal}"));
            format!("{standing}{}\n  the whole story: {next}", because(event))
        }
    };
    format!("{:>8}  {said}", format!("+{}", span(began.until(told.at))))
}

fn joined(join: &str, arrived: usize, failed: &[String], missing: usize) -> String {
    let mut said = format!("{join}: {arrived} results");
    if failed.is_empty() && missing == 0 {
        said.push_str(", all there");
    }
    if !failed.is_empty() {
        said.push_str(&format!(", {} failed ({})", failed.len(), harmless(&failed.join(", "))));
    }
    if missing > 0 {
        said.push_str(&format!(", {missing} missing"));
    }
    said
}

fn said_of(step: &StepNews) -> String {
    let StepNews { row, state, attempt, cause, .. } = step;
    let state = state.replace('-', " ");
    let which = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
    let cause = cause.as_ref().map(|cause| format!(": {}", harmless(cause))).unwrap_or_default();
    format!("{row}: {state}{which}{cause}")
}

/// Why it ended so, where that is not clear.
fn because(end: &Event) -> String {
    if let Ok(cancelled) = end.data_as::<GoalCancelled>()
        && Standing::after(&end.kind) == Standing::Cancelled
    {
        return cancelled.reason.map(|reason| format!(": {}", harmless(&reason))).unwrap_or_default();
    }
    let Ok(failed) = end.data_as::<GoalFailed>() else { return String::new() };
    match failed.cause {
        EndCause::DeadlineExceeded { missing } => format!(": its deadline passed without {}", missing.join(", ")),
        EndCause::StepFailed { row, cause, .. } => format!(": {row} gave up: {}", harmless(&cause.to_string())),
        EndCause::JoinIncomplete { join, missing } => format!(": {join} waited in vain for {}", missing.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_is_told_with_the_results_that_came_and_those_that_gave_up_by_name() {
        assert_eq!(joined("evidence", 3, &[], 0), "evidence: 3 results, all there");
        let failed = ["research-tasks#3f2a81c0".to_owned()];
        assert_eq!(joined("evidence", 2, &failed, 0), "evidence: 2 results, 1 failed (research-tasks#3f2a81c0)");
        assert_eq!(
            joined("evidence", 0, &failed, 2),
            "evidence: 0 results, 1 failed (research-tasks#3f2a81c0), 2 missing"
        );
    }

    #[test]
    fn a_step_is_told_with_its_attempt_and_cause_and_nothing_that_a_terminal_obeys() {
        let step = StepNews {
            row: "analysis".into(),
            event: contract::EventId(contract::GOAL_NAMESPACE),
            state: "gave-up",
            attempt: 3,
            cause: Some("attempts-exhausted: \u{1b}[2J".into()),
            not_before: None,
        };
        assert_eq!(said_of(&step), "analysis: gave up, attempt 3: attempts-exhausted: ?[2J");
    }
}

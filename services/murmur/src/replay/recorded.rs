//! Owns making of a past step what its agent can run again: its input, the record of its attempt, what it read.
//! Never guesses: what is missing is said, and the step is not run.
//! Next: `child` hands it to the agent.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use contract::{AttemptRecord, PortError, documents};
use runtime::history::{History, PastStep};
use runtime::replay::RecordedStep;

use crate::reach::Reach;

/// As much of its deadline as the runtime gives a handler.
const WORK_SHARE: f64 = 0.9;

/// Or why there is none. An error is the server's.
pub(super) async fn of(
    reach: &Reach,
    history: &History,
    step: &PastStep,
) -> Result<Result<RecordedStep, String>, PortError> {
    let Some(event) = step.input.clone() else {
        return Ok(Err("its input is nowhere in the ledger".into()));
    };
    let record = match record(reach, step).await {
        Ok(record) => record,
        Err(PortError::Permanent { reason }) => return Ok(Err(format!("the record of its attempt: {reason}"))),
        Err(error) => return Err(error),
    };
    let mut artifacts = BTreeMap::new();
    for uri in &record.reads {
        match reach.ports.artifacts.get(uri).await {
            Ok(bytes) => drop(artifacts.insert(uri.clone(), STANDARD.encode(bytes))),
            // The agent will say so if it needs it.
            Err(PortError::Permanent { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let deadline_s = reach.choreography.row(&step.row).map_or(0, |row| row.limits.step_deadline_s);
    Ok(Ok(RecordedStep {
        row: step.row.clone(),
        event,
        goal_deadline: history.goal.deadline,
        step_deadline: record.began + Duration::from_secs(deadline_s).mul_f64(WORK_SHARE),
        model: history.goal.preferred_model(),
        artifacts_at: place(reach),
        record,
        artifacts,
    }))
}

/// The one of the attempt that was committed; a step that asked nobody and read nothing has none.
async fn record(reach: &Reach, step: &PastStep) -> Result<AttemptRecord, PortError> {
    let last = step.last();
    match last.and_then(|last| last.over.as_ref()?.record.as_ref()) {
        Some(at) => documents::get(&*reach.ports.artifacts, at).await,
        None => Ok(AttemptRecord {
            attempt: step.step.attempts + 1,
            began: last.and_then(|last| last.held.as_ref()).map_or(step.step.finished_at, |held| held.from),
            ..AttemptRecord::default()
        }),
    }
}

/// Where artifacts are kept. Nothing is stored there: what an agent stores in a replay is only named as if it were.
fn place(reach: &Reach) -> String {
    let at = reach.config.artifacts.as_ref().map_or("artifact:", |url| url.as_str());
    at.trim_end_matches('/').to_owned()
}

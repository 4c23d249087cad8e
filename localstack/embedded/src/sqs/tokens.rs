//! Owns the opaque texts beside receipts: where a list goes on, and which move task is meant.
//! Never checks that what they name is there.
//! Next: `request` reads them; `management` and `moves` hand them out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

pub(crate) fn page(after: &str) -> String {
    STANDARD.encode(after)
}

pub(crate) fn read_page(token: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(token).ok()?).ok()
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    task_id: String,
    source_arn: String,
}

pub(crate) fn task(source_arn: &str, task: &str) -> String {
    let handle = Task { task_id: task.to_owned(), source_arn: source_arn.to_owned() };
    STANDARD.encode(serde_json::to_vec(&handle).unwrap_or_default())
}

/// The source's ARN and the task's id.
pub(crate) fn read_task(handle: &str) -> Option<(String, String)> {
    let read: Task = serde_json::from_slice(&STANDARD.decode(handle).ok()?).ok()?;
    Some((read.source_arn, read.task_id))
}

//! Owns the log of operations: what was asked, and what became of it, for tests that wait for something to happen.
//! Never a body: names, times and endings only. The oldest are forgotten.
//! Next: `front` writes it; `EmbeddedCloud::operations` and the control page read it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::watch;

const KEPT_MAX: usize = 10_000;

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Operation {
    /// Counted from 1, in the order of endings.
    pub number: u64,
    pub service: &'static str,
    pub operation: String,
    /// The queue, bus or table, where the call names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The access key that signed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<String>,
    pub ended_at_ms: i64,
    pub ending: Ending,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    Answered,
    Refused {
        code: String,
        status: u16,
    },
    /// Not carried out, not answered.
    Cut,
    /// Carried out, not answered.
    ReplyLost,
}

#[derive(Clone, Debug)]
pub(crate) struct OperationLog {
    kept: Arc<Mutex<VecDeque<Operation>>>,
    count: watch::Sender<u64>,
}

impl OperationLog {
    pub(crate) fn new() -> OperationLog {
        OperationLog { kept: Arc::default(), count: watch::Sender::new(0) }
    }

    /// The number is given here.
    pub(crate) fn add(&self, mut operation: Operation) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        operation.number = *self.count.borrow() + 1;
        if kept.len() == KEPT_MAX {
            kept.pop_front();
        }
        let number = operation.number;
        kept.push_back(operation);
        self.count.send_replace(number);
    }

    pub(crate) fn after(&self, number: u64) -> Vec<Operation> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.partition_point(|operation| operation.number <= number);
        kept.range(known..).cloned().collect()
    }

    pub(crate) fn last(&self) -> u64 {
        *self.count.borrow()
    }

    /// The first operation after that number that fits, once there is one.
    pub(crate) async fn wait_for(&self, mut after: u64, fits: impl Fn(&Operation) -> bool) -> Option<Operation> {
        let mut count = self.count.subscribe();
        loop {
            count.borrow_and_update();
            let newer = self.after(after);
            // Each is looked at once, however often the log grows meanwhile.
            after = newer.last().map_or(after, |last| last.number);
            if let Some(found) = newer.into_iter().find(|operation| fits(operation)) {
                return Some(found);
            }
            count.changed().await.ok()?;
        }
    }
}

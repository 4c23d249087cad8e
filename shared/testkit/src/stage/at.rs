//! Owns the addresses of faults, and what can go wrong there: the n-th call of one kind, by one process, about one thing.
//! Never strikes by itself: `ports` asks at each call.
//! Next: `Stage::script` and `Stage::hold`.

use std::time::Duration;

use contract::PortError;
use runtime::ledger::WriteName;
use tokio_util::sync::CancellationToken;

use crate::place::Op;

/// Which calls. Without more: the first one of that kind, whoever makes it.
#[derive(Clone, Debug)]
pub struct At {
    op: Op,
    process: Option<String>,
    about: Vec<String>,
    from: usize,
    times: usize,
}

impl At {
    pub fn op(op: Op) -> At {
        At { op, process: None, about: vec![], from: 1, times: 1 }
    }
    pub fn write(name: WriteName) -> At {
        At::op(Op::Write(name))
    }
    /// Only calls by the process of that name.
    pub fn by(mut self, process: &str) -> At {
        self.process = Some(process.into());
        self
    }
    /// Only calls whose `about` (as the log shows it) holds this.
    pub fn about(mut self, text: impl Into<String>) -> At {
        self.about.push(text.into());
        self
    }
    /// From the n-th such call on, counted from 1.
    pub fn nth(mut self, n: usize) -> At {
        self.from = n;
        self
    }
    pub fn times(mut self, times: usize) -> At {
        self.times = times;
        self
    }
    pub fn always(self) -> At {
        self.times(usize::MAX)
    }
}

/// What goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing is applied, and this is the answer.
    Fail(PortError),
    /// It is applied, and the answer is lost.
    LoseReply,
    /// These entries of the batch are not applied, and the answer says so.
    Entries(Vec<usize>),
    /// Goal states are not read this time, and the answer says so.
    Unprocessed,
    /// The call waits before it is applied.
    Hold(Gate),
    /// It is applied, and the answer waits.
    HoldReply(Gate),
    CrashBefore,
    CrashAfter,
    /// SIGTERM, before it is applied.
    Stop,
    /// SIGTERM, after it was applied.
    StopAfter,
}

impl Fault {
    pub fn throttled() -> Fault {
        Fault::Fail(PortError::transient("throttled"))
    }
}

/// Where calls wait for a test.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    reached: CancellationToken,
    opened: CancellationToken,
}

impl Gate {
    /// Waits until the first call stands here.
    pub async fn reached(&self) {
        let waited = tokio::time::timeout(super::PATIENCE, self.reached.cancelled()).await;
        assert!(waited.is_ok(), "nobody ever came to this gate");
    }
    pub fn is_reached(&self) -> bool {
        self.reached.is_cancelled()
    }
    /// From now on, everybody passes.
    pub fn open(&self) {
        self.opened.cancel();
    }
    pub(crate) async fn pass(&self) {
        self.reached.cancel();
        self.opened.cancelled().await;
    }
    /// Opens by itself after that long.
    pub async fn open_after(&self, span: Duration) {
        self.reached().await;
        tokio::time::sleep(span).await;
        self.open();
    }
}

#[derive(Debug)]
pub(crate) struct Rule {
    at: At,
    fault: Fault,
    seen: usize,
}

impl Rule {
    pub(crate) fn new(at: At, fault: Fault) -> Rule {
        Rule { at, fault, seen: 0 }
    }

    /// Counts the call if it is of the kind, and says what happens to it.
    pub(crate) fn strikes(&mut self, op: Op, process: &str, about: &str) -> Option<Fault> {
        let At { op: of, process: by, about: words, from, times } = &self.at;
        let is_it = *of == op
            && by.as_ref().is_none_or(|by| by == process)
            && words.iter().all(|word| about.contains(word.as_str()));
        if !is_it {
            return None;
        }
        self.seen += 1;
        let struck = self.seen >= *from && self.seen - from < *times;
        struck.then(|| self.fault.clone())
    }
}

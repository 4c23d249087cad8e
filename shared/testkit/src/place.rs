//! Owns the places where anything may happen to a process: before and after each call that it makes of a port.
//! Never a fault of its own: it names places, and applies a batch without the entries that somebody refused.
//! Next: `world` strikes there as a seed decides, `stage` as a test says.

use std::fmt;
use std::future::Future;

use contract::PortError;
use runtime::ledger::WriteName;
use runtime::ports::EntryResult;

/// What a process does at a place where it awaits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    Write(WriteName),
    Read,
    Goals,
    Due,
    Receive,
    Delete,
    Visibility,
    Send,
    Put,
    ArtifactPut,
    ArtifactGet,
    Handler,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    Before,
    After,
}

impl Op {
    /// Every place of a process that lives long enough to be struck. `Renew` needs an expired goal, so a test makes one;
    /// `Copied` is a person's, who forks.
    pub fn all() -> impl Iterator<Item = Op> {
        let made = |name: &&WriteName| !matches!(name, WriteName::Renew | WriteName::Copied);
        let writes = WriteName::ALL.iter().filter(made).map(|name| Op::Write(*name));
        writes.chain([
            Op::Read,
            Op::Goals,
            Op::Due,
            Op::Receive,
            Op::Delete,
            Op::Visibility,
            Op::Send,
            Op::Put,
            Op::ArtifactPut,
            Op::ArtifactGet,
            Op::Handler,
        ])
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Write(name) => write!(f, "{name:?}"),
            other => write!(f, "{other:?}"),
        }
    }
}

/// Applies what is not refused, and answers for all in order.
pub(crate) async fn partly<T: Clone, F>(
    batch: &[T],
    refused: &[bool],
    apply: impl FnOnce(Vec<T>) -> F,
) -> Result<Vec<EntryResult>, PortError>
where
    F: Future<Output = Result<Vec<EntryResult>, PortError>>,
{
    let kept: Vec<T> =
        batch.iter().zip(refused).filter(|(_, refused)| !**refused).map(|(one, _)| one.clone()).collect();
    let mut applied = if kept.is_empty() { vec![] } else { apply(kept).await? }.into_iter();
    let answer = |refused: &bool| {
        let failed = || Err(PortError::transient("this entry failed"));
        if *refused { failed() } else { applied.next().unwrap_or_else(failed) }
    };
    Ok(refused.iter().map(answer).collect())
}

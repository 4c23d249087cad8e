//! Owns the round of a freeze: whoever comes to the point is stopped past its lease, somebody else goes on, and it thaws.
//! Never lets all replicas of a daemon freeze: nobody would be left to take over.
//! Next: `campaign`.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use embedded_cloud::{Operation, Release};
use nix::sys::signal::Signal;
use runtime::ledger::{Attr, Item};

use super::ambush::Ambush;
use super::field::Field;
use super::{END_MAX, Round};
use crate::points::Point;

/// After the thaw, until it receives again.
const THAW_MAX: Duration = Duration::from_secs(30);

pub(super) async fn round(field: &Field, point: &Point, n: usize, chance: &mut fastrand::Rng) -> anyhow::Result<Round> {
    let _place = field.may_freeze(point.daemon).await?;
    let ambush = Ambush::lay(field, point, n).await?;
    let caught = ambush.caught().await;
    let frozen = match &caught {
        Some(key) => field.rookery.signal(key, Signal::SIGSTOP).await?,
        None => false,
    };
    let (Some(key), true) = (caught, frozen) else {
        ambush.release(Release::Go);
        field.ends(&ambush.wish, END_MAX).await?;
        return Ok(Round::Missed);
    };
    let since = field.ports.clock.now();
    // The others bring it to its end, as if the frozen one were dead.
    let ended = field.ends(&ambush.wish, END_MAX).await;
    let before = field.step_at_rest(ambush.wish.id(), point.row).await?;
    let last = field.cloud.operations_count();
    // Its call arrives late, before or after it lives again; or never, and it tries once more by itself.
    let how = if chance.u8(..4) == 0 { Release::Cut } else { Release::Go };
    if chance.bool() {
        ambush.release(how);
        field.rookery.signal(&key, Signal::SIGCONT).await?;
    } else {
        field.rookery.signal(&key, Signal::SIGCONT).await?;
        ambush.release(how);
    }
    field.disturb("frozen", since, 1);
    ended?;
    let receives = |call: &Operation| call.operation == "ReceiveMessage" && call.caller.as_deref() == Some(&*key);
    let thawed = tokio::time::timeout(THAW_MAX, field.cloud.wait_for(last, receives)).await;
    thawed.with_context(|| format!("{key} does not receive after its thaw ({})", point.title()))?;
    let after = field.step(ambush.wish.id(), point.row).await?;
    ensure!(
        shown(before.as_ref()) == shown(after.as_ref()),
        "{}: {key} changed the step after it was taken over: {before:?} became {after:?}",
        point.title()
    );
    Ok(Round::Struck)
}

/// State, owner, epoch and outcome.
type Shown<'a> = (Option<&'a str>, Option<&'a str>, Option<i64>, Option<&'a str>);

/// What only a holder may change.
fn shown(step: Option<&Item>) -> Option<Shown<'_>> {
    let step = step?;
    Some((step.text(&Attr::State), step.text(&Attr::Owner), step.number(&Attr::Epoch), step.text(&Attr::Outcome)))
}

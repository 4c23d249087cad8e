//! Owns the round of a SIGTERM: whoever comes to the point is told to stop there, and must be gone within its grace.
//! Never with short leases: what is not given back stays invisible for longer than the goal may take.
//! Next: `campaign`.

use std::time::Duration;

use embedded_cloud::Release;
use tokio::time::sleep;

use super::ambush::Ambush;
use super::field::Field;
use super::{END_MAX, Round};
use crate::points::{At, Point};

/// Far below the time for which a message stays invisible that nobody gives back.
const GIVEN_BACK_MAX: Duration = Duration::from_secs(40);
const LATE_MS: u64 = 300;

pub(super) async fn round(field: &Field, point: &Point, n: usize, chance: &mut fastrand::Rng) -> anyhow::Result<Round> {
    let ambush = Ambush::lay(field, point, n).await?;
    let leaving = match ambush.caught().await {
        Some(key) => field.rookery.term(&key).await?,
        None => None,
    };
    let Some(leaving) = leaving else {
        ambush.release(Release::Go);
        field.ends(&ambush.wish, END_MAX).await?;
        return Ok(Round::Missed);
    };
    // A model may take longer than the grace; a server's answer comes, or the connection breaks.
    let outlasts = point.at == At::Model && chance.bool();
    let how = if chance.u8(..8) == 0 { Release::Cut } else { Release::Go };
    let since = field.ports.clock.now();
    let late = Duration::from_millis(chance.u64(..LATE_MS));
    let released = async {
        if !outlasts {
            sleep(late).await;
            ambush.release(how);
        }
    };
    let (left, ()) = tokio::join!(field.rookery.left(leaving, field.drain_max()), released);
    ambush.release(how);
    field.disturb("held while it stopped", since, 1);
    left?;
    field.ends(&ambush.wish, GIVEN_BACK_MAX).await?;
    Ok(Round::Struck)
}

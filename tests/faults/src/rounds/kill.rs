//! Owns the round of a kill: whoever comes to the point dies there by SIGKILL, and somebody else must bring the goal home.
//! Never lets the dead one's call be carried out, but where a call may arrive after its caller's death.
//! Next: `campaign`.

use anyhow::ensure;
use embedded_cloud::Release;

use super::ambush::Ambush;
use super::field::Field;
use super::{END_MAX, Round};
use crate::points::Point;

pub(super) async fn round(field: &Field, point: &Point, n: usize, chance: &mut fastrand::Rng) -> anyhow::Result<Round> {
    let ambush = Ambush::lay(field, point, n).await?;
    let Some(key) = ambush.caught().await else {
        ambush.release(Release::Go);
        field.ends(&ambush.wish, END_MAX).await?;
        return Ok(Round::Missed);
    };
    let asked = ambush.questions();
    let since = field.ports.clock.now();
    let was_killed = field.rookery.kill(&key).await?;
    // What was sent before the death may still arrive after it.
    ambush.release(if chance.u8(..4) == 0 { Release::Go } else { Release::Cut });
    field.disturb("held while its caller died", since, 1);
    field.ends(&ambush.wish, END_MAX).await?;
    if point.committed && was_killed {
        let again = ambush.questions() - asked;
        ensure!(
            again == 0,
            "{}: the model was asked {again} times after the commit of {}",
            point.title(),
            ambush.wish.key
        );
    }
    Ok(if was_killed { Round::Struck } else { Round::Missed })
}

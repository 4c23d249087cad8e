//! Owns one goal on its way to one point: sent, led there, and held when it comes.
//! Never strikes: a round does, between `caught` and `release`.
//! Next: `kill`, `freeze` and `term`.

use std::time::Duration;

use embedded_cloud::Release;
use processes::Wish;

use super::field::Field;
use super::oracle::Wrong;
use crate::points::{At, Led, Point};

/// So long a call is waited for; a goal that is never led there is a round that does not count.
const STRIKE_MAX: Duration = Duration::from_secs(45);
/// An answer that fits nothing is asked for once more, and then its step parks.
const NONSENSE_ANSWERS: u32 = 2;

/// The goal, and where it is waited for.
#[derive(Debug)]
pub struct Ambush<'f> {
    field: &'f Field,
    point: &'f Point,
    pub wish: Wish,
}

impl<'f> Ambush<'f> {
    /// Lays it, then sends the n-th goal of the field.
    pub async fn lay(field: &'f Field, point: &'f Point, n: usize) -> anyhow::Result<Ambush<'f>> {
        let wish = field.wish(n);
        match point.led_by {
            Led::Nothing => {}
            Led::Park => field.oracle.mislead(&wish.key, point.row, Wrong::Nonsense, NONSENSE_ANSWERS),
            Led::Failure => field.oracle.mislead(&wish.key, point.row, Wrong::Unavailable, 1),
        }
        match point.fault(&wish.key, wish.id(), &field.site.choreography) {
            Some(fault) => field.cloud.faults().add(fault),
            None => field.oracle.keep_back(&wish.key, point.row),
        }
        field.send(&wish).await?;
        Ok(Ambush { field, point, wish })
    }

    /// The key of whoever came. Nothing where the goal ended another way, or did not come in time.
    pub async fn caught(&self) -> Option<String> {
        let came = async {
            match self.point.at {
                At::Model => Some(self.field.oracle.asked_by(&self.wish.key, self.point.row).await),
                At::Call(_) => self.field.cloud.faults().held(&self.wish.key).await.caller,
            }
        };
        let came = async {
            tokio::select! {
                biased;
                caller = came => caller,
                () = self.field.until_ended(self.wish.id()) => None,
            }
        };
        let caller = tokio::time::timeout(STRIKE_MAX, came).await.ok().flatten();
        // One PutEvents carries events of several goals: this one may be there with an earlier event, beside the event
        // of another that was waited for.
        caller.filter(|_| !self.point.committed || self.questions() > 0)
    }

    /// Lets go what was held, and waits for nobody any more.
    pub fn release(&self, how: Release) {
        match self.point.at {
            At::Model => self.field.oracle.let_go(&self.wish.key, self.point.row),
            At::Call(_) => drop(self.field.cloud.faults().release(&self.wish.key, how)),
        }
    }

    /// How often the model has been asked for this step.
    pub fn questions(&self) -> usize {
        self.field.oracle.count(&self.wish.key, self.point.row)
    }
}

//! Owns what every queue must do, as SQS does it.
//! Never counts on order, on a full batch, or on a message coming only once.
//! Next: `carry` is about contents and limits, `visibility` about receipts and time.

mod carry;
mod visibility;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use contract::{Attributes, PortError, QueueName};
use runtime::ports::{Outbound, Queue, Received};
use tokio::time::Instant;

use super::{Failure, PATIENCE, Verdict, all_fine};

pub use carry::*;
pub use visibility::*;

/// What a check needs of a queue besides the defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub delay_s: u64,
    /// With it the queue has a dead-letter queue.
    pub receives_max: Option<u32>,
}

/// A queue that nobody else uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fresh {
    pub queue: QueueName,
    pub dead_letters: Option<QueueName>,
}

#[async_trait]
pub trait QueueFixture: Send + Sync {
    fn queue(&self) -> Arc<dyn Queue>;
    /// Cleaning up afterwards is the fixture's business.
    async fn fresh(&self, wanted: Wanted) -> Result<Fresh, Failure>;
}

suite! {
    $ queue_suite in queue over QueueFixture:
    a_message_arrives_as_it_was_sent,
    a_batch_of_ten_arrives_whole,
    a_batch_of_more_than_ten_is_refused_whole,
    more_than_ten_receipts_are_refused_whole,
    a_receive_returns_at_most_what_was_asked_for,
    a_receive_of_more_than_ten_returns_no_more_than_ten,
    a_message_of_one_mebibyte_fits,
    a_message_over_one_mebibyte_is_refused,
    ten_attributes_fit,
    eleven_attributes_are_refused,
    an_empty_body_is_refused,
    an_illegal_character_is_refused,
    a_group_is_accepted,
    an_unknown_queue_is_a_permanent_error,
    every_message_reaches_one_of_several_receivers,
    a_message_in_flight_is_hidden,
    a_message_returns_when_its_visibility_ends,
    zero_visibility_returns_a_message_at_once,
    a_longer_visibility_keeps_a_message_hidden,
    a_deleted_message_stays_away,
    a_delete_by_a_stale_receipt_succeeds_and_deletes_nothing,
    a_visibility_change_by_a_stale_receipt_changes_nothing,
    a_visibility_change_of_a_deleted_message_fails_alone,
    a_visibility_of_more_than_twelve_hours_is_refused,
    a_receipt_that_is_none_fails_alone,
    an_empty_long_poll_ends_after_its_wait,
    a_long_poll_wakes_when_a_message_arrives,
    a_long_poll_wakes_when_a_message_becomes_visible,
    a_message_received_too_often_moves_to_the_dead_letters_under_its_own_id,
    a_delayed_message_is_hidden_until_its_time,
}

/// Long enough that nothing comes back while a check looks on.
const LONG: Duration = Duration::from_secs(120);
/// Short enough to wait for.
const SHORT: Duration = Duration::from_secs(2);
const SECOND: Duration = Duration::from_secs(1);

/// One port and one fresh queue behind it.
struct Desk {
    port: Arc<dyn Queue>,
    queue: QueueName,
    dead_letters: Option<QueueName>,
}

impl Desk {
    async fn open(fixture: &dyn QueueFixture) -> Result<Desk, Failure> {
        Desk::open_with(fixture, Wanted::default()).await
    }

    async fn open_with(fixture: &dyn QueueFixture, wanted: Wanted) -> Result<Desk, Failure> {
        let Fresh { queue, dead_letters } = fixture.fresh(wanted).await?;
        Ok(Desk { port: fixture.queue(), queue, dead_letters })
    }

    async fn send(&self, bodies: &[&str]) -> Verdict {
        let batch: Vec<Outbound> = bodies.iter().map(|body| outbound(body)).collect();
        all_fine(&self.port.send(&self.queue, &batch).await?, batch.len())
    }

    async fn try_one(&self, wait: Duration, visibility: Duration) -> Result<Option<Received>, PortError> {
        Ok(self.port.receive(&self.queue, 1, wait, visibility).await?.pop())
    }

    /// The next message, waited for.
    async fn one(&self, visibility: Duration) -> Result<Received, Failure> {
        let mut all = self.gather(&self.queue, 1, visibility).await?;
        all.pop().ok_or_else(|| Failure::new("a message that should have come did not"))
    }

    /// Receives until `wanted` messages have come, or patience ends.
    async fn gather(&self, queue: &QueueName, wanted: usize, visibility: Duration) -> Result<Vec<Received>, Failure> {
        let deadline = Instant::now() + PATIENCE;
        let mut all = vec![];
        while all.len() < wanted && Instant::now() < deadline {
            let max = (wanted - all.len()).min(10);
            all.extend(self.port.receive(queue, max, SECOND, visibility).await?);
        }
        Ok(all)
    }

    /// Looks on for a while: nothing may come.
    async fn stays_empty(&self, span: Duration) -> Verdict {
        let deadline = Instant::now() + span;
        loop {
            let wait = deadline.duration_since(Instant::now()).min(SECOND);
            if let Some(message) = self.try_one(wait, Duration::ZERO).await? {
                return Err(Failure::new(format!("a message came that should not have: {message:?}")));
            }
            if Instant::now() >= deadline {
                return Ok(());
            }
        }
    }

    async fn delete(&self, message: &Received) -> Verdict {
        all_fine(&self.port.delete(&self.queue, std::slice::from_ref(&message.receipt)).await?, 1)
    }

    async fn hide(&self, message: &Received, span: Duration) -> Verdict {
        all_fine(&self.port.set_visibility(&self.queue, &[(message.receipt.clone(), span)]).await?, 1)
    }
}

fn outbound(body: &str) -> Outbound {
    Outbound { body: body.into(), ..Outbound::default() }
}

fn with_attributes(count: usize) -> Outbound {
    let pairs = (0..count).map(|n| (format!("attribute-{n}"), format!("value {n}")));
    Outbound { body: "attributes".into(), attributes: Attributes(pairs.collect()), group: None }
}

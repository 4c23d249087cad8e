//! Owns the checks of time and receipts: who sees a message when, and what a receipt is still good for.
//! Never measures closer than a real server over a network can be measured.
//! Next: `runtime::settle` and `runtime::heartbeat` rely on exactly this.

use std::time::Duration;

use contract::PortError;
use contract::limits::SQS_VISIBILITY_S_MAX;
use futures_util::future::join;
use runtime::ports::{EntryResult, Receipt};
use tokio::time::Instant;

use super::{Desk, LONG, QueueFixture, SECOND, SHORT, Wanted};
use crate::suites::{Failure, Verdict, refused};

pub async fn a_message_in_flight_is_hidden(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    desk.send(&["one"]).await?;
    desk.one(LONG).await?;
    desk.stays_empty(SHORT).await
}

pub async fn a_message_returns_when_its_visibility_ends(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    desk.send(&["one"]).await?;
    let first = desk.one(SHORT).await?;
    ensure!(desk.try_one(Duration::ZERO, LONG).await?.is_none(), "it was visible while in flight");
    let second = desk.one(LONG).await?;
    ensure!(second.message_id == first.message_id, "it came back under another id");
    ensure!(second.receipt != first.receipt, "both receives have the same receipt");
    ensure!(second.receive_count == 2, "the second receive is counted as {}", second.receive_count);
    ensure!(second.sent_at == first.sent_at, "the time of its send has changed");
    Ok(())
}

pub async fn zero_visibility_returns_a_message_at_once(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    desk.send(&["one"]).await?;
    let first = desk.one(LONG).await?;
    desk.hide(&first, Duration::ZERO).await?;
    let second = desk.one(LONG).await?;
    ensure!(second.message_id == first.message_id, "another message came");
    Ok(())
}

pub async fn a_longer_visibility_keeps_a_message_hidden(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    desk.send(&["one"]).await?;
    let got = desk.one(SHORT).await?;
    desk.hide(&got, LONG).await?;
    desk.stays_empty(2 * SHORT).await
}

pub async fn a_deleted_message_stays_away(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    desk.send(&["one"]).await?;
    let got = desk.one(SHORT).await?;
    desk.delete(&got).await?;
    desk.stays_empty(2 * SHORT).await?;
    // Deleting again does no harm.
    desk.delete(&got).await
}

/// A message received twice: its stale and its current receipt.
async fn received_twice(desk: &Desk) -> Result<(Receipt, Receipt), Failure> {
    desk.send(&["one"]).await?;
    let first = desk.one(LONG).await?;
    desk.hide(&first, Duration::ZERO).await?;
    let second = desk.one(LONG).await?;
    Ok((first.receipt, second.receipt))
}

pub async fn a_delete_by_a_stale_receipt_succeeds_and_deletes_nothing(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    let (stale, current) = received_twice(&desk).await?;
    let results = desk.port.delete(&desk.queue, &[stale]).await?;
    ensure!(results == [Ok(())], "the stale delete was answered with {results:?}");
    let results = desk.port.set_visibility(&desk.queue, &[(current, Duration::ZERO)]).await?;
    ensure!(results == [Ok(())], "the message was gone: {results:?}");
    desk.one(LONG).await?;
    Ok(())
}

pub async fn a_visibility_change_by_a_stale_receipt_changes_nothing(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    let (stale, current) = received_twice(&desk).await?;
    // The stale one comes last: if it counted, the message would be visible.
    let changes = [(current, LONG), (stale, Duration::ZERO)];
    let results = desk.port.set_visibility(&desk.queue, &changes).await?;
    fails_alone(&results, 1)?;
    desk.stays_empty(SHORT).await
}

pub async fn a_visibility_change_of_a_deleted_message_fails_alone(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    desk.send(&["one", "two"]).await?;
    let got = desk.gather(&desk.queue, 2, LONG).await?;
    ensure!(got.len() == 2, "{} of 2 messages came", got.len());
    desk.delete(&got[1]).await?;
    let changes: Vec<(Receipt, Duration)> = got.iter().map(|message| (message.receipt.clone(), LONG)).collect();
    fails_alone(&desk.port.set_visibility(&desk.queue, &changes).await?, 1)
}

pub async fn a_visibility_of_more_than_twelve_hours_is_refused(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    desk.send(&["one"]).await?;
    let got = desk.one(LONG).await?;
    let too_long = Duration::from_secs(SQS_VISIBILITY_S_MAX + 1);
    refused(&desk.port.set_visibility(&desk.queue, &[(got.receipt, too_long)]).await, 0)
}

pub async fn a_receipt_that_is_none_fails_alone(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    desk.send(&["one"]).await?;
    let got = desk.one(LONG).await?;
    let none = Receipt("this is no receipt".into());
    let changes = [(none.clone(), LONG), (got.receipt.clone(), LONG)];
    fails_alone(&desk.port.set_visibility(&desk.queue, &changes).await?, 0)?;
    let batch = [none, got.receipt];
    fails_alone(&desk.port.delete(&desk.queue, &batch).await?, 0)
}

/// That entry of two failed for good, and the other did not.
fn fails_alone(results: &[EntryResult], at: usize) -> Verdict {
    let as_promised = match results {
        [a, b] => {
            let (bad, good) = if at == 0 { (a, b) } else { (b, a) };
            matches!(bad, Err(PortError::Permanent { .. })) && good.is_ok()
        }
        _ => false,
    };
    ensure!(as_promised, "only entry {at} should have failed, for good: {results:?}");
    Ok(())
}

pub async fn an_empty_long_poll_ends_after_its_wait(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    let start = Instant::now();
    ensure!(desk.try_one(SHORT, LONG).await?.is_none(), "a message in a fresh queue");
    let waited = start.elapsed();
    ensure!(waited + SECOND / 4 >= SHORT && waited < 5 * SHORT, "it waited for {waited:?} instead of {SHORT:?}");
    Ok(())
}

pub async fn a_long_poll_wakes_when_a_message_arrives(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    let start = Instant::now();
    let later = async {
        tokio::time::sleep(SECOND).await;
        desk.send(&["one"]).await
    };
    let (got, sent) = join(desk.try_one(15 * SECOND, LONG), later).await;
    sent?;
    ensure!(got?.is_some(), "the message did not wake the poll");
    let waited = start.elapsed();
    ensure!(waited < 8 * SECOND, "the poll went on for {waited:?} after a message came at 1 s");
    Ok(())
}

pub async fn a_long_poll_wakes_when_a_message_becomes_visible(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    desk.send(&["one"]).await?;
    let first = desk.one(SHORT).await?;
    let start = Instant::now();
    let second = desk.try_one(15 * SECOND, LONG).await?;
    ensure!(second.is_some_and(|second| second.message_id == first.message_id), "it did not wake the poll");
    let waited = start.elapsed();
    ensure!(waited < 8 * SECOND, "the poll went on for {waited:?} while a message was hidden for {SHORT:?}");
    Ok(())
}

pub async fn a_message_received_too_often_moves_to_the_dead_letters_under_its_own_id(
    fixture: &dyn QueueFixture,
) -> Verdict {
    let desk = Desk::open_with(fixture, Wanted { receives_max: Some(2), ..Wanted::default() }).await?;
    let Some(dead_letters) = &desk.dead_letters else {
        return Err(Failure::new("the fixture made no dead-letter queue"));
    };
    let mut sent = super::with_attributes(3);
    sent.body = "poison".into();
    super::all_fine(&desk.port.send(&desk.queue, std::slice::from_ref(&sent)).await?, 1)?;
    let first = desk.one(LONG).await?;
    desk.hide(&first, Duration::ZERO).await?;
    let second = desk.one(LONG).await?;
    ensure!(second.receive_count == 2, "the second receive is counted as {}", second.receive_count);
    desk.hide(&second, Duration::ZERO).await?;
    desk.stays_empty(SHORT).await?;
    let dead = desk.gather(dead_letters, 1, LONG).await?;
    let [dead] = dead.as_slice() else { return Err(Failure::new(format!("in the dead-letter queue: {dead:?}"))) };
    ensure!(dead.message_id == first.message_id, "it was moved under another id");
    ensure!(dead.body == sent.body && dead.attributes == sent.attributes, "it was moved as {dead:?}");
    Ok(())
}

pub async fn a_delayed_message_is_hidden_until_its_time(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open_with(fixture, Wanted { delay_s: 3, ..Wanted::default() }).await?;
    let start = Instant::now();
    desk.send(&["one"]).await?;
    ensure!(desk.try_one(Duration::ZERO, LONG).await?.is_none(), "it was visible at once");
    desk.one(LONG).await?;
    let waited = start.elapsed();
    ensure!(waited + SECOND >= 3 * SECOND, "it was visible after {waited:?} instead of 3 s");
    Ok(())
}

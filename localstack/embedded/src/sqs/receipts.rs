//! Owns what is done with a receipt: delete the message, or change when it becomes visible.
//! Never acts on a receipt that a later receive has overtaken.
//! Next: `queue` removes the message or moves it in time.

use serde::Serialize;

use super::batch::{self, Entry};
use super::queue::Queue;
use super::receipt::Receipt;
use super::{Queues, refusal};
use crate::ApiError;
use crate::engine::{Answer, Moment, Quirks};

/// From its receive on.
const LONGEST_IN_FLIGHT_S: u64 = 12 * 60 * 60;

/// An entry that has nothing to say beside its id.
#[derive(Debug, Serialize)]
struct Done {}

impl Queues {
    pub(super) fn delete(&mut self, at: &mut Moment<'_>, name: &str, receipt: Receipt) -> Answer {
        delete(self.open(at, name)?, at, receipt)?;
        Ok(None)
    }

    pub(super) fn delete_batch(
        &mut self,
        at: &mut Moment<'_>,
        name: &str,
        entries: Vec<Entry<Receipt>>,
        quirks: &Quirks,
    ) -> Answer {
        let queue = self.open(at, name)?;
        batch::carry_out(entries, quirks, |receipt| delete(queue, at, receipt).map(|()| Done {}))
    }

    pub(super) fn change_visibility(
        &mut self,
        at: &mut Moment<'_>,
        name: &str,
        receipt: Receipt,
        visibility_s: u64,
    ) -> Answer {
        change(self.open(at, name)?, at, receipt, visibility_s)?;
        Ok(None)
    }

    pub(super) fn change_visibility_batch(
        &mut self,
        at: &mut Moment<'_>,
        name: &str,
        entries: Vec<Entry<(Receipt, u64)>>,
        quirks: &Quirks,
    ) -> Answer {
        let queue = self.open(at, name)?;
        batch::carry_out(entries, quirks, |(receipt, visibility_s)| {
            change(queue, at, receipt, visibility_s).map(|()| Done {})
        })
    }
}

fn check_queue(queue: &Queue, receipt: Receipt) -> Result<(), ApiError> {
    if receipt.queue == queue.number { Ok(()) } else { Err(refusal::receipt(&receipt.encode())) }
}

/// A standard queue says yes to every receipt that it ever gave out; only the latest one deletes.
fn delete(queue: &mut Queue, at: &mut Moment<'_>, receipt: Receipt) -> Result<(), ApiError> {
    check_queue(queue, receipt)?;
    let Some(message) = queue.messages.get(&receipt.message) else { return Ok(()) };
    let is_latest = message.flight.receives == receipt.receive;
    if queue.is_fifo() && !(is_latest && message.is_in_flight()) {
        let reason = "The receipt handle has expired.";
        return Err(refusal::invalid_value(receipt.encode(), "ReceiptHandle", reason));
    }
    if is_latest {
        queue.remove(at.journal, receipt.message);
    }
    Ok(())
}

fn change(queue: &mut Queue, at: &mut Moment<'_>, receipt: Receipt, visibility_s: u64) -> Result<(), ApiError> {
    check_queue(queue, receipt)?;
    let message = queue.messages.get(&receipt.message).filter(|known| known.flight.receives == receipt.receive);
    let message = message.ok_or_else(|| {
        let reason = "Message does not exist or is not available for visibility timeout change.";
        refusal::invalid_value(receipt.encode(), "ReceiptHandle", reason)
    })?;
    if !message.is_in_flight() {
        return Err(refusal::not_in_flight());
    }
    let visible_at = at.now.plus_s(visibility_s);
    if visible_at > message.flight.received_at.plus_s(LONGEST_IN_FLIGHT_S) {
        return Err(refusal::invalid_value(
            visibility_s,
            "VisibilityTimeout",
            "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
        ));
    }
    queue.change_visibility(at, receipt.message, visible_at);
    Ok(())
}

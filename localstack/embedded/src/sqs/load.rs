//! Owns making the state from rows, as they are read at the start, or anew after a commit that failed.
//! Never writes a row. Messages come without a clock: the next moment shows which of them can be received.
//! Next: `Queues::tick` or the next request goes on from there.

use super::deduplication::Accepted;
use super::message::{Flight, Message, Said};
use super::moves::Task;
use super::queue::{Identity, Queue};
use super::{Queues, keys};
use crate::store::{Row, Space, StoreError};

impl Queues {
    /// One row of `Space::Queue` to `Space::MoveTask`, as read from the store; rows come in order.
    pub(crate) fn load(&mut self, row: &Row) -> Result<(), StoreError> {
        if row.is_in(Space::Queue) && row.key == keys::NEXT_QUEUE {
            self.next_queue = row.value()?;
            return Ok(());
        }
        let Some((number, message)) = keys::numbers(&row.key) else { return Ok(()) };
        if row.is_in(Space::Queue) {
            let identity: Identity = row.value()?;
            self.names.insert(identity.name.clone(), number);
            self.queues.insert(number, Queue::new(number, identity));
            return Ok(());
        }
        let Some(queue) = self.queues.get_mut(&number) else { return Ok(()) };
        if row.is_in(Space::Message) {
            queue.insert(message, Message::new(row.value::<Said>()?));
        } else if row.is_in(Space::Flight) {
            queue.restore(message, row.value::<Flight>()?);
        } else if row.is_in(Space::Deduplication) {
            queue.deduplication.remember(message, row.value::<Accepted>()?);
        } else if row.is_in(Space::MoveTask) {
            queue.moves.restore(row.value::<Task>()?);
        }
        self.schedule(number);
        Ok(())
    }
}

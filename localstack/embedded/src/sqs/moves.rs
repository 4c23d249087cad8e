//! Owns move tasks: a dead-letter queue's messages go back to where they came from, or to a queue that was named.
//! Never more than one at a time for a queue, and a part of it at each tick, so that others are served between.
//! Next: `queue` of the destination gets them as new messages.

use serde::{Deserialize, Serialize};

use super::message::{Said, SequenceNumber};
use super::{Queues, answer, keys, refusal, tokens};
use crate::engine::{Answer, Moment, UnixMs};
use crate::store::{Journal, Space};

/// At one tick.
const MOST_AT_ONCE: u64 = 500;
/// Of ended tasks, as many as a list can show.
const REMEMBERED: usize = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Running,
    Completed,
    Cancelled,
    Failed,
}

/// A row of `Space::MoveTask`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    number: u64,
    id: String,
    source_arn: String,
    destination_arn: Option<String>,
    per_second: Option<u32>,
    moved: u64,
    to_move: u64,
    started_at: UnixMs,
    status: Status,
    failure: Option<String>,
    next_at: UnixMs,
}

#[derive(Debug, Default)]
pub(crate) struct Moves {
    /// The latest one last: only that can be running.
    tasks: Vec<Task>,
}

impl Moves {
    pub(crate) fn restore(&mut self, task: Task) {
        self.tasks.push(task);
    }

    pub(crate) fn next_at(&self) -> Option<UnixMs> {
        self.running().map(|task| task.next_at)
    }

    fn running(&self) -> Option<&Task> {
        self.tasks.last().filter(|task| task.status == Status::Running)
    }

    fn store_last(&self, journal: &mut Journal, queue: u64) {
        if let Some(task) = self.tasks.last() {
            journal.put(Space::MoveTask, keys::message(queue, task.number), task);
        }
    }

    fn start(&mut self, journal: &mut Journal, queue: u64, task: Task) {
        self.tasks.push(task);
        self.store_last(journal, queue);
        if self.tasks.len() > REMEMBERED {
            let oldest = self.tasks.remove(0);
            journal.delete(Space::MoveTask, keys::message(queue, oldest.number));
        }
    }
}

impl Task {
    /// How many may have gone by now, and when the next one may.
    fn allowance(&self, now: UnixMs) -> u64 {
        let Some(per_second) = self.per_second else { return MOST_AT_ONCE };
        let elapsed_ms = u64::try_from(now.0.saturating_sub(self.started_at.0)).unwrap_or(0);
        let by_now = elapsed_ms.saturating_mul(u64::from(per_second)) / 1000 + 1;
        by_now.saturating_sub(self.moved).min(MOST_AT_ONCE)
    }

    fn plan(&mut self, now: UnixMs) {
        let paced = self.per_second.map(|per_second| {
            let after_ms = self.moved.saturating_mul(1000).div_ceil(u64::from(per_second));
            self.started_at.plus_ms(i64::try_from(after_ms).unwrap_or(i64::MAX))
        });
        // Never at once again: other queues have their turn.
        self.next_at = paced.unwrap_or(now).max(now.plus_ms(1));
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Started {
    task_handle: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    results: Vec<Shown>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown {
    #[serde(skip_serializing_if = "Option::is_none")]
    task_handle: Option<String>,
    status: Status,
    source_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_number_of_messages_per_second: Option<u32>,
    approximate_number_of_messages_moved: u64,
    approximate_number_of_messages_to_move: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<String>,
    started_timestamp: i64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Cancelled {
    approximate_number_of_messages_moved: u64,
}

fn no_such_source() -> crate::ApiError {
    refusal::no_such_resource("The resource that you specified for the SourceArn parameter doesn't exist.")
}

impl Queues {
    pub(super) fn start_move(
        &mut self,
        at: &mut Moment<'_>,
        source_arn: &str,
        destination_arn: Option<String>,
        per_second: Option<u32>,
    ) -> Answer {
        let source = self.by_arn(at, source_arn).ok_or_else(no_such_source)?;
        if self.sources_of(source_arn).is_empty() {
            return Err(refusal::invalid("Source queue must be configured as a Dead Letter Queue."));
        }
        let is_fifo = |number: u64| self.queues.get(&number).is_some_and(|queue| queue.is_fifo());
        if let Some(arn) = &destination_arn {
            let destination = self.by_arn(at, arn).ok_or_else(|| {
                refusal::no_such_resource(
                    "The resource that you specified for the DestinationArn parameter doesn't exist.",
                )
            })?;
            if destination == source {
                return Err(refusal::invalid("Source queue arn and destination queue arn must be different."));
            }
            if is_fifo(destination) != is_fifo(source) {
                return Err(refusal::invalid("The destination must be the same type of queue as the source."));
            }
        }
        let id = at.uuid().to_string();
        let queue = self.queues.get_mut(&source).ok_or_else(no_such_source)?;
        if queue.moves.running().is_some() {
            return Err(refusal::invalid(
                "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
            ));
        }
        queue.advance(at);
        let task = Task {
            number: queue.next_number(at.journal),
            id: id.clone(),
            source_arn: source_arn.to_owned(),
            destination_arn,
            per_second,
            moved: 0,
            to_move: queue.visible() as u64,
            started_at: at.now,
            status: Status::Running,
            failure: None,
            next_at: at.now,
        };
        queue.moves.start(at.journal, source, task);
        self.touched.push(source);
        answer(Started { task_handle: tokens::task(source_arn, &id) })
    }

    pub(super) fn list_moves(&self, at: &Moment<'_>, source_arn: &str, most: usize) -> Answer {
        let source = self.by_arn(at, source_arn).ok_or_else(no_such_source)?;
        let tasks = self.queues.get(&source).map(|queue| queue.moves.tasks.as_slice()).unwrap_or_default();
        let shown = |task: &Task| Shown {
            task_handle: (task.status == Status::Running).then(|| tokens::task(&task.source_arn, &task.id)),
            status: task.status,
            source_arn: task.source_arn.clone(),
            destination_arn: task.destination_arn.clone(),
            max_number_of_messages_per_second: task.per_second,
            approximate_number_of_messages_moved: task.moved,
            approximate_number_of_messages_to_move: task.to_move,
            failure_reason: task.failure.clone(),
            started_timestamp: task.started_at.0,
        };
        answer(Listed { results: tasks.iter().rev().take(most).map(shown).collect() })
    }

    pub(super) fn cancel_move(&mut self, at: &mut Moment<'_>, source_arn: &str, id: &str) -> Answer {
        let source = self.by_arn(at, source_arn).ok_or_else(no_such_source)?;
        let queue = self.queues.get_mut(&source).ok_or_else(no_such_source)?;
        let none = || refusal::no_such_resource("Task does not exist.");
        let task = queue.moves.tasks.iter_mut().find(|task| task.id == id).ok_or_else(none)?;
        if task.status != Status::Running {
            return Err(refusal::invalid("Only active tasks can be cancelled."));
        }
        task.status = Status::Cancelled;
        let moved = task.moved;
        queue.moves.store_last(at.journal, source);
        self.touched.push(source);
        answer(Cancelled { approximate_number_of_messages_moved: moved })
    }

    /// The part of this queue's task that is due.
    pub(super) fn move_some(&mut self, at: &mut Moment<'_>, source: u64) {
        let running = self.queues.get(&source).and_then(|queue| queue.moves.running()).cloned();
        let Some(mut task) = running.filter(|task| task.next_at <= at.now) else { return };
        for _ in 0..task.allowance(at.now) {
            match self.move_one(at, source, task.destination_arn.as_deref()) {
                Ok(true) => task.moved += 1,
                Ok(false) => {
                    task.status = Status::Completed;
                    break;
                }
                Err(why) => {
                    task.status = Status::Failed;
                    task.failure = Some(why.to_owned());
                    break;
                }
            }
        }
        task.plan(at.now);
        if let Some(queue) = self.queues.get_mut(&source) {
            if let Some(last) = queue.moves.tasks.last_mut() {
                *last = task;
            }
            queue.moves.store_last(at.journal, source);
        }
    }

    /// Whether there was one; what is moved is a new message there.
    fn move_one(&mut self, at: &mut Moment<'_>, source: u64, destination: Option<&str>) -> Result<bool, &'static str> {
        let next = self.queues.get(&source).and_then(|queue| {
            let number = queue.lane.next(1).first().copied()?;
            Some((number, queue.messages.get(&number)?.said.source.clone()))
        });
        let Some((number, came_from)) = next else { return Ok(false) };
        let arn = destination.or(came_from.as_deref()).ok_or("CouldNotDetermineMessageSource")?;
        let target = self.by_arn(at, arn).ok_or("AWS.SimpleQueueService.NonExistentQueue")?;
        let message = self.queues.get_mut(&source).and_then(|queue| queue.remove(at.journal, number));
        if let (Some(message), Some(queue)) = (message, self.queues.get_mut(&target)) {
            let number = queue.next_number(at.journal);
            let said = Said {
                id: at.uuid(),
                sequence_number: queue.is_fifo().then_some(SequenceNumber(number)),
                sent_at: at.now,
                available_at: at.now,
                source: None,
                earlier_receives: 0,
                first_received_at: None,
                ..(*message.said).clone()
            };
            queue.put(at, number, said);
            self.touched.push(target);
        }
        Ok(true)
    }
}

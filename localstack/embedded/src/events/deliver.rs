//! Owns the way from a rule to its queue: the first try, those after it with exponential backoff, and the dead letter.
//! Never forgets a delivery that it could not make: what waits is a row, and goes on after a restart.
//! Next: `Sink` is what it needs of `sqs`; `policy` says whether a queue lets it in.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::policy::Verdicts;
use crate::ApiError;
use crate::engine::{Incoming, Moment, UnixMs};
use crate::store::Space;

const BACKOFF_FIRST_MS: i64 = 1_000;
/// So that 185 tries fill a day.
const BACKOFF_LONGEST_MS: i64 = 480_000;
/// A dead letter that its queue does not take for the moment is tried as long.
const DEAD_AGE_MAX_S: u64 = 86_400;

/// What a delivery needs of queues.
pub(crate) trait Sink {
    /// None where there is no such queue; within, none where it has no policy.
    fn policy_of(&self, queue_arn: &str) -> Option<Option<&str>>;
    fn deliver(&mut self, at: &mut Moment<'_>, queue_arn: &str, message: Incoming) -> Result<(), ApiError>;
}

impl Sink for crate::sqs::Queues {
    fn policy_of(&self, queue_arn: &str) -> Option<Option<&str>> {
        self.policy_of(queue_arn)
    }

    fn deliver(&mut self, at: &mut Moment<'_>, queue_arn: &str, message: Incoming) -> Result<(), ApiError> {
        self.deliver(at, queue_arn, message)
    }
}

/// One event for one target.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Delivery {
    pub(super) rule_arn: String,
    pub(super) target_arn: String,
    pub(super) group: Option<String>,
    /// What the target is given.
    pub(super) body: String,
    /// The whole event: what the dead-letter queue is given.
    pub(super) event: String,
    pub(super) trace_header: Option<String>,
    pub(super) dead_letters: Option<String>,
    pub(super) retries_max: u32,
    pub(super) age_max_s: u64,
    pub(super) since: UnixMs,
    pub(super) retries: u32,
    pub(super) due: UnixMs,
    pub(super) dead: Option<Dead>,
}

/// Why it goes to the dead-letter queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Dead {
    code: String,
    message: String,
    exhausted: Option<String>,
    retries: u32,
}

/// Why one try failed.
#[derive(Debug)]
pub(super) struct Failure {
    code: &'static str,
    message: String,
    /// Trying again would not help.
    lasting: bool,
}

impl Failure {
    /// The target's input could not be made.
    pub(super) fn of_input(message: String) -> Failure {
        Failure { code: "INVALID_INPUT", message, lasting: true }
    }

    fn of(refusal: &ApiError) -> Failure {
        let passing = refusal.status >= 500 || ["Throttl", "OverLimit"].iter().any(|code| refusal.code.contains(code));
        let code = match &*refusal.code {
            code if code.contains("QueueDoesNotExist") || code.contains("NonExistentQueue") => "NO_RESOURCE",
            _ if refusal.status >= 500 => "INTERNAL_ERROR",
            _ if passing => "THROTTLING",
            _ => "SDK_CLIENT_ERROR",
        };
        Failure { code, message: refusal.to_string(), lasting: !passing }
    }
}

/// All deliveries that wait, by number and by when they are due.
#[derive(Debug, Default)]
pub(super) struct Courier {
    verdicts: Verdicts,
    waiting: HashMap<u64, Delivery>,
    due: BTreeSet<(UnixMs, u64)>,
    next: u64,
}

impl Courier {
    pub(super) fn load(&mut self, key: &str, delivery: Delivery) {
        let number = key.parse().unwrap_or(self.next);
        self.next = self.next.max(number.saturating_add(1));
        self.due.insert((delivery.due, number));
        self.waiting.insert(number, delivery);
    }

    pub(super) fn wakes_at(&self) -> Option<UnixMs> {
        self.due.first().map(|(due, _)| *due)
    }

    /// The first try, which makes no row where it succeeds. `later` gives the delivery where it does not.
    pub(super) fn send(
        &mut self,
        at: &mut Moment<'_>,
        queues: &mut impl Sink,
        (rule_arn, queue_arn): (&str, &str),
        message: Result<Incoming, Failure>,
        later: impl FnOnce() -> Delivery,
    ) {
        let tried = message.and_then(|message| self.attempt(at, queues, (rule_arn, queue_arn), message));
        if let Err(failure) = tried {
            let number = self.next;
            self.next += 1;
            self.failed(at, queues, number, later(), failure);
        }
    }

    pub(super) fn tick(&mut self, at: &mut Moment<'_>, queues: &mut impl Sink) {
        while let Some(&(due, number)) = self.due.first()
            && due <= at.now
        {
            self.due.pop_first();
            let Some(mut delivery) = self.waiting.remove(&number) else { continue };
            if delivery.dead.is_some() {
                self.bury(at, queues, number, delivery);
                continue;
            }
            delivery.retries += 1;
            let message = Incoming {
                body: delivery.body.clone(),
                group: delivery.group.clone(),
                trace_header: delivery.trace_header.clone(),
                ..Incoming::default()
            };
            match self.attempt(at, queues, (&delivery.rule_arn, &delivery.target_arn), message) {
                Ok(()) => forget(at, number),
                Err(failure) => self.failed(at, queues, number, delivery, failure),
            }
        }
    }

    fn attempt(
        &mut self,
        at: &mut Moment<'_>,
        queues: &mut impl Sink,
        (rule_arn, queue_arn): (&str, &str),
        message: Incoming,
    ) -> Result<(), Failure> {
        let Some(policy) = queues.policy_of(queue_arn) else {
            let message = format!("The queue {queue_arn} does not exist.");
            return Err(Failure { code: "NO_RESOURCE", message, lasting: true });
        };
        if !self.verdicts.allows(policy, rule_arn, queue_arn) {
            let message = format!("The policy of {queue_arn} does not let {rule_arn} send messages to it.");
            return Err(Failure { code: "NO_PERMISSIONS", message, lasting: true });
        }
        queues.deliver(at, queue_arn, message).map_err(|refusal| Failure::of(&refusal))
    }

    fn failed(
        &mut self,
        at: &mut Moment<'_>,
        queues: &mut impl Sink,
        number: u64,
        mut delivery: Delivery,
        failure: Failure,
    ) {
        let end = delivery.since.plus_s(delivery.age_max_s);
        let exhausted = match &failure {
            Failure { lasting: true, .. } => None,
            _ if delivery.retries >= delivery.retries_max => Some("MaximumRetryAttempts"),
            _ if at.now >= end => Some("MaximumEventAgeInSeconds"),
            _ => {
                delivery.due = at.now.plus_ms(backoff_ms(delivery.retries, at.chance)).min(end);
                return self.wait(at, number, delivery);
            }
        };
        delivery.dead = Some(Dead {
            code: failure.code.to_owned(),
            message: failure.message,
            exhausted: exhausted.map(str::to_owned),
            retries: delivery.retries,
        });
        self.bury(at, queues, number, delivery);
    }

    /// To the dead-letter queue, if there is one; without one the event is dropped, as AWS does.
    fn bury(&mut self, at: &mut Moment<'_>, queues: &mut impl Sink, number: u64, mut delivery: Delivery) {
        let (Some(queue), Some(dead)) = (&delivery.dead_letters, &delivery.dead) else { return forget(at, number) };
        let message = Incoming {
            body: delivery.event.clone(),
            trace_header: delivery.trace_header.clone(),
            attributes: dead.attributes(&delivery),
            ..Incoming::default()
        };
        let route = (delivery.rule_arn.as_str(), queue.as_str());
        match self.attempt(at, queues, route, message) {
            Err(failure) if !failure.lasting && at.now < delivery.since.plus_s(DEAD_AGE_MAX_S + delivery.age_max_s) => {
                delivery.due = at.now.plus_ms(backoff_ms(delivery.retries, at.chance));
                delivery.retries = delivery.retries.saturating_add(1);
                self.wait(at, number, delivery);
            }
            _ => forget(at, number),
        }
    }

    fn wait(&mut self, at: &mut Moment<'_>, number: u64, delivery: Delivery) {
        at.journal.put(Space::Pending, key(number), &delivery);
        self.due.insert((delivery.due, number));
        self.waiting.insert(number, delivery);
    }
}

impl Dead {
    fn attributes(&self, delivery: &Delivery) -> Vec<(String, String)> {
        let mut attributes = vec![
            ("RULE_ARN", delivery.rule_arn.clone()),
            ("TARGET_ARN", delivery.target_arn.clone()),
            ("ERROR_CODE", self.code.clone()),
            ("ERROR_MESSAGE", self.message.clone()),
            ("RETRY_ATTEMPTS", self.retries.to_string()),
        ];
        attributes.extend(self.exhausted.clone().map(|exhausted| ("EXHAUSTED_RETRY_CONDITION", exhausted)));
        attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn forget(at: &mut Moment<'_>, number: u64) {
    at.journal.delete(Space::Pending, key(number));
}

/// Rows come back in the order of their numbers.
fn key(number: u64) -> String {
    format!("{number:020}")
}

/// Twice as long each time, less up to half of it by chance.
fn backoff_ms(retries: u32, chance: &mut fastrand::Rng) -> i64 {
    let longest = BACKOFF_FIRST_MS.saturating_mul(1 << retries.min(20)).min(BACKOFF_LONGEST_MS);
    longest - chance.i64(0..=longest / 2)
}

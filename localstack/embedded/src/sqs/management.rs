//! Owns queues as such: made, found, listed, described, changed, tagged, emptied and deleted.
//! Never a message's fate, but that it goes with its queue.
//! Next: `attributes` knows the rules; `permissions` edits the policy.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::Serialize;

use super::attributes::Attributes;
use super::queue::{Identity, Queue};
use super::request::Page;
use super::{Queues, answer, keys, refusal, tokens};
use crate::ApiError;
use crate::engine::{Answer, Moment, UnixMs};
use crate::store::Space;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct QueueUrl {
    queue_url: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct QueueUrls {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    queue_urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
struct Sources {
    /// As AWS spells it.
    #[serde(rename = "queueUrls")]
    queue_urls: Vec<String>,
    #[serde(rename = "NextToken", skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tags {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
}

impl Queues {
    pub(super) fn create(
        &mut self,
        at: &mut Moment<'_>,
        name: &str,
        sent: &BTreeMap<String, String>,
        tags: BTreeMap<String, String>,
    ) -> Answer {
        let url = QueueUrl { queue_url: at.place.queue_url(name) };
        if let Some(known) = self.names.get(name).and_then(|number| self.queues.get(number)) {
            return match known.identity.attributes.conflict(sent) {
                Some(attribute) => Err(refusal::queue_exists(attribute)),
                None => answer(url),
            };
        }
        let attributes = Attributes::default_for(name.ends_with(".fifo")).with(sent)?;
        self.check_redrive(at, name, &attributes, sent)?;
        let number = self.next_queue;
        self.next_queue += 1;
        at.journal.put(Space::Queue, keys::NEXT_QUEUE, &self.next_queue);
        let identity = Identity {
            name: name.to_owned(),
            created_at: at.now,
            modified_at: at.now,
            attributes,
            tags,
            numbers_below: 0,
        };
        let queue = Queue::new(number, identity);
        queue.store(at.journal);
        self.names.insert(name.to_owned(), number);
        self.queues.insert(number, queue);
        answer(url)
    }

    /// A redrive policy that was just set must name a queue of the same kind that lets this one in.
    fn check_redrive(
        &self,
        at: &Moment<'_>,
        name: &str,
        attributes: &Attributes,
        sent: &BTreeMap<String, String>,
    ) -> Result<(), ApiError> {
        let (Some(text), Some(redrive)) = (sent.get("RedrivePolicy"), &attributes.settings().redrive) else {
            return Ok(());
        };
        let bad = |reason: &str| refusal::invalid_value(text, "RedrivePolicy", reason);
        let target = self.by_arn(at, &redrive.target_arn).and_then(|number| self.queues.get(&number));
        let target = target.ok_or_else(|| bad("Dead letter target does not exist."))?;
        if target.is_fifo() != attributes.is_fifo() {
            return Err(bad("Dead-letter queue must be same type of queue as the source."));
        }
        if !target.identity.attributes.settings().redrive_allow.allows(&at.place.queue_arn(name)) {
            return Err(bad("The dead letter target's RedriveAllowPolicy does not allow this source queue."));
        }
        Ok(())
    }

    pub(super) fn url(&mut self, at: &mut Moment<'_>, name: &str) -> Answer {
        self.open(at, name)?;
        answer(QueueUrl { queue_url: at.place.queue_url(name) })
    }

    pub(super) fn list(&self, at: &Moment<'_>, prefix: &str, page: Page) -> Answer {
        let names = self.names.range::<str, _>((Bound::Included(prefix), Bound::Unbounded)).map(|(name, _)| name);
        let names = names.take_while(|name| name.starts_with(prefix));
        let (queue_urls, next_token) = one_page(at, names, page);
        answer(QueueUrls { queue_urls, next_token })
    }

    pub(super) fn list_sources(&mut self, at: &mut Moment<'_>, name: &str, page: Page) -> Answer {
        self.open(at, name)?;
        let sources = self.sources_of(&at.place.queue_arn(name));
        let (queue_urls, next_token) = one_page(at, sources.iter(), page);
        answer(Sources { queue_urls, next_token })
    }

    /// Names of the queues whose dead letters go to this ARN.
    pub(super) fn sources_of(&self, arn: &str) -> Vec<String> {
        let goes_there = |number: &u64| {
            let redrive =
                self.queues.get(number).and_then(|queue| queue.identity.attributes.settings().redrive.as_ref());
            redrive.is_some_and(|redrive| redrive.target_arn == arn)
        };
        self.names.iter().filter(|(_, number)| goes_there(number)).map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn attributes(&mut self, at: &mut Moment<'_>, name: &str, wanted: &[String]) -> Answer {
        let queue = self.open(at, name)?;
        let seconds = |at: UnixMs| (at.0 / 1000).to_string();
        let mut attributes = queue.identity.attributes.all().clone();
        let counted = [
            ("ApproximateNumberOfMessages", queue.visible().to_string()),
            ("ApproximateNumberOfMessagesNotVisible", queue.in_flight.to_string()),
            ("ApproximateNumberOfMessagesDelayed", queue.delayed().to_string()),
            ("CreatedTimestamp", seconds(queue.identity.created_at)),
            ("LastModifiedTimestamp", seconds(queue.identity.modified_at)),
            ("QueueArn", at.place.queue_arn(name)),
        ];
        attributes.extend(counted.map(|(name, value)| (name.to_owned(), value)));
        if !wanted.iter().any(|name| name == "All") {
            attributes.retain(|name, _| wanted.contains(name));
        }
        answer(Described { attributes })
    }

    pub(super) fn set_attributes(
        &mut self,
        at: &mut Moment<'_>,
        name: &str,
        sent: &BTreeMap<String, String>,
    ) -> Answer {
        let attributes = self.open(at, name)?.identity.attributes.with(sent)?;
        self.check_redrive(at, name, &attributes, sent)?;
        let queue = self.open(at, name)?;
        queue.identity.attributes = attributes;
        queue.identity.modified_at = at.now;
        queue.store(at.journal);
        Ok(None)
    }

    pub(super) fn delete_queue(&mut self, at: &mut Moment<'_>, name: &str) -> Answer {
        let number = self.open(at, name)?.number;
        self.names.remove(name);
        if let Some(mut queue) = self.queues.remove(&number) {
            if let Some(due) = queue.scheduled {
                self.calendar.remove(&(due, number));
            }
            for waiter in queue.waiters.drain() {
                at.answer(waiter.reply, Err(refusal::no_such_queue()));
            }
        }
        at.journal.delete(Space::Queue, keys::queue(number));
        for space in [Space::Message, Space::Flight, Space::Deduplication, Space::MoveTask] {
            at.journal.delete_under(space, keys::messages(number));
        }
        Ok(None)
    }

    pub(super) fn purge(&mut self, at: &mut Moment<'_>, name: &str) -> Answer {
        let pause_ms = self.limits.purge_pause_ms;
        let queue = self.open(at, name)?;
        if queue.purged_at.is_some_and(|purged_at| at.now < purged_at.plus_ms(pause_ms)) {
            return Err(refusal::purge_in_progress(name));
        }
        queue.purged_at = Some(at.now);
        queue.purge(at.journal);
        Ok(None)
    }

    pub(super) fn tag(&mut self, at: &mut Moment<'_>, name: &str, tags: BTreeMap<String, String>) -> Answer {
        let queue = self.open(at, name)?;
        let mut together = queue.identity.tags.clone();
        together.extend(tags);
        if together.len() > 50 {
            return Err(refusal::invalid(format!("Too many tags added for queue {name}.")));
        }
        queue.identity.tags = together;
        queue.store(at.journal);
        Ok(None)
    }

    pub(super) fn untag(&mut self, at: &mut Moment<'_>, name: &str, gone: &[String]) -> Answer {
        let queue = self.open(at, name)?;
        queue.identity.tags.retain(|key, _| !gone.contains(key));
        queue.store(at.journal);
        Ok(None)
    }

    pub(super) fn tags(&mut self, at: &mut Moment<'_>, name: &str) -> Answer {
        answer(Tags { tags: self.open(at, name)?.identity.tags.clone() })
    }
}

/// URLs of one page, and where the next one begins; without a number that was asked for there is no next.
fn one_page<'a>(at: &Moment<'_>, names: impl Iterator<Item = &'a String>, page: Page) -> (Vec<String>, Option<String>) {
    let after = page.after.unwrap_or_default();
    let mut names = names.skip_while(|name| **name <= after).peekable();
    let mut shown: Vec<&String> = vec![];
    while let Some(name) = names.next_if(|_| shown.len() < page.most.unwrap_or(1000)) {
        shown.push(name);
    }
    let more = page.most.is_some() && names.peek().is_some();
    let next_token = shown.last().filter(|_| more).map(|last| tokens::page(last));
    (shown.into_iter().map(|name| at.place.queue_url(name)).collect(), next_token)
}

//! Owns EventBridge: buses, rules, targets, archives and replays, and where each event goes.
//! Never a queue: what a target gets is handed to `sqs::Queues::deliver`; what that refuses is tried again, then dead-lettered.
//! Next: `request` reads and checks what was asked, off the engine's thread; `Buses` carries it out.

mod archive;
mod bus;
mod deliver;
mod event;
mod json_path;
mod names;
mod pattern;
mod policy;
mod put;
mod replay;
mod request;
mod routes;
mod rule;
mod tags;
mod target;
mod test_pattern;
#[cfg(test)]
mod tests;
mod transform;

use std::collections::BTreeMap;

use archive::Archive;
use bus::Bus;
use deliver::{Courier, Sink};
use replay::Replay;
pub(crate) use request::Request;
use rule::Rule;

use crate::engine::{Answer, Body, Moment, Quirks, ReplyTo, UnixMs};
use crate::store::{Row, Space, StoreError};

/// What an operation answers.
type Reply = Answer;

fn body(answer: impl Body + 'static) -> Reply {
    Ok(Some(Box::new(answer)))
}

/// All buses, by name, with what hangs on them. The bus `default` is always there.
#[derive(Debug)]
pub(crate) struct Buses {
    buses: BTreeMap<String, Bus>,
    archives: BTreeMap<String, Archive>,
    replays: BTreeMap<String, Replay>,
    courier: Courier,
}

impl Default for Buses {
    fn default() -> Buses {
        Buses {
            buses: BTreeMap::from([(names::DEFAULT_BUS.to_owned(), Bus::default())]),
            archives: BTreeMap::new(),
            replays: BTreeMap::new(),
            courier: Courier::default(),
        }
    }
}

impl Buses {
    /// One row of `Space::Bus` and later, as read from the store; rows come in order.
    pub(crate) fn load(&mut self, row: &Row) -> Result<(), StoreError> {
        let key = row.key.clone();
        if row.is_in(Space::Bus) {
            self.buses.entry(key).or_default().row = row.value()?;
        } else if row.is_in(Space::Rule) {
            let rule = Rule::load(row.value()?, &key)?;
            if let Some((bus, name)) = key.split_once('/') {
                self.buses.entry(bus.to_owned()).or_default().rules.insert(name.to_owned(), rule);
            }
        } else if row.is_in(Space::Archive) {
            let archive = Archive::load(row.value()?, &key)?;
            self.archives.insert(key, archive);
        } else if row.is_in(Space::Archived) {
            self.load_archived(row)?;
        } else if row.is_in(Space::Replay) {
            self.replays.insert(key, row.value()?);
        } else if row.is_in(Space::Pending) {
            self.courier.load(&key, row.value()?);
        }
        Ok(())
    }

    pub(crate) fn perform(
        &mut self,
        at: &mut Moment<'_>,
        queues: &mut impl Sink,
        request: Request,
        quirks: &Quirks,
        reply: ReplyTo,
    ) {
        let answer = self.answer(at, queues, request, quirks);
        at.answer(reply, answer);
    }

    fn answer(&mut self, at: &mut Moment<'_>, queues: &mut impl Sink, request: Request, quirks: &Quirks) -> Reply {
        match request {
            Request::PutEvents(asked) => self.put_events(at, queues, asked, quirks),
            Request::CreateEventBus(asked) => self.create_bus(at, asked),
            Request::UpdateEventBus(asked) => self.update_bus(at, asked),
            Request::DeleteEventBus(asked) => self.delete_bus(at, &asked),
            Request::DescribeEventBus(asked) => self.describe_bus(at, &asked),
            Request::ListEventBuses(page) => self.list_buses(at, &page),
            Request::PutPermission(asked) => self.put_permission(at, &asked),
            Request::RemovePermission(asked) => self.remove_permission(at, &asked),
            Request::PutRule(asked) => self.put_rule(at, asked),
            Request::DeleteRule(asked) => self.delete_rule(at, &asked),
            Request::DescribeRule(asked) => self.describe_rule(at, &asked),
            Request::EnableRule(asked) => self.enable_rule(at, &asked),
            Request::DisableRule(asked) => self.disable_rule(at, &asked),
            Request::ListRules(page) => self.list_rules(at, &page),
            Request::ListRuleNamesByTarget(page) => self.list_rule_names_by_target(at, &page),
            Request::PutTargets(asked) => self.put_targets(at, asked),
            Request::RemoveTargets(asked) => self.remove_targets(at, &asked),
            Request::ListTargetsByRule(page) => self.list_targets(at, &page),
            Request::TestEventPattern(asked) => test_pattern::test(&asked),
            Request::CreateArchive(asked) => self.create_archive(at, asked),
            Request::UpdateArchive(asked) => self.update_archive(at, asked),
            Request::DeleteArchive(asked) => self.delete_archive(at, &asked),
            Request::DescribeArchive(asked) => self.describe_archive(at, &asked),
            Request::ListArchives(page) => self.list_archives(at, &page),
            Request::StartReplay(asked) => self.start_replay(at, asked),
            Request::CancelReplay(asked) => self.cancel_replay(at, &asked),
            Request::DescribeReplay(asked) => self.describe_replay(at, &asked),
            Request::ListReplays(page) => self.list_replays(at, &page),
            Request::TagResource(asked) => self.tag(at, asked),
            Request::UntagResource(asked) => self.untag(at, &asked),
            Request::ListTagsForResource(asked) => self.list_tags(at, &asked),
        }
    }

    /// What time alone brings: deliveries that are tried again, replays that go on, archives that expire.
    pub(crate) fn tick(&mut self, at: &mut Moment<'_>, queues: &mut impl Sink) {
        self.courier.tick(at, queues);
        self.go_on_replaying(at, queues);
        self.expire_archived(at);
    }

    pub(crate) fn wakes_at(&self) -> Option<UnixMs> {
        [self.courier.wakes_at(), self.replays_wake_at(), self.archives_expire_at()].into_iter().flatten().min()
    }
}

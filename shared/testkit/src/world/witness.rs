//! Owns what must never happen, checked as it happens: every applied write, publish, dead letter and delete is seen.
//! Never read by a daemon: what it remembers, no process knows.
//! Next: `verdict` checks what can only be said at the end.

use std::collections::{BTreeMap, BTreeSet};

use contract::decode::{self, Raw};
use contract::events::{GoalCancelled, GoalCompleted, GoalFailed};
use contract::{Digest, Event, EventData, EventId, GoalId, QueueName, UnixMs};
use runtime::Token;
use runtime::ledger::join::JoinState;
use runtime::ledger::step::{State, Step};
use runtime::ledger::{Attr, Change, Item, ItemKey, ItemKind, Write, WriteName};
use runtime::ports::{Outbound, Receipt, Received};

use super::Shared;
use super::heard::Heard;
use super::odds::LONGEST_HOLDUP_MS;
use super::process::Process;
use super::verdict::step_of_call;

#[derive(Debug, Default)]
pub(crate) struct Witness {
    pub(crate) violations: BTreeMap<&'static str, String>,
    pub(crate) ended_at: BTreeMap<GoalId, UnixMs>,
    pub(crate) accepted: BTreeSet<GoalId>,
    /// Those that began as forks of others.
    pub(crate) forked: BTreeSet<GoalId>,
    pub(crate) closed_at: BTreeMap<ItemKey, UnixMs>,
    /// By event: its content's digest, and how often it was published.
    pub(crate) events: BTreeMap<EventId, (Digest, u32)>,
    heard: Heard,
    pub(crate) published: Vec<(EventId, Digest)>,
    /// By goal: the terminal events that anybody published, delivered or not.
    pub(crate) terminal: BTreeMap<GoalId, BTreeSet<(EventId, Digest)>>,
    pub(crate) dropped: BTreeSet<GoalId>,
    /// Messages under way, by receipt.
    receipts: BTreeMap<Receipt, Seen>,
    holders: BTreeMap<ItemKey, Holder>,
    /// By step: the highest n of its dead letters.
    dead: BTreeMap<ItemKey, u32>,
    /// Bodies that were rejected, each for one delete.
    rejected: BTreeMap<(QueueName, String), u32>,
    redriven: BTreeSet<(ItemKey, u32)>,
    killed_beside: BTreeSet<(ItemKey, u32)>,
    blamed: BTreeMap<ItemKey, u32>,
    /// After that, nobody may publish it again.
    silent: BTreeMap<EventId, UnixMs>,
    silent_letters: BTreeMap<(ItemKey, u32), UnixMs>,
    reserved: BTreeMap<ItemKey, u32>,
    pub(crate) deliveries: u64,
    pub(crate) parks: BTreeSet<GoalId>,
    /// The last epoch of each step whose effects were all done.
    pub(crate) finished: BTreeMap<ItemKey, u32>,
}

#[derive(Clone, Debug)]
struct Seen {
    queue: QueueName,
    body: String,
    park_n: u32,
    /// None: no event.
    event: Option<SeenEvent>,
}

#[derive(Clone, Debug)]
struct SeenEvent {
    key: ItemKey,
    digest: Digest,
    cancels: bool,
}

#[derive(Clone, Debug)]
struct Holder {
    token: Option<Token>,
    /// Until when nobody else may take it, in true time.
    lease_end: UnixMs,
    not_before: UnixMs,
}

impl Witness {
    pub(crate) fn violated(&mut self, invariant: &'static str, how: impl FnOnce() -> String) {
        self.violations.entry(invariant).or_insert_with(how);
    }

    pub(crate) fn forked(&mut self, goal: GoalId) {
        self.accepted.insert(goal);
        self.forked.insert(goal);
    }

    /// A fork that its user left half-way: it may well end by its deadline.
    pub(crate) fn abandoned(&mut self, goal: GoalId) {
        self.dropped.insert(goal);
    }

    // ---- queues

    pub(crate) fn received(&mut self, shared: &Shared, queue: &QueueName, message: &Received) {
        self.deliveries += 1;
        let Some(row) = shared.choreography.rows.iter().find(|row| row.queue == *queue) else { return };
        let raw = Raw {
            body: message.body.as_bytes(),
            attributes: &message.attributes,
            message_id: &message.message_id,
            sent_at: message.sent_at,
        };
        let event = decode::decode(raw, row, &shared.choreography).ok();
        let published = |event: &Event| self.events.get(&event.id).map(|(digest, _)| digest);
        if let Some(event) = event.as_ref().filter(|event| self.heard.is_other(event, published(event))) {
            self.violated("one-id-two-contents", || format!("{} {} in a queue", event.kind, event.id));
        }
        let event = event.map(|event| SeenEvent {
            key: ItemKey::step(event.goal, &row.name, event.id),
            digest: event.digest(),
            cancels: event.kind == contract::events::GoalCancelRequested::TYPE,
        });
        let park_n = message.attributes.park().map_or(0, |note| note.n);
        let seen = Seen { queue: queue.clone(), body: message.body.clone(), park_n, event };
        self.receipts.insert(message.receipt.clone(), seen);
    }

    pub(crate) fn redriven(&mut self, key: &ItemKey, n: u32) {
        self.redriven.insert((key.clone(), n));
    }

    pub(crate) fn dead_letter(&mut self, shared: &Shared, queue: &QueueName, letter: &Outbound) {
        let Some(note) = letter.attributes.park() else {
            return self.violated("dead-letter-without-its-cause", || queue.to_string());
        };
        let row = shared.choreography.rows.iter().find(|row| row.queue.dead_letters() == *queue);
        let (Some(row), Some(goal), Some(event)) = (row, note.goal, note.event) else {
            *self.rejected.entry((queue.clone(), letter.body.clone())).or_default() += 1;
            return;
        };
        let key = ItemKey::step(goal, &row.name, event);
        let parked = shared.step(&key).is_some_and(|step| step.state == State::Parked && step.parks >= note.n);
        use contract::CauseKind::{AttemptsExhausted, BudgetExhausted, CrashesExhausted, Permanent};
        if parked && matches!(note.cause.kind, AttemptsExhausted | CrashesExhausted | Permanent | BudgetExhausted) {
            let silent = self.silent_letters.get(&(key.clone(), note.n));
            if silent.is_some_and(|at| at.0 + LONGEST_HOLDUP_MS < shared.now().0) {
                self.violated("dead-letter-repeated", || format!("{} n {}", key.sort(), note.n));
            }
            self.parks.insert(goal);
            let n = self.dead.entry(key).or_default();
            *n = note.n.max(*n);
        } else {
            *self.rejected.entry((queue.clone(), letter.body.clone())).or_default() += 1;
        }
    }

    pub(crate) fn deleted(&mut self, shared: &Shared, receipt: &Receipt) {
        let Some(seen) = self.receipts.get(receipt).cloned() else { return };
        let Some((invariant, how)) = self.lost_by_deleting(shared, &seen) else { return };
        match self.rejected.get_mut(&(seen.queue.dead_letters(), seen.body.clone())) {
            Some(rejected) if *rejected > 0 => {
                // A delete whose reply was lost is sent again: it is still the same one.
                *rejected -= 1;
                self.receipts.remove(receipt);
            }
            _ => self.violated(invariant, || how),
        }
    }

    /// What would be lost with this message, unless it was rejected before.
    fn lost_by_deleting(&mut self, shared: &Shared, seen: &Seen) -> Option<(&'static str, String)> {
        let Some(event) = &seen.event else {
            return Some(("undecodable-message-lost", seen.body.chars().take(200).collect()));
        };
        if self.ended_at.contains_key(&event.key.goal) {
            return None;
        }
        if event.cancels {
            return Some(("cancel-lost", event.key.goal.to_string()));
        }
        let Some(step) = shared.step(&event.key) else {
            return Some(("message-lost", format!("{} was never claimed", event.key.sort())));
        };
        if step.digest != event.digest {
            return Some(("other-data-swallowed", event.key.sort()));
        }
        if self.dead.get(&event.key).is_some_and(|n| *n > seen.park_n) {
            return None;
        }
        if step.state != State::Committed {
            return Some(("message-lost", format!("{} is {:?}", event.key.sort(), step.state)));
        }
        if let Some(undone) = shared.undone_effect(&step, &self.events) {
            return Some(("deleted-before-its-effects", format!("{}: {undone}", event.key.sort())));
        }
        self.finishes(&event.key, step.epoch);
        None
    }

    fn finishes(&mut self, key: &ItemKey, epoch: u32) {
        let last = self.finished.entry(key.clone()).or_default();
        *last = epoch.max(*last);
    }

    // ---- the bus

    pub(crate) fn published(&mut self, shared: &Shared, event: &Event) {
        let digest = event.digest();
        self.published.push((event.id, digest.clone()));
        if [GoalCompleted::TYPE, GoalFailed::TYPE, GoalCancelled::TYPE].contains(&event.kind) {
            self.terminal.entry(event.goal).or_default().insert((event.id, digest.clone()));
        }
        if self.silent.get(&event.id).is_some_and(|at| at.0 + LONGEST_HOLDUP_MS < shared.now().0) {
            self.violated("emits-unbounded", || format!("{} {}", event.kind, event.id));
        }
        let (first, times) = self.events.entry(event.id).or_insert_with(|| (digest.clone(), 0));
        *times += 1;
        if *first != digest {
            self.violated("one-id-two-contents", || format!("{} {}", event.kind, event.id));
        }
    }

    pub(crate) fn dropped(&mut self, event: &Event) {
        self.dropped.insert(event.goal);
    }

    // ---- the ledger

    pub(crate) fn applied(&mut self, process: &Process, write: &Write, before: Option<&Item>, after: &Item) {
        match write.name {
            WriteName::Accept => {
                self.accepted.insert(write.key.goal);
            }
            WriteName::Claim | WriteName::NewRound | WriteName::Takeover | WriteName::ClaimReleased => {
                self.claimed(process, write, before, after);
            }
            WriteName::Heartbeat | WriteName::Release | WriteName::Commit | WriteName::Park => {
                self.by_the_holder(process, write, before, after);
            }
            WriteName::Open | WriteName::Arrive | WriteName::Close | WriteName::End | WriteName::Told => {
                self.joined(process, write, before, after);
            }
            WriteName::Reserve | WriteName::Settle | WriteName::Book => self.spent(write, before, after),
            WriteName::DeadLettered => self.letter_is_out(process, before, after),
            WriteName::Emitted => {
                let Ok(step) = Step::read(after) else { return };
                self.finishes(&after.key, step.epoch);
                for id in process.shared.emits_of(&step) {
                    if !self.events.contains_key(&id) {
                        self.violated("emitted-before-its-events", || after.key.sort());
                    }
                    self.silent.entry(id).or_insert(process.shared.now());
                }
            }
            WriteName::Postpone if after.has(&Attr::Ended) => {
                self.violated("told-join-in-the-index", || after.key.sort());
            }
            WriteName::Postpone | WriteName::Undue | WriteName::Renew | WriteName::Copied => {}
        }
    }

    fn claimed(&mut self, process: &Process, write: &Write, before: Option<&Item>, after: &Item) {
        let (shared, key) = (&process.shared, &write.key);
        let (Ok(now), before) = (Step::read(after), before.and_then(|item| Step::read(item).ok())) else { return };
        let received = after.time(&Attr::ReceivedAt).unwrap_or_default().0 - process.skew_ms;
        if self.ended_at.get(&key.goal).is_some_and(|ended| received > ended.0) {
            self.violated("claimed-after-the-end", || key.sort());
        }
        let holder = self.holders.get(key).cloned();
        if let Some(before) = &before {
            if before.state == State::Committed {
                self.violated("committed-step-claimed", || key.sort());
            }
            let clocks_agree = shared.odds.clocks_agree();
            if write.name == WriteName::Takeover {
                if clocks_agree && holder.as_ref().is_some_and(|holder| shared.now() < holder.lease_end) {
                    self.violated("takeover-before-the-lease-ends", || key.sort());
                }
                let counted = before.alone || now.alone_crashes > before.alone_crashes;
                if counted && self.killed_beside.contains(&(key.clone(), before.epoch)) {
                    *self.blamed.entry(key.clone()).or_default() += 1;
                }
            }
            let too_early = holder.as_ref().is_some_and(|holder| shared.now().0 < holder.not_before.0 - 6_000);
            if write.name == WriteName::ClaimReleased && clocks_agree && too_early {
                self.violated("claimed-before-not-before", || key.sort());
            }
            if write.name == WriteName::NewRound {
                self.blamed.remove(key);
                if !self.redriven.contains(&(key.clone(), before.parks)) {
                    self.violated("round-without-a-redrive", || format!("{} n {}", key.sort(), before.parks));
                }
                if before.rounds >= shared.rounds_max(key) {
                    self.violated("rounds-unbounded", || key.sort());
                }
            }
        }
        let lease_end = UnixMs(now.lease.0 - process.skew_ms);
        let holder = Holder { token: write.by.clone(), lease_end, not_before: UnixMs(0) };
        self.holders.insert(key.clone(), holder);
    }

    fn by_the_holder(&mut self, process: &Process, write: &Write, before: Option<&Item>, after: &Item) {
        let key = &write.key;
        let name = write.name;
        let Some(holder) = self.holders.get_mut(key) else {
            return self.violated("written-without-a-claim", || format!("{name:?} {}", key.sort()));
        };
        let is_holder = holder.token == write.by;
        match name {
            WriteName::Heartbeat => {
                holder.lease_end = UnixMs(after.number(&Attr::Lease).unwrap_or(0) - process.skew_ms);
            }
            WriteName::Release => {
                holder.not_before = UnixMs(after.number(&Attr::NotBefore).unwrap_or(0) - process.skew_ms);
            }
            _ => {}
        }
        if !is_holder {
            self.violated("written-by-a-non-holder", || format!("{name:?} {}", key.sort()));
        }
        let state = before.and_then(|item| Step::read(item).ok()).map(|step| step.state);
        if name != WriteName::Heartbeat && state != Some(State::Claimed) {
            self.violated("written-to-a-step-not-claimed", || format!("{name:?} of {state:?} {}", key.sort()));
        }
        let crashed = after.text(&Attr::Cause).is_some_and(|cause| cause.contains("crashes-exhausted"));
        if name == WriteName::Park && crashed && self.blamed.get(key).is_some_and(|n| *n > 0) {
            self.violated("innocent-parked", || key.sort());
        }
    }

    fn joined(&mut self, process: &Process, write: &Write, before: Option<&Item>, after: &Item) {
        let key = &write.key;
        let (Ok(now), was) = (JoinState::read(after), before.and_then(|item| JoinState::read(item).ok())) else {
            return;
        };
        let was_closed = was.as_ref().is_some_and(|was| was.closed.is_some());
        match write.name {
            WriteName::Open if was.as_ref().is_some_and(|was| was.members.is_some()) => {
                self.violated("opened-twice", || key.sort());
            }
            WriteName::Arrive => {
                if was_closed {
                    self.violated("arrived-after-the-close", || key.sort());
                }
                self.arrived(&process.shared, was.as_ref(), &now);
            }
            WriteName::Close | WriteName::End => {
                if was_closed {
                    self.violated("closed-twice", || key.sort());
                }
                self.closed(&process.shared, key, was.as_ref(), &now);
            }
            WriteName::Told => {
                let Some(event) = &now.closed else { return };
                if !self.events.contains_key(&event.id) {
                    self.violated("told-before-it-was-emitted", || key.sort());
                }
                self.silent.entry(event.id).or_insert(process.shared.now());
            }
            _ => {}
        }
    }

    fn arrived(&mut self, shared: &Shared, was: Option<&JoinState>, now: &JoinState) {
        use contract::events::ArrivalStatus;
        for (member, (status, _)) in &now.arrived {
            let before = was.and_then(|was| was.arrived.get(member));
            if before == now.arrived.get(member) {
                continue;
            }
            if matches!(before, Some((ArrivalStatus::Ok, _))) {
                self.violated("ok-arrival-overwritten", || member.clone());
            }
            let letter_is_out = self.dead.iter().any(|(key, _)| {
                let ItemKind::Step { row, event } = &key.kind else { return false };
                key.goal == now.key.goal && (row.as_str() == member || event.to_string() == *member)
            });
            if *status == ArrivalStatus::Failed && !letter_is_out {
                self.violated("gave-up-before-its-dead-letter", || format!("{member} {}", shared.seed));
            }
        }
    }

    fn closed(&mut self, shared: &Shared, key: &ItemKey, was: Option<&JoinState>, now: &JoinState) {
        let Some(event) = &now.closed else { return };
        if key.kind == ItemKind::Goal {
            self.ended_at.entry(key.goal).or_insert(shared.now());
            if !self.accepted.contains(&key.goal) {
                self.violated("end-of-a-goal-never-accepted", || key.goal.to_string());
            }
        }
        self.closed_at.entry(key.clone()).or_insert(shared.now());
        let Some(was) = was else { return };
        if event.kind == GoalFailed::TYPE {
            let kind = event.data.pointer("/cause/kind").and_then(|kind| kind.as_str());
            if kind == Some("deadline-exceeded") {
                self.exceeded(shared, key.goal, was);
            }
            return;
        }
        if key.kind == ItemKind::Goal && event.kind != GoalCompleted::TYPE {
            return;
        }
        if event.data != was.joined_data() {
            self.violated("joined-event-is-not-what-arrived", || key.sort());
        }
        let ok = |member: &&String| matches!(was.arrived.get(*member), Some((contract::events::ArrivalStatus::Ok, _)));
        if was.required.iter().any(|member| !ok(&member)) {
            self.violated("closed-without-a-required-member", || key.sort());
        }
        if was.members.iter().flatten().filter(ok).count() < was.quorum {
            self.violated("closed-below-its-quorum", || key.sort());
        }
    }

    /// A goal ends by its deadline only if something was given up, dropped, or still under way.
    fn exceeded(&mut self, shared: &Shared, goal: GoalId, was: &JoinState) {
        if was.closable() {
            self.violated("failed-though-closable", || goal.to_string());
        }
        if shared.is_under_way(goal) || self.dropped.contains(&goal) {
            return;
        }
        let mut waiting = false;
        for join in shared.joins_of(goal) {
            let overdue = join.due_at.is_none_or(|due| due.0 + 200_000 < shared.now().0);
            if join.closed.is_none() && join.closable() && overdue {
                self.violated("closable-join-left-open", || join.key.sort());
            }
            waiting |= join.closed.is_some() && !join.told;
        }
        if !waiting && !self.parks.contains(&goal) {
            self.violated("lost-on-the-way", || goal.to_string());
        }
    }

    fn spent(&mut self, write: &Write, before: Option<&Item>, after: &Item) {
        let key = &write.key;
        for change in &write.changes {
            if let (WriteName::Reserve, Change::Set(Attr::Open(call), _)) = (write.name, change) {
                if before.is_some_and(|goal| goal.has(&Attr::Ended)) {
                    self.violated("reserved-after-the-end", || call.clone());
                }
                if before.is_some_and(|goal| goal.has(&Attr::Open(call.clone()))) {
                    self.violated("reserved-twice", || call.clone());
                }
                if let Some((step, epoch)) = step_of_call(key.goal, call) {
                    let most = self.reserved.entry(step).or_default();
                    let deposed = epoch < *most;
                    *most = epoch.max(*most);
                    if deposed {
                        self.violated("reserved-by-a-deposed-holder", || call.clone());
                    }
                }
            }
            if let (WriteName::Settle, Change::Remove(open)) = (write.name, change)
                && before.is_some_and(|goal| !goal.has(open))
            {
                self.violated("settled-what-is-not-open", || open.name().into_owned());
            }
        }
        let number = |attr| after.number(&attr).unwrap_or(0);
        if number(Attr::TokensSpent) + number(Attr::TokensReserved) > number(Attr::TokensAllowed) {
            self.violated("over-the-allowance", || key.goal.to_string());
        }
        let left = number(Attr::TokensAllowed) - number(Attr::TokensSpent) - number(Attr::TokensReserved);
        if left != number(Attr::TokensLeft) {
            self.violated("left-is-not-what-is-left", || format!("{left} against {}", number(Attr::TokensLeft)));
        }
        let bounds = after.attrs.keys().filter(|attr| matches!(attr, Attr::Open(_)));
        let open: i64 = bounds.filter_map(|attr| after.text(attr)?.split_once(':')?.0.parse::<i64>().ok()).sum();
        if number(Attr::TokensReserved) != open {
            self.violated("reserved-is-not-what-is-open", || format!("{} {open}", number(Attr::TokensReserved)));
        }
    }

    fn letter_is_out(&mut self, process: &Process, before: Option<&Item>, after: &Item) {
        let (Ok(now), was) = (Step::read(after), before.and_then(|item| Step::read(item).ok())) else { return };
        if was.is_some_and(|was| was.dead_lettered > now.dead_lettered) {
            self.violated("dlq-went-back", || after.key.sort());
        }
        if self.dead.get(&after.key).is_none_or(|n| *n < now.dead_lettered) {
            self.violated("dlq-before-its-dead-letter", || format!("{} n {}", after.key.sort(), now.dead_lettered));
        }
        if now.state == State::Parked {
            // Otherwise a new round is at work already, and has reservations of its own.
            self.finishes(&after.key, now.epoch);
        }
        self.silent_letters.entry((after.key.clone(), now.dead_lettered)).or_insert(process.shared.now());
    }

    // ---- processes

    /// Whoever dies beside a killer is innocent of it.
    pub(crate) fn killed(&mut self, shared: &Shared, killer: &ItemKey, beside: &[ItemKey]) {
        for key in beside.iter().filter(|key| *key != killer) {
            if let Some(step) = shared.step(key) {
                self.killed_beside.insert((key.clone(), step.epoch));
            }
        }
    }
}

//! Owns the attempts of a step: who held each epoch, how long everything took, how it was over.
//! Never counts anything itself: the step's item has the protocol's own numbers.
//! Next: `steps` puts them into the step.

use std::collections::BTreeMap;

use contract::story::{Asked, AttemptEnd, AttemptTold, Lapse};
use contract::{Answered, AttemptRecord, CauseKind, Exchange, Partner, Spend, UnixMs};
use serde::de::DeserializeOwned;

use super::{Material, records};
use crate::ledger::step::{Held, Over, State, Step};
use crate::ledger::{Attr, Item};

/// In the order of their epochs.
pub(super) fn told(material: &Material<'_>, item: &Item, step: &Step) -> Vec<AttemptTold> {
    let held: BTreeMap<u32, Held> = entries(item, |attr| if let Attr::Held(epoch) = attr { Some(epoch) } else { None });
    let over: BTreeMap<u32, Over> = entries(item, |attr| if let Attr::Over(epoch) = attr { Some(epoch) } else { None });
    let (mut all, mut round, mut number): (Vec<AttemptTold>, u32, u32) = (vec![], 1, 1);
    for (epoch, held) in &held {
        let over = over.get(epoch);
        let end = end(material, step, *epoch, over);
        let why = over.and_then(|over| over.why.clone());
        let tried = end != AttemptEnd::GaveUp || !all_tries_were_over(why.as_deref());
        let ended_at = over.map(|over| over.at).or_else(|| left_at(material, end));
        let kept = records::record_of(item, &epoch.to_string());
        let record = kept.as_ref().and_then(|at| material.records.attempt(at));
        let is_last = *epoch == step.epoch && step.state == State::Committed;
        all.push(AttemptTold {
            epoch: *epoch,
            round,
            number: tried.then_some(number),
            holder: held.by.clone(),
            sent_at: held.sent_at,
            received_at: held.received_at,
            claimed_at: held.from,
            ended_at,
            wait: wait(all.last(), held),
            claim: Lapse::between(held.received_at, held.from),
            work: Lapse::between(held.from, ended_at.unwrap_or(material.now)),
            end,
            why,
            record: kept.as_ref().map(|at| at.uri.clone()),
            cost: if is_last { committed_cost(item) } else { record.map(cost).unwrap_or_default() },
            models: asked(record, Partner::Model),
            tools: asked(record, Partner::Tool),
        });
        match end {
            AttemptEnd::Failed => number += 1,
            AttemptEnd::GaveUp => (round, number) = (round + 1, 1),
            _ => {}
        }
    }
    all
}

fn entries<T: DeserializeOwned>(item: &Item, epoch: fn(&Attr) -> Option<&String>) -> BTreeMap<u32, T> {
    let found = item.attrs.keys().filter_map(|attr| {
        let number = epoch(attr)?.parse().ok()?;
        Some((number, serde_json::from_str(item.text(attr)?).ok()?))
    });
    found.collect()
}

fn end(material: &Material<'_>, step: &Step, epoch: u32, over: Option<&Over>) -> AttemptEnd {
    match over.map(|over| over.how.as_str()) {
        Some("committed") => AttemptEnd::Committed,
        Some("parked") => AttemptEnd::GaveUp,
        Some("given-back") => AttemptEnd::GivenBack,
        Some("lease-over") => AttemptEnd::Died,
        Some(_) => AttemptEnd::Failed,
        None if epoch < step.epoch => AttemptEnd::Died,
        None if material.ended().is_some() => AttemptEnd::Left,
        None => AttemptEnd::AtWork,
    }
}

fn left_at(material: &Material<'_>, end: AttemptEnd) -> Option<UnixMs> {
    material.ended().filter(|_| end == AttemptEnd::Left).map(|event| event.time)
}

/// A claim whose tries had all been made gives up without one of its own.
fn all_tries_were_over(why: Option<&str>) -> bool {
    let kinds = [CauseKind::AttemptsExhausted, CauseKind::CrashesExhausted];
    why.is_some_and(|why| kinds.iter().any(|kind| why.starts_with(kind.as_str())))
}

fn wait(before: Option<&AttemptTold>, held: &Held) -> Lapse {
    match before {
        // Nobody knows when it died: all of its silence is told as its work.
        Some(before) if before.end == AttemptEnd::Died => Lapse::default(),
        // A redrive may have sent the message anew.
        Some(before) if held.sent_at == before.sent_at => {
            before.ended_at.map_or_else(Lapse::default, |ended_at| Lapse::between(ended_at, held.received_at))
        }
        _ => Lapse::between(held.sent_at, held.received_at),
    }
}

fn committed_cost(item: &Item) -> Spend {
    let number = |attr| u64::try_from(item.number(&attr).unwrap_or(0)).unwrap_or(0);
    Spend { tokens: number(Attr::CostTokens), micros: number(Attr::CostMicros) }
}

fn cost(record: &AttemptRecord) -> Spend {
    record.exchanges.iter().fold(Spend::default(), |sum, exchange| sum + exchange.cost)
}

fn asked(record: Option<&AttemptRecord>, with: Partner) -> Asked {
    let mine = |exchange: &&Exchange| exchange.with == with;
    let calls: Vec<&Exchange> = record.iter().flat_map(|record| &record.exchanges).filter(mine).collect();
    let count = |calls: usize| u32::try_from(calls).unwrap_or(u32::MAX);
    let failed = calls.iter().filter(|call| matches!(call.answer, Answered::Failed(_))).count();
    Asked { calls: count(calls.len()), failed: count(failed), ms: under_way(&calls) }
}

/// Calls beside each other take their time once.
fn under_way(calls: &[&Exchange]) -> u64 {
    let mut spans: Vec<(i64, i64)> = calls
        .iter()
        .map(|call| (call.began.0, call.began.0.saturating_add(i64::try_from(call.took_ms).unwrap_or(i64::MAX))))
        .collect();
    spans.sort_unstable();
    let (mut sum, mut reached) = (0_u64, i64::MIN);
    for (began, ended) in spans {
        let from = began.max(reached);
        sum = sum.saturating_add(u64::try_from(ended.saturating_sub(from)).unwrap_or(0));
        reached = reached.max(ended);
    }
    sum
}

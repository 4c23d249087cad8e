//! Owns the places where anything may happen to a process: before and after each call that it makes.
//! Never a fault of its own: it names places, and counts what happened there.
//! Next: `ports` passes each of them on every call; a run that missed one says so.

use std::collections::BTreeMap;
use std::fmt;

pub(crate) use crate::place::{Op, Side};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    Crash,
    Freeze,
    Stall,
    Fail,
    Throttle,
    LoseReply,
    EntryFails,
    BatchSpoiled,
    Unprocessed,
    DuplicateMessage,
    DuplicateEvent,
    DropEvent,
    DelayEvent,
    Shutdown,
    HandlerError,
    HandlerPanic,
    LongWork,
    Unsettled,
    Poison,
    Killer,
    Redrive,
    RedriveCopy,
    Cancel,
    CancelOfNobody,
    SecondGoal,
    OtherData,
    Forged,
    EventOfNobody,
    LateDuplicate,
    ClockSkew,
    Rubbish,
    ForgedSource,
    DeadlinePast,
    LongError,
    AllRequired,
    TooManyHops,
}

impl Fault {
    pub(crate) const ALL: &[Fault] = &[
        Fault::Crash,
        Fault::Freeze,
        Fault::Stall,
        Fault::Fail,
        Fault::Throttle,
        Fault::LoseReply,
        Fault::EntryFails,
        Fault::BatchSpoiled,
        Fault::Unprocessed,
        Fault::DuplicateMessage,
        Fault::DuplicateEvent,
        Fault::DropEvent,
        Fault::DelayEvent,
        Fault::Shutdown,
        Fault::HandlerError,
        Fault::HandlerPanic,
        Fault::LongWork,
        Fault::Unsettled,
        Fault::Poison,
        Fault::Killer,
        Fault::Redrive,
        Fault::RedriveCopy,
        Fault::Cancel,
        Fault::CancelOfNobody,
        Fault::SecondGoal,
        Fault::OtherData,
        Fault::Forged,
        Fault::EventOfNobody,
        Fault::LateDuplicate,
        Fault::ClockSkew,
        Fault::Rubbish,
        Fault::ForgedSource,
        Fault::DeadlinePast,
        Fault::LongError,
        Fault::AllRequired,
        Fault::TooManyHops,
    ];
}

/// How often each fault struck, and how often a process was at, and died at, each place.
#[derive(Clone, Debug, Default)]
pub struct Hits {
    pub(crate) faults: BTreeMap<Fault, u64>,
    pub(crate) passed: BTreeMap<(Op, Side), u64>,
    pub(crate) crashed: BTreeMap<(Op, Side), u64>,
}

impl Hits {
    pub(crate) fn fault(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }

    pub(crate) fn pass(&mut self, op: Op, side: Side) {
        *self.passed.entry((op, side)).or_default() += 1;
    }

    pub(crate) fn crash(&mut self, op: Op, side: Side) {
        *self.crashed.entry((op, side)).or_default() += 1;
        self.fault(Fault::Crash);
    }

    /// Adds up what several seeds saw.
    pub fn add(&mut self, other: &Hits) {
        for (fault, n) in &other.faults {
            *self.faults.entry(*fault).or_default() += n;
        }
        for (to, from) in [(&mut self.passed, &other.passed), (&mut self.crashed, &other.crashed)] {
            for (place, n) in from {
                *to.entry(*place).or_default() += n;
            }
        }
    }

    /// Every fault and every place that never had its turn: a run with any of these proves less than it says.
    pub fn missing(&self) -> Vec<String> {
        let faults = Fault::ALL.iter().filter(|fault| !self.faults.contains_key(fault));
        let mut missing: Vec<String> = faults.map(|fault| format!("fault {fault:?}")).collect();
        for op in Op::all() {
            for side in [Side::Before, Side::After] {
                if !self.crashed.contains_key(&(op, side)) {
                    missing.push(format!("crash {side:?} {op}"));
                }
            }
        }
        missing
    }
}

impl fmt::Display for Hits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "faults:")?;
        for fault in Fault::ALL {
            write!(f, " {fault:?} {}", self.faults.get(fault).unwrap_or(&0))?;
        }
        write!(f, "\nawait points, passed/crashed at (before; after):")?;
        for op in Op::all() {
            let n = |of: &BTreeMap<_, u64>, side| of.get(&(op, side)).copied().unwrap_or(0);
            let (before, after) = (Side::Before, Side::After);
            write!(
                f,
                "\n  {op:16} {:>9}/{:<6} {:>9}/{}",
                n(&self.passed, before),
                n(&self.crashed, before),
                n(&self.passed, after),
                n(&self.crashed, after)
            )?;
        }
        Ok(())
    }
}

//! Owns what can be wrong with a topology: one variant each, whose words hold the numbers and say what would do.
//! Never decides whether it is wrong: `check` does.
//! Next: `Topology::check` returns all of them at once; daemons print them and refuse to start.

use crate::{DaemonName, EventType, JoinName, QueueName, RowName};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    // names
    #[error("{what} {name:?} is declared {times} times: give each a name of its own")]
    Duplicate { what: &'static str, name: String, times: usize },
    #[error("{what} {name:?} is no legal name: {rule}")]
    BadName { what: &'static str, name: String, rule: &'static str },
    #[error("daemon {daemon} would publish as {taken}, which is taken: call it otherwise")]
    ReservedDaemon { daemon: DaemonName, taken: &'static str },
    #[error("the rules need {rules} of the {max} that a bus may have: consume fewer types, or use a second bus")]
    TooManyRules { rules: usize, max: usize },

    #[error(
        "{} both arrive at {join} for {kind}, under one name, and one result would be lost: let one of them",
        list(rows)
    )]
    SameMember { join: JoinName, kind: EventType, rows: Vec<RowName> },

    // events
    #[error("the schema of {kind} is none: {why}")]
    BadSchema { kind: EventType, why: String },
    #[error("{place} names event type {kind}, which is not declared: add it by `with_event`")]
    UnknownType { place: String, kind: EventType },
    #[error("nobody consumes {kind}: let a row consume it, declare it by `with_result`, or remove it")]
    Orphan { kind: EventType },
    #[error("nobody makes {kind}: let a row or a join emit it, declare it by `with_entrance`, or remove it")]
    Unhandled { kind: EventType },
    #[error("{row} emits {kind}, which only the choreography itself may say: emit a type of its own")]
    ReservedType { row: RowName, kind: EventType },
    #[error("{row} consumes nothing: it would never have work")]
    Idle { row: RowName },
    #[error("no row accepts goals: mark the row that consumes goal.requested by `accepts_goals`")]
    NobodyAccepts,
    #[error("{} rows accept goals ({}): exactly one may", rows.len(), list(rows))]
    ManyAccept { rows: Vec<RowName> },
    #[error("{row} accepts goals and does not consume {kind}: let it, and declare that type by `with_entrance`")]
    AcceptsBlindly { row: RowName, kind: EventType },
    #[error("{row} consumes {kind} and does not accept goals: it would reject each goal as unknown")]
    ConsumesUnaccepted { row: RowName, kind: EventType },

    // hops
    #[error("{} feed each other in a loop and hops_max is 0: set it to at least {hops_min}", list(cycle))]
    CycleWithoutHopLimit { cycle: Vec<EventType>, hops_min: u32 },
    #[error("{path_end} is {hops_min} hops from the goal and hops_max is {hops_max}: set it to at least {hops_min}")]
    HopsBelowPath { path_end: EventType, hops_min: u32, hops_max: u32 },

    // joins
    #[error("{row} {does} join {join}, which is not declared: add it by `with_join`")]
    UnknownJoin { row: RowName, does: &'static str, join: JoinName },
    #[error("nobody opens join {join}: let the row that emits its members open it")]
    NoOpener { join: JoinName },
    #[error("join {join} is opened by {}: it can be opened once in a goal, so by one row", list(rows))]
    ManyOpeners { join: JoinName, rows: Vec<RowName> },
    #[error("{row} opens join {join} and emits nothing: nobody would be a member")]
    OpensNothing { row: RowName, join: JoinName },
    #[error("{row} opens join {join}, which ends the goal: it is open from the start")]
    OpensTerminal { row: RowName, join: JoinName },
    #[error("no row arrives at join {join}: it would close at its deadline at the earliest")]
    NoArriver { join: JoinName },
    #[error("{row} arrives at join {join} and consumes nothing that its opener emits: it is no member")]
    ArrivesUnfed { row: RowName, join: JoinName },
    #[error("{row} arrives at join {join} by {found} where members are known by {expected}")]
    WrongMember { row: RowName, join: JoinName, found: &'static str, expected: &'static str },
    #[error("no join ends the goal: every goal would end as failed, at its deadline; declare a terminal join")]
    NoTerminalJoin,
    #[error("joins {} all end the goal: exactly one may", list(joins))]
    ManyTerminalJoins { joins: Vec<JoinName> },
    #[error("terminal join {join} has no members: name at least one row")]
    NoMembers { join: JoinName },
    #[error("{row} is a member of join {join} and does not arrive there: add `arrives_at`")]
    MemberNeverArrives { row: RowName, join: JoinName },
    #[error("{row} arrives at join {join} and is none of its members: name it as required or optional")]
    ArrivesUninvited { row: RowName, join: JoinName },
    #[error("join {join} emits {found} where {expected}")]
    WrongJoinedType { join: JoinName, found: EventType, expected: &'static str },
    #[error(
        "join {join} may hold {members} results of {inline_bytes_max} bytes inline, with its head {bytes} bytes, and an \
         event holds {bytes_max}: set inline_bytes_max to {inline_bytes_fit} at most"
    )]
    JoinTooLarge {
        join: JoinName,
        members: usize,
        inline_bytes_max: usize,
        bytes: usize,
        bytes_max: usize,
        inline_bytes_fit: usize,
    },

    // numbers of a row
    #[error("{row}: {what} is 0: set it to at least 1")]
    Zero { row: RowName, what: &'static str },
    #[error("{row}: {what} is {found} s, SQS takes {min} to {max} s")]
    OutOfSqsRange { row: RowName, what: &'static str, found: u64, min: u64, max: u64 },
    #[error(
        "{row}: step_deadline_s {step_deadline_s} and lease_s {lease_s} pass the {visibility_s_max} s for which SQS hides \
         a message: together they may be that at most"
    )]
    PastVisibility { row: RowName, step_deadline_s: u64, lease_s: u64, visibility_s_max: u64 },
    #[error(
        "{row}: receives_max {receives_max} is below {receives_min} = 3 × (step_deadline_s {step_deadline_s} ÷ lease_s \
         {lease_s} + caps {caps}): SQS would move a message that the ledger still has attempts for"
    )]
    ReceivesBelowCaps {
        row: RowName,
        receives_max: u32,
        receives_min: u64,
        step_deadline_s: u64,
        lease_s: u64,
        caps: u64,
    },
    #[error(
        "{row}: receives_max {receives_max} is above the {max} that SQS takes: lower the caps, or lengthen the lease"
    )]
    ReceivesAboveSqs { row: RowName, receives_max: u32, max: u32 },
    #[error(
        "{row}: retention_s {retention_s} ends before the last possible redelivery at {redelivery_s} s = receives_max \
         {receives_max} × (step_deadline_s + lease_s): SQS would drop the message without a dead letter"
    )]
    RetentionBelowRedelivery { row: RowName, retention_s: u64, redelivery_s: u64, receives_max: u32 },
    #[error(
        "{row}: dead_letter_retention_s {dead_letter_retention_s} is below retention_s {retention_s}: SQS counts it from \
         the first enqueue, so a message that it moves late would vanish at once"
    )]
    DeadLettersBelowRetention { row: RowName, dead_letter_retention_s: u64, retention_s: u64 },
    #[error("{row} and {other} share queue {queue} as queue and dead-letter queue: name one otherwise")]
    QueueIsDeadLetters { row: RowName, other: RowName, queue: QueueName },
}

fn list<T: std::fmt::Display>(all: &[T]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

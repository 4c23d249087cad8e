//! stub, replaced at merge
use contract::*;
use std::time::Duration;
#[derive(Clone, Debug, Default)]
pub struct Telemetry(Metrics);
#[derive(Clone, Debug, Default)]
pub struct Metrics;
#[derive(Clone, Copy, Debug)]
pub enum BatchKind {
    Receive,
    Emit,
    Delete,
    Visibility,
    GoalStates,
}
#[derive(Clone, Copy, Debug)]
pub enum ClaimOutcome {
    Fresh,
    Resumed,
    NewRound,
    Takeover,
    Released,
    Busy,
    NotYet,
    Committed,
    Parked,
    OldCopy,
    Mismatch,
    RedrivenTooOften,
    GoalEnded,
    NoSuchGoal,
}
#[derive(Clone, Copy, Debug)]
pub enum SpanKind {
    Receive,
    Process,
    Settle,
    Send,
}
#[derive(Clone, Debug)]
pub struct Span {
    pub kind: SpanKind,
    pub row: RowName,
    pub queue: Option<QueueName>,
    pub context: TraceContext,
    pub parent: Option<SpanId>,
    pub links: Vec<TraceContext>,
    pub start: UnixMs,
    pub end: UnixMs,
    pub goal: Option<GoalId>,
    pub event: Option<EventId>,
    pub event_kind: Option<EventType>,
    pub batch: usize,
    pub outcome: &'static str,
    pub error: Option<String>,
}
impl Telemetry {
    pub fn off() -> Telemetry {
        Telemetry::default()
    }
    pub fn record(&self, _span: Span) {}
    pub fn metrics(&self) -> &Metrics {
        &self.0
    }
}
impl Metrics {
    pub fn received(&self, _row: &RowName, _messages: usize) {}
    pub fn batch(&self, _row: &RowName, _kind: BatchKind, _filled: usize) {}
    pub fn queue_wait(&self, _row: &RowName, _d: Duration) {}
    pub fn bus_latency(&self, _row: &RowName, _d: Duration) {}
    pub fn work_time(&self, _row: &RowName, _d: Duration) {}
    pub fn claimed(&self, _row: &RowName, _o: ClaimOutcome) {}
    pub fn attempt_failed(&self, _row: &RowName) {}
    pub fn crashed(&self, _row: &RowName) {}
    pub fn parked(&self, _row: &RowName, _k: CauseKind) {}
    pub fn rejected(&self, _row: &RowName, _k: CauseKind) {}
    pub fn in_flight(&self, _row: &RowName, _delta: i64) {}
    pub fn throttled(&self, _row: &RowName) {}
    pub fn empty_at_cap(&self, _row: &RowName) {}
    pub fn join_opened(&self, _j: &JoinName) {}
    pub fn join_closed(&self, _j: &JoinName) {}
    pub fn late_arrival(&self, _j: &JoinName) {}
    pub fn goal_ended(&self, _k: &EventType) {}
    pub fn goal_stalled(&self) {}
    pub fn extra_emits(&self, _row: &RowName, _n: usize) {}
}

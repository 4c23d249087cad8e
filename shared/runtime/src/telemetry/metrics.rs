//! Owns the counting: one method for each thing that is counted, and the two ways out, Prometheus text and OTLP.
//! Never allocates in a call after the first for its row: every label set is bound to its instrument beforehand.
//! Next: `instruments`, the list that these cells are made from.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use contract::{CauseKind, EventType, JoinName, RowName};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{
    BoundCounter, BoundHistogram, BoundUpDownCounter, Counter, Histogram, Meter, MeterProvider as _, UpDownCounter,
};
use opentelemetry_sdk::metrics::{MeterProviderBuilder, SdkMeterProvider};

use super::instruments::{self as list, Instrument};

macro_rules! labelled {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($variant),+ }

        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant),+];
            /// As the label spells it.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
        }
    };
}

labelled! {
    /// Which batched call.
    BatchKind { Receive = "receive", Emit = "emit", Delete = "delete", Visibility = "visibility", GoalStates = "goal-states" }
}
labelled! {
    /// What a claim found: the rows of the claim's table, and what is known before it.
    ClaimOutcome {
        Fresh = "fresh", Resumed = "resumed", NewRound = "new-round", Takeover = "takeover", Released = "released",
        Busy = "busy", NotYet = "not-yet", Committed = "committed", Parked = "parked", OldCopy = "old-copy",
        Mismatch = "mismatch", RedrivenTooOften = "redriven-too-often", GoalEnded = "goal-ended",
        NoSuchGoal = "no-such-goal",
    }
}

/// Seconds: from a cached answer to a slow model.
const SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0];
const ENTRIES: &[f64] = &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0];

/// Everything that is counted. Shared by reference: `Telemetry` holds it.
#[derive(Debug)]
pub struct Metrics {
    provider: SdkMeterProvider,
    registry: prometheus::Registry,
    made: Made,
    rows: Cells<RowName, RowCells>,
    fills: Cells<RowName, Vec<BoundHistogram<u64>>>,
    joins: Cells<JoinName, JoinCells>,
    ended: Cells<EventType, BoundCounter<u64>>,
    stalled: BoundCounter<u64>,
}

/// The instruments, before labels are bound to them.
#[derive(Debug)]
struct Made {
    meter: Meter,
}

#[derive(Debug)]
struct RowCells {
    received: BoundCounter<u64>,
    queue_wait: BoundHistogram<f64>,
    bus_latency: BoundHistogram<f64>,
    work_time: BoundHistogram<f64>,
    claims: Vec<BoundCounter<u64>>,
    attempts_failed: BoundCounter<u64>,
    crashes: BoundCounter<u64>,
    parks: Vec<BoundCounter<u64>>,
    rejects: Vec<BoundCounter<u64>>,
    in_flight: BoundUpDownCounter<i64>,
    throttled: BoundCounter<u64>,
    empty_at_cap: BoundCounter<u64>,
    extra_emits: BoundCounter<u64>,
}

#[derive(Debug)]
struct JoinCells {
    open: BoundUpDownCounter<i64>,
    late: BoundCounter<u64>,
}

impl Metrics {
    /// With a Prometheus reader always, and whatever other readers the builder has.
    pub(super) fn new(builder: MeterProviderBuilder) -> Metrics {
        let registry = prometheus::Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .without_target_info()
            .build();
        // It can only fail on a registry that somebody else has used before.
        let provider = match exporter {
            Ok(exporter) => builder.with_reader(exporter).build(),
            Err(_) => builder.build(),
        };
        let made = Made { meter: provider.meter("murmuration") };
        let stalled = made.counter(&list::GOALS_STALLED).bind(&[]);
        let (rows, fills) = (Cells::default(), Cells::default());
        let (joins, ended) = (Cells::default(), Cells::default());
        Metrics { provider, registry, made, rows, fills, joins, ended, stalled }
    }

    pub(super) fn provider(&self) -> &SdkMeterProvider {
        &self.provider
    }

    fn row(&self, row: &RowName, count: impl FnOnce(&RowCells)) {
        self.rows.with(row, || self.made.row(row), count);
    }
    fn join(&self, join: &JoinName, count: impl FnOnce(&JoinCells)) {
        self.joins.with(join, || self.made.join(join), count);
    }

    pub fn received(&self, row: &RowName, messages: usize) {
        self.row(row, |cells| cells.received.add(messages as u64));
    }
    /// `of`: the row, or the daemon where its rows share their batches.
    pub fn batch(&self, of: &RowName, kind: BatchKind, filled: usize) {
        self.fills.with(of, || self.made.fills(of), |cells| cells[kind as usize].record(filled as u64));
    }
    pub fn queue_wait(&self, row: &RowName, waited: Duration) {
        self.row(row, |cells| cells.queue_wait.record(waited.as_secs_f64()));
    }
    pub fn bus_latency(&self, row: &RowName, took: Duration) {
        self.row(row, |cells| cells.bus_latency.record(took.as_secs_f64()));
    }
    pub fn work_time(&self, row: &RowName, took: Duration) {
        self.row(row, |cells| cells.work_time.record(took.as_secs_f64()));
    }
    pub fn claimed(&self, row: &RowName, outcome: ClaimOutcome) {
        self.row(row, |cells| cells.claims[outcome as usize].add(1));
    }
    pub fn attempt_failed(&self, row: &RowName) {
        self.row(row, |cells| cells.attempts_failed.add(1));
    }
    pub fn crashed(&self, row: &RowName) {
        self.row(row, |cells| cells.crashes.add(1));
    }
    pub fn parked(&self, row: &RowName, cause: CauseKind) {
        self.row(row, |cells| cells.parks[cause as usize].add(1));
    }
    pub fn rejected(&self, row: &RowName, cause: CauseKind) {
        self.row(row, |cells| cells.rejects[cause as usize].add(1));
    }
    pub fn in_flight(&self, row: &RowName, delta: i64) {
        self.row(row, |cells| cells.in_flight.add(delta));
    }
    pub fn throttled(&self, row: &RowName) {
        self.row(row, |cells| cells.throttled.add(1));
    }
    pub fn empty_at_cap(&self, row: &RowName) {
        self.row(row, |cells| cells.empty_at_cap.add(1));
    }
    pub fn extra_emits(&self, row: &RowName, events: usize) {
        self.row(row, |cells| cells.extra_emits.add(events as u64));
    }
    pub fn join_opened(&self, join: &JoinName) {
        self.join(join, |cells| cells.open.add(1));
    }
    pub fn join_closed(&self, join: &JoinName) {
        self.join(join, |cells| cells.open.add(-1));
    }
    pub fn late_arrival(&self, join: &JoinName) {
        self.join(join, |cells| cells.late.add(1));
    }
    pub fn goal_ended(&self, kind: &EventType) {
        let make = || self.made.counter(&list::GOALS_ENDED).bind(&[label(list::EVENT_TYPE, kind.as_str())]);
        self.ended.with(kind, make, |cell| cell.add(1));
    }
    pub fn goal_stalled(&self) {
        self.stalled.add(1);
    }

    /// Everything as it stands, in Prometheus's text format.
    pub fn render_prometheus(&self) -> String {
        let mut text = String::with_capacity(16 * 1024);
        // Writing to a String cannot fail, and the exporter's families always have names.
        let _ = prometheus::TextEncoder::new().encode_utf8(&self.registry.gather(), &mut text);
        text
    }
}

fn label(name: &'static str, value: &str) -> KeyValue {
    KeyValue::new(name, value.to_owned())
}

impl Made {
    fn counter(&self, of: &Instrument) -> Counter<u64> {
        self.meter.u64_counter(of.name).with_unit(of.unit).with_description(of.meaning).build()
    }
    fn up_down(&self, of: &Instrument) -> UpDownCounter<i64> {
        self.meter.i64_up_down_counter(of.name).with_unit(of.unit).with_description(of.meaning).build()
    }
    fn seconds(&self, of: &Instrument) -> Histogram<f64> {
        let histogram = self.meter.f64_histogram(of.name).with_unit(of.unit).with_description(of.meaning);
        histogram.with_boundaries(SECONDS.to_vec()).build()
    }
    fn entries(&self, of: &Instrument) -> Histogram<u64> {
        let histogram = self.meter.u64_histogram(of.name).with_unit(of.unit).with_description(of.meaning);
        histogram.with_boundaries(ENTRIES.to_vec()).build()
    }

    fn row(&self, row: &RowName) -> RowCells {
        let row = label(list::ROW, row.as_str());
        let of_row = std::slice::from_ref(&row);
        let messaging =
            |operation: &str| [row.clone(), label(list::SYSTEM, "aws_sqs"), label(list::OPERATION, operation)];
        let each = |counter: Counter<u64>, name: &'static str, values: Vec<&str>| {
            values.into_iter().map(|value| counter.bind(&[row.clone(), label(name, value)])).collect()
        };
        let causes = || CauseKind::ALL.iter().map(|cause| cause.as_str()).collect();
        let outcomes = ClaimOutcome::ALL.iter().map(|outcome| outcome.as_str()).collect();
        RowCells {
            received: self.counter(&list::RECEIVED).bind(&messaging("receive")),
            queue_wait: self.seconds(&list::QUEUE_WAIT).bind(of_row),
            bus_latency: self.seconds(&list::BUS_LATENCY).bind(of_row),
            work_time: self.seconds(&list::WORK_TIME).bind(&messaging("process")),
            claims: each(self.counter(&list::CLAIMS), list::OUTCOME, outcomes),
            attempts_failed: self.counter(&list::ATTEMPTS_FAILED).bind(of_row),
            crashes: self.counter(&list::CRASHES).bind(of_row),
            parks: each(self.counter(&list::PARKS), list::CAUSE, causes()),
            rejects: each(self.counter(&list::REJECTS), list::CAUSE, causes()),
            in_flight: self.up_down(&list::IN_FLIGHT).bind(of_row),
            throttled: self.counter(&list::THROTTLED).bind(of_row),
            empty_at_cap: self.counter(&list::EMPTY_AT_CAP).bind(of_row),
            extra_emits: self.counter(&list::EXTRA_EMITS).bind(of_row),
        }
    }

    fn fills(&self, of: &RowName) -> Vec<BoundHistogram<u64>> {
        let fill = self.entries(&list::BATCH_FILL);
        let labels = |kind: &BatchKind| [label(list::ROW, of.as_str()), label(list::BATCH_KIND, kind.as_str())];
        BatchKind::ALL.iter().map(|kind| fill.bind(&labels(kind))).collect()
    }

    fn join(&self, join: &JoinName) -> JoinCells {
        let labels = [label(list::JOIN, join.as_str())];
        JoinCells {
            open: self.up_down(&list::JOINS_OPEN).bind(&labels),
            late: self.counter(&list::LATE_ARRIVALS).bind(&labels),
        }
    }
}

/// What belongs to each of a few keys, made when one is first met. A handful: a scan beats a hash.
#[derive(Debug)]
struct Cells<K, V>(RwLock<Vec<(K, V)>>);

impl<K, V> Default for Cells<K, V> {
    fn default() -> Cells<K, V> {
        Cells(RwLock::new(vec![]))
    }
}

impl<K: PartialEq + Clone, V> Cells<K, V> {
    fn with(&self, key: &K, make: impl FnOnce() -> V, act: impl FnOnce(&V)) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, cells)) = known.iter().find(|(known, _)| known == key) {
            return act(cells);
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have made it between the two locks.
        let at = known.iter().position(|(known, _)| known == key).unwrap_or_else(|| {
            known.push((key.clone(), make()));
            known.len() - 1
        });
        act(&known[at].1);
    }
}

//! Owns the list of instruments: every metric's name, type, unit, labels and meaning, declared once.
//! Never a value: `metrics` makes its cells from this list, and `docs/telemetry.md` its table.
//! Next: `metrics`.

/// Whose conventions a name follows: `messaging.*` is OpenTelemetry's, `murmur.*` is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instrument {
    pub name: &'static str,
    pub kind: InstrumentKind,
    /// In UCUM, as OpenTelemetry asks.
    pub unit: &'static str,
    pub labels: &'static [&'static str],
    pub meaning: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstrumentKind {
    Counter,
    UpDownCounter,
    Histogram,
}

impl InstrumentKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            InstrumentKind::Counter => "counter",
            InstrumentKind::UpDownCounter => "up-down counter",
            InstrumentKind::Histogram => "histogram",
        }
    }
}

macro_rules! instruments {
    ($($name:ident = $kind:ident $text:literal $unit:literal [$($label:expr),*] $meaning:literal;)+) => {
        $(pub(super) const $name: Instrument = Instrument {
            name: $text,
            kind: InstrumentKind::$kind,
            unit: $unit,
            labels: &[$($label),*],
            meaning: $meaning,
        };)+

        pub const INSTRUMENTS: &[Instrument] = &[$($name),+];
    };
}

/// Labels.
pub(super) const ROW: &str = "murmur.row";
pub(super) const JOIN: &str = "murmur.join";
pub(super) const OUTCOME: &str = "murmur.outcome";
pub(super) const CAUSE: &str = "murmur.cause";
pub(super) const EVENT_TYPE: &str = "murmur.event_type";
pub(super) const BATCH_KIND: &str = "murmur.batch";
pub(super) const SYSTEM: &str = "messaging.system";
pub(super) const OPERATION: &str = "messaging.operation.name";

instruments! {
    RECEIVED = Counter "messaging.client.consumed.messages" "{message}" [ROW, SYSTEM, OPERATION]
        "Messages that receives returned.";
    WORK_TIME = Histogram "messaging.process.duration" "s" [ROW, SYSTEM, OPERATION]
        "From claim to commit, release or park: what the handler took.";
    BATCH_FILL = Histogram "murmur.batch.fill" "{entry}" [ROW, BATCH_KIND]
        "Entries in one batched call; ten is full. Emits and goal states are batched by daemon: there the label is its name.";
    QUEUE_WAIT = Histogram "murmur.queue.wait" "s" [ROW]
        "From SQS's send time to the receive.";
    BUS_LATENCY = Histogram "murmur.bus.latency" "s" [ROW]
        "From the event's own time to SQS's send time; not of a fork's copies, redriven letters or ended goals.";
    CLAIMS = Counter "murmur.claims" "{claim}" [ROW, OUTCOME]
        "Claims by what they found.";
    ATTEMPTS_FAILED = Counter "murmur.attempts.failed" "{attempt}" [ROW]
        "Attempts that ended in an error or a caught panic.";
    CRASHES = Counter "murmur.crashes" "{crash}" [ROW]
        "Takeovers from a holder whose lease ran out.";
    PARKS = Counter "murmur.parks" "{message}" [ROW, CAUSE]
        "Steps that gave up, with a dead letter.";
    REJECTS = Counter "murmur.rejects" "{message}" [ROW, CAUSE]
        "Messages with no healthy record to change, sent to the dead letters.";
    IN_FLIGHT = UpDownCounter "murmur.in_flight" "{message}" [ROW]
        "Messages received in this process and not yet decided about; a delete that waits for its batch is not counted.";
    THROTTLED = Counter "murmur.throttled" "{call}" [ROW]
        "Calls that a server put off: throttled, over a limit, or away.";
    EMPTY_AT_CAP = Counter "murmur.empty_at_cap" "{call}" [ROW]
        "Receives that came back empty although the queue's in-flight cap may be reached.";
    EXTRA_EMITS = Counter "murmur.extra_emits" "{event}" [ROW]
        "Events that were published again from the record.";
    JOINS_OPEN = UpDownCounter "murmur.joins.open" "{join}" [JOIN]
        "Joins opened less joins closed by this process; only the sum over all daemons is a number of joins.";
    LATE_ARRIVALS = Counter "murmur.joins.late_arrivals" "{arrival}" [JOIN]
        "Arrivals after the close.";
    GOALS_ENDED = Counter "murmur.goals.ended" "{goal}" [EVENT_TYPE]
        "Goals that this process ended, by terminal event.";
    GOALS_STALLED = Counter "murmur.goals.stalled" "{goal}" []
        "Times that a dead letter left a goal waiting for a redrive or its deadline.";
}

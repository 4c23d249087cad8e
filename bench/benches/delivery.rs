//! Owns what one delivery costs by itself: nanoseconds and allocations, over memory ports, with a handler that does nothing.
//! Never real time: it is paused, so that waiting costs nothing and only work is measured. Never a server.
//! Next: `docs/benchmarks.md` keeps the figures; `shared/testkit/tests/calls.rs` counts the calls.

#![expect(clippy::expect_used, reason = "a benchmark that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "the summary line is what a person reads")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use allocation_counter::measure;
use contract::decode::{Raw, decode};
use contract::{Attributes, Choreography, Digest, RowName, Topology, UnixMs};
use divan::Bencher;
use divan::counter::ItemsCount;
use runtime::Chance;
use runtime::ledger::ItemKey;
use runtime::ledger::step::{Claimant, Ending, Hold, claim};
use runtime::ports::{Ledger, Queue, Received};
use runtime::telemetry::Telemetry;
use testkit::memory::MemoryLedger;
use testkit::plain::{self, Plain};
use tokio::runtime::Runtime;

/// Of one sample of the whole path: enough that making the daemon does not show.
const MESSAGES: usize = 1000;

/// What each sample of each bench took for one message.
static FIGURES: Mutex<BTreeMap<&str, Vec<Figure>>> = Mutex::new(BTreeMap::new());

#[derive(Clone, Copy)]
struct Figure {
    ns: f64,
    allocations: f64,
}

fn main() {
    divan::main();
    // Nothing was measured: somebody only asked for the list of benches.
    let (Some(one), Some(ten)) = (fastest("one"), fastest("ten")) else { return };
    let figure =
        |name| fastest(name).map_or("not run".into(), |of| format!("{} and {:.0}", in_us(of.ns), of.allocations));
    println!(
        "bench-delivery: {} and {:.0} allocations a message, ten at a time {} and {:.0} (decode {}, bare goal {}, \
         ledger writes {})",
        in_us(one.ns),
        one.allocations,
        in_us(ten.ns),
        ten.allocations,
        figure("decode"),
        figure("bare goal"),
        figure("ledger"),
    );
}

/// Everything from the receive to the delete, a message at a time.
#[divan::bench(sample_count = 100, sample_size = 1)]
fn whole_path_one_at_a_time(bencher: Bencher<'_, '_>) {
    whole_path(bencher, "one", 1);
}

/// The same with full batches.
#[divan::bench(sample_count = 100, sample_size = 1)]
fn whole_path_ten_at_a_time(bencher: Bencher<'_, '_>) {
    whole_path(bencher, "ten", 10);
}

/// An event in EventBridge's wrapper: parsed, checked, validated, digested.
#[divan::bench(sample_count = 50, sample_size = 1)]
fn decode_wrapped_event(bencher: Bencher<'_, '_>) {
    let message = paused().block_on(async {
        let plain = Plain::waiting(choreography(), 1).await.expect("a message waits");
        received(&plain).await
    });
    decoding(bencher, "decode", plain::ROW, &message);
}

/// What a person types.
#[divan::bench(sample_count = 50, sample_size = 1)]
fn decode_bare_goal(bencher: Bencher<'_, '_>) {
    let goal = "Research competitive pricing for our new product and create a summary report";
    let message = Received {
        message_id: "00000001-0000-4000-8000-000000000001".into(),
        receipt: runtime::ports::Receipt(String::new()),
        body: serde_json::json!({ "goal": goal, "key": "a-key", "collections": ["pricing"] }).to_string(),
        attributes: Attributes::default(),
        sent_at: UnixMs(1_795_000_000_000),
        receive_count: 1,
    };
    decoding(bencher, "bare goal", "research", &message);
}

/// The goal's state, the claim and the commit, with nothing around them.
#[divan::bench(sample_count = 100, sample_size = 1)]
fn ledger_writes(bencher: Bencher<'_, '_>) {
    let chance = Chance::seeded(1);
    let inputs: Vec<_> =
        (0..MESSAGES).map(|number| (plain::input(number), plain::accept(number, choreography()))).collect();
    let outcome = serde_json::json!({ "here": { "emits": [plain::input(0)] } }).to_string();
    let digest = Digest::of(b"data");
    let accepted = || {
        let ledger = MemoryLedger::new();
        paused().block_on(async {
            for (_, accept) in &inputs {
                ledger.write(accept).await.expect("a goal is accepted");
            }
        });
        ledger
    };
    bencher.counter(ItemsCount::new(MESSAGES)).with_inputs(accepted).bench_local_refs(|ledger| {
        note("ledger", MESSAGES, || {
            paused().block_on(async {
                for (event, _) in &inputs {
                    let key = ItemKey::step(event.goal, &RowName::new(plain::ROW), event.id);
                    let token = chance.token();
                    let who = Claimant {
                        token: token.clone(),
                        holder: "bench".into(),
                        now: event.time,
                        lease: event.time + Duration::from_secs(60),
                        event_at: event.time,
                        sent_at: event.time,
                        received_at: event.time,
                    };
                    black_box(ledger.goals(&[event.goal]).await.expect("the goal is there"));
                    let claim = claim(key.clone(), &digest, event.time + Duration::from_secs(3600), &who);
                    black_box(ledger.write(&claim).await.expect("the claim is written"));
                    let commit = Hold { key, token, epoch: 1 }.commit(
                        outcome.clone(),
                        runtime::Spend::default(),
                        false,
                        Ending { at: event.time, record: None },
                    );
                    black_box(ledger.write(&commit).await.expect("the commit is written"));
                }
            });
        });
    });
}

fn whole_path(bencher: Bencher<'_, '_>, name: &'static str, concurrency: usize) {
    let telemetry = Telemetry::off();
    let waiting = || {
        let runtime = paused();
        let plain = runtime.block_on(Plain::waiting(choreography(), MESSAGES)).expect("messages wait");
        (runtime, plain)
    };
    bencher.counter(ItemsCount::new(MESSAGES)).with_inputs(waiting).bench_local_refs(|(runtime, plain)| {
        note(name, MESSAGES, || {
            runtime.block_on(plain.run(plain.ports(), concurrency, &telemetry)).expect("the daemon runs");
        });
        assert!(plain.all_done(), "every message led to its event");
    });
}

fn decoding(bencher: Bencher<'_, '_>, name: &'static str, row: &'static str, message: &Received) {
    let row = choreography().row(&RowName::new(row)).expect("the row is in the topology");
    bencher.counter(ItemsCount::new(MESSAGES)).bench_local(|| {
        note(name, MESSAGES, || {
            for _ in 0..MESSAGES {
                let raw = Raw {
                    body: message.body.as_bytes(),
                    attributes: &message.attributes,
                    message_id: &message.message_id,
                    sent_at: message.sent_at,
                };
                let event = decode(black_box(raw), row, choreography()).expect("it is well formed");
                black_box(event.digest());
            }
        });
    });
}

async fn received(plain: &Plain) -> Received {
    let queue = contract::QueueName::from(format!("murmur-{}", plain::ROW));
    let minute = Duration::from_secs(60);
    plain.cloud.queue.receive(&queue, 1, Duration::ZERO, minute).await.ok().and_then(|mut all| all.pop()).expect("one")
}

fn choreography() -> &'static Choreography {
    static CHOREOGRAPHY: OnceLock<Choreography> = OnceLock::new();
    CHOREOGRAPHY.get_or_init(|| Topology::murmuration().check().expect("the topology passes its checks"))
}

/// On one thread, so that its allocations are all counted and its time is all its own.
fn paused() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime starts")
}

/// Time and allocations of one sample, for the summary; divan's table has the same times.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time, which tokio's clock does not show")]
fn note(name: &'static str, messages: usize, work: impl FnOnce()) {
    let mut ns = 0.0;
    let allocated = measure(|| {
        let began = Instant::now();
        work();
        ns = began.elapsed().as_nanos() as f64;
    });
    let messages = messages as f64;
    let figure = Figure { ns: ns / messages, allocations: allocated.count_total as f64 / messages };
    FIGURES.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default().push(figure);
}

/// Whatever else a shared machine does only ever adds time: the fastest sample is the least wrong.
fn fastest(name: &str) -> Option<Figure> {
    let figures = FIGURES.lock().unwrap_or_else(PoisonError::into_inner);
    figures.get(name)?.iter().copied().min_by(|a, b| a.ns.total_cmp(&b.ns))
}

fn in_us(ns: f64) -> String {
    format!("{:.1} µs", ns / 1000.0)
}

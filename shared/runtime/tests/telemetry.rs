//! What a daemon tells: spans with the ids they were given, metrics that count what they say, lines that stay flat.
//! Never a collector of somebody else's: a plain socket takes what OTLP sends.
//! Next: `docs/telemetry.md`, whose tables are compared here.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use contract::{
    CauseKind, Clock, DaemonName, EventId, EventType, GoalId, JoinName, PortError, QueueName, RowName, SpanId, Tenant,
    Topology, TraceContext, TraceId, Unit, UnixMs,
};
use opentelemetry::trace::SpanKind as OtelKind;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SpanData};
use runtime::config::Config;
use runtime::telemetry::{
    BatchKind, ClaimOutcome, INSTRUMENTS, Metrics, Outage, SPAN_ATTRIBUTES, Span, SpanKind, Telemetry, json_logs,
    logs_reference, metrics_reference, spans_reference,
};
use tracing_subscriber::filter::Targets;

const ROW: RowName = RowName::new("writer");

fn place(span: u64) -> TraceContext {
    let trace = TraceId(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
    TraceContext { trace, span: SpanId(span), sampled: true, state: Some("vendor=1".into()) }
}

fn a_span() -> Span {
    let goal = GoalId::derive(&Tenant::default(), "key");
    let kind = EventType::new("analysis.completed");
    Span {
        kind: SpanKind::Process,
        row: Some(ROW),
        queue: Some(QueueName::new("murmur-writer")),
        context: place(2),
        parent: Some(SpanId(1)),
        links: vec![place(7), place(8)],
        start: UnixMs(1_700_000_000_123),
        end: UnixMs(1_700_000_001_456),
        goal: Some(goal),
        event: Some(EventId::derive(goal, &kind, &Unit::goal())),
        event_kind: Some(kind),
        batch: 3,
        outcome: "released",
        attempt: Some(2),
        epoch: Some(4),
        error: Some("the model is away".into()),
    }
}

fn exported(span: Span) -> Vec<SpanData> {
    let exporter = InMemorySpanExporter::default();
    Telemetry::with_span_exporter(exporter.clone()).record(span);
    exporter.get_finished_spans().unwrap()
}

#[test]
fn a_span_is_exported_with_the_ids_times_and_links_that_it_was_given() {
    let [span] = &exported(a_span())[..] else { panic!() };
    assert_eq!(span.span_context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(span.span_context.span_id().to_string(), "0000000000000002");
    assert_eq!(span.span_context.trace_state().header(), "vendor=1");
    assert_eq!(span.parent_span_id.to_string(), "0000000000000001");
    assert!(span.parent_span_is_remote);
    let links: Vec<String> = span.links.iter().map(|link| link.span_context.span_id().to_string()).collect();
    assert_eq!(links, ["0000000000000007", "0000000000000008"]);
    assert_eq!(span.end_time.duration_since(span.start_time).unwrap(), Duration::from_millis(1333));
    assert_eq!((span.name.as_ref(), &span.span_kind), ("process murmur-writer", &OtelKind::Consumer));
    assert_eq!(span.status, opentelemetry::trace::Status::error("the model is away"));
}

#[test]
fn a_span_has_the_attributes_of_the_messaging_conventions_and_no_other() {
    let [span] = &exported(a_span())[..] else { panic!() };
    let found = |name: &str| {
        let of_name = |pair: &&opentelemetry::KeyValue| pair.key.as_str() == name;
        span.attributes.iter().find(of_name).map(|pair| pair.value.to_string())
    };
    assert_eq!(found("messaging.system").unwrap(), "aws_sqs");
    assert_eq!(found("messaging.operation.type").unwrap(), "process");
    assert_eq!(found("messaging.destination.name").unwrap(), "murmur-writer");
    assert_eq!(found("messaging.message.id").unwrap(), a_span().event.unwrap().to_string());
    assert_eq!(found("messaging.batch.message_count").unwrap(), "3");
    assert_eq!(found("error.type").unwrap(), "released");
    assert_eq!((found("murmur.attempt").unwrap(), found("murmur.epoch").unwrap()), ("2".into(), "4".into()));
    assert_eq!(found("murmur.goal_id").unwrap(), a_span().goal.unwrap().to_string());
    // This span has everything that a span may have: what it lacks, or has besides, the page tells wrongly.
    let mut names: Vec<&str> = span.attributes.iter().map(|pair| pair.key.as_str()).collect();
    let mut listed: Vec<&str> = SPAN_ATTRIBUTES.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    listed.sort_unstable();
    assert_eq!(names, listed);
}

#[test]
fn a_span_of_an_unsampled_trace_is_not_exported() {
    let unsampled = TraceContext { sampled: false, ..place(2) };
    assert!(exported(Span { context: unsampled, ..a_span() }).is_empty());
}

#[test]
fn a_first_span_has_no_parent_and_one_on_the_bus_no_queue() {
    let first = Span { kind: SpanKind::Send, parent: None, queue: None, batch: 1, error: None, ..a_span() };
    let [span] = &exported(first)[..] else { panic!() };
    assert_eq!(span.parent_span_id, opentelemetry::trace::SpanId::INVALID);
    assert!(!span.parent_span_is_remote);
    assert_eq!((span.name.as_ref(), &span.span_kind), ("send", &OtelKind::Producer));
    let names: Vec<&str> = span.attributes.iter().map(|pair| pair.key.as_str()).collect();
    assert!(!names.contains(&"error.type") && !names.contains(&"messaging.destination.name"), "{names:?}");
}

/// Counts one of everything, so that each series has a value of its own.
fn count_everything(metrics: &Metrics) {
    let join = JoinName::new("evidence");
    metrics.received(&ROW, 7);
    BatchKind::ALL.iter().for_each(|kind| metrics.batch(&ROW, *kind, 10));
    metrics.queue_wait(&ROW, Duration::from_millis(1500));
    metrics.bus_latency(&ROW, Duration::from_millis(250));
    metrics.work_time(&ROW, Duration::from_secs(4));
    for (n, outcome) in ClaimOutcome::ALL.iter().enumerate() {
        (0..=n).for_each(|_| metrics.claimed(&ROW, *outcome));
    }
    for (n, cause) in CauseKind::ALL.iter().enumerate() {
        (0..=n).for_each(|_| metrics.parked(&ROW, *cause));
        (0..=n + 100).for_each(|_| metrics.rejected(&ROW, *cause));
    }
    metrics.attempt_failed(&ROW);
    metrics.crashed(&ROW);
    metrics.in_flight(&ROW, 5);
    metrics.in_flight(&ROW, -2);
    metrics.throttled(&ROW);
    metrics.empty_at_cap(&ROW);
    metrics.extra_emits(&ROW, 4);
    metrics.join_opened(&join);
    metrics.join_opened(&join);
    metrics.join_closed(&join);
    metrics.late_arrival(&join);
    metrics.goal_ended(&EventType::new("goal.completed"));
    metrics.goal_stalled();
}

/// The value of the one line that begins with `name` and has all of `labels`.
fn value(text: &str, name: &str, labels: &[&str]) -> f64 {
    let fits = |line: &&str| {
        line.split(['{', ' ']).next() == Some(name) && labels.iter().all(|label| line.contains(&format!("\"{label}\"")))
    };
    let lines: Vec<&str> = text.lines().filter(fits).collect();
    let [line] = lines[..] else { panic!("{name} {labels:?}: {lines:?} of\n{text}") };
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn each_method_counts_what_its_name_says_and_nothing_else() {
    let telemetry = Telemetry::off();
    count_everything(telemetry.metrics());
    let text = telemetry.metrics().render_prometheus();
    let of = |name: &str, labels: &[&str]| value(&text, name, labels);
    assert_eq!(of("messaging_client_consumed_messages_total", &["writer", "aws_sqs", "receive"]), 7.0);
    assert_eq!(of("messaging_process_duration_seconds_sum", &["writer", "process"]), 4.0);
    assert_eq!(of("murmur_queue_wait_seconds_sum", &["writer"]), 1.5);
    assert_eq!(of("murmur_bus_latency_seconds_sum", &["writer"]), 0.25);
    for kind in BatchKind::ALL {
        assert_eq!(of("murmur_batch_fill_sum", &["writer", kind.as_str()]), 10.0);
    }
    for (n, outcome) in ClaimOutcome::ALL.iter().enumerate() {
        assert_eq!(of("murmur_claims_total", &["writer", outcome.as_str()]), n as f64 + 1.0);
    }
    for (n, cause) in CauseKind::ALL.iter().enumerate() {
        assert_eq!(of("murmur_parks_total", &["writer", cause.as_str()]), n as f64 + 1.0);
        assert_eq!(of("murmur_rejects_total", &["writer", cause.as_str()]), n as f64 + 101.0);
    }
    assert_eq!(of("murmur_attempts_failed_total", &["writer"]), 1.0);
    assert_eq!(of("murmur_crashes_total", &["writer"]), 1.0);
    assert_eq!(of("murmur_in_flight", &["writer"]), 3.0);
    assert_eq!(of("murmur_throttled_total", &["writer"]), 1.0);
    assert_eq!(of("murmur_empty_at_cap_total", &["writer"]), 1.0);
    assert_eq!(of("murmur_extra_emits_total", &["writer"]), 4.0);
    assert_eq!(of("murmur_joins_open", &["evidence"]), 1.0);
    assert_eq!(of("murmur_joins_late_arrivals_total", &["evidence"]), 1.0);
    assert_eq!(of("murmur_goals_ended_total", &["goal.completed"]), 1.0);
    assert_eq!(of("murmur_goals_stalled_total", &[]), 1.0);
}

#[test]
fn every_instrument_is_exported_under_its_listed_name_and_labels() {
    let telemetry = Telemetry::off();
    count_everything(telemetry.metrics());
    let text = telemetry.metrics().render_prometheus();
    let types: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let mut listed: Vec<String> = INSTRUMENTS.iter().map(|metric| metric.prometheus_name()).collect();
    listed.sort_unstable();
    assert_eq!(types, listed);
    for metric in INSTRUMENTS {
        let name = metric.prometheus_name();
        let line = text.lines().find(|line| line.starts_with(&name)).unwrap();
        let labels = line.split_once('{').map_or("", |(_, rest)| rest);
        let found: Vec<&str> = labels.split("\",").filter_map(|pair| Some(pair.split_once('=')?.0)).collect();
        let mut found: Vec<&str> = found.into_iter().filter(|label| *label != "le").collect();
        let mut expected: Vec<String> = metric.labels.iter().map(|label| label.replace('.', "_")).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{line}");
    }
}

#[test]
fn two_daemons_in_one_process_count_apart() {
    let (one, other) = (Telemetry::off(), Telemetry::off());
    one.metrics().received(&ROW, 1);
    assert!(!other.metrics().render_prometheus().contains("writer"));
    let clone = one.clone();
    clone.metrics().received(&ROW, 1);
    let text = one.metrics().render_prometheus();
    assert_eq!(value(&text, "messaging_client_consumed_messages_total", &["writer"]), 2.0);
}

#[test]
fn the_series_of_a_row_begin_at_zero_once_the_row_is_met() {
    let telemetry = Telemetry::off();
    telemetry.metrics().received(&ROW, 1);
    let text = telemetry.metrics().render_prometheus();
    assert_eq!(value(&text, "murmur_crashes_total", &["writer"]), 0.0);
    assert_eq!(value(&text, "murmur_parks_total", &["writer", "attempts-exhausted"]), 0.0);
}

#[derive(Debug)]
struct Noon;
impl Clock for Noon {
    fn now(&self) -> UnixMs {
        "2026-11-20T12:00:00.5Z".parse().unwrap()
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);
impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn logged(filter: &str, say: impl FnOnce()) -> Vec<serde_json::Value> {
    let lines = Lines::default();
    let filter: Targets = filter.parse().unwrap();
    tracing::subscriber::with_default(json_logs(filter, Arc::new(Noon), lines.clone()), say);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"))).collect()
}

#[test]
fn a_log_line_is_one_flat_object_with_the_fields_of_the_delivery() {
    let lines = logged("info", || {
        let delivery = tracing::info_span!(
            "delivery",
            goal = %GoalId::derive(&Tenant::default(), "key"),
            event = "e-1",
            agent = %ROW,
            attempt = 2_u32,
            epoch = tracing::field::Empty,
            trace_id = %place(1).trace,
        );
        let _delivery = delivery.enter();
        delivery.record("epoch", 3_i64);
        let _inner = tracing::info_span!("commit", attempt = 4_u32).entered();
        tracing::warn!(took_ms = 12_u64, good = true, "the lease is {}", "short");
        tracing::debug!("not asked for");
    });
    let [line] = &lines[..] else { panic!("{lines:?}") };
    let expected = serde_json::json!({
        "time": "2026-11-20T12:00:00.500Z", "level": "WARN", "target": "telemetry", "message": "the lease is short",
        "goal": GoalId::derive(&Tenant::default(), "key").to_string(), "event": "e-1", "agent": "writer",
        "attempt": 4, "epoch": 3, "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "took_ms": 12, "good": true,
    });
    assert_eq!(*line, expected);
}

#[test]
fn hostile_text_stays_inside_of_its_field() {
    let hostile = "\"}\n{\"level\":\"ERROR\"}\u{1b}[31m\u{0}\u{2028}";
    let lines = logged("info", || {
        tracing::info!(time = "never", level = "none", target = hostile, words = hostile, "{hostile}");
    });
    let [line] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!((&line["message"], &line["words"]), (&hostile.into(), &hostile.into()));
    assert_eq!((&line["time"], &line["level"]), (&"2026-11-20T12:00:00.500Z".into(), &"INFO".into()));
    assert_eq!((&line["field_level"], &line["field_target"]), (&"none".into(), &hostile.into()));
}

#[test]
fn a_warning_names_its_goal_also_where_only_warnings_are_logged() {
    let lines = logged("warn", || {
        let _delivery = tracing::info_span!("delivery", goal = "g-1").entered();
        tracing::info!("not asked for");
        tracing::warn!("asked for");
    });
    assert_eq!(lines.len(), 1);
    assert_eq!((&lines[0]["goal"], &lines[0]["message"]), (&"g-1".into(), &"asked for".into()));
}

#[test]
fn an_error_is_logged_with_all_its_causes() {
    #[derive(Debug, thiserror::Error)]
    #[error("no commit")]
    struct Outer(#[source] std::io::Error);
    let lines = logged("info", || {
        let error = Outer(std::io::Error::other("the socket is gone"));
        tracing::error!(error = &error as &dyn std::error::Error, "given up");
    });
    assert_eq!(lines[0]["error"], "no commit: the socket is gone");
}

#[test]
fn an_outage_is_told_when_it_begins_now_and_then_and_when_it_ends() {
    let lines = logged("info", || {
        let (outage, error) = (Outage::of("queue murmur-writer"), PortError::transient("connection refused"));
        outage.answered(UnixMs(0));
        for second in 1..=70 {
            outage.failed(&error, UnixMs(second * 1000), Duration::from_secs(1));
        }
        outage.answered(UnixMs(71_000));
        outage.answered(UnixMs(72_000));
        outage.failed(&error, UnixMs(80_000), Duration::from_secs(1));
    });
    let told: Vec<_> = lines.iter().map(|line| (line["level"].as_str().unwrap(), line["away_s"].as_u64())).collect();
    assert_eq!(told, [("WARN", None), ("WARN", Some(30)), ("WARN", Some(60)), ("INFO", Some(70)), ("WARN", None)]);
    assert_eq!(lines[0]["server"], "queue murmur-writer");
    assert_eq!(lines[0]["next_try_ms"], 1000);
    assert!(lines[0]["error"].as_str().unwrap().starts_with("connection refused"));
}

/// Takes one POST, its path and body, and only then answers: who has the answer knows that it was taken.
fn take_post(stream: TcpStream, take: &mpsc::Sender<(String, Vec<u8>)>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).ok()?;
        if let Some(bytes) = line.to_lowercase().strip_prefix("content-length:") {
            length = bytes.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    take.send((path, body)).ok()?;
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    reader.into_inner().write_all(answer).ok()
}

#[tokio::test]
async fn a_collector_receives_spans_and_metrics_when_a_daemon_ends() {
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/", collector.local_addr().unwrap());
    let (sender, posts) = mpsc::channel();
    let taking = std::thread::spawn(move || {
        collector.incoming().flatten().take(2).try_for_each(|stream| take_post(stream, &sender))
    });
    let choreography = Topology::murmuration().check().unwrap();
    let vars = [("MURMUR_OTLP_ENDPOINT".to_owned(), endpoint), ("MURMUR_LOG".to_owned(), "error".to_owned())];
    let config = Config::from_vars(vars, &choreography).unwrap();
    let (telemetry, guard) = Telemetry::start(&config, &DaemonName::new("writer")).unwrap();
    telemetry.record(a_span());
    telemetry.metrics().received(&ROW, 7);
    // Inside of a runtime, as in a daemon's `main`: a client that needs a runtime of its own panics here.
    drop(guard);
    // Already there, not sent by and by: the guard has flushed.
    let posts = [(); 2].map(|()| posts.try_recv().unwrap());
    taking.join().unwrap().unwrap();
    let body = |path: &str| posts.iter().find(|post| post.0 == path).map(|post| &post.1).unwrap();
    let holds = |body: &[u8], part: &[u8]| body.windows(part.len()).any(|window| window == part);
    let spans = body("/v1/traces");
    assert!(holds(spans, &place(2).trace.0.to_be_bytes()) && holds(spans, &2_u64.to_be_bytes()));
    assert!(holds(spans, b"service.namespace") && holds(spans, b"murmuration"));
    assert!(holds(body("/v1/metrics"), b"messaging.client.consumed.messages"));
}

#[test]
fn the_page_has_the_same_tables_as_the_code() {
    let page = include_str!("../../../docs/telemetry.md");
    let mut whole = page.to_owned();
    for (name, made) in [("metrics", metrics_reference()), ("spans", spans_reference()), ("logs", logs_reference())] {
        let head = format!("made by `telemetry::{name}_reference` -->\n");
        let (before, rest) = whole.split_once(&head).unwrap();
        let (_, after) = rest.split_once("<!-- end -->").unwrap();
        whole = format!("{before}{head}{made}<!-- end -->{after}");
    }
    if page != whole {
        let beside = concat!(env!("CARGO_TARGET_TMPDIR"), "/telemetry.md");
        std::fs::write(beside, whole).unwrap();
        panic!("docs/telemetry.md differs from the code; as it should be: {beside}");
    }
}

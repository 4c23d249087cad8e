//! Owns the proof that every call ends, and ends as what it is: servers that hang, break off, and answer in part.
//! Never a server that knows AWS: each answers one thing, whatever it is asked.
//! Next: `aws::errors` tells the failures apart; `standin` has a server that means what it says.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use aws::clients::{Clients, Limits, environment};
use aws::dynamodb::DynamoLedger;
use aws::eventbridge::EventBridgeBus;
use aws::sqs::SqsQueue;
use aws_config::Region;
use aws_sdk_sqs::config::Credentials;
use contract::events::AnalysisCompleted;
use contract::{
    Event, EventData as _, EventId, GoalId, PortError, QueueName, Source, SpanId, Tenant, TraceContext, TraceId, UnixMs,
};
use runtime::ledger::{Attr, Change, Condition, ItemKey, Mode, Value, Write, WriteName};
use runtime::ports::{Bus as _, Ledger as _, Outbound, Queue as _, Receipt, Written};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

const QUEUE: QueueName = QueueName::new("work");
const SHORT: Limits = Limits {
    connect: Duration::from_millis(500),
    call: Duration::from_millis(500),
    receive_beyond_wait: Duration::from_millis(500),
};
/// Above every limit of a test, far below the limits that hold without one.
const SOON: Duration = Duration::from_secs(9);

/// What a server does with a request for an operation.
#[derive(Clone)]
enum Reply {
    Hang,
    BreakOff,
    Say { status: u16, headers: &'static str, body: String },
}

fn say(body: &str) -> Reply {
    Reply::Say { status: 200, headers: "", body: body.into() }
}

fn refuse(status: u16, code: &str) -> Reply {
    Reply::Say { status, headers: "", body: format!("{{\"__type\":\"{code}\",\"message\":\"words\"}}") }
}

/// A server that finds every queue, and otherwise answers the one thing. It ends with the test.
struct Canned {
    clients: Clients,
    asked: Arc<AtomicUsize>,
    _serving: JoinSet<()>,
}

impl Canned {
    async fn new(reply: Reply) -> Result<Canned> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let (mut serving, asked) = (JoinSet::new(), Arc::<AtomicUsize>::default());
        let counting = asked.clone();
        serving.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                let (reply, asked) = (reply.clone(), counting.clone());
                open.spawn(async move { drop(serve(connection, reply, &asked).await) });
            }
        });
        let credentials = Credentials::new("test", "test", None, None, "fixture");
        let loader = environment().region(Region::new("us-east-1")).credentials_provider(credentials);
        Ok(Canned { clients: Clients::load(loader.endpoint_url(endpoint), SHORT).await, asked, _serving: serving })
    }

    /// How often, not counting where a queue is.
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn queue(&self) -> SqsQueue {
        SqsQueue::new(&self.clients)
    }
}

async fn serve(mut connection: TcpStream, reply: Reply, asked: &AtomicUsize) -> Result<()> {
    loop {
        let of_queue = request(&mut connection).await?.contains("GetQueueUrl");
        asked.fetch_add(usize::from(!of_queue), Ordering::SeqCst);
        let reply = if of_queue { say("{\"QueueUrl\":\"http://q/work\"}") } else { reply.clone() };
        match reply {
            Reply::Hang => std::future::pending::<()>().await,
            Reply::BreakOff => {
                let part =
                    "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 999\r\n\r\n{";
                connection.write_all(part.as_bytes()).await?;
                return Ok(());
            }
            Reply::Say { status, headers, body } => {
                let head = format!("HTTP/1.1 {status} Said\r\n{headers}content-length: {}\r\n\r\n", body.len());
                connection.write_all(head.as_bytes()).await?;
                connection.write_all(body.as_bytes()).await?;
            }
        }
    }
}

/// One request's head, once its body has come as well.
async fn request(connection: &mut TcpStream) -> Result<String> {
    let mut bytes = vec![];
    let end = loop {
        anyhow::ensure!(connection.read_buf(&mut bytes).await? > 0, "the client hung up");
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned));
    let length: usize = length.context("a request without a length")?.trim().parse()?;
    while bytes.len() < end + length {
        anyhow::ensure!(connection.read_buf(&mut bytes).await? > 0, "the client hung up");
    }
    Ok(head)
}

fn outbound(n: usize) -> Vec<Outbound> {
    (0..n).map(|n| Outbound { body: n.to_string(), ..Outbound::default() }).collect()
}

fn goal() -> GoalId {
    GoalId::derive(&Tenant::default(), "canned")
}

fn event() -> Event {
    Event {
        id: EventId(goal().0),
        source: Source::new("murmuration.analysis"),
        kind: AnalysisCompleted::TYPE,
        version: AnalysisCompleted::VERSION,
        time: UnixMs(0),
        goal: goal(),
        goal_key: None,
        causation: None,
        hops: 1,
        deadline: None,
        tenant: Tenant::default(),
        trace: TraceContext { trace: TraceId(1), span: SpanId(1), sampled: false, state: None },
        data: serde_json::json!(AnalysisCompleted::example()),
    }
}

fn write() -> Write {
    Write {
        name: WriteName::Commit,
        by: None,
        key: ItemKey::goal(goal()),
        mode: Mode::Update,
        when: Condition::ItemExists,
        changes: vec![Change::Add(Attr::Version, 1)],
    }
}

#[track_caller]
fn transient<T: std::fmt::Debug>(answer: Result<T, PortError>) -> Option<Duration> {
    match answer {
        Err(PortError::Transient { retry_after, .. }) => retry_after,
        other => panic!("should have been transient: {other:?}"),
    }
}

#[track_caller]
fn permanent<T: std::fmt::Debug>(answer: Result<T, PortError>) {
    match answer {
        Err(PortError::Permanent { .. }) => {}
        other => panic!("should have been permanent: {other:?}"),
    }
}

#[tokio::test]
async fn a_server_that_never_answers_ends_no_call_later_than_its_limit() -> Result<()> {
    let canned = Canned::new(Reply::Hang).await?;
    let (queue, ledger) = (canned.queue(), DynamoLedger::new(&canned.clients, "table"));
    let bus = EventBridgeBus::new(&canned.clients, "bus");
    let start = Instant::now();
    transient(queue.send(&QUEUE, &outbound(1)).await);
    transient(queue.delete(&QUEUE, &[Receipt("r".into())]).await);
    transient(ledger.write(&write()).await);
    transient(ledger.goals(&[goal()]).await);
    transient(ledger.read(&ItemKey::goal(goal())).await);
    transient(ledger.due(0, UnixMs(1), 10).await);
    transient(ledger.story(goal()).await);
    transient(queue.set_visibility(&QUEUE, &[(Receipt("r".into()), SHORT.call)]).await);
    transient(bus.put(&[event()]).await);
    assert!(start.elapsed() < SOON, "it took {:?}", start.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_bus_takes_one_to_ten_events() -> Result<()> {
    let canned = Canned::new(say("{}")).await?;
    let bus = EventBridgeBus::new(&canned.clients, "bus");
    for n in [0, 11] {
        permanent(bus.put(&vec![event(); n]).await);
    }
    assert_eq!(canned.asked(), 0);
    Ok(())
}

#[tokio::test]
async fn a_receive_may_take_its_wait_and_a_little_more() -> Result<()> {
    let canned = Canned::new(Reply::Hang).await?;
    let (start, wait) = (Instant::now(), Duration::from_secs(1));
    transient(canned.queue().receive(&QUEUE, 1, wait, Duration::from_secs(30)).await);
    let took = start.elapsed();
    assert!(took >= wait + SHORT.receive_beyond_wait && took < SOON, "it took {took:?}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_away_is_transient() -> Result<()> {
    let mut canned = Canned::new(Reply::Hang).await?;
    canned._serving.shutdown().await;
    transient(canned.queue().receive(&QUEUE, 1, Duration::ZERO, Duration::from_secs(30)).await);
    Ok(())
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_transient() -> Result<()> {
    let canned = Canned::new(Reply::BreakOff).await?;
    transient(canned.queue().send(&QUEUE, &outbound(1)).await);
    transient(DynamoLedger::new(&canned.clients, "table").write(&write()).await);
    Ok(())
}

#[tokio::test]
async fn nothing_is_repeated_behind_the_callers_back() -> Result<()> {
    let canned = Canned::new(refuse(503, "ServiceUnavailable")).await?;
    transient(canned.queue().send(&QUEUE, &outbound(1)).await);
    assert_eq!(canned.asked(), 1);
    Ok(())
}

#[tokio::test]
async fn a_wait_that_is_asked_for_is_passed_on() -> Result<()> {
    let body = "{\"__type\":\"ThrottlingException\",\"message\":\"slow down\"}".into();
    let canned = Canned::new(Reply::Say { status: 400, headers: "retry-after: 7\r\n", body }).await?;
    let ledger = DynamoLedger::new(&canned.clients, "table");
    assert_eq!(transient(ledger.write(&write()).await), Some(Duration::from_secs(7)));
    Ok(())
}

#[tokio::test]
async fn a_page_of_a_proxy_goes_by_its_status() -> Result<()> {
    let page = |status| Reply::Say { status, headers: "content-type: text/html\r\n", body: "<html>".into() };
    transient(Canned::new(page(502)).await?.queue().send(&QUEUE, &outbound(1)).await);
    permanent(Canned::new(page(403)).await?.queue().send(&QUEUE, &outbound(1)).await);
    Ok(())
}

#[tokio::test]
async fn each_entry_of_a_batch_has_its_own_result() -> Result<()> {
    let answer = r#"{
        "Successful": [{"Id":"2","MessageId":"m","MD5OfMessageBody":"x"}],
        "Failed": [
            {"Id":"1","SenderFault":false,"Code":"InternalError"},
            {"Id":"0","SenderFault":true,"Code":"InvalidMessageContents","Message":"words"}
        ]
    }"#;
    let results = Canned::new(say(answer)).await?.queue().send(&QUEUE, &outbound(4)).await?;
    permanent(results[0].clone());
    transient(results[1].clone());
    assert_eq!(results[2], Ok(()));
    // The answer leaves it out.
    transient(results[3].clone());
    Ok(())
}

#[tokio::test]
async fn a_batch_of_more_than_ten_is_refused_before_the_call() -> Result<()> {
    let canned = Canned::new(say("{}")).await?;
    let receipts = vec![Receipt("r".into()); 11];
    for n in [0, 11] {
        permanent(canned.queue().send(&QUEUE, &outbound(n)).await);
        permanent(canned.queue().delete(&QUEUE, &receipts[..n]).await);
    }
    Ok(())
}

#[tokio::test]
async fn a_refused_write_tells_the_item_or_that_there_is_none() -> Result<()> {
    let refused = "\"__type\":\"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException\",\"message\":\"no\"";
    let say = |body| Reply::Say { status: 400, headers: "", body };
    let canned = Canned::new(say(format!("{{{refused}}}"))).await?;
    let ledger = DynamoLedger::new(&canned.clients, "table");
    assert_eq!(ledger.write(&write()).await, Ok(Written::Refused(None)));
    let item = format!("{{\"goal\":{{\"S\":\"{}\"}},\"item\":{{\"S\":\"goal\"}},\"epoch\":{{\"N\":\"4\"}}}}", goal());
    let canned = Canned::new(say(format!("{{{refused},\"Item\":{item}}}"))).await?;
    match DynamoLedger::new(&canned.clients, "table").write(&write()).await? {
        Written::Refused(Some(found)) => assert_eq!(found.attrs[&Attr::Epoch], Value::Number(4)),
        other => panic!("{other:?}"),
    }
    Ok(())
}

#[tokio::test]
async fn goals_that_were_not_processed_are_told_apart_from_those_that_are_absent() -> Result<()> {
    let other = GoalId::derive(&Tenant::default(), "unprocessed");
    let key = |goal| format!("{{\"goal\":{{\"S\":\"{goal}\"}},\"item\":{{\"S\":\"goal\"}}}}");
    let answer = format!(
        "{{\"Responses\":{{\"table\":[{}]}},\"UnprocessedKeys\":{{\"table\":{{\"Keys\":[{}]}}}}}}",
        key(goal()),
        key(other)
    );
    let canned = Canned::new(say(&answer)).await?;
    let absent = GoalId::derive(&Tenant::default(), "absent");
    let states = DynamoLedger::new(&canned.clients, "table").goals(&[goal(), other, absent]).await?;
    assert_eq!(states.found.keys().collect::<Vec<_>>(), [&goal()]);
    assert_eq!(states.unprocessed, [other]);
    Ok(())
}

#[tokio::test]
async fn a_due_item_that_no_daemon_wrote_does_not_hide_those_behind_it() -> Result<()> {
    let key = |sort| format!("{{\"goal\":{{\"S\":\"{}\"}},\"item\":{{\"S\":\"{sort}\"}}}}", goal());
    let canned = Canned::new(say(&format!("{{\"Items\":[{},{}]}}", key("of#tomorrow"), key("goal")))).await?;
    let due = DynamoLedger::new(&canned.clients, "table").due(0, UnixMs(1), 10).await?;
    assert_eq!(due, [ItemKey::goal(goal())]);
    Ok(())
}

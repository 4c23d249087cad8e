//! What the server answers to bytes that no SDK would send: an error code and a sentence, on a connection that lives on.
//! Never an SDK: these requests are written byte by byte.
//! Next: `front::wire`, which reads them.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use embedded_cloud::{EmbeddedCloud, Ending, Fault, Options, Release, What, When};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const DEADLINE: Duration = Duration::from_secs(20);

struct Client(TcpStream);

struct Said {
    status: u16,
    head: String,
    body: String,
}

impl Client {
    async fn connect(cloud: &EmbeddedCloud) -> anyhow::Result<Client> {
        let address = cloud.endpoint().strip_prefix("http://").context("http")?;
        Ok(Client(TcpStream::connect(address).await?))
    }

    async fn raw(&mut self, bytes: &[u8]) -> anyhow::Result<Said> {
        self.0.write_all(bytes).await?;
        tokio::time::timeout(DEADLINE, self.read()).await.context("no answer")?
    }

    async fn read(&mut self) -> anyhow::Result<Said> {
        let mut got = vec![];
        loop {
            let mut some = [0; 4096];
            let count = self.0.read(&mut some).await?;
            ensure!(count > 0, "the connection ended after {:?}", String::from_utf8_lossy(&got));
            got.extend_from_slice(&some[..count]);
            let text = String::from_utf8_lossy(&got).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
            if body.len() >= length.parse::<usize>()? {
                let status = head.split(' ').nth(1).context("a status")?.parse()?;
                return Ok(Said { status, head: head.to_lowercase(), body: body.to_owned() });
            }
        }
    }

    async fn ask(&mut self, target: &str, body: &[u8]) -> anyhow::Result<Said> {
        self.ask_as("nobody", target, body).await
    }

    /// Signed by this key, as far as anybody looks.
    async fn ask_as(&mut self, key: &str, target: &str, body: &[u8]) -> anyhow::Result<Said> {
        let signed = format!("AWS4-HMAC-SHA256 Credential={key}/20250101/us-east-1/sqs/aws4_request, Signature=0");
        let head = format!(
            "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: {target}\r\nAuthorization: {signed}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.raw(&[head.as_bytes(), body].concat()).await
    }
}

impl Said {
    fn code(&self) -> anyhow::Result<String> {
        let body: Value = serde_json::from_str(&self.body)?;
        ensure!(body["message"].as_str().or(body["Message"].as_str()).is_some_and(|said| !said.is_empty()), "{body}");
        Ok(body["__type"].as_str().context("a code")?.rsplit('#').next().unwrap_or_default().to_owned())
    }
}

async fn cloud() -> anyhow::Result<EmbeddedCloud> {
    Ok(EmbeddedCloud::start(Options::in_memory()).await?)
}

#[tokio::test]
async fn bytes_that_are_no_json_are_refused_with_a_code_and_the_connection_lives_on() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    let mut client = Client::connect(&cloud).await?;
    let deep = "[".repeat(100_000);
    let bodies: [&[u8]; 8] =
        [b"", b"{", b"null", b"[]", b"\xff\xfe\x00", b"{\"QueueName\":", deep.as_bytes(), b"{\"QueueName\":{}}"];
    for target in ["AmazonSQS.CreateQueue", "AWSEvents.PutEvents", "DynamoDB_20120810.PutItem"] {
        for body in bodies {
            let said = client.ask(target, body).await?;
            let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            ensure!((400..500).contains(&said.status), "{target} {shown}: {} {}", said.status, said.body);
            said.code().with_context(|| format!("{target} {shown}"))?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_is_said_by_name_with_501() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    let mut client = Client::connect(&cloud).await?;
    for (target, name) in [
        ("AWSEvents.CreateConnection", "CreateConnection"),
        ("DynamoDB_20120810.CreateBackup", "CreateBackup"),
        ("Lambda.Invoke", "Lambda Invoke"),
    ] {
        let said = client.ask(target, b"{}").await?;
        ensure!(said.status == 501, "{target}: {} {}", said.status, said.body);
        ensure!(
            said.body.contains(name) && said.body.contains("not implemented by the embedded stand-in"),
            "{}",
            said.body
        );
    }
    let said = client.raw(b"PUT /bucket/key HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").await?;
    ensure!(said.status == 501, "S3: {}", said.body);
    Ok(())
}

#[tokio::test]
async fn a_target_that_is_none_is_an_unknown_operation() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    let mut client = Client::connect(&cloud).await?;
    // SQS is here whole: what it does not know, AWS does not know.
    for target in ["nonsense", "AmazonSQS.SummonQueue"] {
        let said = client.ask(target, b"{}").await?;
        ensure!(said.status == 400 && said.code()? == "UnknownOperationException", "{}", said.body);
    }
    let said = client.ask("nonsense", b"{}").await?;
    ensure!(said.head.contains("x-amzn-errortype: unknownoperationexception"), "{}", said.head);
    Ok(())
}

#[tokio::test]
async fn a_body_larger_than_any_operation_takes_is_refused_with_413() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    let mut client = Client::connect(&cloud).await?;
    let said = client.ask("AmazonSQS.SendMessage", &vec![b' '; 25 * 1024 * 1024]).await;
    // The server may hang up before all of it was sent; what it must not do is to take it.
    if let Ok(said) = said {
        ensure!(said.status == 413, "{}", said.status);
    }
    let mut other = Client::connect(&cloud).await?;
    ensure!(other.ask("DynamoDB_20120810.ListTables", b"{}").await?.status == 200);
    Ok(())
}

#[tokio::test]
async fn a_client_that_hangs_up_in_the_middle_harms_nobody() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    let mut rude = Client::connect(&cloud).await?;
    rude.0
        .write_all(b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AmazonSQS.ListQueues\r\nContent-Length: 100\r\n\r\n{")
        .await?;
    drop(rude);
    let mut client = Client::connect(&cloud).await?;
    ensure!(client.ask("DynamoDB_20120810.ListTables", b"{}").await?.status == 200);
    Ok(())
}

#[tokio::test]
async fn what_comes_behind_a_request_does_not_hold_up_its_answer() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    let request = "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AmazonSQS.ListQueues\r\nContent-Length: 2\r\n\r\n{}";
    for behind in ["\r\n", "POST / HT"] {
        let mut client = Client::connect(&cloud).await?;
        let said = client.raw(format!("{request}{behind}").as_bytes()).await.with_context(|| format!("{behind:?}"))?;
        ensure!(said.status == 200, "{behind:?}: {}", said.status);
    }
    Ok(())
}

#[tokio::test]
async fn a_head_that_is_no_http_is_answered_before_the_connection_ends() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    let many: String = (0..150).map(|n| format!("X-{n}: a\r\n")).collect();
    let too_many = format!("GET / HTTP/1.1\r\n{many}\r\n");
    for (head, status) in [("POST / HTTP/7.7\r\n\r\n", 400), (too_many.as_str(), 431)] {
        let mut client = Client::connect(&cloud).await?;
        let said = client.raw(head.as_bytes()).await.with_context(|| format!("{head:.20}"))?;
        ensure!(said.status == status, "{head:.20}: {}", said.status);
    }
    Ok(())
}

#[tokio::test]
async fn sts_says_who_the_caller_is() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    let mut client = Client::connect(&cloud).await?;
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    let request = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let said = client.raw(request.as_bytes()).await?;
    ensure!(said.status == 200 && said.body.contains("<Account>000000000000</Account>"), "{}", said.body);
    Ok(())
}

#[tokio::test]
async fn a_fault_that_cuts_ends_the_connection_without_an_answer() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    cloud.faults().add(Fault::on("ListTables", What::Cut));
    let mut client = Client::connect(&cloud).await?;
    ensure!(client.ask("DynamoDB_20120810.ListTables", b"{}").await.is_err(), "an answer came");
    cloud.faults().clear();
    let mut client = Client::connect(&cloud).await?;
    ensure!(client.ask("DynamoDB_20120810.ListTables", b"{}").await?.status == 200);
    let numbers: Vec<u64> = cloud.operations(0).iter().map(|operation| operation.number).collect();
    ensure!(numbers == [1, 2], "{numbers:?}");
    Ok(())
}

#[tokio::test]
async fn a_call_that_is_slower_than_its_client_is_patient_is_carried_out_all_the_same() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    cloud.faults().add(Fault::on("CreateQueue", What::DelayMs(1_500)));
    let mut client = Client::connect(&cloud).await?;
    let patience = Duration::from_secs(1);
    let asked = client.ask("AmazonSQS.CreateQueue", br#"{"QueueName": "q"}"#);
    ensure!(tokio::time::timeout(patience, asked).await.is_err(), "it was answered");
    drop(client);
    let carried_out = cloud.wait_for(0, |operation| operation.operation == "CreateQueue");
    let operation = tokio::time::timeout(DEADLINE, carried_out).await.context("never carried out")?;
    ensure!(operation.is_some_and(|operation| operation.ending == Ending::Answered));
    let mut other = Client::connect(&cloud).await?;
    ensure!(other.ask("AmazonSQS.GetQueueUrl", br#"{"QueueName": "q"}"#).await?.status == 200);
    Ok(())
}

fn hold(label: &str) -> What {
    What::Hold { label: label.into() }
}

#[tokio::test]
async fn a_call_that_is_held_is_carried_out_when_it_is_released_and_never_when_it_is_cut() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    for (queue, how, status) in [("gone", Release::Go, 200), ("cut", Release::Cut, 400)] {
        cloud.faults().add(Fault::on("CreateQueue", hold(queue)).of(queue));
        let mut client = Client::connect(&cloud).await?;
        let body = format!(r#"{{"QueueName": "{queue}"}}"#);
        let held = tokio::select! {
            held = cloud.faults().held(queue) => held,
            said = client.ask_as("agent-7", "AmazonSQS.CreateQueue", body.as_bytes()) => {
                anyhow::bail!("{} was answered", said?.status)
            }
        };
        ensure!(held.caller.as_deref() == Some("agent-7") && !held.carried_out, "{held:?}");
        // Its client has died meanwhile.
        drop(client);
        let last = cloud.operations_count();
        ensure!(cloud.faults().release(queue, how) == 1 && cloud.faults().list().is_empty());
        let ended = cloud.wait_for(last, |operation| operation.operation == "CreateQueue");
        tokio::time::timeout(DEADLINE, ended).await.context("it did not end")?;
        let mut other = Client::connect(&cloud).await?;
        ensure!(other.ask("AmazonSQS.GetQueueUrl", body.as_bytes()).await?.status == status, "{queue}");
    }
    Ok(())
}

#[tokio::test]
async fn a_reply_that_is_held_waits_while_its_call_is_done() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    cloud.faults().add(Fault::on("CreateQueue", What::HoldReply { label: "reply".into() }));
    let (mut client, mut other) = (Client::connect(&cloud).await?, Client::connect(&cloud).await?);
    let body = br#"{"QueueName": "q"}"#;
    let released = async {
        let held = cloud.faults().held("reply").await;
        let found = other.ask("AmazonSQS.GetQueueUrl", body).await?;
        ensure!(held.carried_out && found.status == 200, "{held:?} {}", found.status);
        cloud.faults().clear();
        Ok(())
    };
    let (said, released) = tokio::join!(client.ask("AmazonSQS.CreateQueue", body), released);
    released?;
    ensure!(said?.status == 200 && cloud.faults().held_now().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_fault_strikes_the_calls_of_its_caller_that_say_all_of_its_texts_and_no_other() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    let what = What::Fail { code: "Struck".into(), status: 500 };
    cloud.faults().add(Fault::on("*", what).by("writer-").containing(["QueueName", "-q"]).when(When::Nth(2)));
    let mut client = Client::connect(&cloud).await?;
    for (key, queue, status) in [
        ("analysis-1", "a-q", 200),
        ("writer-1", "b", 200),
        ("writer-1", "c-q", 200),
        ("writer-2", "d-q", 500),
        ("writer-2", "e-q", 200),
    ] {
        let body = format!(r#"{{"QueueName": "{queue}"}}"#);
        let said = client.ask_as(key, "AmazonSQS.CreateQueue", body.as_bytes()).await?;
        ensure!(said.status == status, "{key} {queue}: {}", said.status);
    }
    let callers: Vec<_> = cloud.operations(0).into_iter().filter_map(|operation| operation.caller).collect();
    ensure!(callers.len() == 5 && callers[3] == "writer-2", "{callers:?}");
    Ok(())
}

#[tokio::test]
async fn a_batch_that_is_to_come_back_partly_may_be_no_batch_at_all() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    cloud.faults().add(Fault::on("BatchGetItem", What::FailEntries { entries: 1, code: String::new() }));
    let mut client = Client::connect(&cloud).await?;
    for body in ["[]", "7", r#"{"RequestItems": {"t": 7}}"#, r#"{"RequestItems": {"t": {"Keys": 7}}}"#] {
        let said = client.ask("DynamoDB_20120810.BatchGetItem", body.as_bytes()).await?;
        ensure!(said.status == 400, "{body}: {} {}", said.status, said.body);
    }
    Ok(())
}

#[tokio::test]
async fn the_pages_for_tests_are_served_only_where_they_were_asked_for() -> anyhow::Result<()> {
    let cloud = EmbeddedCloud::start(Options { control: false, ..Options::in_memory() }).await?;
    let mut client = Client::connect(&cloud).await?;
    let health = client.raw(b"GET /_embedded/health HTTP/1.1\r\nHost: x\r\n\r\n").await?;
    ensure!(health.status == 200 && health.body.contains("\"status\":\"ok\""), "{}", health.body);
    ensure!(serde_json::from_str::<Value>(&health.body)?["data"].is_null(), "{}", health.body);
    let said = client.raw(b"GET /_embedded/faults HTTP/1.1\r\nHost: x\r\n\r\n").await?;
    ensure!(said.status == 403, "{}", said.status);
    Ok(())
}

#[tokio::test]
async fn health_says_where_everything_is_kept() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let cloud = EmbeddedCloud::start(Options::in_directory(folder.path())).await?;
    let health = Client::connect(&cloud).await?.raw(b"GET /_embedded/health HTTP/1.1\r\nHost: x\r\n\r\n").await?;
    let told: Value = serde_json::from_str(&health.body)?;
    ensure!(told["data"] == json!(folder.path()) && told["endpoint"] == json!(cloud.endpoint()), "{told}");
    cloud.stop().await;
    Ok(())
}

#[tokio::test]
async fn faults_are_set_listed_and_cleared_over_http() -> anyhow::Result<()> {
    let cloud = cloud().await?;
    let mut client = Client::connect(&cloud).await?;
    let fault =
        json!({"operation": "ListTables", "when": {"nth": 1}, "what": {"fail": {"code": "Broken", "status": 500}}});
    let text = fault.to_string();
    let post = format!("POST /_embedded/faults HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{text}", text.len());
    ensure!(client.raw(post.as_bytes()).await?.status == 200);
    let said = client.ask("DynamoDB_20120810.ListTables", b"{}").await?;
    ensure!(said.status == 500 && said.code()? == "Broken", "{}", said.body);
    ensure!(client.ask("DynamoDB_20120810.ListTables", b"{}").await?.status == 200);
    let listed = client.raw(b"GET /_embedded/faults HTTP/1.1\r\nHost: x\r\n\r\n").await?;
    ensure!(serde_json::from_str::<Value>(&listed.body)?["faults"] == json!([fault]), "{}", listed.body);
    ensure!(client.raw(b"DELETE /_embedded/faults HTTP/1.1\r\nHost: x\r\n\r\n").await?.status == 200);
    let told = client.raw(b"GET /_embedded/operations?after=1 HTTP/1.1\r\nHost: x\r\n\r\n").await?;
    ensure!(serde_json::from_str::<Value>(&told.body)?["last"] == json!(2), "{}", told.body);
    let bad = client.raw(b"POST /_embedded/faults HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}").await?;
    ensure!(bad.status == 400, "{}", bad.body);
    Ok(())
}

#[tokio::test]
async fn queue_urls_say_how_the_server_is_reached() -> anyhow::Result<()> {
    let named = Options { endpoint: Some("http://cloud.test:4566".into()), ..Options::in_memory() };
    let listen = "0.0.0.0:0".parse()?;
    let everywhere = Options { listen, ..Options::in_memory() };
    for (options, wanted) in [(named, "http://cloud.test:4566/"), (everywhere, "http://127.0.0.1:")] {
        let cloud = EmbeddedCloud::start(options).await?;
        ensure!(cloud.endpoint().starts_with(wanted.trim_end_matches('/')), "{}", cloud.endpoint());
    }
    Ok(())
}

//! Owns where all contenders meet: the stand-in as a process, the queues, the peers' table, the events that come out.
//! Never a contender: it puts messages into a queue, and counts what was published for them.
//! Next: `speed` and `slow` measure on it; a new one for each repeat, so that nothing grows from one to the next.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use aws::clients::{Clients, Limits, standin};
use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
use aws_sdk_eventbridge::types::Target;
use aws_sdk_sqs::types::QueueAttributeName;
use contract::limits::SQS_BATCH_MAX;
use contract::{Attributes, Clock as _, PortError, QueueName};
use futures_util::future::try_join_all;
use peers::hop::{self, Message};
use processes::Site;
use runtime::ports::{Outbound, Ports, SystemClock};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::contender::Format;

const REGION: &str = "us-east-1";
/// Where every event goes that a contender publishes.
const DONE: &str = "peers-done";
/// The peers' own records; the daemon and the bare loop use the ledger.
pub(crate) const TABLE: &str = "peers-records";
/// Calls of ours at the same time, while nothing is measured.
const AT_ONCE: usize = 16;
const RECEIVE_WAIT: Duration = Duration::from_secs(1);
const VISIBILITY: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Ground {
    _server: Child,
    /// Open as long as the server may say something.
    _says: Lines<BufReader<ChildStdout>>,
    data: TempDir,
    pub(crate) site: Site,
    clients: Clients,
    pub(crate) ports: Ports,
    done_url: String,
    logs: AtomicUsize,
}

impl Ground {
    pub(crate) async fn start(programs: &Path) -> anyhow::Result<Ground> {
        let data = TempDir::with_prefix("bench-peers-")?;
        let program = programs.join("embedded-cloud");
        let mut server = Command::new(&program)
            .arg("--data")
            .arg(data.path().join("cloud"))
            .args(["--listen", "127.0.0.1:0"])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| program.display().to_string())?;
        let mut says = BufReader::new(server.stdout.take().context("no output")?).lines();
        let first = says.next_line().await?.context("it ended before it said where it is")?;
        let endpoint = first.split_whitespace().find(|word| word.starts_with("http://")).context("no address")?;
        let site = Site::of(endpoint, hop::topology())?.and("MURMUR_SWEEP_EVERY_S", "20");
        site.provision().await?;
        let clients = Clients::load(standin(endpoint, REGION), Limits::default()).await;
        let ports = site.ports().await?;
        let logs = AtomicUsize::new(0);
        let mut ground =
            Ground { _server: server, _says: says, data, site, clients, ports, done_url: String::new(), logs };
        ground.done_url = ground.hear_done().await?;
        ground.make_table().await?;
        Ok(ground)
    }

    /// Where a process may write its log.
    pub(crate) fn log(&self, of: &QueueName) -> PathBuf {
        self.data.path().join(format!("{of}-{}.log", self.logs.fetch_add(1, Ordering::Relaxed)))
    }

    pub(crate) fn ledger(&self) -> anyhow::Result<String> {
        Ok(self.site.config()?.table)
    }

    pub(crate) fn bus(&self) -> anyhow::Result<String> {
        Ok(self.site.config()?.bus)
    }

    /// Made where it is not there.
    pub(crate) async fn queue_url(&self, queue: &QueueName) -> anyhow::Result<String> {
        if let Ok(found) = self.clients.sqs.get_queue_url().queue_name(queue.as_str()).send().await {
            return found.queue_url.context("a queue without a URL");
        }
        let made = self.clients.sqs.create_queue().queue_name(queue.as_str()).send().await?;
        made.queue_url.context("a queue without a URL")
    }

    /// The queue that every published event goes to.
    async fn hear_done(&self) -> anyhow::Result<String> {
        let (url, bus) = (self.queue_url(&DONE.into()).await?, self.bus()?);
        let told =
            self.clients.sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::QueueArn);
        let arn = told.send().await?.attributes.and_then(|mut all| all.remove(&QueueAttributeName::QueueArn));
        let arn = arn.context("a queue without an ARN")?;
        let policy = format!(
            r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"Service":"events.amazonaws.com"}},"Action":"sqs:SendMessage","Resource":"{arn}"}}]}}"#
        );
        self.clients
            .sqs
            .set_queue_attributes()
            .queue_url(&url)
            .attributes(QueueAttributeName::Policy, policy)
            .send()
            .await?;
        let rule = self.clients.events.put_rule().name(DONE).event_bus_name(&bus);
        rule.event_pattern(r#"{"detail-type":["hop.done"]}"#).send().await?;
        let target = Target::builder().id("queue").arn(arn).build()?;
        self.clients.events.put_targets().rule(DONE).event_bus_name(&bus).targets(target).send().await?;
        Ok(url)
    }

    async fn make_table(&self) -> anyhow::Result<()> {
        let (attribute, key) = (AttributeDefinition::builder(), KeySchemaElement::builder());
        let table = self.clients.dynamodb.create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
        let attribute = attribute.attribute_name("id").attribute_type(ScalarAttributeType::S).build()?;
        let key = key.attribute_name("id").key_type(KeyType::Hash).build()?;
        table.attribute_definitions(attribute).key_schema(key).send().await?;
        Ok(())
    }

    /// Goals first, so that no message comes before its own.
    pub(crate) async fn accept(&self, messages: &[Message]) -> anyhow::Result<()> {
        for some in messages.chunks(AT_ONCE) {
            let writes: Vec<_> = some.iter().map(|one| one.accept(&self.site.choreography)).collect();
            try_join_all(writes.iter().map(|write| self.ports.ledger.write(write))).await?;
        }
        Ok(())
    }

    pub(crate) async fn send(&self, queue: &QueueName, format: Format, messages: &[Message]) -> anyhow::Result<()> {
        let outbound =
            |one: &Message| Outbound { body: format.body(queue, one), attributes: Attributes::default(), group: None };
        let batches: Vec<Vec<_>> =
            messages.chunks(SQS_BATCH_MAX).map(|batch| batch.iter().map(outbound).collect()).collect();
        for some in batches.chunks(AT_ONCE) {
            for results in try_join_all(some.iter().map(|batch| self.ports.queue.send(queue, batch))).await? {
                results.into_iter().collect::<Result<Vec<()>, PortError>>()?;
            }
        }
        Ok(())
    }

    /// New messages, each of a goal of its own; their numbers begin at `first`.
    pub(crate) fn messages(&self, first: u64, count: usize) -> Vec<Message> {
        let at = SystemClock.now();
        (first..).take(count).map(|number| Message::of(number, 0, at)).collect()
    }

    /// Messages of that queue, those included that somebody has received and not deleted.
    pub(crate) async fn left(&self, queue: &QueueName) -> anyhow::Result<u64> {
        self.count(&self.queue_url(queue).await?).await
    }

    /// Events that were published since they were taken the last time.
    pub(crate) async fn done(&self) -> anyhow::Result<u64> {
        self.count(&self.done_url).await
    }

    async fn count(&self, url: &str) -> anyhow::Result<u64> {
        let counts = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let told = self.clients.sqs.get_queue_attributes().queue_url(url).set_attribute_names(Some(counts.into()));
        let told = told.send().await?.attributes.context("a queue without attributes")?;
        Ok(told.values().filter_map(|count| count.parse::<u64>().ok()).sum())
    }

    /// The numbers of some events that were published, as they come; none after a second without any.
    pub(crate) async fn take_done(&self) -> anyhow::Result<Vec<u64>> {
        let (ports, queue) = (&self.ports, QueueName::new(DONE));
        let got = ports.queue.receive(&queue, SQS_BATCH_MAX, RECEIVE_WAIT, VISIBILITY).await?;
        if got.is_empty() {
            return Ok(vec![]);
        }
        let receipts: Vec<_> = got.iter().map(|one| one.receipt.clone()).collect();
        ports.queue.delete(&queue, &receipts).await?.into_iter().collect::<Result<Vec<()>, PortError>>()?;
        let number = |body: &str| -> anyhow::Result<u64> {
            let event: serde_json::Value = serde_json::from_str(body)?;
            event["detail"]["data"]["number"].as_u64().with_context(|| format!("no number: {body}"))
        };
        got.iter().map(|one| number(&one.body)).collect()
    }

    /// Every message must have led to one event: no less, and no more.
    pub(crate) async fn take_exactly(&self, messages: &[Message]) -> anyhow::Result<()> {
        let (mut taken, mut found) = (0, BTreeSet::new());
        while taken < messages.len() {
            let some = try_join_all((0..AT_ONCE / 4).map(|_| self.take_done())).await?.concat();
            ensure!(!some.is_empty(), "{taken} of {} events were published", messages.len());
            taken += some.len();
            found.extend(some);
        }
        ensure!(taken == messages.len(), "{taken} events were published for {} messages", messages.len());
        ensure!(found.len() == taken, "{} messages led to two events, others to none", taken - found.len());
        Ok(())
    }
}

//! Owns the Rust client: the AWS SDK against one endpoint, and what each load needs made for it.
//! Never a retry: a call that fails fails the bench.
//! Next: `speed`, `waiting` and `backlog` use it.

use anyhow::Context as _;
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::types::ScalarAttributeType;
use aws_sdk_dynamodb::types::{AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType};
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, Target};
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{BehaviorVersion, Region};
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, QueueAttributeName, SendMessageBatchRequestEntry};

pub(crate) const BATCH: usize = 10;

/// Clients of their own, with connections of their own.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) events: aws_sdk_eventbridge::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
}

macro_rules! client {
    ($service:ident, $endpoint:expr) => {
        $service::Client::from_conf(
            $service::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .endpoint_url($endpoint)
                .region(Region::new("us-east-1"))
                .credentials_provider(Credentials::new("test", "test", None, None, "bench"))
                .retry_config(RetryConfig::disabled())
                .build(),
        )
    };
}

impl Clients {
    pub(crate) fn of(endpoint: &str) -> Clients {
        Clients {
            sqs: client!(aws_sdk_sqs, endpoint),
            events: client!(aws_sdk_eventbridge, endpoint),
            dynamodb: client!(aws_sdk_dynamodb, endpoint),
        }
    }

    pub(crate) async fn queue(&self, name: &str) -> anyhow::Result<String> {
        let made = self.sqs.create_queue().queue_name(name).send().await?;
        made.queue_url.context("a queue without a URL")
    }

    pub(crate) async fn send_ten(&self, queue: &str) -> anyhow::Result<()> {
        let entries = (0..BATCH)
            .map(|n| SendMessageBatchRequestEntry::builder().id(n.to_string()).message_body(body()).build())
            .collect::<Result<Vec<_>, _>>()?;
        let sent = self.sqs.send_message_batch().queue_url(queue).set_entries(Some(entries)).send().await?;
        anyhow::ensure!(sent.failed.is_empty(), "{:?}", sent.failed);
        Ok(())
    }

    /// Up to `most`; waits so long for the first.
    pub(crate) async fn receive(&self, queue: &str, most: usize, wait_s: i32) -> anyhow::Result<Vec<Message>> {
        let most = i32::try_from(most)?;
        let asked = self.sqs.receive_message().queue_url(queue).max_number_of_messages(most).wait_time_seconds(wait_s);
        Ok(asked.send().await?.messages.unwrap_or_default())
    }

    pub(crate) async fn delete(&self, queue: &str, messages: &[Message]) -> anyhow::Result<()> {
        let entry = |(n, one): (usize, &Message)| {
            DeleteMessageBatchRequestEntry::builder()
                .id(n.to_string())
                .set_receipt_handle(one.receipt_handle.clone())
                .build()
        };
        let entries = messages.iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>()?;
        let deleted = self.sqs.delete_message_batch().queue_url(queue).set_entries(Some(entries)).send().await?;
        anyhow::ensure!(deleted.failed.is_empty(), "{:?}", deleted.failed);
        Ok(())
    }

    /// Send 10, receive 10, delete 10: three calls, unless a receive returns fewer.
    pub(crate) async fn cycle(&self, queue: &str) -> anyhow::Result<()> {
        self.send_ten(queue).await?;
        self.take_ten(queue).await
    }

    /// Receives ten messages and deletes them.
    pub(crate) async fn take_ten(&self, queue: &str) -> anyhow::Result<()> {
        let mut left = BATCH;
        while left > 0 {
            let got = self.receive(queue, left, 0).await?;
            if !got.is_empty() {
                self.delete(queue, &got).await?;
                left -= got.len();
            }
        }
        Ok(())
    }

    pub(crate) async fn waiting(&self, queue: &str) -> anyhow::Result<usize> {
        let name = QueueAttributeName::ApproximateNumberOfMessages;
        let said = self.sqs.get_queue_attributes().queue_url(queue).attribute_names(name.clone()).send().await?;
        let attributes = said.attributes.context("no attributes")?;
        Ok(attributes.get(&name).context("no count")?.parse()?)
    }

    /// A queue, and a rule of the default bus that sends it the events of the source of that name.
    pub(crate) async fn route(&self, name: &str) -> anyhow::Result<String> {
        let queue = self.queue(name).await?;
        let arn = QueueAttributeName::QueueArn;
        let said = self.sqs.get_queue_attributes().queue_url(&queue).attribute_names(arn.clone()).send().await?;
        let arn = said.attributes.and_then(|mut all| all.remove(&arn)).context("a queue without an ARN")?;
        let policy = format!(
            r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"Service":"events.amazonaws.com"}},"Action":"sqs:SendMessage","Resource":"{arn}"}}]}}"#
        );
        self.sqs.set_queue_attributes().queue_url(&queue).attributes(QueueAttributeName::Policy, policy).send().await?;
        let pattern = format!(r#"{{"source":["{name}"],"detail-type":["goal.requested"]}}"#);
        self.events.put_rule().name(name).event_pattern(pattern).send().await?;
        let target = Target::builder().id("queue").arn(arn).build()?;
        self.events.put_targets().rule(name).targets(target).send().await?;
        Ok(queue)
    }

    pub(crate) async fn put_events(&self, source: &str, count: usize) -> anyhow::Result<()> {
        let entry =
            PutEventsRequestEntry::builder().source(source).detail_type("goal.requested").detail(body()).build();
        let put = self.events.put_events().set_entries(Some(vec![entry; count])).send().await?;
        anyhow::ensure!(put.failed_entry_count == 0, "{put:?}");
        Ok(())
    }

    pub(crate) async fn table(&self, name: &str) -> anyhow::Result<()> {
        let (attribute, key) = (AttributeDefinition::builder(), KeySchemaElement::builder());
        self.dynamodb
            .create_table()
            .table_name(name)
            .attribute_definitions(attribute.attribute_name("pk").attribute_type(ScalarAttributeType::S).build()?)
            .key_schema(key.attribute_name("pk").key_type(KeyType::Hash).build()?)
            .billing_mode(BillingMode::PayPerRequest)
            .send()
            .await?;
        Ok(())
    }

    /// Unless the table has an item of that key.
    pub(crate) async fn put_item(&self, table: &str, key: String) -> anyhow::Result<()> {
        self.dynamodb
            .put_item()
            .table_name(table)
            .item("pk", AttributeValue::S(key))
            .item("body", AttributeValue::S(body()))
            .item("version", AttributeValue::N("1".into()))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await?;
        Ok(())
    }
}

/// What every message, event and item says: as `boto.py` has it.
fn body() -> String {
    format!(r#"{{"goal": "{}", "text": "{}"}}"#, "g".repeat(36), "x".repeat(150))
}

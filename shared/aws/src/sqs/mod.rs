//! Owns the queue port over SQS: batches of ten, each entry's own result, receives that end.
//! Never more than one call for one batch: a caller retries, and splits what is refused whole.
//! Next: `urls` finds a queue by its name, `entries` puts results back in order, `message` reads what was received.

mod entries;
mod message;
mod urls;

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, MessageSystemAttributeName,
    SendMessageBatchRequestEntry,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use contract::limits::SQS_BATCH_MAX;
use contract::{PortError, QueueName};
use runtime::ports::{EntryResult, Outbound, Queue, Receipt, Received};

use crate::clients::{Clients, Limits};
use crate::errors;
use entries::{id_of, in_order};
use urls::Urls;

const MALFORMED: &str = "an entry of a batch without all its fields";

#[derive(Debug)]
pub struct SqsQueue {
    client: aws_sdk_sqs::Client,
    urls: Urls,
    limits: Limits,
}

impl SqsQueue {
    pub fn new(clients: &Clients) -> SqsQueue {
        SqsQueue { client: clients.sqs.clone(), urls: Urls::default(), limits: clients.limits }
    }

    async fn url(&self, queue: &QueueName) -> Result<String, PortError> {
        self.urls.of(queue, &self.client).await
    }

    /// What a failed call on `queue` means; a queue that is gone may come back elsewhere, so its URL is forgotten.
    fn failed<E>(&self, operation: &str, queue: &QueueName, why: &SdkError<E, HttpResponse>) -> PortError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        if errors::is_no_such_queue(why) {
            self.urls.forget(queue);
        }
        errors::of_call(&format!("SQS {operation} {queue}"), why)
    }
}

fn batch_size(entries: usize) -> Result<(), PortError> {
    match entries {
        1..=SQS_BATCH_MAX => Ok(()),
        _ => Err(PortError::permanent(format!("a batch of {entries} entries, 1 to {SQS_BATCH_MAX} asked for"))),
    }
}

/// SQS counts in seconds. Up, so that a wait never ends early and a message is never visible too soon.
fn seconds(span: Duration) -> i32 {
    let whole = span.as_secs() + u64::from(span.subsec_nanos() > 0);
    i32::try_from(whole).unwrap_or(i32::MAX)
}

fn malformed(why: impl std::fmt::Display) -> PortError {
    PortError::permanent(format!("{MALFORMED}: {why}"))
}

#[async_trait]
impl Queue for SqsQueue {
    async fn receive(
        &self,
        queue: &QueueName,
        max: usize,
        wait: Duration,
        visibility: Duration,
    ) -> Result<Vec<Received>, PortError> {
        if !(1..=SQS_BATCH_MAX).contains(&max) {
            return Err(PortError::permanent(format!("a receive of {max} messages, 1 to {SQS_BATCH_MAX} asked for")));
        }
        let limit = self.limits.within(wait.saturating_add(self.limits.receive_beyond_wait));
        let call = self
            .client
            .receive_message()
            .queue_url(self.url(queue).await?)
            .max_number_of_messages(i32::try_from(max).unwrap_or(1))
            .wait_time_seconds(seconds(wait))
            .visibility_timeout(seconds(visibility))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .customize()
            .config_override(aws_sdk_sqs::config::Config::builder().timeout_config(limit));
        let answer = call.send().await.map_err(|why| self.failed("ReceiveMessage", queue, &why))?;
        Ok(answer.messages.unwrap_or_default().into_iter().filter_map(|one| message::read(queue, one)).collect())
    }

    async fn delete(&self, queue: &QueueName, batch: &[Receipt]) -> Result<Vec<EntryResult>, PortError> {
        batch_size(batch.len())?;
        let entry = |(at, receipt): (usize, &Receipt)| {
            DeleteMessageBatchRequestEntry::builder().id(id_of(at)).receipt_handle(&receipt.0).build()
        };
        let entries = batch.iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>().map_err(malformed)?;
        let call = self.client.delete_message_batch().queue_url(self.url(queue).await?).set_entries(Some(entries));
        let answer = call.send().await.map_err(|why| self.failed("DeleteMessageBatch", queue, &why))?;
        let done = answer.successful.iter().map(|entry| entry.id.as_str());
        Ok(in_order("SQS DeleteMessageBatch", batch.len(), done, &answer.failed))
    }

    async fn set_visibility(
        &self,
        queue: &QueueName,
        batch: &[(Receipt, Duration)],
    ) -> Result<Vec<EntryResult>, PortError> {
        batch_size(batch.len())?;
        let entry = |(at, (receipt, span)): (usize, &(Receipt, Duration))| {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(id_of(at));
            entry.receipt_handle(&receipt.0).visibility_timeout(seconds(*span)).build()
        };
        let entries = batch.iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>().map_err(malformed)?;
        let call = self.client.change_message_visibility_batch().queue_url(self.url(queue).await?);
        let sent = call.set_entries(Some(entries)).send().await;
        let answer = sent.map_err(|why| self.failed("ChangeMessageVisibilityBatch", queue, &why))?;
        let done = answer.successful.iter().map(|entry| entry.id.as_str());
        Ok(in_order("SQS ChangeMessageVisibilityBatch", batch.len(), done, &answer.failed))
    }

    async fn send(&self, queue: &QueueName, batch: &[Outbound]) -> Result<Vec<EntryResult>, PortError> {
        batch_size(batch.len())?;
        let entry = |(at, one): (usize, &Outbound)| {
            let entry = SendMessageBatchRequestEntry::builder().id(id_of(at)).message_body(&one.body);
            let entry = entry.set_message_group_id(one.group.clone());
            entry.set_message_attributes(message::attributes(&one.attributes)?).build().map_err(malformed)
        };
        let entries = batch.iter().enumerate().map(entry).collect::<Result<Vec<_>, _>>()?;
        let call = self.client.send_message_batch().queue_url(self.url(queue).await?).set_entries(Some(entries));
        let answer = call.send().await.map_err(|why| self.failed("SendMessageBatch", queue, &why))?;
        let done = answer.successful.iter().map(|entry| entry.id.as_str());
        Ok(in_order("SQS SendMessageBatch", batch.len(), done, &answer.failed))
    }
}

//! Owns what SQS says of a queue of dead letters as a whole: how many wait, and how many somebody looks at.
//! Never a message: the queue port receives them, gives them back and deletes them.
//! Next: `murmur dlq` tells an operator what another one holds.

use aws_sdk_sqs::types::QueueAttributeName;
use contract::{PortError, QueueName};

use crate::clients::Clients;
use crate::errors::NO_SUCH_QUEUE;
use crate::provision::{ask, queues};

/// As far as SQS counts: its figures may be a minute old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub waiting: u64,
    /// Received by somebody, and neither deleted nor given back.
    pub in_flight: u64,
}

/// None where there is no such queue.
pub async fn counts(clients: &Clients, queue: &QueueName) -> Result<Option<Counts>, PortError> {
    let call = || clients.sqs.get_queue_url().queue_name(queue.as_str()).send();
    let Some(url) = ask("SQS GetQueueUrl", NO_SUCH_QUEUE, call).await?.and_then(|found| found.queue_url) else {
        return Ok(None);
    };
    let told = queues::attributes(clients, &url, &QueueAttributeName::All).await?;
    let number = |name| told.get(&name).and_then(|text| text.parse().ok()).unwrap_or(0);
    Ok(Some(Counts {
        waiting: number(QueueAttributeName::ApproximateNumberOfMessages),
        in_flight: number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
    }))
}

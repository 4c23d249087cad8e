//! Owns how much waits in queues: visible, at work, and dead letters, as far as SQS counts them.
//! Never a message, and nothing changed: SQS's counts are approximate, and these are no better.
//! Next: `murmur status` shows them.

use aws_sdk_sqs::types::QueueAttributeName;
use contract::{PortError, QueueName};
use futures_util::future::try_join_all;
use runtime::{Chance, retried};
use serde::Serialize;

use crate::clients::Clients;
use crate::errors::{self, NO_SUCH_QUEUE};
use crate::provision::PATIENCE;

/// Of one queue; nothing where it does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Depth {
    pub queue: QueueName,
    /// Also what becomes visible only later.
    pub waiting: Option<u64>,
    pub in_flight: Option<u64>,
    pub dead_letters: Option<u64>,
}

/// Of each queue with the queue of its dead letters. One that holds only dead letters is its own.
pub async fn depths(clients: &Clients, queues: &[(QueueName, QueueName)]) -> Result<Vec<Depth>, PortError> {
    try_join_all(queues.iter().map(|(queue, dead)| depth(clients, queue, dead))).await
}

async fn depth(clients: &Clients, queue: &QueueName, dead: &QueueName) -> Result<Depth, PortError> {
    let dead_letters = counted(clients, dead).await?.map(|(waiting, in_flight)| waiting + in_flight);
    let (waiting, in_flight) = match queue == dead {
        true => (Some(0), Some(0)),
        false => counted(clients, queue).await?.unzip(),
    };
    Ok(Depth { queue: queue.clone(), waiting, in_flight, dead_letters })
}

async fn counted(clients: &Clients, queue: &QueueName) -> Result<Option<(u64, u64)>, PortError> {
    retried(PATIENCE, &Chance::fresh(), || once(clients, queue)).await
}

async fn once(clients: &Clients, queue: &QueueName) -> Result<Option<(u64, u64)>, PortError> {
    use QueueAttributeName as Named;
    let found = match clients.sqs.get_queue_url().queue_name(queue.as_str()).send().await {
        Ok(found) => found,
        Err(why) if errors::says(&why, NO_SUCH_QUEUE) => return Ok(None),
        Err(why) => return Err(errors::of_call("SQS GetQueueUrl", &why)),
    };
    let (visible, later) = (Named::ApproximateNumberOfMessages, Named::ApproximateNumberOfMessagesDelayed);
    let taken = Named::ApproximateNumberOfMessagesNotVisible;
    let asked = clients.sqs.get_queue_attributes().set_queue_url(found.queue_url);
    let asked = asked.attribute_names(visible.clone()).attribute_names(later.clone()).attribute_names(taken.clone());
    let told = asked.send().await.map_err(|why| errors::of_call("SQS GetQueueAttributes", &why))?;
    let told = told.attributes.unwrap_or_default();
    let count = |name: &Named| told.get(name).and_then(|count| count.parse::<u64>().ok()).unwrap_or(0);
    Ok(Some((count(&visible) + count(&later), count(&taken))))
}

//! Owns where queues are: names to URLs, asked for once and kept until a queue is said not to exist.
//! Never makes a URL from a name: which account and which host it is on is the server's to say.
//! Next: every call of `SqsQueue` begins here.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use contract::{PortError, QueueName};

use crate::errors;

#[derive(Debug, Default)]
pub(super) struct Urls(Mutex<HashMap<QueueName, String>>);

impl Urls {
    /// Two callers may ask at the same time: they hear the same.
    pub(super) async fn of(&self, queue: &QueueName, client: &aws_sdk_sqs::Client) -> Result<String, PortError> {
        if let Some(url) = self.known().get(queue) {
            return Ok(url.clone());
        }
        let asked = client.get_queue_url().queue_name(queue.as_str()).send().await;
        let answer = asked.map_err(|why| errors::of_call(&format!("SQS GetQueueUrl {queue}"), &why))?;
        let url = answer.queue_url.ok_or_else(|| PortError::transient("SQS GetQueueUrl: an answer without a URL"))?;
        self.known().insert(queue.clone(), url.clone());
        Ok(url)
    }

    pub(super) fn forget(&self, queue: &QueueName) {
        self.known().remove(queue);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<QueueName, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Owns one queue: made with all its attributes, or compared and set right, or removed.
//! Never the messages in it, save that they go with the queue.
//! Next: `bus` lets rules send to it.

use std::collections::HashMap;

use aws_sdk_sqs::types::QueueAttributeName;
use contract::topology::resources;
use contract::{PortError, QueueName};
use runtime::{Chance, retried};

use super::report::{Outcome, Reporter, Resource, Trouble};
use super::same::same;
use super::{PATIENCE, PATIENCE_FOR_A_NAME, ask, tell, tell_within};
use crate::clients::Clients;
use crate::errors::{self, NO_SUCH_QUEUE};

/// Servers that do not encrypt do not speak of it: nothing can be set right there.
const MAY_BE_UNTOLD: &str = "SqsManagedSseEnabled";

type Attributes<'a> = Vec<(&'a str, &'a str)>;

pub(crate) async fn ensure(
    clients: &Clients,
    queue: &resources::Queue,
    reporter: &mut Reporter,
) -> Result<(), Trouble> {
    let resource = Resource::Queue(queue.name.to_string());
    let wanted: Attributes<'_> = queue.attributes.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let Some(url) = url(clients, &queue.name).await? else {
        if reporter.is_dry() {
            reporter.done(resource, Outcome::Created);
            return Ok(());
        }
        return create(clients, &queue.name, wanted, reporter).await.map(drop);
    };
    let found = attributes(clients, &url, &QueueAttributeName::All).await.map_err(resource.refused())?;
    let differing = differing(wanted, &found);
    if !differing.is_empty() && !reporter.is_dry() {
        let set = named(&differing);
        let call = || clients.sqs.set_queue_attributes().queue_url(&url).set_attributes(Some(set.clone())).send();
        tell("SQS SetQueueAttributes", call).await.map_err(resource.refused())?;
    }
    // A queue that this run made to learn its account is told once, as made.
    if !reporter.has_made(&resource) {
        reporter.done(resource, Outcome::changed(differing.iter().map(|(name, _)| (*name).to_owned()).collect()));
    }
    Ok(())
}

/// What is said of it. For a second after it was made SQS may not know a queue by its URL.
pub(crate) async fn attributes(
    clients: &Clients,
    url: &str,
    which: &QueueAttributeName,
) -> Result<HashMap<QueueAttributeName, String>, PortError> {
    let once = || async {
        let call = clients.sqs.get_queue_attributes().queue_url(url).attribute_names(which.clone());
        match call.send().await {
            Ok(told) => Ok(told.attributes.unwrap_or_default()),
            Err(why) if errors::is_no_such_queue(&why) => {
                Err(PortError::transient("SQS GetQueueAttributes: the queue is not known by its URL"))
            }
            Err(why) => Err(errors::of_call("SQS GetQueueAttributes", &why)),
        }
    };
    retried(PATIENCE, &Chance::fresh(), once).await
}

fn differing<'a>(wanted: Attributes<'a>, found: &HashMap<QueueAttributeName, String>) -> Attributes<'a> {
    let differs = |(name, value): &(&str, &str)| match found.get(&QueueAttributeName::from(*name)) {
        Some(found) => !same(found, value),
        None => *name != MAY_BE_UNTOLD,
    };
    wanted.into_iter().filter(differs).collect()
}

fn named(attributes: &[(&str, &str)]) -> HashMap<QueueAttributeName, String> {
    attributes.iter().map(|(name, value)| (QueueAttributeName::from(*name), (*value).to_owned())).collect()
}

/// Where the queue is, if it is.
pub(crate) async fn url(clients: &Clients, queue: &QueueName) -> Result<Option<String>, Trouble> {
    let call = || clients.sqs.get_queue_url().queue_name(queue.as_str()).send();
    let found = ask("SQS GetQueueUrl", NO_SUCH_QUEUE, call).await;
    let found = found.map_err(Resource::Queue(queue.to_string()).refused())?;
    Ok(found.and_then(|found| found.queue_url))
}

pub(super) async fn create(
    clients: &Clients,
    queue: &QueueName,
    attributes: impl IntoIterator<Item = (&str, &str)>,
    reporter: &mut Reporter,
) -> Result<String, Trouble> {
    let resource = Resource::Queue(queue.to_string());
    let attributes = named(&attributes.into_iter().collect::<Vec<_>>());
    let attributes = (!attributes.is_empty()).then_some(attributes);
    let call = || clients.sqs.create_queue().queue_name(queue.as_str()).set_attributes(attributes.clone()).send();
    let made = tell_within(PATIENCE_FOR_A_NAME, "SQS CreateQueue", call).await.map_err(resource.refused())?;
    let url = made.queue_url.ok_or_else(|| PortError::permanent("SQS CreateQueue: an answer without a URL"));
    let url = url.map_err(resource.refused())?;
    reporter.done(resource, Outcome::Created);
    Ok(url)
}

pub(crate) async fn remove(clients: &Clients, queue: &QueueName, reporter: &mut Reporter) -> Result<(), Trouble> {
    let resource = Resource::Queue(queue.to_string());
    let outcome = match url(clients, queue).await? {
        None => Outcome::Absent,
        Some(url) => {
            let call = || clients.sqs.delete_queue().queue_url(&url).send();
            ask("SQS DeleteQueue", NO_SUCH_QUEUE, call).await.map_err(resource.refused())?;
            Outcome::Removed
        }
    };
    reporter.done(resource, outcome);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_set() {
        let found = HashMap::from([
            (QueueAttributeName::VisibilityTimeout, "60".to_owned()),
            (QueueAttributeName::RedrivePolicy, r#"{"maxReceiveCount":"5","deadLetterTargetArn":"a"}"#.to_owned()),
        ]);
        let wanted = vec![
            ("VisibilityTimeout", "90"),
            ("RedrivePolicy", r#"{"deadLetterTargetArn":"a","maxReceiveCount":5}"#),
            ("Policy", "{}"),
            (MAY_BE_UNTOLD, "true"),
        ];
        assert_eq!(differing(wanted, &found), [("VisibilityTimeout", "90"), ("Policy", "{}")]);
    }
}

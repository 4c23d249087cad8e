//! Owns subscriptions of other applications: a queue, its dead letters, a rule and the policies, made and removed again.
//! Never somebody else's: what carries another tag, or none, is refused and stays as it is.
//! Next: `shape` says what each consists of; `provision`'s own steps make it so.

mod shape;

use std::collections::HashMap;

use contract::{PortError, Topology};

use crate::clients::Clients;
use crate::errors::NO_SUCH_QUEUE;
use crate::provision::{
    Outcome, PATIENCE_FOR_A_NAME, Plan, ProvisionError, Reporter, Resource, Trouble, account, ask, bus, queues, tell,
    tell_within,
};
use shape::{Shape, shape};

pub use shape::{Name, NoName, Wanted};

/// Who made a queue says this tag: its value is the subscription's name.
const TAG: &str = "murmur-subscription";
/// Of a passing subscription: until when it was in use, in milliseconds since 1970.
const ALIVE: &str = "murmur-alive-ms";

/// A subscription that is there.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Subscription {
    pub name: String,
    pub url: String,
    /// Empty where its rule is not there: somebody stopped half-way.
    pub types: Vec<String>,
    /// Of a passing one: when its maker last said that it is in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alive_ms: Option<i64>,
}

/// Makes it, or sets right what differs; its queue's URL. Doing it again changes nothing.
pub async fn subscribe(
    clients: &Clients,
    plan: &Plan,
    name: &Name,
    wanted: &Wanted,
    alive_ms: Option<i64>,
    reporter: &mut Reporter,
) -> Result<String, ProvisionError> {
    let made = async {
        apart(&plan.topology, name)?;
        let place = account::look_up(clients, plan).await?;
        let Shape { dead_letters, queue, rule } = shape(&plan.topology, &place, name, wanted);
        ours_or_nobodys(clients, plan, name, &rule.target.queue_arn).await?;
        for each in [&dead_letters, &queue] {
            create(clients, name, each, alive_ms, reporter).await?;
            queues::ensure(clients, each, reporter).await?;
        }
        bus::ensure_rule(clients, &plan.topology.bus, &rule, reporter).await?;
        let url = queues::url(clients, &queue.name).await?;
        url.ok_or_else(|| Resource::Queue(queue.name.to_string()).refused()(PortError::transient("it is gone again")))
    };
    let made: Result<String, Trouble> = made.await;
    made.map_err(|trouble| reporter.failed(trouble))
}

/// Removes it with all that waits in it. What is not there is no failure.
pub async fn unsubscribe(
    clients: &Clients,
    plan: &Plan,
    name: &Name,
    reporter: &mut Reporter,
) -> Result<(), ProvisionError> {
    let gone = async {
        apart(&plan.topology, name)?;
        let place = account::look_up(clients, plan).await?;
        ours_or_nobodys(clients, plan, name, &place.queue_arn(&name.queue())).await?;
        // In the reverse order: a rule without its queue would have nowhere to deliver.
        bus::remove_rule(clients, &plan.topology.bus, &name.rule(), reporter).await?;
        queues::remove(clients, &name.queue(), reporter).await?;
        queues::remove(clients, &name.queue().dead_letters(), reporter).await
    };
    let gone: Result<(), Trouble> = gone.await;
    gone.map_err(|trouble| reporter.failed(trouble))
}

/// All that are there, by name; somebody else's queues of such a name are none.
pub async fn list(clients: &Clients, topology: &Topology) -> Result<Vec<Subscription>, PortError> {
    let mut all = vec![];
    for (name, url) in candidates(clients).await? {
        let tags = tags(clients, &url).await?;
        if tags.get(TAG).map(String::as_str) != Some(name.as_str()) {
            continue;
        }
        let rule = bus::described(clients, &topology.bus, &name.rule()).await?;
        let types = rule.and_then(|rule| rule.event_pattern).map(|pattern| shape::types_of(&pattern));
        let alive_ms = tags.get(ALIVE).and_then(|text| text.parse().ok());
        all.push(Subscription { name: name.to_string(), url, types: types.unwrap_or_default(), alive_ms });
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

/// Says that a passing subscription is still in use.
pub async fn still_alive(clients: &Clients, url: &str, alive_ms: i64) -> Result<(), PortError> {
    let call = || clients.sqs.tag_queue().queue_url(url).tags(ALIVE, alive_ms.to_string()).send();
    tell("SQS TagQueue", call).await.map(drop)
}

async fn candidates(clients: &Clients) -> Result<Vec<(Name, String)>, PortError> {
    let (mut all, mut from) = (vec![], None);
    loop {
        let call = || {
            let list = clients.sqs.list_queues().queue_name_prefix(shape::prefix()).max_results(1_000);
            list.set_next_token(Option::clone(&from)).send()
        };
        let page = tell("SQS ListQueues", call).await?;
        for url in page.queue_urls.unwrap_or_default() {
            if let Some(name) = url.rsplit('/').next().and_then(Name::of_queue) {
                all.push((name, url));
            }
        }
        from = page.next_token;
        if from.is_none() {
            return Ok(all);
        }
    }
}

async fn tags(clients: &Clients, url: &str) -> Result<HashMap<String, String>, PortError> {
    let call = || clients.sqs.list_queue_tags().queue_url(url).send();
    let told = ask("SQS ListQueueTags", NO_SUCH_QUEUE, call).await?;
    Ok(told.and_then(|told| told.tags).unwrap_or_default())
}

/// A row's queue may have any name; a subscription never takes one.
fn apart(topology: &Topology, name: &Name) -> Result<(), Trouble> {
    let queue = name.queue();
    let taken = |theirs: &contract::QueueName| [&queue, &queue.dead_letters()].contains(&theirs);
    let rows = topology.rows.iter();
    if rows.clone().any(|row| taken(&row.queue) || taken(&row.queue.dead_letters())) {
        let why = "an agent's queue has this name";
        return Err(Resource::Queue(queue.to_string()).conflict(why, "choose another name"));
    }
    Ok(())
}

/// Nothing of this name is there, or it is what an earlier run made.
async fn ours_or_nobodys(clients: &Clients, plan: &Plan, name: &Name, queue_arn: &str) -> Result<(), Trouble> {
    const INSTEAD: &str = "choose another name, or remove it where it was made";
    let mut has_queue = false;
    for queue in [name.queue(), name.queue().dead_letters()] {
        let resource = Resource::Queue(queue.to_string());
        let Some(url) = queues::url(clients, &queue).await? else { continue };
        let tags = tags(clients, &url).await.map_err(resource.refused())?;
        if tags.get(TAG).map(String::as_str) != Some(name.as_str()) {
            return Err(resource.conflict("it was not made by murmur subscribe", INSTEAD));
        }
        has_queue = true;
    }
    let resource = Resource::Rule(name.rule());
    let targets = bus::targets(clients, &plan.topology.bus, &name.rule()).await.map_err(resource.refused())?;
    if targets.iter().any(|target| target.arn != queue_arn) {
        return Err(resource.conflict("it sends elsewhere: it was not made by murmur subscribe", INSTEAD));
    }
    // Ours is made after its queues and goes before them: alone and without a target it is somebody else's.
    let is_idle = !has_queue && targets.is_empty();
    if is_idle && bus::described(clients, &plan.topology.bus, &name.rule()).await.map_err(resource.refused())?.is_some()
    {
        return Err(resource.conflict("it has no queue: it was not made by murmur subscribe", INSTEAD));
    }
    Ok(())
}

/// With its tag from the start: a queue without one is somebody else's, even where its maker died the next moment.
async fn create(
    clients: &Clients,
    name: &Name,
    queue: &contract::topology::resources::Queue,
    alive_ms: Option<i64>,
    reporter: &mut Reporter,
) -> Result<(), Trouble> {
    if queues::url(clients, &queue.name).await?.is_some() {
        return Ok(());
    }
    let resource = Resource::Queue(queue.name.to_string());
    let attributes: HashMap<_, _> =
        queue.attributes.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
    let call = || {
        let make = clients.sqs.create_queue().queue_name(queue.name.as_str()).tags(TAG, name.as_str());
        let make = match alive_ms {
            Some(alive_ms) => make.tags(ALIVE, alive_ms.to_string()),
            None => make,
        };
        make.set_attributes(Some(attributes.clone())).send()
    };
    tell_within(PATIENCE_FOR_A_NAME, "SQS CreateQueue", call).await.map_err(resource.refused())?;
    reporter.done(resource, Outcome::Created);
    Ok(())
}

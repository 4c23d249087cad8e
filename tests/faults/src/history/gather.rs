//! Owns the reading of everything that a run leaves, once all of it is at rest.
//! Never changes what it reads: a letter is given back, and so is a message that still waits.
//! Next: `checker::judge`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use aws::clients::{Clients, Limits, standin};
use aws::{depths, letters};
use contract::limits::SQS_BATCH_MAX;
use contract::topology::resources::undelivered;
use contract::{GoalId, QueueName, Topology, UnixMs};
use futures_util::future::try_join_all;
use processes::Site;
use runtime::ledger::ItemKey;
use runtime::listing::{self, Bounds, Wanted};
use runtime::ports::{Ports, Received};
use runtime::{Chance, history, retried};
use tokio::time::{Instant, sleep};

use super::{Account, Allowed, History, Left, Letter, Record, Seen};

const REGION: &str = "us-east-1";
const CALL_MAX: Duration = Duration::from_secs(30);
const GOALS_AT_ONCE: usize = 16;
const PAGE: Bounds = Bounds { goals_max: 1_000, looks_max: 4_000 };
/// A short poll asks only some of SQS's servers.
const WAIT: Duration = Duration::from_secs(1);
/// For so long nobody else sees what is read; it is given back at once.
const HOLD: Duration = Duration::from_secs(60);
/// An operator who was killed may hold letters for that long.
const HELD_MAX: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(500);

/// Of our own, beside those that daemons have.
pub(super) async fn clients(site: &Site) -> anyhow::Result<Clients> {
    let endpoint = site.environment().get("AWS_ENDPOINT_URL").context("a site without an endpoint")?;
    Ok(Clients::load(standin(endpoint, REGION), Limits::default()).await)
}

impl History {
    /// Reads it all. The server must answer, and whoever still runs must have nothing to do.
    pub async fn gather(site: &Site, account: Account, seen: Vec<Seen>) -> anyhow::Result<History> {
        let config = site.config()?;
        let topology = Topology { bus: config.bus.clone(), ..(*config.choreography).clone() };
        let (clients, ports) = (clients(site).await?, site.ports().await?);
        let queues = topology.rows.iter().map(|row| (row.queue.clone(), row.queue.dead_letters()));
        let mut left = vec![];
        for depth in depths::depths(&clients, &queues.collect::<Vec<_>>()).await? {
            let (visible, in_flight) = (depth.waiting.unwrap_or(0), depth.in_flight.unwrap_or(0));
            left.push(Left { queue: depth.queue, visible, in_flight, bodies: vec![] });
        }
        nobody_holds_letters(&clients, &topology).await?;
        let history = History { allowed: Allowed::of(&config.settings), account, seen, left, ..History::default() };
        history.read(&ports, &topology).await
    }

    /// What ledger and queues say, beside what is known already.
    pub(crate) async fn read(mut self, ports: &Ports, topology: &Topology) -> anyhow::Result<History> {
        for left in self.left.iter_mut().filter(|left| left.visible > 0) {
            left.bodies = looked_at(ports, &left.queue).await?.into_iter().map(|message| message.body).collect();
        }
        let undelivered = undelivered(topology);
        let places = topology.rows.iter().map(|row| (row.queue.clone(), row.queue.dead_letters()));
        for (queue, dead) in places.chain([(undelivered.clone(), undelivered)]) {
            let found = looked_at(ports, &dead).await?;
            self.letters.extend(found.into_iter().map(|message| Letter::of(&queue, message)));
        }
        self.gathered_at = ports.clock.now();
        let mut goals = self.named();
        goals.extend(listed(ports).await?);
        let goals: Vec<GoalId> = goals.into_iter().collect();
        for some in goals.chunks(GOALS_AT_ONCE) {
            let read = try_join_all(some.iter().map(|goal| items(ports, *goal, self.gathered_at))).await?;
            self.ledger.extend(some.iter().copied().zip(read).filter(|(_, items)| !items.is_empty()));
        }
        Ok(self)
    }

    /// Every goal that anybody outside of the ledger has named.
    fn named(&self) -> BTreeSet<GoalId> {
        let wished = self.account.wishes.iter().map(super::Wished::goal);
        let acted = self.account.acts.iter().map(|act| act.goal);
        let seen = self.seen.iter().filter_map(|seen| seen.detail.get("goalid")?.as_str()?.parse().ok());
        wished.chain(acted).chain(seen).collect()
    }
}

impl Letter {
    fn of(queue: &QueueName, message: Received) -> Letter {
        Letter {
            queue: queue.to_string(),
            message_id: message.message_id,
            sent_at: message.sent_at,
            receive_count: message.receive_count,
            body: message.body,
            attributes: message.attributes.0,
        }
    }
}

/// Every goal that was accepted, as the index has them.
async fn listed(ports: &Ports) -> anyhow::Result<BTreeSet<GoalId>> {
    let (mut all, mut after, wanted) = (BTreeSet::new(), None, Wanted::default());
    loop {
        let page = call(|| listing::page(&*ports.ledger, &wanted, after, PAGE)).await?;
        all.extend(page.goals.iter().map(|(listed, _)| listed.mark.goal));
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

async fn items(ports: &Ports, goal: GoalId, now: UnixMs) -> anyhow::Result<Vec<Record>> {
    let items = call(|| ports.ledger.story(goal)).await?;
    let past = call(|| history::History::read(items.clone(), &*ports.artifacts, now)).await?;
    let steps = past.map(|past| past.steps).unwrap_or_default();
    let mut outcomes: BTreeMap<ItemKey, _> = steps.into_iter().map(|step| (step.step.key, step.outcome)).collect();
    Ok(items.iter().map(|item| Record::of(item, outcomes.remove(&item.key).flatten())).collect())
}

/// Every message that is visible, given back again.
async fn looked_at(ports: &Ports, queue: &QueueName) -> anyhow::Result<Vec<Received>> {
    let mut found: BTreeMap<String, Received> = BTreeMap::new();
    loop {
        let some = call(|| ports.queue.receive(queue, SQS_BATCH_MAX, WAIT, HOLD)).await?;
        if some.is_empty() {
            break;
        }
        found.extend(some.into_iter().map(|message| (message.message_id.clone(), message)));
    }
    let found: Vec<Received> = found.into_values().collect();
    for some in found.chunks(SQS_BATCH_MAX) {
        let back: Vec<_> = some.iter().map(|message| (message.receipt.clone(), Duration::ZERO)).collect();
        call(|| ports.queue.set_visibility(queue, &back)).await?;
    }
    Ok(found)
}

async fn nobody_holds_letters(clients: &Clients, topology: &Topology) -> anyhow::Result<()> {
    let until = Instant::now() + HELD_MAX;
    for row in &topology.rows {
        let queue = row.queue.dead_letters();
        while letters::counts(clients, &queue).await?.unwrap_or_default().in_flight > 0 {
            ensure!(Instant::now() < until, "somebody holds letters of {queue}");
            sleep(POLL).await;
        }
    }
    Ok(())
}

async fn call<T, F>(once: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = Result<T, contract::PortError>>,
{
    Ok(retried(CALL_MAX, &Chance::fresh(), once).await?)
}

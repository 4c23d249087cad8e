//! Owns many messages for one agent at once: research was done for one goal, and its event is told again for others.
//! Never another agent at work: what is measured is one agent's queue.
//! Next: `slow` and `replicas` put them before `analysis`.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use contract::events::{GoalRequested, ResearchCompleted};
use contract::{Event, EventData as _, EventId, GoalId, QueueName, RowName, Source, Tenant, Unit, UnixMs};
use processes::{Wish, sample};
use runtime::ledger::{Attr, ItemKey, ItemKind, goal};
use runtime::ports::Written;
use tokio::time::{Instant, sleep};

use crate::agent::{Agent, Cast};
use crate::place::Place;

pub(crate) const ROW: &str = "analysis";
const RESEARCH_MAX: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
/// As many as one PutEvents takes.
const BATCH: usize = 10;

/// What `analysis` is sent, with evidence that exists.
#[derive(Debug)]
pub(crate) struct Crowd {
    told: Event,
}

/// One message on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    goal: GoalId,
    event: EventId,
}

impl Crowd {
    /// The real research agent works on the sample, and is ended.
    pub(crate) async fn gather(programs: &Path, place: &Place) -> anyhow::Result<Crowd> {
        sample::ingest(&place.ports).await?;
        let mut research = Agent::start(programs, place, "research", Cast::Real, 0)?;
        research.ready().await?;
        let wish = Wish::of("the first", sample::GOAL);
        wish.send(&place.ports, &place.site.choreography).await?;
        let deadline = Instant::now() + RESEARCH_MAX;
        let told = loop {
            let story = place.ports.ledger.story(wish.id()).await?;
            let join = story.iter().find(|item| matches!(item.key.kind, ItemKind::Join(_)));
            if let Some(told) = join.and_then(|join| join.text(&Attr::Ended)) {
                break serde_json::from_str::<Event>(told)?;
            }
            anyhow::ensure!(Instant::now() < deadline, "no evidence: {}", research.told());
            sleep(POLL).await;
        };
        anyhow::ensure!(told.kind == ResearchCompleted::TYPE, "the join told {}", told.kind);
        // That one must not be analysed: it would be one message too many.
        let queue = queue_of(place)?;
        let queue_port = &place.ports.queue;
        let waiting = queue_port.receive(&queue, BATCH, Duration::from_secs(10), Duration::from_secs(30)).await?;
        anyhow::ensure!(waiting.len() == 1, "{} messages wait for {ROW}", waiting.len());
        let receipts: Vec<_> = waiting.into_iter().map(|message| message.receipt).collect();
        queue_port.delete(&queue, &receipts).await?.into_iter().collect::<Result<(), _>>()?;
        Ok(Crowd { told })
    }

    /// One goal for each of these words, accepted, then all of their events at once. When the first was put, and what.
    pub(crate) async fn send(
        &self,
        place: &Place,
        round: &str,
        words: &[String],
    ) -> anyhow::Result<(UnixMs, Vec<Sent>)> {
        let config = place.site.config()?;
        let mut events = vec![];
        for (number, words) in words.iter().enumerate() {
            let (tenant, key) = (Tenant::default(), format!("{round}-{number}"));
            let id = GoalId::derive(&tenant, &key);
            let request = GoalRequested { goal: words.clone(), deadline: None, ..GoalRequested::example() };
            let asked = Event {
                id: EventId::derive(id, &GoalRequested::TYPE, &Unit::goal()),
                source: Source::USER,
                kind: GoalRequested::TYPE,
                version: GoalRequested::VERSION,
                goal: id,
                goal_key: Some(key.clone()),
                causation: None,
                hops: 0,
                data: serde_json::to_value(&request)?,
                ..self.told.clone()
            };
            let now = place.ports.clock.now();
            let deadline = now + config.settings.goal_deadline;
            let accept = goal::accept(&asked, &request, deadline, now, &place.site.choreography, &config.settings);
            let written = place.ports.ledger.write(&accept).await?;
            anyhow::ensure!(matches!(written, Written::Applied(_)), "{key} is there already");
            let mut event = Event {
                id: EventId::derive(id, &ResearchCompleted::TYPE, &Unit::join("evidence")),
                goal: id,
                goal_key: Some(key),
                causation: Some(asked.id),
                ..self.told.clone()
            };
            event.data["goal"] = words.clone().into();
            events.push(event);
        }
        let began = place.ports.clock.now();
        for batch in events.chunks(BATCH) {
            place.ports.bus.put(batch).await?.into_iter().collect::<Result<(), _>>()?;
        }
        Ok((began, events.iter().map(|event| Sent { goal: event.goal, event: event.id }).collect()))
    }
}

/// When each was committed, in the order in which they were sent.
pub(crate) async fn finished(
    place: &Place,
    sent: &[Sent],
    within: Duration,
    agents: &mut [Agent],
) -> anyhow::Result<Vec<UnixMs>> {
    let deadline = Instant::now() + within;
    let mut times = vec![];
    for one in sent {
        let key = ItemKey::step(one.goal, &RowName::new(ROW), one.event);
        loop {
            let step = place.ports.ledger.read(&key).await?;
            if let Some(step) = step.filter(|step| step.text(&Attr::State) == Some("committed")) {
                times.push(step.time(&Attr::FinishedAt).context("committed at no time")?);
                break;
            }
            for agent in agents.iter_mut() {
                anyhow::ensure!(agent.alive()?, "{} has ended: {}", agent.name, agent.told());
            }
            anyhow::ensure!(Instant::now() < deadline, "{} of {} were done in time", times.len(), sent.len());
            sleep(POLL).await;
        }
    }
    Ok(times)
}

fn queue_of(place: &Place) -> anyhow::Result<QueueName> {
    let row = place.site.choreography.row(&RowName::new(ROW));
    Ok(row.context("no such row")?.queue.clone())
}

//! Owns a stage for faults over the wire: the stand-in beside the test, the four daemons in this process, and a witness.
//! Never a fault by itself: a test names the call that goes wrong, and finds out here what came of it.
//! Next: `tests/wire.rs`.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use aws::clients::Limits;
use contract::events::{GoalCompleted, ReportWritten, StepFailed};
use contract::topology::Row;
use contract::{Event, EventData, EventId, QueueName, RowName, Topology};
use embedded_cloud::{EmbeddedCloud, Ending, Operation, Options};
use runtime::ledger::{Attr, Item, ItemKind};
use runtime::ports::Ports;
use runtime::telemetry::Telemetry;
use runtime::{Chance, DaemonError, Surroundings};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::agents::{self, NAMES};
use crate::run::{GOAL_MAX, completed};
use crate::{Site, Wish};

const WITNESS: RowName = RowName::new("witness");
/// Nothing came for so long: nothing more comes.
const QUIET: Duration = Duration::from_secs(1);
const HIDDEN: Duration = Duration::from_secs(120);
/// A third of the lease for which a message stays hidden.
const DELETED_MAX: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(100);

/// A call that hangs is given up soon.
const CALL_MAX: Duration = Duration::from_secs(2);

fn hasty() -> Limits {
    Limits { call: CALL_MAX, ..Limits::default() }
}

/// Everything of one test.
#[derive(Debug)]
pub struct Stage {
    pub cloud: EmbeddedCloud,
    pub site: Site,
    pub ports: Ports,
    stop: CancellationToken,
    daemons: JoinSet<Result<(), DaemonError>>,
}

impl Stage {
    /// Servers, daemons, and a queue that sees every end and every failure.
    pub async fn open() -> anyhow::Result<Stage> {
        Stage::open_with(&[]).await
    }

    /// Likewise, with these `MURMUR_*` variables.
    pub async fn open_with(variables: &[(&str, &str)]) -> anyhow::Result<Stage> {
        let cloud = EmbeddedCloud::start(Options::in_memory()).await?;
        let witness = Row::new("witness").consumes::<GoalCompleted>().consumes::<ReportWritten>();
        let topology = Topology::murmuration().with_row(witness.consumes::<StepFailed>());
        let site = Site::of(cloud.endpoint(), topology)?;
        let site = variables.iter().fold(site, |site, (name, value)| site.and(name, value));
        site.provision().await?;
        let ports = site.ports().await?;
        let stop = CancellationToken::new();
        let mut daemons = JoinSet::new();
        let config = site.config()?;
        for name in NAMES {
            let with = Surroundings {
                // A daemon of its own has connections of its own.
                ports: site.ports_within(hasty()).await?,
                settings: config.settings.clone(),
                chance: Chance::fresh(),
                telemetry: Telemetry::off(),
                instance: name.into(),
            };
            daemons.spawn(agents::daemon(name, config.choreography.clone()).run(with, stop.clone()));
        }
        Ok(Stage { cloud, site, ports, stop, daemons })
    }

    /// After so long a daemon gives a call up.
    pub fn call_max(&self) -> Duration {
        CALL_MAX
    }

    /// So many goals at once, each to its good end.
    pub async fn goals_complete(&self, count: usize) -> anyhow::Result<Vec<Wish>> {
        let wishes: Vec<Wish> = (0..count).map(|n| Wish::new(&format!("goal-{n}"))).collect();
        for wish in &wishes {
            wish.send(&self.ports, &self.site.choreography).await?;
        }
        for wish in &wishes {
            completed(wish, &wish.end(&self.ports, GOAL_MAX).await?)?;
        }
        Ok(wishes)
    }

    /// Stops the daemons and checks what must hold of every run: one end a goal, one content an event, nothing left.
    pub async fn close(mut self, wishes: &[Wish]) -> anyhow::Result<()> {
        self.cloud.faults().clear();
        let told = self.witnessed().await?;
        self.stop.cancel();
        while let Some(ended) = self.daemons.join_next().await {
            ended??;
        }
        for wish in wishes {
            let ends = told.values().filter(|event| event.kind == GoalCompleted::TYPE && event.goal == wish.id());
            ensure!(ends.count() == 1, "{} was told more than one end, or none", wish.key);
        }
        for row in self.site.choreography.rows.iter().filter(|row| row.name != WITNESS) {
            for queue in [row.queue.clone(), row.queue.dead_letters()] {
                let left = self.ports.queue.receive(&queue, 10, Duration::ZERO, HIDDEN).await?;
                ensure!(left.is_empty(), "{queue} still holds {left:?}");
            }
        }
        self.cloud.stop().await;
        Ok(())
    }

    /// What the witness got, by id. Twice the same is at-least-once; twice another is a defect.
    async fn witnessed(&self) -> anyhow::Result<BTreeMap<EventId, Event>> {
        let queue = self.queue_of(&WITNESS)?;
        let mut told: BTreeMap<EventId, Event> = BTreeMap::new();
        loop {
            let some = self.ports.queue.receive(&queue, 10, QUIET, HIDDEN).await?;
            if some.is_empty() {
                return Ok(told);
            }
            for message in some {
                let wrapper: serde_json::Value = serde_json::from_str(&message.body)?;
                let event: Event = serde_json::from_value(wrapper["detail"].clone())?;
                let before = told.insert(event.id, event.clone());
                let same = before.is_none_or(|before| before.digest() == event.digest());
                ensure!(same, "{} was told with two contents", event.id);
            }
        }
    }

    pub fn queue_of(&self, row: &RowName) -> anyhow::Result<QueueName> {
        Ok(self.site.choreography.row(row).with_context(|| format!("no row {row}"))?.queue.clone())
    }

    /// The calls of that operation that ended so.
    pub fn calls(&self, operation: &str, ended: impl Fn(&Ending) -> bool) -> usize {
        let fits = |call: &&Operation| call.operation == operation && ended(&call.ending);
        self.cloud.operations(0).iter().filter(fits).count()
    }

    /// Every step of a goal, as the ledger has it.
    pub async fn steps(&self, wish: &Wish) -> anyhow::Result<Vec<Item>> {
        let story = self.ports.ledger.story(wish.id()).await?;
        Ok(story.into_iter().filter(|item| matches!(item.key.kind, ItemKind::Step { .. })).collect())
    }

    /// Everything that was received is deleted, long before it would be visible again.
    pub async fn nothing_stays_in_flight(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + DELETED_MAX;
        for row in self.site.choreography.rows.iter().filter(|row| row.name != WITNESS) {
            loop {
                let count = self.site.in_flight(&row.queue).await?;
                if count == 0 {
                    break;
                }
                ensure!(Instant::now() < deadline, "{} still has {count} messages in flight", row.queue);
                sleep(POLL).await;
            }
        }
        Ok(())
    }

    /// No step was ever taken over, and none waited for a lease.
    pub async fn nobody_took_over(&self, wishes: &[Wish]) -> anyhow::Result<()> {
        for wish in wishes {
            for step in self.steps(wish).await? {
                let epoch = step.number(&Attr::Epoch);
                ensure!(epoch == Some(1), "{} of {} has epoch {epoch:?}", step.key.sort(), wish.key);
            }
        }
        Ok(())
    }
}

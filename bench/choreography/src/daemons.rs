//! Owns what each agent's program costs before it works: its size, its start, and what it takes while it waits.
//! Never counts the preparing: the message waits before the process is started.
//! Next: bars stand here; `agent` starts, `figures::kernel` reads what the kernel says.

use std::time::Duration;

use anyhow::Context as _;
use contract::{Attributes, QueueName};
use figures::{Figure, Row, kernel};
use processes::{Wish, sample};
use runtime::ledger::{Attr, ItemKind};
use runtime::ports::Outbound;
use tokio::time::{Instant, sleep};

use crate::Flags;
use crate::agent::{AGENTS, Agent, Cast};
use crate::place::Place;

const GROUP: &str = "daemons";
const START_MAX_MS: f64 = 50.0;
const IDLE_MAX_MB: f64 = 15.0;
const IDLE_WITH_INDEX_MAX_MB: f64 = 40.0;
const IDLE_MAX_PERCENT: f64 = 0.5;
const BINARY_MAX_MB: f64 = 15.0;
const RESEARCH_BINARY_MAX_MB: f64 = 25.0;
const RECEIVE_MAX: Duration = Duration::from_secs(20);
const GOAL_MAX: Duration = Duration::from_secs(60);
/// Idle means: long after its start.
const SETTLED: Duration = Duration::from_secs(3);
/// More than one round of polls and sweeps.
const WATCHED: Duration = Duration::from_secs(25);

pub(crate) async fn measure(flags: &Flags, run: &mut figures::Run) -> anyhow::Result<()> {
    for name in AGENTS {
        let program = flags.programs.join(name);
        let most = if name == "research" { RESEARCH_BINARY_MAX_MB } else { BINARY_MAX_MB };
        let bytes = std::fs::metadata(&program).with_context(|| format!("{} is not built", program.display()))?.len();
        let row = Row::new(&format!("{GROUP}: programs"), name, "MB of program", vec![kernel::megabytes(bytes)]);
        run.add(row.at_most(Figure::Median, most));
    }
    starts(flags, run).await?;
    idle(flags, run).await?;
    with_an_index(flags, run).await
}

async fn starts(flags: &Flags, run: &mut figures::Run) -> anyhow::Result<()> {
    // What drains waits for its poll to end.
    let place = Place::with(&flags.programs, &[("MURMUR_RECEIVE_WAIT_S", "1")]).await?;
    let mut took_ms = AGENTS.map(|_| vec![]);
    for _ in 0..flags.repeats.max(10) {
        for (name, took_ms) in AGENTS.iter().zip(&mut took_ms) {
            took_ms.push(first_receive(flags, &place, name).await?.as_secs_f64() * 1e3);
        }
    }
    for (name, took_ms) in AGENTS.iter().zip(took_ms) {
        let row = Row::new(&format!("{GROUP}: exec to first receive"), *name, "ms", took_ms);
        run.add(row.at_most(Figure::Median, START_MAX_MS));
    }
    Ok(())
}

async fn first_receive(flags: &Flags, place: &Place, name: &str) -> anyhow::Result<Duration> {
    let queue = queue_of(place, name)?;
    // Nothing that is understood: it goes to the dead letters, and no work begins.
    let waiting = [Outbound { body: "{}".into(), attributes: Attributes::default(), group: None }];
    place.ports.queue.send(&queue, &waiting).await?.into_iter().collect::<Result<(), _>>()?;
    let before = place.operations.last().await?;
    let began = Instant::now();
    let agent = Agent::start(&flags.programs, place, name, Cast::Real, 0)?;
    let received = place.operations.wait_for(before, RECEIVE_MAX, |operation| {
        operation.operation == "ReceiveMessage" && operation.resource.as_deref() == Some(queue.as_str())
    });
    received.await.with_context(|| format!("{name} does not receive: {}", agent.told()))?;
    let took = began.elapsed();
    agent.drained().await?;
    Ok(took)
}

/// All four beside each other: they have nothing to say to one another.
async fn idle(flags: &Flags, run: &mut figures::Run) -> anyhow::Result<()> {
    let place = Place::open(&flags.programs).await?;
    let agents = Agent::four(&flags.programs, &place, Cast::Real).await?;
    sleep(SETTLED).await;
    let before = used(&agents)?;
    let began = Instant::now();
    sleep(WATCHED).await;
    let seconds = began.elapsed().as_secs_f64();
    let after = used(&agents)?;
    for (agent, (before, after)) in agents.iter().zip(before.into_iter().zip(after)) {
        let group = format!("{GROUP}: while idle");
        let memory = vec![kernel::resident_mb(agent.id()?)?];
        run.add(Row::new(&group, &agent.name, "MB", memory).at_most(Figure::Median, IDLE_MAX_MB));
        let percent = vec![(after - before) / seconds * 100.0];
        let row = Row::new(&group, &agent.name, "% of a core", percent).at_most(Figure::Median, IDLE_MAX_PERCENT);
        run.add(row.noting(format!("over {seconds:.0} s")));
    }
    Ok(())
}

fn used(agents: &[Agent]) -> anyhow::Result<Vec<f64>> {
    agents.iter().map(|agent| kernel::processor_s(agent.id()?)).collect()
}

/// After it has planned a goal and searched for each question.
async fn with_an_index(flags: &Flags, run: &mut figures::Run) -> anyhow::Result<()> {
    let place = Place::open(&flags.programs).await?;
    sample::ingest(&place.ports).await?;
    let mut research = Agent::start(&flags.programs, &place, "research", Cast::Real, 0)?;
    research.ready().await?;
    let wish = Wish::of("bench", sample::GOAL);
    wish.send(&place.ports, &place.site.choreography).await?;
    let deadline = Instant::now() + GOAL_MAX;
    loop {
        let items = place.ports.ledger.story(wish.id()).await?;
        let tasks = items.iter().filter(|item| {
            matches!(&item.key.kind, ItemKind::Step { row, .. } if row.as_str() == "research-tasks")
                && item.text(&Attr::State) == Some("committed")
        });
        if tasks.count() >= 3 {
            break;
        }
        anyhow::ensure!(Instant::now() < deadline, "no task was done: {}", wish.story(&place.ports).await);
        sleep(Duration::from_millis(100)).await;
    }
    sleep(SETTLED).await;
    let row = Row::new(
        &format!("{GROUP}: while idle"),
        "research, with an index open",
        "MB",
        vec![kernel::resident_mb(research.id()?)?],
    );
    run.add(row.at_most(Figure::Median, IDLE_WITH_INDEX_MAX_MB));
    Ok(())
}

fn queue_of(place: &Place, daemon: &str) -> anyhow::Result<QueueName> {
    let row = place.site.choreography.rows.iter().find(|row| row.name.as_str() == daemon);
    Ok(row.with_context(|| format!("no row {daemon}"))?.queue.clone())
}

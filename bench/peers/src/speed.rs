//! Owns one run of one contender at full load: messages per second, and processor time for each.
//! Never its start: the first tenth of the messages warms it up, and is not counted.
//! Next: `main` interleaves the runs.

use std::time::Duration;

use anyhow::ensure;
use contract::{QueueName, RowName};
use peers::hop::{Message, ROW};
use runtime::ledger::{Attr, ItemKey};
use tokio::time::{Instant, sleep};

use crate::contender::{BARE, Contender, LOGGING, OURS, Running};
use crate::ground::Ground;

const POLL: Duration = Duration::from_millis(5);
const RUN_MAX: Duration = Duration::from_secs(60);

pub(crate) struct Speed {
    pub(crate) messages_per_s: f64,
    pub(crate) cpu_us: f64,
}

/// The messages wait when it starts; their numbers begin at `first`.
pub(crate) async fn measure(ground: &Ground, contender: &Contender, first: u64) -> anyhow::Result<Speed> {
    let queue = contender.queue();
    let messages = ground.messages(first, contender.messages);
    let keeps_goals = matches!(contender.name, OURS | LOGGING | BARE);
    if keeps_goals {
        ground.accept(&messages).await?;
    }
    ground.queue_url(&queue).await?;
    ground.send(&queue, contender.format, &messages).await?;
    let all = u64::try_from(messages.len())?;
    let mut running = contender.start(ground).await?;
    let warm = published(ground, &mut running, all / 10).await?;
    let (cpu, began) = (running.cpu()?, Instant::now());
    published(ground, &mut running, all).await?;
    let took = began.elapsed();
    emptied(ground, &mut running, &queue).await?;
    let cpu = running.cpu()?.saturating_sub(cpu);
    running.stop().await?;
    ground.take_exactly(&messages).await?;
    if keeps_goals {
        committed(ground, &messages).await?;
    }
    let counted = (all - warm) as f64;
    Ok(Speed { messages_per_s: counted / took.as_secs_f64(), cpu_us: cpu.as_secs_f64() * 1e6 / counted })
}

/// How many there are, once there are so many.
async fn published(ground: &Ground, running: &mut Running, wanted: u64) -> anyhow::Result<u64> {
    let deadline = Instant::now() + RUN_MAX;
    loop {
        let done = ground.done().await?;
        if done >= wanted {
            return Ok(done);
        }
        running.lives()?;
        ensure!(Instant::now() < deadline, "{}: {done} of {wanted} events\n{}", running.name, running.told());
        sleep(POLL).await;
    }
}

/// The last deletes are part of the work.
async fn emptied(ground: &Ground, running: &mut Running, queue: &QueueName) -> anyhow::Result<()> {
    let deadline = Instant::now() + RUN_MAX;
    while ground.left(queue).await? > 0 {
        running.lives()?;
        ensure!(Instant::now() < deadline, "{} leaves messages in {queue}\n{}", running.name, running.told());
        sleep(POLL).await;
    }
    Ok(())
}

/// What the ledger tells of the last of them: the daemon and the bare loop leave the same.
async fn committed(ground: &Ground, messages: &[Message]) -> anyhow::Result<()> {
    if let Some(message) = messages.last() {
        let key = ItemKey::step(message.event.goal, &RowName::new(ROW), message.event.id);
        let item = ground.ports.ledger.read(&key).await?;
        let state = item.as_ref().and_then(|item| item.text(&Attr::State));
        ensure!(state == Some("committed"), "{item:?}");
    }
    Ok(())
}

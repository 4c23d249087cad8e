//! Owns the scene of two holders: one is frozen until its record has expired, a second takes over and ends, and the first
//! goes on. Shown with Powertools by its own script, and with the daemon by two processes of it.
//! Never a judgement by words alone: the record is read before the frozen holder goes on, and after.
//! Next: python/fencing.py; `runtime::ledger::step` has the conditions that refuse the late holder.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use contract::{Clock as _, RowName};
use nix::sys::signal::Signal;
use peers::hop::{FAILING, Message, ROW};
use runtime::ledger::{Attr, Item, ItemKey};
use runtime::ports::SystemClock;
use tokio::time::{Instant, sleep};

use crate::contender::{Programs, Running};
use crate::ground::Ground;
use crate::say;

const LEASE_S: u64 = 3;
/// Shorter than the lease: a holder that is not frozen is done in time.
const WORK_MS: u64 = 1_000;
const POLL: Duration = Duration::from_millis(20);
const WAIT_MAX: Duration = Duration::from_secs(30);

pub(crate) async fn show(programs: &Programs) -> anyhow::Result<()> {
    Box::pin(powertools(programs)).await?;
    for failing in [false, true] {
        Box::pin(daemon(programs, failing)).await?;
    }
    Ok(())
}

/// The script fails where it does not see both defects.
async fn powertools(programs: &Programs) -> anyhow::Result<()> {
    let ground = Ground::start(&programs.programs).await?;
    let mut script = programs.python("fencing", &["fencing.py"], 0).command(&ground).await?;
    let output = script.stdout(Stdio::piped()).stderr(Stdio::piped()).output().await?;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        say(line);
    }
    ensure!(output.status.success(), "fencing.py: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// The same with two daemons; `failing`: the late holder's handler ends with an error.
async fn daemon(programs: &Programs, failing: bool) -> anyhow::Result<()> {
    let ground = Ground::start(&programs.programs).await?;
    let second = programs.daemon().with("MURMUR_LOG", "info").with("MURMUR_SKEW_MARGIN_S", &1);
    let second = second.with("MURMUR_HOP_LEASE_S", &LEASE_S).with("MURMUR_HOP_STEP_DEADLINE_S", &30);
    // A lease must outlive a call with all its retries.
    let second = second.with("MURMUR_RETRY_ELAPSED_MAX_S", &1);
    let first = if failing { second.clone().with(FAILING, "yes") } else { second.clone() };
    say(&format!("murmuration, a late holder that {}:", if failing { "fails" } else { "succeeds" }));
    let message = [Message::of(1, WORK_MS, SystemClock.now())];
    ground.accept(&message).await?;
    let step = ItemKey::step(message[0].event.goal, &RowName::new(ROW), message[0].event.id);

    let mut first = first.start(&ground).await?;
    ground.send(&second.queue(), second.format, &message).await?;
    let claimed = until(&ground, &step, "claimed", &mut first).await?;
    first.signal(Signal::SIGSTOP)?;
    say(&format!("  A claims, and is frozen at work: {}", told(&claimed)));
    let mut winner = second.start(&ground).await?;
    until(&ground, &step, "committed", &mut winner).await?;
    let deadline = Instant::now() + WAIT_MAX;
    while ground.left(&second.queue()).await? > 0 {
        ensure!(Instant::now() < deadline, "the message is left: {}", winner.told());
        sleep(POLL).await;
    }
    let before = ground.ports.ledger.read(&step).await?.context("no step")?;
    say(&format!("  its lease expires; B takes over, commits, publishes and deletes: {}", told(&before)));

    first.signal(Signal::SIGCONT)?;
    let deadline = Instant::now() + WAIT_MAX;
    while !first.told().contains("a delivery ended") {
        ensure!(Instant::now() < deadline, "the late holder does not end: {}", first.told());
        sleep(POLL).await;
    }
    let after = ground.ports.ledger.read(&step).await?.context("no step")?;
    say(&format!("  A goes on, and {}", refused(&first)));
    ensure!(after == before, "the record changed: {}", told(&after));
    say("  the record is what it was, attribute by attribute");
    let mut events = 0;
    loop {
        match ground.take_done().await? {
            none if none.is_empty() => break,
            some => events += some.len(),
        }
    }
    ensure!(events == 1, "{events} events were published");
    say("  one event was published");
    first.stop().await?;
    winner.stop().await
}

async fn until(ground: &Ground, step: &ItemKey, state: &str, running: &mut Running) -> anyhow::Result<Item> {
    let deadline = Instant::now() + WAIT_MAX;
    loop {
        let item = ground.ports.ledger.read(step).await?;
        if let Some(item) = item.filter(|item| item.text(&Attr::State) == Some(state)) {
            return Ok(item);
        }
        running.lives()?;
        ensure!(Instant::now() < deadline, "it is never {state}: {}", running.told());
        sleep(POLL).await;
    }
}

fn told(item: &Item) -> String {
    let owner = item.text(&Attr::Owner).unwrap_or_default();
    let epoch = item.number(&Attr::Epoch).unwrap_or_default();
    format!("{}, epoch {epoch}, owner {owner:.8}…", item.text(&Attr::State).unwrap_or_default())
}

/// How its delivery ended, by its own log.
fn refused(late: &Running) -> String {
    let lines = late.told();
    let lines = lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let ended = lines.rev().find(|line| line["message"].as_str().is_some_and(|text| text.contains("a delivery ended")));
    let outcome = ended.map(|line| format!("outcome {}, settlement {}", line["outcome"], line["settlement"]));
    format!("its write is refused: {}", outcome.unwrap_or_default())
}

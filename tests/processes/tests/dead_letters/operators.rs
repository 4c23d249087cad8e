//! Who looks at dead letters: two operators at once, one who is stopped in the middle, one who mistypes.
//! Never two sends of one letter by two who act at the same time, and never a letter that stays hidden.
//! Next: `desk.rs` of `murmur` holds what is looked at.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use contract::Attributes;
use contract::attributes::GOAL_ID;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep};

use crate::desk::{ANALYSIS, Desk, RESEARCH};

const LETTERS: usize = 20;
const POLL: Duration = Duration::from_millis(20);
const SOON: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn two_operators_at_once_send_each_letter_once() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    for number in 0..LETTERS {
        let body = format!(r#"{{"goal": "goal {number}", "key": "key-{number}"}}"#);
        desk.put(&RESEARCH, &body, Attributes::default()).await?;
    }
    let redrive = || desk.json(&["dlq", "redrive", "--all", "--yes"]);
    let (one, other) = tokio::join!(redrive(), redrive());
    let sent = [one?.1, other?.1].map(|told| told["redriven"].as_u64().unwrap_or_default());
    let rest = redrive().await?.1["redriven"].as_u64().unwrap_or_default();
    assert_eq!(sent.iter().sum::<u64>() + rest, LETTERS as u64, "{sent:?} and then {rest}");
    let arrived = desk.received(&RESEARCH).await?;
    let goals: std::collections::BTreeSet<_> =
        arrived.iter().filter_map(|message| message.attributes.get(GOAL_ID)).collect();
    assert_eq!((arrived.len(), goals.len()), (LETTERS, LETTERS));
    desk.cloud.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_operator_holds_is_counted_and_not_shown() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    desk.parked("held", 0).await?;
    let held = desk.ports.queue.receive(&ANALYSIS.dead_letters(), 1, Duration::ZERO, SOON).await?;
    assert_eq!(held.len(), 1);
    let told = desk.listed().await?;
    assert_eq!((&told["letters"], &told["held_by_others"]), (&0.into(), &1.into()), "{told}");
    let missing = desk.murmur(&["dlq", "redrive", &held[0].message_id]).await?;
    assert_eq!(missing.status.code(), Some(2), "{missing:?}");
    assert!(String::from_utf8_lossy(&missing.stderr).contains("held by somebody"), "{missing:?}");
    desk.cloud.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_stopped_gives_everything_back() -> anyhow::Result<()> {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let desk = Desk::open().await?;
        desk.parked("stopped", 0).await?;
        let told = desk.listed().await?;
        let id = told["groups"][0]["letters"][0]["id"].as_str().context("an id")?;
        let (open, wait) = (desk.data.path().join("open"), desk.data.path().join("wait"));
        std::fs::write(&wait, "")?;
        let editor = desk.data.path().join("editor.sh");
        let script = format!("touch '{}'; while [ -e '{}' ]; do sleep 0.05; done", open.display(), wait.display());
        std::fs::write(&editor, script)?;
        let mut command = desk.command(&["dlq", "edit", id])?;
        let mut child = command.env("EDITOR", format!("sh {}", editor.display())).spawn()?;
        let until = Instant::now() + SOON;
        while !open.exists() {
            ensure!(Instant::now() < until, "the editor was not opened");
            sleep(POLL).await;
        }
        assert_eq!(desk.listed().await?["letters"], 0, "it is held while it is edited");
        kill(Pid::from_raw(i32::try_from(child.id().context("a process")?)?), signal)?;
        let ended = tokio::time::timeout(SOON, child.wait()).await??;
        assert_eq!(ended.code(), Some(1), "{signal}");
        assert_eq!(desk.listed().await?["letters"], 1, "{signal}: it is visible at once");
        std::fs::remove_file(wait)?;
        desk.cloud.stop().await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beginning_that_two_ids_share_is_a_question() -> anyhow::Result<()> {
    let desk = Desk::open().await?;
    for number in 0..17 {
        desk.put(&RESEARCH, &format!(r#"{{"goal": "{number}", "key": "k{number}"}}"#), Attributes::default()).await?;
    }
    let told = desk.listed().await?;
    let ids: Vec<&str> = told["groups"][0]["letters"]
        .as_array()
        .context("letters")?
        .iter()
        .filter_map(|one| one["id"].as_str())
        .collect();
    // Of seventeen ids two begin with the same digit.
    let shared = ids.iter().map(|id| &id[..1]).find(|start| ids.iter().filter(|id| id.starts_with(start)).count() > 1);
    let output = desk.murmur(&["dlq", "redrive", shared.context("a shared beginning")?]).await?;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let none = desk.murmur(&["dlq", "show", "zzz"]).await?;
    assert_eq!(none.status.code(), Some(2));
    let nothing = desk.murmur(&["dlq", "redrive"]).await?;
    assert_eq!(nothing.status.code(), Some(2));
    assert_eq!(desk.listed().await?["letters"], 17);
    desk.cloud.stop().await;
    Ok(())
}

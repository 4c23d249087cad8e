//! What murmur starts, keeps up and stops: each as a process that a test can kill.
//! Never a name to kill by: each by the id that `status` shows.
//! Next: `reaching`.

use anyhow::{Context as _, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use processes::sample;
use serde_json::Value;

use crate::shell::{Shell, lives, pids, process};

const AGENTS: [&str; 4] = ["research", "analysis", "writer", "recommendation"];

fn pid(status: &Value, name: &str) -> Option<i32> {
    i32::try_from(process(status, name)?["pid"].as_i64()?).ok()
}

fn is_up(status: &Value, name: &str) -> bool {
    process(status, name).is_some_and(|process| process["state"] == "up")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_agent_is_restarted_and_shown_and_down_leaves_nothing_running() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.does(&["up", "--detach", "--agents", "research=2,writer=0"]).await?;
    let before = shell.status().await?;
    for name in ["stand-in", "research", "research-2", "analysis", "recommendation"] {
        ensure!(is_up(&before, name), "{name} is not up: {before:#}");
    }
    ensure!(process(&before, "writer").is_none(), "{before:#}");
    ensure!(before["queues"].as_array().is_some_and(|queues| queues.len() >= 5), "{before:#}");

    let killed = pid(&before, "research-2").context("research-2 has no pid")?;
    kill(Pid::from_raw(killed), Signal::SIGKILL)?;
    let again = |status: &Value| is_up(status, "research-2") && pid(status, "research-2") != Some(killed);
    let after = shell.status_until(again).await?;
    let line = process(&after, "research-2").context("research-2 is not shown")?;
    ensure!(line["restarts"] == 1 && line["last_end"] == "SIGKILL", "{line:#}");

    let killed = pid(&after, "stand-in").context("the stand-in has no pid")?;
    kill(Pid::from_raw(killed), Signal::SIGKILL)?;
    let again = |status: &Value| is_up(status, "stand-in") && pid(status, "stand-in") != Some(killed);
    let after = shell.status_until(again).await?;
    ensure!(after["server"] == before["server"], "the agents have another address: {after:#}");

    shell.does(&["down"]).await?;
    for pid in pids(&before).into_iter().chain(pids(&after)) {
        ensure!(!lives(pid), "process {pid} still runs");
    }
    ensure!(pids(&shell.status().await?).is_empty());
    ensure!(shell.does(&["down"]).await?.out.contains("nothing runs"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_up_is_told_who_holds_the_directory_and_the_first_lives_on() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.does(&["up", "--detach"]).await?;
    let keeper = shell.status().await?["keeper"].clone();
    for second in [&["up"][..], &["up", "--detach"]] {
        shell.types(second).await?.refuses(1, &["murmur up", &keeper.to_string(), "murmur down", "--data"])?;
    }
    let status = shell.status().await?;
    ensure!(status["keeper"] == keeper && AGENTS.iter().all(|agent| is_up(&status, agent)), "{status:#}");
    shell.does(&["down"]).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_up_leaves_is_stopped_by_down() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.does(&["up", "--detach"]).await?;
    let before = shell.status().await?;
    let keeper = i32::try_from(before["keeper"].as_i64().context("nobody keeps it")?)?;
    kill(Pid::from_raw(keeper), Signal::SIGKILL)?;
    let said = shell.does(&["down", "--json"]).await?.document()?;
    ensure!(said["stopped"].as_array().is_some_and(|stopped| stopped.len() == 5), "{said:#}");
    for pid in pids(&before) {
        ensure!(!lives(pid), "process {pid} still runs");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_refuses_its_settings_ends_up_with_its_reason() -> anyhow::Result<()> {
    let shell = Shell::new()?.with("MURMUR_RULES", "/nowhere/rules.toml");
    for command in [&["up"][..], &["up", "--detach"]] {
        shell.types(command).await?.refuses(64, &["recommendation", "/nowhere/rules.toml"])?;
        ensure!(pids(&shell.status().await?).is_empty());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_starts_the_stand_in_for_its_own_duration() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    let sources = sample::folder().display().to_string();
    shell.does(&["ingest", &sources]).await?;
    ensure!(pids(&shell.status().await?).is_empty(), "the stand-in outlives its one user");
    ensure!(!shell.data().join("stand-in.json").exists());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_commands_at_once_share_one_stand_in_and_the_last_stops_it() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    let command = ["provision", "--dry-run", "--json"];
    let all = tokio::join!(shell.does(&command), shell.does(&command), shell.does(&command), shell.does(&command));
    let servers = [all.0?.document()?, all.1?.document()?, all.2?.document()?, all.3?.document()?];
    ensure!(servers.iter().all(|said| said["server"].as_str().is_some_and(|name| name.contains("127.0.0.1"))));
    ensure!(pids(&shell.status().await?).is_empty(), "somebody left the stand-in running");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_leaves_a_report_and_nothing_else_and_what_ran_before_runs_on() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    let sources = sample::folder().display().to_string();
    let run = ["run", sample::GOAL, "--sources", &sources, "--json", "--out", "alone"];
    let said = shell.does(&run).await?.document()?;
    ensure!(said["end"] == "goal.completed" && said["spent"]["tokens"] == 0, "{said:#}");
    ensure!(said["next"].as_str().is_some_and(|next| next.starts_with("murmur explain ")), "{said:#}");
    for file in ["report.md", "report.html", "recommendations.json", "run.html"] {
        ensure!(shell.home().join("alone").join(file).is_file(), "no {file}: {said:#}");
    }
    ensure!(pids(&shell.status().await?).is_empty(), "the run left processes");

    shell.does(&["up", "--detach"]).await?;
    let before = shell.status().await?;
    let said = shell.does(&["run", sample::GOAL, "--sources", &sources, "--out", "beside"]).await?;
    ensure!(said.out.contains("# ") && said.err.contains("next: murmur explain"), "{said:?}");
    let after = shell.status().await?;
    ensure!(pids(&before) == pids(&after), "{before:#} became {after:#}");
    shell.does(&["down"]).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_up_in_the_foreground_drains_when_it_is_told_to_stop() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    let up = shell.start(&["up", "--json"])?;
    let keeper = up.id().context("it ended at once")?;
    let status = shell.status_until(|status| AGENTS.iter().all(|agent| is_up(status, agent))).await?;
    kill(Pid::from_raw(i32::try_from(keeper)?), Signal::SIGINT)?;
    let ended = up.wait_with_output().await?;
    ensure!(ended.status.code() == Some(0), "{ended:?}");
    let first =
        String::from_utf8(ended.stdout)?.lines().next().map(serde_json::from_str::<Value>).context("silent")??;
    ensure!(first["event"] == "ready" && first["agents"].as_array().is_some_and(|agents| agents.len() == 4), "{first}");
    for pid in pids(&status) {
        ensure!(!lives(pid), "process {pid} still runs");
    }
    Ok(())
}

//! A goal that fails in a real process, explained by the real `murmur`: who, why, each attempt, the dead letter, the way on.
//! Never a story made by hand: four agents as processes, one of them fails whatever it does.
//! Next: `murmur dlq redrive`, which the story names.

use std::process::Output;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use contract::RunStory;
use contract::story::{AttemptEnd, Standing, StepState};
use contract::{CauseKind, GoalId};
use embedded_cloud::{EmbeddedCloud, Options};
use processes::agents::{IN_VAIN, NONSENSE};
use processes::{Flock, Site, Wish, built};
use runtime::ledger::{Attr, ItemKind};
use runtime::ports::Ports;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

const PARKED_MAX: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

/// What the program says, in this site.
async fn murmur(site: &Site, endpoint: &str, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut command = Command::new(built("murmur")?);
    command.env_clear().envs(site.environment()).args(["--endpoint", endpoint]).args(arguments);
    Ok(command.output().await?)
}

fn text(output: &Output) -> anyhow::Result<String> {
    let said = String::from_utf8(output.stdout.clone())?;
    ensure!(output.status.success(), "{:?}: {said}{}", output.status, String::from_utf8_lossy(&output.stderr));
    Ok(said)
}

async fn until_parked(wish: &Wish, ports: &Ports) -> anyhow::Result<()> {
    let deadline = Instant::now() + PARKED_MAX;
    loop {
        let story = ports.ledger.story(wish.id()).await?;
        let parked = story.iter().any(|item| {
            matches!(&item.key.kind, ItemKind::Step { row, .. } if row.as_str() == "analysis")
                && item.number(&Attr::DeadLettered) == Some(1)
        });
        if parked {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "the analysis has not given up: {}", wish.story(ports).await);
        sleep(POLL).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goal_that_failed_in_the_analysis_is_explained_from_the_ledger_alone() -> anyhow::Result<()> {
    let cloud = EmbeddedCloud::start(Options::in_memory()).await?;
    let site = Site::at(cloud.endpoint())?.and("MURMUR_TRACE_URL", "http://jaeger.example/trace/{trace}");
    let site = site.and("MURMUR_ANALYSIS_ATTEMPTS_MAX", "2");
    site.provision().await?;
    let ports = site.ports().await?;
    let flock = Flock::start(&site).await?;
    let wish = Wish::of("explained", &format!("a goal {IN_VAIN}"));
    wish.send(&ports, &site.choreography).await?;
    until_parked(&wish, &ports).await?;
    let id = wish.id().to_string();
    let ask = |arguments: Vec<&'static str>| {
        let (site, id) = (&site, id.clone());
        let endpoint = cloud.endpoint().to_owned();
        async move {
            let arguments: Vec<&str> = [vec!["explain", id.as_str()], arguments].concat();
            text(&murmur(site, &endpoint, &arguments).await?)
        }
    };
    let story: RunStory = serde_json::from_str(&ask(vec!["--json"]).await?)?;
    names_the_failure(&story, wish.id())?;
    let shown = ask(vec![]).await?;
    for wanted in ["analysis gave up at attempt 2 of 2", "murmur-analysis-dlq", &story.next[0], "attempt 1 failed"] {
        ensure!(shown.contains(wanted), "{wanted} is not in\n{shown}");
    }
    ensure!(!shown.contains('\u{1b}'), "colours, and no terminal: {shown}");
    let page = ask(vec!["--format", "html"]).await?;
    ensure!(page.starts_with("<!doctype html>") && page.contains(&redrive(wish.id())), "{page}");
    ensure!(ask(vec!["--format", "mermaid"]).await?.starts_with("sequenceDiagram\n"));
    let trace = text(&murmur(&site, cloud.endpoint(), &["trace", &id]).await?)?;
    ensure!(trace.contains(&format!("http://jaeger.example/trace/{}", story.goal.trace)), "{trace}");
    let goal = text(&murmur(&site, cloud.endpoint(), &["goal", "show", &id]).await?)?;
    ensure!(goal.contains(&wish.words) && goal.contains("stalled"), "{goal}");
    flock.drain().await?;
    cloud.stop().await;
    Ok(())
}

fn redrive(id: GoalId) -> String {
    format!("murmur dlq redrive --all --goal {id}")
}

fn names_the_failure(story: &RunStory, id: GoalId) -> anyhow::Result<()> {
    ensure!(story.standing == Standing::Stalled, "{story:#?}");
    let trouble = story.trouble.as_ref().context("no trouble")?;
    ensure!(trouble.agent.as_str() == "analysis" && !trouble.optional, "{trouble:?}");
    ensure!(trouble.cause.kind == CauseKind::AttemptsExhausted && trouble.attempts == 2, "{trouble:?}");
    ensure!(trouble.dead_letter.queue.as_str() == "murmur-analysis-dlq" && trouble.dead_letter.sent, "{trouble:?}");
    // As it was reached now, so that it can be typed as it stands.
    ensure!(story.next[0].starts_with(&format!("{} --endpoint http://127.0.0.1:", redrive(id))), "{:?}", story.next);
    let analysis = story.step(&trouble.row, trouble.event).context("no analysis")?;
    ensure!(analysis.state == StepState::Parked, "{analysis:?}");
    let tried: Vec<_> = analysis.attempts.iter().filter(|attempt| attempt.number.is_some()).collect();
    ensure!(tried.len() == 2, "{analysis:?}");
    for attempt in tried {
        ensure!(attempt.end == AttemptEnd::Failed && attempt.why.as_deref() == Some(NONSENSE), "{attempt:?}");
        ensure!(attempt.holder.starts_with("analysis@"), "{attempt:?}");
    }
    ensure!(story.gaps.is_empty(), "{:?}", story.gaps);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goal_that_does_not_exist_is_said_not_to_with_what_to_do() -> anyhow::Result<()> {
    let cloud = EmbeddedCloud::start(Options::in_memory()).await?;
    let site = Site::at(cloud.endpoint())?;
    site.provision().await?;
    let nobody = Wish::new("nobody sent this").id().to_string();
    for command in [vec!["explain"], vec!["trace"], vec!["goal", "show"]] {
        let arguments: Vec<&str> = [command.clone(), vec![nobody.as_str()]].concat();
        let said = murmur(&site, cloud.endpoint(), &arguments).await?;
        let why = String::from_utf8_lossy(&said.stderr).into_owned();
        ensure!(
            said.status.code() == Some(1) && why.contains("murmur goal list"),
            "{command:?}: {:?} {why}",
            said.status
        );
    }
    cloud.stop().await;
    Ok(())
}

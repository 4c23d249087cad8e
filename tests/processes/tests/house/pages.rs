//! What murmur prints without a server: the choreography, the manual, completions; and to whom it prints.
//! Never a data directory made for it.
//! Next: nobody.

use anyhow::{Context as _, ensure};

use crate::shell::Shell;

#[tokio::test(flavor = "multi_thread")]
async fn the_choreography_is_printed_in_every_form() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    ensure!(shell.does(&["topology"]).await?.out.starts_with("flowchart"));
    let asyncapi = shell.does(&["topology", "--format", "asyncapi"]).await?.document()?;
    ensure!(asyncapi["asyncapi"] == "3.0.0");
    let iam = ["topology", "--format", "iam", "--account", "123456789012", "--region", "cn-north-1"];
    let policies = shell.does(&iam).await?.document()?;
    ensure!(policies["writer"].to_string().contains("arn:aws-cn:sqs:cn-north-1:123456789012:"), "{policies:#}");
    let table = shell.does(&["topology", "--json"]).await?.document()?;
    ensure!(table["rows"].as_array().is_some_and(|rows| rows.len() == 5), "{table:#}");
    ensure!(!shell.data().exists(), "a data directory was made for it");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_has_a_page_and_an_example() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.does(&["man", "--out", "pages"]).await?;
    for command in ["up", "down", "status", "run", "ingest", "topology", "provision", "doctor", "completions", "man"] {
        ensure!(shell.home().join(format!("pages/murmur-{command}.1")).is_file(), "no page of {command}");
        let help = shell.does(&[command, "--help"]).await?.out;
        ensure!(help.contains("Example") && help.contains("--json"), "{help}");
    }
    ensure!(shell.does(&["man"]).await?.out.contains(".TH murmur 1"));
    for name in ["bash", "zsh", "fish"] {
        ensure!(shell.does(&["completions", name]).await?.out.contains("provision"));
    }
    shell.types(&["completions", "no-shell"]).await?.refuses(2, &["no-shell"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_is_no_failure() -> anyhow::Result<()> {
    let shell = Shell::new()?;
    for command in [&["topology"][..], &["man"], &["completions", "bash"], &["status"], &["doctor"]] {
        let mut child = shell.start(command)?;
        drop(child.stdout.take());
        let ended = child.wait_with_output().await?;
        let said = String::from_utf8(ended.stderr).context("no text")?;
        ensure!(ended.status.code() == Some(0) && !said.contains("panicked"), "{command:?}: {:?} {said}", ended.status);
    }
    Ok(())
}

//! Owns one start: from exec until a message that was waiting has been received.
//! Never counts the preparing: the message waits before the process is started.
//! Next: `main` takes the median of many.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{bail, ensure};
use contract::{Attributes, QueueName};
use embedded_cloud::EmbeddedCloud;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use processes::Site;
use runtime::ports::{Outbound, Ports};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

const RECEIVE_MAX: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_micros(200);

pub(crate) async fn first_receive(
    program: &Path,
    site: &Site,
    cloud: &EmbeddedCloud,
    ports: &Ports,
    queue: &QueueName,
) -> anyhow::Result<Duration> {
    // Nothing that is understood: it goes to the dead letters, and no work begins.
    let waiting = [Outbound { body: "{}".into(), attributes: Attributes::default(), group: None }];
    for sent in ports.queue.send(queue, &waiting).await? {
        sent?;
    }
    let before = cloud.operations_count();
    let began = Instant::now();
    let mut child = started(program, site)?;
    let took = loop {
        let received = cloud.operations(before).into_iter().any(|operation| {
            operation.operation == "ReceiveMessage" && operation.resource.as_deref() == Some(queue.as_str())
        });
        if received {
            break began.elapsed();
        }
        if began.elapsed() > RECEIVE_MAX || child.try_wait()?.is_some() {
            bail!("{} does not receive from {queue}", program.display());
        }
        sleep(POLL).await;
    };
    stopped(child).await?;
    Ok(took)
}

pub(crate) fn started(program: &Path, site: &Site) -> anyhow::Result<Child> {
    let mut command = Command::new(program);
    command.env_clear().envs(site.environment()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command.kill_on_drop(true).spawn()?)
}

pub(crate) async fn stopped(mut child: Child) -> anyhow::Result<()> {
    if let Some(id) = child.id() {
        kill(Pid::from_raw(i32::try_from(id)?), Signal::SIGTERM)?;
    }
    let ended = tokio::time::timeout(Duration::from_secs(45), child.wait()).await??;
    ensure!(ended.success(), "ended with {ended}");
    Ok(())
}

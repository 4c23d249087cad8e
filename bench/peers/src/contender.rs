//! Owns who takes part, and each one's process: how it is started, what processor time it used, how it ends.
//! Never what it does: that is in `bin/`, `python/` and `node/`.
//! Next: `speed` and `slow` start them on a `Ground`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use contract::QueueName;
use nix::sys::signal::{Signal, kill, killpg};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use peers::hop::{Message, ROW};
use serde_json::json;
use tokio::process::{Child, Command};

use crate::ground::{Ground, TABLE};

const END_MAX: Duration = Duration::from_secs(15);

/// What is in a contender's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// An event in EventBridge's wrapper.
    Wrapped,
    /// A task, as Celery spells it, whose argument is that event.
    Celery,
}

impl Format {
    pub(crate) fn body(self, queue: &QueueName, message: &Message) -> String {
        if self == Format::Wrapped {
            return message.body();
        }
        let id = message.event.id.to_string();
        let none = json!({ "callbacks": null, "errbacks": null, "chain": null, "chord": null });
        let arguments = json!([[&message.event], {}, none]).to_string();
        let task = json!({
            "body": STANDARD.encode(arguments),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {
                "lang": "py", "task": ROW, "id": id, "root_id": id, "parent_id": null, "group": null,
                "shadow": null, "eta": null, "expires": null, "retries": 0, "timelimit": [null, null],
                "argsrepr": "()", "kwargsrepr": "{}", "origin": "bench", "ignore_result": true,
            },
            "properties": {
                "correlation_id": id, "reply_to": id, "delivery_mode": 2, "priority": 0,
                "delivery_info": { "exchange": "", "routing_key": queue }, "body_encoding": "base64",
                "delivery_tag": id,
            },
        });
        STANDARD.encode(task.to_string())
    }
}

/// Who takes part.
#[derive(Clone, Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) format: Format,
    /// Of one run; the first tenth of them warms up.
    pub(crate) messages: usize,
    program: PathBuf,
    arguments: Vec<String>,
    folder: Option<PathBuf>,
    environment: Vec<(&'static str, String)>,
}

/// Where the programs of all of them are.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Programs {
    /// The folder with the Rust programs
    #[arg(long, value_name = "DIR")]
    pub(crate) programs: PathBuf,
    /// A Python that has the requirements of python/
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) python: PathBuf,
    /// The folder of this bench, with python/ and node/
    #[arg(long, value_name = "DIR")]
    pub(crate) sources: PathBuf,
    /// The folder that holds the installed Node packages
    #[arg(long, value_name = "DIR")]
    pub(crate) node: PathBuf,
    /// Messages at work at the same time in the daemon and in the bare loop
    #[arg(long, default_value_t = 100)]
    pub(crate) concurrency: usize,
}

/// The daemon, first of all.
pub(crate) const OURS: &str = "murmuration";
/// The same daemon with a log line for every delivery.
pub(crate) const LOGGING: &str = "murmuration, log at info";
pub(crate) const BARE: &str = "bare Rust loop";
pub(crate) const BOTO3: &str = "boto3 loop";
/// Those that the daemon must be faster than.
pub(crate) const PEERS: [&str; 6] =
    [BOTO3, "Celery", "Celery, threads", "sqs-consumer", "sqs-consumer, batches", "Powertools"];

impl Programs {
    pub(crate) fn daemon(&self) -> Contender {
        self.rust(OURS, ROW, vec![]).with("MURMUR_HOP_CONCURRENCY", &self.concurrency).with("MURMUR_LOG", "warn")
    }

    pub(crate) fn contenders(&self) -> Vec<Contender> {
        let loops = vec!["--loops".into(), (self.concurrency / 10).max(1).to_string()];
        vec![
            self.daemon(),
            self.rust(BARE, "bare-loop", loops),
            Contender { name: LOGGING, ..self.daemon() }.with("MURMUR_LOG", "info"),
            self.python(BOTO3, &["loop.py"], 800),
            self.celery("Celery", "prefork", 2),
            self.celery("Celery, threads", "threads", 10),
            self.node("sqs-consumer", "each"),
            self.node("sqs-consumer, batches", "batch"),
            self.python("Powertools", &["powertools.py"], 600),
        ]
    }

    fn rust(&self, name: &'static str, program: &str, arguments: Vec<String>) -> Contender {
        Contender {
            name,
            format: Format::Wrapped,
            messages: 4_000,
            program: self.programs.join(program),
            arguments,
            folder: None,
            environment: vec![],
        }
    }

    pub(crate) fn python(&self, name: &'static str, arguments: &[&str], messages: usize) -> Contender {
        let (program, folder) = (self.python.clone(), Some(self.sources.join("python")));
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let environment = vec![("PYTHONDONTWRITEBYTECODE", "1".into()), ("PYTHONUNBUFFERED", "1".into())];
        Contender { name, format: Format::Wrapped, messages, program, arguments, folder, environment }
    }

    fn celery(&self, name: &'static str, pool: &str, concurrency: usize) -> Contender {
        let worker = "-m celery -A celery_app worker --loglevel WARNING --without-gossip --without-mingle";
        let at_once = concurrency.to_string();
        let arguments: Vec<&str> = worker.split(' ').chain(["--pool", pool, "--concurrency", &at_once]).collect();
        let celery = Contender { format: Format::Celery, ..self.python(name, &arguments, 400) };
        celery.with("PEERS_THREADS", &concurrency)
    }

    fn node(&self, name: &'static str, mode: &str) -> Contender {
        Contender {
            name,
            format: Format::Wrapped,
            messages: 1_500,
            program: "node".into(),
            arguments: vec!["consumer.mjs".into(), mode.into()],
            folder: Some(self.node.clone()),
            environment: vec![("NODE_ENV", "production".into()), ("NODE_NO_WARNINGS", "1".into())],
        }
    }
}

impl Contender {
    pub(crate) fn with(mut self, name: &'static str, value: &(impl ToString + ?Sized)) -> Contender {
        self.environment.push((name, value.to_string()));
        self
    }

    /// The daemon has the queue that its row names; everybody else one of his own.
    pub(crate) fn queue(&self) -> QueueName {
        match self.name {
            OURS => format!("murmur-{ROW}").into(),
            LOGGING => Contender::queue(&Contender { name: OURS, ..self.clone() }),
            name => format!("peers-{}", name.to_lowercase().replace(", ", "-").replace(' ', "-")).into(),
        }
    }

    /// With the environment that it finds its places in, and nothing of ours.
    pub(crate) async fn command(&self, ground: &Ground) -> anyhow::Result<Command> {
        let queue_url = ground.queue_url(&self.queue()).await?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear().stdin(Stdio::null()).process_group(0).kill_on_drop(true);
        if self.name == BARE {
            command.args(["--queue-url", &queue_url, "--table", &ground.ledger()?, "--bus", &ground.bus()?]);
        }
        let ours = matches!(self.name, OURS | LOGGING);
        let known = ground.site.environment().iter().filter(|(name, _)| ours || !name.starts_with("MURMUR_"));
        command.envs(known).env("AWS_DEFAULT_REGION", "us-east-1");
        command.envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "HOME"));
        if !ours {
            command.env("PEERS_QUEUE_URL", queue_url).env("PEERS_TABLE", TABLE).env("PEERS_BUS", ground.bus()?);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        Ok(command)
    }

    pub(crate) async fn start(&self, ground: &Ground) -> anyhow::Result<Running> {
        let mut command = self.command(ground).await?;
        let log = ground.log(&self.queue());
        let out = File::create(&log)?;
        let child = command.stdout(out.try_clone()?).stderr(out).spawn();
        let child = child.with_context(|| self.program.display().to_string())?;
        Ok(Running { name: self.name, child, log })
    }
}

/// A contender at work. Ends with its children.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Running {
    pub(crate) fn id(&self) -> anyhow::Result<Pid> {
        let id = self.child.id().with_context(|| format!("{} has ended:\n{}", self.name, self.told()))?;
        Ok(Pid::from_raw(i32::try_from(id)?))
    }

    /// User and system time of the process and all below it, to the nanosecond.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let mut all = vec![self.id()?];
        let parents = parents();
        let mut at = 0;
        while let Some(of) = all.get(at).copied() {
            all.extend(parents.iter().filter(|(_, parent)| *parent == of).map(|(id, _)| *id));
            at += 1;
        }
        let used = |id: Pid| anyhow::Ok(Duration::from(clock_gettime(clock_getcpuclockid(id)?)?));
        all.into_iter().map(used).sum()
    }

    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        Ok(kill(self.id()?, signal)?)
    }

    /// Whether it lives; if not, what it said.
    pub(crate) fn lives(&mut self) -> anyhow::Result<()> {
        if let Some(ended) = self.child.try_wait()? {
            bail!("{} ended with {ended}:\n{}", self.name, self.told());
        }
        Ok(())
    }

    /// SIGTERM; what does not end by that is killed, and so is everything below it.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let id = self.id()?;
        kill(id, Signal::SIGTERM)?;
        if tokio::time::timeout(END_MAX, self.child.wait()).await.is_err() {
            // Nobody is left in the group where this fails.
            let _ = killpg(id, Signal::SIGKILL);
            self.child.wait().await?;
        }
        Ok(())
    }

    /// The end of what it has said.
    pub(crate) fn told(&self) -> String {
        let all = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&all[all.len().saturating_sub(4_000)..]).into_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok()) {
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
    }
}

/// Every process of this machine, with its parent.
fn parents() -> Vec<(Pid, Pid)> {
    let folders = std::fs::read_dir(Path::new("/proc")).into_iter().flatten().flatten();
    let parent = |id: i32| -> Option<Pid> {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name in parentheses may hold spaces.
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok().map(Pid::from_raw)
    };
    let ids = folders.filter_map(|folder| folder.file_name().to_str()?.parse::<i32>().ok());
    ids.filter_map(|id| Some((Pid::from_raw(id), parent(id)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::UnixMs;
    use serde_json::Value;

    #[test]
    fn a_task_of_celery_holds_the_whole_event() {
        let message = Message::of(3, 0, UnixMs(1_795_000_000_000));
        let body = Format::Celery.body(&"q".into(), &message);
        let task: Value = serde_json::from_slice(&STANDARD.decode(body).unwrap()).unwrap();
        let arguments: Value =
            serde_json::from_slice(&STANDARD.decode(task["body"].as_str().unwrap()).unwrap()).unwrap();
        assert_eq!(arguments[0][0]["data"]["number"], 3);
    }

    #[test]
    fn this_process_has_used_processor_time_and_has_a_parent() {
        let me = Pid::this();
        assert!(parents().contains(&(me, Pid::parent())));
        assert!(Duration::from(clock_gettime(clock_getcpuclockid(me).unwrap()).unwrap()) > Duration::ZERO);
    }
}

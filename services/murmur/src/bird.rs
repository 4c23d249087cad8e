//! Owns one agent as a process: started, watched until it receives, started again with a growing pause when it ends.
//! Never a name to end it by: only the id that it was started with.
//! Next: an agent's own `main`; `flock` has all of them.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::house::{House, last_lines};
use crate::kept::{Noted, State};
use crate::process::Process;
use crate::standin::beside;
use crate::{logs, surroundings};

/// What an agent logs once it is at work.
const AT_WORK: &str = "receiving";
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Whoever lived so long crashed for another reason than the last time.
const SOUND_AFTER: Duration = Duration::from_secs(60);
const LINES_OF_A_CRASH: usize = 6;

pub(crate) struct Bird {
    environment: BTreeMap<String, String>,
    pub(crate) noted: Noted,
    child: Option<Child>,
    /// How long its log was before.
    log_from: u64,
    since: Instant,
    pause: Duration,
}

/// What became of it since somebody looked last.
pub(crate) enum Happened {
    Nothing,
    CameUp,
    Ended { how: String, said: String, code: Option<i32>, again_in: Duration },
    DidNotStart { why: String, again_in: Duration },
}

impl Bird {
    pub(crate) fn start(
        agent: &str,
        name: String,
        house: &House,
        all: &BTreeMap<String, String>,
    ) -> anyhow::Result<Bird> {
        let log = house.log(&name);
        let agent = agent.to_owned();
        let noted = Noted { name, agent, state: State::Starting, process: None, restarts: 0, last_end: None, log };
        let environment = surroundings::for_agent(&noted.agent, all.clone());
        let (log_from, since) = (0, Instant::now());
        let mut bird = Bird { environment, noted, child: None, log_from, since, pause: FIRST_PAUSE };
        bird.hatch()?;
        Ok(bird)
    }

    fn hatch(&mut self) -> anyhow::Result<()> {
        logs::bound(&self.noted.log)?;
        let log = OpenOptions::new().create(true).append(true).open(&self.noted.log)?;
        self.log_from = log.metadata()?.len();
        let child = launched(&self.noted.agent, &self.environment, log)?;
        self.noted.process = child.id().and_then(Process::of);
        self.noted.state = State::Starting;
        self.since = Instant::now();
        self.child = Some(child);
        Ok(())
    }

    pub(crate) fn look(&mut self) -> Happened {
        match (&mut self.child, self.noted.state) {
            (None, _) if self.since.elapsed() < self.pause => Happened::Nothing,
            (None, _) => {
                self.noted.restarts += 1;
                match self.hatch() {
                    Ok(()) => Happened::Nothing,
                    Err(why) => Happened::DidNotStart { why: format!("{why:#}"), again_in: self.rest() },
                }
            }
            (Some(child), state) => match child.try_wait() {
                Ok(Some(status)) => self.ended(status),
                _ if state == State::Starting && self.said().contains(AT_WORK) => {
                    self.noted.state = State::Up;
                    Happened::CameUp
                }
                _ => Happened::Nothing,
            },
        }
    }

    fn ended(&mut self, status: ExitStatus) -> Happened {
        let how = told(status);
        if self.since.elapsed() >= SOUND_AFTER {
            self.pause = FIRST_PAUSE;
        }
        self.noted.last_end = Some(how.clone());
        let said = last_lines(&self.noted.log, self.log_from, LINES_OF_A_CRASH);
        Happened::Ended { how, said, code: status.code(), again_in: self.rest() }
    }

    /// Before it is started again; the next time for longer.
    fn rest(&mut self) -> Duration {
        let pause = self.pause;
        self.child = None;
        self.noted.process = None;
        self.noted.state = State::Waiting;
        self.since = Instant::now();
        self.pause = (pause * 2).min(PAUSE_MAX);
        pause
    }

    /// Since it was started the last time.
    fn said(&self) -> String {
        last_lines(&self.noted.log, self.log_from, usize::MAX)
    }

    /// Only of one that is up: until then its log is what says whether it comes up.
    pub(crate) fn bound_log(&mut self) -> std::io::Result<()> {
        if self.is_up() && logs::bound(&self.noted.log)? {
            self.log_from = 0;
        }
        Ok(())
    }

    pub(crate) fn is_up(&self) -> bool {
        self.noted.state == State::Up
    }

    /// It ends what it has at work, or gives it back.
    pub(crate) fn drain(&self) {
        if let Some(process) = &self.noted.process {
            process.signal(Signal::SIGTERM);
        }
    }

    /// Whether it ended in time; one that did not is killed.
    pub(crate) async fn is_gone_within(&mut self, most: Duration) -> bool {
        let Some(mut child) = self.child.take() else { return true };
        if tokio::time::timeout(most, child.wait()).await.is_ok() {
            return true;
        }
        // Nothing is lost: what it held comes back to the queue when its lease ends.
        let _ = child.kill().await;
        false
    }
}

fn launched(agent: &str, environment: &BTreeMap<String, String>, log: File) -> anyhow::Result<Child> {
    let mut command = Command::new(beside(agent)?);
    command.env_clear().envs(environment).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    // In a group of its own: Ctrl-C is for murmur, which then lets everything end in order.
    command.process_group(0).kill_on_drop(true);
    command.spawn().with_context(|| format!("{agent} does not start"))
}

fn told(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => match Signal::try_from(signal) {
            Ok(signal) => signal.to_string(),
            Err(_) => format!("signal {signal}"),
        },
        (None, None) => "it ended".into(),
    }
}

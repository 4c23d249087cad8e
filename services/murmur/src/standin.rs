//! Owns the data directory's stand-in for AWS: found where one runs, started where none does, stopped by its last user.
//! Never a stand-in whose address and process are not both the noted ones, and never two over one directory. Never
//! stopped under somebody else who uses it.
//! Next: `reach` asks it, `flock` starts agents beside it.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::health::{self, PATIENCE, Patience, Pulse};
use crate::house::{House, Lock, last_lines};
use crate::kept::{Kept, STANDIN};
use crate::logs;
use crate::process::Process;
use crate::screen::Screen;

const PROGRAM: &str = "embedded-cloud";
const NOTE: &str = "stand-in.json";
pub(crate) const LOG: &str = "stand-in";
const START_MAX: Duration = Duration::from_secs(30);
/// Whoever holds that lock may be waiting for one that is slow.
const STARTING_MAX: Duration = START_MAX.saturating_add(PATIENCE.all);
const END_MAX: Duration = Duration::from_secs(10);
const KEPT_POLL: Duration = Duration::from_millis(100);
const POLL: Duration = Duration::from_millis(2);

/// What a command says that stops everything else.
pub(crate) const STAYS: &str = "the stand-in stays: another murmur command uses it, and the last one stops it";

/// It lives, and is not to be replaced: but nobody can work with it.
#[derive(Debug, thiserror::Error)]
#[error(
    "{name} (process {pid}) runs, but has not answered for {} s: try again, or stop it with murmur down",
    .within.as_secs()
)]
pub(crate) struct Silent {
    name: String,
    pid: u32,
    within: Duration,
}

/// In use by this process.
#[derive(Debug)]
pub(crate) struct Standin {
    house: House,
    noted: Noted,
    /// Where it was started here.
    child: Option<Child>,
    using: Option<Lock>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Noted {
    /// `127.0.0.1:41234`
    pub(crate) address: String,
    #[serde(flatten)]
    pub(crate) process: Process,
    /// For which bus, table and version everything was made in it.
    #[serde(default)]
    pub(crate) provisioned_for: String,
}

impl Standin {
    /// The running one, or a new one.
    pub(crate) async fn find_or_start(house: &House) -> anyhow::Result<Standin> {
        let using = house.using(START_MAX).await?;
        let deadline = Instant::now() + START_MAX;
        let (noted, child) = loop {
            let starting = house.starting(STARTING_MAX).await?;
            if let Some(noted) = Noted::running(house, PATIENCE).await? {
                break (noted, None);
            }
            // Whoever keeps it starts it again, where its agents look for it.
            if !Kept::running(house).is_some_and(|kept| kept.stays && kept.ready && kept.has_standin()) {
                let (noted, child) = launched(house, "127.0.0.1:0").await?;
                break (noted, Some(child));
            }
            if Instant::now() >= deadline {
                bail!("the stand-in of murmur up does not come back: see {}", house.log(LOG).display());
            }
            drop(starting);
            sleep(KEPT_POLL).await;
        };
        Ok(Standin { house: house.clone(), noted, child, using: Some(using) })
    }

    /// The running one.
    pub(crate) async fn find(house: &House) -> anyhow::Result<Option<Standin>> {
        let using = house.using(START_MAX).await?;
        let noted = Noted::running(house, PATIENCE).await?;
        Ok(noted.map(|noted| Standin { house: house.clone(), noted, child: None, using: Some(using) }))
    }

    /// The one behind an address of this machine, where a murmur started it, over whichever directory.
    pub(crate) async fn at(address: &str) -> Option<Standin> {
        let Pulse::Standin(health) = health::of(address, PATIENCE.each).await else { return None };
        let folder = health.data?.parent()?.to_owned();
        if !folder.join(NOTE).is_file() {
            return None;
        }
        // Of somebody else's directory nothing can be known, and nobody there waits for us.
        let house = House::open(Some(&folder)).ok()?;
        Noted::living(&house).filter(|noted| noted.endpoint() == health.endpoint)?;
        Standin::find(&house).await.ok()?
    }

    pub(crate) fn endpoint(&self) -> String {
        self.noted.endpoint()
    }

    /// For a person.
    pub(crate) fn name(&self) -> String {
        self.noted.name()
    }

    pub(crate) fn process(&self) -> Process {
        self.noted.process
    }

    pub(crate) fn is_provisioned_for(&self, what: &str) -> bool {
        self.noted.provisioned_for == what
    }

    pub(crate) fn provisioned_for(&mut self, what: &str) -> anyhow::Result<()> {
        what.clone_into(&mut self.noted.provisioned_for);
        self.house.put_note(NOTE, &self.noted)
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        match &mut self.child {
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => self.noted.process.is_alive(),
        }
    }

    /// Where it was before: whoever uses it has its address.
    pub(crate) async fn restart(&mut self) -> anyhow::Result<()> {
        let _starting = self.house.starting(STARTING_MAX).await?;
        let provisioned_for = self.noted.provisioned_for.clone();
        let (noted, child) = launched(&self.house, &self.noted.address).await?;
        self.noted = Noted { provisioned_for, ..noted };
        self.child = Some(child);
        self.house.put_note(NOTE, &self.noted)
    }

    pub(crate) fn bound_log(&self) -> std::io::Result<bool> {
        logs::bound(&self.house.log(LOG))
    }

    /// Until it is gone: the next one over this directory would be refused.
    fn end(&mut self) {
        self.noted.process.signal(Signal::SIGTERM);
        let waits = END_MAX.as_millis() / POLL.as_millis();
        for _ in 0..waits {
            if !self.is_alive() {
                break;
            }
            #[expect(clippy::disallowed_methods, reason = "nothing else is left to do in this process")]
            std::thread::sleep(POLL);
        }
        // Whoever comes next may have noted its own by now.
        if self.house.note::<Noted>(NOTE).is_none_or(|now| now.process == self.noted.process) {
            self.house.remove_note(NOTE);
        }
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        if self.using.take().is_some()
            && let Ok(Some(_nobody_comes_meanwhile)) = self.house.nobody_uses()
            // Agents whose murmur was killed work over it until somebody stops them.
            && Kept::left(&self.house).is_none_or(|kept| !kept.has_standin())
        {
            // Another murmur may have started it again since.
            if let Some(now) = self.house.note::<Noted>(NOTE).filter(|now| now.process != self.noted.process) {
                self.noted = now;
                self.child = None;
            }
            self.end();
        }
    }
}

impl Noted {
    /// As `Server::name` has it.
    pub(crate) fn name(&self) -> String {
        format!("{STANDIN} at {}", self.endpoint())
    }

    fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the note says, where its process lives; it may be too busy to answer.
    pub(crate) fn living(house: &House) -> Option<Noted> {
        house.note::<Noted>(NOTE).filter(|noted| noted.process.is_alive())
    }

    /// Likewise, once it answers.
    pub(crate) async fn running(house: &House, patience: Patience) -> Result<Option<Noted>, Silent> {
        let Some(noted) = Noted::living(house) else { return Ok(None) };
        let began = Instant::now();
        let mut is_told = false;
        loop {
            match health::of(&noted.address, patience.each).await {
                Pulse::Standin(health) => return Ok((health.endpoint == noted.endpoint()).then_some(noted)),
                Pulse::NoStandin => return Ok(None),
                Pulse::Silent if !noted.process.is_alive() => return Ok(None),
                Pulse::Silent if began.elapsed() >= patience.all => {
                    let (name, pid) = (noted.name(), noted.process.pid);
                    return Err(Silent { name, pid, within: patience.all });
                }
                Pulse::Silent if is_told => {}
                Pulse::Silent => {
                    is_told = true;
                    let (name, pid, all_s) = (noted.name(), noted.process.pid, patience.all.as_secs());
                    let told =
                        format!("{name} (process {pid}) runs, but is slow to answer: waiting, {all_s} s at most");
                    Screen::new(false).progress(&told);
                }
            }
        }
    }

    /// Ends one that nobody uses any more.
    pub(crate) async fn end(self, house: &House) -> bool {
        self.process.signal(Signal::SIGTERM);
        let gone = self.process.is_gone_within(END_MAX).await;
        if gone {
            house.remove_note(NOTE);
        }
        gone
    }
}

async fn launched(house: &House, listen: &str) -> anyhow::Result<(Noted, Child)> {
    let path = house.log(LOG);
    logs::bound(&path)?;
    let log = OpenOptions::new().create(true).append(true).open(&path)?;
    let from = log.metadata()?.len();
    let mut command = Command::new(beside(PROGRAM)?);
    command.arg("--data").arg(house.cloud()).args(["--listen", listen]).env_clear();
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    grouped(&mut command);
    let mut unnoted = Unnoted(Some(command.spawn().context("the stand-in does not start")?));
    let deadline = Instant::now() + START_MAX;
    let address = loop {
        let told = last_lines(&path, from, usize::MAX);
        let said = |line: &str| Some(line.split("http://").nth(1)?.split(' ').next()?.to_owned());
        // A line that is not whole yet has half an address.
        if let Some(address) = told.split_inclusive('\n').find(|line| line.ends_with('\n')).and_then(said) {
            break address;
        }
        if unnoted.has_ended()? || Instant::now() >= deadline {
            bail!("the stand-in does not come up; it said: {}", told.trim());
        }
        sleep(POLL).await;
    };
    let id = unnoted.0.as_ref().map(Child::id);
    let process = id.and_then(Process::of).context("the stand-in ended at once")?;
    let noted = Noted { address, process, provisioned_for: String::new() };
    house.put_note(NOTE, &noted)?;
    let child = unnoted.0.take().context("the stand-in ended at once")?;
    Ok((noted, child))
}

/// Nobody would ever find it: it ends with whoever waits for it, also where a signal ends the waiting.
struct Unnoted(Option<Child>);

impl Unnoted {
    fn has_ended(&mut self) -> std::io::Result<bool> {
        self.0.as_mut().map_or(Ok(true), |child| Ok(child.try_wait()?.is_some()))
    }
}

impl Drop for Unnoted {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // One that has ended already needs none of it.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// In a group of its own: Ctrl-C is for murmur, which then lets everything end in order.
fn grouped(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

/// A program that was built, or installed, with this one.
pub(crate) fn beside(program: &str) -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe()?;
    let found = this.parent().map(|folder| folder.join(program)).filter(|path| path.is_file());
    found.with_context(|| format!("{program} is not beside {}: make install puts all programs there", this.display()))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpListener};

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);

    /// Says nothing to the first of those who come.
    fn slow(silent_count: usize) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut unanswered = vec![];
            for mut stream in listener.incoming().flatten() {
                if unanswered.len() < silent_count {
                    unanswered.push(stream);
                    continue;
                }
                let _ = stream.read(&mut [0; 4096]);
                let body = format!("{{\"endpoint\": \"http://{address}\"}}");
                let length = body.len();
                let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
            }
        });
        address
    }

    /// As this process, which lives, or one that does not.
    fn noted(address: SocketAddr, lives: bool) -> (tempfile::TempDir, House) {
        let folder = tempfile::tempdir().unwrap();
        let house = House::open(Some(folder.path())).unwrap();
        let this = Process::of(std::process::id()).unwrap();
        let process = if lives { this } else { Process { started_s: 1, birth: None, ..this } };
        let noted = Noted { address: address.to_string(), process, provisioned_for: String::new() };
        house.put_note(NOTE, &noted).unwrap();
        (folder, house)
    }

    #[tokio::test]
    async fn a_stand_in_that_is_slow_is_waited_for_while_its_process_lives() {
        let (_folder, house) = noted(slow(3), true);
        let patience = Patience { each: SHORT, all: Duration::from_secs(60) };
        let found = Noted::running(&house, patience).await.unwrap();
        assert_eq!(found, Noted::living(&house));
        assert!(found.is_some());
    }

    #[tokio::test]
    async fn a_stand_in_that_never_answers_is_an_error_and_no_room_for_another_one() {
        let (_folder, house) = noted(slow(usize::MAX), true);
        let why = Noted::running(&house, Patience { each: SHORT, all: SHORT * 4 }).await.unwrap_err();
        assert!(why.to_string().contains(&std::process::id().to_string()), "{why}");
    }

    #[tokio::test]
    async fn a_stand_in_whose_process_has_ended_is_gone_at_once() {
        let (_folder, house) = noted(slow(usize::MAX), false);
        let patience = Patience { each: Duration::from_secs(60), all: Duration::from_secs(60) };
        let began = Instant::now();
        assert_eq!(Noted::running(&house, patience).await.unwrap(), None);
        assert!(began.elapsed() < patience.each);
    }
}

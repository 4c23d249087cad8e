//! Owns the data directory's stand-in for AWS: found where one runs, started where none does, stopped by its last user.
//! Never a stand-in whose address and process are not both the noted ones, and never two over one directory.
//! Next: `reach` asks it, `flock` starts agents beside it.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::house::{House, Lock, last_lines};
use crate::kept::{Kept, STANDIN};
use crate::process::Process;

const PROGRAM: &str = "embedded-cloud";
const NOTE: &str = "stand-in.json";
const START_MAX: Duration = Duration::from_secs(30);
const ANSWER_MAX: Duration = Duration::from_secs(5);
const END_MAX: Duration = Duration::from_secs(10);
const KEPT_POLL: Duration = Duration::from_millis(100);
const POLL: Duration = Duration::from_millis(2);

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
            let starting = house.starting(START_MAX).await?;
            if let Some(noted) = Noted::running(house).await {
                break (noted, None);
            }
            // Whoever keeps it starts it again, where its agents look for it.
            if !Kept::running(house).is_some_and(|kept| kept.stays && kept.ready && kept.has_standin()) {
                let (noted, child) = launched(house, "127.0.0.1:0").await?;
                break (noted, Some(child));
            }
            if Instant::now() >= deadline {
                bail!("the stand-in of murmur up does not come back: see {}", house.log("stand-in").display());
            }
            drop(starting);
            sleep(KEPT_POLL).await;
        };
        Ok(Standin { house: house.clone(), noted, child, using: Some(using) })
    }

    /// The running one.
    pub(crate) async fn find(house: &House) -> anyhow::Result<Option<Standin>> {
        let using = house.using(START_MAX).await?;
        let noted = Noted::running(house).await;
        Ok(noted.map(|noted| Standin { house: house.clone(), noted, child: None, using: Some(using) }))
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.noted.address)
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
        let _starting = self.house.starting(START_MAX).await?;
        let provisioned_for = self.noted.provisioned_for.clone();
        let (noted, child) = launched(&self.house, &self.noted.address).await?;
        self.noted = Noted { provisioned_for, ..noted };
        self.child = Some(child);
        self.house.put_note(NOTE, &self.noted)
    }

    /// For everybody, whoever uses it.
    pub(crate) fn stop(mut self) {
        self.end();
        self.using = None;
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
        format!("{STANDIN} at http://{}", self.address)
    }

    /// What the note says, where it is still true.
    pub(crate) async fn running(house: &House) -> Option<Noted> {
        let noted: Noted = house.note(NOTE)?;
        (noted.process.is_alive() && is_a_standin(&noted.address).await).then_some(noted)
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
    let path = house.log("stand-in");
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

/// Whatever else may listen there by now does not say this.
async fn is_a_standin(address: &str) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET /_embedded/health HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let wanted = format!("\"endpoint\":\"http://{address}\"");
    matches!(timeout(ANSWER_MAX, asked).await, Ok(Ok(answer)) if answer.replace(' ', "").contains(&wanted))
}

/// A program that was built, or installed, with this one.
pub(crate) fn beside(program: &str) -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe()?;
    let found = this.parent().map(|folder| folder.join(program)).filter(|path| path.is_file());
    found.with_context(|| format!("{program} is not beside {}: make install puts all programs there", this.display()))
}

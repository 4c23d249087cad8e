//! Owns a process that may be another murmur's child: which one it is, whether it lives, what it takes, and its end.
//! Never a process by its number alone: numbers are used again, and only the start tells two of them apart. Never a start
//! by the clock, where the system counts it from its own: whoever sets the clock right would seem to end everybody.
//! Next: `standin` and `flock` note such processes, and `down` and `status` find them again.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use sysinfo::{ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// Where only the clock tells starts apart: in seconds, from a start of the system that it may set right by one.
const START_MARGIN_S: u64 = 2;
/// Of the fields behind a process's name, the state being the first.
const STAT_TICKS: usize = 19;
const POLL: Duration = Duration::from_millis(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// Epoch seconds, by the clock of that moment.
    pub(crate) started_s: u64,
    /// Where the system tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) birth: Option<Birth>,
}

/// A start that no clock moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Birth {
    /// Another one after each start of the system.
    boot: Uuid,
    /// Since that.
    ticks: u64,
}

/// What the system says of one that lives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) started_s: u64,
    pub(crate) memory_bytes: u64,
}

impl Process {
    /// The one that has this number now.
    pub(crate) fn of(pid: u32) -> Option<Process> {
        Some(Process { pid, started_s: seen(pid)?.started_s, birth: Birth::of(pid) })
    }

    pub(crate) fn seen(&self) -> Option<Seen> {
        let seen = seen(self.pid)?;
        let is_it = match self.birth {
            Some(birth) => Birth::of(self.pid) == Some(birth),
            None => seen.started_s.abs_diff(self.started_s) <= START_MARGIN_S,
        };
        is_it.then_some(seen)
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.seen().is_some()
    }

    /// One that has ended meanwhile needs no signal.
    pub(crate) fn signal(&self, signal: Signal) {
        if self.is_alive()
            && let Ok(pid) = i32::try_from(self.pid)
        {
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    pub(crate) async fn is_gone_within(&self, most: Duration) -> bool {
        let deadline = Instant::now() + most;
        while self.is_alive() {
            if Instant::now() >= deadline {
                return false;
            }
            sleep(POLL).await;
        }
        true
    }
}

impl Birth {
    /// Nothing where the system has no such files, or no such process.
    fn of(pid: u32) -> Option<Birth> {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        Some(Birth { boot: boot.trim().parse().ok()?, ticks: ticks(&stat)? })
    }
}

/// A name may hold blanks and brackets of its own.
fn ticks(stat: &str) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(STAT_TICKS)?.parse().ok()
}

fn seen(pid: u32) -> Option<Seen> {
    let pid = sysinfo::Pid::from_u32(pid);
    let mut system = System::new().ok()?;
    let which = ProcessRefreshKind::nothing().without_tasks().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, which);
    let found = system.process(pid)?;
    // Ended, and only its parent has not heard of it.
    let ended = matches!(found.status(), ProcessStatus::Zombie | ProcessStatus::Dead);
    (!ended).then(|| Seen { started_s: found.start_time(), memory_bytes: found.memory() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_used_again_is_another_process() {
        let this = Process::of(std::process::id()).unwrap();
        assert!(this.is_alive());
        assert!(!Process { started_s: this.started_s - 60, birth: None, ..this }.is_alive());
        if let Some(birth) = this.birth {
            let earlier = Birth { ticks: birth.ticks - 1, ..birth };
            assert!(!Process { birth: Some(earlier), ..this }.is_alive());
            let before_the_system = Birth { boot: Uuid::nil(), ..birth };
            assert!(!Process { birth: Some(before_the_system), ..this }.is_alive());
        }
    }

    /// Whoever steps it by an hour makes what was noted an hour wrong.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_step_of_the_clock_ends_no_process() {
        let this = Process::of(std::process::id()).unwrap();
        for noted_s in [this.started_s - 3600, this.started_s + 3600] {
            assert!(Process { started_s: noted_s, ..this }.is_alive());
        }
    }

    #[test]
    fn a_start_is_read_behind_whatever_name() {
        let fields: Vec<String> = (4..=52).map(|field| field.to_string()).collect();
        assert_eq!(ticks(&format!("7 (a) b) c) S {}", fields.join(" "))), Some(22));
        assert_eq!(ticks("7 (cut"), None);
    }

    #[test]
    fn a_note_of_an_older_murmur_is_read() {
        #[derive(Deserialize)]
        struct Noted {
            #[serde(flatten)]
            process: Option<Process>,
        }
        let read = |note: &str| serde_json::from_str::<Noted>(note).unwrap().process;
        assert_eq!(read(r#"{"pid": 7, "started_s": 9}"#), Some(Process { pid: 7, started_s: 9, birth: None }));
        let this = Process::of(std::process::id());
        assert_eq!(read(&serde_json::to_string(&this).unwrap()), this);
    }
}

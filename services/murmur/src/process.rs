//! Owns a process that may be another murmur's child: which one it is, whether it lives, what it takes, and its end.
//! Never a process by its number alone: numbers are used again, and only the start tells two of them apart.
//! Next: `standin` and `flock` note such processes, and `down` and `status` find them again.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use sysinfo::{ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};
use tokio::time::{Instant, sleep};

/// The system tells starts in seconds, counted from a start of its own that it may set right by one.
const START_MARGIN_S: u64 = 2;
const POLL: Duration = Duration::from_millis(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    /// Epoch seconds.
    pub(crate) started_s: u64,
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
        Some(Process { pid, started_s: seen(pid)?.started_s })
    }

    pub(crate) fn seen(&self) -> Option<Seen> {
        seen(self.pid).filter(|seen| seen.started_s.abs_diff(self.started_s) <= START_MARGIN_S)
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
        assert!(!Process { started_s: this.started_s - 60, ..this }.is_alive());
    }
}

//! Owns the stage: daemons as processes over the memory fakes under paused time, with closures for handlers, faults at
//! exactly the calls that a test names, and a log of every call.
//! Never random: what is not scripted goes well.
//! Next: `at` names calls and faults, `ports` passes them, `process` dies of them, `people` is who sends goals.

mod at;
mod look;
mod parts;
mod people;
mod ports;
mod process;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contract::topology::RowLimits;
use contract::{Choreography, Clock, RowName, Topology, UnixMs};
use runtime::telemetry::Telemetry;
use runtime::{Chance, Daemon, Handled, Settings, Step, StepError, Surroundings};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clock::TokioClock;
use crate::memory::MemoryCloud;
use at::Rule;
use parts::{Part, Playing};

pub use at::{At, Fault, Gate};
pub use parts::{evidence, solo};
pub use people::Wish;
pub use process::Process;

/// When every stage begins.
pub const BASE: UnixMs = UnixMs(1_795_000_000_000);
/// What anything waited for may take, in virtual time.
const PATIENCE: Duration = Duration::from_secs(6 * 3600);
const GLANCE: Duration = Duration::from_millis(50);

/// One call that a process made of a port, or of a handler.
#[derive(Clone, Debug)]
pub struct Call {
    pub process: String,
    pub op: crate::place::Op,
    /// Key, queue, events: what the call was about.
    pub about: String,
    pub outcome: Outcome,
    /// Since the stage began.
    pub at: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Applied,
    /// A conditional write whose condition did not hold.
    Refused,
    Failed,
}

/// A choreography on stage. Clones are the same stage.
#[derive(Clone)]
pub struct Stage(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) choreography: Choreography,
    pub(crate) cloud: MemoryCloud,
    pub(crate) clock: TokioClock,
    pub(crate) began: Instant,
    pub(crate) rules: Mutex<Vec<Rule>>,
    pub(crate) log: Mutex<Vec<Call>>,
    telemetry: Telemetry,
    settings: Mutex<Settings>,
    parts: Mutex<BTreeMap<&'static str, Part>>,
    started: Mutex<u64>,
    lives: Mutex<JoinSet<()>>,
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for call in locked(&self.0.log).iter() {
            let (at, Call { process, op, about, outcome, .. }) = (call.at.as_secs_f64(), call);
            writeln!(f, "{at:10.3} {process:>18} {op} {outcome:?} {about}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stage")
    }
}

pub(crate) fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stage {
    /// Over any choreography. Panics if it does not pass its checks, with all problems.
    pub fn new(topology: Topology) -> Stage {
        let clock = TokioClock::starting_at(BASE);
        let server_clock: Arc<dyn Clock> = Arc::new(clock);
        let cloud = MemoryCloud::new(&topology, &server_clock, 1);
        let choreography = match topology.check() {
            Ok(choreography) => choreography,
            Err(problems) => panic!("a choreography with problems: {problems:#?}"),
        };
        Stage(Arc::new(Shared {
            settings: Mutex::new(Settings::of(&choreography)),
            choreography,
            cloud,
            clock,
            began: Instant::now(),
            rules: Mutex::default(),
            log: Mutex::default(),
            telemetry: Telemetry::off(),
            parts: Mutex::new(parts::plain()),
            started: Mutex::default(),
            lives: Mutex::default(),
        }))
    }

    /// One row, `solo`, that accepts goals, publishes a report and thereby ends them.
    pub fn solo() -> Stage {
        Stage::new(solo())
    }

    /// The four agents; the plan has two tasks unless a test says otherwise.
    pub fn murmuration() -> Stage {
        Stage::new(Topology::murmuration())
    }

    /// For every process that starts from now on.
    pub fn settings(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut locked(&self.0.settings));
    }

    /// Limits of every row, likewise.
    pub fn limits(&self, change: impl Fn(&mut RowLimits)) {
        self.settings(|settings| settings.limits.values_mut().for_each(change));
    }

    pub fn limits_of(&self, row: &'static str, change: impl FnOnce(&mut RowLimits)) {
        self.settings(|settings| {
            if let Some(limits) = settings.limits.get_mut(&RowName::new(row)) {
                change(limits);
            }
        });
    }

    /// Who handles a row from now on, in every process.
    pub fn plays<F, Fut>(&self, row: &'static str, part: F)
    where
        F: Fn(Step) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Handled, StepError>> + Send + 'static,
    {
        let part: Part = Arc::new(move |step| Box::pin(part(step)));
        locked(&self.0.parts).insert(row, part);
    }

    /// A process of that daemon, whose name is `<daemon>-<number of the process>`.
    pub fn start(&self, daemon: &'static str) -> Arc<Process> {
        self.start_skewed(daemon, 0)
    }

    /// The same on a machine whose clock is ahead (or behind, if negative).
    pub fn start_skewed(&self, daemon: &'static str, skew_ms: i64) -> Arc<Process> {
        let number = {
            let mut started = locked(&self.0.started);
            *started += 1;
            *started
        };
        let process = Arc::new(Process::new(Arc::clone(&self.0), format!("{daemon}-{number}")));
        let mut played = Daemon::new(daemon, self.0.choreography.clone());
        for row in self.0.choreography.rows.iter().filter(|row| row.daemon.as_str() == daemon) {
            let name = locked(&self.0.parts).keys().copied().find(|name| *name == row.name.as_str());
            if let Some(name) = name {
                played = played.handles(name, Playing { process: Arc::clone(&process), row: name });
            }
        }
        let with = Surroundings {
            ports: ports::ports(&process, Arc::new(self.0.clock.skewed(skew_ms))),
            settings: locked(&self.0.settings).clone(),
            chance: Chance::seeded(number),
            telemetry: self.0.telemetry.clone(),
            instance: process.name.clone(),
        };
        let (stop, ended) = (process.stop.clone(), process.ended.clone());
        process.runs_as(locked(&self.0.lives).spawn(async move {
            let ran = played.run(with, stop).await;
            ended.cancel();
            if let Err(why) = ran {
                panic!("a daemon is not ready: {why}");
            }
        }));
        process
    }

    /// One process of each daemon of the choreography.
    pub fn start_all(&self) -> Vec<Arc<Process>> {
        let mut names: Vec<&'static str> = vec![];
        for part in locked(&self.0.parts).keys() {
            let row = self.0.choreography.row(&RowName::new(part));
            // A daemon of this repository is called as one of its rows.
            if row.is_some_and(|row| row.daemon.as_str() == *part) {
                names.push(part);
            }
        }
        names.into_iter().map(|name| self.start(name)).collect()
    }

    /// From now on, at those calls: that.
    pub fn script(&self, at: At, fault: Fault) {
        locked(&self.0.rules).push(Rule::new(at, fault));
    }

    /// The call waits before it is applied, until the gate is opened.
    pub fn hold(&self, at: At) -> Gate {
        let gate = Gate::default();
        self.script(at, Fault::Hold(gate.clone()));
        gate
    }

    /// Waits until it is so. Panics, with the log, if it never is.
    pub async fn until(&self, what: &str, mut is_so: impl FnMut(&Stage) -> bool) {
        let patience = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < patience, "waited in vain until {what}:\n{self:?}");
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Waits until the rows' queues are empty and nobody has done anything but look for work for two minutes.
    pub async fn until_quiet(&self) {
        let (mut calls, mut since) = (0, Instant::now());
        self.until("it is quiet", |stage| {
            let now = stage.calls_but_looking();
            let empty = stage.0.choreography.rows.iter().all(|row| stage.0.cloud.queue.count(&row.queue) == 0);
            if now != calls || !empty {
                (calls, since) = (now, Instant::now());
            }
            since.elapsed() > Duration::from_secs(120)
        })
        .await;
        self.one_content();
    }

    /// Starts a process of that daemon, and another one whenever it dies, until it is quiet. Returns how many died.
    pub async fn until_quiet_with(&self, daemon: &'static str) -> usize {
        let mut deaths = 0;
        loop {
            let process = self.start(daemon);
            tokio::select! {
                () = process.died() => deaths += 1,
                () = self.until_quiet() => return deaths,
            }
        }
    }

    /// Lets virtual time pass.
    pub async fn pass(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

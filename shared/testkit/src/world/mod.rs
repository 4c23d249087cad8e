//! Owns the simulated world: daemons as processes over the memory fakes, under paused time, with every fault that a
//! seed decides, and a witness that sees whether a promise was broken. Authors run their own agents in it.
//! Never real time, never a real process: a seed replays exactly.
//! Next: `scripted` is the four agents as scripts; `run` is one seed from its first goal to its verdict.

mod forks;
mod heard;
mod many;
mod odds;
mod operator;
mod point;
mod ports;
mod process;
mod run;
mod scripted;
mod verdict;
mod witness;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contract::{Choreography, Event, EventType, UnixMs};
use runtime::Daemon;
use runtime::ledger::{ItemKey, Write};
use runtime::ports::{Bus, EntryResult, Written};
use runtime::telemetry::Telemetry;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clock::TokioClock;
use crate::memory::MemoryCloud;
use odds::{CALM_S, Odds};
use point::Fault;
use witness::Witness;

pub use many::{Tally, Told};
pub use point::Hits;
pub use process::Process;
pub use scripted::{scripted, scripted_with};

/// Makes the daemon of a fresh process.
pub type Make = Arc<dyn Fn(&Arc<Process>) -> Daemon + Send + Sync>;

/// A choreography to be tried: which daemons run, and how many of each.
#[derive(Clone)]
pub struct World {
    choreography: Choreography,
    daemons: Vec<(String, usize, Make)>,
    goals: usize,
    forks: bool,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("goals", &self.goals).finish_non_exhaustive()
    }
}

impl World {
    pub fn new(choreography: Choreography) -> World {
        World { choreography, daemons: vec![], goals: 3, forks: false }
    }

    /// So many processes of that daemon; each crash is followed by a new one.
    pub fn daemon(
        mut self,
        name: &str,
        replicas: usize,
        make: impl Fn(&Arc<Process>) -> Daemon + Send + Sync + 'static,
    ) -> World {
        self.daemons.push((name.into(), replicas, Arc::new(make)));
        self
    }

    /// So many processes of an agent that is one daemon and takes no part in its own death: `handles` names its handlers.
    pub fn agent(
        self,
        name: &'static str,
        replicas: usize,
        handles: impl Fn(Daemon) -> Daemon + Send + Sync + 'static,
    ) -> World {
        let choreography = self.choreography.clone();
        self.daemon(name, replicas, move |_| handles(Daemon::new(name, choreography.clone())))
    }

    /// How many goals each seed has.
    pub fn goals(mut self, goals: usize) -> World {
        self.goals = goals;
        self
    }

    /// People fork goals, too, from any of their steps.
    pub fn forking(mut self) -> World {
        self.forks = true;
        self
    }

    /// One seed, from its first goal to its verdict.
    pub fn run(&self, seed: u64) -> Report {
        run::run(self, seed, false)
    }

    /// The same, telling every step on standard output.
    pub fn run_traced(&self, seed: u64) -> Report {
        run::run(self, seed, true)
    }
}

/// What one seed showed.
#[derive(Clone, Debug)]
pub struct Report {
    pub seed: u64,
    /// By invariant, the first instance of each.
    pub violations: BTreeMap<&'static str, String>,
    pub hits: Hits,
    /// How the goals ended, and how many of each.
    pub ends: BTreeMap<String, u64>,
    /// Events that the bus accepted, by type; repetitions count once.
    pub published: BTreeMap<EventType, u64>,
    pub deliveries: u64,
    pub virtual_s: u64,
    /// What everybody published, in order; two runs of one seed are the same in this.
    pub fingerprint: contract::Digest,
}

/// What everything in one seed shares.
pub(crate) struct Shared {
    pub(crate) seed: u64,
    pub(crate) odds: Odds,
    pub(crate) choreography: Choreography,
    pub(crate) cloud: MemoryCloud,
    pub(crate) clock: TokioClock,
    pub(crate) telemetry: Telemetry,
    began: Instant,
    traced: bool,
    rng: Mutex<fastrand::Rng>,
    hits: Mutex<Hits>,
    witness: Mutex<Witness>,
    later: Mutex<JoinSet<()>>,
    /// The one step that kills its process: its neighbours must not suffer for it.
    killer: Mutex<Option<ItemKey>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}", self.seed)
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn draw<T>(&self, with: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        with(&mut locked(&self.rng))
    }

    pub(crate) fn chance(&self, p: f64) -> bool {
        p > 0.0 && self.draw(fastrand::Rng::f64) < p
    }

    pub(crate) fn up_to(&self, most: u64) -> u64 {
        self.draw(|rng| rng.u64(..=most))
    }

    pub(crate) fn hits(&self) -> MutexGuard<'_, Hits> {
        locked(&self.hits)
    }

    pub(crate) fn witness(&self) -> MutexGuard<'_, Witness> {
        locked(&self.witness)
    }

    pub(crate) fn violated(&self, invariant: &'static str, how: impl FnOnce() -> String) {
        self.witness().violated(invariant, how);
    }

    pub(crate) fn elapsed_s(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    pub(crate) fn faults_on(&self) -> bool {
        self.elapsed_s() < CALM_S
    }

    /// True time, by nobody's clock.
    pub(crate) fn now(&self) -> UnixMs {
        contract::Clock::now(&self.clock)
    }

    /// Does something at a later time of this world.
    pub(crate) fn later(self: &Arc<Shared>, after: Duration, what: impl Future<Output = ()> + Send + 'static) {
        locked(&self.later).spawn(async move {
            tokio::time::sleep(after).await;
            what.await;
        });
    }

    pub(crate) fn nothing_pending(&self) -> bool {
        let mut later = locked(&self.later);
        while later.try_join_next().is_some() {}
        later.is_empty()
    }

    /// The bus accepts an event; whether and how often it delivers it is another matter.
    pub(crate) async fn publish(self: &Arc<Shared>, event: Event) -> EntryResult {
        let one = |results: Result<Vec<EntryResult>, contract::PortError>| results?.pop().unwrap_or(Ok(()));
        if self.faults_on() {
            if self.chance(self.odds.drop_event) {
                self.hits().fault(Fault::DropEvent);
                self.witness().dropped(&event);
                return Ok(());
            }
            if self.chance(self.odds.duplicate_event) {
                self.hits().fault(Fault::DuplicateEvent);
                one(self.cloud.bus.put(std::slice::from_ref(&event)).await)?;
            }
            if self.chance(self.odds.duplicate_event / 2.0) {
                self.hits().fault(Fault::LateDuplicate);
                let (shared, copy) = (Arc::clone(self), event.clone());
                self.later(Duration::from_secs(self.up_to(800)), async move {
                    let _ = shared.cloud.bus.put(&[copy]).await;
                });
            }
        }
        one(self.cloud.bus.put(&[event]).await)
    }

    pub(crate) fn log(&self, who: &str, what: &str, more: impl fmt::Display) {
        if self.traced {
            self.print(who, what, &more.to_string());
        }
    }

    pub(crate) fn log_write(&self, who: &str, write: &Write, written: &Written) {
        if self.traced {
            let outcome = if matches!(written, Written::Applied(_)) { "" } else { "REFUSED " };
            let by = write.by.as_ref().map_or("", |by| &by.as_str()[..6]);
            let goal = &write.key.goal.to_string()[..4];
            self.print(who, &format!("{:?}", write.name), &format!("{outcome}{goal} {} {by}", write.key.sort()));
        }
    }

    #[expect(clippy::print_stdout, reason = "a trace was asked for")]
    fn print(&self, who: &str, what: &str, more: &str) {
        println!("{:10.3} {who:>18} {what} {more}", self.began.elapsed().as_secs_f64());
    }
}

//! Owns one seed: the world is made, people act, processes live and die, and when all is at rest the verdict falls.
//! Never anything random that the seed did not decide.
//! Next: `verdict`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contract::topology::RowLimits;
use contract::{Clock, Digest, EventId, UnixMs};
use runtime::ledger::ItemKey;
use runtime::ledger::join::JoinState;
use runtime::ledger::step::Step;
use runtime::telemetry::Telemetry;
use runtime::{Chance, Settings, Surroundings};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::odds::{HORIZON_S, Odds};
use super::operator::{self, Wish};
use super::point::Fault;
use super::process::Process;
use super::{Hits, Make, Report, Shared, World, forks, ports, verdict};
use crate::clock::TokioClock;
use crate::memory::MemoryCloud;

const ROUNDS_MAX: u32 = 2;
const BASE: UnixMs = UnixMs(1_790_000_000_000);

thread_local! {
    static PANIC: std::cell::RefCell<Option<String>> = const { std::cell::RefCell::new(None) };
    // Building one costs more than many a seed; nobody here looks at its figures.
    static TELEMETRY: Telemetry = Telemetry::off();
}

pub(super) fn run(world: &World, seed: u64, traced: bool) -> Report {
    watch_panics();
    PANIC.set(None);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let mut report = match runtime {
        Ok(runtime) => runtime.block_on(live(world, seed, traced)),
        Err(why) => Report::broken(seed, why.to_string()),
    };
    if let Some(panic) = PANIC.take() {
        report.violations.insert("panicked", panic);
    }
    report
}

/// A scripted panic does not reach the hook. Any other is a defect that tasks would swallow.
fn watch_panics() {
    static WATCHED: std::sync::Once = std::sync::Once::new();
    WATCHED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if PANIC.replace(Some(panic.to_string())).is_none() {
                before(panic);
            }
        }));
    });
}

async fn live(world: &World, seed: u64, traced: bool) -> Report {
    let mut rng = fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x6d75_726d);
    let odds = Odds::draw(seed, &mut rng);
    let clock = TokioClock::starting_at(BASE);
    let server_clock: Arc<dyn Clock> = Arc::new(clock);
    let mut topology = (*world.choreography).clone();
    for row in &mut topology.rows {
        row.limits = limits(&odds);
    }
    let cloud = MemoryCloud::new(&topology, &server_clock, rng.u64(..));
    cloud.bus.delay_deliveries(rng.u64(..), odds.bus_delay_ms_max);
    let shared = Arc::new(Shared {
        seed,
        choreography: world.choreography.clone(),
        cloud,
        clock,
        telemetry: TELEMETRY.with(Clone::clone),
        began: Instant::now(),
        traced,
        rng: Mutex::new(rng),
        hits: Mutex::default(),
        witness: Mutex::default(),
        later: Mutex::default(),
        killer: Mutex::default(),
        odds,
    });
    shared.log("world", "ODDS", format_args!("{:?}", shared.odds));
    if shared.odds.bus_delay_ms_max > 0 {
        shared.hits().fault(Fault::DelayEvent);
    }
    let wishes: Vec<Wish> = (0..world.goals).map(|number| Wish::draw(&shared, number)).collect();
    operator::plan(&shared, &wishes);
    let mut others = JoinSet::new();
    others.spawn(operator::redrives(Arc::clone(&shared)));
    if world.forks {
        others.spawn(forks::forks(Arc::clone(&shared)));
    }
    for (name, replicas, make) in &world.daemons {
        for replica in 0..*replicas {
            others.spawn(replica_for_ever(Arc::clone(&shared), format!("{name}-{replica}"), Arc::clone(make)));
        }
    }
    let at_rest = verdict::until_at_rest(&shared).await;
    others.abort_all();
    verdict::report(&shared, &wishes, at_rest)
}

/// One replica: a process, and after its death another.
async fn replica_for_ever(shared: Arc<Shared>, name: String, make: Make) {
    for generation in 0_u32.. {
        let most = shared.odds.skew_ms_max;
        let skew_ms = shared.draw(|rng| rng.i64(-most..=most));
        if skew_ms != 0 {
            shared.hits().fault(Fault::ClockSkew);
        }
        let process = Arc::new(Process::new(Arc::clone(&shared), format!("{name}.{generation}"), skew_ms));
        let daemon = make(&process);
        let with = Surroundings {
            ports: ports::ports(&process),
            settings: settings(&shared),
            chance: Chance::seeded(shared.draw(|rng| rng.u64(..))),
            telemetry: shared.telemetry.clone(),
            instance: process.name.clone(),
        };
        let mut life = JoinSet::new();
        let stop = process.stop.clone();
        process.runs_as(life.spawn(async move {
            // A daemon that is not ready is a mistake of the test, and shows as goals that never end.
            drop(daemon.run(with, stop).await);
        }));
        loop {
            tokio::select! {
                biased;
                _ = life.join_next() => break,
                () = tokio::time::sleep(Duration::from_secs(5)) => {
                    if shared.faults_on() && shared.chance(shared.odds.shutdown * 20.0) && !process.stop.is_cancelled() {
                        shared.hits().fault(Fault::Shutdown);
                        shared.log(&process.name, "SIGTERM", "");
                        process.stop.cancel();
                    }
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(200 + shared.up_to(20_000))).await;
    }
}

fn limits(odds: &Odds) -> RowLimits {
    RowLimits {
        lease_s: 40,
        step_deadline_s: 250,
        rounds_max: ROUNDS_MAX,
        receives_max: odds.receives_max,
        ..RowLimits::DEFAULT
    }
}

pub(super) fn settings(shared: &Shared) -> Settings {
    let rows = shared.choreography.rows.iter();
    Settings {
        skew_margin: Duration::from_secs(6),
        sweep_every: Duration::from_secs(30),
        limits: rows.map(|row| (row.name.clone(), limits(&shared.odds))).collect(),
        ..Settings::default()
    }
}

impl Shared {
    pub(crate) fn step(&self, key: &ItemKey) -> Option<Step> {
        Step::read(&self.cloud.ledger.item(key)?).ok()
    }

    pub(crate) fn rounds_max(&self, _: &ItemKey) -> u32 {
        ROUNDS_MAX
    }

    /// Whether this step is the killer: the first of its row that anybody works on.
    pub(crate) fn is_the_killer(&self, key: &ItemKey) -> bool {
        super::locked(&self.killer).get_or_insert_with(|| key.clone()) == key
    }

    /// Whether any queue holds a message of this goal, or one whose goal cannot be told.
    pub(crate) fn is_under_way(&self, goal: contract::GoalId) -> bool {
        let goal = goal.to_string();
        !self.nothing_pending()
            || self.cloud.queue.queues().iter().any(|queue| {
                let of_it = |body: &str| body.contains(&goal) || !body.contains("goalid");
                self.cloud.queue.messages(queue).iter().any(|message| of_it(&message.body))
            })
    }

    pub(crate) fn joins_of(&self, goal: contract::GoalId) -> Vec<JoinState> {
        let joins = self.choreography.joins.iter();
        let items = joins.filter_map(|join| self.cloud.ledger.item(&ItemKey::join(goal, &join.name)));
        items.filter_map(|item| JoinState::read(&item).ok()).collect()
    }

    /// Whether outcomes of this seed are too large for their item.
    pub(crate) fn is_large(&self) -> bool {
        matches!(self.odds.crash_at, super::point::Op::ArtifactGet | super::point::Op::ArtifactPut)
    }

    /// What a committed step has recorded that has not happened yet.
    pub(crate) fn undone_effect(&self, step: &Step, published: &BTreeMap<EventId, (Digest, u32)>) -> Option<String> {
        if let Some(missing) = self.emits_of(step).into_iter().find(|id| !published.contains_key(id)) {
            return Some(format!("event {missing}"));
        }
        let outcome = outcome_of(step)?;
        let join = |name: &str| ItemKey::join(step.key.goal, &contract::JoinName::from(name.to_owned()));
        if let Some(name) = outcome.pointer("/opens/join").and_then(|name| name.as_str())
            && self.cloud.ledger.item(&join(name)).is_none_or(|item| !item.has(&runtime::ledger::Attr::Members))
        {
            return Some(format!("join {name}"));
        }
        let name = outcome.pointer("/arrives/join").and_then(|name| name.as_str())?;
        let member = outcome.pointer("/arrives/member").and_then(|member| member.as_str())?;
        let terminal = self.choreography.terminal_join().is_some_and(|join| join.name.as_str() == name);
        let key = if terminal { ItemKey::goal(step.key.goal) } else { join(name) };
        let arrived = self.cloud.ledger.item(&key).is_some_and(|item| {
            item.has(&runtime::ledger::Attr::Status(member.into())) || item.has(&runtime::ledger::Attr::Ended)
        });
        (!arrived).then(|| format!("arrival of {member}"))
    }

    pub(crate) fn emits_of(&self, step: &Step) -> Vec<EventId> {
        let Some(outcome) = outcome_of(step) else { return vec![] };
        let emits = outcome.get("emits").and_then(|emits| emits.as_array()).cloned().unwrap_or_default();
        emits.iter().filter_map(|event| event.get("id")?.as_str()?.parse().ok()).collect()
    }
}

/// The recorded outcome, where it is in the item itself.
fn outcome_of(step: &Step) -> Option<serde_json::Value> {
    let recorded: serde_json::Value = serde_json::from_str(step.outcome.as_deref()?).ok()?;
    recorded.get("here").cloned()
}

impl Report {
    pub(crate) fn broken(seed: u64, why: String) -> Report {
        Report {
            seed,
            violations: BTreeMap::from([("world-did-not-start", why)]),
            hits: Hits::default(),
            ends: BTreeMap::new(),
            published: BTreeMap::new(),
            deliveries: 0,
            virtual_s: HORIZON_S,
            fingerprint: Digest::of(b""),
        }
    }
}

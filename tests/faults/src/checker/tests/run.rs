//! Owns the history that ran well, made once by the daemons themselves over servers in memory: plain goals, one by the
//! bus, one sent twice, one cancelled at work, one redriven, one whose writer died, one forked, one that waits.
//! Never a fault without its record in the account.
//! Next: `plants`.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use contract::events::{AnalysisCompleted, GoalCancelled};
use contract::{Clock, EventData as _, EventId, GoalId, RowName, Tenant, UnixMs};
use runtime::fork::{self, Means};
use runtime::history::History as Past;
use runtime::ledger::ItemKind;
use runtime::ports::{Ports, Queue as _};
use runtime::{Chance, Handled, Settings, StepError};
use testkit::place::Op;
use testkit::stage::{At, Fault, Stage, Wish};

use crate::history::{Account, Act, Allowed, Doing, End, History, Left, Process, Reply, Seen, Wished};

const KEYS: [&str; 6] = ["plain", "by bus", "twice", "cancelled", "redriven", "held"];
const NONSENSE: &str = "the model answered nonsense";

pub(super) fn goal(key: &str) -> GoalId {
    GoalId::derive(&Tenant::default(), key)
}

pub(super) fn clean() -> History {
    static CLEAN: OnceLock<History> = OnceLock::new();
    CLEAN.get_or_init(|| std::thread::scope(|scope| scope.spawn(made).join().unwrap())).clone()
}

fn made() -> History {
    let executor = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    executor.block_on(async { Run::open().play().await })
}

struct Time(Stage);

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("time")
    }
}

impl Clock for Time {
    fn now(&self) -> UnixMs {
        self.0.now()
    }
}

struct Run {
    stage: Stage,
    ports: Ports,
    /// From now on the analysis of the goal "redriven" works.
    is_mended: Arc<AtomicBool>,
    account: Account,
}

impl Run {
    fn open() -> Run {
        let stage = Stage::murmuration();
        let types: Vec<_> = stage.choreography().events.iter().map(|spec| spec.kind.clone()).collect();
        stage.cloud().bus.subscribe("recorder", &types);
        let is_mended = Arc::new(AtomicBool::new(false));
        let mended = is_mended.clone();
        stage.plays("analysis", move |step| {
            let fails = step.event.goal == goal("held")
                || (step.event.goal == goal("redriven") && !mended.load(Ordering::SeqCst));
            async move {
                if fails {
                    Err(StepError::permanent(NONSENSE))
                } else {
                    Ok(Handled::emit(&AnalysisCompleted::example()))
                }
            }
        });
        let ports = stage.cloud().ports(Arc::new(Time(stage.clone())));
        Run { stage, ports, is_mended, account: Account::default() }
    }

    async fn play(mut self) -> History {
        self.a_writer_dies().await;
        let at_work = self.stage.hold(At::op(Op::Handler).about(format!("{}/analysis", goal("cancelled"))));
        self.wish_all().await;
        at_work.reached().await;
        self.act("cancelled", Doing::Cancel);
        self.stage.cancel(&Wish::new("cancelled")).await;
        self.stage.until("it is cancelled", |stage| !stage.told::<GoalCancelled>(goal("cancelled")).is_empty()).await;
        at_work.open();
        self.redrive().await;
        self.stage.until_quiet().await;
        self.fork().await;
        self.stage.until_quiet().await;
        self.gather().await
    }

    /// After its report was put, and before it could say so.
    async fn a_writer_dies(&mut self) {
        let put = At::op(Op::Put).about(format!("{}/report.written", goal("crashed")));
        self.stage.script(put, Fault::CrashAfter);
        let all = self.stage.start_all();
        for process in &all {
            self.started(process.name.split('-').next().unwrap_or_default());
        }
        self.stage.goal(&Wish::new("crashed")).await;
        self.wished("crashed", None);
        let writer = all.iter().position(|process| process.name.starts_with("writer")).unwrap();
        all[writer].died().await;
        self.account.processes[writer].end = Some(End::Killed { at: self.stage.now() });
        self.stage.start("writer");
        self.started("writer");
        self.stage.until_quiet().await;
    }

    fn started(&mut self, name: &str) {
        let (id, started_at) = (u32::try_from(self.account.processes.len()).unwrap(), self.stage.now());
        self.account.processes.push(Process { name: name.into(), id, started_at, end: None });
    }

    async fn wish_all(&mut self) {
        for key in KEYS {
            let wish = Wish::new(key);
            match key {
                "by bus" => self.stage.goal_by_bus(&wish).await,
                "twice" => {
                    self.stage.goal(&wish).await;
                    self.wished(key, None);
                    self.stage.goal_bare(&wish).await;
                }
                _ => self.stage.goal(&wish).await,
            }
            self.wished(key, None);
        }
    }

    fn wished(&mut self, key: &str, forked_from: Option<GoalId>) {
        let (at, words) = (self.stage.now(), Wish::new(key).request.goal);
        let wished = Wished { at, by: "a user".into(), key: key.into(), words, forked_from, ..Wished::default() };
        self.account.wishes.push(wished);
    }

    fn act(&mut self, key: &str, what: Doing) {
        let (at, reply) = (self.stage.now(), Reply::Acknowledged);
        self.account.acts.push(Act { at, by: "an operator".into(), goal: goal(key), what, reply });
    }

    /// Both goals whose analysis failed; "held" fails again.
    async fn redrive(&mut self) {
        self.stage.until("both are parked", |stage| stage.dead_letters("analysis").len() == 2).await;
        self.is_mended.store(true, Ordering::SeqCst);
        for key in ["redriven", "held"] {
            let event = self.analysed(key);
            self.act(key, Doing::Redrive { row: RowName::new("analysis"), event });
        }
        assert_eq!(self.stage.redrive("analysis"), 2);
    }

    fn analysed(&self, key: &str) -> EventId {
        match &self.stage.steps(goal(key), "analysis")[0].key.kind {
            ItemKind::Step { event, .. } => *event,
            other => panic!("{other} is no step"),
        }
    }

    async fn fork(&mut self) {
        let past = Past::of(goal("plain"), &*self.ports.ledger, &*self.ports.artifacts, self.stage.now()).await;
        let past = past.unwrap().unwrap();
        let (settings, chance) = (Settings::of(self.stage.choreography()), Chance::seeded(1));
        let choreography = self.stage.choreography();
        let means = Means { ports: &self.ports, choreography, settings: &settings, chance: &chance };
        let wanted = fork::Wanted { key: "forked".into(), model: None };
        fork::fork(means, &past, past.step("writer").unwrap(), &wanted).await.unwrap();
        self.wished("forked", Some(goal("plain")));
    }

    async fn gather(self) -> History {
        let Run { stage, ports, account, .. } = self;
        let queue = stage.cloud().queue.clone();
        let recorder = contract::QueueName::new("recorder");
        let mut seen = vec![];
        while queue.count(&recorder) > 0 {
            for message in ports.queue.receive(&recorder, 10, Duration::ZERO, Duration::from_secs(60)).await.unwrap() {
                seen.push(Seen::of(&message, stage.now()));
                queue.delete(&recorder, std::slice::from_ref(&message.receipt)).await.unwrap();
            }
        }
        let left = |row: &contract::topology::Row| Left {
            queue: row.queue.clone(),
            visible: queue.visible(&row.queue) as u64,
            in_flight: queue.in_flight(&row.queue) as u64,
            bodies: vec![],
        };
        let left = stage.choreography().rows.iter().map(left).collect();
        let allowed = Allowed::of(&Settings::of(stage.choreography()));
        let history = History { allowed, account, seen, left, ..History::default() };
        history.read(&ports, stage.choreography()).await.unwrap()
    }
}

//! Owns growth: what a daemon does, and how much memory it has, with a thousand to a million messages waiting for it.
//! Never longer than its time for each depth: it takes what it can, the rest stays where it is.
//! Next: `docs/benchmarks.md` keeps the curve.

use std::collections::BTreeMap;
use std::time::Duration;

use contract::{Attributes, QueueName, UnixMs};
use figures::{Row, kernel, say};
use runtime::ledger::{Attr, Item, ItemKind};
use runtime::listing::{Bounds, Wanted, page};
use runtime::ports::{Outbound, Ports};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::Flags;
use crate::agent::{Agent, Cast};
use crate::hops::between;
use crate::place::Place;

const GROUP: &str = "messages waiting";
const DEPTHS: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
const FILLERS: usize = 4;
const BATCH: usize = 10;
const FILL_MAX: Duration = Duration::from_secs(120);
/// Half a second each; one more warms up.
const WINDOW_MS: i64 = 500;
const GOALS_MAX: usize = 10_000;

pub(crate) async fn measure(flags: &Flags, run: &mut figures::Run) -> anyhow::Result<()> {
    for depth in DEPTHS.into_iter().filter(|depth| *depth <= flags.waiting_max) {
        let place = Place::open(&flags.programs).await?;
        let row = place.site.choreography.rows.iter().find(|row| row.accepts_goals);
        let queue = row.map(|row| row.queue.clone()).ok_or_else(|| anyhow::anyhow!("nobody accepts goals"))?;
        let began = Instant::now();
        let filled = fill(&place.ports, &queue, depth).await?;
        say(&format!("        {filled} goals wait after {:.0} s", began.elapsed().as_secs_f64()));
        let mut research = Agent::start(&flags.programs, &place, "research", Cast::Scripted, 0)?;
        research.ready().await?;
        let from = place.ports.clock.now();
        sleep(Duration::from_millis(WINDOW_MS.unsigned_abs()) * (u32::try_from(flags.repeats)? + 1)).await;
        let until = place.ports.clock.now();
        let resident = kernel::resident_most_mb(research.id()?)?;
        let standin = kernel::resident_mb(place.id()?)?;
        anyhow::ensure!(research.alive()?, "research has ended: {}", research.told());
        drop(research);
        let plans = plans(&place, from, until).await?;
        let mut per_window = BTreeMap::<i64, u64>::new();
        for plan in &plans {
            let at = plan.time(&Attr::FinishedAt).unwrap_or_default();
            *per_window.entry((at.0 - from.0) / WINDOW_MS).or_default() += 1;
        }
        // What is left when the queue runs dry fills no window.
        let last = per_window.keys().next_back().copied().unwrap_or_default();
        let whole = per_window.iter().filter(|(window, _)| **window > 0 && **window < last);
        let speed = whole.map(|(_, count)| *count as f64 * 1000.0 / WINDOW_MS as f64).collect();
        let takes = plans.iter().filter_map(|plan| between(plan, &Attr::ReceivedAt, &Attr::FinishedAt)).collect();
        let waiting = if filled == depth { figures::shown(depth as f64) } else { format!("{filled} (time was over)") };
        run.add(Row::new(GROUP, format!("{waiting} waiting: received to committed"), "ms", takes));
        run.add(Row::new(GROUP, format!("{waiting} waiting: goals planned"), "goals/s", speed));
        run.add(Row::new(GROUP, format!("{waiting} waiting: the daemon's memory at most"), "MB", vec![resident]));
        run.add(Row::new(GROUP, format!("{waiting} waiting: the stand-in's memory"), "MB of server", vec![standin]));
    }
    Ok(())
}

async fn fill(ports: &Ports, queue: &QueueName, depth: usize) -> anyhow::Result<usize> {
    let began = Instant::now();
    let mut fillers = JoinSet::new();
    for filler in 0..FILLERS {
        let (ports, queue) = (ports.clone(), queue.clone());
        fillers.spawn(async move {
            let mut sent = 0;
            for first in (filler * BATCH..depth).step_by(FILLERS * BATCH) {
                if began.elapsed() > FILL_MAX {
                    break;
                }
                let batch: Vec<Outbound> = (first..(first + BATCH).min(depth)).map(goal).collect();
                ports.queue.send(&queue, &batch).await?.into_iter().collect::<Result<(), _>>()?;
                sent += batch.len();
            }
            anyhow::Ok(sent)
        });
    }
    let mut filled = 0;
    while let Some(sent) = fillers.join_next().await {
        filled += sent??;
    }
    Ok(filled)
}

fn goal(number: usize) -> Outbound {
    let body = format!("{{\"goal\":\"the goal of waiting-{number}\",\"key\":\"waiting-{number}\"}}");
    Outbound { body, attributes: Attributes::default(), group: None }
}

/// The plans that were committed in that time, the newest ones where there are very many.
async fn plans(place: &Place, from: UnixMs, until: UnixMs) -> anyhow::Result<Vec<Item>> {
    let ledger = &*place.ports.ledger;
    let bounds = Bounds { goals_max: 1_000, looks_max: GOALS_MAX };
    let (mut after, mut goals) = (None, vec![]);
    while goals.len() < GOALS_MAX {
        let page = page(ledger, &Wanted::default(), after, bounds).await?;
        goals.extend(page.goals.iter().map(|(listed, _)| listed.mark.goal));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut plans = vec![];
    for goal in goals {
        let story = ledger.story(goal).await?;
        plans.extend(story.into_iter().filter(|item| {
            let at = item.time(&Attr::FinishedAt).unwrap_or_default();
            matches!(&item.key.kind, ItemKind::Step { row, .. } if row.as_str() == "research")
                && item.text(&Attr::State) == Some("committed")
                && from <= at
                && at <= until
        }));
    }
    Ok(plans)
}

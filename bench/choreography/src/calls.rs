//! Owns what a whole goal asks of AWS: calls counted at the stand-in against the formula's floor, bytes in the ledger, dollars.
//! Never a call of the bench's own: it sends the goal, which is left out, and reads nothing until all is quiet.
//! Next: `contract::topology::cost` is the floor, `dollars` has the prices.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use contract::Topology;
use contract::topology::cost::{Cost, Work};
use figures::{Figure, Row, kernel};
use processes::run::GOAL_MAX;
use processes::{Wish, sample};
use runtime::ledger::Item;

use crate::Flags;
use crate::agent::{Agent, Cast};
use crate::dollars::{self, Weighed};
use crate::goals::QUESTIONS_PER_GOAL;
use crate::model::{Pace, Waiting};
use crate::place::Place;

const GROUP: &str = "AWS calls of a goal";
const LEDGER: &str = "ledger bytes of a goal";
const TASKS: u32 = 3;
const AT_ONCE: usize = 100;
/// Counts are no timings: they hardly differ.
const REPEATS: usize = 3;
const OVER_FLOOR_MAX: f64 = 1.10;
const QUIET: Duration = Duration::from_millis(1_500);
const WITHIN: Duration = Duration::from_secs(120);
/// The user's own call, and what a client asks once in its life.
const NOT_OWED: [&str; 3] = ["SendMessage", "SendMessageBatch", "GetQueueUrl"];
/// For the memory that agents have under load.
const MEMORY: &str = "memory under load";

/// One way to count.
#[derive(Clone, Copy, Debug)]
struct Load {
    goals: usize,
    batch_fill: u32,
}

const LOADS: [Load; 2] = [Load { goals: 1, batch_fill: 1 }, Load { goals: AT_ONCE, batch_fill: 10 }];

pub(crate) async fn measure(flags: &Flags, run: &mut figures::Run) -> anyhow::Result<()> {
    // No sweep comes between: it is owed to no goal.
    let quietly = [("MURMUR_SWEEP_EVERY_S", "3600")];
    let place = Place::with(&flags.programs, &quietly).await?;
    let agents = Agent::four(&flags.programs, &place, Cast::Scripted).await?;
    for load in LOADS {
        counted(&place, load, "scripted agents", 0, run).await?;
    }
    drop(agents);
    let model = Waiting::start(Pace::of(0)).await?;
    let file = model.file()?;
    let with_model = [quietly[0], ("MURMUR_MODELS", file.as_str())];
    let place = Place::with(&flags.programs, &with_model).await?;
    sample::ingest(&place.ports).await?;
    let agents = Agent::four(&flags.programs, &place, Cast::Real).await?;
    for load in LOADS {
        counted(&place, load, "real agents with a model", 1, run).await?;
    }
    model.ensure_answered()?;
    for agent in &agents {
        let most = kernel::resident_most_mb(agent.id()?)?;
        let what = format!("{} after {AT_ONCE} goals at once", agent.name);
        run.add(Row::new(MEMORY, what, "MB", vec![most]).noting("the most it ever held"));
    }
    costs(&place, run).await
}

async fn counted(place: &Place, load: Load, who: &str, questions: u32, run: &mut figures::Run) -> anyhow::Result<()> {
    let Load { goals, batch_fill } = load;
    let floor = floor(questions, batch_fill);
    let (mut totals, mut ratios, mut names) = (vec![], vec![], BTreeMap::<String, Vec<f64>>::new());
    // The first round opens what is opened once.
    for round in 0..=REPEATS {
        let from = place.operations.last().await?;
        let from = from + place.operations.until_quiet(from, QUIET, WITHIN).await?.values().sum::<u64>();
        let wishes: Vec<Wish> =
            (0..goals).map(|number| Wish::of(&format!("{who}-{goals}-{round}-{number}"), sample::GOAL)).collect();
        for wish in &wishes {
            wish.send(&place.ports, &place.site.choreography).await?;
        }
        let mut counts = place.operations.until_quiet(from, QUIET, WITHIN).await?;
        counts.retain(|name, _| !NOT_OWED.contains(&name.as_str()));
        for wish in &wishes {
            wish.end(&place.ports, GOAL_MAX).await?;
        }
        if round > 0 {
            let total = counts.values().sum::<u64>() as f64 / goals as f64;
            totals.push(total);
            ratios.push(total / floor);
            for (name, count) in counts {
                names.entry(name).or_default().push(count as f64 / goals as f64);
            }
        }
    }
    let told = if goals == 1 { "one by itself".to_owned() } else { format!("{goals} at once") };
    let note = format!("floor {floor:.2}, with batches of {batch_fill}");
    run.add(Row::new(GROUP, format!("{who}, {told}"), "calls a goal", totals).noting(note));
    let row = Row::new(GROUP, format!("{who}, {told}: of the floor"), "×", ratios);
    run.add(row.at_most(Figure::Median, OVER_FLOOR_MAX));
    for (name, samples) in names {
        run.add(Row::new(&format!("{GROUP}: {who}, {told}"), name, "calls a goal", samples));
    }
    Ok(())
}

/// What no implementation can do without. Where a model is asked, each question's record is noted as well.
fn floor(questions: u32, batch_fill: u32) -> f64 {
    let cost = cost(questions, batch_fill);
    let records = if questions > 0 { QUESTIONS_PER_GOAL as f64 } else { 0.0 };
    cost.total() + records
}

fn cost(questions: u32, batch_fill: u32) -> Cost {
    // Artifacts are files here: the stand-in sees none of them.
    let work = Work { members: TASKS, model_calls: questions, heartbeats: 0, artifacts: 0, batch_fill };
    Topology::murmuration().cost_of_a_goal(&work)
}

/// One goal more, whose items and artifacts are weighed.
async fn costs(place: &Place, run: &mut figures::Run) -> anyhow::Result<()> {
    let before = artifacts(place)?;
    let wish = Wish::of("weighed", &format!("{}, weighed", sample::GOAL));
    wish.send(&place.ports, &place.site.choreography).await?;
    wish.end(&place.ports, GOAL_MAX).await?;
    let from = place.operations.last().await?;
    place.operations.until_quiet(from, QUIET, WITHIN).await?;
    let story = place.ports.ledger.story(wish.id()).await?;
    let sum =
        |fits: fn(&Item) -> bool| story.iter().filter(|item| fits(item)).map(dollars::bytes).sum::<usize>() as f64;
    run.add(Row::new(LEDGER, "all its items", "bytes", vec![sum(|_| true)]));
    run.add(Row::new(LEDGER, "its steps", "bytes", vec![sum(dollars::is_step)]));
    run.add(Row::new(LEDGER, "its joins", "bytes", vec![sum(dollars::is_join)]));
    run.add(Row::new(LEDGER, "the goal itself", "bytes", vec![sum(dollars::is_goal)]));
    let weighed = Weighed::of(&story, artifacts(place)? - before);
    run.add(Row::new(LEDGER, "artifacts beside it", "artifacts", vec![weighed.artifacts as f64]));
    dollars::tell(&weighed, &cost(1, 10), &cost(1, 1), run);
    Ok(())
}

/// Files below the place where artifacts are kept.
fn artifacts(place: &Place) -> anyhow::Result<usize> {
    let named = place.site.environment().get("MURMUR_ARTIFACTS");
    let folder = named.and_then(|place| place.strip_prefix("file://")).unwrap_or_default();
    files(Path::new(folder))
}

fn files(folder: &Path) -> anyhow::Result<usize> {
    let mut count = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        count += if entry.file_type()?.is_dir() { files(&entry.path())? } else { 1 };
    }
    Ok(count)
}

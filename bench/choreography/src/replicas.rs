//! Owns scaling out: one, two, four and eight processes of one agent on one queue, with a model that takes 500 ms.
//! Never as many at once as would fill two cores: what is measured is whether replicas get in each other's way.
//! Next: `crowd` sends the messages.

use std::time::Duration;

use figures::{Figure, Row};

use crate::Flags;
use crate::agent::{Agent, Cast};
use crate::crowd::{Crowd, ROW, finished};
use crate::model::{Pace, Waiting};
use crate::place::Place;

const GROUP: &str = "replicas";
const REPLICAS: [usize; 4] = [1, 2, 4, 8];
const MODEL_MS: u64 = 500;
const CONCURRENCY: &str = "2";
/// Each has as many to do, whatever their number.
const MESSAGES_EACH: usize = 16;
const SPEEDUP_MIN: f64 = 7.5;
const WITHIN: Duration = Duration::from_secs(120);
const QUIET: Duration = Duration::from_millis(300);

pub(crate) async fn measure(flags: &Flags, run: &mut figures::Run) -> anyhow::Result<()> {
    let model = Waiting::start(Pace::of(MODEL_MS)).await?;
    let file = model.file()?;
    let variables = [("MURMUR_MODELS", file.as_str()), ("MURMUR_ANALYSIS_CONCURRENCY", CONCURRENCY)];
    let place = Place::with(&flags.programs, &variables).await?;
    let crowd = Crowd::gather(&flags.programs, &place).await?;
    let mut per_second = REPLICAS.map(|_| vec![]);
    for round in 0..flags.repeats {
        for (replicas, samples) in REPLICAS.iter().zip(&mut per_second) {
            samples.push(throughput(flags, &place, &crowd, *replicas, round).await?);
        }
    }
    model.ensure_answered()?;
    let note = format!("real analysis, {CONCURRENCY} messages at a time in each, a model of {MODEL_MS} ms");
    for (replicas, samples) in REPLICAS.iter().zip(&per_second) {
        let row = Row::new(GROUP, format!("processes: {replicas}"), "messages/s", samples.clone());
        run.add(row.noting(note.clone()));
    }
    let [one, .., eight] = &per_second;
    let speedup = eight.iter().zip(one).map(|(eight, one)| eight / one).collect();
    run.add(Row::new(GROUP, "eight against one", "×", speedup).at_least(Figure::Median, SPEEDUP_MIN));
    Ok(())
}

/// From the first event that was put to the last commit; all replicas wait before that.
async fn throughput(flags: &Flags, place: &Place, crowd: &Crowd, replicas: usize, round: usize) -> anyhow::Result<f64> {
    let mut agents = vec![];
    for number in 0..replicas {
        agents.push(Agent::start(&flags.programs, place, ROW, Cast::Real, number)?);
    }
    for agent in &mut agents {
        agent.ready().await?;
    }
    let from = place.operations.last().await?;
    place.operations.until_quiet(from, QUIET, WITHIN).await?;
    let words = vec!["prices".to_owned(); MESSAGES_EACH * replicas];
    let (began, sent) = crowd.send(place, &format!("{replicas}-{round}"), &words).await?;
    let ended = finished(place, &sent, WITHIN, &mut agents).await?.into_iter().max().unwrap_or(began);
    // Whatever is still told or deleted belongs to this round.
    let from = place.operations.last().await?;
    place.operations.until_quiet(from, QUIET, WITHIN).await?;
    Ok(sent.len() as f64 / began.until(ended).as_secs_f64())
}

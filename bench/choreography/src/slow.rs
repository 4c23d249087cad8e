//! Owns one slow message among ten: how late its nine neighbours are for it, and those that come while it is at work.
//! Never a slow machine: what is slow is the model, for that one goal.
//! Next: `crowd` sends them.

use std::time::Duration;

use contract::UnixMs;
use figures::{Figure, Row};

use crate::Flags;
use crate::agent::{Agent, Cast};
use crate::crowd::{Crowd, ROW, Sent, finished};
use crate::model::{Pace, SLOWLY, Waiting};
use crate::place::Place;

const GROUP: &str = "one slow among ten";
const PACE: Pace = Pace { usual: Duration::from_millis(50), slow: Duration::from_secs(3) };
/// A hundredth of what the slow one takes, or twenty milliseconds more: two timings differ by that on two cores.
const DELAY_MAX_MS: f64 = 50.0;
const WITHIN: Duration = Duration::from_secs(60);

pub(crate) async fn measure(flags: &Flags, run: &mut figures::Run) -> anyhow::Result<()> {
    let model = Waiting::start(PACE).await?;
    let place = Place::with(&flags.programs, &[("MURMUR_MODELS", model.file()?.as_str())]).await?;
    let crowd = Crowd::gather(&flags.programs, &place).await?;
    let mut analysis = [Agent::start(&flags.programs, &place, ROW, Cast::Real, 0)?];
    analysis[0].ready().await?;
    let quickly = |count: usize| vec!["prices, quickly".to_owned(); count];
    let with_a_slow_one = [vec![format!("prices, {SLOWLY}")], quickly(9)].concat();
    let (mut alone, mut beside, mut later, mut delay) = (vec![], vec![], vec![], vec![]);
    for round in 0..=flags.repeats {
        let (began, ten) = crowd.send(&place, &format!("alone-{round}"), &quickly(10)).await?;
        let without = slowest_ms(&place, began, &ten[1..], &mut analysis).await?;
        finished(&place, &ten, WITHIN, &mut analysis).await?;
        let (began, ten) = crowd.send(&place, &format!("beside-{round}"), &with_a_slow_one).await?;
        let with = slowest_ms(&place, began, &ten[1..], &mut analysis).await?;
        let (began, nine) = crowd.send(&place, &format!("later-{round}"), &quickly(9)).await?;
        let after = slowest_ms(&place, began, &nine, &mut analysis).await?;
        let slow = finished(&place, &ten[..1], WITHIN, &mut analysis).await?;
        let still = slow.first().is_some_and(|slow| began.until(*slow) > Duration::from_millis(500));
        anyhow::ensure!(still, "the slow one was done before the others: nothing was measured");
        if round > 0 {
            alone.push(without);
            beside.push(with);
            later.push(after);
            delay.push(with - without);
        }
    }
    model.ensure_answered()?;
    let pace = "analysis, a model of 50 ms, for the slow one 3 s";
    run.add(Row::new(GROUP, "slowest of nine, ten quick ones together", "ms", alone).noting(pace));
    run.add(Row::new(GROUP, "slowest of nine, the tenth is slow", "ms", beside).noting(pace));
    run.add(Row::new(GROUP, "slowest of nine that come while it is at work", "ms", later).noting(pace));
    let row = Row::new(GROUP, "what the slow one costs the nine", "ms later", delay);
    run.add(row.at_most(Figure::Median, DELAY_MAX_MS));
    Ok(())
}

async fn slowest_ms(place: &Place, began: UnixMs, sent: &[Sent], agents: &mut [Agent]) -> anyhow::Result<f64> {
    let times = finished(place, sent, WITHIN, agents).await?;
    let slowest = times.into_iter().max().unwrap_or(began);
    Ok((slowest.0 - began.0) as f64)
}

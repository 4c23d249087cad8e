//! Owns what is said of the figures: one JSON document, a table, and a line for each bar.
//! Never a measurement, and never a bar that is left out because it was missed.
//! Next: `make bench-figures` draws from the document; `docs/benchmarks.md` keeps the table.

use std::path::Path;

use contract::{Clock as _, UnixMs};
use runtime::ports::SystemClock;
use serde::Serialize;

use crate::contender::{BARE, BOTO3, OURS, PEERS};
use crate::say;
use crate::slow::SLOW_MS;

pub(crate) const SPEED: &str = "messages per second";
pub(crate) const CPU: &str = "processor time a message";
pub(crate) const TOGETHER: &str = "slowest of nine, received with a slow one";
pub(crate) const BEHIND: &str = "slowest of nine, sent behind a slow one";
const METRICS: [(&str, &str); 4] = [(SPEED, "1/s"), (CPU, "µs"), (TOGETHER, "ms"), (BEHIND, "ms")];
/// The group of rows that are held against a bar.
const BARS: &str = "bars";

const CPU_BESIDE_BARE_MAX: f64 = 1.10;
const CPU_OF_BOTO3_MIN: f64 = 3.5;
/// Not delayed: a tenth of what the slow one takes, at most.
const FAST_MAX_MS: f64 = SLOW_MS as f64 / 10.0;

/// One figure of one contender, all of its samples.
#[derive(Clone, Debug, Serialize)]
struct Row {
    group: &'static str,
    what: String,
    unit: &'static str,
    median: f64,
    samples: Vec<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bar: Option<Bar>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Bar {
    by: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_most: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_least: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    bench: &'static str,
    at: UnixMs,
    /// Averages over 1, 5 and 15 minutes when it began.
    load: [f64; 3],
    load_at_end: [f64; 3],
    command: String,
    settings: Vec<String>,
    rows: Vec<Row>,
}

impl Report {
    pub(crate) fn begin(repeats: usize, settings: Vec<String>) -> Report {
        Report {
            bench: "peers",
            at: SystemClock.now(),
            load: load(),
            load_at_end: [f64::NAN; 3],
            command: format!("make bench-peers REPEATS={repeats}"),
            settings,
            rows: vec![],
        }
    }

    pub(crate) fn add(&mut self, contender: &str, metric: &'static str, sample: f64) {
        let unit = METRICS.iter().find(|(name, _)| *name == metric).map_or("", |(_, unit)| unit);
        let at = self.rows.iter().position(|row| row.what == contender && row.group == metric);
        let at = at.unwrap_or_else(|| {
            self.rows.push(Row::of(metric, contender, unit, vec![]));
            self.rows.len() - 1
        });
        if let Some(row) = self.rows.get_mut(at) {
            row.samples.push(sample);
            row.median = median(&row.samples);
        }
    }

    fn samples(&self, contender: &str, metric: &str) -> &[f64] {
        let row = self.rows.iter().find(|row| row.what == contender && row.group == metric);
        row.map_or(&[], |row| &row.samples)
    }

    /// What one has to the other, repeat by repeat: both met the same noise.
    fn ratios(&self, one: &str, other: &str, metric: &str) -> Vec<f64> {
        self.samples(one, metric).iter().zip(self.samples(other, metric)).map(|(one, other)| one / other).collect()
    }

    fn bars(&self) -> Vec<Row> {
        let mut bars = vec![
            Row::of(BARS, "processor time beside the bare loop", "x", self.ratios(OURS, BARE, CPU))
                .at_most(CPU_BESIDE_BARE_MAX),
            Row::of(BARS, "processor time of the boto3 loop", "x", self.ratios(BOTO3, OURS, CPU))
                .at_least(CPU_OF_BOTO3_MIN),
        ];
        for peer in PEERS {
            let what = format!("speed beside {peer}");
            bars.push(Row::of(BARS, &what, "x", self.ratios(OURS, peer, SPEED)).at_least(1.0));
        }
        for metric in [TOGETHER, BEHIND] {
            bars.push(Row::of(BARS, metric, "ms", self.samples(OURS, metric).to_vec()).at_most(FAST_MAX_MS));
        }
        bars
    }

    /// Writes all of it, and says which bars hold: whether all of them do.
    pub(crate) fn judge(&mut self, out: &Path) -> anyhow::Result<bool> {
        self.load_at_end = load();
        let bars = self.bars();
        self.rows.extend(bars.iter().cloned());
        if let Some(folder) = out.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(out, serde_json::to_string_pretty(self)? + "\n")?;
        for bar in &bars {
            say(&bar.told());
        }
        let held = bars.iter().filter(|bar| bar.held()).count();
        say(&format!("bench-peers: {held} of {} bars held", bars.len()));
        Ok(held == bars.len())
    }

    pub(crate) fn table(&self) {
        for setting in &self.settings {
            say(&format!("  {setting}"));
        }
        say(&format!("load average: {:?} when it began, {:?} now", self.load, load()));
        say("| contender | messages per second | processor time a message | nine with a slow one | nine behind it |");
        say("|---|---|---|---|---|");
        let mut contenders: Vec<&str> = vec![];
        for row in &self.rows {
            if !contenders.contains(&row.what.as_str()) {
                contenders.push(&row.what);
            }
        }
        for contender in contenders {
            let cells = METRICS.map(|(metric, unit)| match self.samples(contender, metric) {
                [] => "–".into(),
                all => format!("{:.0} {unit} ({:.0} to {:.0})", median(all), least(all), most(all)),
            });
            say(&format!("| {contender} | {} |", cells.join(" | ")));
        }
    }
}

impl Row {
    fn of(group: &'static str, what: &str, unit: &'static str, samples: Vec<f64>) -> Row {
        Row { group, what: what.into(), unit, median: median(&samples), samples, bar: None }
    }

    fn at_most(self, bar: f64) -> Row {
        Row { bar: Some(Bar { by: "median", at_most: Some(bar), at_least: None }), ..self }
    }

    fn at_least(self, bar: f64) -> Row {
        Row { bar: Some(Bar { by: "median", at_most: None, at_least: Some(bar) }), ..self }
    }

    /// What is no number, because nothing was measured, holds no bar.
    fn held(&self) -> bool {
        let Some(Bar { at_most, at_least, .. }) = self.bar else { return true };
        self.median.is_finite()
            && at_most.is_none_or(|most| self.median <= most)
            && at_least.is_none_or(|least| self.median >= least)
    }

    fn told(&self) -> String {
        let bound = |word: &str, bound: Option<f64>| bound.map(|bound| format!("{word} {bound} {}", self.unit));
        let bar = self.bar.and_then(|bar| bound("at most", bar.at_most).or(bound("at least", bar.at_least)));
        let verdict = if self.held() { "met   " } else { "MISSED" };
        format!("{verdict} {}: {:.2} {} ({})", self.what, self.median, self.unit, bar.unwrap_or_default())
    }
}

fn load() -> [f64; 3] {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut figures = text.split_whitespace().filter_map(|word| word.parse().ok());
    [(); 3].map(|()| figures.next().unwrap_or(f64::NAN))
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.get(middle), sorted.len() % 2) {
        (Some(upper), 0) => (upper + sorted.get(middle.wrapping_sub(1)).unwrap_or(upper)) / 2.0,
        (Some(only), _) => *only,
        (None, _) => f64::NAN,
    }
}

fn least(samples: &[f64]) -> f64 {
    samples.iter().copied().fold(f64::NAN, f64::min)
}

fn most(samples: &[f64]) -> f64 {
    samples.iter().copied().fold(f64::NAN, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_between_the_two_in_the_middle() {
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median(&[9.0, 1.0, 3.0]), 3.0);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_ratio_is_taken_repeat_by_repeat() {
        let mut report = Report::begin(3, vec![]);
        for (ours, theirs) in [(1.0, 1.0), (20.0, 10.0), (3.0, 1.0)] {
            report.add(OURS, CPU, ours);
            report.add(BARE, CPU, theirs);
        }
        assert_eq!(report.ratios(OURS, BARE, CPU), [1.0, 2.0, 3.0]);
        assert!(!report.bars()[0].held(), "twice the bare loop");
    }

    #[test]
    fn what_was_not_measured_holds_no_bar() {
        assert!(Report::begin(1, vec![]).bars().iter().all(|bar| !bar.held()));
    }
}

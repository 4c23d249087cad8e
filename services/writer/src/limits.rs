//! Owns the limits of the evidence: gaps, what was missed, what is old, what was noted, what was left out.
//! Never an excuse: each line says something that a reader can check or mend.
//! Next: `offline` puts them into the report.

use contract::documents::{Analysed, asked};

use crate::bounds::{self, first};
use crate::report::{Limit, LimitKind, Report};
use crate::{escape, figure, offline};

/// Days are compared as text: a year earlier is another year and the same rest.
const OLD_YEARS: i32 = 1;

pub(crate) fn of(analysed: &Analysed, report: &Report, day: &str) -> Vec<Limit> {
    let mut limits = vec![];
    let mut say = |kind, texts: &mut dyn Iterator<Item = String>| {
        limits.extend(texts.map(|text| Limit { kind, text, citations: vec![] }));
    };
    let plain = |text: &str| escape::plain(text);
    let gaps = first(&analysed.gaps, bounds::LIMITS_MAX);
    let open = |question: &str| plain(asked(&analysed.goal, question));
    say(LimitKind::Gap, &mut gaps.iter().map(|gap| format!("{} ({})", open(&gap.question), plain(&gap.why))));
    let missed = first(&analysed.missed, bounds::LIMITS_MAX);
    say(
        LimitKind::Missed,
        &mut missed.iter().map(|missed| format!("{} ({})", plain(&missed.what), plain(&missed.why))),
    );
    say(LimitKind::Note, &mut first(&analysed.notes, bounds::LIMITS_MAX).iter().map(|note| plain(note)));
    say(LimitKind::LeftOut, &mut left_out(analysed, report).into_iter());
    limits.extend(stale(report, day));
    limits.sort_by_key(|limit| limit.kind);
    limits
}

/// Cited sources that are older than a year, and those that name no day at all.
fn stale(report: &Report, day: &str) -> Vec<Limit> {
    let limit = |kind, text, citations| Limit { kind, text, citations };
    let Some(border) = years_before(day, OLD_YEARS) else { return vec![] };
    let mut by_source: Vec<(&crate::report::Reference, Vec<u32>)> = vec![];
    for reference in &report.references {
        match by_source.iter_mut().find(|(first, _)| first.source == reference.source) {
            Some((_, citations)) => citations.push(reference.number),
            None => by_source.push((reference, vec![reference.number])),
        }
    }
    let mut limits = vec![];
    let mut undated = vec![];
    for (source, citations) in by_source {
        match source.date.as_deref() {
            Some(date) if date < border.get(..date.len()).unwrap_or(&border) => {
                let title = escape::plain(&source.title);
                let text = format!("“{title}” is of {date}, more than a year before this report");
                limits.push(limit(LimitKind::Stale, text, citations));
            }
            Some(_) => {}
            // One place of each is enough to find it.
            None => undated.extend(citations.first().map(|first| (escape::plain(&source.title), *first))),
        }
    }
    limits.truncate(bounds::LIMITS_MAX);
    if !undated.is_empty() {
        let (titles, citations): (Vec<String>, Vec<u32>) = undated.into_iter().unzip();
        let titles = titles.into_iter().map(|title| format!("“{title}”")).collect::<Vec<_>>().join(", ");
        let text = format!("no day is named by {titles}: how old they are is unknown");
        limits.push(limit(LimitKind::Undated, text, citations));
    }
    limits
}

fn years_before(day: &str, years: i32) -> Option<String> {
    let (year, rest) = day.split_once('-')?;
    Some(format!("{:04}-{rest}", year.parse::<i32>().ok()? - years))
}

fn left_out(analysed: &Analysed, report: &Report) -> Vec<String> {
    let mut said = vec![];
    let mut over = |found: usize, shown: usize, one: &str, many: &str| {
        if found > shown {
            let rest = figure::counted(found - shown, one, many);
            said.push(format!("{rest}: the analysis has all of them"));
        }
    };
    over(analysed.findings.len(), bounds::FINDINGS_MAX, "further finding", "further findings of less importance");
    over(analysed.conflicts.len(), bounds::CONFLICTS_MAX, "further conflict", "further conflicts");
    over(analysed.charts.len(), bounds::CHARTS_MAX, "further chart", "further charts");
    for (found, one, many) in [
        (analysed.gaps.len(), "further gap", "further gaps"),
        (analysed.missed.len(), "further thing that could not be read", "further things that could not be read"),
        (analysed.notes.len(), "further note", "further notes"),
    ] {
        over(found, bounds::LIMITS_MAX, one, many);
    }
    let tables = offline::by_table(analysed).len();
    over(tables, bounds::TABLES_MAX, "further table of numbers", "further tables of numbers");
    for table in report.numbers.iter().filter(|table| table.left_out > 0) {
        let rest = figure::counted(table.left_out as usize, "further number", "further numbers");
        said.push(format!("{rest} of “{}”; its CSV file has them", table.caption));
    }
    if analysed.charts.iter().any(|chart| chart.bars.len() > bounds::BARS_MAX) {
        said.push(format!("bars of charts beyond the first {}", bounds::BARS_MAX));
    }
    said
}

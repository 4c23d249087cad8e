//! Owns the words for numbers: one statement a column's level, its groups, its trend, each with its rows.
//! Never a number in a statement that is not a metric of the finding.
//! Next: `offline` puts these findings beside those from prose.

use std::collections::BTreeMap;

use contract::documents::{DetailedFinding, Metric, Statistic, Support, printed};

use crate::assign::{Kind, Questions};
use crate::confidence;
use crate::metrics::{Figures, Trend};
use crate::pool::Pool;
use crate::sheet::Sheet;
use crate::support;
use crate::words;

/// Of one question.
const OF_A_QUESTION_MAX: usize = 3;
/// Of none: where fewer than this are told in all.
const UNASKED_MAX: usize = 3;
/// Rows that a finding shows; its metrics lead to all of them.
const SHOWN_MAX: usize = 2;
/// Groups that explain less than this are not worth a sentence.
const APART_MIN: f64 = 0.15;
/// Single things that are told one by one.
const RANKED: std::ops::RangeInclusive<usize> = 3..=10;

/// Statements about the columns, the most telling columns first, each with the question that it answers.
pub(crate) fn findings(pool: &Pool, figures: &[Figures<'_>], questions: &Questions<'_>) -> Vec<DetailedFinding> {
    let (mut asked, mut unasked): (Vec<DetailedFinding>, Vec<DetailedFinding>) = (vec![], vec![]);
    let mut of_question: BTreeMap<String, usize> = BTreeMap::new();
    for figures in figures {
        let trend = trend(pool, figures).map(|finding| (Kind::Trend, finding));
        // A trend has the level at both of its ends.
        let level = if trend.is_some() { None } else { ranking(pool, figures).or_else(|| level(pool, figures)) };
        let rest = level.into_iter().chain(groups(pool, figures)).map(|finding| (Kind::Level, finding));
        for (kind, mut finding) in trend.into_iter().chain(rest) {
            finding.question = questions.of_column(pool, figures.of, kind);
            match &finding.question {
                None => unasked.push(finding),
                Some(question) => {
                    let told = of_question.entry(question.clone()).or_default();
                    *told += 1;
                    if *told <= OF_A_QUESTION_MAX {
                        asked.push(finding);
                    }
                }
            }
        }
    }
    let room = UNASKED_MAX.saturating_sub(asked.len());
    asked.into_iter().chain(unasked.into_iter().take(room)).collect()
}

fn of(metrics: &[Metric], statistic: Statistic) -> Option<&Metric> {
    metrics.iter().find(|metric| metric.statistic == statistic)
}

fn shown(metric: &Metric) -> String {
    printed::amount(metric.value, metric.unit.as_deref())
}

pub(crate) fn when(figures: &Figures<'_>) -> String {
    figures.of.on.as_ref().map(|(_, day)| format!(" on {day}")).unwrap_or_default()
}

fn level(pool: &Pool, figures: &Figures<'_>) -> Option<DetailedFinding> {
    let (sheet, rows) = (figures.of.sheet, &figures.of.rows);
    let count = of(&figures.level, Statistic::Count)?;
    let subject = format!("{}{} ({})", capital(&sheet.spoken(figures.of.column)), when(figures), sheet.name);
    let count = printed::decimal(count.value, 0);
    let middle = of(&figures.level, Statistic::Median);
    let ends = of(&figures.level, Statistic::Min).zip(of(&figures.level, Statistic::Max));
    let end = |metric: &Metric| format!("{}{}", shown(metric), whose(figures, metric.value));
    let mut statement = match (ends, middle) {
        (Some((min, max)), Some(middle)) if min.value < max.value => {
            let (middle, low, high) = (shown(middle), end(min), end(max));
            format!("{subject}: the median is {middle} over {count} rows, from {low} to {high}.")
        }
        // Two numbers have no middle.
        (Some((min, max)), None) if min.value < max.value => {
            format!("{subject} is {} and {}, in two rows.", end(min), end(max))
        }
        (Some((min, _)), None) => format!("{subject} is {} in both rows.", shown(min)),
        (Some(_), Some(middle)) => format!("{subject} is {} in all {count} rows.", shown(middle)),
        (None, middle) => format!("{subject} is {}, in one row.", end(middle?)),
    };
    let mut metrics = figures.level.clone();
    if let (Some(worst), Some(calm)) = (figures.outliers.first(), &figures.calm) {
        let named: Vec<&str> = worst.group.values().map(String::as_str).collect();
        let named = named.join(" ");
        let who = match figures.outliers.len() {
            1 if is_name(&named) => format!("{named}, which lies far outside"),
            1 => "the one that lies far outside".into(),
            _ => "those that lie far outside".into(),
        };
        statement.push_str(&format!(" Without {who}, the median is {}.", shown(calm)));
        metrics.extend(figures.outliers.iter().chain([calm]).cloned());
    }
    let all = figures.of.on.as_ref().map_or(sheet.table.rows.len(), |_| rows.len());
    let mut judged = confidence::of_rows(rows.len(), all, &sheet.name, sheet.date, pool.newest());
    if !figures.outliers.is_empty() {
        judged.reason.push_str(" Far outside is more than 1.5 times the distance between the quartiles.");
    }
    let supporting = row_supports(pool, sheet, telling_rows(figures));
    finding(&statement, judged, supporting, &metrics)
}

/// ` (Moltbus Fleet)`, where one row alone has the value and goes by a name.
fn whose(figures: &Figures<'_>, value: f64) -> String {
    let mut rows = figures.of.rows.iter().zip(&figures.of.values).filter(|(_, own)| **own == value);
    let (Some((row, _)), None) = (rows.next(), rows.next()) else { return String::new() };
    let label: Vec<&str> = figures.of.sheet.row_label(*row).into_iter().map(|(_, text)| text).collect();
    let label = label.join(" ");
    if is_name(&label) { format!(" ({label})") } else { String::new() }
}

/// `R17` tells a row apart, and tells nobody anything.
pub(crate) fn is_name(label: &str) -> bool {
    label.chars().any(char::is_lowercase) || label.chars().any(|c| c.is_alphabetic() && !c.is_ascii())
}

/// Single things one by one, the largest first, where there are few.
fn ranking(pool: &Pool, figures: &Figures<'_>) -> Option<DetailedFinding> {
    let sheet = figures.of.sheet;
    let grouping = figures.of.grouping.as_ref().filter(|grouping| grouping.one_each)?;
    let column = &sheet.table.columns[grouping.column].name;
    let all = &figures.groups;
    if !RANKED.contains(&all.len()) || all.len() < figures.of.rows.len() || figures.trend.is_some() {
        return None;
    }
    let one = |metric: &Metric| {
        format!("{} {}", metric.group.get(column).map(String::as_str).unwrap_or_default(), shown(metric))
    };
    let told: Vec<String> = all.iter().map(one).collect();
    let subject = format!("{}{} ({})", capital(&sheet.spoken(figures.of.column)), when(figures), sheet.name);
    let statement = format!("{subject}, the highest first: {}.", told.join(", "));
    let of_rows = figures.of.on.as_ref().map_or(sheet.table.rows.len(), |_| all.len());
    let judged = confidence::read(all.len(), of_rows, &sheet.name, sheet.date, pool.newest());
    finding(&statement, judged, row_supports(pool, sheet, telling_rows(figures)), all)
}

/// The rows of the largest and of the least.
fn telling_rows(figures: &Figures<'_>) -> Vec<usize> {
    let mut pairs: Vec<(f64, usize)> = figures.of.values.iter().copied().zip(figures.of.rows.iter().copied()).collect();
    pairs.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    let ends = [pairs.last(), pairs.first()];
    ends.into_iter().flatten().map(|(_, row)| *row).collect()
}

fn row_supports(pool: &Pool, sheet: &Sheet<'_>, rows: Vec<usize>) -> Vec<Support> {
    let mut found: Vec<Support> = vec![];
    for support in rows.into_iter().filter_map(|row| support::of_row(pool, sheet, row)) {
        if !found.contains(&support) && found.len() < SHOWN_MAX {
            found.push(support);
        }
    }
    found
}

fn groups(pool: &Pool, figures: &Figures<'_>) -> Option<DetailedFinding> {
    let sheet = figures.of.sheet;
    let grouping = figures.of.grouping.as_ref().filter(|grouping| !grouping.one_each && grouping.apart >= APART_MIN)?;
    let column = &sheet.table.columns[grouping.column].name;
    let named = |metric: &Metric| metric.group.get(column).cloned().unwrap_or_default();
    let told: Vec<String> =
        figures.groups.iter().take(6).map(|metric| format!("{} for {}", shown(metric), named(metric))).collect();
    if told.len() < 2 {
        return None;
    }
    let mut statement = format!(
        "{}{} by {} ({}): the median is {}.",
        capital(&sheet.spoken(figures.of.column)),
        when(figures),
        column.replace('_', " "),
        sheet.name,
        told.join(", ")
    );
    let most = figures.differences.iter().max_by(|one, other| one.value.abs().total_cmp(&other.value.abs()));
    let mut metrics: Vec<Metric> = figures.groups.iter().take(6).cloned().collect();
    if let Some(most) = most.filter(|most| most.value.abs() >= 0.1) {
        let lies = if most.value > 0.0 { "above" } else { "below" };
        let part = printed::percent(most.value.abs());
        statement.push_str(&format!(" {} lies {part} % {lies} the median of the others.", capital(&named(most))));
        metrics.push(most.clone());
    }
    let smallest = figures.groups.iter().map(|metric| metric.of).min().unwrap_or(0);
    let mut judged =
        confidence::of_rows(figures.of.rows.len(), sheet.table.rows.len(), &sheet.name, sheet.date, pool.newest());
    if smallest < 5 {
        judged.confidence = judged.confidence.min(contract::events::Confidence::Medium);
    }
    judged.reason.push_str(&format!(" The smallest group has {smallest} rows."));
    let rows =
        sheet.groups(grouping.column, &figures.of.rows).values().filter_map(|rows| rows.first().copied()).collect();
    finding(&statement, judged, row_supports(pool, sheet, rows), &metrics)
}

fn trend(pool: &Pool, figures: &Figures<'_>) -> Option<DetailedFinding> {
    let sheet = figures.of.sheet;
    let Trend { first, last, whole, by_entity } = figures.trend.as_ref()?;
    let went = match whole.value {
        change if change > 0.0 => {
            format!("rose from {} to {} ({})", shown(&first.1), shown(&last.1), printed::change(change))
        }
        change if change < 0.0 => {
            format!("fell from {} to {} ({})", shown(&first.1), shown(&last.1), printed::change(change))
        }
        _ => format!("is {} at both ends", shown(&last.1)),
    };
    let middle = match by_entity.len() {
        0 | 1 => "",
        2 => "mean ",
        _ => "median ",
    };
    let mut statement = format!(
        "From {} to {}, the {middle}{} ({}) {went}.",
        first.0,
        last.0,
        sheet.spoken(figures.of.column),
        sheet.name
    );
    if by_entity.len() > 1 {
        let up = by_entity.iter().filter(|metric| metric.value > 0.0).collect::<Vec<_>>();
        let down = by_entity.iter().filter(|metric| metric.value < 0.0).collect::<Vec<_>>();
        let lone = if up.len() == 1 {
            up.first()
        } else if down.len() == 1 {
            down.first()
        } else {
            None
        };
        let exception = lone.map(|metric| {
            let named = metric.group.values().next().cloned().unwrap_or_default();
            format!("; the exception is {named} ({})", printed::change(metric.value))
        });
        let all = by_entity.len();
        let told = match (up.len(), down.len()) {
            (up, _) if up == all => format!("It rose for all {all}"),
            (_, down) if down == all => format!("It fell for all {all}"),
            (up, down) => format!("It rose for {up} and fell for {down} of {all}{}", exception.unwrap_or_default()),
        };
        statement.push_str(&format!(" {told}."));
    }
    let ends = of(&figures.level, Statistic::Min).zip(of(&figures.level, Statistic::Max));
    let ends = ends.filter(|(min, max)| figures.of.on.is_some() && min.value < max.value);
    if let Some((min, max)) = ends {
        let (low, high) = (whose(figures, min.value), whose(figures, max.value));
        statement.push_str(&format!(" On {} it lies between {}{low} and {}{high}.", last.0, shown(min), shown(max)));
    }
    let mut metrics = vec![first.1.clone(), last.1.clone(), whole.clone()];
    metrics.extend(by_entity.iter().cloned());
    metrics.extend(ends.into_iter().flat_map(|(min, max)| [min.clone(), max.clone()]));
    let judged = confidence::of_rows(whole.of as usize, whole.of as usize, &sheet.name, sheet.date, pool.newest());
    let places: Vec<Support> = whole.evidence.iter().filter_map(|id| support::of_passage(pool, id)).collect();
    let mut supporting: Vec<Support> = places.first().into_iter().chain(places.last()).cloned().collect();
    supporting.dedup();
    finding(&statement, judged, supporting, &metrics)
}

pub(crate) fn finding(
    statement: &str,
    judged: confidence::Judged,
    supporting: Vec<Support>,
    metrics: &[Metric],
) -> Option<DetailedFinding> {
    if supporting.is_empty() {
        return None;
    }
    Some(DetailedFinding {
        id: String::new(),
        question: None,
        statement: words::shortened(statement, 700),
        confidence: judged.confidence,
        reason: judged.reason,
        supporting,
        contradicting: vec![],
        metrics: metrics.iter().map(|metric| metric.id.clone()).collect(),
    })
}

pub(crate) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

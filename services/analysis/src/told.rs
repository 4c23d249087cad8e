//! Owns the words for numbers: one statement a column's level, its groups, its trend, each with its rows.
//! Never a number in a statement that is not a metric of the finding.
//! Next: `offline` puts these findings beside those from prose.

use contract::documents::{DetailedFinding, Metric, Statistic, Support};

use crate::confidence;
use crate::metrics::{Figures, Trend};
use crate::pool::Pool;
use crate::said;
use crate::sheet::Sheet;
use crate::support;
use crate::words;

const LEVELS_MAX: usize = 3;
const GROUPINGS_MAX: usize = 2;
const TRENDS_MAX: usize = 2;
/// Rows that a finding shows; its metrics lead to all of them.
const SHOWN_MAX: usize = 6;
/// Groups that explain less than this are not worth a sentence.
const APART_MIN: f64 = 0.15;

/// Statements about the columns, the most telling columns first.
pub(crate) fn findings(pool: &Pool, figures: &[Figures<'_>]) -> Vec<DetailedFinding> {
    let levels = figures.iter().filter_map(|figures| level(pool, figures)).take(LEVELS_MAX);
    let groups = figures.iter().filter_map(|figures| groups(pool, figures)).take(GROUPINGS_MAX);
    let trends = figures.iter().filter_map(|figures| trend(pool, figures)).take(TRENDS_MAX);
    levels.chain(groups).chain(trends).collect()
}

fn of(metrics: &[Metric], statistic: Statistic) -> Option<&Metric> {
    metrics.iter().find(|metric| metric.statistic == statistic)
}

fn shown(metric: &Metric) -> String {
    said::amount(metric.value, metric.unit.as_deref())
}

fn level(pool: &Pool, figures: &Figures<'_>) -> Option<DetailedFinding> {
    let (sheet, rows) = (figures.of.sheet, &figures.of.rows);
    let (count, middle) = (of(&figures.level, Statistic::Count)?, of(&figures.level, Statistic::Median)?);
    let when = figures.of.on.as_ref().map(|(_, day)| format!(" on {day}")).unwrap_or_default();
    let spoken = sheet.spoken(figures.of.column);
    let mut statement = match (of(&figures.level, Statistic::Min), of(&figures.level, Statistic::Max)) {
        (Some(min), Some(max)) if min.value < max.value => format!(
            "{}{when} ({}): the median is {} over {} rows, from {} to {}.",
            capital(&spoken),
            sheet.name,
            shown(middle),
            said::decimal(count.value, 0),
            shown(min),
            shown(max)
        ),
        (Some(_), Some(_)) => {
            format!(
                "{}{when} ({}) is {} in all {} rows.",
                capital(&spoken),
                sheet.name,
                shown(middle),
                said::decimal(count.value, 0)
            )
        }
        _ => format!("{}{when} ({}) is {}, in one row.", capital(&spoken), sheet.name, shown(middle)),
    };
    let mut metrics = figures.level.clone();
    if let (Some(worst), Some(calm)) = (figures.outliers.first(), &figures.calm) {
        let named: Vec<&str> = worst.group.values().map(String::as_str).collect();
        let more = if figures.outliers.len() > 1 { " and others lie" } else { " lies" };
        statement.push_str(&format!(
            " {} ({}){more} far outside; without outliers the median is {}.",
            capital(&named.join(" ")),
            shown(worst),
            shown(calm)
        ));
        metrics.extend(figures.outliers.iter().chain([calm]).cloned());
    }
    let all = figures.of.on.as_ref().map_or(sheet.table.rows.len(), |_| rows.len());
    let mut judged = confidence::of_rows(rows.len(), all, &sheet.name, sheet.date, pool.newest());
    if !figures.outliers.is_empty() {
        judged.reason.push_str(
            " Outliers lie more than 1.5 times the distance between the (inclusive) quartiles outside of them.",
        );
    }
    let supporting = row_supports(pool, sheet, telling_rows(figures));
    finding(&statement, judged, supporting, &metrics)
}

/// The rows of the least, the middle and the largest, and of the outliers.
fn telling_rows(figures: &Figures<'_>) -> Vec<usize> {
    let mut pairs: Vec<(f64, usize)> = figures.of.values.iter().copied().zip(figures.of.rows.iter().copied()).collect();
    pairs.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    let last = pairs.len().saturating_sub(1);
    let mut rows: Vec<usize> = vec![];
    for at in [0, last, last / 2, pairs.len() / 2, last.saturating_sub(1), 1] {
        if let Some((_, row)) = pairs.get(at)
            && !rows.contains(row)
        {
            rows.push(*row);
        }
    }
    rows
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
        "{} differs by {} ({}): the median is {}.",
        capital(&sheet.spoken(figures.of.column)),
        column.replace('_', " "),
        sheet.name,
        told.join(", ")
    );
    let most = figures.differences.iter().max_by(|one, other| one.value.abs().total_cmp(&other.value.abs()));
    let mut metrics: Vec<Metric> = figures.groups.iter().take(6).cloned().collect();
    if let Some(most) = most.filter(|most| most.value.abs() >= 0.1) {
        let lies = if most.value > 0.0 { "above" } else { "below" };
        let part = said::decimal(most.value.abs() * 100.0, 1);
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
            format!("rose from {} to {} ({})", shown(&first.1), shown(&last.1), said::change(change))
        }
        change if change < 0.0 => {
            format!("fell from {} to {} ({})", shown(&first.1), shown(&last.1), said::change(change))
        }
        _ => format!("is {} at both ends", shown(&last.1)),
    };
    let middle = if by_entity.is_empty() { "" } else { "median " };
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
            format!("; the exception is {named} ({})", said::change(metric.value))
        });
        let all = by_entity.len();
        let told = match (up.len(), down.len()) {
            (up, _) if up == all => format!("It went up for all {all}"),
            (_, down) if down == all => format!("It went down for all {all}"),
            (up, down) => format!("It went up for {up} and down for {down} of {all}{}", exception.unwrap_or_default()),
        };
        statement.push_str(&format!(" {told}."));
    }
    let mut metrics = vec![first.1.clone(), last.1.clone(), whole.clone()];
    metrics.extend(by_entity.iter().cloned());
    let judged = confidence::of_rows(whole.of as usize, whole.of as usize, &sheet.name, sheet.date, pool.newest());
    let ends: Vec<_> = whole.evidence.iter().filter_map(|id| support::of_passage(pool, id)).collect();
    let mut supporting: Vec<Support> = ends.iter().take(SHOWN_MAX / 2).cloned().collect();
    for support in ends.into_iter().rev() {
        if supporting.len() < SHOWN_MAX && !supporting.contains(&support) {
            supporting.push(support);
        }
    }
    finding(&statement, judged, supporting, &metrics)
}

fn finding(
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

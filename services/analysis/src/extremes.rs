//! Owns the answer to who is cheapest, or most expensive: the end of a column of prices, and whose it is.
//! Never of prices of something else: what more of it costs, or what people would pay, is no vendor's price.
//! Next: `offline` puts it before the other computed findings.

use contract::documents::{DetailedFinding, Metric, Statistic, asked, printed};

use crate::assign::{Kind, Questions};
use crate::confidence;
use crate::metrics::Figures;
use crate::pool::Pool;
use crate::support;
use crate::told::{finding, is_name, when};
use crate::words;

const COLUMNS_MAX: usize = 2;
/// Things that share the first place.
const SHARED_MAX: usize = 3;
const LOWEST: &[&str] =
    &["cheapest", "cheaper", "least expensive", "most affordable", "lowest price", "lowest cost", "costs least"];
const HIGHEST: &[&str] = &["most expensive", "dearest", "highest price", "highest cost", "costs most"];
const CURRENCIES: &[&str] = &["USD", "EUR", "GBP", "CHF"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Low,
    High,
}

impl End {
    fn of(text: &str) -> Option<End> {
        let spaced = format!(" {} ", words::plain(text).join(" "));
        let has = |phrases: &[&str]| phrases.iter().any(|phrase| spaced.contains(&format!(" {phrase} ")));
        match (has(LOWEST), has(HIGHEST)) {
            (true, false) => Some(End::Low),
            (false, true) => Some(End::High),
            _ => None,
        }
    }
}

/// Where the goal or one of its questions asks for it; each with the question that it answers.
pub(crate) fn findings(
    pool: &Pool,
    figures: &[Figures<'_>],
    goal: &str,
    asked_for: &[String],
    questions: &Questions<'_>,
) -> Vec<DetailedFinding> {
    let own = asked_for.iter().find_map(|question| Some((End::of(asked(goal, question))?, question)));
    let Some(end) = own.map(|(end, _)| end).or_else(|| End::of(goal)) else { return vec![] };
    let told = prices(figures).into_iter().filter_map(|figures| {
        let mut found = told(pool, figures, end)?;
        found.question = own.map(|(_, question)| question.clone());
        found.question = found.question.or_else(|| questions.of_column(pool, figures.of, Kind::Level));
        Some(found)
    });
    told.take(COLUMNS_MAX).collect()
}

/// Columns of prices, the longest first; of money at all where none is called a price.
fn prices<'f, 'a>(figures: &'f [Figures<'a>]) -> Vec<&'f Figures<'a>> {
    let others = words::stems("willingness pay overage additional extra further discount margin");
    let called = words::stems("price cost fee charge tariff");
    let name = |one: &Figures<'_>| words::stems(&one.of.sheet.table.columns[one.of.column].name);
    let is_money = |one: &&Figures<'_>| {
        let unit = one.of.sheet.unit(one.of.column);
        let is_money =
            one.of.sheet.is_money(one.of.column) || unit.is_some_and(|unit| CURRENCIES.contains(&unit.as_str()));
        is_money && name(one).is_disjoint(&others)
    };
    let (mut named, rest): (Vec<&Figures<'_>>, Vec<&Figures<'_>>) =
        figures.iter().filter(is_money).partition(|one| !name(one).is_disjoint(&called));
    named.sort_by_key(|one| std::cmp::Reverse(one.of.rows.len()));
    if named.is_empty() { rest } else { named }
}

fn told(pool: &Pool, figures: &Figures<'_>, end: End) -> Option<DetailedFinding> {
    let sheet = figures.of.sheet;
    let mut rows: Vec<(f64, usize)> = figures.of.values.iter().copied().zip(figures.of.rows.iter().copied()).collect();
    rows.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    if end == End::High {
        rows.sort_by(|one, other| other.0.total_cmp(&one.0));
    }
    let (best, _) = *rows.first()?;
    let (first, behind): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(value, _)| *value == best);
    let label = |row: usize| {
        let parts: Vec<&str> = sheet.row_label(row).into_iter().map(|(_, text)| text).collect();
        Some(parts.join(" ")).filter(|label| is_name(label))
    };
    let names: Vec<String> = first.iter().take(SHARED_MAX).map(|(_, row)| label(*row)).collect::<Option<_>>()?;
    if first.len() > SHARED_MAX {
        return None;
    }
    let amount = |value: f64| printed::amount(value, sheet.unit(figures.of.column).as_deref());
    let (which, statistic) = match end {
        End::Low => ("lowest", Statistic::Min),
        End::High => ("highest", Statistic::Max),
    };
    let (spoken, whose) = (sheet.spoken(figures.of.column), names.join(" and "));
    let mut statement = format!("The {which} {spoken}{} ({}) is {}: {whose}.", when(figures), sheet.name, amount(best));
    let next = behind.first().and_then(|(value, row)| Some((*value, *row, label(*row)?)));
    let is_alone = |value: f64| behind.iter().filter(|(other, _)| *other == value).count() == 1;
    let next = next.filter(|(value, ..)| is_alone(*value));
    if let Some((value, _, name)) = &next {
        statement.push_str(&format!(" Next is {name} at {}.", amount(*value)));
    }
    // One value alone has no ends, and stands for itself.
    let is_it = |metric: &&Metric| {
        metric.statistic == statistic || figures.level.len() == 2 && metric.statistic == Statistic::Median
    };
    let metric = figures.level.iter().find(is_it)?.clone();
    let shown = first.iter().map(|(_, row)| *row).chain(next.map(|(_, row, _)| row));
    let supporting = shown.filter_map(|row| support::of_row(pool, sheet, row)).collect();
    let of_rows = figures.of.on.as_ref().map_or(sheet.table.rows.len(), |_| figures.of.rows.len());
    let judged = confidence::of_rows(figures.of.rows.len(), of_rows, &sheet.name, sheet.date, pool.newest());
    finding(&statement, judged, supporting, &[metric])
}

#[cfg(test)]
mod tests {
    use super::End;

    #[test]
    fn a_goal_asks_for_one_end_or_for_none() {
        assert_eq!(End::of("Which vendor is cheapest?"), Some(End::Low));
        assert_eq!(End::of("Who has the lowest price?"), Some(End::Low));
        assert_eq!(End::of("Which is the most expensive plan?"), Some(End::High));
        assert_eq!(End::of("Which is cheapest, and which is the most expensive?"), None);
        assert_eq!(End::of("Research competitive pricing"), None);
    }
}

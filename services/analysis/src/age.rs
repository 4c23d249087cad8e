//! Owns how old sources are beside each other: months between the days that they name themselves.
//! Never the wall clock: the same evidence is as old in a replay.
//! Next: `confidence` and `conflicts` lean on it, `offline` names what is out of date.

use contract::documents::Source;

use crate::pool::Pool;

/// Older than this beside a newer one, a source is named as out of date.
pub(crate) const STALE_MONTHS: i32 = 18;

/// Months since year nought, of `2026-11-20` or less of it.
pub(crate) fn months(date: &str) -> Option<i32> {
    let mut parts = date.split('-');
    let year: i32 = parts.next()?.trim().parse().ok()?;
    let month: i32 = parts.next().and_then(|month| month.parse().ok()).unwrap_or(1);
    Some(year * 12 + month)
}

/// How many months the first lies before the second.
pub(crate) fn months_before(one: &str, other: &str) -> Option<i32> {
    Some(months(other)? - months(one)?)
}

pub(crate) fn is_stale(date: &str, newest: Option<&str>) -> bool {
    newest.and_then(|newest| months_before(date, newest)).is_some_and(|gap| gap >= STALE_MONTHS)
}

/// A sentence for each source that is out of date beside the newest one.
pub(crate) fn notes(pool: &Pool) -> Vec<String> {
    let newest = pool.newest();
    let told = |source: &Source| {
        let date = source.date.as_deref().filter(|date| is_stale(date, newest))?;
        let gap = months_before(date, newest?)?;
        Some(format!("{} is of {date}: {gap} months older than the newest source.", pool.name(&source.id)))
    };
    pool.sources.values().filter_map(told).take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_months_and_of_incomplete_dates_too() {
        assert_eq!(months_before("2024-03-18", "2026-10-23"), Some(31));
        assert_eq!(months_before("2024", "2025-01-02"), Some(12));
        assert_eq!(months("soon"), None);
        assert!(is_stale("2024-03-18", Some("2026-10-23")) && !is_stale("2025-09-01", Some("2026-10-23")));
    }
}

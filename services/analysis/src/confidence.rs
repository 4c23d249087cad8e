//! Owns how far a statement may be trusted, and the sentence that says why.
//! Never high for a single voice, a handful of rows, or an old page.
//! Next: `told` and `prose` put it beside each finding.

use std::collections::BTreeSet;

use contract::documents::SourceId;
use contract::events::Confidence;

use crate::age;
use crate::pool::Pool;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Judged {
    pub(crate) confidence: Confidence,
    pub(crate) reason: String,
}

/// Of a number: how many rows, of how many, and how old.
pub(crate) fn of_rows(used: usize, rows: usize, name: &str, date: Option<&str>, newest: Option<&str>) -> Judged {
    let stale = date.is_some_and(|date| age::is_stale(date, newest));
    let confidence = match used {
        _ if stale => Confidence::Low,
        10.. => Confidence::High,
        4.. => Confidence::Medium,
        _ => Confidence::Low,
    };
    let of = of_all(used, rows);
    // Of one or two numbers nothing is computed.
    let how = if used < 3 { "Read from" } else { "Computed from" };
    let dated = date.map(|date| format!(", dated {date}")).unwrap_or_default();
    let age = if stale { "; newer sources exist" } else { "" };
    let few = if used < 4 { "; few rows" } else { "" };
    Judged { confidence, reason: format!("{how} {of} of {name}{dated}{few}{age}.") }
}

fn of_all(used: usize, rows: usize) -> String {
    match (used, rows) {
        (1, 1) => "the only row".into(),
        (2, 2) => "both rows".into(),
        (1, _) => format!("one of {rows} rows"),
        (used, rows) if used == rows => format!("all {rows} rows"),
        (used, rows) => format!("{used} of {rows} rows"),
    }
}

/// Of rows that are read out as they stand: one voice, and a direct one.
pub(crate) fn read(used: usize, rows: usize, name: &str, date: Option<&str>, newest: Option<&str>) -> Judged {
    let stale = date.is_some_and(|date| age::is_stale(date, newest));
    let dated = date.map(|date| format!(", dated {date}")).unwrap_or_default();
    let age = if stale { "; newer sources exist" } else { "" };
    let confidence = if stale { Confidence::Low } else { Confidence::Medium };
    let (of, say) = (of_all(used, rows), if used == 1 { "says" } else { "say" });
    Judged { confidence, reason: format!("As {of} of {name} {say}{dated}; one source{age}.") }
}

/// Of words: how many say so independently, how directly, and how old.
pub(crate) fn of_words(pool: &Pool, sources: &BTreeSet<&SourceId>, direct: bool) -> Judged {
    let newest = pool.newest();
    let dates: Vec<&str> = sources.iter().filter_map(|id| pool.source(id)?.date.as_deref()).collect();
    let stale = !dates.is_empty() && dates.iter().all(|date| age::is_stale(date, newest));
    let confidence = match sources.len() {
        _ if stale => Confidence::Low,
        3.. => Confidence::High,
        2 => Confidence::Medium,
        _ if direct => Confidence::Medium,
        _ => Confidence::Low,
    };
    let names: Vec<String> = sources.iter().take(3).map(|id| pool.name(id)).collect();
    let names = names.join(", ");
    let last = dates.iter().max();
    let who = match (sources.len(), last) {
        (1, Some(date)) => format!("One source says so: {names}, of {date}"),
        (1, None) => format!("One source says so: {names}, undated"),
        (count, last) => {
            let more = if count > 3 { ", …" } else { "" };
            let last = last.map(|date| format!("; the newest is of {date}")).unwrap_or_else(|| "; undated".into());
            format!("{count} independent sources say so ({names}{more}){last}")
        }
    };
    let directly = if direct { "" } else { ", in passing" };
    let old = if stale { "; newer sources on other things exist" } else { "" };
    Judged { confidence, reason: format!("{who}{directly}{old}.") }
}

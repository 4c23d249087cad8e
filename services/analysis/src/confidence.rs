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
    let of = if used == rows { format!("all {rows}") } else { format!("{used} of {rows}") };
    let dated = date.map(|date| format!(", dated {date}")).unwrap_or_default();
    let age = if stale { "; newer sources exist" } else { "" };
    let few = if used < 4 { "; few rows" } else { "" };
    Judged { confidence, reason: format!("Computed from {of} rows of {name}{dated}{few}{age}.") }
}

/// Of words: how many say so independently, how directly, how old, and whether somebody says otherwise.
pub(crate) fn of_words(pool: &Pool, sources: &BTreeSet<&SourceId>, covered: f64, disputed: bool) -> Judged {
    let newest = pool.newest();
    let dates: Vec<&str> = sources.iter().filter_map(|id| pool.source(id)?.date.as_deref()).collect();
    let stale = !dates.is_empty() && dates.iter().all(|date| age::is_stale(date, newest));
    let direct = covered >= 0.5;
    let confidence = match sources.len() {
        _ if stale => Confidence::Low,
        3.. if !disputed => Confidence::High,
        2.. => Confidence::Medium,
        _ if direct && !disputed => Confidence::Medium,
        _ => Confidence::Low,
    };
    let names: Vec<String> = sources.iter().take(3).map(|id| pool.name(id)).collect();
    let many = match sources.len() {
        1 => format!("One source, {}", names.join(", ")),
        count => {
            format!("{count} independent sources say so ({}{})", names.join(", "), if count > 3 { ", …" } else { "" })
        }
    };
    let last =
        dates.iter().max().map(|date| format!("; the newest is of {date}")).unwrap_or_else(|| "; undated".into());
    let directly = if direct { "" } else { "; it touches the question rather than answering it" };
    let against = if disputed { "; another source says otherwise" } else { "" };
    let old = if stale { "; newer sources on other things exist" } else { "" };
    Judged { confidence, reason: format!("{many}{last}{directly}{against}{old}.") }
}

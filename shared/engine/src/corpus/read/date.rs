//! Owns days as people and machines write them: `2026-09-14`, `14 September 2026`, `Sep 14, 2026`, `14.09.2026`.
//! Never a guess: `04/05/2026` is two days, so it is none.
//! Next: `meta` and front matter ask for a source's day, `table` for a cell's.

use jiff::civil::Date;

use crate::words::MONTHS;

/// The text is a day and nothing else, but for a time of day.
pub(super) fn exactly(text: &str) -> Option<String> {
    let text = text.trim();
    let (day, end) = at_start(text)?;
    is_time(text.get(end..)?).then(|| day.to_string())
}

/// A day as a source states its own: whole, or as `2026-11`, or as `2026`.
pub(super) fn stated(text: &str) -> Option<String> {
    let text = text.trim();
    if let Some((day, _)) = at_start(text) {
        return Some(day.to_string());
    }
    let mut parts = text.splitn(2, ['-', '/']);
    let year = year(parts.next()?)?;
    match parts.next() {
        None => Some(format!("{year}")),
        Some(month) => {
            let month: u8 = month.parse().ok().filter(|month| (1..=12).contains(month))?;
            Some(format!("{year}-{month:02}"))
        }
    }
}

/// The day behind words like "last updated", anywhere in a text.
pub(super) fn of_change(text: &str) -> Option<String> {
    const REACH_BYTES: usize = 80;
    ["ast updated", "ast modified", "ast changed", "ast revised", "pdated on", "age updated"].iter().find_map(|words| {
        text.match_indices(words).take(8).find_map(|(at, _)| {
            let rest = &text[at + words.len()..];
            let end = (0..=rest.len().min(REACH_BYTES)).rev().find(|&end| rest.is_char_boundary(end))?;
            within(&rest[..end])
        })
    })
}

/// The first day in a short text.
fn within(text: &str) -> Option<String> {
    let starts = text.char_indices().filter(|&(at, c)| {
        c.is_alphanumeric() && !text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '-')
    });
    starts.map(|(at, _)| at).find_map(|at| at_start(&text[at..])).map(|(day, _)| day.to_string())
}

/// The day that a text begins with, and how many bytes of it that is.
fn at_start(text: &str) -> Option<(Date, usize)> {
    by_numbers(text).or_else(|| by_month(text))
}

fn by_numbers(text: &str) -> Option<(Date, usize)> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || "-/.".contains(c))).unwrap_or(text.len());
    let whole = text[..end].trim_end_matches('.');
    let separator = whole.chars().find(|c| !c.is_ascii_digit())?;
    let parts: Vec<&str> = whole.split(separator).collect();
    let [one, two, three] = parts.as_slice() else { return None };
    let day = match (separator, one.len(), three.len()) {
        ('-' | '/' | '.', 4, 1..=2) => date(year(one)?, two, three),
        ('.', 1..=2, 4) => date(year(three)?, two, one),
        ('/' | '-', 1..=2, 4) => {
            // Which is the month is only known where the other cannot be one.
            let (first, second): (u8, u8) = (one.parse().ok()?, two.parse().ok()?);
            match (first > 12, second > 12) {
                (true, false) => date(year(three)?, two, one),
                (false, true) => date(year(three)?, one, two),
                _ if first == second => date(year(three)?, one, two),
                _ => None,
            }
        }
        _ => None,
    }?;
    Some((day, whole.len()))
}

/// `14 September 2026`, `14th of Sep. 2026`, `September 14, 2026`.
fn by_month(text: &str) -> Option<(Date, usize)> {
    let mut words = Vec::with_capacity(4);
    let mut at = 0;
    while words.len() < 4 {
        let rest = text.get(at..)?;
        let start = at + (rest.len() - rest.trim_start_matches([' ', ',', '.', '\u{a0}', '\n', '-']).len());
        let rest = text.get(start..)?;
        let length = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        if length == 0 || length > 12 {
            break;
        }
        at = start + length;
        words.push((rest[..length].to_ascii_lowercase(), at));
    }
    words.retain(|(word, _)| word != "of");
    let [(one, _), (two, _), (three, end), ..] = words.as_slice() else { return None };
    let day = match (month(one), month(two)) {
        (None, Some(month)) => Date::new(year(three)?, month, ordinal(one)?),
        (Some(month), None) => Date::new(year(three)?, month, ordinal(two)?),
        _ => return None,
    };
    Some((day.ok()?, *end))
}

fn month(word: &str) -> Option<i8> {
    let number = MONTHS
        .iter()
        .position(|month| word.len() >= 3 && month.starts_with(word) || word == "sept" && *month == "september")?;
    i8::try_from(number + 1).ok()
}

fn ordinal(word: &str) -> Option<i8> {
    word.trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse().ok()
}

fn year(text: &str) -> Option<i16> {
    text.parse().ok().filter(|year| text.len() == 4 && (1000..=2999).contains(year))
}

fn date(year: i16, month: &str, day: &str) -> Option<Date> {
    Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()
}

fn is_time(rest: &str) -> bool {
    let rest = rest.trim_start_matches(['T', ' ', ',']);
    rest.is_empty()
        || rest.starts_with(|c: char| c.is_ascii_digit())
            && rest.contains(':')
            && rest.chars().all(|c| c.is_ascii_digit() || ":.+-ZUTC ".contains(c))
}

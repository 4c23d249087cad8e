//! Owns how a story spells numbers: spans of time, money, counts.
//! Never a language but plain English, and never more digits than a reader needs.
//! Next: `moments` and `verdict` speak with it, and so does whoever renders a story.

use contract::UnixMs;

pub(super) fn ms(from: UnixMs, to: UnixMs) -> u64 {
    u64::try_from(to.0.saturating_sub(from.0)).unwrap_or(0)
}

pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A span of milliseconds in one or two units: `12 ms`, `3.4 s`, `5 min 12 s`, `2 h 5 min`, `3 d 4 h`.
pub fn span(ms: u64) -> String {
    let s = ms / 1_000;
    let two = |large: u64, unit: &str, small: u64, and: &str| match small {
        0 => format!("{large} {unit}"),
        small => format!("{large} {unit} {small} {and}"),
    };
    match ms {
        0..1_000 => format!("{ms} ms"),
        // Rounded down: a minute must not be told as 60.0 s.
        1_000..10_000 => format!("{}.{:02} s", s, ms % 1_000 / 10),
        10_000..60_000 => format!("{}.{} s", s, ms % 1_000 / 100),
        60_000..3_600_000 => two(s / 60, "min", s % 60, "s"),
        3_600_000..86_400_000 => two(s / 3_600, "h", s % 3_600 / 60, "min"),
        _ => two(s / 86_400, "d", s % 86_400 / 3_600, "h"),
    }
}

/// Millionths of a dollar.
pub fn money(micros: u64) -> String {
    match micros {
        0 => "$0".into(),
        1..10_000 => format!("${}.{:06}", 0, micros),
        10_000..1_000_000 => format!("$0.{:04}", micros / 100),
        _ => format!("${}.{:02}", micros / 1_000_000, micros % 1_000_000 / 10_000),
    }
}

/// `3 events`, `1 event`.
pub(super) fn counted(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// `a`, `a and b`, `a, b and 3 others`.
pub(super) fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [one, other] => format!("{one} and {other}"),
        [one, two, three] => format!("{one}, {two} and {three}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} others", rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_the_units_that_a_reader_needs() {
        let told = [0, 999, 1_000, 1_239, 9_999, 10_000, 59_999, 60_000, 61_500, 3_600_000, 3_960_000, 90_000_000];
        let told: Vec<String> = told.into_iter().map(span).collect();
        let wanted = [
            "0 ms",
            "999 ms",
            "1.00 s",
            "1.23 s",
            "9.99 s",
            "10.0 s",
            "59.9 s",
            "1 min",
            "1 min 1 s",
            "1 h",
            "1 h 6 min",
            "1 d 1 h",
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn money_is_exact_where_it_is_small() {
        let told: Vec<String> = [0, 1, 9_999, 12_345, 999_999, 1_000_000, 12_345_678].into_iter().map(money).collect();
        assert_eq!(told, ["$0", "$0.000001", "$0.009999", "$0.0123", "$0.9999", "$1.00", "$12.34"]);
    }

    #[test]
    fn long_lists_end_in_a_number() {
        let names: Vec<String> = ["a", "b", "c", "d", "e"].into_iter().map(str::to_owned).collect();
        let told: Vec<String> = (0..=5).map(|count| list(&names[..count])).collect();
        assert_eq!(told, ["", "a", "a and b", "a, b and c", "a, b and 2 others", "a, b and 3 others"]);
    }
}

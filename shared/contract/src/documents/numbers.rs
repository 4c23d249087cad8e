//! Owns numbers in text: how one is found, what it may mean, and whether something that was cited says it.
//! Never two opinions: who takes a statement in and who proves it later ask the same functions.
//! Next: analysis holds a model's findings against these, the writer's checker every report.

use std::collections::BTreeSet;

use super::Metric;

/// The numbers of a text, in ASCII digits, separators as they stand: `1,234.50`.
pub fn numbers(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().map(|c| digit(c).unwrap_or(c)).collect();
    let mut found: Vec<String> = vec![];
    let mut number = String::new();
    for (at, c) in chars.iter().enumerate() {
        let is_digit = |c: Option<&char>| c.is_some_and(char::is_ascii_digit);
        let separates = !number.is_empty()
            && matches!(c, '.' | ',' | '\'' | '’' | '\u{a0}' | '\u{202f}' | '٫' | '٬')
            && is_digit(chars.get(at + 1));
        if c.is_ascii_digit() {
            number.push(*c);
        } else if separates {
            number.push(if matches!(c, '.' | '٫') { '.' } else { ',' });
        } else if !number.is_empty() {
            found.push(std::mem::take(&mut number));
        }
    }
    found.extend(Some(number).filter(|number| !number.is_empty()));
    found
}

/// Digits of other scripts, and full-width ones.
fn digit(c: char) -> Option<char> {
    let zero = match u32::from(c) {
        code @ 0x0660..=0x0669 => code - 0x0660,
        code @ 0x06f0..=0x06f9 => code - 0x06f0,
        code @ 0x0966..=0x096f => code - 0x0966,
        code @ 0x09e6..=0x09ef => code - 0x09e6,
        code @ 0xff10..=0xff19 => code - 0xff10,
        _ => return None,
    };
    char::from_digit(zero, 10)
}

/// What a number of a text may mean, with its decimals: `1.234` is a good unit in one country and a thousand in another.
pub fn readings(number: &str) -> Vec<(f64, i32)> {
    let read = |thousands: char, point: char| {
        let (whole, fraction) = match number.rsplit_once(point) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (number, None),
        };
        let groups: Vec<&str> = whole.split(thousands).collect();
        let regular = groups.len() == 1 || (groups[0].len() <= 3 && groups[1..].iter().all(|group| group.len() == 3));
        if !regular || whole.contains(point) || fraction.is_some_and(|fraction| fraction.contains(thousands)) {
            return None;
        }
        let text = format!("{}.{}", groups.concat(), fraction.unwrap_or("0"));
        Some((text.parse::<f64>().ok()?, fraction.map_or(0, |fraction| fraction.len() as i32)))
    };
    let (here, there) = (read(',', '.'), read('.', ','));
    here.into_iter().chain(there.filter(|_| here != there)).collect()
}

/// Whether a number of a text is this value, rounded to the digits that are printed.
pub fn is_value(number: &str, value: f64) -> bool {
    readings(number).into_iter().any(|(read, decimals)| {
        // Whole numbers stand for broken ones only where little is lost by it: `3 %` is 2.96 %, its zero left out.
        let half = if decimals == 0 && read < 10.0 { 0.05 } else { 0.5 * 10f64.powi(-decimals) };
        let off = (read - value.abs()).abs();
        off < 1e-9 * value.abs().max(1.0) || off <= half * (1.0 + 1e-9)
    })
}

/// Whether a number of a text is this metric's value; a part may be written as percent.
pub fn is_metric(number: &str, metric: &Metric) -> bool {
    is_value(number, metric.value) || (metric.statistic.is_part() && is_value(number, metric.value * 100.0))
}

/// What was said and what was computed: the numbers that a statement over it may name.
#[derive(Clone, Debug, Default)]
pub struct Known<'a> {
    metrics: Vec<&'a Metric>,
    /// Values, whatever way they are written.
    exact: Vec<f64>,
    /// As they are written: dates, versions.
    words: BTreeSet<String>,
}

impl<'a> Known<'a> {
    pub fn says(&mut self, text: &str) {
        // As it stands, and as one line: a statement has a plain space where its source has one that parts thousands.
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for number in numbers(text).into_iter().chain(numbers(&line)) {
            self.exact.extend(readings(&number).into_iter().map(|(value, _)| value));
            self.words.insert(number);
        }
    }

    pub fn is(&mut self, value: f64) {
        self.exact.push(value);
    }

    /// Its value, as it may be rounded.
    pub fn values(&mut self, metrics: impl IntoIterator<Item = &'a Metric>) {
        self.metrics.extend(metrics);
    }

    /// Everything that a metric says of itself: its value, its label, its group, how many cells it is of.
    pub fn computed(&mut self, metric: &'a Metric) {
        self.metrics.push(metric);
        self.is(f64::from(metric.of));
        self.says(&metric.label);
        self.says(&metric.column);
        for (column, value) in &metric.group {
            self.says(column);
            self.says(value);
        }
    }

    pub fn has(&self, number: &str) -> bool {
        let is_exact = |value: f64| self.exact.iter().any(|exact| (exact - value).abs() < 1e-9 * value.abs().max(1.0));
        self.words.contains(number)
            || self.metrics.iter().any(|metric| is_metric(number, metric))
            || readings(number).into_iter().any(|(value, _)| is_exact(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_any_script_and_in_both_ways_of_writing() {
        assert_eq!(numbers("from $1,234.50 to ٤٩ (２０ %), v2."), ["1,234.50", "49", "20", "2"]);
        assert!(is_value("1,234.50", 1234.5) && is_value("1.234,50", 1234.5));
        assert!(is_value("340.7", 340.684) && !is_value("340.8", 340.684) && !is_value("0", 0.3));
        assert!(is_value("3", 2.96) && is_value("5", 4.995) && !is_value("3", 2.9) && !is_value("2", 2.96));
        assert!(readings("1.2.3").is_empty());
    }

    #[test]
    fn what_was_said_may_be_written_another_way_and_nothing_else_may_be_said() {
        let mut known = Known::default();
        known.says("It cost 4.900,50 on 2026-10-08, and 1\u{a0}000 more.");
        for number in ["4,900.50", "4900.5", "2026", "08", "1,000", "000"] {
            assert!(known.has(number), "{number}");
        }
        assert!(!known.has("4901") && !known.has("9"));
    }
}

//! Owns how a number is printed for a person: `$49`, `$0.625`, `4,900`, `99.9 %`, `+8 %`, `−3 ms`.
//! Never prints what is not a number, and never a minus before a zero. The exact value stands in documents and CSV files.
//! Next: findings, reports and advice print with it, so that one number looks the same in all of them.

use super::{Metric, Statistic};

/// From here on digits would only be noise.
const SCIENTIFIC: f64 = 1e15;

/// A number of an analysis.
pub fn metric(metric: &Metric) -> String {
    match metric.statistic {
        Statistic::Count => decimal(metric.value, 0),
        _ if metric.statistic.is_part() => change(metric.value),
        _ => amount(metric.value, metric.unit.as_deref()),
    }
}

/// With its unit, as it stands in a sentence.
pub fn amount(value: f64, unit: Option<&str>) -> String {
    let Some(unit) = unit else { return decimal(value, places(value)) };
    let minus = if value < 0.0 { "−" } else { "" };
    match currency_sign(unit) {
        Some(sign) => format!("{minus}{sign}{}", money(value.abs())),
        None if is_currency(unit) => format!("{} {unit}", money(value)),
        // A hundredth of a percent of uptime is an hour of a year.
        None if unit == "%" => format!("{} %", decimal(value, 3)),
        None => format!("{} {unit}", decimal(value, places(value))),
    }
}

/// A part as a change: `+8 %`, `−27.5 %`.
pub fn change(part: f64) -> String {
    let sign = if part > 0.0 { "+" } else { "" };
    format!("{sign}{} %", percent(part))
}

/// A part in percent, without the sign of it: `27.5`, `106`.
pub fn percent(part: f64) -> String {
    decimal(part * 100.0, if part.abs() >= 1.0 { 0 } else { 1 })
}

/// At most so many decimals, a comma at every thousand.
pub fn decimal(value: f64, places: usize) -> String {
    if value.abs() >= SCIENTIFIC || !value.is_finite() {
        return format!("{value:e}");
    }
    let scale = 10f64.powi(i32::try_from(places).unwrap_or(2));
    // A half goes away from zero, as people round, also where its binary form lies a little below.
    let rounded = (value.abs() * scale * (1.0 + 1e-12)).round() / scale;
    let text = format!("{rounded:.places$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let minus = if value < 0.0 && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) { "−" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{minus}{}{point}{fraction}", with_commas(whole))
}

/// The less a number is, the more of its decimals say something.
pub fn places(value: f64) -> usize {
    match value.abs() {
        1000.0.. => 0,
        1.0.. => 2,
        0.0 => 0,
        // Three digits that are not nought.
        small => (2.0 - small.log10().floor()).clamp(3.0, 9.0) as usize,
    }
}

fn is_currency(unit: &str) -> bool {
    unit.len() == 3 && unit.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn currency_sign(unit: &str) -> Option<&'static str> {
    match unit {
        "USD" => Some("$"),
        "EUR" => Some("€"),
        "GBP" => Some("£"),
        _ => None,
    }
}

/// Two decimals or none; below one, three where the third says something.
fn money(value: f64) -> String {
    let whole = decimal(value, if value.abs() < 1.0 { places(value) } else { 2 });
    match whole.split_once('.') {
        Some((_, cents)) if cents.len() == 1 => format!("{whole}0"),
        _ => whole,
    }
}

fn with_commas(digits: &str) -> String {
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_a_person_writes_them() {
        for (value, unit, said) in [
            (49.0, Some("USD"), "$49"),
            (340.684_210_5, Some("USD"), "$340.68"),
            (0.625, Some("USD"), "$0.625"),
            (0.6, Some("USD"), "$0.60"),
            (4900.0, Some("USD"), "$4,900"),
            (-3.5, Some("EUR"), "−€3.50"),
            (12.0, Some("CHF"), "12 CHF"),
            (99.9, Some("%"), "99.9 %"),
            (99.995, Some("%"), "99.995 %"),
            (12.0, Some("ms"), "12 ms"),
            (3.1567, Some("ms"), "3.16 ms"),
            (0.000_412, Some("s"), "0.000412 s"),
            (40_083_333.33, None, "40,083,333"),
            (1_000_000.0, None, "1,000,000"),
            (1.005, None, "1.01"),
            (0.0, None, "0"),
            (1e300, None, "1e300"),
        ] {
            assert_eq!(amount(value, unit), said);
        }
        assert_eq!((change(0.08), change(-0.27027), change(0.0)), ("+8 %".into(), "−27 %".into(), "0 %".into()));
        assert_eq!((change(1.0638), decimal(-0.001, 2)), ("+106 %".into(), "0".into()));
    }
}

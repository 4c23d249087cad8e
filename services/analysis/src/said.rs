//! Owns numbers as a person writes them: `$49`, `$0.625`, `4,900`, `99.9 %`, `+8 %`.
//! Never prints what is not a number, and never a minus before a zero.
//! Next: `metrics` cleans values here; labels and statements print them.

/// Without the dust of binary fractions: twelve digits, no negative zero. None for what is no number.
pub(crate) fn clean(value: f64) -> Option<f64> {
    let rounded: f64 = value.is_finite().then(|| format!("{value:.11e}"))?.parse().ok()?;
    Some(if rounded == 0.0 { 0.0 } else { rounded })
}

/// With its unit, as it stands in a sentence.
pub(crate) fn amount(value: f64, unit: Option<&str>) -> String {
    let Some(unit) = unit else { return decimal(value, 2) };
    let Some(sign) = currency_sign(unit) else {
        if unit.len() == 3 && unit.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return format!("{} {unit}", money(value));
        }
        return format!("{} {unit}", decimal(value, 3));
    };
    let minus = if value < 0.0 { "-" } else { "" };
    format!("{minus}{sign}{}", money(value.abs()))
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
    let whole = decimal(value, if value.abs() < 1.0 { 3 } else { 2 });
    match whole.split_once('.') {
        Some((_, cents)) if cents.len() == 1 => format!("{whole}0"),
        _ => whole,
    }
}

/// A part as a change: `+8 %`, `-27.0 %`.
pub(crate) fn change(part: f64) -> String {
    let sign = if part > 0.0 { "+" } else { "" };
    format!("{sign}{} %", decimal(part * 100.0, 1))
}

/// At most so many decimals, a comma at every thousand.
pub(crate) fn decimal(value: f64, places: usize) -> String {
    let scale = 10f64.powi(i32::try_from(places).unwrap_or(2));
    // A half goes away from zero, as people round, also where its binary form lies a little below.
    let scaled = (value.abs() * scale * (1.0 + 1e-12)).round() / scale;
    let text = if scaled.is_finite() { format!("{scaled:.places$}") } else { format!("{}", value.abs()) };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let minus = if value < 0.0 && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{minus}{}{point}{fraction}", with_commas(whole))
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
            (-3.5, Some("EUR"), "-€3.50"),
            (12.0, Some("CHF"), "12 CHF"),
            (99.9, Some("%"), "99.9 %"),
            (1_000_000.0, None, "1,000,000"),
            (1.005, None, "1.01"),
            (-0.001, None, "0"),
        ] {
            assert_eq!(amount(value, unit), said);
        }
        assert_eq!((change(0.08), change(-0.27027), change(0.0)), ("+8 %".into(), "-27 %".into(), "0 %".into()));
    }

    #[test]
    fn a_value_is_never_minus_zero_or_no_number() {
        assert!(clean(-0.0).is_some_and(f64::is_sign_positive));
        assert_eq!(clean(f64::NAN), None);
        assert_eq!(clean(f64::INFINITY), None);
        assert_eq!(clean(0.1 + 0.2), Some(0.3));
    }
}

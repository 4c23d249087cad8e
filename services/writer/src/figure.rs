//! Owns how a number is printed for a person, and how numbers are found again in text.
//! Never the exact value: that stands in the JSON and in the CSV files.
//! Next: `offline` prints metrics, `check` holds every number of a statement against them.

use contract::documents::{Metric, Statistic};

use crate::escape;

/// From here on digits would only be noise.
const SCIENTIFIC: f64 = 1e15;

/// As a person writes it: `1,234.50 USD`, `−27.0 %`, `19`.
pub(crate) fn printed(metric: &Metric) -> String {
    match metric.statistic {
        Statistic::Difference | Statistic::Trend => {
            let sign = if metric.value > 0.0 { "+" } else { "" };
            format!("{sign}{} %", grouped(metric.value * 100.0, 1))
        }
        Statistic::Count => grouped(metric.value, 0),
        _ => {
            let unit = metric.unit.as_deref().map(|unit| format!(" {unit}")).unwrap_or_default();
            let unit = escape::plain(&format!("x{unit}")).split_off(1);
            format!("{}{unit}", grouped(metric.value, decimals(metric.value, is_money(metric.unit.as_deref()))))
        }
    }
}

fn is_money(unit: Option<&str>) -> bool {
    unit.is_some_and(|unit| unit.len() == 3 && unit.bytes().all(|byte| byte.is_ascii_uppercase()))
}

fn decimals(value: f64, money: bool) -> usize {
    let exact = |places: i32| {
        let scaled = value * 10f64.powi(places);
        (scaled - scaled.round()).abs() < 1e-6
    };
    let least = if money { 2 } else { 0 };
    // A fraction of a cent is still a price: 0.625 a million is not 0.63.
    let most = if value.abs() < 1.0 { 4 } else { 2 };
    (least..most).find(|places| exact(*places)).map_or(most, |places| places) as usize
}

fn grouped(value: f64, decimals: usize) -> String {
    if value.abs() >= SCIENTIFIC || !value.is_finite() {
        return format!("{value:e}");
    }
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').map_or((text.as_str(), ""), |(whole, fraction)| (whole, fraction));
    let mut out = String::new();
    if value < 0.0 && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) {
        out.push('−');
    }
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A number without a unit, as axes have it.
pub(crate) fn plainly(value: f64) -> String {
    grouped(value, decimals(value, false))
}

/// A count with its noun: `1 row`, `1,204 rows`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count as f64, 0), if count == 1 { one } else { many })
}

/// The numbers of a text, in ASCII digits, separators as they stand: `1,234.50`.
pub(crate) fn numbers(text: &str) -> Vec<String> {
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

/// What a number of a text may mean: `1.234` is a good unit in one country and a thousand in another.
pub(crate) fn readings(number: &str) -> Vec<(f64, i32)> {
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
pub(crate) fn is_value(number: &str, value: f64) -> bool {
    readings(number).into_iter().any(|(read, decimals)| {
        // Whole numbers stand for broken ones only where little is lost by it: `3 %` is 2.96 %, its zero left out.
        let half = if decimals == 0 && read < 10.0 { 0.05 } else { 0.5 * 10f64.powi(-decimals) };
        let off = (read - value.abs()).abs();
        off < 1e-9 * value.abs().max(1.0) || off <= half * (1.0 + 1e-9)
    })
}

/// Whether a number of a text is this metric's value.
pub(crate) fn is_metric(number: &str, metric: &Metric) -> bool {
    let part = matches!(metric.statistic, Statistic::Difference | Statistic::Trend);
    is_value(number, metric.value) || (part && is_value(number, metric.value * 100.0))
}

/// Whether this is how the metric may be printed: sign, digits and unit, and nothing else.
pub(crate) fn is_printed(text: &str, metric: &Metric) -> bool {
    if metric.value.abs() >= SCIENTIFIC {
        return text == printed(metric);
    }
    let is_part = matches!(metric.statistic, Statistic::Difference | Statistic::Trend);
    let unit = match (metric.statistic, metric.unit.as_deref()) {
        _ if is_part => " %".to_owned(),
        (Statistic::Count, _) | (_, None) => String::new(),
        (_, Some(unit)) => format!(" {unit}"),
    };
    let value = if is_part { metric.value * 100.0 } else { metric.value };
    let Some(number) = text.strip_suffix(escape::plain(&format!("x{unit}")).trim_start_matches('x')) else {
        return false;
    };
    let (negative, digits) = number.strip_prefix('−').map_or((false, number), |digits| (true, digits));
    let digits = digits.strip_prefix('+').filter(|_| is_part && !negative).unwrap_or(digits);
    let only = digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','));
    let nothing = digits.chars().all(|c| matches!(c, '0' | '.' | ','));
    only && is_value(digits, value) && (negative == (value < 0.0) || nothing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn metric(statistic: Statistic, value: f64, unit: Option<&str>) -> Metric {
        Metric {
            id: "m".into(),
            label: String::new(),
            statistic,
            table: "t".into(),
            column: String::new(),
            group: BTreeMap::new(),
            value,
            unit: unit.map(str::to_owned),
            of: 1,
            evidence: vec![],
        }
    }

    #[test]
    fn numbers_are_printed_as_a_person_writes_them() {
        let shown = |statistic, value, unit| printed(&metric(statistic, value, unit));
        assert_eq!(shown(Statistic::Max, 1_234_567.5, Some("USD")), "1,234,567.50 USD");
        assert_eq!(shown(Statistic::Median, 0.625, Some("USD")), "0.625 USD");
        assert_eq!(shown(Statistic::Mean, 340.6842, Some("USD")), "340.68 USD");
        assert_eq!(shown(Statistic::Count, 1204.0, None), "1,204");
        assert_eq!(shown(Statistic::Trend, -0.2703, Some("USD")), "−27.0 %");
        assert_eq!(shown(Statistic::Difference, 0.25, None), "+25.0 %");
        assert_eq!(shown(Statistic::Min, 12.0, Some("ms")), "12 ms");
        assert_eq!(shown(Statistic::Max, 1e300, None), "1e300");
        for (statistic, value) in [(Statistic::Max, 49.0), (Statistic::Trend, -0.2703), (Statistic::Mean, -3.25)] {
            let metric = metric(statistic, value, Some("USD"));
            assert!(is_printed(&printed(&metric), &metric), "{}", printed(&metric));
        }
        assert!(!is_printed("+27.0 %", &metric(Statistic::Trend, -0.2703, None)));
    }

    #[test]
    fn numbers_are_found_in_any_script_and_in_both_ways_of_writing() {
        assert_eq!(numbers("from $1,234.50 to ٤٩ (２０ %), v2."), ["1,234.50", "49", "20", "2"]);
        assert!(is_value("1,234.50", 1234.5) && is_value("1.234,50", 1234.5));
        assert!(is_value("340.7", 340.684) && !is_value("340.8", 340.684) && !is_value("0", 0.3));
        assert!(is_value("3", 2.96) && is_value("5", 4.995) && !is_value("3", 2.9) && !is_value("2", 2.96));
        assert!(readings("1.2.3").is_empty());
    }
}

//! Owns what one cell says: a number with its unit or currency, a truth, nothing at all.
//! Never a number out of a range, a version or a sentence.
//! Next: `column` asks what most cells of a column are.

use super::super::date;

/// A number as people write it in a cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Quantity {
    pub(super) number: f64,
    pub(super) unit: Option<String>,
    pub(super) currency: Option<&'static str>,
}

/// What a cell is like, for comparing cells of a row with cells of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Signature {
    Text,
    Truth,
    Date,
    Money,
    Number,
    /// With a hash of its unit.
    Unit(u64),
}

impl Signature {
    pub(in super::super) fn is_typed(self) -> bool {
        self != Signature::Text
    }
}

/// None for a cell that says nothing. The name is of what the cell is about: it may hold the currency or unit.
pub(in super::super) fn signature(name: &str, text: &str) -> Option<Signature> {
    let of_unit = |unit: &str| unit.bytes().fold(7_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
    if says_nothing(text) {
        return None;
    }
    if truth(text).is_some() {
        return Some(Signature::Truth);
    }
    if date::exactly(text).is_some() {
        return Some(Signature::Date);
    }
    let Some(quantity) = quantity(text) else { return Some(Signature::Text) };
    if quantity.currency.is_some() || currency_in(name).is_some() {
        return Some(Signature::Money);
    }
    let unit = quantity.unit.or_else(|| unit_in(name));
    Some(unit.map_or(Signature::Number, |unit| Signature::Unit(of_unit(&unit))))
}

const NOTHING: [&str; 38] = [
    "",
    "-",
    "--",
    "–",
    "—",
    "−",
    ".",
    "?",
    "…",
    "...",
    "n/a",
    "n.a.",
    "na",
    "none",
    "null",
    "nil",
    "nan",
    "tbd",
    "tba",
    "unknown",
    "unlimited",
    "custom",
    "varies",
    "on request",
    "upon request",
    "price on request",
    "contact us",
    "contact sales",
    "call us",
    "let's talk",
    "let’s talk",
    "not available",
    "not applicable",
    "unavailable",
    "to be decided",
    "to be determined",
    "not published",
    "not disclosed",
];

/// Words for "no number here": they do not speak against a column of numbers.
pub(super) fn says_nothing(text: &str) -> bool {
    let text = text.trim().trim_end_matches('*').trim_end();
    text.chars().count() <= 20 && NOTHING.contains(&text.to_lowercase().as_str())
}

pub(super) fn truth(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "yes" | "true" | "y" | "✓" | "✔" | "✅" | "☑" => Some(true),
        "no" | "false" | "n" | "✗" | "✘" | "❌" | "✕" => Some(false),
        _ => None,
    }
}

/// Currencies by what is written for them, longer spellings first.
const CURRENCIES: [(&str, &str); 38] = [
    ("us dollars", "USD"),
    ("us$", "USD"),
    ("usd", "USD"),
    ("dollars", "USD"),
    ("dollar", "USD"),
    ("eur", "EUR"),
    ("euros", "EUR"),
    ("euro", "EUR"),
    ("gbp", "GBP"),
    ("pounds sterling", "GBP"),
    ("ca$", "CAD"),
    ("c$", "CAD"),
    ("a$", "AUD"),
    ("au$", "AUD"),
    ("chf", "CHF"),
    ("jpy", "JPY"),
    ("yen", "JPY"),
    ("cad", "CAD"),
    ("aud", "AUD"),
    ("nzd", "NZD"),
    ("sek", "SEK"),
    ("nok", "NOK"),
    ("dkk", "DKK"),
    ("pln", "PLN"),
    ("czk", "CZK"),
    ("inr", "INR"),
    ("cny", "CNY"),
    ("brl", "BRL"),
    ("krw", "KRW"),
    ("sgd", "SGD"),
    ("hkd", "HKD"),
    ("mxn", "MXN"),
    ("zar", "ZAR"),
    ("$", "USD"),
    ("€", "EUR"),
    ("£", "GBP"),
    ("¥", "JPY"),
    ("₹", "INR"),
];

fn is_word(text: &str) -> bool {
    text.ends_with(|c: char| c.is_ascii_alphabetic())
}

/// The currency that a text begins with, and the rest.
fn currency_at_start(text: &str) -> Option<(&'static str, &str)> {
    CURRENCIES.iter().find_map(|(written, code)| {
        let start = text.get(..written.len()).filter(|start| start.eq_ignore_ascii_case(written))?;
        let rest = &text[start.len()..];
        (!is_word(start) || !rest.starts_with(char::is_alphabetic)).then_some((*code, rest))
    })
}

/// The one currency that the name of a column names.
pub(super) fn currency_in(name: &str) -> Option<&'static str> {
    let mut found = None;
    for (at, c) in name.char_indices() {
        let begins_word = !name[..at].ends_with(|before: char| before.is_alphanumeric());
        if (begins_word || !c.is_alphanumeric())
            && let Some((code, _)) = currency_at_start(&name[at..])
        {
            if found.is_some_and(|other| other != code) {
                return None;
            }
            found = Some(code);
        }
    }
    found
}

/// The unit that the name of a column names: `retention_days`, `Uptime (%)`; not `per month`.
pub(super) fn unit_in(name: &str) -> Option<String> {
    let words: Vec<String> = name
        .split(|c: char| !(c.is_alphanumeric() || c == '%'))
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let mut units = words.iter().enumerate().filter_map(|(at, word)| {
        let is_rate = at.checked_sub(1).and_then(|before| words.get(before)).is_some_and(|before| before == "per");
        // In the plural, or as a sign: "month" in a name is more often when than how much.
        let named = matches!(
            word.as_str(),
            "%" | "percent"
                | "pct"
                | "percentage"
                | "ms"
                | "milliseconds"
                | "seconds"
                | "secs"
                | "minutes"
                | "hours"
                | "days"
                | "weeks"
                | "months"
                | "years"
                | "bytes"
                | "kb"
                | "mb"
                | "gb"
                | "tb"
                | "kib"
                | "mib"
                | "gib"
        );
        (named && !is_rate).then(|| unit(word))
    });
    let first = units.next()?;
    units.next().is_none().then_some(first)
}

/// One spelling for each unit.
fn unit(word: &str) -> String {
    let lower = word.to_lowercase();
    let known = match lower.as_str() {
        "%" | "percent" | "pct" | "percentage" => "%",
        "ms" | "millisecond" | "milliseconds" => "ms",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "min" | "mins" | "minute" | "minutes" => "min",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "days",
        "wk" | "week" | "weeks" => "weeks",
        "month" | "months" => "months",
        "yr" | "yrs" | "year" | "years" => "years",
        "byte" | "bytes" => "bytes",
        "kb" => "KB",
        "mb" => "MB",
        "gb" => "GB",
        "tb" => "TB",
        "kib" => "KiB",
        "mib" => "MiB",
        "gib" => "GiB",
        _ => return if lower.len() > 3 { lower.trim_end_matches('s').to_owned() } else { word.to_owned() },
    };
    known.to_owned()
}

pub(super) fn quantity(text: &str) -> Option<Quantity> {
    const CHARACTERS_MAX: usize = 48;
    if text.chars().count() > CHARACTERS_MAX {
        return None;
    }
    let spaces = |c: char| if c.is_whitespace() || matches!(c, '\u{202f}' | '\u{2007}') { ' ' } else { c };
    let text: String = text.chars().map(spaces).map(|c| if c == '−' { '-' } else { c }).collect();
    let mut rest = text.trim().trim_end_matches(['*', '†', '‡']).trim_end();
    let bracketed = rest.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'));
    rest = bracketed.unwrap_or(rest);
    let mut negative = bracketed.is_some();
    let mut currency = None;
    for _ in 0..3 {
        rest = rest.trim_start();
        if let Some(behind) = rest.strip_prefix('-') {
            (rest, negative) = (behind, !negative);
        } else if let Some(behind) = rest.strip_prefix('+') {
            rest = behind;
        } else if let Some((code, behind)) = currency_at_start(rest).filter(|_| currency.is_none()) {
            (rest, currency) = (behind, Some(code));
        }
    }
    let (digits, behind) = split_number(rest);
    let mut number = parse(digits)?;
    rest = behind.trim_start();
    if let Some((scale, behind)) = scale(rest) {
        number *= scale;
        rest = behind.trim_start();
    }
    if let Some((code, behind)) = currency_at_start(rest).filter(|_| currency.is_none()) {
        (rest, currency) = (behind.trim_start(), Some(code));
    }
    let rest = without_rate(rest);
    let is_unit = rest == "%" || rest.chars().count() <= 14 && rest.chars().all(char::is_alphabetic);
    let unit = match rest {
        "" => None,
        // In money, a word behind is no unit of it.
        _ if is_unit && currency.is_none() => Some(unit(rest)),
        _ => return None,
    };
    let number = if negative { -number } else { number };
    // A bracket around a bare number means less than nothing; around more, it is an aside.
    (number.is_finite() && (bracketed.is_none() || unit.is_none())).then_some(Quantity { number, unit, currency })
}

/// Digits with what groups them, and what comes behind.
fn split_number(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let mut end = 0;
    while let Some(&byte) = bytes.get(end) {
        let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        let groups = || is_digit(end + 1) && is_digit(end + 2) && is_digit(end + 3) && !is_digit(end + 4);
        match byte {
            b'0'..=b'9' => {}
            b'.' | b',' if is_digit(end + 1) => {}
            b' ' | b'\'' if end > 0 && groups() => {}
            _ => break,
        }
        end += 1;
    }
    text.split_at(end)
}

fn parse(digits: &str) -> Option<f64> {
    let separators: String = digits.chars().filter(|c| !c.is_ascii_digit()).collect();
    let last = digits.rfind(['.', ',']);
    let grouped = |separator: char| {
        let mut parts = digits.split(separator);
        parts.next().is_some_and(|first| (1..=3).contains(&first.len()) && first != "0")
            && parts.all(|part| part.len() == 3)
    };
    let plain = match (separators.contains('.'), separators.contains(',')) {
        // The last of two kinds of separators is the decimal one, and it stands once.
        (true, true) => {
            let (whole, fraction) = digits.split_at(last?);
            let group = if digits[last?..].starts_with('.') { ',' } else { '.' };
            if fraction[1..].contains(['.', ','])
                || whole.matches(group).count() == 0
                || separators.matches(&fraction[..1]).count() != 1
            {
                return None;
            }
            format!("{}.{}", whole.replace([',', '.', ' ', '\''], ""), &fraction[1..])
        }
        (false, true) if grouped(',') => digits.replace(',', ""),
        (false, true) if separators.matches(',').count() == 1 => digits.replace([' ', '\''], "").replace(',', "."),
        (true, false) if separators.matches('.').count() > 1 && grouped('.') => digits.replace('.', ""),
        (true, false) if separators.matches('.').count() == 1 => digits.replace([' ', '\''], ""),
        (false, false) => digits.replace([' ', '\''], ""),
        _ => return None,
    };
    // `007` is a name.
    if plain.len() > 1 && plain.starts_with('0') && !plain.starts_with("0.") {
        return None;
    }
    plain.parse().ok()
}

fn scale(text: &str) -> Option<(f64, &str)> {
    const SCALES: [(&str, f64); 13] = [
        ("thousand", 1e3),
        ("millions", 1e6),
        ("million", 1e6),
        ("billion", 1e9),
        ("trillion", 1e12),
        ("mio", 1e6),
        ("mn", 1e6),
        ("bn", 1e9),
        ("tn", 1e12),
        ("K", 1e3),
        ("k", 1e3),
        ("M", 1e6),
        ("B", 1e9),
    ];
    SCALES.iter().find_map(|&(written, scale)| {
        let start = text.get(..written.len())?;
        let is_same = if written.len() == 1 { start == written } else { start.eq_ignore_ascii_case(written) };
        let rest = &text[start.len()..];
        (is_same && !rest.starts_with(char::is_alphanumeric)).then_some((scale, rest))
    })
}

/// `/month`, `per user and month`, `a year`: what a number is for, not how much it is.
fn without_rate(text: &str) -> &str {
    let text = text.trim();
    for mark in ["/", "per ", "a ", "each", "p.a.", "monthly", "yearly"] {
        if text.get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark)) {
            return "";
        }
    }
    let cut = text.find('/').or_else(|| text.find(" per "));
    cut.map_or(text, |at| text[..at].trim_end())
}

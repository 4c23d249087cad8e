//! Owns numbers as they stand in sentences: value, unit or currency, and what it is per.
//! Never a date, a time or a part of a name: `2026-10-08`, `9:30` and `p-17` are no amounts.
//! Next: `claims` compares them with tables and with each other, `answers` asks whether a sentence has one.

use crate::words::{self, Stems};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Amount {
    pub(crate) value: f64,
    /// `USD`; or the stem of the word behind the number; `%`.
    pub(crate) unit: Option<String>,
    pub(crate) is_money: bool,
    /// Stems of what follows `a`, `per`, `each`: month, million.
    pub(crate) per: Stems,
    /// Where the number begins, in bytes.
    pub(crate) at: usize,
    /// The word before it, in lower case.
    pub(crate) before: String,
}

const CURRENCIES: &[(&str, &str)] = &[
    ("usd", "USD"),
    ("us$", "USD"),
    ("$", "USD"),
    ("dollar", "USD"),
    ("dollars", "USD"),
    ("eur", "EUR"),
    ("€", "EUR"),
    ("euro", "EUR"),
    ("euros", "EUR"),
    ("gbp", "GBP"),
    ("£", "GBP"),
    ("pounds", "GBP"),
    ("chf", "CHF"),
];
const SCALES: &[(&str, f64)] =
    &[("thousand", 1e3), ("k", 1e3), ("million", 1e6), ("m", 1e6), ("billion", 1e9), ("bn", 1e9)];
const PER: &[&str] = &["a", "an", "per", "each", "every", "/"];
const PERIODS: &[(&str, &str)] = &[
    ("monthly", "month"),
    ("yearly", "year"),
    ("annually", "year"),
    ("annual", "year"),
    ("hourly", "hour"),
    ("daily", "day"),
];

/// Every amount of a sentence, in its order.
pub(crate) fn amounts(text: &str) -> Vec<Amount> {
    let mut found = vec![];
    let mut at = 0;
    while let Some(start) = text[at..].find(|c: char| c.is_ascii_digit()).map(|offset| at + offset) {
        let (end, value) = number(&text[start..]);
        let end = start + end;
        at = end;
        if let Some(value) = value.filter(|_| stands_alone(text, start, end)) {
            found.push(amount(text, start, end, value));
        }
    }
    found
}

/// Length and value: digits, commas before three digits, one point before digits.
fn number(text: &str) -> (usize, Option<f64>) {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut end = 0;
    let mut point = false;
    loop {
        if digit(end) {
            end += 1;
        } else if bytes.get(end) == Some(&b',') && !point && (1..=3).all(|next| digit(end + next)) && !digit(end + 4) {
            end += 4;
        } else if bytes.get(end) == Some(&b'.') && !point && digit(end + 1) {
            point = true;
            end += 1;
        } else {
            break;
        }
    }
    (end, text[..end].replace(',', "").parse().ok().filter(|value: &f64| value.is_finite()))
}

fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].chars().next_back();
    let after = text[end..].chars().next();
    let second = text[end..].chars().nth(1);
    let joined_before = before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '-' | ':' | '_' | '.' | '#'));
    let joined_after = matches!(after, Some('-' | ':' | '_')) && second.is_some_and(char::is_alphanumeric);
    !joined_before && !joined_after
}

fn amount(text: &str, start: usize, end: usize, value: f64) -> Amount {
    let currency = |word: &str| CURRENCIES.iter().find(|(sign, _)| *sign == word).map(|(_, code)| *code);
    let head = text[..start].trim_end();
    let sign = head.char_indices().next_back().map(|(at, _)| &head[at..]).and_then(currency);
    let tail = tokens(&text[end..]);
    let mut next = tail.iter().map(String::as_str).peekable();
    let mut value = value;
    if let Some((_, scale)) = next.peek().and_then(|word| SCALES.iter().find(|(name, _)| name == word)) {
        value *= scale;
        next.next();
    }
    let named = next.peek().and_then(|word| currency(word));
    let cents = next.peek().is_some_and(|word| matches!(*word, "cent" | "cents"));
    let code = sign.or(named).or(cents.then_some("USD"));
    if cents {
        value /= 100.0;
    }
    if named.is_some() || cents {
        next.next();
    }
    let rest: Vec<&str> = next.take(5).collect();
    let unit = match (code, rest.first()) {
        (Some(code), _) => Some(code.to_owned()),
        (None, Some(&("%" | "percent"))) => Some("%".into()),
        (None, Some(word)) if word.chars().all(char::is_alphabetic) => Some(words::stem(word)),
        _ => None,
    };
    let before = words::plain(head.trim_end_matches(|c: char| !c.is_alphanumeric())).pop().unwrap_or_default();
    Amount { value, unit, is_money: code.is_some(), per: per(&rest), at: start, before }
}

/// What follows `a` or `per` in the next words, up to the end of the clause.
fn per(rest: &[&str]) -> Stems {
    let mut found = Stems::new();
    for (at, word) in rest.iter().enumerate() {
        if matches!(*word, "." | ";" | "," | ")") {
            break;
        }
        if let Some((_, period)) = PERIODS.iter().find(|(name, _)| name == word) {
            found.insert((*period).to_owned());
        }
        if PER.contains(word)
            && let Some(next) = rest.get(at + 1).filter(|next| next.chars().all(char::is_alphabetic))
        {
            found.insert(words::stem(next));
        }
    }
    found
}

/// Words and single marks, in lower case, as far as a clause goes.
fn tokens(text: &str) -> Vec<String> {
    let mut found: Vec<String> = vec![];
    let mut word = String::new();
    for character in text.chars().take(80) {
        if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
            continue;
        }
        if !word.is_empty() {
            found.push(std::mem::take(&mut word));
        }
        if !character.is_whitespace() {
            found.push(character.to_string());
        }
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(f64, String, String)> {
        let one = |amount: Amount| {
            (amount.value, amount.unit.unwrap_or_default(), amount.per.into_iter().collect::<Vec<_>>().join(","))
        };
        amounts(text).into_iter().map(one).collect()
    }

    #[test]
    fn amounts_are_read_with_their_unit_and_what_they_are_per() {
        assert_eq!(told("Flock is 59 dollars a month; that"), [(59.0, "USD".into(), "month".into())]);
        assert_eq!(told("asks 65 cents per million on Flock"), [(0.65, "USD".into(), "million".into())]);
        assert_eq!(told("costs $4,900.50/month."), [(4900.5, "USD".into(), "month".into())]);
        assert_eq!(told("40 million messages"), [(4e7, "messag".into(), String::new())]);
        assert_eq!(told("a margin of 70 percent"), [(70.0, "%".into(), String::new())]);
        assert_eq!(told("99 USD monthly, and more"), [(99.0, "USD".into(), "month".into())]);
    }

    #[test]
    fn dates_times_and_names_are_no_amounts() {
        assert!(
            told("On 2026-10-08 at 9:30 p-17 came, v1.2.3, hx-1103").is_empty(),
            "{:?}",
            told("On 2026-10-08 at 9:30 p-17 came")
        );
    }
}

//! Owns claims: that one named thing has one number of one measure, as a table's row or a sentence says it.
//! Never a claim of a sentence that hedges, compares or tells of earlier days.
//! Next: `conflicts` puts claims about the same thing beside each other.

use std::collections::{BTreeMap, BTreeSet};

use contract::documents::{SourceId, Support};

use crate::amounts::{self, Amount};
use crate::pool::Pool;
use crate::prose;
use crate::sheet::Sheet;
use crate::support;
use crate::words::{self, Stems};

const ROWS_MAX: usize = 2_000;
/// Each is held against hundreds of sentences: a table with 500 columns of prices has a million.
const CLAIMS_MAX: usize = 10_000;
const LABEL_WORDS_MAX: usize = 4;
/// Words of column names that every price has.
const PLAIN_MEASURES: &[&str] = &[
    "price", "cost", "fee", "charg", "amount", "usd", "eur", "gbp", "list", "rate", "pay", "tariff", "per", "in",
    "percent",
];
const PER_WHAT: &[&str] = &["month", "year", "hour", "day", "million", "thousand", "seat", "user", "gb", "request"];
/// Before a number: it is a bound, a change or a wish.
const HEDGES: &[&str] = &[
    "from", "was", "until", "below", "under", "over", "above", "to", "least", "would", "about", "around", "by",
    "between", "up", "than", "if",
];
const SECOND_HAND: &[&str] = &["told", "said", "says", "heard", "offer", "quoted", "asks", "thinks", "apparently"];

#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// In lower case, one space between words.
    pub(crate) labels: BTreeSet<String>,
    /// As the source writes them.
    pub(crate) shown: String,
    /// What its source is called, and the headings that it stands under.
    pub(crate) context: Stems,
    pub(crate) measure: Measure,
    /// How the measure is called.
    pub(crate) spoken: String,
    pub(crate) value: f64,
    pub(crate) date: Option<String>,
    pub(crate) source: SourceId,
    pub(crate) support: Support,
    /// From a table: who published it says so himself.
    pub(crate) published: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measure {
    pub(crate) unit: Option<String>,
    pub(crate) is_money: bool,
    pub(crate) per: Stems,
    /// What else the measure is called, beyond being a price.
    pub(crate) rest: Stems,
}

impl Measure {
    fn of_column(sheet: &Sheet<'_>, column: usize) -> Measure {
        let stems = words::stems(&sheet.table.columns[column].name);
        let (per, rest): (Stems, Stems) = stems
            .into_iter()
            .filter(|stem| !PLAIN_MEASURES.contains(&stem.as_str()))
            .map(|stem| if stem == "annual" { "year".into() } else { stem })
            .partition(|stem| PER_WHAT.contains(&stem.as_str()));
        let unit = sheet.unit(column);
        let is_money = sheet.is_money(column)
            || unit.as_deref().is_some_and(|unit| unit.len() == 3 && unit.to_uppercase() == *unit);
        Measure { unit, is_money, per, rest }
    }

    /// Two columns that count the same.
    pub(crate) fn is_like(&self, other: &Measure) -> bool {
        let unit = match (&self.unit, &other.unit) {
            (Some(one), Some(other)) => one == other,
            _ => self.is_money && other.is_money,
        };
        let named = self.rest == other.rest || (self.is_money && (self.rest.is_empty() || other.rest.is_empty()));
        unit && self.is_money == other.is_money && self.per == other.per && named
    }

    /// Whether a sentence's amount counts the same as this column; and whether it says so plainly.
    fn fits(&self, amount: &Amount, sentence: &Stems) -> Option<bool> {
        let unit = match (&self.unit, &amount.unit) {
            (Some(one), Some(other)) => one == other || words::stem(&one.to_lowercase()) == *other,
            (None, Some(_)) => self.is_money && amount.is_money,
            _ => false,
        };
        let named = self.rest.is_subset(sentence);
        let plainly = !self.per.is_disjoint(&amount.per) || (self.per.is_empty() && amount.per.is_empty());
        let against = !amount.per.is_empty() && self.per.is_disjoint(&amount.per);
        (unit && named && !against && self.is_money == amount.is_money).then_some(plainly)
    }
}

fn normal(label: &str) -> String {
    words::plain(label).join(" ")
}

/// What tables say: each row's newest number, by its labels.
pub(crate) fn of_tables(pool: &Pool, sheets: &[Sheet<'_>]) -> Vec<Claim> {
    let mut found = vec![];
    for sheet in sheets {
        let columns: Vec<usize> = sheet.label_columns().into_iter().take(2).collect();
        let dates = sheet.date_column();
        let context = context(pool, &sheet.table.source, &sheet.table.title);
        for column in 0..sheet.table.columns.len() {
            if found.len() >= CLAIMS_MAX {
                return found;
            }
            let measure = Measure::of_column(sheet, column);
            if !sheet.table.columns[column].is_numeric() || measure.unit.is_none() && !measure.is_money {
                continue;
            }
            let mut newest: BTreeMap<BTreeSet<String>, Claim> = BTreeMap::new();
            let mut unsure = BTreeSet::new();
            for (row, value) in sheet.numbers(column).into_iter().take(ROWS_MAX) {
                let named: Vec<&str> =
                    columns.iter().map(|at| sheet.text(row, *at)).filter(|text| is_label(text)).collect();
                let labels: BTreeSet<String> =
                    named.iter().map(|text| normal(text)).filter(|label| !label.is_empty()).collect();
                // "million messages" is a unit, and no name of anything.
                let is_named = named.iter().any(|text| !text.starts_with(char::is_lowercase));
                let Some(support) = support::of_row(pool, sheet, row).filter(|_| is_named) else { continue };
                let own = dates.and_then(|at| sheet.day(row, at));
                let date = own.or_else(|| sheet.date.map(str::to_owned));
                let claim = Claim {
                    labels: labels.clone(),
                    shown: named.join(" "),
                    context: context.clone(),
                    measure: measure.clone(),
                    spoken: sheet.spoken(column),
                    value,
                    date,
                    source: sheet.table.source.clone(),
                    support,
                    published: true,
                };
                match newest.get(&labels) {
                    Some(other) if other.date == claim.date && other.value != claim.value => {
                        unsure.insert(labels);
                    }
                    Some(other) if other.date >= claim.date => {}
                    _ => {
                        newest.insert(labels, claim);
                    }
                }
            }
            found.extend(newest.into_iter().filter(|(labels, _)| !unsure.contains(labels)).map(|(_, claim)| claim));
        }
    }
    found
}

fn is_label(text: &str) -> bool {
    (1..=LABEL_WORDS_MAX).contains(&words::plain(text).len()) && text.starts_with(char::is_alphabetic)
}

fn context(pool: &Pool, source: &SourceId, more: &str) -> Stems {
    let told =
        pool.source(source).map(|source| format!("{} {}", source.title, source.address.replace(['/', '.', '-'], " ")));
    words::plain(&format!("{} {more}", told.unwrap_or_default())).into_iter().collect()
}

/// A sentence with amounts, as it is compared.
#[derive(Debug)]
pub(crate) struct Said<'a> {
    pub(crate) sentence: &'a str,
    pub(crate) stems: Stems,
    pub(crate) words: Vec<String>,
    pub(crate) amounts: Vec<Amount>,
    pub(crate) context: Stems,
    pub(crate) date: Option<String>,
    pub(crate) source: &'a SourceId,
    pub(crate) support: Support,
}

/// Sentences of passages that are no table rows.
pub(crate) fn sentences<'a>(pool: &'a Pool, max: usize) -> Vec<Said<'a>> {
    let in_tables = pool.in_tables();
    let mut found = vec![];
    let mut seen = BTreeSet::new();
    for passage in pool.passages.iter().filter(|passage| !in_tables.contains(&passage.id)) {
        for sentence in words::sentences(&passage.quote) {
            if found.len() == max
                || !prose::is_statement(sentence)
                || !seen.insert((&passage.source, words::tidied(sentence)))
            {
                continue;
            }
            found.push(Said {
                sentence,
                stems: words::stems(sentence),
                words: words::plain(sentence),
                amounts: amounts::amounts(sentence),
                context: context(pool, &passage.source, &passage.headings.join(" ")),
                date: pool.source(&passage.source).and_then(|source| source.date.clone()),
                source: &passage.source,
                support: Support { passage: passage.id.clone(), quote: sentence.to_owned() },
            });
        }
    }
    found
}

/// What a sentence says of the thing that a table's claim is about; and whether it says so plainly enough to stand
/// against it.
pub(crate) fn echoes(claim: &Claim, said: &Said<'_>, names: &BTreeSet<String>) -> Vec<(Claim, bool)> {
    let there: Vec<&String> = claim.labels.iter().filter(|label| place(&said.words, label).is_some()).collect();
    let rest_known = claim
        .labels
        .iter()
        .all(|label| there.contains(&label) || label.split(' ').all(|word| said.context.contains(word)));
    if there.is_empty() || !rest_known {
        return vec![];
    }
    let mut found = vec![];
    for amount in &said.amounts {
        let before = words::plain(&said.sentence[..amount.at]);
        // A number belongs to the name that was said last.
        let named_before = last_name(&before, names).is_some_and(|name| claim.labels.contains(&name));
        let hedged = HEDGES.contains(&amount.before.as_str());
        if let Some(plainly) = claim.measure.fits(amount, &said.stems).filter(|_| named_before && !hedged) {
            let echo = Claim {
                value: amount.value,
                date: said.date.clone(),
                source: said.source.clone(),
                support: said.support.clone(),
                published: false,
                context: said.context.clone(),
                ..claim.clone()
            };
            found.push((echo, plainly));
        }
    }
    found
}

/// Whether a sentence reports what somebody else said.
pub(crate) fn is_second_hand(sentence: &str) -> bool {
    let words = words::plain(sentence);
    SECOND_HAND.iter().any(|word| words.iter().any(|other| other == word)) || sentence.contains(['"', '“', '„'])
}

/// The names among words: every run of them that is one.
pub(crate) fn names_in(words: &[String], names: &BTreeSet<String>) -> BTreeSet<String> {
    let runs = (1..=LABEL_WORDS_MAX).flat_map(|length| words.windows(length).map(|run| run.join(" ")));
    runs.filter(|run| names.contains(run)).collect()
}

fn last_name(words: &[String], names: &BTreeSet<String>) -> Option<String> {
    let ends = (1..=words.len()).rev();
    let mut runs =
        ends.flat_map(|end| (1..=LABEL_WORDS_MAX.min(end)).rev().map(move |length| words[end - length..end].join(" ")));
    runs.find(|run| names.contains(run))
}

/// Where a label stands among words, whole.
pub(crate) fn place(words: &[String], label: &str) -> Option<usize> {
    let parts: Vec<&str> = label.split(' ').collect();
    words.windows(parts.len()).position(|window| window.iter().zip(&parts).all(|(word, part)| word == part))
}

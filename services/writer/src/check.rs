//! Owns the proof of a report: every citation resolves, every quote stands in its source, every number was computed.
//! Never trusts the writer: it looks only at the report, the analysis and the sources' texts.
//! Next: `handler` publishes what has no faults; `proof` has the rules for statements and numbers.

use std::collections::{BTreeMap, BTreeSet};

use contract::documents::{Analysed, Source};

use crate::proof::{self, begins};
use crate::report::{Quotation, Reference, Report};
use crate::{Fault, Texts, escape, parse};

/// All that is wrong with a report.
pub fn check(report: &Report, analysed: &Analysed, texts: &Texts) -> Vec<Fault> {
    let mut faults = vec![];
    if escape::plain(&report.goal) != escape::plain(&analysed.goal) {
        faults.push(Fault::OtherGoal { found: begins(&report.goal), goal: begins(&analysed.goal) });
    }
    let (title, goal) = (escape::plain(&report.title), escape::plain(&analysed.goal));
    if !goal.to_lowercase().contains(&title.to_lowercase()) && !goal.is_empty() {
        faults.push(Fault::OtherGoal { found: begins(&title), goal: begins(&goal) });
    }
    references(report, analysed, texts, &mut faults);
    citations(report, &mut faults);
    proof::statements(report, analysed, &mut faults);
    proof::paragraphs(report, analysed, &mut faults);
    proof::numbers(report, analysed, &mut faults);
    proof::conflicts(report, analysed, &mut faults);
    faults
}

/// The same of the report's Markdown, as a person reads it.
pub fn check_markdown(markdown: &str, analysed: &Analysed, texts: &Texts) -> Vec<Fault> {
    match parse::read(markdown) {
        Ok(report) => check(&report, analysed, texts),
        Err(fault) => vec![fault],
    }
}

fn references(report: &Report, analysed: &Analysed, texts: &Texts, faults: &mut Vec<Fault>) {
    let mut places: BTreeMap<(&str, &str, u64, u64), u32> = BTreeMap::new();
    for (at, reference) in report.references.iter().enumerate() {
        let (number, expected) = (reference.number, at as u32 + 1);
        if number != expected {
            faults.push(Fault::OutOfOrder { number, expected });
        }
        let place = reference.place;
        let key = (reference.collection.as_str(), reference.address.as_str(), place.start, place.end);
        if let Some(first) = places.insert(key, number) {
            faults.push(Fault::SamePlace { number, first });
        }
        match source_of(reference, analysed) {
            Some(source) => resolves(reference, source, analysed, texts, faults),
            None => faults.push(Fault::UnknownSource { number, address: begins(&reference.address) }),
        }
    }
}

/// Markdown collapses white space in an address: so does this comparison.
pub(crate) fn source_of<'a>(reference: &Reference, analysed: &'a Analysed) -> Option<&'a Source> {
    analysed.sources.iter().find(|source| {
        same(&source.address, &reference.address)
            && same(&source.collection, &reference.collection)
            && (reference.source.0.is_empty() || source.id == reference.source)
    })
}

fn same(one: &str, other: &str) -> bool {
    one == other || escape::plain(one) == escape::plain(other)
}

fn resolves(reference: &Reference, source: &Source, analysed: &Analysed, texts: &Texts, faults: &mut Vec<Fault>) {
    let number = reference.number;
    let place = reference.place;
    match texts.of(&source.id) {
        None => faults.push(Fault::NoText { number }),
        Some(text) if reference.quote.is_empty() || place.of(text) != Some(&reference.quote) => {
            faults.push(Fault::Misquoted { number, start: place.start, end: place.end });
        }
        Some(_) => {}
    }
    let date = |date: &Option<String>| date.as_deref().map(escape::plain);
    if !same(&reference.title, &source.title) {
        faults.push(Fault::NotOfSource { number, what: "the title" });
    }
    if date(&reference.date) != date(&source.date) {
        faults.push(Fault::NotOfSource { number, what: "the date" });
    }
    let mut there = analysed
        .passages
        .iter()
        .filter(|passage| passage.source == source.id && passage.place.overlaps(place))
        .peekable();
    if there.peek().is_none() {
        faults.push(Fault::NoSuchPlace { number });
    } else if !there.any(|passage| same(&passage.headings.join(" › "), &reference.headings.join(" › "))) {
        faults.push(Fault::NotOfSource { number, what: "the heading" });
    }
}

/// Every citation has its reference, and every reference is cited.
fn citations(report: &Report, faults: &mut Vec<Fault>) {
    let known: BTreeSet<u32> = report.references.iter().map(|reference| reference.number).collect();
    let mut cited = BTreeSet::new();
    let mut cites = |citations: &[u32], by: &str| {
        for citation in citations {
            cited.insert(*citation);
            if !known.contains(citation) {
                faults.push(Fault::NoReference { citation: *citation, by: begins(by) });
            }
        }
    };
    report.paragraphs().for_each(|paragraph| cites(&paragraph.citations, &paragraph.text));
    for statement in report.statements() {
        cites(&statement.citations, &statement.text);
        cites(&statement.against, &statement.text);
    }
    quotations(report).for_each(|quote| cites(&[quote.citation], &quote.text));
    report.numbers.iter().for_each(|table| cites(&table.citations, &table.caption));
    report.charts.iter().for_each(|chart| cites(&chart.citations, &chart.title));
    report.limits.iter().for_each(|limit| cites(&limit.citations, &limit.text));
    faults.extend(known.difference(&cited).map(|number| Fault::NeverCited { number: *number }));
    for quote in quotations(report) {
        if let Some(reference) = report.reference(quote.citation)
            && (quote.text.is_empty() || !reference.quote.contains(&quote.text) || !cut_rightly(quote, reference))
        {
            faults.push(Fault::NotInReference { quote: begins(&quote.text), citation: quote.citation });
        }
    }
}

/// What is not marked as cut is the reference's whole quote; a quote begins where its reference does.
fn cut_rightly(quote: &Quotation, reference: &Reference) -> bool {
    let whole = reference.quote.trim();
    if quote.cut { whole.starts_with(&quote.text) && whole.len() > quote.text.len() } else { whole == quote.text }
}

fn quotations(report: &Report) -> impl Iterator<Item = &Quotation> {
    let beside = report.statements().flat_map(|statement| &statement.quotes);
    beside.chain(report.conflicts.iter().flat_map(|conflict| &conflict.positions).map(|position| &position.quote))
}

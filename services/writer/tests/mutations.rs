//! Owns the checker's trial: a good report passes, and each of its facts, once changed, is found out.
//! Never a hand-picked few: every digit of every finding, every byte of every quote, every citation, every reference.
//! Next: `writer::check_markdown` is what is tried here, on the text that a person reads.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod analyses;

use analyses::{DAY, Made, pricing};
use proptest::prelude::*;
use writer::{Report, Texts, check, check_markdown, markdown, offline};

fn good() -> (Made, Report, String) {
    let made = pricing();
    let report = offline::report(&made.analysed, &made.texts, DAY).unwrap();
    let text = markdown(&report);
    assert_eq!(check(&report, &made.analysed, &made.texts), []);
    assert_eq!(check_markdown(&text, &made.analysed, &made.texts), []);
    (made, report, text)
}

/// The checker must find something wrong.
fn fails(text: &str, made: &Made, what: &str) {
    let faults = check_markdown(text, &made.analysed, &made.texts);
    assert!(!faults.is_empty(), "{what} went unseen");
}

/// Byte ranges of the text's parts: headings to the next of the same level.
fn part<'a>(text: &'a str, heading: &str) -> (usize, &'a str) {
    let from = text.find(heading).unwrap_or_else(|| panic!("{heading}"));
    let rest = &text[from..];
    let end = rest[3..].find("\n## ").map_or(rest.len(), |end| end + 3);
    (from, &rest[..end])
}

fn replaced(text: &str, at: usize, length: usize, with: &str) -> String {
    format!("{}{with}{}", &text[..at], &text[at + length..])
}

#[test]
fn every_changed_digit_of_findings_numbers_charts_and_references_is_found() {
    let (made, _, text) = good();
    let mut tried = 0;
    for heading in ["## Findings", "## Numbers", "## Charts", "## Where sources disagree", "## References"] {
        let (from, part) = part(&text, heading);
        for (at, digit) in part.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
            // The file of a chart is no fact of the matter.
            if part[..at].ends_with("`chart-") {
                continue;
            }
            for other in ('0'..='9').filter(|other| *other != digit) {
                let changed = replaced(&text, from + at, 1, &other.to_string());
                fails(&changed, &made, &format!("{heading}: {digit} changed to {other} in {:?}", line(part, at)));
                tried += 1;
            }
        }
    }
    assert!(tried > 1000, "{tried}");
}

#[test]
fn every_changed_digit_of_the_summary_is_found() {
    let (made, _, text) = good();
    let (from, part) = part(&text, "## Summary");
    for (at, digit) in part.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
        let other = if digit == '9' { "8" } else { "9" };
        fails(&replaced(&text, from + at, 1, other), &made, &format!("{digit} at {at} of the summary"));
    }
}

#[test]
fn every_changed_byte_of_a_quote_is_found() {
    let (made, report, text) = good();
    let references = text.find("## References").unwrap();
    for reference in &report.references {
        let at = references + text[references..].find(&reference.quote).unwrap();
        for (offset, c) in reference.quote.char_indices() {
            let other = if c == 'x' { "y" } else { "x" };
            fails(
                &replaced(&text, at + offset, c.len_utf8(), other),
                &made,
                &format!("[{}] at {offset}", reference.number),
            );
            fails(
                &replaced(&text, at + offset, c.len_utf8(), ""),
                &made,
                &format!("[{}] without {offset}", reference.number),
            );
        }
    }
    for (at, _) in text.match_indices("> “") {
        let end = at + text[at..].find('”').unwrap();
        for (offset, c) in text[at + 5..end].char_indices().filter(|(_, c)| c.is_alphanumeric()) {
            let other = if c == 'x' { "y" } else { "x" };
            fails(&replaced(&text, at + 5 + offset, c.len_utf8(), other), &made, &format!("shown quote at {offset}"));
        }
    }
}

#[test]
fn a_dropped_a_repeated_and_a_moved_reference_are_found() {
    let (made, report, text) = good();
    let starts: Vec<usize> = text.match_indices("\n### [").map(|(at, _)| at + 1).chain([text.len()]).collect();
    assert_eq!(starts.len(), report.references.len() + 1);
    let blocks: Vec<&str> = starts.windows(2).map(|ends| &text[ends[0]..ends[1]]).collect();
    let head = &text[..starts[0]];
    for at in 0..blocks.len() {
        let mut dropped = blocks.clone();
        dropped.remove(at);
        fails(&format!("{head}{}", dropped.concat()), &made, &format!("reference {} dropped", at + 1));
        let mut twice = blocks.clone();
        twice.insert(at, blocks[at]);
        fails(&format!("{head}{}", twice.join("\n")), &made, &format!("reference {} twice", at + 1));
        let mut again = blocks.clone();
        let added = blocks[at].replacen(&format!("[{}]", at + 1), &format!("[{}]", blocks.len() + 1), 1);
        again.push(&added);
        fails(&format!("{head}{}", again.join("\n")), &made, &format!("reference {} again under a new number", at + 1));
        for other in at + 1..blocks.len() {
            let mut swapped = report.clone();
            let quote = swapped.references[at].quote.clone();
            swapped.references[at].quote = std::mem::replace(&mut swapped.references[other].quote, quote);
            fails(&markdown(&swapped), &made, &format!("quotes of {} and {} swapped", at + 1, other + 1));
            assert!(!check(&swapped, &made.analysed, &made.texts).is_empty());
        }
    }
}

#[test]
fn every_renumbered_or_dropped_citation_of_a_finding_is_found() {
    let (made, report, text) = good();
    let (from, part) = part(&text, "## Findings");
    let mut tried = 0;
    for (at, _) in part.match_indices(" [").filter(|(at, _)| part[at + 2..].starts_with(|c: char| c.is_ascii_digit())) {
        let length = part[at..].find(']').unwrap() + 1;
        let number: u32 = part[at + 2..at + length - 1].parse().unwrap();
        fails(&replaced(&text, from + at, length, ""), &made, &format!("[{number}] dropped"));
        for other in (1..=report.references.len() as u32 + 1).filter(|other| *other != number) {
            fails(
                &replaced(&text, from + at, length, &format!(" [{other}]")),
                &made,
                &format!("[{number}] renumbered to [{other}]"),
            );
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}

#[test]
fn a_changed_source_is_found() {
    let (made, report, text) = good();
    for reference in &report.references {
        let mut texts = made.texts.clone();
        let source = texts.0.get_mut(&reference.source).unwrap();
        let at = usize::try_from(reference.place.start).unwrap();
        source.replace_range(at..at + 1, "§");
        let changed = Made { texts, ..made.clone() };
        fails(&text, &changed, &format!("the source of [{}]", reference.number));
        assert!(!check(&report, &made.analysed, &changed.texts).is_empty());
    }
    assert!(!check(&report, &made.analysed, &Texts::default()).is_empty());
}

#[test]
fn a_report_of_another_analysis_is_found() {
    let (made, report, text) = good();
    let mut other = made;
    other.analysed.goal = "Something else".into();
    fails(&text, &other, "another goal");
    assert!(!check(&report, &other.analysed, &other.texts).is_empty());
}

#[test]
fn added_claims_are_found() {
    let (made, _, text) = good();
    for (what, after) in [
        ("\n\nMoltbus is the cheapest. [1]\n", "## Summary\n"),
        ("\n\nMoltbus costs 12 USD.\n", "## Summary\n"),
        (
            "\n\n**9. Moltbus is free.** [1]\n\nConfidence: high. r\n",
            "## Findings\n\n### What do competitors charge?\n",
        ),
        ("\n| best price | all rows | 1.00 USD | 5 |", "| ---: | ---: |"),
        ("\n\n## Verdict\n\nBuy.\n", "days"),
    ] {
        let at = text.find(after).map_or(text.len(), |at| at + after.len());
        let added = replaced(&text, at, 0, what);
        if what.contains("cheapest. [1]") {
            // A sentence without a number, over a reference that is cited: that much a model may say.
            assert_eq!(check_markdown(&added, &made.analysed, &made.texts), []);
        } else {
            fails(&added, &made, what);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Any one letter or digit of what the report says of the matter.
    #[test]
    fn no_random_change_of_a_fact_goes_unseen(seed in any::<prop::sample::Index>(), other in "[a-z0-9]") {
        let (made, _, text) = good();
        let (start, _) = part(&text, "## Findings");
        let limits = text.find("## Limits").unwrap();
        let facts: Vec<usize> = text[start..limits]
            .char_indices()
            .map(|(at, c)| (start + at, c))
            // Headings of sections order the findings, and prove nothing.
            .filter(|(at, c)| c.is_ascii_alphanumeric() && !line(&text, *at).starts_with('#') && !line(&text, *at).starts_with("Drawn"))
            .map(|(at, _)| at)
            .collect();
        let at = facts[seed.index(facts.len())];
        prop_assume!(text[at..=at] != other);
        let changed = replaced(&text, at, 1, &other);
        let faults = check_markdown(&changed, &made.analysed, &made.texts);
        prop_assert!(!faults.is_empty(), "{:?} to {} in {:?}", &text[at..=at], other, line(&text, at));
    }
}

/// The line that a byte stands in.
fn line(text: &str, at: usize) -> &str {
    let from = text[..at].rfind('\n').map_or(0, |from| from + 1);
    text[from..].lines().next().unwrap_or_default()
}

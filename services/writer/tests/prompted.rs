//! Owns a model's words: which are taken, and what is wrong with those that are not.
//! Never a model: its answers are written here.
//! Next: what is taken goes through the same checker as every report.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod analyses;

use analyses::{DAY, Made, pricing};
use writer::prompted::{Worded, WordedParagraph, WordedSection, faults, with};
use writer::{Report, check, check_markdown, markdown, offline};

fn paragraph(text: &str, findings: &[&str], citations: &[u32]) -> WordedParagraph {
    let findings = findings.iter().map(|id| (*id).to_owned()).collect();
    WordedParagraph { text: text.into(), findings, citations: citations.to_vec() }
}

fn plain() -> (Made, Report) {
    let made = pricing();
    let report = offline::report(&made.analysed, &made.texts, DAY).unwrap();
    (made, report)
}

fn good() -> Worded {
    Worded {
        summary: vec![
            paragraph("Half of the 5 paid plans cost 49 USD a month or less.", &["f-1"], &[1]),
            paragraph(
                "Flock's page says “Flock costs $49 a month”, and a customer disagrees.",
                &["f-2", "f-1"],
                &[2, 4],
            ),
        ],
        sections: vec![WordedSection {
            heading: "How do prices move?".into(),
            paragraphs: vec![paragraph("Prices fell by 8.2 %, but few rows say so.", &["f-3"], &[1])],
        }],
    }
}

#[test]
fn words_over_findings_are_taken_and_proved_like_any_report() {
    let (made, report) = plain();
    assert_eq!(faults(&good(), &report, &made.analysed), Vec::<String>::new());
    let worded = with(good(), &report);
    assert_eq!(check(&worded, &made.analysed, &made.texts), []);
    let text = markdown(&worded);
    assert_eq!(check_markdown(&text, &made.analysed, &made.texts), []);
    assert!(
        text.contains("### How do prices move?\n\nPrices fell by 8.2 %, but few rows say so. [1]\n\n**3."),
        "{text}"
    );
    assert_eq!(worded.references, report.references);
}

#[test]
fn each_thing_that_a_model_may_not_do_is_a_fault() {
    let (made, report) = plain();
    for (wrong, why) in [
        (paragraph("Plans cost 49 USD.", &["f-9"], &[1]), "there is no finding \"f-9\""),
        (paragraph("Plans cost 49 USD.", &[], &[1]), "rests on findings"),
        (paragraph("Plans cost 49 USD.", &["f-1"], &[]), "cites references"),
        (paragraph("Plans cost 49 USD.", &["f-1"], &[5]), "none of its findings cites 5"),
        (paragraph("Plans cost 49 USD.", &["f-1"], &[99]), "none of its findings cites 99"),
        (paragraph("Plans cost 48 USD.", &["f-1"], &[1]), "48 is in none"),
        (paragraph("Plans cost ٤٨ USD.", &["f-1"], &[1]), "48 is in none"),
        (paragraph("The page says “Flock costs $48 a month”.", &["f-2"], &[2]), "does not stand in [2]"),
        (paragraph("The page says \"Flock is cheap\".", &["f-2"], &[2]), "does not stand in [2]"),
        (paragraph(" ", &["f-1"], &[1]), "1 to 1500 bytes"),
        (paragraph(&"long ".repeat(400), &["f-1"], &[1]), "1 to 1500 bytes"),
    ] {
        let found = faults(&Worded { summary: vec![wrong.clone()], sections: vec![] }, &report, &made.analysed);
        assert!(found.iter().any(|fault| fault.contains(why)), "{wrong:?}: {found:?}");
        let section = WordedSection { heading: "How do prices move?".into(), paragraphs: vec![wrong.clone()] };
        let found = faults(&Worded { sections: vec![section], ..good() }, &report, &made.analysed);
        assert!(found.iter().any(|fault| fault.contains(why)), "{wrong:?} in a section: {found:?}");
    }
    let strange = WordedSection { heading: "Verdict".into(), paragraphs: vec![] };
    let found = faults(&Worded { summary: vec![], sections: vec![strange] }, &report, &made.analysed);
    assert!(found.len() == 2 && found[1].contains("Verdict"), "{found:?}");
}

#[test]
fn the_checker_refuses_what_a_model_slipped_past_its_own_faults() {
    let (made, report) = plain();
    for text in ["Plans cost 48 USD.", "The page says “Flock costs $48 a month”."] {
        let worded = Worded { summary: vec![paragraph(text, &["f-1"], &[1])], sections: vec![] };
        let worded = with(worded, &report);
        assert!(!check(&worded, &made.analysed, &made.texts).is_empty(), "{text}");
        assert!(!check_markdown(&markdown(&worded), &made.analysed, &made.texts).is_empty(), "{text}");
    }
}

//! Owns what the writer's step publishes: the report in all its forms, the same bytes every time, small events.
//! Never the checker's judgement of a bad report: that is `mutations`.
//! Next: `golden/` has the sample as a person reads it; `UPDATE_GOLDEN=1` writes it anew.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod analyses;

use std::path::Path;

use analyses::{Made, pricing, support, text, written};
use contract::EventData;
use contract::documents::Missed;
use contract::events::{AnalysisCompleted, Confidence};
use runtime::StepError;

fn is_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if option_env!("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == golden, "{name} is not what it was; UPDATE_GOLDEN=1 at build writes it anew\n{text}");
}

#[tokio::test]
async fn the_sample_reads_as_it_did() {
    let (event, store) = written(&pricing()).await.unwrap();
    is_golden("pricing.md", &text(&store, &event.report).await);
    is_golden("pricing.html", &text(&store, &event.attachments[0].artifact).await);
    is_golden("pricing.json", &text(&store, &event.attachments[1].artifact).await);
    is_golden("chart-1.svg", &text(&store, &event.attachments[2].artifact).await);
    is_golden("numbers-1.csv", &text(&store, &event.attachments[3].artifact).await);
}

#[tokio::test]
async fn every_form_is_attached_with_its_media_type_and_named_in_the_report() {
    let (event, store) = written(&pricing()).await.unwrap();
    let kinds: Vec<&str> = event.attachments.iter().map(|file| file.artifact.mediatype.as_str()).collect();
    assert_eq!(event.report.mediatype, "text/markdown; charset=utf-8");
    assert_eq!(
        kinds,
        [
            "text/html; charset=utf-8",
            "application/vnd.murmuration.report.v1+json",
            "image/svg+xml",
            "text/csv; charset=utf-8",
            "text/csv; charset=utf-8"
        ]
    );
    let report: writer::Report = serde_json::from_str(&text(&store, &event.attachments[1].artifact).await).unwrap();
    let named: Vec<_> = report.files.iter().map(|file| (Some(&file.name), &file.sha256, file.bytes)).collect();
    let attached = event.attachments[2..].iter();
    let attached: Vec<_> =
        attached.map(|file| (file.name.as_ref(), &file.artifact.sha256, file.artifact.bytes)).collect();
    assert_eq!(named, attached);
    let names: Vec<&str> = event.attachments.iter().filter_map(|file| file.name.as_deref()).collect();
    assert_eq!(names, ["report.html", "report.json", "chart-1.svg", "numbers-plans.csv", "table-plans.csv"]);
}

#[tokio::test]
async fn the_same_analysis_gives_the_same_bytes() {
    let (first, _) = written(&pricing()).await.unwrap();
    let (second, _) = written(&pricing()).await.unwrap();
    assert_eq!(first, second);
}

#[tokio::test]
async fn the_summary_answers_first_and_cites() {
    let (event, store) = written(&pricing()).await.unwrap();
    let text = text(&store, &event.report).await;
    let summary = text.split("## Summary\n\n").nth(1).unwrap();
    assert!(summary.starts_with("Most small teams pay between 39 and 59 USD a month.\n\n- The median of 5 paid plans is 49.00 USD a month. [1]\n"), "{summary}");
    assert!(event.summary.starts_with("Most small teams pay"));
}

#[tokio::test]
async fn the_title_is_the_topic_and_a_section_says_what_it_answers() {
    let mut made = pricing();
    let topic = "competitive pricing for our new product";
    for question in made.analysed.findings.iter_mut().filter_map(|finding| finding.question.as_mut()) {
        *question = format!("{topic}: {}", question.to_lowercase());
    }
    made.analysed.questions = made.analysed.findings.iter().filter_map(|finding| finding.question.clone()).collect();
    made.analysed.gaps[0].question = format!("{topic}: what is free?");
    let (event, store) = written(&made).await.unwrap();
    let text = text(&store, &event.report).await;
    assert_eq!(event.title, "Competitive pricing for our new product");
    assert!(text.contains("\nThe goal: Research competitive pricing for our new product and create"), "{text}");
    assert!(text.contains("### How do prices move?\n") && !text.contains(&format!("### {topic}")), "{text}");
    assert!(text.contains("- Not answered: what is free? (no source names a price)\n"), "{text}");
}

#[tokio::test]
async fn a_statement_that_is_a_quote_is_not_quoted_again() {
    let mut made = pricing();
    let page = made.analysed.sources[1].id.clone();
    let words = "Support answers within one working day.";
    let passage = made.passage(&page, &["Heronpost pricing"], words);
    made.finding("", words, Confidence::Low, "One page.").supporting = vec![support(&passage, words)];
    let (event, store) = written(&made).await.unwrap();
    let text = text(&store, &event.report).await;
    assert_eq!(text.matches(words).count(), 2, "once as the statement, once in its reference: {text}");
}

#[tokio::test]
async fn rows_that_stand_in_a_place_of_another_table_as_well_are_looked_up_in_their_own() {
    let mut made = Made::of("Compare prices");
    let text: String = (0..90).map(|at| format!("plan-{at:02},{}\n", 10 + at)).collect();
    let rows: Vec<String> = text.lines().map(str::to_owned).collect();
    let source = made.source("plans.csv", "Plans", Some("2026-09"), &format!("plan,usd\n{text}"));
    let own = made.table(&source, "Plans");
    // The same lines once more, as one long passage of a table beside it: a larger place, and nobody's row.
    let whole = made.passage(&source, &[], rows.join("\n").as_str());
    let beside = made.table(&source, "Plans, as one");
    made.analysed.tables[1].passages = vec![whole; 90];
    // Two rows far apart: no place of their own has both.
    let high = made.metric(Statistic::Max, "highest price", 99.0, &own, &[0, 89]).id.clone();
    let low = made.metric(Statistic::Min, "lowest price", 10.0, &beside, &[0]).id.clone();
    made.finding("", "The highest price is $99.", Confidence::High, "Two rows.").metrics = vec![high];
    made.finding("", "The lowest price is $10.", Confidence::High, "One row.").metrics = vec![low];
    made.analysed.summary = "The highest price is $99.".into();
    written(&made).await.unwrap();
}

#[tokio::test]
async fn an_old_source_a_gap_and_a_missed_page_are_named() {
    let (event, store) = written(&pricing()).await.unwrap();
    let text = text(&store, &event.report).await;
    for line in [
        "- Not answered: What does EU data residency cost? (no source names a price)\n",
        "- Not read: https\\://moltbus.example/ (it did not answer within 10 s)\n",
        "- Old: “Thistlebroker pricing” is of 2024-03-18, more than a year before this report [",
        "- Note: No model was configured.\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[tokio::test]
async fn a_cited_source_that_names_no_day_is_undated_and_not_old() {
    let mut made = pricing();
    made.analysed.sources[1].date = None;
    let (event, store) = written(&made).await.unwrap();
    let text = text(&store, &event.report).await;
    let line = "- Undated: no day is named by “Heronpost pricing”: how old they are is unknown [";
    assert!(text.contains(line), "{text}");
    assert_eq!(text.matches("- Old: ").count(), 1, "{text}");
}

#[tokio::test]
async fn nothing_found_is_a_short_report_that_says_what_to_do() {
    let mut made = Made::of("What do lighthouses charge?");
    made.source("plans.csv", "Paid plans", None, "a,b\n");
    made.analysed.summary = "No evidence found for \"What do lighthouses charge?\".".into();
    made.analysed.questions = vec!["What is a lighthouse's price?".into()];
    made.analysed.missed.push(Missed { what: "scan.pdf".into(), why: "it is encrypted".into() });
    let (event, store) = written(&made).await.unwrap();
    let text = text(&store, &event.report).await;
    assert_eq!(event.summary, "No evidence was found for “What do lighthouses charge?”.");
    for part in [
        "## What was looked at\n\n- Paid plans (plans.csv)\n",
        "## What to do next\n",
        "Add sources that answer: What is a lighthouse's price?",
        "- Not read: scan.pdf (it is encrypted)",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("## Findings") && !text.contains("## References"));
}

#[tokio::test]
async fn without_any_source_the_report_says_so() {
    for goal in ["", "何が安いですか", "x"] {
        let (event, store) = written(&Made::of(goal)).await.unwrap();
        assert!(text(&store, &event.report).await.contains("No source at all"));
        assert!(event.summary.starts_with("No evidence was found"));
        assert!(!event.title.is_empty());
    }
}

#[tokio::test]
async fn a_small_analysis_is_written_from_the_event_alone_and_says_that_nothing_was_proved() {
    let store: std::sync::Arc<dyn contract::Artifacts> = std::sync::Arc::new(testkit::memory::MemoryArtifacts::new());
    let event = analyses::handled(AnalysisCompleted::example(), &store).await.unwrap();
    let text = text(&store, &event.report).await;
    assert!(text.contains("**1. The median price is $0.60 per million messages.**\n"), "{text}");
    assert!(text.contains("Nothing in this report could be held against a source"), "{text}");
}

#[tokio::test]
async fn thousands_of_findings_and_tables_stay_within_their_bounds_and_are_counted() {
    let mut made = Made::of(&"goal ".repeat(1_600));
    let rows: String = (0..400).map(|row| format!("c{row},p{row},{row}\n")).collect();
    let source = made.source("big.csv", "Big", Some("2026-10-01"), &format!("company,plan,monthly_usd\n{rows}"));
    let table = made.table(&source, "Big");
    for number in 0..3000 {
        made.metric(Statistic::Max, "a price", f64::from(number), &table, &[number as usize % 400]);
        let passage = made.analysed.tables[0].passages[number as usize % 400].clone();
        made.finding("Which?", &format!("Plan c{} is listed.", number % 400), Confidence::High, "r").supporting =
            vec![support(&passage, "")];
        made.analysed.notes.push("n".repeat(5_000));
        made.analysed.missed.push(Missed { what: "w".into(), why: "y".into() });
    }
    made.analysed.summary = "No number here. ".repeat(10_000);
    let (event, store) = written(&made).await.unwrap();
    let size = serde_json::to_vec(&event).unwrap().len();
    assert!(size < 16 * 1024, "the event has {size} bytes");
    let text = text(&store, &event.report).await;
    assert!(
        text.contains("- Left out: 2,950 further findings of less importance: the analysis has all of them\n"),
        "{}",
        &text[text.len() / 2..]
    );
    assert!(text.contains("- Left out: 2,960 further numbers of “Big”; its CSV file has them\n"));
    assert!(text.len() < 4 * 1024 * 1024);
}

#[tokio::test]
async fn a_source_that_was_changed_after_it_was_read_ends_the_step() {
    let store = std::sync::Arc::new(testkit::memory::MemoryArtifacts::new());
    let made = pricing();
    let analysed = made.stored(&*store).await;
    let details = contract::documents::put(&*store, &analysed).await.unwrap();
    assert!(store.corrupt(&analysed.sources[1].text.as_ref().unwrap().uri));
    let data =
        AnalysisCompleted { goal: analysed.goal, summary: analysed.summary, findings: vec![], details: Some(details) };
    let store: std::sync::Arc<dyn contract::Artifacts> = store;
    let failed = analyses::handled(data, &store).await.unwrap_err();
    assert!(matches!(failed, StepError::Permanent { .. }) && failed.to_string().contains("heronpost"), "{failed}");
}

#[tokio::test]
async fn an_analysis_that_invents_is_refused_with_the_list() {
    let mut made = pricing();
    made.analysed.findings[1].statement = "Flock costs $47 a month.".into();
    made.analysed.findings[3].supporting[0].quote = "Bloom is 36 a month".into();
    let failed = written(&made).await.unwrap_err().to_string();
    assert!(failed.contains("does not say \"Bloom is 36 a month\""), "{failed}");
    made.analysed.findings[3].supporting[0].quote = String::new();
    let failed = written(&made).await.unwrap_err().to_string();
    assert!(failed.contains("47 is in none of its numbers and quotes"), "{failed}");
    made = pricing();
    made.analysed.findings[3].supporting.clear();
    let failed = written(&made).await.unwrap_err().to_string();
    assert!(failed.contains("no passage and no number stands behind it"), "{failed}");
}

use contract::documents::Statistic;

//! Owns the proofs of what a model's answer is held against: ids, quotes, numbers.
//! Never asks a model: answers are written here.
//! Next: `prompted`.

use contract::documents::{Place, SourceId, Statistic, TableId};

use super::*;

fn analysed() -> Analysed {
    let passage = Passage {
        id: "p-1".into(),
        source: SourceId("s-1".into()),
        place: Place::new(0, 30),
        origin: Place::new(0, 30),
        headings: vec![],
        quote: "The Flock plan costs $49 a month.".into(),
        relevance: 0.5,
    };
    let metric = Metric {
        id: "median:plans.csv:price".into(),
        label: "median of price (USD), plans.csv".into(),
        statistic: Statistic::Median,
        table: TableId("t-1".into()),
        column: "price".into(),
        group: Default::default(),
        value: 1234.5,
        unit: Some("USD".into()),
        of: 19,
        evidence: vec!["p-1".into()],
    };
    Analysed {
        questions: vec!["How much?".into()],
        passages: vec![passage],
        metrics: vec![metric],
        ..Analysed::default()
    }
}

fn stated(statement: &str, quote: &str, metrics: &[&str]) -> Answer {
    let cited = Cited { passage: "p-1".into(), quote: quote.into() };
    let metrics = metrics.iter().map(|id| (*id).to_owned()).collect();
    let (confidence, reason) = (Confidence::Medium, "One source.".to_owned());
    let question = Some("How much?".into());
    let statement = statement.to_owned();
    Answer {
        findings: vec![Stated {
            question,
            statement,
            confidence,
            reason,
            supporting: vec![cited],
            contradicting: vec![],
            metrics,
        }],
    }
}

#[test]
fn an_exact_quote_and_a_known_number_have_no_fault() {
    let faults = |answer: Answer| faults(&answer, &analysed());
    assert_eq!(faults(stated("Flock costs $49.", "Flock plan costs $49", &[])), Vec::<String>::new());
    assert_eq!(
        faults(stated("The median is $1,234.50 of 19.", "Flock plan", &["median:plans.csv:price"])),
        Vec::<String>::new()
    );
}

#[test]
fn a_number_that_nobody_said_a_changed_quote_and_an_unknown_id_are_faults() {
    let faults = |answer: Answer| faults(&answer, &analysed());
    for (answer, word) in [
        (stated("Flock costs $48.", "Flock plan costs $49", &[]), "48"),
        (stated("The median is $1,234.50.", "Flock plan", &[]), "1,234.50"),
        // The writer's checker reads these digits, so they are read here.
        (stated("Flock costs ٤٨ dollars.", "Flock plan costs $49", &[]), "48"),
        (stated("Flock costs $49.", "Flock plan costs $ 49", &[]), "character by character"),
        (stated("Flock is dear.", "Flock plan", &["median:other"]), "no metric"),
        (stated("Flock is dear.", "  F ", &[]), "too short"),
        (stated(" ", "Flock plan", &[]), "statement"),
    ] {
        let found = faults(answer);
        assert!(found.len() == 1 && found[0].contains(word), "{word}: {found:?}");
    }
    let mut unknown = stated("Flock is dear.", "Flock plan", &[]);
    unknown.findings[0].supporting[0].passage = "p-9".into();
    assert!(faults(unknown)[0].contains("no passage"));
    let mut bare = stated("Flock is dear.", "Flock plan", &[]);
    bare.findings[0].supporting.clear();
    assert!(faults(bare)[0].contains("nothing supports"));
}

#[test]
fn a_sentence_that_was_only_chosen_gives_way_and_a_computed_one_stays() {
    let mut before = analysed();
    let found = |question: Option<&str>, metrics: Vec<MetricId>| DetailedFinding {
        id: "f-1".into(),
        question: question.map(str::to_owned),
        statement: "before".into(),
        confidence: Confidence::Low,
        reason: String::new(),
        supporting: vec![],
        contradicting: vec![],
        metrics,
    };
    before.findings =
        vec![found(Some("How much?"), vec![]), found(Some("How much?"), vec!["median:plans.csv:price".into()])];
    let after = merged(before, stated("Flock costs $49.", "Flock plan costs $49", &[]));
    let statements: Vec<&str> = after.findings.iter().map(|finding| finding.statement.as_str()).collect();
    assert_eq!(statements, ["Flock costs $49.", "before"]);
    assert_eq!(after.findings[1].id, "f-2");
    assert!(after.summary.contains("Flock costs $49."), "{}", after.summary);
}

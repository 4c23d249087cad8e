//! Owns the proof over the sample sources: the numbers of its README, recomputed here, and what was planted in it.
//! Never the real reader: `evidence` makes passages and tables of the files as plainly as possible.
//! Next: the whole choreography runs over the same files in `tests`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod evidence;

use contract::documents::{Analysed, MetricId};
use evidence::{Gathering, Outcome, analysed, sample};

const GOAL: &str = "Research competitive pricing for our new product and create a summary report";

const HERONPOST: &str = "Plan,Price per month,Included messages,Additional million,Seats\nNest,$19,5 million,$0.80,3\n\
                         Flock,$49,25 million,$0.65,10\nColony,$149,120 million,$0.50,30\n";
const THISTLEBROKER: &str = "Plan,Monthly,Messages,Per extra million,Users\nSprout,10 USD,2M,1.25 USD,2\n\
                             Bloom,35 USD,20M,1.05 USD,8\nHedge,149 USD,120M,0.80 USD,30\n";

fn gathered() -> Vec<Gathering> {
    let prose = |gathering: Gathering, path: &str, date: &str| gathering.prose(path, path, Some(date), &sample(path));
    let prices = Gathering::of("What do competitors charge for a monthly plan?")
        .table("plans.csv", "plans", None, &sample("plans.csv"))
        .table("pages/heronpost-pricing.html", "Pricing | Heronpost message queues", Some("2026-09-01"), HERONPOST)
        .table("pages/thistlebroker-pricing.html", "Thistlebroker | Pricing", Some("2024-03-18"), THISTLEBROKER);
    let prices = prose(prices, "notes/interview-2026-10-08-bramble-studio.md", "2026-10-08");
    let prices = prose(prices, "notes/analyst-memo-2026-09.md", "2026-09-28");
    let moves = Gathering::of("How did prices change over time?").table(
        "price-history.csv",
        "price history",
        None,
        &sample("price-history.csv"),
    );
    let pay = Gathering::of("What are customers willing to pay, and what annoys them?")
        .table("churn-survey.csv", "churn survey", None, &sample("churn-survey.csv"))
        .prose("notes/analyst-memo-2026-09.md", "memo", Some("2026-09-28"), &sample("notes/analyst-memo-2026-09.md"));
    let pay = prose(pay, "notes/pricing-review-2026-10.md", "2026-10-23");
    let pay = prose(pay, "notes/sales-call-2026-10-02-juniper-ledger.md", "2026-10-02");
    let pay = prose(pay, "forum-posts.jsonl", "2026-10-04");
    let limits = Gathering::of("Which limits do the plans have?").table(
        "limits.tsv",
        "limits",
        None,
        &sample("limits.tsv").replace('\t', ","),
    );
    vec![prices, moves, pay, limits, Gathering::of("What does yearly billing cost at Kettlewire?")]
}

async fn outcome() -> Outcome {
    analysed(GOAL, gathered()).await
}

fn value(analysed: &Analysed, id: &str) -> f64 {
    let found = analysed.metric(&MetricId(id.into()));
    found
        .unwrap_or_else(|| panic!("{id} among {:#?}", analysed.metrics.iter().map(|one| &one.id.0).collect::<Vec<_>>()))
        .value
}

/// Cells of a column where another one says so; independent of the code under test.
fn column(path: &str, name: &str, only: Option<(&str, &str)>) -> Vec<f64> {
    let text = sample(path);
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let at = |name: &str| names.iter().position(|other| *other == name).unwrap();
    let rows = lines.map(|line| line.split(',').collect::<Vec<_>>());
    let wanted = rows.filter(|row| only.is_none_or(|(name, value)| row[at(name)] == value));
    let mut numbers: Vec<f64> = wanted.filter_map(|row| row[at(name)].parse().ok()).collect();
    numbers.sort_by(f64::total_cmp);
    numbers
}

fn middle(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { (sorted[half - 1] + sorted[half]) / 2.0 }
}

#[tokio::test]
async fn the_numbers_of_the_sample_are_the_true_ones() {
    let Outcome { analysed, .. } = outcome().await;
    for (path, name) in [
        ("plans.csv", "monthly_price_usd"),
        ("plans.csv", "overage_per_million_usd"),
        ("churn-survey.csv", "willingness_to_pay_usd"),
    ] {
        let numbers = column(path, name, None);
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        let own = |statistic: &str| value(&analysed, &format!("{statistic}:{path}:{name}"));
        assert_eq!(own("count"), numbers.len() as f64);
        assert_eq!((own("min"), own("max")), (numbers[0], numbers[numbers.len() - 1]));
        assert!((own("median") - middle(&numbers)).abs() < 1e-9 && (own("mean") - mean).abs() < 1e-9);
    }
    for (segment, median) in [("startup", 37.0), ("agency", 47.0), ("internal-tools", 62.0), ("regulated", 97.0)] {
        let id = format!("median:churn-survey.csv:willingness_to_pay_usd:segment={segment}");
        assert_eq!(value(&analysed, &id), median);
        assert_eq!(middle(&column("churn-survey.csv", "willingness_to_pay_usd", Some(("segment", segment)))), median);
    }
    assert_eq!(value(&analysed, "median:plans.csv:monthly_price_usd"), 59.0);
    assert_eq!(value(&analysed, "outlier:plans.csv:monthly_price_usd:company=Moltbus,plan=Fleet"), 4900.0);
    assert_eq!(value(&analysed, "median:plans.csv:monthly_price_usd:without=outliers"), 54.0);
    let last = column("price-history.csv", "monthly_price_usd", Some(("date", "2026-10-01")));
    assert_eq!(value(&analysed, "median:price-history.csv:monthly_price_usd:date=2026-10-01"), middle(&last));
    assert_eq!(value(&analysed, "trend:price-history.csv:monthly_price_usd"), 0.08);
    assert!((value(&analysed, "trend:price-history.csv:overage_per_million_usd") + 0.25 / 0.925).abs() < 1e-9);
    let quillgate = value(&analysed, "trend:price-history.csv:overage_per_million_usd:company=Quillgate");
    assert!((quillgate - 0.10 / 0.65).abs() < 1e-9);
}

#[tokio::test]
async fn findings_say_the_numbers_as_a_person_writes_them() {
    let Outcome { analysed, .. } = outcome().await;
    let all: Vec<&str> = analysed.findings.iter().map(|finding| finding.statement.as_str()).collect();
    for wanted in [
        "the median is $59 over 19 rows, from $9 (Pebblerelay Solo) to $4,900 (Moltbus Fleet). Without Moltbus Fleet, which lies far outside, the median is $54.",
        "$97 for regulated, $62 for internal-tools, $47 for agency, $37 for startup",
        "rose from $50 to $54 (+8 %)",
        "fell from $0.925 to $0.675 (−27 %)",
        "the exception is Quillgate (+15.4 %)",
    ] {
        assert!(all.iter().any(|statement| statement.contains(wanted)), "{wanted}: {all:#?}");
    }
    let level = analysed.findings.iter().find(|finding| finding.statement.contains("plans.csv")).unwrap();
    assert!(level.reason.contains("19 of 20 rows"), "{}", level.reason);
    assert!(analysed.charts.iter().any(|chart| chart.bars.len() == 4 && chart.bars[0].0 == "regulated"));
    assert!(analysed.charts.iter().any(|chart| chart.bars.len() == 6));
}

#[tokio::test]
async fn each_number_stands_under_the_question_that_it_answers() {
    let Outcome { analysed, .. } = outcome().await;
    let question = |words: &str| {
        let found = analysed.findings.iter().find(|finding| finding.statement.contains(words));
        found.unwrap_or_else(|| panic!("{words}: {:#?}", analysed.findings)).question.clone().unwrap_or_default()
    };
    assert_eq!(question("Monthly price (plans.csv)"), "What do competitors charge for a monthly plan?");
    assert_eq!(question("monthly price (price-history.csv) rose"), "How did prices change over time?");
    assert_eq!(
        question("Willingness to pay (churn-survey.csv)"),
        "What are customers willing to pay, and what annoys them?"
    );
    let statements: Vec<&str> = analysed.findings.iter().map(|finding| finding.statement.as_str()).collect();
    assert!(statements.iter().all(|statement| !statement.contains("Developers")), "nobody asked: {statements:#?}");
    assert!(statements.iter().all(|statement| !statement.contains("R30")), "a number of a respondent: {statements:#?}");
    let places: Vec<usize> = analysed
        .findings
        .iter()
        .filter_map(|finding| analysed.questions.iter().position(|asked| Some(asked) == finding.question.as_ref()))
        .collect();
    assert!(places.is_sorted(), "{places:?}");
    assert!(analysed.summary.contains("of 5 questions:") && analysed.summary.contains("Sources disagree about"));
    assert!(analysed.summary.contains("Left open: "), "{}", analysed.summary);
}

#[tokio::test]
async fn the_planted_conflict_is_shown_with_both_sides_and_their_dates() {
    let Outcome { analysed, .. } = outcome().await;
    let about = |name: &str| {
        analysed.conflicts.iter().filter(move |conflict| conflict.about.contains(name)).collect::<Vec<_>>()
    };
    let flock = about("Flock");
    assert_eq!(flock.len(), 1, "{:#?}", analysed.conflicts);
    let says: Vec<&str> = flock[0].sides.iter().map(|side| side.says.as_str()).collect();
    assert!(says[0].starts_with("$49 per month") && says[1].starts_with("$59 per month"), "{says:?}");
    assert!(says[1].contains("2026-10-08") && flock[0].sides[1].support.quote.contains("59 dollars"));
    assert!(flock[0].leaning.as_ref().unwrap().starts_with("$49"), "{:?}", flock[0].leaning);
    let stale = about("Bloom");
    assert!(
        stale.iter().any(|conflict| conflict.leaning.as_ref().is_some_and(|leaning| leaning.starts_with("$45"))),
        "{stale:#?}"
    );
    let strays: Vec<_> = analysed
        .conflicts
        .iter()
        .filter(|conflict| !["Flock", "Bloom", "Sprout", "Hedge"].iter().any(|name| conflict.about.contains(name)))
        .collect();
    assert!(strays.is_empty(), "{strays:#?}");
    assert!(analysed.findings.iter().any(|finding| !finding.contradicting.is_empty()));
}

#[tokio::test]
async fn what_nobody_tells_what_is_old_and_what_is_copied_is_named() {
    let Outcome { analysed, event, .. } = outcome().await;
    let gaps: Vec<&str> = analysed.gaps.iter().map(|gap| gap.question.as_str()).collect();
    assert!(gaps.contains(&"What does yearly billing cost at Kettlewire?"), "{gaps:?}");
    assert!(gaps.iter().any(|gap| gap.contains("EU") && gap.contains("residency")), "{:#?}", analysed.gaps);
    assert!(
        analysed.notes.iter().any(|note| note.contains("thistlebroker-pricing.html is of 2024-03-18")),
        "{:?}",
        analysed.notes
    );
    let vendors =
        analysed.findings.iter().filter(|finding| finding.statement.contains("Vendors raise what a plan costs"));
    for finding in vendors {
        assert_eq!(finding.supporting.len(), 1, "the same words in two files are one voice");
    }
    assert!(serde_json::to_vec(&event).unwrap().len() < 40 * 1024);
    assert!(event.summary.contains("$"), "{}", event.summary);
}

#[tokio::test]
async fn the_same_evidence_gives_the_same_bytes() {
    assert_eq!(outcome().await.bytes, outcome().await.bytes);
}

/// `cargo test -p analysis --test sample -- shown --nocapture` shows what a reader would get.
#[tokio::test]
async fn what_is_found_can_be_shown() {
    let Outcome { analysed, .. } = outcome().await;
    println!("{}\n", analysed.summary);
    for finding in &analysed.findings {
        println!(
            "{} [{:?}] {}\n    {}\n    ? {:?}",
            finding.id, finding.confidence, finding.statement, finding.reason, finding.question
        );
        for support in &finding.supporting {
            println!("    + {}", support.quote.replace('\n', " "));
        }
        for support in &finding.contradicting {
            println!("    - {}", support.quote.replace('\n', " "));
        }
    }
    println!("{:#?}\n{:#?}\n{:#?}", analysed.conflicts, analysed.gaps, analysed.notes);
    for metric in &analysed.metrics {
        println!("{} = {} ({})", metric.id, metric.value, metric.label);
    }
    for chart in &analysed.charts {
        println!("{}: {:?}", chart.title, chart.bars);
    }
    assert!(!analysed.findings.is_empty());
}

//! Owns what becomes of tables that are not as they should be: empty, ragged, even, single, huge.
//! Never the sample: `sample` has that.
//! Next: `sample`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod evidence;

use contract::documents::{MetricId, Statistic};
use evidence::{Gathering, analysed};

const GOAL: &str = "Compare the monthly price of hosting";

fn table(text: &str) -> Vec<Gathering> {
    vec![Gathering::of("What is the monthly price?").table("hosts.csv", "hosts", Some("2026-05-01"), text)]
}

#[tokio::test]
async fn nothing_found_is_said_and_nothing_is_invented() {
    for gathered in [vec![], vec![Gathering::of("What is the monthly price?")]] {
        let outcome = analysed(GOAL, gathered).await;
        assert_eq!(outcome.analysed.summary, format!("No evidence found for {GOAL:?}."));
        assert!(
            outcome.analysed.findings.is_empty()
                && outcome.analysed.metrics.is_empty()
                && !outcome.analysed.gaps.is_empty()
        );
        assert!(outcome.event.findings.is_empty());
    }
}

#[tokio::test]
async fn one_row_is_one_value_and_of_little_weight() {
    let outcome = analysed(GOAL, table("host,monthly_price_usd\nFern,12\n")).await;
    let metric = outcome.analysed.metric(&MetricId("median:hosts.csv:monthly_price_usd".into())).unwrap();
    assert_eq!((metric.value, metric.of), (12.0, 1));
    assert!(
        outcome.analysed.metrics.iter().all(|metric| !matches!(metric.statistic, Statistic::Mean | Statistic::Max))
    );
    assert_eq!(outcome.analysed.findings[0].confidence, contract::events::Confidence::Low);
    assert!(outcome.analysed.charts.is_empty());
}

#[tokio::test]
async fn where_all_are_equal_there_is_no_outlier_no_difference_and_no_chart() {
    let rows: String = (0..12).map(|at| format!("h{at},{},20\n", ["a", "b", "c"][at % 3])).collect();
    let outcome = analysed(GOAL, table(&format!("host,kind,monthly_price_usd\n{rows}"))).await;
    let metrics = &outcome.analysed.metrics;
    assert!(metrics.iter().all(|metric| metric.statistic != Statistic::Outlier));
    assert!(
        metrics.iter().filter(|metric| metric.statistic == Statistic::Difference).all(|metric| metric.value == 0.0)
    );
    assert!(outcome.analysed.charts.is_empty());
    assert!(
        outcome.analysed.findings[0].statement.contains("is $20 in all 12 rows"),
        "{}",
        outcome.analysed.findings[0].statement
    );
}

#[tokio::test]
async fn ragged_rows_and_blank_cells_are_counted_out_and_told() {
    let outcome =
        analysed(GOAL, table("host,monthly_price_usd,region\nFern,12,EU\nMoss,\nLichen,30,EU,extra\nHeath,18,US\n"))
            .await;
    let count = outcome.analysed.metric(&MetricId("count:hosts.csv:monthly_price_usd".into())).unwrap();
    assert_eq!(count.value, 3.0);
    assert!(
        outcome.analysed.notes.iter().any(|note| note.contains("2 rows have too few or too many cells")),
        "{:?}",
        outcome.analysed.notes
    );
    assert!(outcome.analysed.findings[0].reason.contains("3 of 4 rows"));
}

#[tokio::test]
async fn a_huge_table_gives_few_numbers_and_a_bounded_artifact() {
    let rows: String = (0..6000).map(|at| format!("h{at},{},{}\n", ["a", "b", "c"][at % 3], 10 + at % 97)).collect();
    let outcome = analysed(GOAL, table(&format!("host,kind,monthly_price_usd\n{rows}"))).await;
    let count = outcome.analysed.metric(&MetricId("count:hosts.csv:monthly_price_usd".into())).unwrap();
    assert_eq!((count.value, count.of), (6000.0, 6000));
    assert!(count.evidence.len() <= 24 && outcome.analysed.tables[0].rows.len() == 2000);
    assert!(outcome.analysed.notes.iter().any(|note| note.contains("of all 6000 rows")));
    assert!(serde_json::to_vec(&outcome.event).unwrap().len() < 40 * 1024);
}

#[tokio::test]
async fn tables_and_words_of_other_scripts_are_computed_and_quoted() {
    let gathered = Gathering::of("月额价格是多少？")
        .table("价格.csv", "价格", None, "公司,月额价格\n甲,10\n乙,20\n丙,60\n")
        .prose(
            "заметки.md",
            "Заметки",
            None,
            "Цена месячного плана выросла на десять процентов за год.\n\n月额价格去年上涨了百分之十，客户并不满意。",
        );
    let outcome = analysed("比较月额价格", vec![gathered]).await;
    assert_eq!(outcome.analysed.metric(&MetricId("median:价格.csv:月额价格".into())).unwrap().value, 20.0);
    assert!(!outcome.analysed.findings.is_empty());
}

#[tokio::test]
async fn numbers_that_only_count_rows_are_not_analysed() {
    let outcome =
        analysed(GOAL, table("id,year,host,monthly_price_usd\n1,2020,a,5\n2,2020,b,7\n3,2021,c,9\n4,2021,d,11\n"))
            .await;
    assert!(outcome.analysed.metrics.iter().all(|metric| metric.column == "monthly_price_usd"));
}

#[tokio::test]
async fn numbers_of_different_units_are_read_out_and_never_averaged() {
    let text = "cost,amount_usd,unit\nPlatform share,6.40,tenant and month\nDelivery,0.18,million messages\nEU region,11.00,tenant and month\n";
    let gathered =
        Gathering::of("What do our own costs ask?").table("costs.csv", "Our costs", Some("2026-05-01"), text);
    let found = analysed("Set a price", vec![gathered]).await.analysed;
    assert!(found.metrics.is_empty(), "{:#?}", found.metrics);
    assert_eq!(
        found.findings[0].statement,
        "Amount (costs.csv): Platform share $6.40 per tenant and month; Delivery $0.18 per million messages; \
         EU region $11 per tenant and month."
    );
    assert_eq!(found.findings[0].supporting.len(), 3);
}

#[tokio::test]
async fn a_table_that_repeats_a_larger_one_is_not_computed_again() {
    let all = "company,plan,monthly_price_usd\nA,Small,10\nA,Large,30\nB,Small,12\nB,Large,44\nC,Small,9\n";
    let part = "plan,price_per_month_usd\nSmall,10\nLarge,30\n";
    let gathered = Gathering::of("What is the monthly price?").table("all.csv", "all", None, all).table(
        "a.html",
        "prices of A",
        None,
        part,
    );
    let found = analysed(GOAL, vec![gathered]).await.analysed;
    assert!(found.metrics.iter().all(|metric| metric.id.0.contains(":all.csv:")), "{:#?}", found.metrics);
    assert!(!found.metrics.is_empty());
}

const PLANS: &str = "company,plan,monthly_price_usd,overage_per_million_usd\nHeronpost,Nest,19,0.80\nHeronpost,Flock,49,0.65\n\
                     Pebblerelay,Solo,9,1.20\nThistlebroker,Sprout,12,0.90\nMoltbus,Fleet,4900,0.20\n";

#[tokio::test]
async fn who_is_cheapest_is_the_least_of_the_prices_with_its_name() {
    for (goal, answer) in [
        (
            "Which vendor is cheapest?",
            "The lowest monthly price (plans.csv) is $9: Pebblerelay. Next is Thistlebroker at $12.",
        ),
        (
            "Which vendor is the most expensive?",
            "The highest monthly price (plans.csv) is $4,900: Moltbus. Next is Heronpost Flock at $49.",
        ),
    ] {
        let topic = goal.trim_end_matches('?');
        let question = format!("{topic}: what do competitors charge, by plan and month?");
        let gathered = Gathering::of(&question).table("plans.csv", "plans", Some("2026-05-01"), PLANS);
        let found = analysed(goal, vec![gathered]).await.analysed;
        let first = &found.findings[0];
        assert_eq!(
            (first.statement.as_str(), first.question.as_ref()),
            (answer, Some(&question)),
            "{:#?}",
            found.findings
        );
        assert!(first.supporting.iter().any(|support| answer.contains(support.quote.split(',').next().unwrap())));
        assert!(found.summary.contains(answer), "{}", found.summary);
    }
    let asked = Gathering::of("What is the monthly price?").table("plans.csv", "plans", Some("2026-05-01"), PLANS);
    let found = analysed(GOAL, vec![asked]).await.analysed;
    assert!(found.findings.iter().all(|finding| !finding.statement.starts_with("The lowest")), "nobody asked for it");
}

#[tokio::test]
async fn two_numbers_are_said_and_have_no_median() {
    let outcome = analysed(GOAL, table("host,monthly_price_usd\nFern,12\nMoss,30\n")).await;
    let found = &outcome.analysed.findings[0];
    assert_eq!(found.statement, "Monthly price (hosts.csv) is $12 (Fern) and $30 (Moss), in two rows.");
    assert!(found.reason.starts_with("Read from both rows of hosts.csv"), "{}", found.reason);
    let is_middle = |statistic| matches!(statistic, Statistic::Median | Statistic::Mean);
    let of_all = |metric: &&contract::documents::Metric| metric.group.is_empty();
    assert!(outcome.analysed.metrics.iter().filter(of_all).all(|metric| !is_middle(metric.statistic)));
    let lone = analysed(GOAL, table("host,monthly_price_usd\nFern,12\n")).await.analysed;
    assert!(lone.metrics.iter().all(|metric| !metric.label.contains("median")), "{:#?}", lone.metrics);
    assert!(lone.findings[0].reason.starts_with("Read from the only row"), "{}", lone.findings[0].reason);
}

#[tokio::test]
async fn a_group_of_two_rows_has_no_median_and_larger_ones_do() {
    let rows = "a1,a,10\na2,a,11\na3,a,12\nb1,b,20\nb2,b,21\nb3,b,22\nc1,c,90\nc2,c,95\n";
    let found = analysed(GOAL, table(&format!("host,kind,monthly_price_usd\n{rows}"))).await.analysed;
    let of = |kind: &str| found.metric(&MetricId(format!("median:hosts.csv:monthly_price_usd:kind={kind}"))).is_some();
    assert_eq!((of("a"), of("b"), of("c")), (true, true, false));
}

#[tokio::test]
async fn a_columns_abbreviation_is_written_as_people_write_it() {
    let rows = "company,eu_region\nHeronpost,yes\nPebblerelay,no\nQuillgate,yes\n";
    let gathered = Gathering::of("Which company has an EU region?").table("limits.csv", "limits", None, rows);
    let found = analysed("Compare EU regions", vec![gathered]).await.analysed;
    assert!(
        found.findings.iter().any(|one| one.statement.starts_with("EU region (limits.csv): Heronpost yes;")),
        "{:#?}",
        found.findings
    );
}

#[tokio::test]
async fn a_word_of_the_topic_that_no_source_has_is_a_note_and_one_that_a_page_has_is_none() {
    let mut nothing = Gathering::of("Prices of espresso machines?");
    nothing.0.unknown = vec!["espresso".into(), "machines".into()];
    let found = analysed("Research prices of espresso machines", vec![nothing]).await.analysed;
    assert!(found.summary.starts_with("No evidence found for"));
    assert_eq!(found.notes, ["No source mentions “espresso”.", "No source mentions “machines”."]);
    let mut some = Gathering::of("Prices of espresso machines?").prose(
        "page.md",
        "A page",
        Some("2026-05-01"),
        "An espresso of this bar costs 3 USD a cup.",
    );
    some.0.unknown = vec!["espresso".into(), "machines".into()];
    let found = analysed("Research prices of espresso machines", vec![some]).await.analysed;
    assert_eq!(found.notes, ["No source mentions “machines”."]);
}

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

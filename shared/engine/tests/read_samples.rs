//! Owns the proof that the sample sources are read as they are: words, places, tables, days, and nothing hidden.
//! Never a second opinion about the figures: those are the ones of `compose/samples/README.md`.
//! Next: research finds these passages, analysis computes on these tables.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};

use contract::documents::{ColumnKind, Table, Typed};
use engine::corpus::{Raw, Reading, read};

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compose/samples/pricing")
}

fn sample(address: &str) -> (Vec<u8>, Reading) {
    let bytes = std::fs::read(samples().join(address)).unwrap();
    let reading = read(Raw { collection: "default", address, mediatype: None, bytes: &bytes }).unwrap();
    (bytes, reading)
}

fn numbers(table: &Table, column: &str) -> Vec<Option<f64>> {
    let at = table.columns.iter().position(|known| known.name == column).unwrap_or_else(|| panic!("no {column}"));
    table.rows.iter().map(|row| row[at].value.as_ref().and_then(Typed::number)).collect()
}

fn texts(table: &Table, column: usize) -> Vec<&str> {
    table.rows.iter().map(|row| row[column].text.as_str()).collect()
}

fn median(values: &[Option<f64>]) -> f64 {
    let mut values: Vec<f64> = values.iter().copied().flatten().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
}

fn all() -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["", "notes/", "pages/"] {
        for entry in std::fs::read_dir(samples().join(folder)).unwrap() {
            let entry = entry.unwrap();
            if entry.path().is_file() {
                found.push(format!("{folder}{}", entry.file_name().to_str().unwrap()));
            }
        }
    }
    assert!(found.len() >= 18, "{found:?}");
    found
}

#[test]
fn every_quote_of_every_sample_stands_in_its_text_and_its_origin_holds_its_words() {
    for address in all() {
        let (bytes, reading) = sample(&address);
        assert!(!reading.passages.is_empty(), "{address}");
        for passage in &reading.passages {
            assert!(passage.stands_in(&reading.text), "{address}: {:?}", passage.place);
            let raw = &bytes[passage.origin.start as usize..passage.origin.end as usize];
            let raw = std::str::from_utf8(raw).unwrap();
            for word in passage.quote.split_whitespace().filter(|word| word.chars().all(char::is_alphabetic)) {
                assert!(raw.contains(word), "{address}: {word:?} is not in {raw:?}");
            }
        }
    }
}

#[test]
fn every_row_of_every_table_stands_in_the_passage_that_it_names() {
    for address in all() {
        let (_, reading) = sample(&address);
        for table in &reading.tables {
            assert_eq!(table.passages.len(), table.rows.len(), "{address}");
            for (row, id) in table.rows.iter().zip(&table.passages) {
                let passage = reading.passages.iter().find(|passage| passage.id == *id).unwrap();
                for cell in row {
                    assert!(
                        passage.quote.contains(&cell.text) || address.ends_with("jsonl"),
                        "{address}: {:?}",
                        cell.text
                    );
                }
            }
        }
    }
}

#[test]
fn what_a_page_hides_is_no_evidence_of_it() {
    let (_, reading) = sample("pages/moltbus-pricing.html");
    assert!(!reading.text.contains("SYSTEM NOTICE"), "hidden by style");
    assert!(!reading.text.contains("We usually answer"), "a chat window");
    let (_, reading) = sample("pages/thistlebroker-pricing.html");
    assert!(!reading.text.contains("improve your experience"), "hidden by attribute");
    assert!(!reading.text.contains("We are hiring"), "related posts");
}

#[test]
fn menus_banners_and_footers_are_left_out_and_the_content_is_not() {
    let pages = [
        ("heronpost", vec!["cookies", "Log in", "Imprint", "nobody noticed"], "hard cap is available on Colony only"),
        ("kettlewire", vec!["14 partners", "Customers |", "Careers", "Read the post"], "512 KB. Above that"),
        ("quillgate", vec!["Call me back", "popup"], "the fee is quoted individually"),
        ("pebblerelay", vec!["Say hello"], "We answer within two working days"),
    ];
    for (name, chaff, content) in pages {
        let file = all().into_iter().find(|file| file.contains(&format!("pages/{name}"))).unwrap();
        let (_, reading) = sample(&file);
        for words in chaff {
            assert!(!reading.text.contains(words), "{file} has {words:?}");
        }
        assert!(reading.passages.iter().any(|passage| passage.quote.contains(content)), "{file} lost {content:?}");
    }
}

#[test]
fn titles_and_days_are_what_the_sources_say() {
    let said = [
        ("pages/heronpost-pricing.html", "Pricing | Heronpost message queues", "2026-09-14"),
        ("pages/kettlewire-plans.html", "Plans & pricing – Kettlewire", "2026-07-15"),
        ("pages/moltbus-pricing.html", "Moltbus Pricing: from one queue to a fleet", "2026-08-01"),
        ("pages/pebblerelay-pricing.html", "Pebblerelay: what it costs", "2026-10-01"),
        ("pages/quillgate-price-list.html", "Quillgate MQ - Price list, June 2026", "2026-06-01"),
        ("pages/thistlebroker-pricing.html", "Thistlebroker | Pricing", "2024-03-18"),
        ("our-product.md", "Starling Queue, product note for pricing", "2026-10-05"),
        ("notes/analyst-memo-2026-09.md", "Memo: hosted brokers for small teams", "2026-09-28"),
        ("notes/sales-call-2026-10-21-otter-freight.md", "Sales call: Otter & Freight Apps", "2026-10-21"),
    ];
    for (address, title, day) in said {
        let source = sample(address).1.source;
        assert_eq!((source.title.as_str(), source.date.as_deref()), (title, Some(day)), "{address}");
    }
}

#[test]
fn the_figures_of_the_tables_are_the_true_ones() {
    let (_, plans) = sample("plans.csv");
    let prices = numbers(&plans.tables[0], "monthly_price_usd");
    assert_eq!(prices.iter().flatten().count(), 19, "the blank cell is unknown, not zero");
    assert_eq!(median(&prices), 59.0);
    assert!((prices.iter().flatten().sum::<f64>() / 19.0 - 340.68).abs() < 0.01);
    assert_eq!(median(&numbers(&plans.tables[0], "overage_per_million_usd")), 0.625);
    let kind = &plans.tables[0].columns[2].kind;
    assert_eq!(*kind, ColumnKind::Money { currency: Some("USD".to_owned()) });
    let (_, survey) = sample("churn-survey.csv");
    let paid = numbers(&survey.tables[0], "willingness_to_pay_usd");
    assert_eq!((paid.len(), median(&paid)), (40, 57.0));
    assert_eq!(survey.tables[0].columns[5].kind, ColumnKind::Truth);
    assert_eq!(survey.tables[0].columns[7].kind, ColumnKind::Date);
}

#[test]
fn six_pages_built_six_ways_give_the_prices_of_the_table_of_plans() {
    let pages = [
        ("heronpost-pricing", "Price per month", vec![("Nest", 19.0), ("Flock", 49.0), ("Colony", 149.0)]),
        ("kettlewire-plans", "Price per month (USD)", vec![("Simmer", 29.0), ("Boil", 79.0), ("Whistle", 249.0)]),
        (
            "moltbus-pricing",
            "Price / Month",
            vec![("Starter", 15.0), ("Team", 59.0), ("Business", 199.0), ("Fleet", 4900.0)],
        ),
        ("pebblerelay-pricing", "A month", vec![("Solo", 9.0), ("Team", 39.0), ("Scale", 129.0)]),
        ("quillgate-price-list", "Monthly fee", vec![("Draft", 25.0), ("Folio", 69.0), ("Codex", 219.0)]),
        ("thistlebroker-pricing", "Monthly", vec![("Sprout", 10.0), ("Bloom", 35.0), ("Hedge", 149.0)]),
    ];
    for (page, column, wanted) in pages {
        let (_, reading) = sample(&format!("pages/{page}.html"));
        assert_eq!(reading.tables.len(), 1, "{page}");
        let table = &reading.tables[0];
        let found: Vec<(&str, Option<f64>)> = texts(table, 0).into_iter().zip(numbers(table, column)).collect();
        for (plan, price) in wanted {
            assert!(found.contains(&(plan, Some(price))), "{page}: {found:?}");
        }
        assert!(table.ragged.is_empty(), "{page}");
    }
}

#[test]
fn messages_are_counted_alike_however_they_are_written() {
    for (page, column, wanted) in [
        ("heronpost-pricing", "Included messages", 25e6),
        ("kettlewire-plans", "Included messages", 40e6),
        ("moltbus-pricing", "Volume / Included messages", 30e6),
        ("pebblerelay-pricing", "Messages in it", 20e6),
        ("quillgate-price-list", "Messages included", 30e6),
        ("thistlebroker-pricing", "Messages", 20e6),
    ] {
        let (_, reading) = sample(&format!("pages/{page}.html"));
        assert!(numbers(&reading.tables[0], column).contains(&Some(wanted)), "{page}");
    }
}

#[test]
fn a_table_in_markdown_has_its_lines_as_its_quote() {
    let (bytes, reading) = sample("notes/analyst-memo-2026-09.md");
    let table = &reading.tables[0];
    assert_eq!(texts(table, 0).len(), 6);
    assert_eq!(median(&numbers(table, "USD per month")), 54.0);
    assert_eq!(numbers(table, "Included messages")[0], Some(25e6));
    let passage = reading.passages.iter().find(|passage| passage.id == table.passages[0]).unwrap();
    assert!(passage.quote.contains("| Heronpost | Flock | 49 | 25 million | 1.96 |"));
    assert_eq!(passage.place, passage.origin);
    assert!(std::str::from_utf8(&bytes).unwrap().contains(&passage.quote));
}

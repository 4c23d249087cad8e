//! Owns the truth of `docs/delivery.md`: each case of a delivery once, each with tests that exist or a named owner.
//! Never judges what a test proves, only that it is there and is a test.
//! Next: `tokens` finds the tests.

use std::collections::BTreeSet;

use super::house::{File, assert_none, assert_only, files};
use super::tokens;

const PAGE: &str = "docs/delivery.md";
/// As many cases as the page lists, from 1.
const CASES: usize = 66;

fn untrue_rows(page: &str, tests: &BTreeSet<String>, cases: usize) -> Vec<String> {
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    let mut tests_column = None;
    for line in page.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
        let Ok(case) = cells[0].parse::<usize>() else {
            tests_column = cells.iter().position(|cell| cell.to_lowercase().contains("test")).or(tests_column);
            continue;
        };
        if !seen.insert(case) {
            problems.push(format!("case {case} has two rows"));
        }
        let Some(cell) = tests_column.and_then(|column| cells.get(column)) else {
            problems.push(format!("case {case}: no column of tests"));
            continue;
        };
        let named: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        if named.is_empty() && !names_a_later_issue(cell) {
            problems.push(format!("case {case} names neither a test nor the issue that will bring it"));
        }
        let exists = |name: &str| tests.contains(name.rsplit("::").next().unwrap_or_default());
        let missing = named.into_iter().filter(|name| !exists(name));
        problems.extend(missing.map(|name| format!("case {case}: there is no test {name}")));
    }
    let absent = (1..=cases).filter(|case| !seen.contains(case));
    problems.extend(absent.map(|case| format!("case {case} has no row")));
    problems
}

/// "issue 3".
fn names_a_later_issue(cell: &str) -> bool {
    cell.split("issue ").skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn tests_of(files: &[File]) -> BTreeSet<String> {
    let found = files.iter().filter(|file| file.is_rust()).filter_map(|file| tokens::read(file).ok());
    found.flat_map(|found| found.functions).filter(|function| function.is_test).map(|function| function.name).collect()
}

#[test]
fn every_case_of_a_delivery_names_tests_that_exist() -> anyhow::Result<()> {
    let files = files()?;
    let holds = |path: &str| files.iter().find(|file| file.path == path);
    match holds(PAGE) {
        Some(page) => assert_none(&untrue_rows(&page.text, &tests_of(&files), CASES)),
        None => assert!(holds("shared/runtime/src/delivery.rs").is_none(), "deliveries happen, and {PAGE} is missing"),
    }
    Ok(())
}

fn judged(rows: &str) -> Vec<String> {
    let tests = tests_of(&[File::new(
        "a.rs",
        "#[tokio::test(start_paused = true)]\nasync fn it_holds() {}\nfn no_test() {}\n\
         proptest! { #[test] fn it_holds_for_all(x in 0..9u8) {} }",
    )]);
    untrue_rows(&format!("| # | case | tests |\n|---|---|---|\n{rows}"), &tests, rows.lines().count())
}

#[test]
fn a_row_that_tells_the_truth_is_believed() {
    assert_none(&judged(
        "| 1 | `any-word` | `it_holds`, `world::it_holds_for_all` |\n| 2 | y | over the wire: issue 3 |",
    ));
}

#[test]
fn a_row_that_names_a_test_that_does_not_exist_is_found() {
    assert_only(&judged("| 1 | x | `it_holds`, `it_might_hold` |"), "no test it_might_hold");
    assert_only(&judged("| 1 | x | `no_test` |"), "no test no_test");
}

#[test]
fn a_row_that_names_nothing_is_found() {
    assert_only(&judged("| 1 | x | soon, as an issue |"), "case 1 names neither");
}

#[test]
fn a_case_without_a_row_or_with_two_is_found() {
    assert_only(&untrue_rows("| # | tests |\n| 1 | issue 3 |", &BTreeSet::new(), 2), "case 2 has no row");
    assert_only(&untrue_rows("| # | tests |\n| 1 | issue 3 |\n| 1 | issue 4 |", &BTreeSet::new(), 1), "two rows");
    assert_only(&untrue_rows("| # | proof |\n| 1 | issue 3 |", &BTreeSet::new(), 1), "no column of tests");
}

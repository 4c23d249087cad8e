//! docs/authors.md against the code that it explains: what it quotes stands there, word for word.
//! Never judges the prose.
//! Next: docs/authors.md.

const PAGE: &str = include_str!("../../../authors.md");
const CODE: [&str; 3] = [include_str!("../src/lib.rs"), include_str!("../src/main.rs"), include_str!("world.rs")];

/// The lines of the page's Rust blocks, up to where each says "…".
fn quoted(page: &str) -> Vec<&str> {
    let blocks = page.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = blocks.flat_map(str::lines).map(|line| line.split('…').next().unwrap_or_default().trim());
    lines.filter(|line| !line.is_empty()).collect()
}

fn missing(page: &str) -> Vec<&str> {
    let stands = |line: &&str| CODE.iter().any(|code| code.contains(line));
    quoted(page).into_iter().filter(|line| !stands(line)).collect()
}

#[test]
fn what_the_page_for_authors_quotes_stands_in_the_example() {
    assert!(quoted(PAGE).len() >= 10);
    assert!(missing(PAGE).is_empty(), "{:#?}", missing(PAGE));
}

#[test]
fn a_line_that_stands_nowhere_is_found() {
    assert_eq!(missing("```rust\nfn invented() {}\n```\nfn prose() {}"), ["fn invented() {}"]);
}

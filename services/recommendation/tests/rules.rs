//! Owns the proofs of rule files: what is wrong in one is told with its place, all at once, before anything runs.
//! Never an analysis: `advice` applies rules to one.
//! Next: `advice`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;

use recommendation::{Config, FUNCTIONS, Problem, read_rules};

fn problems(text: &str) -> Vec<Problem> {
    read_rules("my.toml", text, &mut BTreeSet::new()).err().unwrap_or_default()
}

const SOUND: &str = r#"
name = "mine"

[[rule]]
id = "one"
priority = "low"
when = 'median("price") > 1.0'
title = 'Take {money(median("price"))} {{or more}}'
rationale = "because"
"#;

#[test]
fn a_sound_file_is_read_and_the_packs_that_come_along_are_sound() {
    assert_eq!(problems(SOUND), vec![]);
    for named in [None, Some("pricing"), Some("technology, general")] {
        Config::offline(named).unwrap();
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_line_and_column() {
    let text = r#"name = "mine"
colour = "red"

[values]
floor = 'cell("a")'

[[rule]]
id = "one"
priority = "urgent"
when = 'median("price") > > 1'
title = 'Take {medain("price")} and {pric} and {'
rationale = "because"

[[rule]]
id = "one"
priority = "low"
when = 'goal.contains("x")'
title = "t"
"#;
    let found: Vec<String> = problems(text).iter().map(Problem::to_string).collect();
    for wanted in [
        "my.toml:2:1: unknown key colour",
        "my.toml:5:10: cell(row words, column words) takes 2 arguments, not 1",
        "my.toml:9:13: priority is high, medium or low, not \"urgent\"",
        "my.toml:10:27: not CEL",
        "my.toml:11:16: unknown function medain",
        "my.toml:11:38: unknown variable pric: known are",
        "my.toml:11:48: this brace is never closed",
        "my.toml:15:7: there is another rule one",
        "my.toml:14:1: this rule has no rationale",
    ] {
        assert!(found.iter().any(|problem| problem.starts_with(wanted)), "{wanted}\n{found:#?}");
    }
    assert_eq!(found.len(), 9, "{found:#?}");
}

#[test]
fn no_nonsense_is_read_as_a_rule_and_none_brings_the_reader_down() {
    for text in [
        "",
        "name = ",
        "[[rule]]",
        "rule = 1\nname = 2",
        "\u{0}",
        "name = \"a\"\n[[rule]]\nid = 1",
        "values = 3",
        "[[[[",
        "'''",
    ] {
        assert!(!problems(text).is_empty(), "{text:?}");
    }
    for when in [
        "",
        "(",
        "\"",
        "a.b.c(",
        "1 +",
        "{",
        "[1, 2",
        "x ? y",
        "true && ",
        "'\\\\u12'",
        "@",
        "a[",
        "médian(",
        "size()()",
    ] {
        let text = SOUND.replace("median(\"price\") > 1.0", when);
        assert!(!problems(&text).is_empty(), "{when:?}");
    }
}

#[test]
fn an_expression_that_could_run_away_is_refused() {
    let deep = "[1].exists(a, [1].exists(b, [1].exists(c, true)))";
    assert!(problems(&SOUND.replace("median(\"price\") > 1.0", deep))[0].what.contains("nested more than 2 deep"));
    let long = format!("true{}", " && true".repeat(400));
    assert!(problems(&SOUND.replace("median(\"price\") > 1.0", &long))[0].what.contains("bytes"));
}

#[test]
fn a_value_of_one_thing_is_unknown_to_a_rule_without_each() {
    let text =
        SOUND.replace("[[rule]]", "[values]\nsize = 'field(item, \"size\")'\n\n[[rule]]").replace("> 1.0", "> size");
    assert!(problems(&text)[0].what.contains("unknown variable size"));
    assert_eq!(problems(&text.replace("id = \"one\"", "id = \"one\"\neach = 'rows(\"a\", \"b\")'")), vec![]);
}

#[test]
fn a_missing_file_is_refused_with_what_would_do() {
    let why = Config::offline(Some("/nowhere/mine.toml")).unwrap_err();
    assert!(why.contains("/nowhere/mine.toml:1:1") && why.contains("pricing, technology, general"), "{why}");
}

#[test]
fn the_manual_lists_every_function() {
    let manual = include_str!("../../../docs/rules.md");
    for function in FUNCTIONS {
        let row = format!("| `{}({})` | {} |", function.name, function.arguments.join(", "), function.meaning);
        assert!(manual.contains(&row), "docs/rules.md lacks the row\n{row}");
    }
}

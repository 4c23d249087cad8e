//! Owns what every source file must be: short, opened by its own lines, well named, finished, at home anywhere.
//! Never judges style that rustfmt or clippy can judge.
//! Next: `tokens` finds attributes and modules.

use super::house::{File, Package, assert_none, assert_only, files, packages};
use super::tokens;

const LINES_MAX: usize = 500;
/// The model is one file, so that it can be read, and run, by itself.
const LONG_BY_DESIGN: &[&str] = &["docs/protocol_check.py"];
const OPENING_LINES: std::ops::RangeInclusive<usize> = 3..=6;
const NAMES_THAT_SAY_NOTHING: &[&str] = &["common", "core", "utils", "helpers", "types", "manager"];
// In pieces, or this file would hold what it looks for.
const LEFT_BEHIND: &[&str] =
    &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!"), concat!("unimplemented", "!")];
const MACHINE_PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/")];

fn is_code(file: &File) -> bool {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    [".rs", ".py", ".sh", ".toml", ".js", ".mjs", ".ts"].iter().any(|ending| name.ends_with(ending))
        || matches!(name, "Makefile" | "run")
}

fn too_long(files: &[File]) -> Vec<String> {
    let judged = files.iter().filter(|file| is_code(file) && !LONG_BY_DESIGN.contains(&file.path.as_str()));
    let long = judged.filter(|file| file.text.lines().count() > LINES_MAX);
    long.map(|file| format!("{}: {} lines, {LINES_MAX} at most", file.path, file.text.lines().count())).collect()
}

fn without_opening(files: &[File]) -> Vec<String> {
    let opening = |file: &File| file.text.lines().take_while(|line| line.starts_with("//!")).count();
    let bad = files.iter().filter(|file| file.is_rust() && !OPENING_LINES.contains(&opening(file)));
    bad.map(|file| format!("{}: opens with {} `//!` lines, 3 to 6 are wanted", file.path, opening(file))).collect()
}

fn badly_named(files: &[File], packages: &[Package]) -> Vec<String> {
    let says_nothing = |name: &str| NAMES_THAT_SAY_NOTHING.contains(&name);
    let mut problems = Vec::new();
    for package in packages.iter().filter(|package| says_nothing(&package.name)) {
        problems.push(format!("package {}: the name says nothing", package.name));
    }
    for file in files.iter().filter(|file| file.is_rust()) {
        if file.path.trim_end_matches(".rs").split('/').any(says_nothing) {
            problems.push(format!("{}: a name that says nothing", file.path));
        }
        let modules = tokens::read(file).map(|found| found.modules).unwrap_or_default();
        let inline = modules.iter().filter(|name| says_nothing(name));
        problems.extend(inline.map(|name| format!("{}: mod {name}: the name says nothing", file.path)));
    }
    problems
}

fn left_behind(files: &[File]) -> Vec<String> {
    let mut problems = Vec::new();
    for file in files.iter().filter(|file| is_code(file)) {
        for (at, line) in file.text.lines().enumerate() {
            let whole_word = |word: &&&str| {
                line.match_indices(**word).any(|(start, found)| {
                    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
                    !line[..start].ends_with(part_of_name) && !line[start + found.len()..].starts_with(part_of_name)
                })
            };
            let words = LEFT_BEHIND.iter().filter(whole_word);
            problems.extend(words.map(|word| format!("{}:{}: {word}", file.path, at + 1)));
        }
    }
    problems
}

/// Compiling the examples of comments compiles every dependency a second time: ours stand in tests.
fn examples_in_comments(files: &[File]) -> Vec<String> {
    let begins = |line: &str| {
        [concat!("///", " ```"), concat!("//!", " ```")].iter().any(|mark| line.trim_start().starts_with(mark))
    };
    let rust = files.iter().filter(|file| file.is_rust());
    let lines = rust.flat_map(|file| file.text.lines().enumerate().map(move |(at, line)| (file, at, line)));
    let found = lines.filter(|(_, _, line)| begins(line));
    found
        .map(|(file, at, _)| format!("{}:{}: an example that nothing compiles: make it a test", file.path, at + 1))
        .collect()
}

fn attributes_without_cause(files: &[File]) -> Vec<String> {
    let mut problems = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        for attribute in tokens::read(file).map(|found| found.attributes).unwrap_or_default() {
            let place = format!("{}:{}", file.path, attribute.line);
            match attribute.path.as_str() {
                "ignore" => problems.push(format!("{place}: an ignored test proves nothing")),
                path @ ("allow" | "expect") if !attribute.has_reason => {
                    problems.push(format!("{place}: {path} without a reason"));
                }
                _ => {}
            }
        }
    }
    problems
}

fn machine_paths(files: &[File]) -> Vec<String> {
    let lines = files.iter().flat_map(|file| file.text.lines().enumerate().map(move |line| (&file.path, line)));
    let bad = lines.filter(|(_, (_, line))| MACHINE_PATHS.iter().any(|path| line.contains(path)));
    bad.map(|(path, (at, line))| format!("{path}:{}: a path of one machine: {}", at + 1, line.trim())).collect()
}

#[test]
fn no_file_is_longer_than_500_lines() -> anyhow::Result<()> {
    assert_none(&too_long(&files()?));
    Ok(())
}

#[test]
fn a_file_of_501_lines_is_found() {
    assert_none(&too_long(&[File::new("a.rs", &"//\n".repeat(500)), File::new("Cargo.lock", &"\n".repeat(900))]));
    assert_only(&too_long(&[File::new("a.rs", &"//\n".repeat(501))]), "501 lines");
}

#[test]
fn every_rust_file_opens_with_three_to_six_lines_of_its_own() -> anyhow::Result<()> {
    assert_none(&without_opening(&files()?));
    Ok(())
}

#[test]
fn an_opening_of_two_lines_or_of_seven_is_found() {
    let opened = |lines| File::new("build.rs", &format!("{}fn main() {{}}\n", "//! x\n".repeat(lines)));
    assert_none(&without_opening(&[opened(3), opened(6), File::new("a.py", "")]));
    assert_only(&without_opening(&[opened(2)]), "opens with 2");
    assert_only(&without_opening(&[opened(7)]), "opens with 7");
}

#[test]
fn no_module_and_no_package_has_a_name_that_says_nothing() -> anyhow::Result<()> {
    assert_none(&badly_named(&files()?, &packages()?));
    Ok(())
}

#[test]
fn a_name_that_says_nothing_is_found_as_file_folder_module_and_package() {
    let package = Package { name: "core".into(), folder: "shared/core".into(), dependencies: vec![] };
    assert_only(&badly_named(&[], &[package]), "package core");
    assert_only(&badly_named(&[File::new("a/src/utils.rs", "")], &[]), "utils.rs");
    assert_only(&badly_named(&[File::new("tests/common/mod.rs", "")], &[]), "tests/common");
    assert_only(&badly_named(&[File::new("a.rs", "pub(crate) mod types { }")], &[]), "mod types");
    assert_none(&badly_named(&[File::new("a/event_types.rs", "mod score; use core::fmt;")], &[]));
}

#[test]
fn nothing_unfinished_is_left_behind() -> anyhow::Result<()> {
    assert_none(&left_behind(&files()?));
    Ok(())
}

#[test]
fn what_is_left_behind_is_found() {
    for word in LEFT_BEHIND {
        assert_only(&left_behind(&[File::new("a.rs", &format!("fn f() {{ {word} }} //"))]), word);
        assert_only(&left_behind(&[File::new("a.sh", &format!("# {word}: later"))]), word);
    }
    assert_none(&left_behind(&[File::new("a.rs", concat!("struct MAS", "TO", "DOS;"))]));
}

#[test]
fn no_comment_holds_an_example_that_nothing_compiles() -> anyhow::Result<()> {
    assert_none(&examples_in_comments(&files()?));
    Ok(())
}

#[test]
fn an_example_in_a_comment_is_found() {
    let example = File::new("a.rs", concat!("///", " ```\n/// f();\n///", " ```\nfn f() {}"));
    assert_eq!(examples_in_comments(&[example]).len(), 2);
}

#[test]
fn no_test_is_ignored_and_no_lint_is_silenced_without_a_reason() -> anyhow::Result<()> {
    assert_none(&attributes_without_cause(&files()?));
    Ok(())
}

#[test]
fn an_ignored_test_and_a_lint_silenced_without_a_reason_are_found() {
    let found = |text: &str| attributes_without_cause(&[File::new("a.rs", text)]);
    assert_only(&found("#[test]\n#[ignore]\nfn f() {}"), "a.rs:2: an ignored test");
    assert_only(&found("#[ignore = \"slow\"] fn f() {}"), "an ignored test");
    assert_only(&found("#![allow(dead_code)]"), "allow without a reason");
    assert_only(&found("macro_rules! m { () => { #[expect(unused)] fn f() {} } }"), "expect without a reason");
    assert_none(&found("#[allow(dead_code, reason = \"used by the macro\")] fn f() { let _ = \"#[allow(x)]\"; }"));
}

#[test]
fn no_file_names_a_path_of_one_machine() -> anyhow::Result<()> {
    assert_none(&machine_paths(&files()?));
    Ok(())
}

#[test]
fn a_path_of_one_machine_is_found() {
    for path in MACHINE_PATHS {
        assert_only(&machine_paths(&[File::new("README.md", &format!("see\n{path}x"))]), "README.md:2");
    }
}

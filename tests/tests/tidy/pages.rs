//! Owns what the pages and the Makefile claim: lengths, targets, links, packages, and the model's guards in the code.
//! Never judges prose.
//! Next: `house` reads the pages.

use std::collections::BTreeSet;

use super::house::{File, Package, assert_none, assert_only, files, packages};

const ARCHITECTURE_LINES_MAX: usize = 200;
const FIRST_COMMANDS_MAX: usize = 2;

fn text_of<'a>(files: &'a [File], path: &str) -> &'a str {
    files.iter().find(|file| file.path == path).map(|file| file.text.as_str()).unwrap_or_default()
}

/// Pages that speak of today. A changelog also speaks of what is gone.
fn pages(files: &[File]) -> impl Iterator<Item = &File> {
    files.iter().filter(|file| file.is_markdown() && file.path != "CHANGELOG.md")
}

fn faults_of_the_architecture(page: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let lines = page.lines().count();
    if lines > ARCHITECTURE_LINES_MAX {
        problems.push(format!("ARCHITECTURE.md: {lines} lines, {ARCHITECTURE_LINES_MAX} at most"));
    }
    if !page.contains("Invariant:") {
        problems.push("ARCHITECTURE.md: names no invariant".into());
    }
    problems
}

/// Targets of the Makefile; those without a line for `make help` are the problem.
fn targets(makefile: &str) -> (BTreeSet<String>, Vec<String>) {
    let (mut all, mut told) = (BTreeSet::new(), BTreeSet::new());
    for line in makefile.lines() {
        let Some((name, rest)) = line.split_once(':') else { continue };
        let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
        if !is_name || rest.starts_with('=') {
            continue;
        }
        all.insert(name.to_owned());
        if rest.split_once("## ").is_some_and(|(_, words)| !words.trim().is_empty()) {
            told.insert(name.to_owned());
        }
    }
    let silent = all.difference(&told).map(|name| format!("Makefile: {name} has no `## ` line")).collect();
    (all, silent)
}

/// Lines of fenced blocks and the insides of backticks: what a reader would type.
fn commands(page: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            found.push(line.trim().trim_start_matches("$ "));
        } else {
            found.extend(line.split('`').skip(1).step_by(2));
        }
    }
    found
}

fn commands_that_do_not_exist(files: &[File], packages: &[Package]) -> Vec<String> {
    let (targets, _) = targets(text_of(files, "Makefile"));
    let mut problems = Vec::new();
    for page in pages(files) {
        for command in commands(&page.text) {
            let words: Vec<&str> = command.split_whitespace().collect();
            if let ["make", target, ..] = words[..]
                && !targets.contains(target)
            {
                problems.push(format!("{}: `make {target}` does not exist", page.path));
            }
            let follows = words.windows(2).filter(|pair| matches!(pair[0], "-p" | "--package"));
            let unknown = follows.filter(|pair| !packages.iter().any(|package| package.name == pair[1]));
            if words.first() == Some(&"cargo") {
                problems.extend(unknown.map(|pair| format!("{}: there is no package {}", page.path, pair[1])));
            }
        }
    }
    problems
}

fn first_block_of(readme: &str) -> Vec<String> {
    let block: Vec<&str> = readme
        .lines()
        .skip_while(|line| !line.starts_with("```"))
        .skip(1)
        .take_while(|line| !line.starts_with("```"))
        .collect();
    match block.iter().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).count() {
        0 => vec!["README.md: its first block has no command".into()],
        1..=FIRST_COMMANDS_MAX => vec![],
        count => vec![format!("README.md: {count} commands to begin with, {FIRST_COMMANDS_MAX} at most")],
    }
}

fn broken_links(files: &[File]) -> Vec<String> {
    let exists = |path: &str| files.iter().any(|file| file.path == path || file.path.starts_with(&format!("{path}/")));
    let mut problems = Vec::new();
    for page in files.iter().filter(|file| file.is_markdown()) {
        for rest in page.text.split("](").skip(1) {
            let link = rest.split([')', '#']).next().unwrap_or_default();
            if link.is_empty() || link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let mut folders: Vec<&str> = page.path.split('/').collect();
            folders.pop();
            for part in link.trim_end_matches('/').split('/') {
                match part {
                    "." => {}
                    ".." => drop(folders.pop()),
                    part => folders.push(part),
                }
            }
            if !exists(&folders.join("/")) {
                problems.push(format!("{}: the link {link} leads nowhere", page.path));
            }
        }
    }
    problems
}

/// Every guard of the model has a switch of that name in the code, for `make mutants` to throw. Of the holder's writes,
/// owner and epoch are one guard, `*-mine`: each alone still fences, so that removing one of them changes nothing.
fn guards_without_a_switch(model: &str, switches: &str) -> Vec<String> {
    let between =
        |from: &str, to: &str| model.split_once(from).and_then(|(_, rest)| rest.split_once(to)).map(|(text, _)| text);
    let (Some(guards), Some(mends)) = (between("GUARDS = \"\"\"", "\"\"\""), between("MENDS = {", "}")) else {
        return vec!["docs/protocol_check.py: no GUARDS or no MENDS".into()];
    };
    let mends = mends.lines().filter_map(|line| line.trim().strip_prefix('\'')?.split('\'').next());
    let held = ["release-", "commit-", "park-"];
    let one_of_two =
        |name: &&str| held.iter().any(|held| ["owner", "epoch"].iter().any(|one| **name == format!("{held}{one}")));
    let asked = guards.split_whitespace().filter(|name| !one_of_two(name)).chain(mends);
    let without = asked.filter(|name| !switches.contains(&format!("= \"{name}\"")));
    without.map(|name| format!("shared/contract/src/guard.rs: no guard {name}")).collect()
}

#[test]
fn the_architecture_fits_200_lines_and_names_its_invariants() -> anyhow::Result<()> {
    assert_none(&faults_of_the_architecture(text_of(&files()?, "ARCHITECTURE.md")));
    Ok(())
}

#[test]
fn an_architecture_that_is_long_or_without_invariants_is_found() {
    assert_none(&faults_of_the_architecture(&"Invariant: x\n".repeat(200)));
    assert_only(&faults_of_the_architecture(&"Invariant: x\n".repeat(201)), "201 lines");
    assert_only(&faults_of_the_architecture("All is well."), "no invariant");
}

#[test]
fn every_target_of_the_makefile_has_a_line_in_its_help() -> anyhow::Result<()> {
    let files = files()?;
    let (all, silent) = targets(text_of(&files, "Makefile"));
    assert!(all.contains("help") && all.contains("test"), "the Makefile was not understood: {all:?}");
    assert_none(&silent);
    Ok(())
}

#[test]
fn a_target_without_a_line_in_the_help_is_found() {
    let (all, silent) = targets("X := 1\n.PHONY: a\na: ## does it\n\tcc -o a: b\nb: SEEDS = 1\nb: ## also\nc-d: a\n");
    assert_eq!(all.into_iter().collect::<Vec<_>>(), ["a", "b", "c-d"]);
    assert_only(&silent, "c-d has no");
}

#[test]
fn pages_name_only_targets_and_packages_that_exist() -> anyhow::Result<()> {
    assert_none(&commands_that_do_not_exist(&files()?, &packages()?));
    Ok(())
}

#[test]
fn a_command_that_does_not_exist_is_found() {
    let package = Package { name: "contract".into(), folder: "shared/contract".into(), dependencies: vec![] };
    let judged = |page: &str| {
        let files = [File::new("Makefile", "test: ## all\n"), File::new("README.md", page)];
        commands_that_do_not_exist(&files, std::slice::from_ref(&package))
    };
    assert_none(&judged("we make sense: `make test SEEDS=1`, `cargo run -p contract`\n```\nmake test\n```\n"));
    assert_only(&judged("do `make tea`"), "`make tea`");
    assert_only(&judged("```\n$ make run\n```"), "`make run`");
    assert_only(&judged("`cargo run -p wrong`"), "no package wrong");
}

#[test]
fn a_newcomer_types_two_commands_at_most() -> anyhow::Result<()> {
    assert_none(&first_block_of(text_of(&files()?, "README.md")));
    Ok(())
}

#[test]
fn a_third_command_for_a_newcomer_is_found() {
    assert_none(&first_block_of("x\n```sh\n# first\na\nb\n```\n```\nc\nd\ne\n```"));
    assert_only(&first_block_of("```\na\nb\nc\n```"), "3 commands");
    assert_only(&first_block_of("no block"), "no command");
}

#[test]
fn every_link_between_pages_leads_somewhere() -> anyhow::Result<()> {
    assert_none(&broken_links(&files()?));
    Ok(())
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let judged = |text: &str| broken_links(&[File::new("docs/adr/a.md", text), File::new("docs/b.md", "")]);
    assert_none(&judged("[b](../b.md#part), [all](../adr/), [self](#x), [web](https://example.org/x)"));
    assert_only(&judged("[c](../c.md)"), "../c.md leads nowhere");
}

#[test]
fn every_guard_of_the_model_has_a_switch_in_the_code() -> anyhow::Result<()> {
    let files = files()?;
    let (model, switches) = ("docs/protocol_check.py", "shared/contract/src/guard.rs");
    assert_none(&guards_without_a_switch(text_of(&files, model), text_of(&files, switches)));
    Ok(())
}

#[test]
fn a_guard_of_the_model_without_a_switch_is_found() {
    let model = "MENDS = {\n    'floor-rises': 'x',\n}\nGUARDS = \"\"\"lease\nemitted\"\"\".split()";
    assert_none(&guards_without_a_switch(model, r#"A = "lease", B = "emitted", C = "floor-rises""#));
    assert_only(&guards_without_a_switch(model, r#"A = "lease", C = "floor-rises""#), "no guard emitted");
    assert_only(&guards_without_a_switch(model, r#"A = "lease", B = "emitted""#), "no guard floor-rises");
    assert_only(&guards_without_a_switch("", ""), "no GUARDS");
}

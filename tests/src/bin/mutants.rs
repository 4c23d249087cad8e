//! Removes each guard in turn, and demands that the test which `tests/mutants.toml` names for it fails.
//! Never believes a test that fails anyway: with every guard in place, all of them must pass first.
//! Next: `make mutants` runs it, and CI with it.

use std::collections::BTreeMap;
use std::process::{Command, ExitCode, Output};

use contract::Guard;

const TABLE: &str = include_str!("../../mutants.toml");

#[expect(clippy::print_stdout, reason = "this is what a person reads")]
fn main() -> ExitCode {
    let table: BTreeMap<String, [String; 2]> = match toml::from_str(TABLE) {
        Ok(table) => table,
        Err(why) => {
            println!("mutants: tests/mutants.toml does not parse: {why}");
            return ExitCode::FAILURE;
        }
    };
    let mut unguarded: Vec<String> = Guard::ALL.iter().map(|guard| guard.name().to_owned()).collect();
    unguarded.retain(|guard| !table.contains_key(guard));
    let unknown = table.keys().filter(|name| !Guard::ALL.iter().any(|guard| guard.name() == *name));
    for name in unknown.clone() {
        println!("{name}: tests/mutants.toml names it, but no such guard is in shared/contract/src/guard.rs");
    }
    let strange = unknown.count();
    for guard in &unguarded {
        println!("{guard}: tests/mutants.toml names no test for it");
    }
    let mut missed = 0;
    for [package, test] in table.values() {
        if !run(package, test, None).is_some_and(|(passed, out)| passed && out.contains("1 passed")) {
            println!("{test} in {package} does not pass with every guard in place");
            missed += 1;
        }
    }
    let mut caught = 0;
    for (guard, [package, test]) in &table {
        if !fails(package, test, guard) {
            println!("{guard:20} NOT CAUGHT by {test}");
            missed += 1;
        } else {
            println!("{guard:20} caught by {test}");
            caught += 1;
        }
    }
    println!("mutants: {} guards, {caught} removed and caught, {} missed", Guard::ALL.len(), missed + unguarded.len());
    if missed + strange + unguarded.len() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether that test itself fails without the guard. A build that breaks, or a name that no binary knows, is no failure.
fn fails(package: &str, test: &str, guard: &str) -> bool {
    run(package, test, Some(guard)).is_some_and(|(passed, out)| !passed && out.contains("1 failed"))
}

/// Whether all went well, and what the runner printed.
fn run(package: &str, test: &str, removed: Option<&str>) -> Option<(bool, String)> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--quiet", "--package", package, "--features", &format!("{package}/mutants"), "--tests"]);
    cargo.args(["--", "--exact", test]).env("RUST_BACKTRACE", "0");
    if let Some(guard) = removed {
        cargo.env("MURMUR_MUTANT", guard);
    }
    let Output { status, stdout, .. } = cargo.output().ok()?;
    Some((status.success(), String::from_utf8_lossy(&stdout).into_owned()))
}

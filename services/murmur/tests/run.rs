//! Owns the proof that one command works on a goal from start to report, and leaves nothing running.
//! Never a server of its own: the command starts what it needs, beside itself.
//! Next: `tests/processes` has what the agents do with odd goals.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;

fn murmur(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_murmur")).args(arguments).env_remove("MURMUR_MODELS").output().unwrap()
}

#[test]
fn a_goal_over_a_folder_ends_in_a_report_on_the_disk() {
    let place = TempDir::new().unwrap();
    let (sources, out, data) = (place.path().join("sources"), place.path().join("out"), place.path().join("data"));
    fs::create_dir(&sources).unwrap();
    fs::write(sources.join("one.md"), "# Espresso\n\nThe Ristretto 9 espresso machine costs 900 USD.\n").unwrap();
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let (sources, out, data) = (path(&sources), path(&out), path(&data));
    let goal = "Research prices of espresso machines";
    let ran = murmur(&["run", goal, "--sources", &sources, "--out", &out, "--data", &data]);
    let (told, said) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{said}\n{told}");
    assert!(told.contains("Ristretto 9"), "{told}");
    let report = fs::read_to_string(place.path().join("out/report.md")).unwrap();
    assert!(report.contains("900") && report.contains("## References"), "{report}");
    assert!(place.path().join("out/report.html").is_file() && place.path().join("out/recommendations.json").is_file());
}

#[test]
fn an_empty_goal_and_a_folder_that_is_not_there_are_refused_as_misuse() {
    for (arguments, told) in [
        (vec!["run", " "], "say what you want"),
        (vec!["run", "a goal", "--sources", "/no/such/folder"], "does not exist"),
    ] {
        let ran = murmur(&arguments);
        assert_eq!(ran.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&ran.stderr).contains(told), "{arguments:?}");
    }
}

#[test]
fn a_wrong_command_line_exits_with_2() {
    assert_eq!(murmur(&["fly"]).status.code(), Some(2));
}

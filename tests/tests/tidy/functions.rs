//! Owns the length of functions: 70 lines at most, and what decides a delivery's fate on one page of 60.
//! Never counts comments above a function or its attributes: from `fn` to the closing brace.
//! Next: `tokens` finds the functions.

use super::house::{File, assert_none, assert_only, files};
use super::tokens;

const LINES_MAX: usize = 70;
const PAGE: (&str, &str) = ("shared/runtime/src/delivery.rs", "process_delivery");
const PAGE_LINES_MAX: usize = 60;

fn too_long(files: &[File]) -> Vec<String> {
    let mut problems = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let found = match tokens::read(file) {
            Ok(found) => found,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        for function in &found.functions {
            let max = if (file.path.as_str(), function.name.as_str()) == PAGE { PAGE_LINES_MAX } else { LINES_MAX };
            if function.lines > max {
                let (path, line, name, lines) = (&file.path, function.line, &function.name, function.lines);
                problems.push(format!("{path}:{line}: {name} has {lines} lines, {max} at most"));
            }
        }
        if file.path == PAGE.0 && !found.functions.iter().any(|function| function.name == PAGE.1) {
            problems.push(format!("{}: has no function {}", PAGE.0, PAGE.1));
        }
    }
    problems
}

#[test]
fn every_function_fits_its_page() -> anyhow::Result<()> {
    assert_none(&too_long(&files()?));
    Ok(())
}

fn function_of(name: &str, lines: usize) -> String {
    format!("/// Not counted.\n#[inline]\nfn {name}() {{\n{}}}\n", "    let _ = 1;\n".repeat(lines - 2))
}

#[test]
fn a_function_of_71_lines_is_found() {
    assert_none(&too_long(&[File::new("a.rs", &function_of("f", 70))]));
    assert_only(&too_long(&[File::new("a.rs", &function_of("f", 71))]), "f has 71 lines");
}

#[test]
fn a_long_function_inside_an_impl_in_a_macro_is_found() {
    let inside = format!("macro_rules! m {{ ($n:ident) => {{ impl $n {{ {} }} }}; }}", function_of("deep", 71));
    assert_only(&too_long(&[File::new("a.rs", &inside)]), "deep has 71 lines");
}

#[test]
fn the_decision_of_61_lines_is_found() {
    assert_none(&too_long(&[File::new(PAGE.0, &function_of(PAGE.1, 60))]));
    assert_only(&too_long(&[File::new(PAGE.0, &function_of(PAGE.1, 61))]), "process_delivery has 61 lines, 60 at most");
}

#[test]
fn a_decision_under_another_name_is_found() {
    assert_only(&too_long(&[File::new(PAGE.0, &function_of("decide", 10))]), "has no function process_delivery");
}

//! Owns the writing of what is generated, for `make schemas`: `schemas/`, the diagram of `ARCHITECTURE.md`, and the
//! script with which LocalStack provisions itself.
//! Never replaces a schema by one that breaks its readers, unless it is told to by `--breaking`.
//! Next: `tests/schemas.rs` compares what stands there with what this would write.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command for a person")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

use contract::topology::{localstack, mermaid};
use contract::{Topology, compat, schema};

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let may_break = std::env::args().any(|argument| argument == "--breaking");
    match write_all(&root, may_break) {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("schemas: {why}");
            ExitCode::FAILURE
        }
    }
}

fn write_all(root: &Path, may_break: bool) -> Result<String, String> {
    let topology = Topology::murmuration();
    let files = schema::files(&topology)?;
    let folder = root.join("schemas");
    let breaks = broken(&folder, &files)?;
    if !breaks.is_empty() && !may_break {
        return Err(format!("nothing was written, since readers would break:\n  {}", breaks.join("\n  ")));
    }
    let told = |path: &Path, why: io::Error| format!("{}: {why}", path.display());
    fs::create_dir_all(folder.join("examples")).map_err(|why| told(&folder, why))?;
    let mut changed = 0;
    for (name, text) in &files {
        let path = folder.join(name);
        changed += usize::from(renew(&path, text).map_err(|why| told(&path, why))?);
    }
    let removed = remove_others(&folder, &files).map_err(|why| told(&folder, why))?;
    let page = root.join("ARCHITECTURE.md");
    let text =
        fs::read_to_string(&page).unwrap_or_else(|_| format!("# Architecture\n\n{}\n", mermaid::block(&topology)));
    let text = mermaid::renewed(&text, &topology)
        .ok_or_else(|| format!("ARCHITECTURE.md has no {} and {}", mermaid::BEGIN, mermaid::END))?;
    changed += usize::from(renew(&page, &text).map_err(|why| told(&page, why))?);
    let script = root.join(localstack::PATH);
    changed += usize::from(renew(&script, &localstack::script(&topology)).map_err(|why| told(&script, why))?);
    let (files, breaks) = (files.len() + 2, breaks.len());
    Ok(format!("schemas: {files} files, {changed} changed, {removed} removed, {breaks} breaks"))
}

/// What readers of the schemas that stand there would miss in the new ones.
fn broken(folder: &Path, files: &BTreeMap<String, String>) -> Result<Vec<String>, String> {
    let mut all = vec![];
    for (name, text) in files.iter().filter(|(name, _)| name.ends_with(".json") && !name.contains('/')) {
        let Ok(earlier) = fs::read_to_string(folder.join(name)) else { continue };
        let read = |text: &str| serde_json::from_str(text).map_err(|why| format!("{name}: {why}"));
        let breaks = compat::breaks(&read(&earlier)?, &read(text)?);
        all.extend(breaks.iter().map(|one| format!("{name}: {one}")));
    }
    Ok(all)
}

fn renew(path: &Path, text: &str) -> io::Result<bool> {
    if fs::read_to_string(path).is_ok_and(|there| there == text) {
        return Ok(false);
    }
    fs::write(path, text).map(|()| true)
}

fn remove_others(folder: &Path, files: &BTreeMap<String, String>) -> io::Result<usize> {
    let mut removed = 0;
    for (under, prefix) in [(folder.to_owned(), ""), (folder.join("examples"), "examples/")] {
        for entry in fs::read_dir(under)? {
            let entry = entry?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_file() && !files.contains_key(&name) {
                fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

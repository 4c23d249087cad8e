//! Owns `make bench-figures`: tables into the pages and plots beside them, made of the documents that benches left.
//! Never a measurement, and never a figure of its own: without a document, what it said last stays where it is.
//! Next: `table` and `plot` draw, `page` keeps the rest of the page as it is.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use figures::{Document, documents, page, plot, say, table};

/// Makes tables and plots of what the benches measured.
#[derive(Debug, Parser)]
struct Flags {
    /// Where the documents are
    #[arg(long, value_name = "DIR", default_value = "target/bench")]
    from: PathBuf,
    /// Pages with marks for a bench, or for one of its groups: `<!-- figures: BENCH, GROUP -->` to `<!-- end figures -->`
    #[arg(required = true)]
    pages: Vec<PathBuf>,
    /// Where the plots go; pages name them from where they are
    #[arg(long, value_name = "DIR", default_value = "docs/figures")]
    plots: PathBuf,
}

fn main() -> ExitCode {
    match made(&Flags::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            say(&format!("bench-figures: {why:?}"));
            ExitCode::FAILURE
        }
    }
}

fn made(flags: &Flags) -> anyhow::Result<()> {
    let folder = flags.plots.file_name().and_then(|name| name.to_str()).context("--plots names no folder")?;
    let all = documents(&flags.from)?;
    let mut written = 0;
    for place in &flags.pages {
        let before = std::fs::read_to_string(place).with_context(|| place.display().to_string())?;
        let mut text = before.clone();
        for document in &all {
            if page::wants(&before, &document.bench) {
                text = page::with(&text, &document.bench, &table::section(document, folder))?;
                written += drawn(document, &flags.plots)?;
            }
            for (group, rows) in table::groups(document) {
                let name = format!("{}, {group}", document.bench);
                if page::wants(&before, &name) {
                    text = page::with(&text, &name, &table::of_group(document, group, &rows, folder))?;
                }
            }
        }
        if text != before {
            std::fs::write(place, text)?;
        }
    }
    say(&format!("bench-figures: {} documents, {written} plots in {}", all.len(), flags.plots.display()));
    Ok(())
}

fn drawn(document: &Document, into: &Path) -> anyhow::Result<usize> {
    std::fs::create_dir_all(into)?;
    let mut count = 0;
    for (group, rows) in table::groups(document) {
        for picture in plot::pictures(&document.bench, group, &rows) {
            std::fs::write(into.join(format!("{}.svg", picture.name)), plot::svg(&picture)?)?;
            count += 1;
        }
    }
    Ok(count)
}

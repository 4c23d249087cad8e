//! Owns the ten thousand pages: real manuals, copied until there are enough, every copy with words of its own.
//! Never a page larger or smaller than a real one: the larger are only taken more often, towards the wanted median.
//! Next: `main` ingests them.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

pub(crate) struct Pages {
    pub(crate) count: usize,
    pub(crate) bytes_median: u64,
    pub(crate) bytes: u64,
    /// Words that stand in them, for queries.
    pub(crate) words: Vec<String>,
}

/// Writes `count` pages of the manuals in `from` into `to`.
pub(crate) fn make(from: &Path, to: &Path, count: usize, bytes_median: u64) -> anyhow::Result<Pages> {
    let mut manuals = Vec::new();
    collect(from, &mut manuals)?;
    manuals.sort();
    anyhow::ensure!(!manuals.is_empty(), "{} holds no page; make it with bench/eval/manuals.sh", from.display());
    let (small, large): (Vec<_>, Vec<_>) = manuals.into_iter().partition(|(bytes, _)| *bytes < bytes_median);
    anyhow::ensure!(!large.is_empty() && !small.is_empty(), "no page is as large as the wanted median");
    // What is far larger than most would make the mean say more than the median: each of those is taken once.
    let usual: Vec<_> = large.iter().filter(|(bytes, _)| *bytes < 4 * bytes_median).cloned().collect();
    let huge = large.iter().filter(|(bytes, _)| *bytes >= 4 * bytes_median).cloned();
    let mut chosen: Vec<(u64, PathBuf)> = huge.take(count / 2).collect();
    let (mut next_usual, mut next_small) = (usual.iter().cycle(), small.iter().rev().cycle());
    while chosen.len() < count {
        let larger = chosen.iter().filter(|(bytes, _)| *bytes >= bytes_median).count();
        let next = if larger * 2 <= chosen.len() { next_usual.next() } else { next_small.next() };
        chosen.push(next.context("no page")?.clone());
    }
    write(&chosen, to)
}

fn collect(folder: &Path, found: &mut Vec<(u64, PathBuf)>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let about = entry.metadata()?;
        if about.is_dir() {
            collect(&entry.path(), found)?;
        } else if entry.path().extension().is_some_and(|ending| ending == "html") {
            found.push((about.len(), entry.path()));
        }
    }
    Ok(())
}

fn write(chosen: &[(u64, PathBuf)], to: &Path) -> anyhow::Result<Pages> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut words = Vec::new();
    let mut sizes = Vec::with_capacity(chosen.len());
    for (number, (_, path)) in chosen.iter().enumerate() {
        let mut page = String::from_utf8_lossy(&std::fs::read(path)?).into_owned();
        // A word in the text, not only a comment: the copy is other content to every stage.
        let own = format!("<p>This is copy {number} of the page, numbered w{:08x}.</p>", random.u32(..));
        let at = page.rfind("</body>").unwrap_or(page.len());
        page.insert_str(at, &own);
        let folder = to.join(format!("{:02}", number % 100));
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(format!("{number}.html")), &page)?;
        sizes.push(page.len() as u64);
        if words.len() < 4_000 {
            words.extend(words_of(&page, &mut random));
        }
    }
    sizes.sort_unstable();
    let bytes_median = sizes.get(sizes.len() / 2).copied().unwrap_or_default();
    Ok(Pages { count: chosen.len(), bytes_median, bytes: sizes.iter().sum(), words })
}

/// A few words of a page that are no tags.
fn words_of(page: &str, random: &mut fastrand::Rng) -> Vec<String> {
    let usable = |word: &&str| (4..=12).contains(&word.len()) && word.chars().all(|c| c.is_ascii_lowercase());
    let words: Vec<&str> = page.split_whitespace().filter(usable).collect();
    (0..8.min(words.len())).map(|_| words[random.usize(..words.len())].to_owned()).collect()
}

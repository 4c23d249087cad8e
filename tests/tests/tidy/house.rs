//! Owns the reading: every text file that git would commit, and the workspace as cargo sees it.
//! Never judges: the other modules do.
//! Next: `sources`, `functions`, `delivery_table` and `pages` take `File`s, `directions` takes `Package`s.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use cargo_metadata::{DependencyKind, MetadataCommand};

/// A text file; its path is relative to the root, with `/`.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A package of the workspace, and which packages it names in its manifest.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Relative to the root.
    pub(crate) folder: String,
    pub(crate) dependencies: Vec<Dependency>,
}

#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// For tests, examples and benches only.
    pub(crate) dev: bool,
}

impl File {
    pub(crate) fn new(path: &str, text: &str) -> File {
        File { path: path.into(), text: text.into() }
    }
    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|ending| ending == "rs")
    }
    pub(crate) fn is_markdown(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|ending| ending == "md")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What is committed, or would be by the next `git add --all`.
pub(crate) fn files() -> anyhow::Result<Vec<File>> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .context("git lists the files that are checked")?;
    ensure!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    let mut files = Vec::new();
    for path in String::from_utf8(listed.stdout)?.split('\0').filter(|path| !path.is_empty()) {
        // Deleted but still in the index, or a symbolic link: there is no text to look at.
        let Ok(bytes) = std::fs::read(root().join(path)) else { continue };
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(File { path: path.into(), text });
        }
    }
    ensure!(files.iter().any(File::is_rust), "no Rust file was listed");
    Ok(files)
}

pub(crate) fn packages() -> anyhow::Result<Vec<Package>> {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec()?;
    let mut packages = Vec::new();
    for package in &metadata.packages {
        let folder = package.manifest_path.parent().context("a manifest lies in a folder")?;
        let dependencies = package.dependencies.iter().map(|dependency| Dependency {
            name: dependency.name.clone(),
            dev: dependency.kind == DependencyKind::Development,
        });
        packages.push(Package {
            name: package.name.to_string(),
            folder: folder.strip_prefix(&metadata.workspace_root)?.as_str().replace('\\', "/"),
            dependencies: dependencies.collect(),
        });
    }
    ensure!(!packages.is_empty(), "cargo metadata names no package");
    Ok(packages)
}

/// Fails with all problems, one on a line.
#[track_caller]
pub(crate) fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "{} problems:\n  {}", problems.len(), problems.join("\n  "));
}

/// For planted violations: just one problem, and it speaks of this.
#[track_caller]
pub(crate) fn assert_only(problems: &[String], about: &str) {
    assert!(problems.len() == 1 && problems[0].contains(about), "wanted one problem about {about}, got {problems:?}");
}

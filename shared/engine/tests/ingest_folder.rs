//! Owns the proof that a folder becomes a collection: what is new, changed, gone or unreadable, and what is odd about it.
//! Never what a file is read into: the `read_*` tests have that.
//! Next: the index's own tests, which look into what was built.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use contract::Artifacts;
use engine::corpus::ingest::Lines;
use engine::corpus::{Ingested, Progress, ingest};
use tempfile::TempDir;
use testkit::memory::MemoryArtifacts;

#[derive(Default)]
struct Told {
    found: Mutex<usize>,
    done: Mutex<Vec<String>>,
}

impl Progress for Told {
    fn found(&self, files: usize) {
        *self.found.lock().unwrap() = files;
    }

    fn done(&self, address: &str) {
        self.done.lock().unwrap().push(address.to_owned());
    }
}

struct Place {
    folder: TempDir,
    artifacts: Arc<dyn Artifacts>,
    collection: &'static str,
}

impl Place {
    fn new(collection: &'static str) -> Place {
        Place { folder: TempDir::new().unwrap(), artifacts: Arc::new(MemoryArtifacts::new()), collection }
    }

    fn write(&self, address: &str, bytes: &[u8]) {
        let path = self.folder.path().join(address);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    async fn ingest(&self) -> Ingested {
        self.ingest_from(self.folder.path()).await
    }

    async fn ingest_from(&self, path: &Path) -> Ingested {
        ingest(path, self.collection, &self.artifacts, &Told::default()).await.unwrap()
    }
}

fn reasons(ingested: &Ingested) -> Vec<(&str, &str)> {
    ingested.failed.iter().map(|(address, why)| (address.as_str(), why.as_str())).collect()
}

#[tokio::test]
async fn every_file_is_read_and_told_once() {
    let place = Place::new("told");
    place.write("b/notes.md", b"# Notes\n\nWords.\n");
    place.write("a.csv", b"n\n1\n2\n");
    place.write(".hidden/secret.md", b"not for you");
    place.write(".env", b"KEY=1");
    place.write(".gitignore", b"*.md\n");
    let told = Told::default();
    let ingested = ingest(place.folder.path(), place.collection, &place.artifacts, &told).await.unwrap();
    assert_eq!((ingested.read, ingested.passages, ingested.tables), (2, 2, 1));
    assert_eq!(reasons(&ingested), []);
    assert_eq!(*told.found.lock().unwrap(), 2);
    let mut done = told.done.lock().unwrap().clone();
    done.sort();
    assert_eq!(done, ["a.csv", "b/notes.md"]);
}

#[tokio::test]
async fn unchanged_files_are_not_read_again_and_removed_ones_go() {
    let place = Place::new("again");
    for name in ["keep.md", "change.md", "touch.md", "go.md"] {
        place.write(name, format!("Words of {name}.").as_bytes());
    }
    assert_eq!(place.ingest().await.read, 4);
    place.write("change.md", b"Other words, and more of them.");
    let touched = fs::File::options().write(true).open(place.folder.path().join("touch.md")).unwrap();
    touched.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(3_600)).unwrap();
    fs::remove_file(place.folder.path().join("go.md")).unwrap();
    let ingested = place.ingest().await;
    assert_eq!((ingested.read, ingested.unchanged, ingested.removed), (1, 2, 1));
    let ingested = place.ingest().await;
    assert_eq!((ingested.read, ingested.unchanged, ingested.removed), (0, 3, 0));
}

#[tokio::test]
async fn a_file_that_can_no_longer_be_read_is_no_evidence_any_more() {
    let place = Place::new("damaged");
    place.write("a.md", b"Words.");
    place.write("b.md", b"Words.");
    place.ingest().await;
    place.write("a.md", b"");
    let ingested = place.ingest().await;
    assert_eq!(reasons(&ingested), [("a.md", "there is no text in it")]);
    assert_eq!((ingested.removed, ingested.unchanged), (1, 1));
}

#[tokio::test]
async fn one_file_instead_of_a_folder_is_added_and_nothing_goes() {
    let place = Place::new("single");
    place.write("a.md", b"Words.");
    place.write("b.md", b"Words.");
    place.ingest().await;
    let other = TempDir::new().unwrap();
    fs::write(other.path().join("c.md"), "More words.").unwrap();
    let ingested = place.ingest_from(&other.path().join("c.md")).await;
    assert_eq!((ingested.read, ingested.removed), (1, 0));
}

#[tokio::test]
async fn a_folder_that_does_not_exist_is_named() {
    let place = Place::new("missing");
    let path = place.folder.path().join("nowhere");
    let why = ingest(&path, "missing", &place.artifacts, &Told::default()).await.unwrap_err();
    assert!(why.to_string().contains("nowhere: there is no such folder or file"), "{why}");
}

#[tokio::test]
async fn unreadable_files_are_listed_and_the_others_are_read() {
    let place = Place::new("broken");
    place.write("empty.md", b"");
    place.write("good.md", b"Words.");
    place.write("broken.pdf", b"%PDF-1.4 nothing");
    place.write("picture.png", &[0x89, 0x50, 0, 1, 2, 3, 0, 0, 0]);
    let ingested = place.ingest().await;
    assert_eq!(ingested.read, 1);
    let failed: Vec<&str> = ingested.failed.iter().map(|(address, _)| address.as_str()).collect();
    assert_eq!(failed, ["broken.pdf", "empty.md", "picture.png"]);
}

#[cfg(unix)]
#[tokio::test]
async fn links_pipes_sockets_and_odd_names_neither_block_nor_loop() {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    let place = Place::new("odd");
    let root = place.folder.path();
    place.write("sub/good.md", b"Words.");
    symlink(root, root.join("sub/loop")).unwrap();
    symlink("/etc/hostname", root.join("outside.txt")).unwrap();
    symlink("nowhere", root.join("dangling.md")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket.md")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(root.join("pipe.md")).status();
    fs::write(root.join(std::ffi::OsStr::from_bytes(b"n\xff.md")), "Words of an odd name.").unwrap();
    let told = Told::default();
    let ingested = ingest(root, place.collection, &place.artifacts, &told).await.unwrap();
    assert_eq!(ingested.read, 2);
    assert!(told.done.lock().unwrap().contains(&"n%FF.md".to_owned()));
    let failed: Vec<&str> = ingested.failed.iter().map(|(address, _)| address.as_str()).collect();
    let pipe = made.is_ok_and(|status| status.success()).then_some("pipe.md");
    let wanted: Vec<&str> =
        ["dangling.md", "outside.txt"].into_iter().chain(pipe).chain(["socket.md", "sub/loop"]).collect();
    assert_eq!(failed, wanted, "{:?}", ingested.failed);
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_cannot_be_opened_is_listed_and_its_sources_stay() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = Place::new("closed");
    place.write("a.md", b"Words.");
    place.write("closed/b.md", b"Words.");
    place.ingest().await;
    let closed = place.folder.path().join("closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    // Whoever may open everything cannot see this.
    let may_open = fs::read_dir(&closed).is_ok();
    let ingested = place.ingest().await;
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    if !may_open {
        assert_eq!(ingested.removed, 0);
        assert_eq!(ingested.failed.len(), 1, "{:?}", ingested.failed);
    }
}

#[test]
fn where_nobody_watches_there_is_a_line_for_each_tenth() {
    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let page = Page::default();
    let lines = Lines::new(page.clone());
    lines.found(40);
    (0..40).for_each(|_| lines.done("a"));
    let written = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
    assert_eq!(written.lines().count(), 11, "{written}");
    assert!(written.starts_with("ingest: 40 files\ningest: 4 of 40 files\n"), "{written}");
    assert!(written.ends_with("ingest: 40 of 40 files\n"));
}

//! Owns the proof that the store in a folder keeps the port's conduct.
//! Never a bucket: `tests/localstack.rs` and `tests/ministack.rs` try one over the wire.
//! Next: `ArtifactStore`.

use super::*;
use contract::artifact::fetch;
use object_store::local::LocalFileSystem;
use tempfile::TempDir;
use url::Url;

const TEXT: &str = "text/plain";

fn store(folder: &TempDir) -> ArtifactStore {
    let place = Place::of(Some(&Url::from_file_path(folder.path()).unwrap())).unwrap();
    let files = LocalFileSystem::new_with_prefix(folder.path()).unwrap();
    ArtifactStore { store: Arc::new(files), place, known: Mutex::default() }
}

#[tokio::test]
async fn bytes_come_back_by_their_reference() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder);
    let stored = store.put(b"all of it", TEXT).await.unwrap();
    assert_eq!((stored.bytes, stored.mediatype.as_str()), (9, TEXT));
    assert!(stored.uri.starts_with("file:///") && stored.uri.ends_with(stored.sha256.as_str()), "{}", stored.uri);
    assert_eq!(fetch(&store, &stored).await.unwrap(), b"all of it");
}

#[tokio::test]
async fn storing_twice_is_storing_once() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder);
    let first = store.put(b"same", TEXT).await.unwrap();
    assert_eq!(store.put(b"same", TEXT).await.unwrap(), first);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_file_that_lost_its_bytes_is_stored_again() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder);
    let stored = store.put(b"precious", TEXT).await.unwrap();
    std::fs::write(folder.path().join(stored.sha256.as_str()), b"").unwrap();
    store.put(b"precious", TEXT).await.unwrap();
    assert_eq!(fetch(&store, &stored).await.unwrap(), b"precious");
}

#[cfg(unix)]
#[tokio::test]
async fn a_name_that_is_taken_and_leads_nowhere_is_no_reason_to_give_up() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder);
    let name = folder.path().join(Digest::of(b"precious").as_str());
    std::os::unix::fs::symlink(folder.path().join("nowhere"), name).unwrap();
    let stored = store.put(b"precious", TEXT).await.unwrap();
    assert_eq!(fetch(&store, &stored).await.unwrap(), b"precious");
}

#[tokio::test]
async fn a_folders_files_are_on_the_disk_before_anybody_is_told_of_them() {
    let folder = TempDir::new().unwrap();
    let place = Place::of(Some(&Url::from_file_path(folder.path()).unwrap())).unwrap();
    let loader = crate::clients::environment().region(aws_config::Region::new("us-east-1"));
    let clients = crate::clients::Clients::load(loader, crate::clients::Limits::default()).await;
    // A power cut is out of a test's reach: the store says of itself that it syncs.
    let store = format!("{:?}", place.store(&clients).await.unwrap());
    assert!(store.contains("fsync: true"), "{store}");
}

#[tokio::test]
async fn bytes_that_are_not_there_are_a_permanent_error() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder);
    let absent = store.uri(&Digest::of(b"never stored"));
    assert!(matches!(store.get(&absent).await, Err(PortError::Permanent { .. })));
}

#[tokio::test]
async fn a_uri_that_was_not_made_here_reads_nothing() {
    let (outer, hash) = (TempDir::new().unwrap(), Digest::of(b"secret"));
    let folder = TempDir::new_in(outer.path()).unwrap();
    std::fs::write(outer.path().join(hash.as_str()), b"secret").unwrap();
    std::fs::write(folder.path().join("plain"), b"secret").unwrap();
    let store = store(&folder);
    let base = store.place.uri();
    for uri in [
        format!("{base}/../{hash}"),
        format!("{base}/plain"),
        format!("{base}//{hash}"),
        format!("{base}/{}", hash.as_str().to_uppercase()),
        format!("file://{}/{hash}", outer.path().display()),
        format!("https://example.com/{hash}"),
        format!("{hash}"),
        String::new(),
    ] {
        assert!(matches!(store.get(&uri).await, Err(PortError::Permanent { .. })), "{uri}");
    }
}

#[tokio::test]
async fn what_is_over_the_limit_is_neither_stored_nor_read() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder);
    let large = vec![0_u8; ARTIFACT_BYTES_MAX + 1];
    assert!(matches!(store.put(&large, TEXT).await, Err(PortError::Permanent { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let name = Digest::of(b"somebody else's");
    std::fs::File::create(folder.path().join(name.as_str())).unwrap().set_len(large.len() as u64).unwrap();
    assert!(matches!(store.get(&store.uri(&name)).await, Err(PortError::Permanent { .. })));
}

#[tokio::test]
async fn old_versions_lose_their_names_and_whoever_holds_one_reads_on() {
    let folder = TempDir::new().unwrap();
    let (store, daemon) = (store(&folder), store(&folder));
    let first = store.put(b"1", TEXT).await.unwrap();
    assert!(store.publish("collection-a", 1, &first).await.unwrap());
    assert_eq!(daemon.latest("collection-a").await.unwrap(), Some((1, first.clone())));
    for version in 2..=40_u64 {
        let next = store.put(version.to_string().as_bytes(), TEXT).await.unwrap();
        assert!(store.publish("collection-a", version, &next).await.unwrap());
    }
    let names = std::fs::read_dir(folder.path().join("names/collection-a")).unwrap().count();
    assert_eq!(names as u64, artifact::VERSIONS_KEPT);
    assert_eq!(fetch(&daemon, &first).await.unwrap(), b"1", "its bytes are where they were");
    assert_eq!(daemon.latest("collection-a").await.unwrap().map(|(version, _)| version), Some(40));
    // What is known is not read again: nobody misses its file's bytes.
    let name = daemon.listed("collection-a").await.unwrap().pop().unwrap().1;
    assert!(daemon.known("collection-a", &name).is_some());
    assert_eq!(daemon.latest("collection-a").await.unwrap().map(|(version, _)| version), Some(40));
}

#[tokio::test]
async fn whoever_is_so_far_behind_that_its_version_lost_its_name_is_refused() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder);
    for version in 1..=40_u64 {
        let next = store.put(version.to_string().as_bytes(), TEXT).await.unwrap();
        assert!(store.publish("collection-a", version, &next).await.unwrap());
    }
    let late = store.put(b"upon the first", TEXT).await.unwrap();
    assert!(!store.publish("collection-a", 2, &late).await.unwrap());
    assert!(!store.publish("collection-a", 40, &late).await.unwrap());
    assert_eq!(store.latest("collection-a").await.unwrap().map(|(version, _)| version), Some(40));
    let left: Vec<u64> = store.listed("collection-a").await.unwrap().into_iter().map(|(version, _)| version).collect();
    assert_eq!(left, (25..=40).collect::<Vec<_>>());
}

#[test]
fn a_place_is_a_folder_or_a_bucket() {
    let of = |text: &str| Place::of(Some(&text.parse().unwrap()));
    assert_eq!(of("file:///a/b%20c").unwrap().uri(), "file:///a/b%20c");
    let bucket = of("s3://a-bucket/some/prefix/").unwrap();
    assert_eq!(bucket.uri(), "s3://a-bucket/some/prefix");
    assert!(bucket.is_bucket());
    assert_eq!(of("s3://a-bucket").unwrap().uri(), "s3://a-bucket");
    assert!(matches!(of("https://a-bucket/x"), Err(ArtifactsError::Unknown(_))));
    assert_eq!(Place::of(None), Err(ArtifactsError::Homeless));
}

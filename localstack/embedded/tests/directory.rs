//! What a data directory must and must not be: locked, of a later version, full, or not to be made.
//! Never a server that runs on over what it cannot store.
//! Next: `store`.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use embedded_cloud::{EmbeddedCloud, Options, StartError, StoreError};

#[tokio::test]
async fn a_directory_in_use_is_refused_and_free_again_after_a_stop() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let first = EmbeddedCloud::start(Options::in_directory(directory.path())).await?;
    let second = EmbeddedCloud::start(Options::in_directory(directory.path())).await;
    ensure!(matches!(second, Err(StartError::Store(StoreError::Locked(_)))), "{second:?}");
    first.stop().await;
    EmbeddedCloud::start(Options::in_directory(directory.path())).await?.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_directory_of_a_later_version_is_refused_and_left_as_it_is() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    EmbeddedCloud::start(Options::in_directory(directory.path())).await?.stop().await;
    let file = directory.path().join("cloud.sqlite");
    rusqlite::Connection::open(&file)?.pragma_update(None, "user_version", 99)?;
    let started = EmbeddedCloud::start(Options::in_directory(directory.path())).await;
    let why = started.err().context("it started")?.to_string();
    ensure!(why.contains("later version (format 99"), "{why}");
    let found: i64 = rusqlite::Connection::open(&file)?.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    ensure!(found == 99);
    Ok(())
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_refused_with_its_name() -> anyhow::Result<()> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("file");
    std::fs::write(&file, "in the way")?;
    let started = EmbeddedCloud::start(Options::in_directory(file.join("data"))).await;
    let why = started.err().context("it started")?.to_string();
    ensure!(why.contains("file/data"), "{why}");
    Ok(())
}

#[tokio::test]
async fn a_port_in_use_is_refused_with_its_address() -> anyhow::Result<()> {
    let first = EmbeddedCloud::start(Options::in_memory()).await?;
    let listen: SocketAddr = first.endpoint().strip_prefix("http://").context("http")?.parse()?;
    let second = EmbeddedCloud::start(Options { listen, ..Options::in_memory() }).await;
    let why = second.err().context("it started")?.to_string();
    ensure!(why.contains(&listen.to_string()), "{why}");
    Ok(())
}

/// Read leniently, its name would be that of a directory beside it.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_directory_whose_name_is_not_utf_8_is_refused_and_takes_no_other_ones_tables() -> anyhow::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    let directory = tempfile::tempdir()?;
    let other = directory.path().join("data-\u{fffd}");
    std::fs::create_dir(&other)?;
    let data = directory.path().join(std::ffi::OsStr::from_bytes(b"data-\xff"));
    let started = EmbeddedCloud::start(Options::in_directory(&data)).await;
    let why = started.err().context("it started")?.to_string();
    ensure!(why.contains("not UTF-8"), "{why}");
    ensure!(!other.join("dynamodb.sqlite").exists());
    Ok(())
}

//! Owns what becomes of a collection's versions: picked up, unchanged, removed, damaged, published by two at once.
//! Never asks how well something is found: `finding` does.
//! Next: `engine::corpus::{index, library}`.

use std::sync::Arc;
use std::time::Duration;

use contract::{Artifacts, PortError};
use engine::corpus::Library;
use engine::corpus::index::Builder;
use testkit::memory::MemoryArtifacts;

use super::folder::FolderArtifacts;
use super::readings::{add, addresses, ask, publish, stamp};

const ROOST: &str = "# Roost\n\nThe Roost plan costs nine dollars a month and sends one million messages.\n";
const FLYWAY: &str = "# Flyway\n\nFlyway is for larger teams: retention of ninety days and single sign-on.\n";

fn memory() -> (Arc<MemoryArtifacts>, Arc<dyn Artifacts>) {
    let memory = Arc::new(MemoryArtifacts::new());
    (Arc::clone(&memory), memory)
}

#[tokio::test(start_paused = true)]
async fn two_daemons_pick_up_a_new_version_without_a_restart() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    for store in [memory().1, Arc::new(FolderArtifacts(folder.path().to_owned()))] {
        let (one, other) = (Library::new(), Library::new());
        assert_eq!(publish(&store, "plans", &[("roost.md", ROOST)]).await?, 1);
        for library in [&one, &other] {
            assert_eq!(
                ask(library, &store, "plans", "What does the Roost plan cost?").await?.versions,
                [("plans".to_owned(), 1)]
            );
            assert!(ask(library, &store, "plans", "retention of Flyway").await?.passages.is_empty());
        }
        assert_eq!(publish(&store, "plans", &[("flyway.md", FLYWAY)]).await?, 2);
        tokio::time::advance(Duration::from_millis(1_001)).await;
        for library in [&one, &other] {
            let found = ask(library, &store, "plans", "retention of Flyway").await?;
            assert_eq!((addresses(&found), found.versions.clone()), (vec!["flyway.md"], vec![("plans".to_owned(), 2)]));
            assert_eq!(addresses(&ask(library, &store, "plans", "Roost cost").await?), ["roost.md"]);
        }
    }
    Ok(())
}

#[tokio::test]
async fn unchanged_content_publishes_nothing() -> anyhow::Result<()> {
    let (memory, store) = memory();
    publish(&store, "plans", &[("roost.md", ROOST)]).await?;
    let stored = memory.uris();
    assert_eq!(publish(&store, "plans", &[("roost.md", ROOST)]).await?, 1);
    assert_eq!(publish(&store, "plans", &[]).await?, 1);
    assert_eq!(memory.uris(), stored);
    let builder = Builder::open("plans", &store).await?;
    assert_eq!(builder.stamps().iter().collect::<Vec<_>>(), [(&"roost.md".to_owned(), &stamp(ROOST))]);
    Ok(())
}

#[tokio::test]
async fn an_empty_collection_exists_and_a_collection_that_nobody_made_does_not() -> anyhow::Result<()> {
    let (_, store) = memory();
    let library = Library::new();
    let found = ask(&library, &store, "plans", "Roost").await?;
    assert_eq!((found.unknown, found.versions), (vec!["plans".to_owned()], vec![]));
    assert_eq!(publish(&store, "plans", &[]).await?, 1);
    let found = ask(&library, &store, "plans", "Roost").await?;
    assert_eq!((found.unknown, found.versions), (vec![], vec![("plans".to_owned(), 1)]));
    Ok(())
}

#[tokio::test]
async fn a_removed_source_is_not_found_any_more_and_a_changed_one_says_what_it_says_now() -> anyhow::Result<()> {
    let (_, store) = memory();
    publish(&store, "plans", &[("roost.md", ROOST), ("flyway.md", FLYWAY)]).await?;
    let builder = Builder::open("plans", &store).await?;
    builder.remove("flyway.md")?;
    add(&builder, "plans", "roost.md", &ROOST.replace("nine", "eleven"))?;
    assert_eq!(builder.publish(&store).await?, 2);
    let library = Library::new();
    assert!(ask(&library, &store, "plans", "retention of Flyway, single sign-on").await?.passages.is_empty());
    let found = ask(&library, &store, "plans", "How many dollars is the Roost plan?").await?;
    assert_eq!(found.passages.len(), 1);
    assert!(found.passages[0].quote.contains("eleven dollars"), "{}", found.passages[0].quote);
    assert_eq!(Builder::open("plans", &store).await?.stamps().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_damaged_part_is_refused_by_its_hash() -> anyhow::Result<()> {
    let (memory, store) = memory();
    publish(&store, "plans", &[("roost.md", ROOST)]).await?;
    for uri in memory.uris() {
        assert!(memory.corrupt(&uri));
        let refused = ask(&Library::new(), &store, "plans", "Roost").await;
        let builder = Builder::open("plans", &store).await;
        // The stamps are read by whoever builds, the files by whoever asks, too.
        assert!(refused.is_err() || builder.is_err(), "{uri} was believed");
        assert!(memory.corrupt(&uri));
    }
    assert_eq!(ask(&Library::new(), &store, "plans", "Roost").await?.passages.len(), 1);
    Ok(())
}

#[tokio::test]
async fn who_publishes_second_adds_to_the_first_and_loses_nothing() -> anyhow::Result<()> {
    let (_, store) = memory();
    publish(&store, "plans", &[("old.md", "# Old\n\nAbout pigeons that carried messages.\n")]).await?;
    let (one, other) = (Builder::open("plans", &store).await?, Builder::open("plans", &store).await?);
    add(&one, "plans", "roost.md", ROOST)?;
    add(&other, "plans", "flyway.md", FLYWAY)?;
    add(&other, "plans", "roost.md", ROOST)?;
    other.remove("old.md")?;
    assert_eq!(one.publish(&store).await?, 2);
    assert_eq!(other.publish(&store).await?, 3);
    let (library, builder) = (Library::new(), Builder::open("plans", &store).await?);
    assert_eq!(builder.stamps().keys().collect::<Vec<_>>(), ["flyway.md", "roost.md"]);
    assert_eq!(addresses(&ask(&library, &store, "plans", "What does the Roost plan cost?").await?), ["roost.md"]);
    assert_eq!(addresses(&ask(&library, &store, "plans", "retention of Flyway").await?), ["flyway.md"]);
    assert!(ask(&library, &store, "plans", "pigeons").await?.passages.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_name_that_could_be_mistaken_is_refused_for_good() {
    let (_, store) = memory();
    for name in ["", "Plans", "a/b", "../x", "plans ", "x".repeat(41).as_str()] {
        let refused = Builder::open(name, &store).await.map(drop);
        assert!(
            matches!(&refused, Err(PortError::Permanent { reason }) if reason.contains("a to z")),
            "{name:?}: {refused:?}"
        );
        // Who asks is told that there is none: the other collections of the question are still searched.
        assert!(
            ask(&Library::new(), &store, name, "Roost").await.is_ok_and(|found| found.unknown == [name]),
            "{name:?}"
        );
    }
}

#[tokio::test]
async fn many_versions_leave_few_files_and_every_source() -> anyhow::Result<()> {
    let (_, store) = memory();
    for number in 0..16 {
        let text = format!("# Plan {number}\n\nThe plan with the code word{number}x is for teams.\n");
        publish(&store, "plans", &[(&format!("{number}.md"), text.as_str())]).await?;
    }
    let library = Library::new();
    for number in 0..16 {
        let found = ask(&library, &store, "plans", &format!("word{number}x")).await?;
        assert_eq!(addresses(&found), [format!("{number}.md")]);
    }
    Ok(())
}

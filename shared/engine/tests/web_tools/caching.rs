//! Owns the proof that a page is fetched once a day by all tasks, outlives its daemon, and is replayed from the record.
//! Never sleeps: ages are of a clock that is moved by hand.
//! Next: `desk` has the workplace.

use std::sync::Arc;
use std::time::Duration;

use contract::{Answered, Artifacts, PortError, Workplace};
use engine::Mind;
use engine::tools::Toolbox;
use engine::tools::fetch::{self, Fetch, Settings};
use testkit::memory::MemoryArtifacts;
use wiremock::matchers::{header, headers, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::desk::{DAY, Desk, asked, fetch, serving, settings, shows, text};

#[tokio::test]
async fn a_page_is_fetched_once_a_day() -> anyhow::Result<()> {
    let (server, desk) = (serving("/page", text("hello")).await, Desk::new());
    let (fetch, url) = (fetch(&server), format!("{}/page", server.uri()));
    let first = fetch.page(&url, &desk).await?;
    desk.time.advance(DAY - Duration::from_millis(1));
    assert_eq!(fetch.page(&url, &desk).await?, first);
    assert_eq!(fetch.page(&format!("{url}#part"), &desk).await?, first);
    assert_eq!(asked(&server, "/page").await, 1);
    desk.time.advance(Duration::from_millis(1));
    assert!(fetch.page(&url, &desk).await?.fetched_at > first.fetched_at);
    assert_eq!(asked(&server, "/page").await, 2);
    fetch.page(&format!("{url}?other"), &desk).await?;
    assert_eq!(asked(&server, "/page").await, 3);
    Ok(())
}

#[tokio::test]
async fn an_expired_page_is_asked_for_only_if_it_changed() -> anyhow::Result<()> {
    let (server, desk) = (MockServer::start().await, Desk::new());
    let marked =
        text("first").insert_header("etag", "\"v1\"").insert_header("last-modified", "Tue, 17 Nov 2026 00:00:00 GMT");
    let conditional = Mock::given(method("GET"))
        .and(header("if-none-match", "\"v1\""))
        .and(headers("if-modified-since", vec!["Tue", "17 Nov 2026 00:00:00 GMT"]))
        .respond_with(ResponseTemplate::new(304))
        .up_to_n_times(1);
    server.register(conditional.expect(1)).await;
    shows(&server, "/page", marked).await;
    shows(&server, "/moved", ResponseTemplate::new(302).insert_header("location", "/page")).await;
    let (fetch, url) = (fetch(&server), format!("{}/moved", server.uri()));
    let first = fetch.page(&url, &desk).await?;
    desk.time.advance(DAY);
    let same = fetch.page(&url, &desk).await?;
    assert_eq!((same.body.clone(), same.status), (first.body.clone(), 200));
    assert!(same.fetched_at > first.fetched_at);
    assert_eq!(asked(&server, "/page").await, 2);
    desk.time.advance(DAY - Duration::from_millis(1));
    assert_eq!(fetch.page(&url, &desk).await?, same, "a confirmed page is as good as a new one");
    Ok(())
}

#[tokio::test]
async fn a_failure_is_not_remembered_and_costs_no_page() -> anyhow::Result<()> {
    let (server, desk) = (MockServer::start().await, Desk::new());
    let (fetch, url) = (fetch(&server), format!("{}/page", server.uri()));
    assert!(fetch.page(&url, &desk).await.is_err());
    shows(&server, "/page", text("hello").insert_header("etag", "\"v1\"")).await;
    fetch.page(&url, &desk).await?;
    desk.time.advance(DAY);
    server.reset().await;
    shows(&server, "/page", ResponseTemplate::new(500)).await;
    assert!(matches!(fetch.page(&url, &desk).await, Err(PortError::Transient { .. })));
    server.reset().await;
    let confirmed = Mock::given(header("if-none-match", "\"v1\"")).respond_with(ResponseTemplate::new(304));
    server.register(confirmed).await;
    assert_eq!(fetch.page(&url, &desk).await?.read(&**desk.artifacts()).await?, b"hello");
    Ok(())
}

#[tokio::test]
async fn pages_outlive_their_daemon() -> anyhow::Result<()> {
    let artifacts: Arc<dyn Artifacts> = Arc::new(MemoryArtifacts::new());
    let server = serving("/page", text("x".repeat(20_000))).await;
    let url = format!("{}/page", server.uri());
    let first = fetch(&server).page(&url, &Desk::with(artifacts.clone(), None)).await?;
    let desk = Desk::with(artifacts.clone(), None);
    let again = fetch(&server);
    assert_eq!(again.page(&url, &desk).await?, first);
    assert_eq!(asked(&server, "/page").await, 1);
    desk.time.advance(DAY);
    again.page(&url, &desk).await?;
    // Whoever starts now finds the newer one.
    let third = Desk::with(artifacts, None);
    third.time.advance(DAY);
    fetch(&server).page(&url, &third).await?;
    assert_eq!(asked(&server, "/page").await, 2);
    Ok(())
}

#[tokio::test]
async fn a_cache_whose_bytes_were_changed_is_not_believed() -> anyhow::Result<()> {
    let store = Arc::new(MemoryArtifacts::new());
    let server = serving("/page", text("hello")).await;
    let url = format!("{}/page", server.uri());
    fetch(&server).page(&url, &Desk::with(store.clone(), None)).await?;
    for uri in store.uris() {
        store.corrupt(&uri);
    }
    fetch(&server).page(&url, &Desk::with(store, None)).await?;
    assert_eq!(asked(&server, "/page").await, 2);
    Ok(())
}

#[tokio::test]
async fn what_may_not_be_stored_is_not() -> anyhow::Result<()> {
    let page = text("hello").insert_header("cache-control", "private, No-Store");
    let (server, desk) = (serving("/page", page).await, Desk::new());
    let (fetch, url) = (fetch(&server), format!("{}/page", server.uri()));
    fetch.page(&url, &desk).await?;
    fetch.page(&url, &desk).await?;
    assert_eq!(asked(&server, "/page").await, 2);
    Ok(())
}

#[tokio::test]
async fn tasks_that_want_one_page_at_once_fetch_it_once() -> anyhow::Result<()> {
    let page = text("hello").set_delay(Duration::from_millis(50));
    let (server, desk) = (serving("/page", page).await, Desk::new());
    let (fetch, url) = (fetch(&server), format!("{}/page", server.uri()));
    let tasks = (0..8).map(|_| fetch.page(&url, &desk));
    for page in futures_util::future::join_all(tasks).await {
        page?;
    }
    assert_eq!((asked(&server, "/page").await, asked(&server, "/robots.txt").await), (1, 1));
    Ok(())
}

#[tokio::test]
async fn a_fetch_is_noted_small_and_replayed_without_a_server() -> anyhow::Result<()> {
    let artifacts: Arc<dyn Artifacts> = Arc::new(MemoryArtifacts::new());
    let (server, mind) = (serving("/page", text("y".repeat(200_000))).await, Mind::offline());
    let desk = Desk::with(artifacts.clone(), None);
    let tools = Toolbox::of(vec![Box::new(fetch(&server))]);
    let (url, gone) = (format!("{}/page", server.uri()), format!("{}/gone", server.uri()));
    let page = fetch::asked(&tools, &mind.at(&desk).exchanges, &url).await?;
    let missing = fetch::asked(&tools, &mind.at(&desk).exchanges, &gone).await;
    let noted = desk.noted.lock().map_err(|_| anyhow::anyhow!("a test panicked"))?.clone();
    assert_eq!((noted.len(), noted[0].name.as_str()), (2, "fetch"));
    assert!(serde_json::to_string(&noted[0])?.len() < 1500 && matches!(noted[1].answer, Answered::Failed(_)));
    drop(server);
    let replay = Desk::with(artifacts, Some(noted));
    let closed = Toolbox::of(vec![Box::new(Fetch::of(Settings::default()))]);
    let exchanges = mind.at(&replay).exchanges;
    let again = fetch::asked(&closed, &exchanges, &url).await?;
    assert_eq!(again, page);
    assert_eq!(again.read(&**replay.artifacts()).await?.len(), 200_000);
    assert_eq!(fetch::asked(&closed, &exchanges, &gone).await, missing);
    let other = fetch::asked(&closed, &exchanges, "http://example.com/").await;
    assert!(
        matches!(&other, Err(PortError::Permanent { reason }) if reason.contains("a replay asks nobody")),
        "{other:?}"
    );
    Ok(())
}

#[tokio::test]
async fn without_a_cache_every_page_is_asked_for() -> anyhow::Result<()> {
    let (server, desk) = (serving("/page", text("hello")).await, Desk::new());
    let fetch = Fetch::of(Settings { fresh: Duration::ZERO, ..settings(server.address()) });
    for _ in 0..2 {
        fetch.page(&format!("{}/page", server.uri()), &desk).await?;
    }
    assert_eq!(asked(&server, "/page").await, 2);
    Ok(())
}

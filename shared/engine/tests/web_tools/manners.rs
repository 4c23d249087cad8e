//! Owns the proof of manners: robots.txt is read once a day and obeyed, and no site is asked more often than it likes.
//! Never waits in real time: the clock is moved by hand, and paces are tried under paused time.
//! Next: `caching` for what is not asked at all.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use contract::PortError;
use engine::tools::fetch::{Fetch, Pace, Settings};
use tokio::time::Instant;
use wiremock::{MockServer, ResponseTemplate};

use super::desk::{DAY, Desk, PUBLIC, Raw, Script, Then, asked, fetch, serving, settings, shows, text};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

async fn with_robots(robots: &str) -> MockServer {
    let server = serving("/robots.txt", text(robots)).await;
    for page in ["/", "/public", "/private/page", "/private/open"] {
        shows(&server, page, text("hello")).await;
    }
    server
}

async fn forbidden(fetch: &Fetch, server: &MockServer, page: &str) -> bool {
    match fetch.page(&format!("{}{page}", server.uri()), &Desk::new()).await {
        Err(PortError::Permanent { reason }) => reason.contains("robots.txt") && reason.contains("forbids"),
        _ => false,
    }
}

#[tokio::test]
async fn what_robots_txt_forbids_us_is_not_fetched() -> anyhow::Result<()> {
    let desk = Desk::new();
    let all = "User-agent: *\nDisallow: /private/\nAllow: /private/open\n";
    let server = with_robots(all).await;
    let fetch_all = fetch(&server);
    assert!(forbidden(&fetch_all, &server, "/private/page").await);
    assert_eq!(asked(&server, "/private/page").await, 0);
    fetch_all.page(&format!("{}/private/open", server.uri()), &desk).await?;
    fetch_all.page(&format!("{}/public", server.uri()), &desk).await?;
    let others = with_robots("User-agent: otherbot\nDisallow: /\n").await;
    fetch(&others).page(&format!("{}/public", others.uri()), &desk).await?;
    let ours = with_robots("User-agent: *\nAllow: /\n\nUser-agent: Murmuration\nDisallow: /\n").await;
    assert!(forbidden(&fetch(&ours), &ours, "/public").await);
    Ok(())
}

#[tokio::test]
async fn robots_txt_is_read_once_a_day() -> anyhow::Result<()> {
    let desk = Desk::new();
    let server = with_robots("User-agent: *\nDisallow: /private/\n").await;
    let fetch = Fetch::of(Settings { fresh: Duration::ZERO, ..settings(server.address()) });
    let url = format!("{}/public", server.uri());
    for _ in 0..3 {
        fetch.page(&url, &desk).await?;
    }
    assert_eq!((asked(&server, "/robots.txt").await, asked(&server, "/public").await), (1, 3));
    desk.time.advance(DAY - Duration::from_millis(1));
    fetch.page(&url, &desk).await?;
    assert_eq!(asked(&server, "/robots.txt").await, 1);
    desk.time.advance(Duration::from_millis(1));
    fetch.page(&url, &desk).await?;
    assert_eq!(asked(&server, "/robots.txt").await, 2);
    Ok(())
}

#[tokio::test]
async fn a_robots_txt_that_is_missing_allows_and_one_that_cannot_be_had_forbids() -> anyhow::Result<()> {
    for status in [400, 401, 403, 404, 410] {
        let server = serving("/robots.txt", ResponseTemplate::new(status)).await;
        shows(&server, "/page", text("hello")).await;
        fetch(&server).page(&format!("{}/page", server.uri()), &Desk::new()).await?;
    }
    for status in [429, 500, 502, 503] {
        let server = serving("/robots.txt", ResponseTemplate::new(status)).await;
        shows(&server, "/page", text("hello")).await;
        // One of its own: a server of these tests comes again at the same address, and pages are remembered.
        let (fetch, desk) = (fetch(&server), Desk::new());
        let url = format!("{}/page", server.uri());
        for _ in 0..2 {
            let got = fetch.page(&url, &desk).await;
            let Err(PortError::Transient { why, retry_after }) = got else { anyhow::bail!("{status}: {got:?}") };
            assert!(why.contains("robots.txt") && retry_after == Some(5 * MINUTE), "{status}: {why} {retry_after:?}");
        }
        assert_eq!((asked(&server, "/robots.txt").await, asked(&server, "/page").await), (1, 0), "{status}");
        server.reset().await;
        shows(&server, "/page", text("hello")).await;
        desk.time.advance(5 * MINUTE);
        fetch.page(&url, &desk).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_robots_txt_that_hangs_forbids() -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let at = listener.local_addr()?;
    let fetch = Fetch::of(Settings { robots: Duration::from_millis(200), ..settings(&at) });
    let got = fetch.page(&format!("http://{at}/page"), &Desk::new()).await;
    assert!(matches!(&got, Err(PortError::Transient { why, .. }) if why.contains("robots.txt")), "{got:?}");
    Ok(())
}

#[tokio::test]
async fn a_robots_txt_is_followed_and_judged_like_any_page() -> anyhow::Result<()> {
    let moved = |to: &str| ResponseTemplate::new(301).insert_header("location", to);
    let server = serving("/robots.txt", moved("/rules")).await;
    shows(&server, "/rules", text("User-agent: *\nDisallow: /private/\n")).await;
    assert!(forbidden(&fetch(&server), &server, "/private/page").await);
    let inward = serving("/robots.txt", moved("http://169.254.169.254/latest/")).await;
    shows(&inward, "/page", text("hello")).await;
    let got = fetch(&inward).page(&format!("{}/page", inward.uri()), &Desk::new()).await;
    assert!(matches!(&got, Err(PortError::Permanent { reason }) if reason.contains("is refused")), "{got:?}");
    let endless = serving("/robots.txt", moved("/robots.txt")).await;
    shows(&endless, "/page", text("hello")).await;
    fetch(&endless).page(&format!("{}/page", endless.uri()), &Desk::new()).await?;
    Ok(())
}

#[tokio::test]
async fn only_the_beginning_of_an_endless_robots_txt_counts() -> anyhow::Result<()> {
    let long = format!("User-agent: *\nDisallow: /private/\n{}Disallow: /\n", "# x\n".repeat(200_000));
    let server = with_robots(&long).await;
    let fetch = fetch(&server);
    assert!(forbidden(&fetch, &server, "/private/page").await);
    fetch.page(&format!("{}/public", server.uri()), &Desk::new()).await?;
    Ok(())
}

#[tokio::test]
async fn a_redirect_is_asked_of_the_robots_txt_of_where_it_leads() -> anyhow::Result<()> {
    let to = with_robots("User-agent: *\nDisallow: /private/\n").await;
    let moved = ResponseTemplate::new(302).insert_header("location", "http://other.example.com/private/page");
    shows(&to, "/start", moved).await;
    let mut settings = settings(to.address());
    settings.allow.clear();
    let fetch = Fetch::over(settings, Arc::new(Script::to(*to.address(), &[PUBLIC])));
    let got = fetch.page("http://docs.example.com/start", &Desk::new()).await;
    let expected = "the robots.txt of http://other.example.com forbids";
    assert!(matches!(&got, Err(PortError::Permanent { reason }) if reason.starts_with(expected)), "{got:?}");
    Ok(())
}

#[tokio::test]
async fn who_may_not_wait_any_longer_comes_back_later() -> anyhow::Result<()> {
    let desk = Desk::new();
    let server = with_robots("User-agent: *\nCrawl-delay: 3600\n").await;
    let fetch = Fetch::of(Settings { patience: Duration::ZERO, fresh: Duration::ZERO, ..settings(server.address()) });
    let url = format!("{}/public", server.uri());
    fetch.page(&url, &desk).await?;
    let got = fetch.page(&url, &desk).await;
    let Err(PortError::Transient { why, retry_after: Some(after) }) = got else { anyhow::bail!("{got:?}") };
    // An hour was asked for; nobody waits longer than the bound.
    assert!(why.contains("as often as it may be") && after <= 10 * SECOND && !after.is_zero(), "{why} {after:?}");
    assert_eq!(asked(&server, "/public").await, 1);
    Ok(())
}

#[tokio::test]
async fn a_site_that_says_it_is_asked_too_much_is_left_alone_by_all() -> anyhow::Result<()> {
    let desk = Desk::new();
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "120");
    let server = serving("/busy", busy).await;
    shows(&server, "/page", text("hello")).await;
    let fetch = fetch(&server);
    let first = fetch.page(&format!("{}/busy", server.uri()), &desk).await;
    assert!(
        matches!(&first, Err(PortError::Transient { retry_after: Some(after), .. }) if *after == 2 * MINUTE),
        "{first:?}"
    );
    let other = fetch.page(&format!("{}/page", server.uri()), &desk).await;
    assert!(
        matches!(&other, Err(PortError::Transient { retry_after: Some(after), .. }) if *after > MINUTE),
        "{other:?}"
    );
    assert_eq!(asked(&server, "/page").await, 0);
    Ok(())
}

#[tokio::test]
async fn a_date_in_retry_after_is_understood() -> anyhow::Result<()> {
    // The desk's clock shows 2026-11-18T11:06:40Z.
    let head = "HTTP/1.1 503 Busy\r\nretry-after: Wed, 18 Nov 2026 11:07:40 GMT\r\ncontent-length: 0\r\n\r\n";
    let server = Raw::saying(head, Then::Close).await?;
    let got = Fetch::of(settings(&server.at)).page(&format!("http://{}/", server.at), &Desk::new()).await;
    assert!(matches!(&got, Err(PortError::Transient { retry_after: Some(after), .. }) if *after == MINUTE), "{got:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_site_is_asked_once_a_second_after_a_small_burst() -> anyhow::Result<()> {
    let pace = Pace::of(SECOND, NonZeroU32::MIN.saturating_add(2), MINUTE);
    let began = Instant::now();
    for _ in 0..3 {
        pace.turn("a", None).await?;
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    for turn in 1..=5 {
        pace.turn("a", None).await?;
        let took = began.elapsed();
        assert!(took >= turn * SECOND && took < turn * SECOND + SECOND / 10, "turn {turn} after {took:?}");
    }
    let before = began.elapsed();
    pace.turn("b", None).await?;
    assert_eq!(began.elapsed(), before, "another site does not wait");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_site_that_wants_it_slower_has_no_burst() -> anyhow::Result<()> {
    let pace = Pace::of(SECOND, NonZeroU32::MIN.saturating_add(2), MINUTE);
    let began = Instant::now();
    for _ in 0..3 {
        pace.turn("a", Some(7 * SECOND)).await?;
    }
    let took = began.elapsed();
    assert!(took >= 14 * SECOND && took < 15 * SECOND, "{took:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_the_patience() -> anyhow::Result<()> {
    let pace = Pace::of(10 * SECOND, NonZeroU32::MIN, 5 * SECOND);
    pace.turn("a", None).await?;
    let began = Instant::now();
    let got = pace.turn("a", None).await;
    assert!(
        matches!(&got, Err(PortError::Transient { retry_after: Some(after), .. }) if *after > 9 * SECOND),
        "{got:?}"
    );
    assert_eq!(began.elapsed(), Duration::ZERO);
    tokio::time::advance(10 * SECOND).await;
    pace.turn("a", None).await?;
    pace.close("b", 100_000 * SECOND).await;
    let got = pace.turn("b", None).await;
    assert!(
        matches!(&got, Err(PortError::Transient { retry_after: Some(after), .. }) if *after <= 60 * MINUTE),
        "{got:?}"
    );
    tokio::time::advance(60 * MINUTE).await;
    pace.turn("b", None).await?;
    Ok(())
}

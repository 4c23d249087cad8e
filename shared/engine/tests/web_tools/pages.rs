//! Owns the proof that whatever a server says, a fetch ends: in a page, or in a clear error of the right kind, in time.
//! Never sleeps: the limits are small, and the servers are as slow or as loud as they like.
//! Next: `manners` for how often, `caching` for how long.

use std::time::Duration;

use contract::{PortError, Workplace};
use engine::tools::fetch::{Body, Fetch, Settings};
use wiremock::ResponseTemplate;

use super::desk::{Desk, Raw, Then, asked, fetch, serving, settings, shows, text};

fn permanent<T: std::fmt::Debug>(outcome: Result<T, PortError>) -> anyhow::Result<String> {
    match outcome {
        Err(PortError::Permanent { reason }) => Ok(reason),
        other => anyhow::bail!("{other:?}"),
    }
}

fn transient<T: std::fmt::Debug>(outcome: Result<T, PortError>) -> anyhow::Result<(String, Option<Duration>)> {
    match outcome {
        Err(PortError::Transient { why, retry_after }) => Ok((why, retry_after)),
        other => anyhow::bail!("{other:?}"),
    }
}

#[tokio::test]
async fn a_page_comes_as_it_is_with_where_it_was_found() -> anyhow::Result<()> {
    let latin = ResponseTemplate::new(200).set_body_raw(b"caf\xe9".to_vec(), "Text/HTML; charset=ISO-8859-1");
    let (server, desk) = (serving("/latin", latin).await, Desk::new());
    shows(&server, "/old", ResponseTemplate::new(301).insert_header("location", "/older")).await;
    shows(&server, "/older", ResponseTemplate::new(307).insert_header("location", "latin#part")).await;
    let page = fetch(&server).page(&format!("{}/old", server.uri()), &desk).await?;
    assert_eq!(page.url, format!("{}/latin", server.uri()));
    assert_eq!(page.redirects, [format!("{}/old", server.uri()), format!("{}/older", server.uri())]);
    assert_eq!((page.status, page.mediatype.as_str(), page.bytes), (200, "Text/HTML; charset=ISO-8859-1", 4));
    assert_eq!(page.read(&**desk.artifacts()).await?, b"caf\xe9");
    assert_eq!(page.fetched_at, desk.clock().now());
    let requests = server.received_requests().await.unwrap_or_default();
    let agents: Vec<_> = requests.iter().filter_map(|request| request.headers.get("user-agent")).collect();
    assert!(agents.len() == requests.len() && agents.iter().all(|agent| *agent == "murmuration"));
    Ok(())
}

#[tokio::test]
async fn a_long_body_is_an_artifact_and_a_short_one_is_text() -> anyhow::Result<()> {
    let (server, desk) = (serving("/short", text("x".repeat(16 * 1024))).await, Desk::new());
    shows(&server, "/long", text("x".repeat(16 * 1024 + 1))).await;
    let fetch = fetch(&server);
    let short = fetch.page(&format!("{}/short", server.uri()), &desk).await?;
    assert!(matches!(short.body, Body::Text(_)));
    let long = fetch.page(&format!("{}/long", server.uri()), &desk).await?;
    assert!(matches!(&long.body, Body::Kept(reference) if reference.bytes == 16 * 1024 + 1));
    assert_eq!(long.read(&**desk.artifacts()).await?.len(), 16 * 1024 + 1);
    Ok(())
}

#[tokio::test]
async fn a_body_over_its_cap_is_refused_whether_it_says_so_or_not() -> anyhow::Result<()> {
    let desk = Desk::new();
    let header = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n";
    let tells = format!("{header}content-length: 100001\r\n\r\n");
    let streams = format!("{header}\r\n");
    let again = Then::Again(vec![b'x'; 4096], Duration::ZERO);
    for (head, then) in [(tells, Then::Hang), (streams, again)] {
        let server = Raw::saying(head, then).await?;
        let fetch = Fetch::of(Settings { bytes_max: 100_000, ..settings(&server.at) });
        let why = permanent(fetch.page(&format!("http://{}/", server.at), &desk).await)?;
        assert!(why.contains("larger than 100000 bytes"), "{why}");
    }
    let server = serving("/just", text("x".repeat(100_000))).await;
    let fetch = Fetch::of(Settings { bytes_max: 100_000, ..settings(server.address()) });
    assert_eq!(fetch.page(&format!("{}/just", server.uri()), &desk).await?.bytes, 100_000);
    Ok(())
}

/// Zeros in deflate's fixed codes: one of them, and then 258 more for each 13 bits.
fn bomb(repetitions: usize) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::new();
    let code = |value: u32, length: u32| (0..length).rev().map(move |bit| value >> bit & 1 == 1);
    bits.extend([true, true, false]);
    bits.extend(code(0b0011_0000, 8));
    for _ in 0..repetitions {
        bits.extend(code(0b1100_0101, 8).chain(code(0, 5)));
    }
    bits.extend(code(0, 7));
    let byte = |bits: &[bool]| bits.iter().enumerate().map(|(at, bit)| u8::from(*bit) << at).sum::<u8>();
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    gzip.extend(bits.chunks(8).map(byte));
    gzip
}

#[tokio::test]
async fn a_gzip_bomb_is_refused_at_the_cap() -> anyhow::Result<()> {
    let desk = Desk::new();
    let packed = bomb(200_000);
    assert!(packed.len() < 400_000, "{} bytes make 51 million", packed.len());
    let page = ResponseTemplate::new(200).insert_header("content-encoding", "gzip").set_body_raw(packed, "text/plain");
    let server = serving("/bomb", page).await;
    let why = permanent(fetch(&server).page(&format!("{}/bomb", server.uri()), &desk).await)?;
    assert!(why.contains("larger than 5000000 bytes"), "{why}");
    Ok(())
}

#[tokio::test]
async fn a_body_that_drips_and_a_server_that_hangs_end_in_time() -> anyhow::Result<()> {
    let desk = Desk::new();
    let header = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n";
    let drip = Then::Again(b"x".to_vec(), Duration::from_millis(10));
    for (head, then) in [(header, drip), (header, Then::Hang), ("", Then::Hang), ("HTTP/1.1 200", Then::Hang)] {
        let server = Raw::saying(head, then.clone()).await?;
        let short = Settings { whole: Duration::from_millis(400), ..settings(&server.at) };
        let (why, _) = transient(Fetch::of(short).page(&format!("http://{}/", server.at), &desk).await)?;
        assert!(why.contains("took longer than 400ms"), "{head:?} {then:?}: {why}");
    }
    Ok(())
}

#[tokio::test]
async fn what_breaks_off_or_is_no_answer_may_be_tried_again() -> anyhow::Result<()> {
    let desk = Desk::new();
    let short = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 10\r\n\r\nhalf";
    let cut =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-encoding: gzip\r\n\r\n\x1f\x8b\x08\x00\x00".to_vec();
    for head in [short.as_bytes().to_vec(), cut, b"SSH-2.0-OpenSSH\r\n".to_vec(), Vec::new()] {
        let server = Raw::saying(head.clone(), Then::Close).await?;
        let (why, _) = transient(Fetch::of(settings(&server.at)).page(&format!("http://{}/", server.at), &desk).await)?;
        assert!(why.contains("cannot be fetched"), "{head:?}: {why}");
    }
    Ok(())
}

#[tokio::test]
async fn headers_past_their_bounds_are_refused() -> anyhow::Result<()> {
    let desk = Desk::new();
    let long = format!("HTTP/1.1 200 OK\r\nx-long: {}\r\ncontent-length: 0\r\n\r\n", "x".repeat(70_000));
    let server = Raw::saying(long, Then::Close).await?;
    let why = permanent(Fetch::of(settings(&server.at)).page(&format!("http://{}/", server.at), &desk).await)?;
    assert!(why.contains("bytes of headers"), "{why}");
    let lines: String = (0..1000).map(|at| format!("x-{at}: y\r\n")).collect();
    let many = format!("HTTP/1.1 200 OK\r\n{lines}content-length: 0\r\n\r\n");
    let server = Raw::saying(many, Then::Close).await?;
    assert!(Fetch::of(settings(&server.at)).page(&format!("http://{}/", server.at), &desk).await.is_err());
    Ok(())
}

#[tokio::test]
async fn only_what_can_be_read_is_fetched() -> anyhow::Result<()> {
    let desk = Desk::new();
    let server = serving("/none", ResponseTemplate::new(200).set_body_bytes(b"x".to_vec())).await;
    let fetch = fetch(&server);
    let good = ["text/html", "text/markdown; charset=utf-8", "TEXT/CSV", "application/json", "application/pdf"];
    for (at, mediatype) in good.iter().enumerate() {
        shows(&server, &format!("/good{at}"), ResponseTemplate::new(200).set_body_raw("x", mediatype)).await;
        fetch.page(&format!("{}/good{at}", server.uri()), &desk).await?;
    }
    let bad = ["image/png", "application/octet-stream", "video/mp4", "text/htmlx", "application/zip", "text"];
    for (at, mediatype) in bad.iter().enumerate() {
        shows(&server, &format!("/bad{at}"), ResponseTemplate::new(200).set_body_raw("x", mediatype)).await;
        let why = permanent(fetch.page(&format!("{}/bad{at}", server.uri()), &desk).await)?;
        assert!(why.contains("nothing that can be read"), "{mediatype}: {why}");
    }
    let bare = Raw::saying("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx", Then::Close).await?;
    let why = permanent(Fetch::of(settings(&bare.at)).page(&format!("http://{}/", bare.at), &desk).await)?;
    assert!(why.contains("does not say what kind"), "{why}");
    Ok(())
}

#[tokio::test]
async fn each_status_says_whether_to_come_again() -> anyhow::Result<()> {
    let desk = Desk::new();
    for status in [204, 206, 300, 304, 305, 400, 401, 403, 404, 405, 410, 418, 451] {
        let server = serving("/", ResponseTemplate::new(status)).await;
        let why = permanent(fetch(&server).page(&server.uri(), &desk).await)?;
        assert!(why.contains(&status.to_string()), "{status}: {why}");
    }
    for status in [408, 425, 429, 500, 502, 503, 504] {
        let server = serving("/", ResponseTemplate::new(status).insert_header("retry-after", "7")).await;
        let (why, after) = transient(fetch(&server).page(&server.uri(), &desk).await)?;
        assert!(why.contains(&status.to_string()), "{status}: {why}");
        assert_eq!(after, Some(Duration::from_secs(7)), "{status}");
    }
    Ok(())
}

#[tokio::test]
async fn a_url_that_loops_ends_in_a_clear_error() -> anyhow::Result<()> {
    let desk = Desk::new();
    let to = |place: &str| ResponseTemplate::new(302).insert_header("location", place);
    let server = serving("/self", to("/self")).await;
    shows(&server, "/ping", to("/pong")).await;
    shows(&server, "/pong", to("/ping#again")).await;
    for hop in 0..7 {
        shows(&server, &format!("/hop{hop}"), to(&format!("/hop{}", hop + 1))).await;
    }
    shows(&server, "/hop7", text("at last")).await;
    let fetch = fetch(&server);
    for (start, requests) in [("/self", 1), ("/ping", 1)] {
        let why = permanent(fetch.page(&format!("{}{start}", server.uri()), &desk).await)?;
        assert!(why.contains("redirects in a circle"), "{why}");
        assert_eq!(asked(&server, start).await, requests);
    }
    let why = permanent(fetch.page(&format!("{}/hop0", server.uri()), &desk).await)?;
    assert!(why.contains("more than 5 times"), "{why}");
    let page = fetch.page(&format!("{}/hop2", server.uri()), &desk).await?;
    assert_eq!(page.redirects.len(), 5);
    Ok(())
}

#[tokio::test]
async fn a_url_that_is_too_long_is_refused() -> anyhow::Result<()> {
    let why = permanent(
        Fetch::of(Settings::default()).page(&format!("http://example.com/{}", "x".repeat(5000)), &Desk::new()).await,
    )?;
    assert!(why.contains("longer than 4096 bytes") && why.len() < 2000, "{why}");
    Ok(())
}

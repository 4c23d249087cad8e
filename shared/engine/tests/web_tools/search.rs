//! Owns the proof that each provider is asked as it wants to be, and that what it answers is bounded, cleaned and classified.
//! Never a real provider: the shapes are theirs, the servers of this process.
//! Next: `config` for the variables.

use std::collections::BTreeMap;
use std::time::Duration;

use contract::{Partner, PortError, Spend, UnixMs};
use engine::Mind;
use engine::exchange::{Costing, Question};
use engine::tools::Toolbox;
use engine::tools::web::{self, Found, Provider, Settings, WebSearch};
use secrecy::SecretString;
use serde_json::{Value, json};
use wiremock::matchers::{body_partial_json, header, method, path, query_param};
use wiremock::{Mock, MockBuilder, MockServer, ResponseTemplate};

use super::desk::{DAY, Desk, Raw, Then};

const KEY: &str = "sekrit-key-of-a-test";
const NOW: UnixMs = UnixMs(1_795_000_000_000);
const ALL: [Provider; 3] = [Provider::Searxng, Provider::Brave, Provider::Tavily];

fn settings(provider: Provider, at: &str) -> anyhow::Result<Settings> {
    let key = SecretString::from(KEY);
    Ok(Settings { every: Duration::ZERO, ..Settings::new(provider, format!("{at}/search").parse()?, Some(key)) })
}

fn search(provider: Provider, server: &MockServer) -> anyhow::Result<WebSearch> {
    Ok(WebSearch::of(settings(provider, &server.uri())?))
}

/// As each provider wants to be asked, and nothing else.
fn asking(provider: Provider) -> MockBuilder {
    let bearer = format!("Bearer {KEY}");
    match provider {
        Provider::Searxng => Mock::given(method("GET"))
            .and(path("/search"))
            .and(query_param("q", "rust & events"))
            .and(query_param("format", "json")),
        Provider::Brave => Mock::given(method("GET"))
            .and(path("/search"))
            .and(query_param("q", "rust & events"))
            .and(query_param("count", "10"))
            .and(header("x-subscription-token", KEY)),
        Provider::Tavily => Mock::given(method("POST"))
            .and(path("/search"))
            .and(header("authorization", bearer.as_str()))
            .and(body_partial_json(json!({"query": "rust & events", "max_results": 10}))),
    }
}

fn answer(provider: Provider, hits: &[(&str, &str, &str, &str)]) -> Value {
    let list = |title: &str, snippet: &str, date: &str| -> Vec<Value> {
        hits.iter().map(|hit| json!({title: hit.0, "url": hit.1, snippet: hit.2, date: hit.3, "score": 0.5})).collect()
    };
    match provider {
        Provider::Searxng => json!({"query": "x", "number_of_results": 2, "unresponsive_engines": [],
            "results": list("title", "content", "publishedDate")}),
        Provider::Brave => json!({"type": "search", "query": {"original": "x"}, "web": {"type": "search",
            "results": list("title", "description", "page_age")}}),
        Provider::Tavily => json!({"query": "x", "answer": null, "images": [], "response_time": 1.2,
            "results": list("title", "content", "published_date")}),
    }
}

#[tokio::test]
async fn each_provider_is_asked_as_it_wants_to_be_and_its_hits_are_found() -> anyhow::Result<()> {
    let hits = [
        ("One", "https://one.example.com/a#part", "First\n\u{7} snippet", "2026-10-01T08:00:00"),
        ("Two", "http://two.example.com/", "Second", "Thu, 05 Nov 2026 10:00:00 GMT"),
        ("Three", "https://three.example.com/", "Third", "yesterday"),
    ];
    for provider in ALL {
        let server = MockServer::start().await;
        let page = ResponseTemplate::new(200).set_body_json(answer(provider, &hits));
        asking(provider).respond_with(page).expect(1).mount(&server).await;
        let found = search(provider, &server)?.search("  rust &  events ", NOW).await?;
        let one = |title: &str, url: &str, snippet: &str, date: Option<&str>| Found {
            title: title.into(),
            url: url.into(),
            snippet: snippet.into(),
            date: date.map(str::to_owned),
        };
        let wanted = [
            one("One", "https://one.example.com/a", "First snippet", Some("2026-10-01")),
            one("Two", "http://two.example.com/", "Second", Some("2026-11-05")),
            one("Three", "https://three.example.com/", "Third", None),
        ];
        assert_eq!(found, wanted, "{provider:?}");
    }
    Ok(())
}

#[tokio::test]
async fn results_are_capped_bounded_and_of_the_web() -> anyhow::Result<()> {
    let long = "long ".repeat(1000);
    let endless = format!("https://example.com/{}", "x".repeat(3000));
    let mut hits = vec![
        ("twice", "https://example.com/a#1", long.as_str(), ""),
        ("twice", "https://EXAMPLE.com:443/a#2", "", ""),
        ("script", "javascript:alert(1)", "", ""),
        ("file", "file:///etc/passwd", "", ""),
        ("none", "", "", ""),
        ("endless", endless.as_str(), "", ""),
    ];
    let many: Vec<String> = (0..30).map(|at| format!("https://example.com/page{at}")).collect();
    hits.extend(many.iter().map(|url| ("page", url.as_str(), "", "")));
    for provider in ALL {
        let server = MockServer::start().await;
        let mut body = answer(provider, &hits);
        let damaged = json!({"title": 7, "url": []});
        let list = if provider == Provider::Brave { &mut body["web"]["results"] } else { &mut body["results"] };
        list.as_array_mut().ok_or_else(|| anyhow::anyhow!("no list"))?.insert(0, damaged);
        Mock::given(path("/search")).respond_with(ResponseTemplate::new(200).set_body_json(body)).mount(&server).await;
        let found = search(provider, &server)?.search("x", NOW).await?;
        assert_eq!(found.len(), 10, "{provider:?}");
        assert_eq!((found[0].url.as_str(), found[0].snippet.chars().count()), ("https://example.com/a", 600));
        assert!(found[1].url.ends_with("/page0"), "{found:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_search_without_a_hit_is_no_failure() -> anyhow::Result<()> {
    for provider in ALL {
        let server = MockServer::start().await;
        let empty =
            if provider == Provider::Brave { json!({"type": "search", "query": {}}) } else { answer(provider, &[]) };
        Mock::given(path("/search")).respond_with(ResponseTemplate::new(200).set_body_json(empty)).mount(&server).await;
        assert_eq!(search(provider, &server)?.search("x", NOW).await?, [], "{provider:?}");
    }
    Ok(())
}

#[tokio::test]
async fn each_failure_is_classified_and_none_shows_the_key() -> anyhow::Result<()> {
    for provider in ALL {
        for (status, again) in [
            (400, false),
            (401, false),
            (403, false),
            (422, false),
            (432, false),
            (302, false),
            (429, true),
            (500, true),
            (503, true),
        ] {
            let server = MockServer::start().await;
            let page = ResponseTemplate::new(status)
                .insert_header("retry-after", "3")
                .insert_header("location", "http://169.254.169.254/")
                .set_body_string(format!("your key {KEY} is bad"));
            Mock::given(path("/search")).respond_with(page).expect(1).mount(&server).await;
            let got = search(provider, &server)?.search("x", NOW).await;
            let transient = matches!(&got, Err(PortError::Transient { retry_after, .. })
                if *retry_after == Some(Duration::from_secs(3)));
            assert!(got.is_err() && transient == again, "{provider:?} {status}: {got:?}");
            assert!(!format!("{got:?}").contains(KEY), "{got:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn nonsense_a_hang_and_too_much_end_clearly() -> anyhow::Result<()> {
    for nonsense in ["", "<html>", "[]", "{}", "{\"results\": 7}", "null", "{\"web\": {}}"] {
        for provider in ALL {
            let server = MockServer::start().await;
            let page = ResponseTemplate::new(200).set_body_string(nonsense);
            Mock::given(path("/search")).respond_with(page).mount(&server).await;
            let got = search(provider, &server)?.search("x", NOW).await;
            assert!(
                matches!(&got, Err(PortError::Transient { why, .. }) if why.contains("can be read")),
                "{nonsense} {got:?}"
            );
        }
    }
    let header = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
    for (head, then) in [
        (header, Then::Hang),
        ("", Then::Hang),
        ("", Then::Close),
        (header, Then::Again(vec![b' '; 65536], Duration::ZERO)),
    ] {
        let server = Raw::saying(head, then).await?;
        let short = settings(Provider::Brave, &format!("http://{}", server.at))?;
        let got = WebSearch::of(Settings { whole: Duration::from_millis(2000), ..short }).search("x", NOW).await;
        assert!(matches!(&got, Err(PortError::Transient { .. })), "{got:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_key_that_comes_back_in_an_answer_is_removed() -> anyhow::Result<()> {
    let server = MockServer::start().await;
    let snippet = format!("you sent {KEY}");
    let url = format!("https://example.com/?token={KEY}");
    let body = answer(Provider::Tavily, &[(KEY, &url, &snippet, "")]);
    Mock::given(path("/search")).respond_with(ResponseTemplate::new(200).set_body_json(body)).mount(&server).await;
    let (desk, mind) = (Desk::new(), Mind::offline());
    let tools = Toolbox::of(vec![Box::new(search(Provider::Tavily, &server)?)]);
    let found = web::asked(&tools, &mind.at(&desk).exchanges, "x").await?;
    assert_eq!((found.len(), found[0].snippet.as_str()), (1, "you sent [removed]"));
    assert!(!format!("{:?} {tools:?} {found:?}", desk.noted).contains(KEY));
    Ok(())
}

/// Whatever repeats it: another tool's page, an address, a failure. It is letters only, as some are.
#[tokio::test]
async fn the_key_of_the_search_is_in_no_record_of_any_exchange() -> anyhow::Result<()> {
    let key = "letters/and+signs";
    let url = "http://user:proxy-password@proxy.corp.example:3128";
    let own = BTreeMap::from([("MURMUR_SEARCH_KEY", key.to_owned()), ("MURMUR_FETCH_PROXY", url.to_owned())]);
    let (desk, mind) = (Desk::new(), Mind::of("research", &own).map_err(anyhow::Error::msg)?);
    let sitting = mind.at(&desk);
    let question = |request| Question { with: Partner::Tool, name: "fetch".into(), request, prompt: None };
    let echo = json!({
        "url": "https://example.com/?q=letters%2Fand%2Bsigns",
        "headers": {"x-subscription-token": key, "via": "proxy-password"},
        "text": format!("you sent {key}"),
    });
    let told = sitting
        .exchanges
        .made(question(json!({"asked": key})), async || Ok(Costing { answer: echo.clone(), cost: Spend::default() }));
    let told = told.await?;
    let failed = sitting
        .exchanges
        .made(question(json!({"asked": "again"})), async || Err(PortError::permanent(format!("{key} is no key"))));
    let failed = failed.await.err().ok_or_else(|| anyhow::anyhow!("it did not fail"))?;
    let all = format!(
        "{told} {failed} {}",
        serde_json::to_string(&*desk.noted.lock().unwrap_or_else(|broken| broken.into_inner()))?
    );
    for secret in [key, "letters%2Fand", "proxy-password"] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
    assert!(all.contains("https://example.com/?q=[removed]"), "{all}");
    Ok(())
}

#[tokio::test]
async fn a_question_is_asked_once_a_day_and_not_too_long() -> anyhow::Result<()> {
    let server = MockServer::start().await;
    let page = ResponseTemplate::new(200).set_body_json(answer(Provider::Searxng, &[]));
    Mock::given(path("/search")).respond_with(page).mount(&server).await;
    let search = search(Provider::Searxng, &server)?;
    for _ in 0..3 {
        search.search("x", NOW).await?;
    }
    assert_eq!(server.received_requests().await.unwrap_or_default().len(), 1);
    search.search("x", NOW + DAY).await?;
    search.search(&"größe ".repeat(500), NOW).await?;
    let requests = server.received_requests().await.unwrap_or_default();
    assert_eq!(requests.len(), 3);
    let query = requests[2].url.query_pairs().find(|(name, _)| name == "q").map(|(_, query)| query.into_owned());
    assert!(query.is_some_and(|query| query.chars().count() <= 400 && query.split(' ').count() <= 50));
    assert!(matches!(search.search(" \n", NOW).await, Err(PortError::Permanent { .. })));
    Ok(())
}

#[tokio::test]
async fn searches_wait_their_turn_or_come_back_later() -> anyhow::Result<()> {
    let server = MockServer::start().await;
    let page = ResponseTemplate::new(200).set_body_json(answer(Provider::Searxng, &[]));
    Mock::given(path("/search")).respond_with(page).mount(&server).await;
    let slow = Settings { every: DAY, patience: Duration::ZERO, ..settings(Provider::Searxng, &server.uri())? };
    let search = WebSearch::of(slow);
    search.search("one", NOW).await?;
    let got = search.search("two", NOW).await;
    assert!(matches!(&got, Err(PortError::Transient { retry_after: Some(_), .. })), "{got:?}");
    assert_eq!(server.received_requests().await.unwrap_or_default().len(), 1);
    Ok(())
}

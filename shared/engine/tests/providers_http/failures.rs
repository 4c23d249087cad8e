//! Owns the proof that each way to fail ends, ends as what it is, asks once, and tells no key.
//! Never one provider alone: what is here holds for all that speak HTTP.
//! Next: `contract::PortError` says what a caller does about it.

use std::time::Duration;

use contract::PortError;
use engine::model::{Delta, Model};
use engine::providers::{Anthropic, Limits, OpenAi, anthropic, openai};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};
use url::Url;
use wiremock::ResponseTemplate;

use super::fixture::*;

/// Above every limit of a test.
const SOON: Duration = Duration::from_secs(20);
const BEGUN: [&str; 2] = [include_str!("../shapes/anthropic/begun.sse"), include_str!("../shapes/openai/begun.sse")];

async fn failed(model: &dyn Model) -> PortError {
    let reply = timeout(SOON, asked(model, &hello())).await.expect("an end").0;
    let error = reply.expect_err("a failure");
    let told = format!("{error} {error:?}");
    assert!(!told.contains(KEY), "{told}");
    assert!(told.contains(model.name()), "{told}");
    error
}

fn transient(error: PortError) -> (String, Option<Duration>) {
    match error {
        PortError::Transient { why, retry_after } => (why, retry_after),
        PortError::Permanent { reason } => panic!("permanent: {reason}"),
    }
}

fn permanent(error: PortError) -> String {
    match error {
        PortError::Permanent { reason } => reason,
        PortError::Transient { why, .. } => panic!("transient: {why}"),
    }
}

#[tokio::test]
async fn what_may_pass_is_transient_and_is_asked_once() {
    for status in [408, 429, 500, 502, 503, 529] {
        let server = serving(refusal(status, &json!({ "error": { "type": "x", "message": "later" } }))).await;
        for model in both(&server.uri(), SHORT) {
            assert_eq!(transient(failed(&*model).await).1, None, "{status}");
        }
        assert_eq!(server.received_requests().await.unwrap().len(), 2, "{status}");
    }
}

#[tokio::test]
async fn what_will_not_pass_is_permanent_and_says_what_to_do() {
    let cases = [
        (400, "must change"),
        (401, "API key"),
        (402, "credit"),
        (403, "may not use"),
        (404, "base URL"),
        (413, "smaller"),
    ];
    for (status, advice) in cases {
        let words = format!("no, not with {KEY}");
        let server = serving(refusal(status, &json!({ "error": { "type": "x", "message": words } }))).await;
        for model in both(&server.uri(), SHORT) {
            let told = permanent(failed(&*model).await);
            assert!(
                told.contains(advice) && told.contains(&status.to_string()) && told.contains("no, not with"),
                "{told}"
            );
        }
    }
}

#[tokio::test]
async fn a_key_at_which_a_long_refusal_is_cut_is_not_told_in_part_either() {
    let (half, longest) = (KEY.len() / 2, contract::limits::CAUSE_TEXT_BYTES_MAX);
    for before in (longest - 120..longest).step_by(half) {
        let words = format!("{}{KEY}{}", "x".repeat(before), "y".repeat(100));
        let server = serving(refusal(403, &json!({ "error": { "type": "x", "message": words } }))).await;
        for model in both(&server.uri(), SHORT) {
            let told = permanent(failed(&*model).await);
            assert!(!told.contains(&KEY[..half]), "{told}");
        }
    }
}

#[tokio::test]
async fn a_wait_that_is_asked_for_is_passed_on() {
    let date = "Fri, 20 Nov 2026 10:00:00 GMT";
    for (asked, waits_s) in [("7", 7), ("Fri, 20 Nov 2026 10:01:30 GMT", 90)] {
        let answer = refusal(429, &json!({ "error": { "type": "rate_limit_error", "message": "slow down" } }));
        let server = serving(answer.insert_header("retry-after", asked).insert_header("date", date)).await;
        for model in both(&server.uri(), SHORT) {
            assert_eq!(transient(failed(&*model).await).1, Some(Duration::from_secs(waits_s)));
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_key() {
    let elsewhere = serving(sse(BEGUN[0])).await;
    let server = serving(ResponseTemplate::new(307).insert_header("location", elsewhere.uri())).await;
    for model in both(&server.uri(), SHORT) {
        assert!(permanent(failed(&*model).await).contains("set the base URL"));
    }
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_server_that_never_answers_is_left_after_its_time() {
    let limits = Limits { first_token: Duration::from_millis(200), ..SHORT };
    let silent = Raw::saying(String::new(), Then::Hang).await;
    let headed = Raw::streaming(": ping\n\n", Then::Hang).await;
    for url in [&silent.url, &headed.url] {
        for model in both(url, limits) {
            let began = Instant::now();
            let (why, _) = transient(failed(&*model).await);
            assert!(why.contains("no word of an answer within 0.2 s"), "{why}");
            assert!(began.elapsed() >= limits.first_token);
        }
    }
}

#[tokio::test]
async fn an_answer_that_stops_in_the_middle_is_left_after_its_time() {
    let limits = Limits { silence: Duration::from_millis(200), ..SHORT };
    for (n, begun) in BEGUN.iter().enumerate() {
        let server = Raw::streaming(begun, Then::Hang).await;
        let (why, _) = transient(failed(&*both(&server.url, limits)[n]).await);
        assert!(why.contains("silent for 0.2 s"), "{why}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_transient() {
    for (n, begun) in BEGUN.iter().enumerate() {
        let dropped = Raw::streaming(begun, Then::Close).await;
        let (why, _) = transient(failed(&*both(&dropped.url, SHORT)[n]).await);
        assert!(why.contains("broke off"), "{why}");
        // The same with a clean end, which gives no reason.
        let ended = serving(sse(begun)).await;
        let (why, _) = transient(failed(&*both(&ended.uri(), SHORT)[n]).await);
        assert!(why.contains("before it gave a reason"), "{why}");
    }
}

#[tokio::test]
async fn what_was_heard_before_a_break_was_heard() {
    for (n, begun) in BEGUN.iter().enumerate() {
        let server = Raw::streaming(begun, Then::Close).await;
        let (reply, heard) = asked(&*both(&server.url, SHORT)[n], &hello()).await;
        assert!(reply.is_err());
        assert_eq!(heard, text(&["Prices"]));
    }
}

/// What it thought is paid for, though nobody sees it: it is told apart from a refusal at the door.
#[tokio::test]
async fn a_model_that_breaks_off_in_mid_thought_was_heard_thinking() {
    let anthropic = "data: {\"type\":\"message_start\",\"message\":{\"model\":\"m\"}}\n\n\
                     data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}\n\n\
                     data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"Hm.\"}}\n\n";
    let openai = "data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}}]}\n\n\
                  data: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"Hm.\"}}]}\n\n";
    for (n, begun) in [anthropic, openai].iter().enumerate() {
        let server = Raw::streaming(begun, Then::Close).await;
        let (reply, heard) = watched(&*both(&server.url, SHORT)[n], &hello()).await;
        assert!(reply.is_err());
        assert_eq!(heard, ["", "Hm."].map(|thought| Delta::Thought(thought.into())));
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_may_come() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for model in both(&format!("http://{address}"), SHORT) {
        let (why, _) = transient(failed(&*model).await);
        assert!(why.contains("not reached"), "{why}");
    }
}

#[tokio::test]
async fn nonsense_is_transient_with_a_clear_sentence() {
    let html = "<html><body>Sign in to the network</body></html>";
    let page = || ResponseTemplate::new(200).set_body_raw(html, "text/html; charset=utf-8");
    let cases = [
        (page(), "HTML"),
        (sse("data: {\"broken\n\n"), "cannot be read"),
        (sse("data: [1, 2, 3]\n\n"), "cannot be read"),
        (sse("data: {\"type\": 7, \"choices\": 7}\n\n"), "cannot be read"),
        (sse(html), "broke off"),
        (ResponseTemplate::new(200).set_body_raw("{\"a\":", "application/json"), "cannot be read"),
    ];
    for (answer, words) in cases {
        let server = serving(answer).await;
        for model in both(&server.uri(), SHORT) {
            let (why, _) = transient(failed(&*model).await);
            assert!(why.contains(words), "{why}");
        }
    }
}

#[tokio::test]
async fn a_page_of_a_proxy_goes_by_its_status_and_is_not_told() {
    let page = |status| ResponseTemplate::new(status).set_body_raw("<html>secret-word</html>", "text/html");
    let server = serving(page(502)).await;
    for model in both(&server.uri(), SHORT) {
        assert!(!transient(failed(&*model).await).0.contains("secret-word"));
    }
    let server = serving(page(403)).await;
    for model in both(&server.uri(), SHORT) {
        permanent(failed(&*model).await);
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_cut_off() {
    let limits = Limits { answer_bytes_max: 5_000, ..SHORT };
    let many = |begun: &str| format!("{begun}{}", begun.split("\n\n").nth(2).unwrap().to_owned() + "\n\n").repeat(100);
    for (n, begun) in BEGUN.iter().enumerate() {
        let line_without_end = sse(&format!("data: {}", "x".repeat(50_000)));
        let document = ResponseTemplate::new(200).set_body_raw("[".repeat(50_000), "application/json");
        for answer in [sse(&many(begun)), line_without_end, document] {
            let server = serving(answer).await;
            let told = permanent(failed(&*both(&server.uri(), limits)[n]).await);
            assert!(told.contains("larger than 5000 bytes"), "{told}");
        }
    }
}

#[tokio::test]
async fn a_refusal_without_an_end_is_read_no_further_than_needed() {
    let server = serving(ResponseTemplate::new(500).set_body_string("x".repeat(1_000_000))).await;
    for model in both(&server.uri(), SHORT) {
        assert!(transient(failed(&*model).await).0.len() < 2_000);
    }
}

#[test]
fn a_key_is_never_shown() {
    let base = Url::parse(&format!("https://user:{KEY}@models.example")).unwrap();
    let settings = anthropic::Settings::new("m", key(), base.clone());
    let openai = openai::Settings::new("m", Some(key()), base);
    let shown = format!("{settings:?} {openai:?}");
    assert!(!shown.contains(KEY), "{shown}");
    for shown in [format!("{:?}", Anthropic::new(settings).unwrap()), format!("{:?}", OpenAi::new(openai).unwrap())] {
        assert!(!shown.contains(KEY), "{shown}");
    }
}

#[test]
fn a_key_that_is_none_is_refused_without_being_shown() {
    let base = Url::parse("https://models.example").unwrap();
    let settings = anthropic::Settings::new("m", format!("{KEY}\n").into(), base.clone());
    let told = Anthropic::new(settings).unwrap_err();
    assert!(told.contains("line break") && !told.contains(KEY), "{told}");
    let told = OpenAi::new(openai::Settings::new("m", Some(format!("{KEY}\n").into()), base)).unwrap_err();
    assert!(told.contains("line break") && !told.contains(KEY), "{told}");
}

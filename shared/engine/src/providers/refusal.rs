//! Owns how a provider says no, as a `PortError`: by its status and by its own name for the failure.
//! Never decides by the words of a message, and never asks again.
//! Next: `wire` reads one from an answer; an adapter may know better what to make of it.

use std::time::Duration;

use contract::PortError;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde_json::Value;

/// What a provider said instead of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// None inside of a stream that began well.
    pub status: Option<u16>,
    /// `rate_limit_error`, `insufficient_quota`.
    pub kind: String,
    pub message: String,
    /// The field of the request that it is about.
    pub param: String,
    pub retry_after: Option<Duration>,
    /// Of a question that was too long, where they stand in fields of their own.
    pub asked_tokens: Option<u64>,
    pub context_tokens: Option<u64>,
}

/// Names that say more than a status, which inside of a stream is not there: what they mean as one.
const KINDS: &[(&str, u16)] = &[
    ("invalid_request_error", 400),
    ("context_length_exceeded", 400),
    ("exceed_context_size_error", 400),
    ("BadRequestError", 400),
    ("authentication_error", 401),
    ("invalid_api_key", 401),
    ("billing_error", 402),
    ("insufficient_quota", 402),
    ("permission_error", 403),
    ("not_found_error", 404),
    ("model_not_found", 404),
    ("request_too_large", 413),
    ("rate_limit_error", 429),
    ("rate_limit_exceeded", 429),
    ("api_error", 500),
    ("server_error", 500),
    ("timeout_error", 504),
    ("overloaded_error", 529),
];

impl Refusal {
    pub(crate) fn of(status: u16, headers: &HeaderMap, body: &[u8]) -> Refusal {
        let said = serde_json::from_slice(body).ok().and_then(|body| Refusal::said(&body));
        // A page of a proxy says nothing that a reader of a log wants to see.
        let message =
            || if body.starts_with(b"<") { String::new() } else { String::from_utf8_lossy(body).into_owned() };
        let said = said.unwrap_or_else(|| Refusal { message: message(), ..Refusal::default() });
        Refusal { status: Some(status), retry_after: retry_after(headers), ..said }
    }

    /// `{"error": {"type", "code", "message", "param"}}`, `{"error": "words"}`, `{"object": "error", "message"}`, and
    /// `{"detail"}`: every server has its own. `None` where it is none of them.
    pub(crate) fn said(body: &Value) -> Option<Refusal> {
        let error = match body.get("error").filter(|error| !error.is_null()) {
            Some(error) => error,
            None if body.get("object").is_some_and(|object| object == "error") => body,
            None => body.get("detail").or_else(|| body.get("message"))?,
        };
        let field = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        let inner = error.get("innererror").and_then(|inner| inner.get("code")).and_then(Value::as_str);
        let known = [field("code"), field("type")].into_iter().find(|name| KINDS.iter().any(|(kind, _)| kind == name));
        let named = [field("code"), field("type")].into_iter().find(|name| !name.is_empty());
        Some(Refusal {
            status: error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok()),
            kind: inner.or(known).or(named).unwrap_or_default().to_owned(),
            message: match error.get("message").unwrap_or(error) {
                Value::String(words) => words.clone(),
                other => other.to_string(),
            },
            param: field("param").to_owned(),
            retry_after: None,
            asked_tokens: error.get("n_prompt_tokens").and_then(Value::as_u64),
            context_tokens: error.get("n_ctx").and_then(Value::as_u64),
        })
    }

    /// The status that counts: an empty account is no rate limit, whatever the status says.
    pub(crate) fn meaning(&self) -> u16 {
        let by_kind = KINDS.iter().find(|(kind, _)| *kind == self.kind).map(|(_, status)| *status);
        match (self.status, by_kind) {
            (Some(429) | None, Some(meant)) => meant,
            (Some(status), _) => status,
            (None, None) => 500,
        }
    }

    /// Whether it is about the shape of the request, and says one of these words. Some servers call it their own failure.
    pub(crate) fn is_about(&self, words: &[&str]) -> bool {
        let told = format!("{} {}", self.param, self.message).to_lowercase();
        matches!(self.meaning(), 400 | 422 | 500) && words.iter().any(|word| told.contains(word))
    }

    pub(crate) fn error(&self, who: &str) -> PortError {
        let status = self.status.map(|status| format!(" {status}")).unwrap_or_default();
        let kind = if self.kind.is_empty() { String::new() } else { format!(" {}", self.kind) };
        let words = if self.message.is_empty() { String::new() } else { format!(": {}", self.message.trim()) };
        let told = contract::bounded(format!("{who} says{status}{kind}{words}"));
        match self.meaning() {
            408 | 409 | 425 | 429 | 500.. => PortError::Transient { why: told, retry_after: self.retry_after },
            meant => PortError::permanent(format!("{told}; {}", what_to_do(meant))),
        }
    }
}

fn what_to_do(status: u16) -> &'static str {
    match status {
        300..=399 => "set the base URL to where it leads",
        401 => "check the API key",
        402 => "the account has no credit left: add some, or choose another model",
        403 => "this key may not use this model: choose another, or ask for access",
        404 | 405 => "check the base URL and the model's name",
        413 => "the question is too large: fewer or smaller sources",
        _ => "the request must change: check the model's settings, or ask for less",
    }
}

/// In milliseconds, in seconds, or as a date, which is held against the server's own clock.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |text: &str| text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
    if let Some(ms) = text("retry-after-ms").and_then(number) {
        return Duration::try_from_secs_f64(ms / 1000.0).ok();
    }
    let asked = text(RETRY_AFTER.as_str())?;
    if let Some(seconds) = number(asked) {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let then = httpdate::parse_http_date(asked).ok()?;
    let now = httpdate::parse_http_date(text(DATE.as_str())?).ok()?;
    Some(then.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;

    fn asked(fields: &[(&'static str, &'static str)]) -> Option<Duration> {
        let field = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        retry_after(&fields.iter().map(field).collect())
    }

    #[test]
    fn a_wait_is_read_in_each_of_its_forms() {
        let date = ("date", "Fri, 20 Nov 2026 10:00:00 GMT");
        assert_eq!(asked(&[("retry-after", "7")]), Some(Duration::from_secs(7)));
        assert_eq!(asked(&[("retry-after", "0.5")]), Some(Duration::from_millis(500)));
        assert_eq!(asked(&[("retry-after-ms", "120"), ("retry-after", "1")]), Some(Duration::from_millis(120)));
        assert_eq!(asked(&[("retry-after", "Fri, 20 Nov 2026 10:01:30 GMT"), date]), Some(Duration::from_secs(90)));
        assert_eq!(asked(&[("retry-after", "Fri, 20 Nov 2026 09:00:00 GMT"), date]), Some(Duration::ZERO));
    }

    #[test]
    fn a_wait_that_is_none_is_left_out() {
        for nonsense in ["-1", "soon", "NaN", "inf", "1e300", "Fri, 20 Nov 2026 10:01:30 GMT"] {
            assert_eq!(asked(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
    }

    #[test]
    fn every_servers_way_to_say_no_is_read() {
        let said = |body: Value| Refusal::said(&body).map(|refusal| (refusal.kind, refusal.message));
        let is = |kind: &str, message: &str| Some((kind.to_owned(), message.to_owned()));
        let error = json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } });
        assert_eq!(said(error), is("overloaded_error", "Overloaded"));
        let error = json!({ "error": { "type": "requests", "code": "rate_limit_exceeded", "message": "slow" } });
        assert_eq!(said(error), is("rate_limit_exceeded", "slow"));
        assert_eq!(said(json!({ "error": "model not found" })), is("", "model not found"));
        assert_eq!(
            said(json!({ "object": "error", "message": "no", "type": "BadRequestError" })),
            is("BadRequestError", "no")
        );
        assert_eq!(said(json!({ "detail": [{ "msg": "no" }] })), is("", "[{\"msg\":\"no\"}]"));
        assert_eq!(said(json!({ "choices": [], "error": null })), None);
    }

    #[test]
    fn an_empty_account_is_no_rate_limit() {
        let refusal = |kind: &str| Refusal { status: Some(429), kind: kind.into(), ..Refusal::default() };
        assert!(matches!(refusal("insufficient_quota").error("x"), PortError::Permanent { .. }));
        assert!(matches!(refusal("tokens").error("x"), PortError::Transient { .. }));
    }

    #[test]
    fn each_status_is_what_to_do_about_it() {
        let error = |status| Refusal { status: Some(status), ..Refusal::default() }.error("x");
        for status in [408, 409, 429, 500, 502, 503, 504, 529] {
            assert!(matches!(error(status), PortError::Transient { .. }), "{status}");
        }
        for status in [301, 400, 401, 402, 403, 404, 413, 422] {
            assert!(matches!(error(status), PortError::Permanent { .. }), "{status}");
        }
    }
}

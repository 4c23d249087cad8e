//! Owns what must never be written down: this process's own keys, and whatever looks like somebody's key.
//! Never removes plain words: what is too short or too plain to be a secret stays.
//! Next: `Exchanges` puts every request, answer and failure through this, before it is noted or used.

use std::fmt;
use std::sync::{Arc, LazyLock};

use contract::PortError;
use regex::{Captures, Regex};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

const REMOVED: &str = "[removed]";
/// Removing shorter words would only damage the record.
const SECRET_BYTES_MIN: usize = 8;

/// The secrets that this process knows. Patterns of foreign ones are removed beside them.
#[derive(Clone, Default)]
pub struct Secrets(Arc<[SecretString]>);

impl Secrets {
    /// Words of fewer than eight characters are no secrets.
    pub fn of(secrets: impl IntoIterator<Item = String>) -> Secrets {
        let long = secrets.into_iter().filter(|secret| secret.len() >= SECRET_BYTES_MIN);
        let mut long: Vec<_> = long.flat_map(|secret| spellings(&secret)).collect();
        // The longest first: one may be a part of another.
        long.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        long.dedup();
        Secrets(long.into_iter().map(SecretString::from).collect())
    }

    pub fn removed(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.removed_from(text)),
            Value::Array(all) => all.into_iter().map(|one| self.removed(one)).collect(),
            Value::Object(fields) => fields
                .into_iter()
                .map(|(name, value)| match value {
                    Value::String(text) if !text.is_empty() && is_secret_by_name(&name) => {
                        (self.removed_from(name), Value::from(REMOVED))
                    }
                    value => (self.removed_from(name), self.removed(value)),
                })
                .collect(),
            plain => plain,
        }
    }

    pub(super) fn removed_of(&self, error: PortError) -> PortError {
        match error {
            PortError::Transient { why, retry_after } => {
                PortError::Transient { why: self.removed_from(why), retry_after }
            }
            PortError::Permanent { reason } => PortError::permanent(self.removed_from(reason)),
        }
    }

    pub fn removed_from(&self, mut text: String) -> String {
        for secret in self.0.iter().map(ExposeSecret::expose_secret) {
            if text.contains(secret) {
                text = text.replace(secret, REMOVED);
            }
        }
        for pattern in &*PATTERNS {
            if let std::borrow::Cow::Owned(without) = pattern.regex.replace_all(&text, |found: &Captures<'_>| {
                let whole = found.get(0).map_or("", |whole| whole.as_str());
                let head = found.name("head").map_or("", |head| head.as_str());
                let tail = found.name("tail").map_or("", |tail| tail.as_str());
                let secret = &whole[head.len()..whole.len() - tail.len()];
                if (pattern.is_secret)(secret) { format!("{head}{REMOVED}{tail}") } else { whole.to_owned() }
            }) {
                text = without;
            }
        }
        text
    }
}

/// A secret as it stands in a text, in an address, and in JSON within a text.
pub(crate) fn spellings(secret: &str) -> Vec<String> {
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let spaced = form.replace('+', "%20");
    let lower = {
        let mut lower = String::with_capacity(spaced.len());
        let mut digits = 0;
        for c in spaced.chars() {
            lower.push(if digits > 0 { c.to_ascii_lowercase() } else { c });
            digits = if c == '%' { 2 } else { usize::saturating_sub(digits, 1) };
        }
        lower
    };
    let quoted = serde_json::to_string(secret).unwrap_or_default();
    let quoted = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned();
    let mut all = vec![secret.to_owned(), form, spaced, lower, quoted];
    all.retain(|spelled| !spelled.is_empty());
    all.dedup();
    all
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} spellings of secrets", self.0.len())
    }
}

struct Pattern {
    regex: Regex,
    /// Whether what stands between `head` and `tail` is one, and no plain words.
    is_secret: fn(&str) -> bool,
}

static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let any: fn(&str) -> bool = |found| found != REMOVED;
    let mixed: fn(&str) -> bool = |found| found.contains(|c: char| c.is_ascii_digit());
    let patterns = [
        (r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\z)", any),
        (
            r#"(?i)(?P<head>\b(?:proxy-)?authorization["']?\s*[:=]\s*["']?(?:bearer|basic|digest|token|apikey)\s+)[^\s"',;<>\[\]]{4,}"#,
            any,
        ),
        (r#"(?i)(?P<head>\b(?:proxy-)?authorization["']?\s*[:=]\s*["']?)[^\s"',;<>\[\]]{8,}"#, mixed),
        (r#"(?i)(?P<head>\b(?:x-)?api[-_]?key["']?\s*[:=]\s*["']?)[A-Za-z0-9._~+/=-]{12,}"#, mixed),
        (
            r#"(?i)(?P<head>\b(?:aws_)?(?:secret_access_key|session_token)["']?\s*[:=]\s*["']?)[A-Za-z0-9+/=_-]{12,}"#,
            any,
        ),
        (r"(?i)(?P<head>\bbearer\s+)[A-Za-z0-9._~+/=-]{16,}", mixed),
        (r"\bsk-[A-Za-z0-9_-]{16,}", mixed),
        (r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b", any),
        (
            r"\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bAIza[0-9A-Za-z_-]{35}",
            any,
        ),
        (r#"(?i)(?P<head>\b[a-z][a-z0-9+.-]*://[^\s/:@"'<>]*:)[^\s/@"'<>]+(?P<tail>@)"#, any),
        (
            r#"(?i)(?P<head>[?&](?:api[-_]?key|access_token|auth_token|client_secret|password|x-amz-signature|x-amz-security-token)=)[^&\s"'<>#]+"#,
            any,
        ),
    ];
    // A pattern that did not compile would be found by the test that counts them.
    patterns
        .into_iter()
        .filter_map(|(text, is_secret)| Some(Pattern { regex: Regex::new(text).ok()?, is_secret }))
        .collect()
});

fn is_secret_by_name(field: &str) -> bool {
    const NAMES: [&str; 10] = [
        "authorization",
        "proxy-authorization",
        "x-api-key",
        "api-key",
        "api_key",
        "cookie",
        "set-cookie",
        "access_token",
        "secret_access_key",
        "x-amz-security-token",
    ];
    NAMES.iter().any(|name| field.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn without(text: &str) -> String {
        Secrets::of(["our-own-key-1".to_owned()]).removed_from(text.to_owned())
    }

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(PATTERNS.len(), 11);
    }

    #[test]
    fn what_looks_like_a_secret_is_removed_from_anywhere() {
        for (text, left) in [
            ("a our-own-key-1 b", "a [removed] b"),
            ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer [removed]"),
            ("authorization=Basic dXNlcjpwYXNz", "authorization=Basic [removed]"),
            ("curl -H 'Authorization: token12345'", "curl -H 'Authorization: [removed]'"),
            ("use bearer eyJhbGciOiJIUzI1NiJ9.e30 now", "use bearer [removed] now"),
            ("key sk-ant-api03-abcdefgh1234567890 end", "key [removed] end"),
            ("AKIAIOSFODNN7EXAMPLE", "[removed]"),
            ("ASIAIOSFODNN7EXAMPLE,", "[removed],"),
            ("https://user:hunter2@host.example/x", "https://user:[removed]@host.example/x"),
            ("https://h.example/?api_key=12345&b=1", "https://h.example/?api_key=[removed]&b=1"),
            ("ghp_0123456789abcdefghijABCDEFGHIJ", "[removed]"),
            ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG", "AWS_SECRET_ACCESS_KEY=[removed]"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- x", "[removed] x"),
        ] {
            assert_eq!(without(text), left, "{text}");
            assert_eq!(without(left), left, "twice is once: {left}");
        }
    }

    #[test]
    fn a_secret_is_known_however_it_is_spelled() {
        let secrets = Secrets::of(["a/b+c \"d".to_owned()]);
        for spelled in ["a/b+c \"d", "a%2Fb%2Bc+%22d", "a%2Fb%2Bc%20%22d", "a%2fb%2bc%20%22d", "a/b+c \\\"d"] {
            assert_eq!(secrets.removed_from(format!("?key={spelled}&x")), "?key=[removed]&x", "{spelled}");
        }
    }

    #[test]
    fn plain_words_stay() {
        for text in [
            "the bearer responsibilities of a host",
            "a risk-based-approach-to-pricing",
            "sk-is-a-prefix-of-many-words",
            "https://host.example:8080/path@2",
            "mail me: someone@host.example",
            "The api key: see the manual",
            "authorization: required by law",
        ] {
            assert!(!without(text).contains("[removed]"), "{text}");
        }
    }

    #[test]
    fn a_field_that_is_named_for_a_secret_loses_its_value() {
        let value = json!({"headers": {"Authorization": "x", "Accept": "json"}, "list": [{"api_key": "y"}]});
        let left =
            json!({"headers": {"Authorization": "[removed]", "Accept": "json"}, "list": [{"api_key": "[removed]"}]});
        assert_eq!(Secrets::default().removed(value), left);
    }
}

//! Owns how names, ARNs, pages and instants look to EventBridge's clients, and the sentences of AWS's own validation.
//! Never state.
//! Next: every operation checks its members here.

use crate::ApiError;
use crate::engine::UnixMs;
use crate::place::Place;

use super::request::Page;

pub(super) const DEFAULT_BUS: &str = "default";
/// Characters of an event pattern.
pub(super) const PATTERN_MAX: usize = 4096;

pub(super) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::refused("ValidationException", message)
}

pub(super) fn not_found(message: impl Into<String>) -> ApiError {
    ApiError::refused("ResourceNotFoundException", message)
}

pub(super) fn already_exists(message: impl Into<String>) -> ApiError {
    ApiError::refused("ResourceAlreadyExistsException", message)
}

pub(super) fn too_many() -> ApiError {
    ApiError::refused("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
}

pub(super) fn out_of_bounds(value: &str, member: &str, constraint: &str) -> ApiError {
    validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {constraint}"
    ))
}

/// Letters, digits, `.`, `-` and `_`; 1 to `longest` of them.
pub(super) fn name(value: &str, member: &str, longest: usize) -> Result<(), ApiError> {
    length(value, member, 1, longest)?;
    if value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)) {
        return Ok(());
    }
    Err(out_of_bounds(value, member, r"Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+"))
}

pub(super) fn length(value: &str, member: &str, shortest: usize, longest: usize) -> Result<(), ApiError> {
    let length = value.chars().count();
    if length > longest {
        let constraint = format!("Member must have length less than or equal to {longest}");
        return Err(out_of_bounds(value, member, &constraint));
    }
    if length < shortest {
        let constraint = format!("Member must have length greater than or equal to {shortest}");
        return Err(out_of_bounds(value, member, &constraint));
    }
    Ok(())
}

pub(super) fn description(value: Option<&str>) -> Result<(), ApiError> {
    value.map_or(Ok(()), |value| length(value, "description", 0, 512))
}

/// A bus by its name or its ARN; none means the default one.
pub(super) fn bus_name(given: Option<&str>) -> &str {
    match given {
        None => DEFAULT_BUS,
        Some(given) => {
            given.split_once(":event-bus/").filter(|_| given.starts_with("arn:")).map_or(given, |(_, name)| name)
        }
    }
}

/// As `bus_name`; the ARN of a bus in another region or account stays whole, and so names no bus of ours.
pub(super) fn bus_here<'a>(place: &Place, given: Option<&'a str>) -> &'a str {
    match given {
        Some(arn) if arn.starts_with("arn:") && !is_here(place, arn) => arn,
        given => bus_name(given),
    }
}

/// Whether an ARN is of this service, in this region and account.
pub(super) fn is_here(place: &Place, arn: &str) -> bool {
    let mut parts = arn.split(':').skip(2);
    parts.next() == Some("events") && parts.next() == Some(&place.region) && parts.next() == Some(&place.account)
}

/// As JSON carries instants: seconds with a fraction.
pub(super) fn seconds(at: UnixMs) -> f64 {
    at.0 as f64 / 1000.0
}

/// As events carry instants: RFC 3339, whole seconds.
pub(super) fn rfc3339(at: UnixMs) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_else(|_| "1970-01-01T00:00:00Z".to_owned())
}

/// An instant as SDKs send it (a number of seconds), or as text.
#[derive(Clone, Copy, Debug, serde::Deserialize)]
#[serde(try_from = "Written")]
pub(super) struct Instant(pub(super) UnixMs);

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Written {
    Seconds(f64),
    Text(jiff::Timestamp),
}

impl TryFrom<Written> for Instant {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Instant, &'static str> {
        let ms = match written {
            Written::Text(at) => at.as_millisecond(),
            // Beyond the year 9999 there is no RFC 3339.
            Written::Seconds(seconds) if seconds.abs() < 253_402_300_800.0 => (seconds * 1000.0).round() as i64,
            Written::Seconds(_) => return Err("an instant out of range"),
        };
        Ok(Instant(UnixMs(ms)))
    }
}

/// One page of what comes in the order of its names, and the token of the next. A token is the last name given out, in hex.
pub(super) fn page<'a, T>(
    page: &Page,
    all: impl Iterator<Item = (&'a str, T)>,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let after = page.next_token.as_deref().map(unhex).transpose()?;
    let limit = usize::try_from(page.limit.unwrap_or(100)).unwrap_or(100);
    let prefix = page.name_prefix.as_deref().unwrap_or_default();
    let mut rest = all
        .filter(|(name, _)| name.starts_with(prefix) && after.as_deref().is_none_or(|after| *name > after))
        .peekable();
    let mut given = vec![];
    let mut last = "";
    while let Some((name, item)) = rest.next_if(|_| given.len() < limit) {
        last = name;
        given.push(item);
    }
    let token = rest.peek().map(|_| last.bytes().map(|byte| format!("{byte:02x}")).collect());
    Ok((given, token))
}

fn unhex(token: &str) -> Result<String, ApiError> {
    let invalid = || validation("Parameter NextToken is not valid.");
    let bytes = token.as_bytes().chunks(2).map(|pair| {
        std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2).and_then(|pair| u8::from_str_radix(pair, 16).ok())
    });
    let bytes: Vec<u8> = bytes.collect::<Option<_>>().ok_or_else(invalid)?;
    String::from_utf8(bytes).map_err(|_| invalid())
}

//! Owns what kind of file it is: by what a server said, else by its ending, else by how it begins.
//! Never a guess at bytes that are no text: those are refused by name.
//! Next: `read` calls the kind's own reader.

use super::{Raw, ReadError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Markdown,
    Text,
    Html,
    /// With what stands between two cells.
    Delimited(u8),
    Json,
    JsonLines,
    Pdf,
}

impl Kind {
    pub(super) fn mediatype(self) -> &'static str {
        match self {
            Kind::Markdown => "text/markdown",
            Kind::Text => "text/plain",
            Kind::Html => "text/html",
            Kind::Delimited(b'\t') => "text/tab-separated-values",
            Kind::Delimited(_) => "text/csv",
            Kind::Json => "application/json",
            Kind::JsonLines => "application/x-ndjson",
            Kind::Pdf => "application/pdf",
        }
    }
}

pub(super) fn of(raw: Raw<'_>) -> Result<Kind, ReadError> {
    let named = raw.mediatype.map(essence);
    if let Some(kind) = named.as_deref().and_then(by_mediatype) {
        return checked(kind, raw.bytes);
    }
    let ending = ending(raw.address);
    if let Some(kind) = ending.as_deref().and_then(by_ending) {
        return checked(kind, raw.bytes);
    }
    // A server that says what it is, and that is not text, is believed.
    let silent = [None, Some("text/plain"), Some("application/octet-stream"), Some("")];
    if !silent.contains(&named.as_deref()) && !named.as_deref().unwrap_or_default().starts_with("text/") {
        return Err(ReadError::UnknownKind(named.unwrap_or_default()));
    }
    checked(sniffed(raw.bytes), raw.bytes)
}

/// Bytes that cannot be of the kind that they are said to be.
fn checked(kind: Kind, bytes: &[u8]) -> Result<Kind, ReadError> {
    if kind != Kind::Pdf && is_pdf(bytes) {
        return Ok(Kind::Pdf);
    }
    if kind != Kind::Pdf && is_binary(bytes) {
        return Err(ReadError::UnknownKind("what is not text".to_owned()));
    }
    Ok(kind)
}

fn essence(mediatype: &str) -> String {
    mediatype.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn by_mediatype(essence: &str) -> Option<Kind> {
    Some(match essence {
        "text/html" | "application/xhtml+xml" => Kind::Html,
        "text/markdown" | "text/x-markdown" => Kind::Markdown,
        "text/csv" => Kind::Delimited(b','),
        "text/tab-separated-values" => Kind::Delimited(b'\t'),
        "application/json" | "text/json" => Kind::Json,
        "application/x-ndjson" | "application/jsonl" | "application/json-lines" | "application/jsonlines" => {
            Kind::JsonLines
        }
        "application/pdf" | "application/x-pdf" => Kind::Pdf,
        _ if essence.ends_with("+json") => Kind::Json,
        // Servers say `text/plain` of much that has a better name in its ending.
        _ => return None,
    })
}

fn ending(address: &str) -> Option<String> {
    let path = address.split(['?', '#']).next().unwrap_or(address);
    let name = path.rsplit('/').next().unwrap_or(path);
    let (_, ending) = name.rsplit_once('.')?;
    Some(ending.to_ascii_lowercase())
}

fn by_ending(ending: &str) -> Option<Kind> {
    Some(match ending {
        "md" | "markdown" | "mdown" | "mkd" => Kind::Markdown,
        "txt" | "text" | "log" | "rst" | "adoc" | "asciidoc" | "org" => Kind::Text,
        "html" | "htm" | "xhtml" | "shtml" => Kind::Html,
        "csv" => Kind::Delimited(b','),
        "tsv" | "tab" => Kind::Delimited(b'\t'),
        "json" | "geojson" => Kind::Json,
        "jsonl" | "ndjson" => Kind::JsonLines,
        "pdf" => Kind::Pdf,
        _ => return None,
    })
}

fn sniffed(bytes: &[u8]) -> Kind {
    if is_pdf(bytes) {
        return Kind::Pdf;
    }
    let start = &bytes[..bytes.len().min(1024)];
    let start = String::from_utf8_lossy(start).trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    if ["<!doctype html", "<html", "<head", "<body"].iter().any(|tag| start.starts_with(tag))
        || (start.starts_with("<?xml") && start.contains("<html"))
    {
        Kind::Html
    } else if start.starts_with("{\"") && start.lines().nth(1).is_some_and(|line| line.starts_with("{\"")) {
        Kind::JsonLines
    } else if start.starts_with("{\"") || start.starts_with("[{") {
        Kind::Json
    } else {
        Kind::Text
    }
}

fn is_pdf(bytes: &[u8]) -> bool {
    bytes.starts_with(b"%PDF-")
}

/// More than three in a hundred of the first bytes are such as no text has. A few are borne: they are not read.
fn is_binary(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(8192)];
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
        return false;
    }
    let odd = start.iter().filter(|&&byte| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b)).count();
    odd * 100 > start.len() * 3
}

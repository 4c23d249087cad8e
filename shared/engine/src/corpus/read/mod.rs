//! Owns reading: bytes of one file into text, passages and tables, by what kind of file it is.
//! Never fails for more than the one file, and never needs more memory than a small multiple of it.
//! Next: `ingest` reads folders with it, research reads pages with it.

mod csv;
mod date;
mod decode;
mod draft;
mod html;
mod json;
mod kind;
mod markdown;
mod passages;
mod pdf;
mod plain;
mod table;

use contract::Digest;
use contract::documents::{Source, SourceId};

use self::decode::Decoded;
use self::draft::Draft;
use self::kind::Kind;
use super::Reading;

/// What is larger than this is refused: nobody writes that much to be read, and a table of it would fill a machine.
pub const BYTES_MAX: u64 = 32 << 20;
/// Web pages need more memory for each byte than anything else.
pub const HTML_BYTES_MAX: u64 = 16 << 20;

/// One file or page, as it came.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a> {
    pub collection: &'a str,
    /// A path within the collection, or a URL.
    pub address: &'a str,
    /// As a server named it; a file's ending speaks where nobody did.
    pub mediatype: Option<&'a str>,
    pub bytes: &'a [u8],
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("{0} bytes, {1} at most")]
    TooLarge(u64, u64),
    #[error("nobody here reads {0}")]
    UnknownKind(String),
    #[error("it is encrypted")]
    Encrypted,
    #[error("{0}")]
    Damaged(String),
    #[error("there is no text in it")]
    Empty,
}

/// Reads one source.
pub fn read(raw: Raw<'_>) -> Result<Reading, ReadError> {
    within(raw.bytes.len() as u64, BYTES_MAX)?;
    if raw.bytes.is_empty() {
        return Err(ReadError::Empty);
    }
    let kind = kind::of(raw)?;
    if kind == Kind::Html {
        within(raw.bytes.len() as u64, HTML_BYTES_MAX)?;
    }
    let decoded = if kind == Kind::Pdf { Decoded::none() } else { decode::decode(raw, kind) };
    let draft = match kind {
        Kind::Pdf => pdf::draft(raw.bytes)?,
        Kind::Html => html::draft(&decoded.text)?,
        Kind::Markdown => markdown::draft(&decoded.text),
        Kind::Text => plain::draft(&decoded.text),
        Kind::Delimited(delimiter) => csv::draft(&decoded.text, delimiter)?,
        Kind::Json => json::draft(&decoded.text),
        Kind::JsonLines => json::draft_lines(&decoded.text),
    };
    finish(raw, kind, draft, &decoded)
}

fn within(bytes: u64, bytes_max: u64) -> Result<(), ReadError> {
    if bytes > bytes_max { Err(ReadError::TooLarge(bytes, bytes_max)) } else { Ok(()) }
}

fn finish(raw: Raw<'_>, kind: Kind, draft: Draft, decoded: &Decoded<'_>) -> Result<Reading, ReadError> {
    if draft.blocks.is_empty() {
        return Err(ReadError::Empty);
    }
    let sha256 = Digest::of(raw.bytes);
    let id = SourceId::derive(raw.collection, raw.address);
    let cut = passages::cut(&draft, &id, &sha256, decoded);
    let title = draft.title.as_deref().map(one_line).filter(|title| !title.is_empty());
    let title = title.unwrap_or_else(|| title_of(raw.address));
    let tables = table::finish(&draft, &cut, &id, &sha256, &title);
    let source = Source {
        id,
        address: raw.address.to_owned(),
        collection: raw.collection.to_owned(),
        title,
        date: draft.date,
        mediatype: kind.mediatype().to_owned(),
        sha256,
        text: None,
    };
    Ok(Reading { source, text: draft.text, passages: cut.passages, tables })
}

/// The last part of an address, for a source that does not name itself.
fn title_of(address: &str) -> String {
    let path = address.split(['?', '#']).next().unwrap_or(address).trim_end_matches('/');
    path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(address).to_owned()
}

/// White space made single, and no longer than a title should be.
fn one_line(text: &str) -> String {
    const CHARACTERS_MAX: usize = 200;
    let mut line = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).fold(
        String::new(),
        |mut line, word| {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
            line
        },
    );
    if let Some((end, _)) = line.char_indices().nth(CHARACTERS_MAX) {
        line.truncate(end);
    }
    line
}

//! Owns reading: bytes of one file into text, passages and tables, by what kind of file it is.
//! Never fails for more than the one file, and never needs more memory than a small multiple of it.
//! Next: `ingest` reads folders with it, research reads pages with it.

use super::Reading;

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
    Err(ReadError::UnknownKind(raw.address.to_owned()))
}

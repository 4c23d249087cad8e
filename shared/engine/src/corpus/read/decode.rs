//! Owns encodings: bytes into UTF-8, and the way back from a place in the text to the bytes that it was made of.
//! Never a panic and never a refusal: what no encoding explains is read as windows-1252, as browsers do.
//! Next: every reader but that of PDF reads the text.

use std::borrow::Cow;
use std::ops::Range;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::Raw;
use super::kind::Kind;

/// So many raw bytes lie between two known places of a text that was not UTF-8.
const STRIDE_BYTES: usize = 16;

pub(super) struct Decoded<'a> {
    pub(super) text: Cow<'a, str>,
    way_back: WayBack,
}

enum WayBack {
    /// The text is the bytes behind a byte order mark of this length.
    Shifted(usize),
    /// Known places: where in the text, and where in the bytes. The bytes' number is kept beside them.
    Marks(Vec<(usize, usize)>, usize),
}

impl Decoded<'_> {
    pub(super) fn none() -> Decoded<'static> {
        Decoded { text: Cow::Borrowed(""), way_back: WayBack::Shifted(0) }
    }

    /// The raw bytes that this part of the text was made of: exactly in UTF-8, a little wider in other encodings.
    pub(super) fn raw(&self, place: Range<usize>) -> Range<usize> {
        match &self.way_back {
            WayBack::Shifted(mark_bytes) => place.start + mark_bytes..place.end + mark_bytes,
            WayBack::Marks(marks, bytes) => {
                let before = marks.partition_point(|&(text, _)| text <= place.start);
                let after = marks.partition_point(|&(text, _)| text < place.end);
                // A character may have begun in the stride before the one that it was finished in.
                let start = before.checked_sub(1).and_then(|at| marks.get(at)).map_or(0, |&(_, raw)| raw);
                let end = marks.get(after).map_or(*bytes, |&(_, raw)| raw);
                start.saturating_sub(4)..end
            }
        }
    }
}

pub(super) fn decode<'a>(raw: Raw<'a>, kind: Kind) -> Decoded<'a> {
    if let Some((encoding, mark_bytes)) = Encoding::for_bom(raw.bytes) {
        return with(encoding, raw.bytes, mark_bytes);
    }
    let said = raw.mediatype.and_then(charset_of);
    let said = said.or_else(|| if kind == Kind::Html { declared_in(raw.bytes) } else { None });
    match said {
        Some(encoding) if encoding != UTF_8 => with(encoding, raw.bytes, 0),
        Some(_) => with(UTF_8, raw.bytes, 0),
        None if is_nearly_utf8(raw.bytes) => with(UTF_8, raw.bytes, 0),
        None => with(WINDOWS_1252, raw.bytes, 0),
    }
}

fn with<'a>(encoding: &'static Encoding, bytes: &'a [u8], mark_bytes: usize) -> Decoded<'a> {
    if encoding == UTF_8
        && let Ok(text) = std::str::from_utf8(&bytes[mark_bytes..])
    {
        return Decoded { text: Cow::Borrowed(text), way_back: WayBack::Shifted(mark_bytes) };
    }
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::new();
    let mut marks = Vec::with_capacity(bytes.len() / STRIDE_BYTES + 1);
    let mut at = mark_bytes;
    while at < bytes.len() {
        marks.push((text.len(), at));
        let stride = &bytes[at..bytes.len().min(at + STRIDE_BYTES)];
        at += stride.len();
        text.reserve(decoder.max_utf8_buffer_length(stride.len()).unwrap_or(4 * STRIDE_BYTES));
        let _ = decoder.decode_to_string(stride, &mut text, at == bytes.len());
    }
    Decoded { text: Cow::Owned(text), way_back: WayBack::Marks(marks, bytes.len()) }
}

/// UTF-8 with a damaged spot is still UTF-8: more characters of several bytes are right than wrong.
fn is_nearly_utf8(bytes: &[u8]) -> bool {
    if std::str::from_utf8(bytes).is_ok() {
        return true;
    }
    let (mut right, mut wrong) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        right += chunk.valid().bytes().filter(|byte| *byte >= 0xc0).count();
        wrong += usize::from(!chunk.invalid().is_empty());
    }
    right > wrong
}

fn charset_of(mediatype: &str) -> Option<&'static Encoding> {
    mediatype.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        if !name.trim().eq_ignore_ascii_case("charset") {
            return None;
        }
        Encoding::for_label(value.trim().trim_matches('"').as_bytes())
    })
}

/// `<meta charset=…>`, `<meta http-equiv … content="…; charset=…">` or an XML declaration, in the first 2,048 bytes.
fn declared_in(bytes: &[u8]) -> Option<&'static Encoding> {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(2048)]).to_ascii_lowercase();
    if start.trim_start().starts_with("<?xml")
        && let Some(declared) = start.split("?>").next().and_then(|head| head.split("encoding=").nth(1))
    {
        return label(declared);
    }
    start.split("<meta").skip(1).find_map(|rest| {
        let tag = rest.split('>').next().unwrap_or(rest);
        label(tag.split("charset=").nth(1)?)
    })
}

fn label(text: &str) -> Option<&'static Encoding> {
    let text = text.trim_start_matches(['"', '\'', ' ']);
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c))).unwrap_or(text.len());
    let encoding = Encoding::for_label(&text.as_bytes()[..end])?;
    // A page that could say so in ASCII is not UTF-16.
    Some(if encoding == encoding_rs::UTF_16LE || encoding == encoding_rs::UTF_16BE { UTF_8 } else { encoding })
}

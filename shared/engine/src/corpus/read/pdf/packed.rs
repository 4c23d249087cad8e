//! Owns what the streams of a PDF unpack to: each is unpacked once, as far as it may go, before anything believes it.
//! Never trusts what the file says of itself: whatever a decoder could make of bytes is counted, whoever names it.
//! Next: `work` looks at what the file is made of, once it could be loaded.

use std::io::{Read, Write};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::read::{DeflateDecoder, ZlibDecoder};
use pdf_extract::{Dictionary, Object, Stream};
use regex::bytes::Regex;

use super::{ReadError, damaged};

/// Of one stream. A page of text has some kilobytes, a drawing some megabytes.
pub(super) const STREAM_BYTES_MAX: u64 = 16 << 20;
/// Of all of a file.
const ALL_BYTES_MAX: u64 = 256 << 20;
/// A stream that is packed in itself more often than this is no text.
const TIMES_MAX: usize = 8;
/// Enough to make a packed stream unreadable.
const BLANKED_BYTES: usize = 64;
/// How far before its stream a dictionary is searched for what it says.
const DICTIONARY_BYTES: usize = 2048;

/// Every expression here is tried by a test.
fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

static BEGINS: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"(?-u)stream[ \t]*(?:\r\n|\n|\r)"));
static LOCKED: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"(?-u)/Encrypt[^A-Za-z]"));
static LZW: LazyLock<Option<Regex>> = LazyLock::new(|| pattern("LZWDecode"));
static ASCII: LazyLock<Option<Regex>> = LazyLock::new(|| pattern("ASCII85Decode"));
static ESCAPED: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"(?-u)#([0-9A-Fa-f]{2})"));

/// Which decoders the file has any use for.
#[derive(Clone, Copy)]
struct Ways {
    lzw: bool,
    ascii: bool,
}

/// More than the bound came out.
struct TooMuch;

/// Names may be spelled with the codes of their letters.
fn plainly(bytes: &[u8]) -> Vec<u8> {
    let Some(escaped) = &*ESCAPED else { return bytes.to_vec() };
    let plain = escaped.replace_all(bytes, |found: &regex::bytes::Captures<'_>| {
        let digits = found.get(1).and_then(|digits| std::str::from_utf8(digits.as_bytes()).ok()).unwrap_or("20");
        vec![u8::from_str_radix(digits, 16).unwrap_or(b' ')]
    });
    plain.into_owned()
}

pub(super) fn is_locked(bytes: &[u8]) -> bool {
    LOCKED.as_ref().is_some_and(|locked| locked.is_match(&plainly(bytes)))
}

/// Refuses what unpacks to too much. An image that does is made unreadable instead: nobody looks at images.
pub(super) fn bound(bytes: &mut [u8], given_up: &AtomicBool) -> Result<(), ReadError> {
    let plain = plainly(bytes);
    let names = |name: &Option<Regex>| name.as_ref().is_none_or(|name| name.is_match(&plain));
    let ways = Ways { lzw: names(&LZW), ascii: names(&ASCII) };
    let begins: Vec<usize> = match &*BEGINS {
        Some(begins) => begins.find_iter(&*bytes).map(|found| found.end()).collect(),
        None => vec![],
    };
    let mut left = ALL_BYTES_MAX;
    for begin in begins {
        if given_up.load(Ordering::Relaxed) {
            return Err(damaged("nobody waits for it"));
        }
        if unpacked(&bytes[begin..], ways, TIMES_MAX, &mut left).is_ok() {
            continue;
        }
        let dictionary = &bytes[begin.saturating_sub(DICTIONARY_BYTES)..begin];
        let is_image = dictionary.windows(6).any(|part| part == b"/Image");
        if !is_image || left == 0 {
            return Err(damaged(format!(
                "its streams unpack to too much: {STREAM_BYTES_MAX} bytes each and {ALL_BYTES_MAX} in all are read"
            )));
        }
        let end = bytes.len().min(begin + BLANKED_BYTES);
        bytes[begin..end].fill(0);
        unpacked(&bytes[begin..], ways, TIMES_MAX, &mut left)
            .map_err(|TooMuch| damaged("one of its images unpacks to too much"))?;
    }
    Ok(())
}

/// Everything that a chain of decoders could make of it.
fn unpacked(bytes: &[u8], ways: Ways, times: usize, left: &mut u64) -> Result<(), TooMuch> {
    let outputs =
        [Some(inflated(bytes)), ways.lzw.then(|| without_lzw(bytes)), ways.ascii.then(|| without_ascii(bytes))];
    for output in outputs.into_iter().flatten().filter(|output| !output.is_empty()) {
        let size = output.len() as u64;
        *left = left.saturating_sub(size);
        if size > STREAM_BYTES_MAX || *left == 0 || times == 0 {
            return Err(TooMuch);
        }
        unpacked(&output, ways, times - 1, left)?;
    }
    Ok(())
}

/// As the library does it: what is no zlib is tried without its head.
fn inflated(bytes: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    // However it ends, what came out counts.
    let _ = ZlibDecoder::new(bytes).take(STREAM_BYTES_MAX + 1).read_to_end(&mut output);
    if output.is_empty() && bytes.len() > 2 {
        let _ = DeflateDecoder::new(&bytes[2..]).take(STREAM_BYTES_MAX + 1).read_to_end(&mut output);
    }
    output
}

fn without_lzw(bytes: &[u8]) -> Vec<u8> {
    use weezl::{BitOrder, decode::Decoder};
    let decoded = |mut decoder: Decoder| {
        let mut output = Bounded(Vec::new());
        let _ = decoder.into_stream(&mut output).decode_all(bytes);
        output.0
    };
    let (early, late) =
        (decoded(Decoder::with_tiff_size_switch(BitOrder::Msb, 8)), decoded(Decoder::new(BitOrder::Msb, 8)));
    if early.len() > late.len() { early } else { late }
}

fn without_ascii(bytes: &[u8]) -> Vec<u8> {
    let mut dictionary = Dictionary::new();
    dictionary.set("Filter", Object::Name(b"ASCII85Decode".to_vec()));
    // One letter makes four bytes at most.
    let end = bytes.iter().position(|byte| *byte == b'~').unwrap_or(bytes.len());
    let end = end.min(usize::try_from(STREAM_BYTES_MAX).unwrap_or(usize::MAX));
    Stream::new(dictionary, bytes[..end].to_vec()).decompressed_content().unwrap_or_default()
}

struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() as u64 > STREAM_BYTES_MAX {
            return Err(std::io::ErrorKind::OutOfMemory.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn bounded(dictionary: &str, stream: &[u8]) -> Result<Vec<u8>, ReadError> {
        let mut file = format!("%PDF-1.4\n1 0 obj\n{dictionary}\nstream\r\n").into_bytes();
        file.extend_from_slice(stream);
        file.extend_from_slice(b"\nendstream\nendobj\n");
        bound(&mut file, &AtomicBool::new(false)).map(|()| file)
    }

    #[test]
    fn every_expression_compiles() {
        assert!(BEGINS.is_some() && LOCKED.is_some() && ESCAPED.is_some());
        assert!(LZW.is_some() && ASCII.is_some());
    }

    #[test]
    fn a_stream_that_unpacks_to_too_much_is_refused_however_it_is_packed() {
        let bomb = zlib(&vec![b' '; 40 << 20]);
        assert!(bounded("<< /Filter /FlateDecode >>", &bomb).is_err());
        assert!(bounded("<< /Filter [/FlateDecode /FlateDecode] >>", &zlib(&bomb)).is_err());
        assert!(bounded("<< /Filter 7 0 R >>", &zlib(&zlib(&bomb))).is_err(), "what it says of itself is not believed");
        let mut lzw = weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
        let lzw = lzw.encode(&vec![b' '; 40 << 20]).unwrap();
        assert!(bounded("<< /Filter /LZ#57Decode >>", &lzw).is_err());
        // Five letters for four bytes.
        let spelled: Vec<u8> = bomb
            .chunks(4)
            .flat_map(|four| {
                let mut word = four.iter().chain(&[0; 4]).take(4).fold(0u32, |word, byte| word << 8 | u32::from(*byte));
                let mut letters = [0; 5];
                for letter in letters.iter_mut().rev() {
                    *letter = b'!' + (word % 85) as u8;
                    word /= 85;
                }
                letters
            })
            .collect();
        assert!(bounded("<< /Filter [/ASCII85Decode /FlateDecode] >>", &spelled).is_err());
    }

    #[test]
    fn what_unpacks_to_little_stays_as_it_is_and_a_large_image_is_blanked() {
        let page = zlib(&vec![b' '; 1 << 20]);
        let file = bounded("<< /Filter /FlateDecode >>", &page).unwrap();
        assert!(file.windows(page.len()).any(|part| part == page));
        let image = zlib(&vec![7; 40 << 20]);
        let file = bounded("<< /Subtype /Image /Filter /FlateDecode >>", &image).unwrap();
        assert!(!file.windows(image.len()).any(|part| part == image));
    }

    #[test]
    fn a_lock_is_seen_however_it_is_spelled() {
        assert!(is_locked(b"<< /Encrypt 5 0 R >>") && is_locked(b"<< /#45ncrypt<<") && !is_locked(b"/Encryption"));
    }
}

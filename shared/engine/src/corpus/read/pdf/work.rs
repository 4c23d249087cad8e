//! Owns what the pages of a PDF make a reader do: forms that draw forms, contents that are named many times over.
//! Never goes where the library would not come back from: what has no end is refused before it begins.
//! Next: `pages` reads what may be read.

use std::cell::Cell;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use pdf_extract::content::Content;
use pdf_extract::{Dictionary, Document, Object, ObjectId, Stream};
use regex::bytes::Regex;

use super::{ReadError, damaged};

const PAGES_MAX: usize = 20_000;
/// Of contents, each counted as often as it is read.
const WORK_BYTES_MAX: usize = 128 << 20;
/// What each content costs beside its bytes, an empty one too.
const EACH_BYTES: usize = 1 << 10;
/// How deep forms draw forms.
const DEPTH_MAX: usize = 24;
/// How many nodes are above a page.
const PARENTS_MAX: usize = 64;
/// Of streams that hold other objects: a hundred bytes of memory for each of them.
const HOARDS_BYTES_MAX: usize = 32 << 20;
/// Of characters that one table of a font gives a meaning.
const MEANINGS_MAX: u64 = 1 << 20;

thread_local! {
    /// What is left of `HOARDS_BYTES_MAX`: the library takes no closure.
    static HOARDS_LEFT: Cell<usize> = const { Cell::new(0) };
}

static RANGES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?-u)<\s*([0-9A-Fa-f\s]+)>\s*<\s*([0-9A-Fa-f\s]+)>\s*(?:<[0-9A-Fa-f\s]*>|\[[^\]]*\])").ok()
});

/// Before each file.
pub(super) fn begin() {
    HOARDS_LEFT.set(HOARDS_BYTES_MAX);
}

/// Leaves out streams of objects that hold too much together. Called for each object while a file is loaded.
pub(super) fn without_hoards(id: ObjectId, object: &mut Object) -> Option<(ObjectId, Object)> {
    let Object::Stream(stream) = object else { return Some((id, object.clone())) };
    if stream.dict.has_type(b"ObjStm") {
        let size = plain(stream).len();
        HOARDS_LEFT.set(HOARDS_LEFT.get().checked_sub(size)?);
    }
    // What is returned of a stream is not used.
    Some((id, Object::Null))
}

/// Refuses what would keep a reader for too long, or for ever.
pub(super) fn bound(document: &mut Document, given_up: &AtomicBool) -> Result<(), ReadError> {
    for object in document.objects.values_mut() {
        if let Object::Stream(stream) = object
            && stream.dict.get(b"Subtype").and_then(Object::as_name).is_ok_and(|name| name == b"Image")
        {
            // An image that is drawn would be read as if it were text.
            stream.dict.remove(b"Filter");
            stream.content = Vec::new();
        }
    }
    let pages = document.get_pages();
    if pages.len() > PAGES_MAX {
        return Err(damaged(format!("it has {} pages, {PAGES_MAX} at most", pages.len())));
    }
    meanings(document)?;
    let mut walk = Walk { document, given_up, left: WORK_BYTES_MAX };
    pages.values().try_for_each(|page| walk.page(*page))
}

/// A stream as it is read.
fn plain(stream: &Stream) -> Vec<u8> {
    stream.decompressed_content().unwrap_or_else(|_| stream.content.clone())
}

/// A table of a font may give four milliards of characters a meaning, in one line.
fn meanings(document: &Document) -> Result<(), ReadError> {
    let dictionaries = document.objects.values().filter_map(|object| object.as_dict().ok());
    for table in dictionaries.filter_map(|font| font.get_deref(b"ToUnicode", document).ok()) {
        let Ok(table) = table.as_stream() else { continue };
        let text = plain(table);
        let number = |digits: &[u8]| {
            digits
                .iter()
                .filter_map(|digit| char::from(*digit).to_digit(16))
                .fold(0u64, |sum, digit| (sum << 4 | u64::from(digit)) & 0xffff_ffff)
        };
        let count: u64 = RANGES
            .iter()
            .flat_map(|ranges| ranges.captures_iter(&text))
            .map(|range| number(&range[2]).saturating_sub(number(&range[1])))
            .sum();
        if text.windows(12).any(|part| part == b"beginbfrange") && count > MEANINGS_MAX {
            return Err(damaged(format!("one of its fonts has {count} characters, {MEANINGS_MAX} at most")));
        }
    }
    Ok(())
}

struct Walk<'a> {
    document: &'a Document,
    given_up: &'a AtomicBool,
    left: usize,
}

impl<'a> Walk<'a> {
    fn page(&mut self, id: ObjectId) -> Result<(), ReadError> {
        let Ok(page) = self.document.get_dictionary(id) else { return Ok(()) };
        let resources = self.inherited(page)?;
        let mut content = Vec::new();
        for id in self.document.get_page_contents(id) {
            let Ok(Object::Stream(stream)) = self.document.get_object(id) else { continue };
            let more = plain(stream);
            self.spend(more.len())?;
            content.extend_from_slice(&more);
            content.push(b' ');
        }
        self.forms(&content, resources, 0)
    }

    /// The resources of a page, or of the nearest node above it that has some.
    fn inherited(&self, page: &'a Dictionary) -> Result<Option<&'a Dictionary>, ReadError> {
        let (mut node, mut found) = (page, None);
        for _ in 0..PARENTS_MAX {
            found = found.or_else(|| node.get_deref(b"Resources", self.document).and_then(Object::as_dict).ok());
            match node.get_deref(b"Parent", self.document).and_then(Object::as_dict) {
                Ok(parent) => node = parent,
                Err(_) => return Ok(found),
            }
        }
        Err(damaged("its pages are part of each other"))
    }

    /// What a content draws that is a content itself.
    fn forms(&mut self, content: &[u8], resources: Option<&'a Dictionary>, depth: usize) -> Result<(), ReadError> {
        if depth > DEPTH_MAX {
            return Err(damaged("its forms draw each other without end"));
        }
        let (Some(resources), document) = (resources, self.document) else { return Ok(()) };
        if !content.windows(2).any(|part| part == b"Do") {
            return Ok(());
        }
        let Ok(content) = Content::decode(content) else { return Ok(()) };
        for operation in content.operations.iter().filter(|operation| operation.operator == "Do") {
            let drawn = operation.operands.first().and_then(|name| name.as_name().ok()).and_then(|name| {
                let forms = resources.get_deref(b"XObject", document).and_then(Object::as_dict).ok()?;
                forms.get_deref(name, document).and_then(Object::as_stream).ok()
            });
            let Some(form) = drawn else { continue };
            let own = form.dict.get_deref(b"Resources", document).and_then(Object::as_dict).ok();
            let content = plain(form);
            self.spend(content.len())?;
            self.forms(&content, own.or(Some(resources)), depth + 1)?;
        }
        Ok(())
    }

    fn spend(&mut self, bytes: usize) -> Result<(), ReadError> {
        if self.given_up.load(Ordering::Relaxed) {
            return Err(damaged("nobody waits for it"));
        }
        let left = self.left.checked_sub(bytes + EACH_BYTES);
        self.left = left.ok_or_else(|| damaged(format!("its pages draw more than {WORK_BYTES_MAX} bytes")))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expression_compiles_and_finds_both_forms_of_a_range() {
        let ranges = RANGES.as_ref().unwrap();
        assert_eq!(ranges.captures_iter(b"2 beginbfrange <00> <FF> <0041> <01><02> [<0041> <0042>]").count(), 2);
    }
}

//! Owns the text of PDF files, page by page, read on a thread of its own: broken ones make the library panic or spin.
//! Never longer than its time limit, and never a file that is locked with a password.
//! Next: `plain` finds the paragraphs of what it says.

use std::sync::mpsc;
use std::time::Duration;

use pdf_extract::Document;

use super::draft::{Draft, Origins, Part, Shape};
use super::{ReadError, plain};

const TIME_MAX: Duration = Duration::from_secs(30);
/// Nested forms and trees are walked by recursion.
const STACK_BYTES: usize = 64 << 20;

pub(super) fn draft(bytes: &[u8]) -> Result<Draft, ReadError> {
    let whole = bytes.len();
    let text = apart(bytes.to_vec())?;
    let text = text.replace(['\u{0}', '\u{ad}'], "");
    let mut draft = plain::draft(&text);
    // The words are packed in the file: each came from all of it.
    draft.origins = Origins::Parts(vec![Part { text: 0..text.len(), origin: 0..whole }]);
    draft.blocks.retain(|block| text[block.place.clone()].contains(char::is_alphanumeric));
    for block in &mut draft.blocks {
        block.shape = Shape::Prose;
    }
    draft.tables.clear();
    Ok(draft)
}

fn apart(bytes: Vec<u8>) -> Result<String, ReadError> {
    let (sender, receiver) = mpsc::channel();
    let reader = std::thread::Builder::new().name("pdf".to_owned()).stack_size(STACK_BYTES);
    let reader = reader.spawn(move || {
        // Whoever asked may have stopped waiting.
        let _ = sender.send(text(&bytes));
    });
    let reader = reader.map_err(|why| ReadError::Damaged(format!("no thread to read it on: {why}")))?;
    match receiver.recv_timeout(TIME_MAX) {
        Ok(text) => {
            let _ = reader.join();
            text
        }
        // It cannot be ended from outside: it goes on until it is done, and nobody listens.
        Err(mpsc::RecvTimeoutError::Timeout) => {
            Err(ReadError::Damaged(format!("it took more than {} s to read", TIME_MAX.as_secs())))
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            Err(ReadError::Damaged("it is no PDF that can be read".to_owned()))
        }
    }
}

fn text(bytes: &[u8]) -> Result<String, ReadError> {
    let damaged = |why: &dyn std::fmt::Display| ReadError::Damaged(format!("it is no PDF that can be read: {why}"));
    let document = Document::load_mem(bytes).map_err(|why| match why {
        pdf_extract::Error::Decryption(_) | pdf_extract::Error::InvalidPassword => ReadError::Encrypted,
        other => damaged(&other),
    })?;
    if document.is_encrypted() || document.trailer.has(b"Encrypt") {
        return Err(ReadError::Encrypted);
    }
    let pages = pdf_extract::extract_text_from_mem_by_pages(bytes).map_err(|why| damaged(&why))?;
    if pages.is_empty() && !document.get_pages().is_empty() {
        return Err(ReadError::Damaged("none of its pages can be read".to_owned()));
    }
    Ok(pages.join("\n\n"))
}

//! Owns the text of PDF files, page by page, read on a thread of its own: broken ones make the library panic or spin.
//! Never longer than its time limit, never more than one thread that nobody waits for, and never a locked file.
//! `packed` bounds what its streams unpack to, `work` what its pages make a reader do, `pages` what text comes of them.
//! Next: `plain` finds the paragraphs of what it says.

mod packed;
mod pages;
mod work;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::time::Duration;

use pdf_extract::{Document, LoadOptions};

use super::draft::{Draft, Origins, Part, Shape};
use super::{ReadError, plain};

const TIME_MAX: Duration = Duration::from_secs(30);
/// Nested forms and trees are walked by recursion.
const STACK_BYTES: usize = 64 << 20;

/// Readers that were given up and have not ended yet. While there is one, no other is started.
static LEFT_BEHIND: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

pub(super) fn draft(bytes: &[u8]) -> Result<Draft, ReadError> {
    let whole = bytes.len();
    let text = apart(bytes.to_vec(), TIME_MAX)?;
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

fn damaged(why: impl std::fmt::Display) -> ReadError {
    ReadError::Damaged(why.to_string())
}

/// Of one reader. Set by who waits no longer, looked at by who reads.
#[derive(Default)]
struct Terms {
    given_up: AtomicBool,
    /// Guards the last moment: either the reader ends before it is given up, or it is counted until it ends.
    is_over: Mutex<bool>,
}

struct Ending(Arc<Terms>);

impl Drop for Ending {
    /// Also of a reader that panics.
    fn drop(&mut self) {
        let mut is_over = self.0.is_over.lock().unwrap_or_else(PoisonError::into_inner);
        *is_over = true;
        if self.0.given_up.load(Ordering::SeqCst) {
            *LEFT_BEHIND.0.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
            LEFT_BEHIND.1.notify_all();
        }
    }
}

/// Whether nobody is left behind, now or within this time.
fn are_all_back(time_max: Duration) -> bool {
    let left = LEFT_BEHIND.0.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = LEFT_BEHIND.1.wait_timeout_while(left, time_max, |left| *left > 0);
    *waited.unwrap_or_else(PoisonError::into_inner).0 == 0
}

fn give_up(terms: &Terms) {
    let is_over = terms.is_over.lock().unwrap_or_else(PoisonError::into_inner);
    if !*is_over {
        terms.given_up.store(true, Ordering::SeqCst);
        *LEFT_BEHIND.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }
}

fn apart(bytes: Vec<u8>, time_max: Duration) -> Result<String, ReadError> {
    if !are_all_back(time_max) {
        return Err(damaged("another PDF took too long and is still being left: read this one again later"));
    }
    let (sender, receiver) = mpsc::channel();
    let terms = Arc::new(Terms::default());
    let ending = Ending(Arc::clone(&terms));
    let reader = std::thread::Builder::new().name("pdf".to_owned()).stack_size(STACK_BYTES);
    let reader = reader.spawn(move || {
        let ending = ending;
        // Whoever asked may have stopped waiting.
        let _ = sender.send(text(bytes, &ending.0.given_up));
    });
    let reader = reader.map_err(|why| damaged(format!("no thread to read it on: {why}")))?;
    match receiver.recv_timeout(time_max) {
        Ok(text) => {
            let _ = reader.join();
            text
        }
        // It cannot be ended from outside: it ends where it looks next whether anybody still listens.
        Err(mpsc::RecvTimeoutError::Timeout) => {
            give_up(&terms);
            Err(damaged(format!("it took more than {} s to read", time_max.as_secs())))
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(damaged("it is no PDF that can be read")),
    }
}

fn text(mut bytes: Vec<u8>, given_up: &AtomicBool) -> Result<String, ReadError> {
    let unreadable = |why: &dyn std::fmt::Display| damaged(format!("it is no PDF that can be read: {why}"));
    // What is locked is not read, and so what its streams unpack to is never a secret either.
    if packed::is_locked(&bytes) {
        return Err(ReadError::Encrypted);
    }
    packed::bound(&mut bytes, given_up)?;
    let options = LoadOptions::with_filter(work::without_hoards);
    work::begin();
    let mut document = Document::load_mem_with_options(&bytes, options).map_err(|why| match why {
        pdf_extract::Error::Decryption(_) | pdf_extract::Error::InvalidPassword => ReadError::Encrypted,
        other => unreadable(&other),
    })?;
    drop(bytes);
    if document.is_encrypted() || document.trailer.has(b"Encrypt") {
        return Err(ReadError::Encrypted);
    }
    work::bound(&mut document, given_up)?;
    let pages = pages::of(&document, given_up).map_err(|why| unreadable(&why))?;
    if pages.is_empty() && !document.get_pages().is_empty() {
        return Err(damaged("none of its pages can be read"));
    }
    Ok(pages.join("\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of very many words.
    fn slow() -> Vec<u8> {
        let content = format!("BT /F1 12 Tf 72 720 Td {} ET", "(words) Tj ".repeat(400_000));
        let objects = [
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
                .to_owned(),
            format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
        ];
        let (mut file, mut places) = (String::from("%PDF-1.4\n"), Vec::new());
        for (number, object) in (1..).zip(&objects) {
            places.push(file.len());
            file.push_str(&format!("{number} 0 obj\n{object}\nendobj\n"));
        }
        let xref = file.len();
        file.push_str("xref\n0 6\n0000000000 65535 f \n");
        places.iter().for_each(|place| file.push_str(&format!("{place:010} 00000 n \n")));
        file.push_str(&format!("trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{xref}\n%%EOF\n"));
        file.into_bytes()
    }

    #[test]
    fn a_reader_that_is_given_up_ends_and_until_then_no_other_is_started() {
        let late = apart(slow(), Duration::from_millis(20)).unwrap_err();
        assert!(late.to_string().contains("took more than"), "{late}");
        let refused = apart(b"%PDF-1.4".to_vec(), Duration::ZERO).unwrap_err();
        assert!(refused.to_string().contains("another PDF took too long"), "{refused}");
        assert!(are_all_back(Duration::from_secs(20)), "it goes on and on");
        assert!(apart(b"%PDF-1.4".to_vec(), TIME_MAX).unwrap_err().to_string().contains("no PDF that can be read"));
    }
}

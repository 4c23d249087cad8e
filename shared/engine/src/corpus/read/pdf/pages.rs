//! Owns the text of each page, as the library tells it letter by letter, until there is enough or nobody waits.
//! Never half a page: where one cannot be read, those before it are what the file says.
//! Next: `pdf` joins them.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use pdf_extract::{
    ColorSpace, ConvertToFmt, Document, MediaBox, OutputDev, OutputError, Path, PlainTextOutput, Transform, output_doc,
};

use crate::corpus::read::BYTES_MAX;

/// Of all pages.
const TEXT_BYTES_MAX: usize = BYTES_MAX as usize;

/// Every page of a document.
pub(super) fn of(document: &Document, given_up: &AtomicBool) -> Result<Vec<String>, String> {
    let mut press =
        Press { page: PlainTextOutput::new(Sheet::default()), sheet: Sheet::default(), done: vec![], given_up };
    let end = output_doc(document, &mut press);
    let text_bytes: usize = press.done.iter().map(String::len).sum();
    if text_bytes + press.sheet.0.borrow().len() > TEXT_BYTES_MAX {
        return Err(format!("it has more than {TEXT_BYTES_MAX} bytes of text"));
    }
    match end {
        Err(_) if given_up.load(Ordering::Relaxed) => Err("nobody waits for it".to_owned()),
        Err(why) if press.done.is_empty() => Err(why.to_string()),
        // What the pages before the broken one say stands.
        Err(_) | Ok(()) => Ok(press.done),
    }
}

/// What a page's letters are written to.
#[derive(Clone, Default)]
struct Sheet(Rc<RefCell<String>>);

impl fmt::Write for Sheet {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.borrow_mut().push_str(text);
        Ok(())
    }
}

impl ConvertToFmt for Sheet {
    type Writer = Sheet;

    fn convert(self) -> Sheet {
        self
    }
}

struct Press<'a> {
    page: PlainTextOutput<Sheet>,
    sheet: Sheet,
    done: Vec<String>,
    given_up: &'a AtomicBool,
}

impl Press<'_> {
    fn goes_on(&self) -> Result<(), OutputError> {
        let too_much = self.sheet.0.borrow().len() > TEXT_BYTES_MAX;
        if too_much || self.given_up.load(Ordering::Relaxed) { Err(fmt::Error.into()) } else { Ok(()) }
    }
}

impl OutputDev for Press<'_> {
    fn begin_page(
        &mut self,
        number: u32,
        media_box: &MediaBox,
        art_box: Option<(f64, f64, f64, f64)>,
    ) -> Result<(), OutputError> {
        self.goes_on()?;
        if self.done.iter().map(String::len).sum::<usize>() > TEXT_BYTES_MAX {
            return Err(fmt::Error.into());
        }
        self.sheet = Sheet::default();
        self.page = PlainTextOutput::new(self.sheet.clone());
        self.page.begin_page(number, media_box, art_box)
    }

    fn end_page(&mut self) -> Result<(), OutputError> {
        self.page.end_page()?;
        self.done.push(self.sheet.0.take());
        Ok(())
    }

    fn output_character(
        &mut self,
        place: &Transform,
        width: f64,
        spacing: f64,
        font_size: f64,
        letter: &str,
    ) -> Result<(), OutputError> {
        self.goes_on()?;
        self.page.output_character(place, width, spacing, font_size, letter)
    }

    fn begin_word(&mut self) -> Result<(), OutputError> {
        self.goes_on()?;
        self.page.begin_word()
    }

    fn end_word(&mut self) -> Result<(), OutputError> {
        self.page.end_word()
    }

    fn end_line(&mut self) -> Result<(), OutputError> {
        self.goes_on()?;
        self.page.end_line()
    }

    fn stroke(&mut self, _: &Transform, _: &ColorSpace, _: &[f64], _: &Path) -> Result<(), OutputError> {
        self.goes_on()
    }

    fn fill(&mut self, _: &Transform, _: &ColorSpace, _: &[f64], _: &Path) -> Result<(), OutputError> {
        self.goes_on()
    }
}

//! Owns the tokens of a page: tags with the attributes that matter, and text with the bytes that it stood in.
//! Never decides what a tag means.
//! Next: `tree` takes them; the states of the tokenizer are html5gum's.

use std::convert::Infallible;

use html5gum::emitters::naive_next_state;
use html5gum::{Emitter, Error, State, Tokenizer};

/// Whoever takes the tokens of a page.
pub(super) trait Sink {
    fn start(&mut self, name: &[u8], attributes: &Attributes);
    fn end(&mut self, name: &[u8]);
    /// Bytes of text, and where they stood: of another length where a character reference stood for them.
    fn text(&mut self, text: &[u8], from: usize, to: usize);
}

#[derive(Debug, Default)]
pub(super) struct Attributes(Vec<(Vec<u8>, Vec<u8>)>);

impl Attributes {
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let (_, value) = self.0.iter().find(|(known, _)| known.as_slice() == name.as_bytes())?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known.as_slice() == name.as_bytes())
    }

    /// In lower case; empty where there is none.
    pub(super) fn lower(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_ascii_lowercase()
    }
}

pub(super) fn feed(page: &str, sink: &mut dyn Sink) {
    let tokens = Tokens {
        page: page.as_bytes(),
        sink,
        position: 0,
        name: Vec::new(),
        is_end: false,
        last_start: Vec::new(),
        attributes: Attributes::default(),
    };
    let Ok(()) = Tokenizer::new_with_emitter(page, tokens).finish();
}

/// No page needs more, and each is looked through by name.
const ATTRIBUTES_MAX: usize = 64;

struct Tokens<'a> {
    page: &'a [u8],
    sink: &'a mut dyn Sink,
    /// How many bytes are read.
    position: usize,
    name: Vec<u8>,
    is_end: bool,
    last_start: Vec<u8>,
    attributes: Attributes,
}

impl Tokens<'_> {
    /// Where this text stood. The tokenizer may have looked a byte or two ahead.
    fn origin(&self, text: &[u8]) -> (usize, usize) {
        for ahead in 0..3 {
            let Some(to) = self.position.checked_sub(ahead) else { break };
            let Some(from) = to.checked_sub(text.len()) else { break };
            if self.page.get(from..to) == Some(text) {
                return (from, to);
            }
        }
        let to = self.position.min(self.page.len());
        let near = to.saturating_sub(48);
        let from =
            self.page[near..to].iter().rposition(|&byte| byte == b'&').map_or(to.saturating_sub(1), |at| near + at);
        (from, to)
    }
}

impl Emitter for Tokens<'_> {
    type Token = Infallible;

    fn set_last_start_tag(&mut self, last: Option<&[u8]>) {
        self.last_start = last.unwrap_or_default().to_vec();
    }

    fn emit_eof(&mut self) {}

    fn emit_error(&mut self, _error: Error) {}

    fn should_emit_errors(&mut self) -> bool {
        false
    }

    fn pop_token(&mut self) -> Option<Infallible> {
        None
    }

    fn emit_string(&mut self, text: &[u8]) {
        let (from, to) = self.origin(text);
        self.sink.text(text, from, to);
    }

    fn init_start_tag(&mut self) {
        self.name.clear();
        self.attributes.0.clear();
        self.is_end = false;
    }

    fn init_end_tag(&mut self) {
        self.name.clear();
        self.attributes.0.clear();
        self.is_end = true;
    }

    fn init_comment(&mut self) {}

    fn emit_current_tag(&mut self) -> Option<State> {
        if self.is_end {
            self.last_start.clear();
            self.sink.end(&self.name);
            return None;
        }
        self.last_start.clone_from(&self.name);
        self.sink.start(&self.name, &self.attributes);
        naive_next_state(&self.name)
    }

    fn emit_current_comment(&mut self) {}

    fn emit_current_doctype(&mut self) {}

    fn set_self_closing(&mut self) {}

    fn set_force_quirks(&mut self) {}

    fn push_tag_name(&mut self, part: &[u8]) {
        self.name.extend_from_slice(part);
    }

    fn push_comment(&mut self, _part: &[u8]) {}

    fn push_doctype_name(&mut self, _part: &[u8]) {}

    fn init_doctype(&mut self) {}

    fn init_attribute(&mut self) {
        if self.attributes.0.len() < ATTRIBUTES_MAX {
            self.attributes.0.push((Vec::new(), Vec::new()));
        }
    }

    fn push_attribute_name(&mut self, part: &[u8]) {
        if let Some((name, _)) = self.attributes.0.last_mut() {
            name.extend_from_slice(part);
        }
    }

    fn push_attribute_value(&mut self, part: &[u8]) {
        if let Some((_, value)) = self.attributes.0.last_mut() {
            value.extend_from_slice(part);
        }
    }

    fn set_doctype_public_identifier(&mut self, _value: &[u8]) {}

    fn set_doctype_system_identifier(&mut self, _value: &[u8]) {}

    fn push_doctype_public_identifier(&mut self, _part: &[u8]) {}

    fn push_doctype_system_identifier(&mut self, _part: &[u8]) {}

    fn current_is_appropriate_end_tag_token(&mut self) -> bool {
        self.is_end && !self.last_start.is_empty() && self.last_start == self.name
    }

    fn move_position(&mut self, offset: isize) {
        self.position = self.position.saturating_add_signed(offset);
    }
}

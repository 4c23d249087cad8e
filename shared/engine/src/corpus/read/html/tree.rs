//! Owns the shape of a page: nodes that begin and end, tags that were left open closed, hidden parts left out.
//! Never recursion, and never a search without a bound: a million open elements cost no more than a million closed ones.
//! Next: `chaff` judges nodes by what they hold, `flow` writes the events that are left.

use super::super::ReadError;
use super::chaff::{self, Hint};
use super::meta::Meta;
use super::tags::Tag;
use super::tokens::{Attributes, Sink};

/// More than any page that was written to be read.
const NODES_MAX: usize = 2_000_000;
/// How far up a misplaced end is looked for.
const REACH: usize = 512;

#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// A node begins.
    Open(u32),
    Close(u32),
    Break,
    /// `start..end` of the words, and where they stood in the page.
    Text {
        start: u32,
        end: u32,
        from: u32,
        to: u32,
    },
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) tag: Tag,
    pub(super) hint: Hint,
    /// Bytes of words in it, and of those the ones that are links.
    pub(super) text: u32,
    pub(super) link: u32,
    pub(super) links: u32,
    pub(super) cells: u32,
    pub(super) has_heading: bool,
    pub(super) has_table: bool,
    /// Of cells.
    pub(super) rows: u16,
    pub(super) columns: u16,
    /// The number of its `Close`.
    pub(super) close: u32,
}

/// A page, read to its end.
pub(super) struct Page {
    pub(super) words: String,
    pub(super) events: Vec<Event>,
    pub(super) nodes: Vec<Node>,
    pub(super) meta: Meta,
    /// What the first headings say.
    pub(super) headings: Vec<String>,
}

#[derive(Clone, Copy)]
struct Open {
    name: u64,
    tag: Tag,
    node: Option<u32>,
    unread: bool,
    link: bool,
}

#[derive(Default)]
pub(super) struct Tree {
    words: Vec<u8>,
    events: Vec<Event>,
    nodes: Vec<Node>,
    open: Vec<Open>,
    /// Numbers of the nodes that are open.
    inner: Vec<u32>,
    meta: Meta,
    headings: Vec<String>,
    heading: Option<String>,
    /// The style sheet that is being read.
    style: Vec<u8>,
    hidden_names: Vec<String>,
    too_many: bool,
}

/// The first eight bytes: enough to tell the names apart that are left open.
fn short(name: &[u8]) -> u64 {
    name.iter().take(8).fold(0, |short, &byte| short << 8 | u64::from(byte))
}

/// Whether a tag is one of some.
type Judge = fn(Tag) -> bool;

impl Sink for Tree {
    fn start(&mut self, name: &[u8], attributes: &Attributes) {
        let tag = Tag::of(name);
        match tag {
            Tag::Meta => return self.meta.tag(attributes),
            Tag::Break => {
                if self.reads() {
                    self.events.push(Event::Break);
                }
                return;
            }
            Tag::Time if self.reads() => self.meta.time(attributes),
            Tag::Script => self.meta.script_begins(attributes),
            _ => {}
        }
        if tag.has_no_end() {
            return;
        }
        self.close_implied(tag);
        let parent = self.open.last().copied();
        let hint = if tag.is_block() { chaff::hint(attributes) } else { Hint::None };
        let unread = parent.is_some_and(|parent| parent.unread)
            || matches!(tag, Tag::Unread | Tag::Script | Tag::Style)
            || (tag == Tag::Title && !self.meta.title_begins())
            || chaff::is_apart(name, attributes)
            || (tag == Tag::Header && !self.is_within_article())
            || chaff::is_hidden(attributes, &self.hidden_names);
        let is_link = tag == Tag::Link && attributes.has("href");
        let node = (!unread && (tag.is_block() || is_link)).then(|| self.begin(tag, hint, attributes)).flatten();
        if !unread && matches!(tag, Tag::Heading(_)) {
            self.heading = Some(String::new());
        }
        let link = is_link || (!tag.is_of_tables() && parent.is_some_and(|parent| parent.link));
        self.open.push(Open { name: short(name), tag, node, unread, link });
    }

    fn end(&mut self, name: &[u8]) {
        let tag = Tag::of(name);
        if tag == Tag::Break && self.reads() {
            self.events.push(Event::Break);
        }
        if tag.has_no_end() {
            return;
        }
        let name = short(name);
        for (reach, open) in self.open.iter().rev().enumerate().take(REACH) {
            if open.name == name {
                return self.close(self.open.len() - reach - 1);
            }
            // Ends inside a cell close nothing outside of it.
            if matches!(open.tag, Tag::Cell(_) | Tag::Table | Tag::Caption) && !tag.is_of_tables() {
                return;
            }
        }
    }

    fn text(&mut self, text: &[u8], from: usize, to: usize) {
        let Some(top) = self.open.last().copied() else { return self.put(text, from, to, false) };
        match top.tag {
            Tag::Script => return self.meta.script(text),
            Tag::Style => return self.style.extend_from_slice(text),
            Tag::Title => return self.meta.title_text(text),
            _ => {}
        }
        if !top.unread {
            self.put(text, from, to, top.link);
        } else if top.tag != Tag::Unread {
            self.meta.unread_text(text);
        }
    }
}

impl Tree {
    fn reads(&self) -> bool {
        self.open.last().is_none_or(|top| !top.unread)
    }

    fn is_within_article(&self) -> bool {
        self.open.iter().rev().take(REACH).any(|open| matches!(open.tag, Tag::Main | Tag::Section))
    }

    fn begin(&mut self, tag: Tag, hint: Hint, attributes: &Attributes) -> Option<u32> {
        if self.nodes.len() >= NODES_MAX {
            self.too_many = true;
            return None;
        }
        let span = |name: &str| attributes.get(name).and_then(|span| span.trim().parse().ok()).unwrap_or(1);
        let is_cell = matches!(tag, Tag::Cell(_));
        let node = u32::try_from(self.nodes.len()).ok()?;
        self.nodes.push(Node {
            tag,
            hint,
            text: 0,
            link: 0,
            links: u32::from(tag == Tag::Link),
            cells: u32::from(is_cell),
            has_heading: matches!(tag, Tag::Heading(_)),
            has_table: false,
            rows: if is_cell { span("rowspan") } else { 1 },
            columns: if is_cell { span("colspan") } else { 1 },
            close: 0,
        });
        self.events.push(Event::Open(node));
        self.inner.push(node);
        Some(node)
    }

    fn put(&mut self, text: &[u8], from: usize, to: usize, is_link: bool) {
        if let Some(heading) = &mut self.heading {
            heading.push_str(&String::from_utf8_lossy(text));
        }
        let start = self.words.len() as u32;
        self.words.extend_from_slice(text);
        let bytes = text.iter().filter(|byte| !byte.is_ascii_whitespace()).count() as u32;
        if let Some(node) = self.inner.last().and_then(|&node| self.nodes.get_mut(node as usize)) {
            node.text += bytes;
            node.link += if is_link { bytes } else { 0 };
        }
        let (end, from, to) = (self.words.len() as u32, from as u32, to as u32);
        if let Some(Event::Text { end: last_end, from: last_from, to: last_to, start: last_start }) =
            self.events.last_mut()
            && *last_to == from
            && *last_to - *last_from == *last_end - *last_start
            && to - from == end - start
        {
            *last_end = end;
            *last_to = to;
            return;
        }
        self.events.push(Event::Text { start, end, from, to });
    }

    /// Closes the open element with this number and all within it.
    fn close(&mut self, number: usize) {
        while self.open.len() > number {
            let Some(open) = self.open.pop() else { return };
            match open.tag {
                Tag::Script => self.meta.script_ends(),
                Tag::Style => chaff::hidden_by_style(&std::mem::take(&mut self.style), &mut self.hidden_names),
                Tag::Title => self.meta.title_ends(),
                Tag::Heading(_) => self.headings.extend(self.heading.take().filter(|_| self.headings.len() < 8)),
                _ => {}
            }
            let Some(number) = open.node else { continue };
            self.inner.pop();
            let close = self.events.len() as u32;
            self.events.push(Event::Close(number));
            let Some(node) = self.nodes.get_mut(number as usize) else { continue };
            node.close = close;
            let node = *node;
            if let Some(parent) = self.inner.last().and_then(|&parent| self.nodes.get_mut(parent as usize)) {
                parent.text += node.text;
                parent.link += node.link;
                parent.links += node.links;
                parent.has_heading |= node.has_heading;
                parent.has_table |= node.has_table || node.tag == Tag::Table;
                parent.cells += if node.tag == Tag::Table { 0 } else { node.cells };
            }
        }
    }

    /// Closes what this start ends without saying so: a paragraph, the item or row or cell before.
    fn close_implied(&mut self, tag: Tag) {
        let (closes, stops): (Judge, Judge) = match tag {
            Tag::Item => (|tag| tag == Tag::Item, |tag| tag == Tag::List || tag.is_of_tables()),
            Tag::Term | Tag::Meaning => {
                (|tag| matches!(tag, Tag::Term | Tag::Meaning), |tag| tag == Tag::Terms || tag.is_of_tables())
            }
            Tag::Cell(_) => (
                |tag| matches!(tag, Tag::Cell(_) | Tag::Caption),
                |tag| matches!(tag, Tag::Row | Tag::Table | Tag::RowGroup(_)),
            ),
            Tag::Row => {
                (|tag| matches!(tag, Tag::Row | Tag::Caption), |tag| matches!(tag, Tag::Table | Tag::RowGroup(_)))
            }
            Tag::RowGroup(_) => {
                (|tag| matches!(tag, Tag::RowGroup(_) | Tag::Row | Tag::Caption), |tag| tag == Tag::Table)
            }
            Tag::Link => (|tag| tag == Tag::Link, |tag| tag.is_block()),
            _ if tag.is_block() => (|tag| tag == Tag::Paragraph, |tag| tag.is_block()),
            _ => return,
        };
        let mut last = None;
        for (reach, open) in self.open.iter().rev().enumerate().take(REACH) {
            if closes(open.tag) {
                last = Some(self.open.len() - reach - 1);
            } else if stops(open.tag) {
                break;
            }
        }
        if let Some(number) = last {
            self.close(number);
        }
    }

    pub(super) fn finish(mut self) -> Result<Page, ReadError> {
        self.close(0);
        if self.too_many {
            return Err(ReadError::Damaged(format!("it has more than {NODES_MAX} elements")));
        }
        Ok(Page {
            words: into_text(self.words),
            events: self.events,
            nodes: self.nodes,
            meta: self.meta,
            headings: self.headings,
        })
    }
}

/// Tokens are made of UTF-8 and cut between characters; should one ever not be, no offset may shift.
fn into_text(words: Vec<u8>) -> String {
    String::from_utf8(words).unwrap_or_else(|error| {
        let mut text = String::new();
        for chunk in error.as_bytes().utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend(chunk.invalid().iter().map(|_| '?'));
        }
        text
    })
}

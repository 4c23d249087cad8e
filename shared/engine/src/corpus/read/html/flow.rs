//! Owns writing a page's words down: blocks in the order of the page, each under its headings and terms.
//! Never a word that `chaff` drops, and never a place without the bytes that it came from.
//! Next: `grid` makes tables of rows, `passages` cuts what was written.

use super::super::draft::{Block, Draft, DraftTable, Shape};
use super::chaff::{self, Strictness};
use super::grid::{self, GridCell, GridRow};
use super::tags::Tag;
use super::tree::{Event, Node, Page};

/// A term is a heading only as long as it could be one.
const TERM_BYTES_MAX: usize = 160;
/// Of lists within lists, so many terms are headings.
const TERMS_MAX: usize = 3;

pub(super) fn write(page: &Page, strictness: Strictness) -> Draft {
    let bytes = |text: &str| text.bytes().filter(|byte| !byte.is_ascii_whitespace()).count() as u32;
    let page_text = bytes(&page.words);
    let of_main: u32 = page.nodes.iter().filter(|node| node.tag == Tag::Main).map(|node| node.text).sum();
    let mut flow = Flow {
        page,
        strictness,
        page_text,
        // A page that says what its content is, is believed where that is much of it.
        main_only: strictness == Strictness::Usual && u64::from(of_main) * 5 >= u64::from(page_text) * 2,
        mains: 0,
        draft: Draft::of_words(),
        begun: None,
        tight: false,
        space: None,
        verbatim: 0,
        headings: Vec::new(),
        section: 0,
        terms: Vec::new(),
        context: Some(0),
        in_heading: false,
        lone_heading: None,
        page_title: page.meta.title(None).unwrap_or_default(),
    };
    flow.run(0, page.events.len());
    flow.end_block(false);
    flow.keep_lone_heading(0);
    flow.draft
}

/// The terms of a definition list that is open.
#[derive(Default)]
struct Terms {
    term: String,
    /// No meaning has come since: the next term has the same one.
    waits: bool,
}

struct Flow<'p> {
    page: &'p Page,
    strictness: Strictness,
    page_text: u32,
    main_only: bool,
    mains: usize,
    draft: Draft,
    /// Where the block that is being written begins.
    begun: Option<usize>,
    /// The next block begins on the next line, not after an empty one.
    tight: bool,
    /// White space that is not written yet, and where it stood.
    space: Option<(usize, usize)>,
    verbatim: usize,
    headings: Vec<(u8, String)>,
    section: usize,
    terms: Vec<Terms>,
    /// None when it must be made anew.
    context: Option<usize>,
    in_heading: bool,
    /// A heading that nothing stands under so far: level, block.
    lone_heading: Option<(u8, Block)>,
    page_title: String,
}

impl Flow<'_> {
    fn run(&mut self, from: usize, to: usize) {
        let page = self.page;
        let mut at = from;
        while at < to {
            match page.events[at] {
                Event::Open(number) => {
                    let node = &page.nodes[number as usize];
                    if chaff::is_chaff(node, self.page_text, self.strictness)
                        || node.tag == Tag::Table && self.reads() && self.table(node, at)
                    {
                        at = node.close as usize;
                    } else {
                        self.open(node.tag);
                    }
                }
                Event::Close(number) => self.close(&page.nodes[number as usize]),
                Event::Break if self.begun.is_some() => self.line_end(),
                Event::Break => {}
                Event::Text { start, end, from, to } if self.reads() => self.text((start, end), (from, to)),
                Event::Text { .. } => {}
            }
            at += 1;
        }
    }

    fn reads(&self) -> bool {
        !self.main_only || self.mains > 0
    }

    fn open(&mut self, tag: Tag) {
        if tag.is_block() {
            self.end_block(false);
            self.tight = matches!(tag, Tag::Item | Tag::Term | Tag::Meaning | Tag::Row);
        }
        match tag {
            Tag::Main => self.mains += 1,
            Tag::Pre => self.verbatim += 1,
            Tag::Heading(_) => self.in_heading = true,
            Tag::Terms => self.terms.push(Terms::default()),
            Tag::Term => {
                if let Some(terms) = self.terms.last_mut().filter(|terms| !terms.waits) {
                    terms.term.clear();
                    self.context = None;
                }
            }
            Tag::Meaning => {
                if let Some(terms) = self.terms.last_mut() {
                    terms.waits = false;
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, node: &Node) {
        match node.tag {
            Tag::Heading(level) => return self.end_heading(level, node.link >= node.text),
            Tag::Term => {
                let term =
                    self.begun.and_then(|start| self.draft.text.get(start..)).unwrap_or_default().trim().to_owned();
                self.end_block(true);
                if let Some(terms) = self.terms.last_mut().filter(|_| !term.is_empty() && term.len() <= TERM_BYTES_MAX)
                {
                    let more = terms.waits && !terms.term.is_empty() && terms.term.len() + term.len() <= TERM_BYTES_MAX;
                    terms.term = if more { format!("{}, {term}", terms.term) } else { term };
                    terms.waits = true;
                    self.context = None;
                }
                return;
            }
            _ => {}
        }
        if node.tag.is_block() {
            self.end_block(node.tag == Tag::Summary);
            self.tight = false;
        }
        match node.tag {
            Tag::Main => self.mains -= 1,
            Tag::Pre => self.verbatim -= 1,
            Tag::Terms => {
                self.terms.pop();
                self.context = None;
            }
            _ => {}
        }
    }

    fn line_end(&mut self) {
        self.space = None;
        let kept = self.draft.text.trim_end_matches(' ').len();
        self.draft.text.truncate(kept);
        self.draft.origins.truncate(kept);
        self.draft.text.push(if self.in_heading { ' ' } else { '\n' });
    }

    fn text(&mut self, (start, end): (u32, u32), (from, to): (u32, u32)) {
        let page = self.page;
        let (from, to) = (from as usize, to as usize);
        let words = page.words.get(start as usize..end as usize).unwrap_or_default();
        let is_exact = words.len() == to - from;
        for (at, c) in words.char_indices() {
            let origin = if is_exact { (from + at, from + at + c.len_utf8()) } else { (from, to) };
            if is_invisible(c) {
                continue;
            }
            let is_space = c.is_whitespace() || c.is_control();
            if is_space && (self.verbatim == 0 || self.begun.is_none()) {
                self.space = Some(origin);
                continue;
            }
            if self.begun.is_none() {
                self.begin_block();
            }
            if let Some(space) = self.space.take()
                && !self.draft.text.ends_with('\n')
            {
                self.put(' ', space);
            }
            self.put(if is_space && c != '\n' { ' ' } else { c }, origin);
        }
    }

    fn put(&mut self, c: char, (from, to): (usize, usize)) {
        let at = self.draft.text.len();
        self.draft.text.push(c);
        self.draft.origins.add(at..self.draft.text.len(), from..to);
    }

    fn begin_block(&mut self) {
        if !self.draft.text.is_empty() {
            self.draft.text.push_str(if self.tight { "\n" } else { "\n\n" });
        }
        self.space = None;
        self.begun = Some(self.draft.text.len());
    }

    /// The place of the block that was being written; None where no word was.
    fn take_place(&mut self) -> Option<std::ops::Range<usize>> {
        self.space = None;
        let start = self.begun.take()?;
        let end = self.draft.text.trim_end().len();
        self.draft.text.truncate(end);
        self.draft.origins.truncate(end);
        (end > start).then_some(start..end)
    }

    fn end_block(&mut self, leads: bool) {
        if self.in_heading {
            self.space = self.space.or(self.begun.map(|_| (0, 0)));
            return;
        }
        let Some(place) = self.take_place() else { return };
        let text = &self.draft.text[place.clone()];
        if self.headings.is_empty() && self.draft.blocks.is_empty() && text == self.page_title.trim() {
            self.enter(0, text.to_owned());
            return;
        }
        let leads = leads || text.ends_with(':');
        let shape = if self.verbatim > 0 { Shape::Lines } else { Shape::Prose };
        let block = Block { place, shape, section: self.section, context: self.context(), leads };
        self.add(block);
    }

    fn add(&mut self, block: Block) {
        self.lone_heading = None;
        self.draft.blocks.push(block);
    }

    fn end_heading(&mut self, level: u8, is_link: bool) {
        self.in_heading = false;
        let Some(place) = self.take_place() else { return };
        let text = self.draft.text[place.clone()].to_owned();
        self.keep_lone_heading(level);
        let (section, context) = (self.section, self.section);
        if text.len() > super::super::HEADING_BYTES_MAX {
            // A tag that was never closed.
            return self.add(Block { place, shape: Shape::Prose, section, context, leads: false });
        }
        self.enter(level, text);
        if !is_link {
            self.lone_heading = Some((level, Block { place, shape: Shape::Prose, section, context, leads: false }));
        }
    }

    /// A heading that nothing stands under would be lost: it becomes a block.
    fn keep_lone_heading(&mut self, level: u8) {
        if let Some((lone, block)) = self.lone_heading.take()
            && lone >= level
        {
            self.draft.blocks.push(block);
        }
    }

    fn enter(&mut self, level: u8, text: String) {
        self.headings.retain(|&(outer, _)| outer < level);
        self.headings.push((level, text));
        self.section = self.draft.path(self.headings.iter().map(|(_, text)| text.clone()).collect());
        self.context = None;
    }

    fn context(&mut self) -> usize {
        if let Some(context) = self.context {
            return context;
        }
        let inner = self.terms.len().saturating_sub(TERMS_MAX);
        let terms: Vec<String> =
            self.terms[inner..].iter().filter(|terms| !terms.term.is_empty()).map(|terms| terms.term.clone()).collect();
        let context = if terms.is_empty() {
            self.section
        } else {
            let mut path = self.draft.paths[self.section].clone();
            path.extend(terms);
            self.draft.path(path)
        };
        self.context = Some(context);
        context
    }

    /// Writes a table row by row, if it is one of data. False: it is only there to put blocks side by side.
    fn table(&mut self, node: &Node, at: usize) -> bool {
        if node.has_table || node.has_heading || node.cells < 4 || node.text / node.cells > 600 {
            return false;
        }
        if !grid::is_table(&self.page.events[at..node.close as usize], &self.page.nodes) {
            return false;
        }
        self.end_block(false);
        let number = self.draft.tables.len();
        let first_block = self.draft.blocks.len();
        self.draft.tables.push(DraftTable::default());
        let mut rows = Vec::new();
        let mut caption = String::new();
        self.rows(at + 1, node.close as usize, number, &mut rows, &mut caption);
        let near = self.headings.last().map(|(_, text)| text.clone()).unwrap_or_default();
        if let Some(grid) = grid::table(rows) {
            if grid.is_sideways {
                self.join_blocks(first_block);
            }
            self.draft.tables[number] = DraftTable {
                title: if caption.is_empty() { near } else { caption },
                columns: grid.columns,
                rows: grid.rows,
            };
        }
        self.tight = false;
        true
    }

    fn rows(&mut self, from: usize, to: usize, table: usize, rows: &mut Vec<GridRow>, caption: &mut String) {
        let page = self.page;
        let (mut at, mut in_head, mut row): (usize, bool, Option<GridRow>) = (from, false, None);
        let mut cell_start = None;
        while at < to {
            match page.events[at] {
                Event::Open(number) => {
                    let node = &page.nodes[number as usize];
                    match node.tag {
                        Tag::RowGroup(is_head) => in_head = is_head,
                        Tag::Row => {
                            self.tight = !rows.is_empty();
                            row = Some(GridRow::new(in_head));
                        }
                        Tag::Cell(is_header) => {
                            let row = row.get_or_insert_with(|| GridRow::new(in_head));
                            if !row.cells.is_empty() {
                                self.between_cells();
                            }
                            row.cells.push(GridCell::new(is_header, node.rows, node.columns));
                            cell_start = Some(self.draft.text.len());
                        }
                        Tag::Caption => self.end_block(false),
                        _ if chaff::is_chaff(node, self.page_text, self.strictness) => at = node.close as usize,
                        _ => self.space = self.space.or(self.begun.map(|_| (0, 0))),
                    }
                }
                Event::Close(number) => match page.nodes[number as usize].tag {
                    Tag::Caption => {
                        *caption =
                            self.begun.map(|start| self.draft.text[start..].trim().to_owned()).unwrap_or_default();
                        self.end_block(true);
                    }
                    Tag::Cell(_) => {
                        let text = cell_start.take().and_then(|start| self.draft.text.get(start..)).unwrap_or_default();
                        if let Some(cell) = row.as_mut().and_then(|row| row.cells.last_mut()) {
                            text.trim().clone_into(&mut cell.text);
                        }
                    }
                    Tag::Row => self.end_row(row.take(), table, rows),
                    Tag::RowGroup(_) => in_head = false,
                    _ => self.space = self.space.or(self.begun.map(|_| (0, 0))),
                },
                Event::Break => self.space = self.space.or(self.begun.map(|_| (0, 0))),
                Event::Text { start, end, from, to } => self.text((start, end), (from, to)),
            }
            at += 1;
        }
        self.end_row(row, table, rows);
    }

    fn between_cells(&mut self) {
        if self.begun.is_none() {
            self.begin_block();
        }
        self.space = None;
        self.draft.text.push_str(if self.draft.text.ends_with(['\n', ' ']) { "| " } else { " | " });
    }

    fn end_row(&mut self, row: Option<GridRow>, table: usize, rows: &mut Vec<GridRow>) {
        let Some(mut row) = row else { return self.end_block(false) };
        let Some(place) = self.take_place() else { return };
        if row.cells.iter().all(|cell| cell.text.is_empty()) {
            self.draft.text.truncate(place.start);
            return self.draft.origins.truncate(place.start);
        }
        row.block = self.draft.blocks.len();
        let block =
            Block { place, shape: Shape::Row(table), section: self.section, context: self.context(), leads: false };
        self.add(block);
        rows.push(row);
    }

    /// A row of a table that lies on its side stands in all of its lines.
    fn join_blocks(&mut self, first: usize) {
        let Some(end) = self.draft.blocks.last().map(|block| block.place.end) else { return };
        let rows = self.draft.blocks[first..].iter().position(|block| matches!(block.shape, Shape::Row(_)));
        let Some(row) = rows.map(|at| first + at) else { return };
        self.draft.blocks.truncate(row + 1);
        if let Some(block) = self.draft.blocks.last_mut() {
            block.place.end = end;
        }
    }
}

/// What no eye sees: joiners of nothing, marks of direction, and the letters that only machines read.
fn is_invisible(c: char) -> bool {
    matches!(c, '\0' | '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
        | '\u{feff}' | '\u{e0000}'..='\u{e0fff}' | '\u{1}'..='\u{8}' | '\u{e}'..='\u{1f}')
}

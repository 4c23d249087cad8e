//! Owns Markdown: the text is the file, blocks are its paragraphs, items, code and table rows.
//! Never what a reader of the page would not see: comments and hidden HTML are in no block.
//! Next: `passages` joins the blocks.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, MetadataBlockKind, Options, Parser, Tag, TagEnd};

use super::date;
use super::draft::{Draft, DraftRow, DraftTable, Shape};

pub(super) fn draft(text: &str) -> Draft {
    let mut options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH;
    options |= Options::ENABLE_TASKLISTS | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    options |= Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS;
    let mut reader = Reader { draft: Draft::of_file(text), ..Reader::default() };
    for (event, place) in Parser::new_ext(text, options).into_offset_iter() {
        reader.event(&event, place);
    }
    reader.end_leaf();
    reader.keep_lone_heading(0);
    let mut draft = reader.draft;
    draft.title = reader.title.or(reader.first_heading);
    draft.date = reader.date.or_else(|| day_in_head(text));
    draft
}

/// `Date: 2026-10-21` in one of the first lines, where there is no front matter.
pub(super) fn day_in_head(text: &str) -> Option<String> {
    text.lines().take(12).find_map(|line| {
        let line = line.trim_start_matches(['#', '*', '_', '-', ' ']);
        let name = line.get(..4).filter(|name| name.eq_ignore_ascii_case("date"))?;
        let rest =
            line[name.len()..].trim_start_matches(['*', '_']).strip_prefix(':')?.trim_start_matches(['*', '_', ' ']);
        let words: Vec<&str> = rest.split_whitespace().take(3).collect();
        (1..=words.len()).rev().find_map(|count| date::exactly(words[..count].join(" ").trim_end_matches(['.', ','])))
    })
}

#[derive(Default)]
struct Reader {
    draft: Draft,
    headings: Vec<(u8, String)>,
    section: usize,
    /// Words that are read as a name: of a heading, of a cell.
    words: Option<String>,
    first_heading: Option<String>,
    title: Option<String>,
    date: Option<String>,
    in_front_matter: bool,
    /// The block that is open, with its shape.
    leaf: Option<(Range<usize>, Shape)>,
    /// An item's mark belongs to its first block.
    item_start: Option<usize>,
    table: Option<Table>,
    /// In a stretch that is hidden.
    hidden: bool,
    /// Below a hidden element that was opened in a block of its own.
    covered: bool,
    lone_heading: Option<(u8, Range<usize>, usize)>,
}

#[derive(Default)]
struct Table {
    head: Vec<String>,
    rows: Vec<(Range<usize>, Vec<String>)>,
    start: usize,
    cells: Vec<String>,
}

impl Reader {
    fn event(&mut self, event: &Event<'_>, place: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, place),
            Event::End(tag) => self.end(*tag, place),
            Event::Text(words) if self.in_front_matter => self.front_matter(words, &place),
            Event::Text(words) | Event::Code(words) => self.inline(words, place),
            Event::SoftBreak | Event::HardBreak => self.inline(" ", place),
            Event::InlineHtml(html) => self.inline_html(html, place),
            Event::Html(html) => {
                self.hidden |= is_hidden(html);
                if html.trim_start().starts_with("</") {
                    self.covered = false;
                } else if begins_hidden_part(html) {
                    self.covered = true;
                }
            }
            Event::FootnoteReference(_) | Event::TaskListMarker(_) => self.inline("", place),
            Event::Rule | Event::InlineMath(_) | Event::DisplayMath(_) => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>, place: Range<usize>) {
        match tag {
            Tag::MetadataBlock(MetadataBlockKind::YamlStyle | MetadataBlockKind::PlusesStyle) => {
                self.in_front_matter = true;
            }
            Tag::Heading { .. } => {
                self.end_leaf();
                self.words = Some(String::new());
            }
            Tag::Item => {
                self.end_leaf();
                self.item_start = Some(place.start);
            }
            Tag::List(_) | Tag::BlockQuote(_) | Tag::FootnoteDefinition(_) => self.end_leaf(),
            Tag::Paragraph => self.open_leaf(place, Shape::Prose),
            Tag::CodeBlock(_) => self.open_leaf(place, Shape::Lines),
            Tag::HtmlBlock => {
                self.open_leaf(place, Shape::Prose);
                self.hidden = false;
            }
            Tag::Table(_) => {
                self.end_leaf();
                self.table = Some(Table { start: self.item_start.take().unwrap_or(place.start), ..Table::default() });
            }
            Tag::TableCell => self.words = Some(String::new()),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, place: Range<usize>) {
        match tag {
            TagEnd::MetadataBlock(_) => self.in_front_matter = false,
            TagEnd::Heading(level) => self.end_heading(level, place),
            TagEnd::Paragraph | TagEnd::CodeBlock | TagEnd::Item => self.end_leaf(),
            TagEnd::HtmlBlock => {
                if std::mem::take(&mut self.hidden) {
                    self.leaf = None;
                }
                self.end_leaf();
            }
            TagEnd::TableCell => {
                let text = self.words.take().unwrap_or_default();
                if let Some(table) = &mut self.table {
                    table.cells.push(text.trim().to_owned());
                }
            }
            TagEnd::TableHead => {
                if let Some(table) = &mut self.table {
                    table.head = std::mem::take(&mut table.cells);
                }
            }
            TagEnd::TableRow => {
                if let Some(table) = &mut self.table {
                    let cells = std::mem::take(&mut table.cells);
                    table.rows.push((place, cells));
                }
            }
            TagEnd::Table => self.end_table(place),
            _ => {}
        }
    }

    fn inline(&mut self, words: &str, place: Range<usize>) {
        if self.hidden && self.leaf.is_none() {
            return;
        }
        if let Some(name) = &mut self.words {
            name.push_str(words);
            return;
        }
        match &mut self.leaf {
            Some((leaf, _)) => leaf.end = leaf.end.max(place.end),
            None => {
                let start = self.item_start.take().unwrap_or(place.start);
                self.leaf = Some((start..place.end, Shape::Prose));
            }
        }
    }

    /// A comment or a hidden stretch splits the block that it stands in.
    fn inline_html(&mut self, html: &str, place: Range<usize>) {
        if html.starts_with("<!--") {
            self.split(place.start);
        } else if is_hidden(html) {
            self.split(place.start);
            self.hidden = true;
        } else if self.hidden && html.starts_with("</") {
            self.hidden = false;
        }
    }

    fn split(&mut self, end: usize) {
        if let Some((leaf, _)) = &mut self.leaf {
            leaf.end = leaf.end.min(end);
        }
        self.end_leaf();
    }

    fn open_leaf(&mut self, place: Range<usize>, shape: Shape) {
        self.end_leaf();
        let start = self.item_start.take().unwrap_or(place.start);
        self.leaf = Some((start..place.end, shape));
    }

    fn end_leaf(&mut self) {
        if let Some((place, shape)) = self.leaf.take()
            && !self.covered
            && let Some(place) = self.draft.trimmed(place)
        {
            self.lone_heading = None;
            let leads = self.draft.text[place.clone()].ends_with(':');
            self.draft.block(place, shape, self.section);
            if let Some(block) = self.draft.blocks.last_mut() {
                block.leads = leads;
            }
        }
    }

    fn end_heading(&mut self, level: HeadingLevel, place: Range<usize>) {
        let words = self.words.take().unwrap_or_default();
        let text = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let level = level as u8;
        self.keep_lone_heading(level);
        if text.is_empty() || self.covered {
            return;
        }
        if text.len() > super::HEADING_BYTES_MAX {
            // A paragraph with a line under it.
            return self.draft.block(place, Shape::Prose, self.section);
        }
        self.lone_heading = Some((level, place, self.section));
        self.first_heading.get_or_insert_with(|| text.clone());
        self.headings.retain(|&(outer, _)| outer < level);
        self.headings.push((level, text));
        self.section = self.draft.path(self.headings.iter().map(|(_, text)| text.clone()).collect());
    }

    fn keep_lone_heading(&mut self, level: u8) {
        if let Some((lone, place, section)) = self.lone_heading.take()
            && lone >= level
        {
            self.draft.block(place, Shape::Prose, section);
        }
    }

    fn end_table(&mut self, place: Range<usize>) {
        let Some(table) = self.table.take().filter(|_| !self.covered) else { return };
        self.lone_heading = None;
        let number = self.draft.tables.len();
        let head_end = table.rows.first().map_or(place.end, |(row, _)| row.start);
        self.draft.block(table.start..head_end, Shape::Row(number), self.section);
        let width = table.head.len();
        let mut rows = Vec::with_capacity(table.rows.len());
        for (place, mut cells) in table.rows {
            // The parser fills short rows and cuts long ones: the line itself says what it had.
            let ragged = cells_in(&self.draft.text[place.clone()]) != width;
            self.draft.block(place, Shape::Row(number), self.section);
            cells.resize(width, String::new());
            rows.push(DraftRow { cells, ragged, block: self.draft.blocks.len() - 1 });
        }
        let title = self.headings.last().map(|(_, text)| text.clone()).unwrap_or_default();
        self.draft.tables.push(DraftTable { title, columns: table.head, rows });
    }

    fn front_matter(&mut self, words: &str, place: &Range<usize>) {
        self.draft.block(place.clone(), Shape::Lines, 0);
        for line in words.lines() {
            let Some((name, value)) = line.split_once([':', '=']) else { continue };
            let value = value.trim().trim_matches(['"', '\'']).trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "title" if !value.is_empty() => self.title = Some(value.to_owned()),
                "updated" | "modified" | "last_modified" | "lastmod" => {
                    self.date = date::stated(value).or(self.date.take());
                }
                "date" | "published" => self.date = self.date.take().or_else(|| date::stated(value)),
                _ => {}
            }
        }
    }
}

/// Cells of a table's line: what stands between bars that are not escaped and not in code.
fn cells_in(line: &str) -> usize {
    let line = line.trim();
    let line = line.strip_prefix('|').unwrap_or(line);
    let (mut cells, mut escaped, mut last) = (1, false, ' ');
    for c in line.chars() {
        if c == '|' && !escaped {
            cells += 1;
        }
        escaped = c == '\\' && !escaped;
        last = c;
    }
    if last == '|' && line.len() > 1 { cells - 1 } else { cells }
}

/// Blocks of Markdown may follow such a tag: they are hidden as well, up to the next end tag on its own.
fn begins_hidden_part(html: &str) -> bool {
    let tag = html.trim_start();
    let has_end = ["<div", "<span", "<p", "<section", "<details", "<table", "<template"];
    has_end.iter().any(|name| tag.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))
        && !tag.contains("</")
        && is_hidden(tag)
}

fn is_hidden(html: &str) -> bool {
    let html: String = html.to_ascii_lowercase().split_whitespace().collect();
    [
        "<!--",
        "<script",
        "<style",
        "<template",
        "<svg",
        "<iframe",
        "display:none",
        "visibility:hidden",
        "hidden",
        "font-size:0",
        "opacity:0",
    ]
    .iter()
    .any(|mark| html.contains(mark))
}

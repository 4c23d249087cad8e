//! Owns plain text: the text is the file, blocks are its paragraphs.
//! Never more headings than are underlined or stand alone in capitals.
//! Next: `passages` joins the blocks.

use std::ops::Range;

use super::draft::{Draft, Shape};
use super::{date, markdown};

const HEADING_BYTES_MAX: usize = 80;

pub(super) fn draft(text: &str) -> Draft {
    let mut draft = Draft::of_file(text);
    let mut section = 0;
    for place in paragraphs(text) {
        let Some(place) = draft.trimmed(place) else { continue };
        match heading(&text[place.clone()]) {
            Some((name, bytes)) => {
                section = draft.path(vec![name]);
                let rest = place.start + bytes..place.end;
                if draft.trimmed(rest.clone()).is_some() {
                    add(&mut draft, rest, section);
                }
            }
            None => add(&mut draft, place, section),
        }
    }
    if draft.blocks.is_empty() {
        // Headings alone are still words.
        draft.block(0..text.len(), Shape::Lines, 0);
    }
    draft.title = title(text);
    draft.date = markdown::day_in_head(text).or_else(|| date::of_change(text));
    draft
}

fn add(draft: &mut Draft, place: Range<usize>, section: usize) {
    // Short lines are a list or a form: they end where they end.
    let part = &draft.text[place.clone()];
    let lines = part.lines().count();
    let shape = if lines > 1 && part.len() / lines < 50 { Shape::Lines } else { Shape::Prose };
    draft.block(place, shape, section);
}

/// What stands between empty lines.
fn paragraphs(text: &str) -> Vec<Range<usize>> {
    let mut paragraphs = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.trim().is_empty() {
            paragraphs.push(start..at);
            start = at + line.len();
        }
        at += line.len();
    }
    paragraphs.push(start..at);
    paragraphs
}

/// The heading that a paragraph begins with, and its length.
fn heading(paragraph: &str) -> Option<(String, usize)> {
    let mut lines = paragraph.split_inclusive('\n');
    let (first, second) = (lines.next()?, lines.next());
    let name = first.trim();
    if name.is_empty() || name.len() > HEADING_BYTES_MAX {
        return None;
    }
    let is_underline = |line: &str| {
        let line = line.trim();
        line.len() >= 3 && ["=", "-", "~"].iter().any(|mark| line.chars().all(|c| mark.starts_with(c)))
    };
    if let Some(underline) = second.filter(|line| is_underline(line)) {
        return Some((name.to_owned(), first.len() + underline.len()));
    }
    let is_shouted = name.chars().filter(|c| c.is_uppercase()).count() >= 4 && !name.chars().any(char::is_lowercase);
    (second.is_none() && is_shouted && !name.ends_with(['.', ',', ';'])).then(|| (name.to_owned(), first.len()))
}

fn title(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let line = ["Subject:", "Title:"].iter().find_map(|mark| line.strip_prefix(mark)).unwrap_or(line).trim();
    (line.len() <= 120).then(|| line.to_owned())
}

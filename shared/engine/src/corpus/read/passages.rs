//! Owns passages: blocks joined and cut to a size that can be quoted, each under one heading path.
//! Never cuts a sentence that would fit, never joins over words that are in no block.
//! Next: the index holds passages, `table` asks which passage a row stands in.

use std::ops::Range;

use contract::Digest;
use contract::documents::{Passage, PassageId, Place, SourceId};
use unicode_segmentation::UnicodeSegmentation;

use super::decode::Decoded;
use super::draft::{Block, Draft, Shape};

/// What passages of one section are cut to, in equal shares.
const BYTES_WANTED: usize = 800;
const BYTES_MAX: usize = 1_000;
/// A row is not cut unless it is monstrous.
const ROW_BYTES_MAX: usize = 8_192;

/// At each sign behind a full stop, the search for a sentence's end looks for the next letter: a megabyte of spaces
/// would take hours. Where so many stand together, a block is cut at words alone.
const SIGNS_BYTES_MAX: usize = 128;

pub(super) struct Cut {
    pub(super) passages: Vec<Passage>,
    /// The passage that each block begins in.
    pub(super) of_block: Vec<usize>,
}

/// A part of a block that is not cut further.
struct Piece {
    place: Range<usize>,
    block: usize,
}

pub(super) fn cut(draft: &Draft, source: &SourceId, content: &Digest, decoded: &Decoded<'_>) -> Cut {
    let pieces: Vec<Piece> = draft
        .blocks
        .iter()
        .enumerate()
        .flat_map(|(number, block)| {
            pieces(&draft.text, block).into_iter().map(move |place| Piece { place, block: number })
        })
        .collect();
    let mut cut = Cut { passages: Vec::new(), of_block: vec![usize::MAX; draft.blocks.len()] };
    let mut at = 0;
    while at < pieces.len() {
        let end = at + 1 + pieces[at..].windows(2).take_while(|pair| belong(draft, &pair[0], &pair[1])).count();
        for group in shares(draft, &pieces[at..end]) {
            let group = &pieces[at + group.start..at + group.end];
            let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
            for piece in group {
                let number = &mut cut.of_block[piece.block];
                *number = (*number).min(cut.passages.len());
            }
            cut.passages.push(passage(draft, source, content, decoded, first.place.start..last.place.end, first.block));
        }
        at = end;
    }
    cut
}

fn passage(
    draft: &Draft,
    source: &SourceId,
    content: &Digest,
    decoded: &Decoded<'_>,
    place: Range<usize>,
    block: usize,
) -> Passage {
    let origin = match &draft.origins {
        // A PDF has no words in its bytes: all of it is where they came from.
        super::draft::Origins::Parts(parts) if parts.is_empty() => 0..0,
        origins => decoded.raw(origins.of(place.clone())),
    };
    let quote = draft.text.get(place.clone()).unwrap_or_default().to_owned();
    let place = Place::new(place.start, place.end);
    Passage {
        id: PassageId::derive(source, content, place),
        source: source.clone(),
        place,
        origin: Place::new(origin.start, origin.end),
        headings: draft.blocks.get(block).and_then(|block| draft.paths.get(block.context)).cloned().unwrap_or_default(),
        quote,
        relevance: 0.0,
    }
}

/// Whether two neighbours may stand in one passage.
fn belong(draft: &Draft, one: &Piece, other: &Piece) -> bool {
    let (Some(a), Some(b)) = (draft.blocks.get(one.block), draft.blocks.get(other.block)) else { return false };
    let same_shape = match (a.shape, b.shape) {
        (Shape::Row(one), Shape::Row(other)) => one == other,
        (Shape::Row(_), _) | (_, Shape::Row(_)) => false,
        _ => true,
    };
    a.section == b.section
        && same_shape
        && draft.text.get(one.place.end..other.place.start).is_some_and(|gap| !gap.contains(char::is_alphabetic))
}

/// Cuts a run of pieces into groups of about equal size, none larger than it must be.
fn shares(draft: &Draft, pieces: &[Piece]) -> Vec<Range<usize>> {
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return Vec::new() };
    let whole = last.place.end - first.place.start;
    let share = whole / whole.div_ceil(BYTES_WANTED).max(1);
    let leads = |piece: &Piece| draft.blocks.get(piece.block).is_some_and(|block| block.leads);
    let mut groups = Vec::new();
    let mut start = 0;
    for at in 1..pieces.len() {
        let begun = pieces[at].place.start - pieces[start].place.start;
        let with = pieces[at].place.end - pieces[start].place.start;
        // Nearer to the share with this piece than without it: it is taken in.
        let near = with <= share || with - share <= share.saturating_sub(begun);
        if with > BYTES_MAX || !near {
            // What leads to the next block goes with it.
            let led = (start + 1..at).rev().take_while(|&before| leads(&pieces[before])).last().unwrap_or(at);
            groups.push(start..led);
            start = led;
        }
    }
    groups.push(start..pieces.len());
    groups
}

fn pieces(text: &str, block: &Block) -> Vec<Range<usize>> {
    let place = block.place.clone();
    match block.shape {
        Shape::Row(_) if place.len() <= ROW_BYTES_MAX => vec![place],
        _ if place.len() <= BYTES_MAX => vec![place],
        Shape::Prose => packed(text, sentences(text, place)),
        Shape::Lines | Shape::Row(_) => packed(text, lines(text, place)),
    }
}

fn sentences(text: &str, place: Range<usize>) -> Vec<Range<usize>> {
    // A line end is no sentence's end; a space of the same length keeps the offsets.
    let flat = text[place.clone()].replace(['\n', '\r', '\t'], " ");
    if flat.split(char::is_alphanumeric).any(|signs| signs.len() > SIGNS_BYTES_MAX) {
        return vec![place];
    }
    flat.split_sentence_bound_indices().map(|(at, part)| place.start + at..place.start + at + part.len()).collect()
}

fn lines(text: &str, place: Range<usize>) -> Vec<Range<usize>> {
    let mut at = place.start;
    text[place]
        .split_inclusive('\n')
        .map(|line| {
            at += line.len();
            at - line.len()..at
        })
        .collect()
}

/// Neighbours put together up to the wanted size; what is too large by itself is cut at words.
fn packed(text: &str, parts: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut packed: Vec<Range<usize>> = Vec::new();
    for part in parts.into_iter().flat_map(|part| at_words(text, part)) {
        match packed.last_mut() {
            Some(last) if last.end == part.start && part.end - last.start <= BYTES_WANTED => last.end = part.end,
            _ => packed.push(part),
        }
    }
    packed.into_iter().filter_map(|place| super::draft::trimmed(text, place)).collect()
}

fn at_words(text: &str, part: Range<usize>) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = part.start;
    while part.end - start > BYTES_MAX {
        let mut end = start + BYTES_MAX;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let cut =
            text[start..end].rfind(char::is_whitespace).filter(|&at| at > BYTES_MAX / 2).map_or(end, |at| start + at);
        parts.push(start..cut);
        start = cut;
    }
    parts.push(start..part.end);
    parts
}

//! Owns texts with values in them: `at {money(floor)} a month`; a brace that is meant as one is written twice.
//! Never an expression that was not compiled at start.
//! Next: `judge` fills them in.

use std::collections::BTreeSet;

use super::expression::{self, Expression};
use super::place::{File, Text};

#[derive(Debug)]
pub(crate) struct Template(pub(crate) Vec<Piece>);

#[derive(Debug)]
pub(crate) enum Piece {
    Words(String),
    Value(Expression),
}

impl Template {
    pub(crate) fn variables(&self) -> impl Iterator<Item = &String> {
        self.0.iter().flat_map(|piece| match piece {
            Piece::Words(_) => None.into_iter().flatten(),
            Piece::Value(expression) => Some(expression.variables.iter()).into_iter().flatten(),
        })
    }
}

/// None where a brace or an expression is wrong: the file has the problems then.
pub(crate) fn compiled(file: &mut File<'_>, text: &Text, known: &BTreeSet<String>) -> Option<Template> {
    let problems = file.problems.len();
    let source = &text.text;
    if source.trim().is_empty() {
        file.problem(text.place(0), "an empty text says nothing");
    }
    let mut pieces = vec![];
    let mut words = String::new();
    let mut at = 0;
    while let Some(character) = source[at..].chars().next() {
        let rest = &source[at..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            words.push(character);
            at += 2;
        } else if character == '{' {
            let Some(length) = closing(&rest[1..]) else {
                file.problem(text.place(at), "this brace is never closed; write {{ for a brace");
                break;
            };
            if !words.is_empty() {
                pieces.push(Piece::Words(std::mem::take(&mut words)));
            }
            let inner = text.part(at + 1..at + 1 + length);
            pieces.extend(expression::compiled(file, &inner, known).map(Piece::Value));
            at += length + 2;
        } else if character == '}' {
            file.problem(text.place(at), "this brace closes nothing; write }} for a brace");
            at += 1;
        } else {
            words.push(character);
            at += character.len_utf8();
        }
    }
    if !words.is_empty() {
        pieces.push(Piece::Words(words));
    }
    (file.problems.len() == problems).then_some(Template(pieces))
}

/// Bytes up to the brace that closes: braces inside of quotes or of other braces do not.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, '{') => depth += 1,
            (None, '}') if depth == 0 => return Some(at),
            (None, '}') => depth -= 1,
            _ => {}
        }
    }
    None
}

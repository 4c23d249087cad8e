//! Owns the reading of Rust as tokens: its functions, attributes and modules, those inside macros included.
//! Never a full parse: macro bodies have none, and what is asked here needs none.
//! Next: `functions` and `sources` judge what was found.

use std::str::FromStr;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};

use super::house::File;

#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    /// From `fn` to the closing brace.
    pub(crate) lines: usize,
    /// It carries `#[test]`, `#[tokio::test]`, `#[rstest]`.
    pub(crate) is_test: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    /// `allow`, `tokio::test`.
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) has_reason: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) functions: Vec<Function>,
    pub(crate) attributes: Vec<Attribute>,
    /// `mod name`.
    pub(crate) modules: Vec<String>,
}

pub(crate) fn read(file: &File) -> Result<Found, String> {
    let stream = TokenStream::from_str(&file.text).map_err(|why| format!("{}: {why}", file.path))?;
    let mut found = Found::default();
    walk(stream, &mut found);
    Ok(found)
}

fn walk(stream: TokenStream, found: &mut Found) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut test_ahead = false;
    for (at, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Group(group) => {
                if group.delimiter() == Delimiter::Bracket && is_attribute(&trees[..at]) {
                    let attribute = attribute(group);
                    test_ahead |=
                        attribute.path.rsplit("::").next().is_some_and(|last| matches!(last, "test" | "rstest"));
                    found.attributes.push(attribute);
                }
                test_ahead &= group.delimiter() != Delimiter::Brace;
                walk(group.stream(), found);
            }
            TokenTree::Punct(punct) => test_ahead &= punct.as_char() != ';',
            TokenTree::Ident(word) => match trees.get(at + 1) {
                Some(TokenTree::Ident(name)) if word == "mod" => found.modules.push(name.to_string()),
                Some(TokenTree::Ident(name)) if word == "fn" => {
                    let line = word.span().start().line;
                    let lines = end_of_body(&trees[at..]).map_or(1, |end| end.end().line - line + 1);
                    found.functions.push(Function { name: name.to_string(), line, lines, is_test: test_ahead });
                }
                _ => {}
            },
            TokenTree::Literal(_) => {}
        }
    }
}

/// `#` or `#!` stands before the bracket.
fn is_attribute(before: &[TokenTree]) -> bool {
    let is = |tree: &TokenTree, mark| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == mark);
    match before {
        [.., hash, bang] if is(bang, '!') => is(hash, '#'),
        [.., hash] => is(hash, '#'),
        [] => false,
    }
}

fn attribute(group: &Group) -> Attribute {
    let path = group
        .stream()
        .into_iter()
        .take_while(|tree| match tree {
            TokenTree::Ident(_) => true,
            TokenTree::Punct(punct) => punct.as_char() == ':',
            _ => false,
        })
        .map(|tree| tree.to_string())
        .collect();
    Attribute { path, line: group.span().start().line, has_reason: holds_word(group.stream(), "reason") }
}

fn holds_word(stream: TokenStream, wanted: &str) -> bool {
    stream.into_iter().any(|tree| match tree {
        TokenTree::Ident(word) => word == wanted,
        TokenTree::Group(group) => holds_word(group.stream(), wanted),
        _ => false,
    })
}

/// Where the body ends of the function that begins here; a declaration in a trait has none.
fn end_of_body(from: &[TokenTree]) -> Option<Span> {
    for tree in from {
        match tree {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return Some(group.span_close()),
            TokenTree::Punct(punct) if punct.as_char() == ';' => return None,
            _ => {}
        }
    }
    None
}

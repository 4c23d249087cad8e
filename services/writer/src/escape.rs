//! Owns how text of others is spelled where it could do harm: hidden characters made visible, Markdown's signs escaped.
//! Never a loss: what was escaped here is read back byte for byte.
//! Next: `markdown` and `html` write with it, `parse` reads with it.

/// One line: runs of white space are one space each.
pub fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Characters that nobody sees, or that change the order of what is seen. Joiners and direction marks stay: scripts
/// need them.
fn is_hidden(c: char, next: Option<char>) -> bool {
    match c {
        '\n' | '\t' => false,
        '\r' => next != Some('\n'),
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' => true,
        '\u{feff}' | '\u{180e}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        _ => c.is_control(),
    }
}

/// Hidden characters as `\u{202e}`.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let tail = rest.as_str();
        if is_hidden(c, tail.chars().next()) || (c == '\\' && tail.starts_with("u{")) {
            out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// What `visible` was given.
pub fn unvisible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\u{") {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let body = &from[3..];
        let named = body.find('}').filter(|end| *end <= 6).and_then(|end| {
            let code = u32::from_str_radix(&body[..end], 16).ok()?;
            Some((char::from_u32(code)?, &body[end + 1..]))
        });
        match named {
            Some((c, after)) => {
                out.push(c);
                rest = after;
            }
            None => {
                out.push_str("\\u{");
                rest = body;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Text that Markdown shows as it is. Line breaks stay: each line is safe at the start of a line.
pub fn markdown(text: &str) -> String {
    visible(text).split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// One line of running text.
pub fn inline(text: &str) -> String {
    markdown(&plain(text))
}

fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut before: Option<char> = None;
    let mut at_start = true;
    // "1." and "1)" open a list.
    let mut only_digits = true;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let tail = rest.as_str();
        let opens = at_start && matches!(c, '-' | '+' | '=' | ':');
        let counts =
            only_digits && !at_start && matches!(c, '.' | ')') && tail.chars().next().is_none_or(char::is_whitespace);
        if opens || counts || is_sign(c, before, tail, &out) {
            out.push('\\');
        }
        out.push(c);
        at_start &= c.is_whitespace();
        only_digits &= c.is_ascii_digit() || c.is_whitespace();
        before = Some(c);
    }
    out
}

fn is_sign(c: char, before: Option<char>, tail: &str, written: &str) -> bool {
    let next = tail.chars().next();
    match c {
        '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '~' | '#' | '@' => true,
        '_' => !(before.is_some_and(char::is_alphanumeric) && next.is_some_and(char::is_alphanumeric)),
        '&' => next.is_some_and(|next| next == '#' || next.is_ascii_alphabetic()),
        // Addresses are not to become links by themselves.
        ':' => tail.starts_with("//"),
        '.' => written.len() >= 3 && written.as_bytes()[written.len() - 3..].eq_ignore_ascii_case(b"www"),
        _ => false,
    }
}

/// What `markdown` was given.
pub fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match (c, rest.clone().next()) {
            ('\\', Some(next)) if next.is_ascii_punctuation() => {
                out.push(next);
                rest.next();
            }
            _ => out.push(c),
        }
    }
    unvisible(&out)
}

/// A fence that the text cannot close.
pub fn fence(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

/// At most so many bytes, cut at the end of a sentence, or of a word, or of a character.
pub fn cut(text: &str, bytes_max: usize) -> &str {
    use unicode_segmentation::UnicodeSegmentation;
    if text.len() <= bytes_max {
        return text;
    }
    let fitting = |borders: &mut dyn Iterator<Item = (usize, &str)>| {
        borders.map(|(at, part)| at + part.trim_end().len()).take_while(|end| *end <= bytes_max).last()
    };
    let end = fitting(&mut text.split_sentence_bound_indices())
        .filter(|end| *end > 0)
        .or_else(|| fitting(&mut text.split_word_bound_indices()).filter(|end| *end > bytes_max / 2))
        .or_else(|| fitting(&mut text.grapheme_indices(true)))
        .unwrap_or(0);
    text[..end].trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_escaped_is_read_back_byte_for_byte(text in r"(?s)([\PC\pC]|[\\u{}`*\[\]\n\r|<>&#_.:/-]|\\u\{20)*") {
            prop_assert_eq!(&unescaped(&markdown(&text)), &text);
            prop_assert_eq!(&unvisible(&visible(&text)), &text);
        }
    }

    #[test]
    fn hidden_and_reordering_characters_are_shown() {
        assert_eq!(visible("a\u{202e}b\u{1b}[31m"), "a\\u{202e}b\\u{1b}[31m");
        assert_eq!(visible("می\u{200c}خواهم"), "می\u{200c}خواهم");
    }

    #[test]
    fn a_long_text_is_cut_at_the_end_of_a_sentence() {
        assert_eq!(cut("One is here. Two is here. Three is here.", 27), "One is here. Two is here.");
        assert_eq!(cut("日本語です。次の文です。", 20), "日本語です。");
        assert_eq!(cut("no border at all", 9), "no border");
    }
}

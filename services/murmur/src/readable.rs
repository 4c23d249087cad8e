//! Owns Markdown as a person reads it on a terminal: signs that were escaped stand there as themselves.
//! Never what is code, where a backslash is one, and never the report on the disk or in a pipe: that stays Markdown.
//! Next: `show` prints it.

use std::borrow::Cow;

use crate::screen::harmless;

const FENCE_MIN: usize = 3;

/// The same lines, without the backslashes that only Markdown wants.
pub(crate) fn readable(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len());
    // How many backticks close the block of code that is open.
    let mut fence: Option<usize> = None;
    for line in markdown.split_inclusive('\n') {
        let ticks = fence_of(line);
        let shown = match fence {
            Some(opened) => {
                if ticks.is_some_and(|(count, bare)| bare && count >= opened) {
                    fence = None;
                }
                Cow::Borrowed(line)
            }
            None => {
                fence = ticks.map(|(count, _)| count);
                if fence.is_some() { Cow::Borrowed(line) } else { Cow::Owned(unescaped(line)) }
            }
        };
        out.push_str(&shown);
    }
    harmless(&out.replace('\t', "    "))
}

/// The backticks that a line begins with, in a quotation or a list too, and whether nothing follows them.
fn fence_of(line: &str) -> Option<(usize, bool)> {
    let rest = line.trim_start_matches([' ', '>']).trim_end();
    let count = rest.bytes().take_while(|c| *c == b'`').count();
    let info = &rest[count..];
    (count >= FENCE_MIN && !info.contains('`')).then_some((count, info.is_empty()))
}

fn unescaped(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let next = rest[c.len_utf8()..].chars().next();
        let taken = match (c, next) {
            ('\\', Some(next)) if next.is_ascii_punctuation() => {
                out.push(next);
                2
            }
            ('`', _) => {
                let code = code_at(rest);
                out.push_str(&rest[..code]);
                code
            }
            _ => {
                out.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    out
}

/// How long the code is that begins here: up to as many backticks as opened it; where none close it, only those.
fn code_at(text: &str) -> usize {
    let run = |from: usize| text[from..].bytes().take_while(|c| *c == b'`').count();
    let opened = run(0);
    let mut at = opened;
    while let Some(found) = text[at..].find('`') {
        let closing = run(at + found);
        at += found + closing;
        if closing == opened {
            return at;
        }
    }
    opened
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_signs_stand_as_themselves() {
        let written = r"\- 5 \* 3 \_x\_ \[sic\] https\://a.example/x\_y \<b\> 2\. C:\temp \\u{202e}";
        assert_eq!(readable(written), r"- 5 * 3 _x_ [sic] https://a.example/x_y <b> 2. C:\temp \u{202e}");
        assert_eq!(readable("# A *title* [1]\n\n| a \\| b |\n"), "# A *title* [1]\n\n| a | b |\n");
        assert_eq!(readable("価格\\*\\"), "価格*\\");
    }

    #[test]
    fn code_stays_as_it_is() {
        let fenced = "\\*\n> ```text\n> a\\*b\n> ````\n\\_\n";
        assert_eq!(readable(fenced), "*\n> ```text\n> a\\*b\n> ````\n_\n");
        assert_eq!(readable(r"\* `a\*b` ``c\`d`` \*"), r"* `a\*b` ``c\`d`` *");
        assert_eq!(readable(r"`a\*"), "`a*");
    }

    #[test]
    fn what_a_terminal_obeys_is_not_let_through() {
        assert_eq!(readable("a\x1b[31m\tb\n"), "a?[31m    b\n");
    }
}

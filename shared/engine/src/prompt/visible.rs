//! Owns what of a foreign text a model gets to see: nothing that a person who reads it could not see as well.
//! Never changes a letter, a mark or a line end.
//! Next: `fence` puts every source through this.

use std::borrow::Cow;

/// Removes characters without width, which may hide words, and spells out controls and changes of direction.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| is_gone(c) || is_spelled(c)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 32);
    for c in text.chars() {
        if is_spelled(c) {
            shown.push_str(&format!("[U+{:04X}]", u32::from(c)));
        } else if !is_gone(c) {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Characters of no width, and those that only choose among shapes: both can carry whole messages.
fn is_gone(c: char) -> bool {
    matches!(c,
        '\r'
        | '\u{00AD}' | '\u{034F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200D}'
        | '\u{2060}'..='\u{2065}'
        | '\u{206A}'..='\u{206F}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{FFF0}'..='\u{FFFB}'
        | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}')
}

fn is_spelled(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t' | '\r'))
        || matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

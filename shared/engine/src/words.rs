//! Owns words as agents compare them: in lower case, without a possessive's ending, by their stem.
//! Never the index's words: those are cut and stored by `corpus`, and a change here changes no index.
//! Next: analysis compares statements by them, rules look for theirs.

use frostem::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;

/// Every word in lower case, without a possessive's ending. An underline parts words.
pub fn plain(text: &str) -> Vec<String> {
    let spaced = text.replace('_', " ");
    let word = |word: &str| {
        let lower = word.to_lowercase();
        let bare = lower.strip_suffix("'s").or_else(|| lower.strip_suffix("’s"));
        bare.map(str::to_owned).unwrap_or(lower)
    };
    spaced.unicode_words().map(word).collect()
}

/// What the spellings of a word share.
pub fn stem(word: &str) -> String {
    Stemmer::new(Algorithm::English).stem(word).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_bare_and_spellings_share_a_stem() {
        assert_eq!(plain("Heronpost's monthly_price, 价格"), ["heronpost", "monthly", "price", "价", "格"]);
        assert_eq!(stem("prices"), stem("price"));
    }
}

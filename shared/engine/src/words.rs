//! Owns words as agents compare them: in lower case, without a possessive's ending, by their stem; and the months.
//! Never the index's words: those are cut and stored by `corpus`, and a change here changes no index.
//! Next: analysis compares statements by them, rules look for theirs.

use frostem::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;

/// As they are written out, in lower case.
pub const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

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

/// A sentence out of a longer speech, without the quotation mark that opened or closes that: an exact part of the text.
pub fn without_stray_mark(sentence: &str) -> &str {
    let (mut opened, mut closed) = (sentence.matches('“').count(), sentence.matches('”').count());
    if !sentence.matches('"').count().is_multiple_of(2) {
        // Which of both it is, its place says.
        let is_first = sentence.starts_with('"');
        (opened, closed) = (opened + usize::from(is_first), closed + usize::from(!is_first));
    }
    if opened > closed {
        return sentence.strip_prefix(['"', '“']).unwrap_or(sentence).trim_start();
    }
    if closed > opened {
        return sentence.strip_suffix(['"', '”']).unwrap_or(sentence).trim_end();
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_without_its_other_half_is_taken_off_and_a_whole_speech_keeps_both() {
        for (sentence, bare) in [
            ("A cap is worth more to me than ten dollars off.\"", "A cap is worth more to me than ten dollars off."),
            ("\"I pay for a bus and ride it with four people.", "I pay for a bus and ride it with four people."),
            ("“I pay for a bus.", "I pay for a bus."),
            ("There is nothing between.”", "There is nothing between."),
            ("\"We never looked at it.\"", "\"We never looked at it.\""),
            ("They say \"contact us\" and mean it.", "They say \"contact us\" and mean it."),
            ("A disk of 5\" is small.", "A disk of 5\" is small."),
            ("Nothing.", "Nothing."),
        ] {
            assert_eq!(without_stray_mark(sentence), bare);
        }
    }

    #[test]
    fn words_are_bare_and_spellings_share_a_stem() {
        assert_eq!(plain("Heronpost's monthly_price, 价格"), ["heronpost", "monthly", "price", "价", "格"]);
        assert_eq!(stem("prices"), stem("price"));
    }
}

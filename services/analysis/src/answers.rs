//! Owns what would answer a question: an amount of money, a limit, what changed, what goes wrong, under which terms.
//! Never lets a sentence answer by sharing words alone: "Last changed on 1 October" tells nobody what changed.
//! Next: `prose` chooses sentences by it, `assign` gives computed statements their question.

use std::collections::BTreeSet;

use crate::amounts::{self, Amount};
use crate::conflicts::DENIALS;
use crate::names::{self, Names};
use crate::words::{self, Stems};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    Money,
    Limit,
    Change,
    Weakness,
    Merit,
    Measure,
    Upkeep,
    Number,
}

/// Stems of a question, for each thing that it may want. A question may want several.
const ASKS: &[(Want, &[&str])] = &[
    (Want::Money, &["price", "cost", "charg", "pay", "fee", "tariff", "budget", "expens"]),
    (Want::Limit, &["limit", "includ", "free", "allow", "allowanc", "quota", "cap", "restrict", "mani"]),
    (Want::Change, &["chang", "histori", "trend", "develop", "evolv"]),
    (Want::Weakness, &["problem", "against", "risk", "weak", "drawback", "leav", "annoy", "wrong", "fail"]),
    (Want::Merit, &["well", "advantag", "featur", "benefit", "strength", "good"]),
    (Want::Measure, &["fast", "speed", "latenc", "throughput", "perform", "need", "slow", "memori"]),
    (Want::Upkeep, &["licenc", "licens", "matur", "maintain", "upkeep", "releas"]),
    (Want::Number, &["number", "mani", "much", "figur", "percent", "rate"]),
];
const CHANGES: &[&str] = &[
    "rise",
    "rose",
    "risen",
    "rais",
    "fell",
    "fall",
    "fallen",
    "cut",
    "halv",
    "doubl",
    "tripl",
    "increas",
    "decreas",
    "drop",
    "lower",
    "went",
    "renam",
    "relicens",
    "replac",
    "remov",
    "introduc",
    "deprec",
    "discontinu",
    "switch",
    "becam",
    "becom",
    "chang",
    "move",
    "shrink",
    "shrank",
    "grew",
    "grow",
    "came",
    "announc",
];
const WEAKNESSES: &[&str] = &[
    "stop",
    "fail",
    "slow",
    "lose",
    "lost",
    "crash",
    "bug",
    "limit",
    "problem",
    "risk",
    "wait",
    "expens",
    "miss",
    "complain",
    "annoy",
    "dislik",
    "only",
    "leak",
    "stuck",
    "hard",
    "difficult",
    "drop",
    "leav",
    "left",
    "worst",
    "wors",
    "surpris",
    "refus",
    "break",
    "broke",
    "broken",
    "unmaintain",
    "deprec",
    "outag",
    "duplic",
    "against",
    "mind",
];
const MERITS: &[&str] = &[
    "support", "fast", "easi", "simpl", "robust", "keep", "deliv", "deliveri", "guarante", "built", "well", "best",
    "good", "strong", "reliabl", "stabl", "scale", "scal", "surviv", "replay", "handl", "cheap", "cheaper", "free",
    "better",
];
const TERMS: &[&str] = &[
    "apach",
    "mit",
    "bsd",
    "mpl",
    "gpl",
    "agpl",
    "lgpl",
    "sspl",
    "bsl",
    "licenc",
    "licens",
    "relicens",
    "maintain",
    "releas",
    "contributor",
    "archiv",
    "deprec",
    "unmaintain",
    "foundat",
    "commit",
    "abandon",
    "matur",
];
/// Before an amount: a bound of what is wished, and nobody's price.
const BOUNDS: &[&str] = &["below", "under", "over", "above", "least", "most", "beyond"];
/// What begins a sentence that tells its reader to do something.
const IMPERATIVES: &[&str] =
    &["see", "read", "click", "contact", "please", "send", "ask", "call", "visit", "sign", "note", "decide", "check"];

/// What a question wants to know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wants {
    pub(crate) of: Vec<Want>,
    /// Stems that stand for a thing wanted: what answers it need not repeat them.
    pub(crate) by: Stems,
}

impl Wants {
    /// Of a question without its topic.
    pub(crate) fn of(asked: &str) -> Wants {
        let stems = words::stems(asked);
        let mut wants = Wants::default();
        for (want, asks) in ASKS {
            let found: Vec<&&str> = asks.iter().filter(|ask| stems.contains(**ask)).collect();
            if !found.is_empty() {
                wants.of.push(*want);
                wants.by.extend(found.into_iter().map(|ask| (*ask).to_owned()));
            }
        }
        // How a price changed, no price alone tells.
        if wants.has(Want::Change) {
            wants.of.retain(|want| !matches!(want, Want::Money | Want::Number | Want::Limit));
        }
        // A known limit is a weakness, a limit of what is free is an amount.
        if wants.has(Want::Weakness) && !wants.has(Want::Money) && stems.contains("problem") {
            wants.of.retain(|want| *want != Want::Limit);
        }
        wants
    }

    pub(crate) fn has(&self, want: Want) -> bool {
        self.of.contains(&want)
    }

    /// Whether a sentence says what is wanted; anything does where nothing in particular is.
    pub(crate) fn answered_by(&self, said: &Sentence<'_>) -> bool {
        self.of.is_empty() || self.of.iter().any(|want| said.says(*want, self))
    }
}

/// A sentence, as far as it may answer something.
pub(crate) struct Sentence<'a> {
    text: &'a str,
    stems: &'a Stems,
    /// Without days and years.
    amounts: Vec<Amount>,
    names: Names,
}

impl<'a> Sentence<'a> {
    /// `known`: words that are names where they begin a sentence, too.
    pub(crate) fn of(text: &'a str, stems: &'a Stems, known: &BTreeSet<String>) -> Sentence<'a> {
        let mut amounts = amounts::amounts(text);
        amounts.retain(|amount| !is_day(text, amount));
        Sentence { text, stems, amounts, names: Names::of(text).with_first_of(known) }
    }

    fn has(&self, stems: &[&str]) -> bool {
        stems.iter().any(|stem| self.stems.contains(*stem))
    }

    fn denies(&self) -> bool {
        words::plain(self.text).iter().any(|word| DENIALS.contains(&word.as_str()))
    }

    fn says(&self, want: Want, wants: &Wants) -> bool {
        let counts = |amount: &&Amount| amount.unit.is_some() && !amount.is_money;
        match want {
            // An amount alone is nobody's price: it belongs to a name, or is per something.
            Want::Money => {
                let priced = |amount: &Amount| amount.is_money && !BOUNDS.contains(&amount.before.as_str());
                let whose = |amount: &Amount| !self.names.is_empty() || !amount.per.is_empty();
                self.amounts.iter().any(|amount| priced(amount) && whose(amount))
            }
            Want::Limit => {
                let said = self.has(&["limit", "free", "includ", "allow", "allowanc", "quota", "unlimit", "cap", "up"]);
                let counted = self.amounts.iter().any(|amount| counts(&amount));
                (said && counted) || (self.denies() && !wants.by.is_disjoint(self.stems))
            }
            Want::Change => self.has(CHANGES) && self.tells_what(),
            Want::Weakness => self.has(WEAKNESSES) || self.denies(),
            Want::Merit => self.has(MERITS) && !self.denies(),
            Want::Measure => self.amounts.iter().any(|amount| counts(&amount)),
            Want::Upkeep => self.has(TERMS),
            Want::Number => !self.amounts.is_empty(),
        }
    }

    /// Whether something is left beside the change itself and its day.
    fn tells_what(&self) -> bool {
        let is_when = |stem: &String| {
            stem.starts_with(|c: char| c.is_ascii_digit())
                || names::is_month(stem)
                || ["last", "date", "updat", "year", "page", "site", "document", "version", "list"]
                    .contains(&stem.as_str())
        };
        let left = self.stems.iter().filter(|stem| !is_when(stem) && !CHANGES.contains(&stem.as_str())).count();
        left >= 3 || (left >= 1 && !self.amounts.is_empty())
    }

    /// Whether it can be read without what stands before it: it names what it speaks of.
    pub(crate) fn stands_alone(&self) -> bool {
        !self.names.is_empty() && !self.points_back() && !self.is_of_us()
    }

    /// It begins with a word for something that was named before.
    pub(crate) fn points_back(&self) -> bool {
        const BACK: &[&str] = &[
            "it", "they", "he", "she", "this", "that", "these", "those", "same", "their", "its", "his", "her", "both",
            "there", "then", "but", "and", "or", "so", "such", "comes", "yes", "no",
        ];
        words::plain(self.text).first().is_some_and(|word| BACK.contains(&word.as_str()))
    }

    /// Who speaks is the one that the source is of.
    fn is_of_us(&self) -> bool {
        let own = ["we", "our", "us", "i", "my", "me"];
        words::plain(self.text).iter().any(|word| own.contains(&word.as_str()))
    }

    pub(crate) fn is_told_to_do(&self) -> bool {
        words::plain(self.text).first().is_some_and(|word| IMPERATIVES.contains(&word.as_str()))
    }
}

/// `1 October`, `May 2026`, `2026`: when, and not how much.
fn is_day(text: &str, amount: &Amount) -> bool {
    let behind = amount.unit.as_deref().is_some_and(names::is_month);
    let is_year = amount.value.fract() == 0.0 && (1900.0..=2100.0).contains(&amount.value) && !amount.is_money;
    let digits = text[amount.at..].bytes().take_while(u8::is_ascii_digit).count();
    behind || names::is_month(&amount.before) || (is_year && digits == 4 && amount.per.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(question: &str, sentence: &str) -> bool {
        let stems = words::stems(sentence);
        Wants::of(question).answered_by(&Sentence::of(sentence, &stems, &BTreeSet::from(["Folio".to_owned()])))
    }

    #[test]
    fn a_price_is_an_amount_with_what_it_is_for() {
        let question = "what do competitors charge, by plan and month?";
        assert!(answers(question, "They are on Kettlewire's Boil at 79 USD a month."));
        assert!(answers(question, "The small plan is 12 dollars a month."));
        assert!(!answers(question, "We do not offer a free plan: a queue that matters is worth a price."));
        assert!(!answers(question, "List prices stay below 500 USD a month."));
        assert!(!answers(question, "A bill of 212 USD was the worst."));
    }

    #[test]
    fn a_change_says_what_changed_and_not_only_when() {
        let question = "how did prices change over time?";
        assert!(!answers(question, "Last changed on 1 October 2026."));
        assert!(!answers(question, "We do not touch a customer's price within twelve months."));
        assert!(answers(question, "Vendors raise what a plan costs and lower what a message costs."));
        assert!(answers(question, "Folio went from 59 to 69 USD."));
        assert!(!answers(question, "They are on Kettlewire's Boil at 79 USD a month."));
    }

    #[test]
    fn a_limit_is_counted_or_denied() {
        let question = "what is free, and within which limits?";
        assert!(answers(question, "Moltbus still gives 1 million messages free."));
        assert!(answers(question, "We do not offer a free plan."));
        assert!(!answers(question, "You choose: we stop at the limit, or we go on and charge each million more."));
    }

    #[test]
    fn what_is_fast_has_a_measure_and_what_is_wrong_a_fault() {
        assert!(answers("how fast is it?", "Larkspur takes 4.1 ms at the median."));
        assert!(!answers("how fast is it?", "Larkspur is fast since 2024."));
        assert!(answers("which known problems are there?", "Foxglove loses messages when its disk is full."));
        assert!(answers("under which licence?", "Foxglove was relicensed in 2025."));
        assert!(answers("what is known?", "Anything at all is known."));
    }

    #[test]
    fn a_sentence_stands_alone_where_it_names_what_it_speaks_of() {
        let alone = |sentence: &str| Sentence::of(sentence, &words::stems(sentence), &BTreeSet::new()).stands_alone();
        assert!(alone("Folio went from 59 to 69 USD at Quillgate."));
        assert!(!alone("They would need Bloom then."));
        assert!(!alone("We know only our own cost."));
    }
}

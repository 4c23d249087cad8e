//! Owns findings from sentences: per question, the sentences that answer it, and who else says the same.
//! Never a paraphrase: a statement is a sentence of a source, and its quotes are exact.
//! Next: `offline` puts them beside the computed ones; `gaps` takes the questions that nothing answers.

use std::collections::{BTreeMap, BTreeSet};

use contract::documents::{DetailedFinding, Gap, PassageId, SourceId, Support};

use crate::confidence;
use crate::pool::Pool;
use crate::words::{self, Stems};

const PASSAGES_OF_A_QUESTION_MAX: usize = 12;
const OF_A_QUESTION_MAX: usize = 2;
const SUPPORT_MAX: usize = 5;
const SENTENCE_BYTES: std::ops::RangeInclusive<usize> = 16..=500;
/// A sentence shares at least this part of what is asked.
const SHARED_MIN: f64 = 0.15;
/// Two sentences this alike say the same.
const ALIKE_MIN: f64 = 0.4;
const ASKS_FOR_NUMBERS: &[&str] =
    &["price", "cost", "charg", "much", "mani", "pay", "fee", "percent", "number", "rate"];
/// What is written to whoever reads it rather than about anything.
const ORDERS: &[&str] = &[
    "ignore previous",
    "ignore all",
    "ignore the above",
    "disregard",
    "system prompt",
    "you are an ai",
    "language model",
    "as an ai",
    "you must now",
    "new instructions",
    "previous instructions",
    "ai assistant",
    "ai agent",
];

struct Candidate<'a> {
    source: &'a SourceId,
    passage: &'a PassageId,
    sentence: &'a str,
    stems: Stems,
    tidied: String,
    /// Which part of the question it shares.
    covered: f64,
    worth: f64,
}

/// How rare each word is among the passages: rare ones tell more.
struct Rarity {
    passages: f64,
    with: BTreeMap<String, f64>,
}

impl Rarity {
    fn of(pool: &Pool) -> Rarity {
        let mut with: BTreeMap<String, f64> = BTreeMap::new();
        for passage in &pool.passages {
            for stem in words::stems(&passage.quote) {
                *with.entry(stem).or_default() += 1.0;
            }
        }
        Rarity { passages: pool.passages.len() as f64, with }
    }

    fn weight(&self, stem: &str) -> f64 {
        (1.0 + self.passages / self.with.get(stem).copied().unwrap_or(1.0)).ln()
    }

    fn sum<'a>(&self, stems: impl IntoIterator<Item = &'a String>) -> f64 {
        stems.into_iter().map(|stem| self.weight(stem)).sum()
    }
}

/// Findings, and the questions that no sentence answers.
pub(crate) fn findings(pool: &Pool, goal: &str) -> (Vec<DetailedFinding>, Vec<Gap>) {
    let rarity = Rarity::of(pool);
    let in_tables = pool.in_tables();
    let (mut findings, mut gaps, mut used) = (vec![], vec![], BTreeSet::new());
    for (question, ids) in &pool.asked {
        let asked =
            Some(words::stems(question)).filter(|stems| !stems.is_empty()).unwrap_or_else(|| words::stems(goal));
        let from_tables = ids.iter().any(|id| in_tables.contains(id));
        let candidates = candidates(pool, &rarity, &asked, ids, &in_tables);
        if candidates.is_empty() && !ids.is_empty() && !from_tables {
            gaps.push(Gap {
                question: question.clone(),
                why: "passages came near it, but no sentence answers it".into(),
            });
        }
        let mut told: Vec<&Candidate<'_>> = vec![];
        for lead in &candidates {
            let said_already = told.iter().any(|other| words::likeness(&other.stems, &lead.stems) >= ALIKE_MIN);
            if told.len() < OF_A_QUESTION_MAX && !said_already && used.insert(lead.tidied.clone()) {
                told.push(lead);
            }
        }
        findings.extend(told.into_iter().map(|lead| finding(pool, question, lead, &candidates)));
    }
    (findings, gaps)
}

fn candidates<'a>(
    pool: &'a Pool,
    rarity: &Rarity,
    asked: &Stems,
    ids: &'a [PassageId],
    in_tables: &BTreeSet<&PassageId>,
) -> Vec<Candidate<'a>> {
    let whole = rarity.sum(asked).max(f64::MIN_POSITIVE);
    let wants_number = ASKS_FOR_NUMBERS.iter().any(|stem| asked.contains(*stem));
    let mut found = vec![];
    let prose = ids.iter().filter(|id| !in_tables.contains(id)).filter_map(|id| pool.passage(id));
    for (rank, passage) in prose.take(PASSAGES_OF_A_QUESTION_MAX).enumerate() {
        let heading = words::stems(&passage.headings.join(" "));
        let from_heading = rarity.sum(heading.intersection(asked)) / whole;
        for (at, sentence) in words::sentences(&passage.quote).into_iter().enumerate() {
            if !is_statement(sentence) {
                continue;
            }
            let stems = words::stems(sentence);
            let covered = rarity.sum(stems.intersection(asked)) / whole;
            if covered < SHARED_MIN {
                continue;
            }
            let number = f64::from(u8::from(wants_number && sentence.bytes().any(|byte| byte.is_ascii_digit())));
            let worth = covered
                + 0.3 * from_heading.min(1.0)
                + 0.3 / (1 + rank) as f64
                + 0.15 * number
                + 0.3 * passage.relevance.clamp(0.0, 1.0)
                + if at == 0 { 0.05 } else { 0.0 };
            let tidied = words::tidied(sentence);
            found.push(Candidate {
                source: &passage.source,
                passage: &passage.id,
                sentence,
                stems,
                tidied,
                covered,
                worth,
            });
        }
    }
    found.sort_by(|one, other| other.worth.total_cmp(&one.worth).then_with(|| one.passage.cmp(other.passage)));
    found
}

/// A whole thought about something, and not an order to its reader.
pub(crate) fn is_statement(sentence: &str) -> bool {
    let lower = sentence.to_lowercase();
    let rows = sentence.matches('|').count() > 1 || sentence.matches("\":").count() > 2;
    SENTENCE_BYTES.contains(&sentence.len())
        && !rows
        && !sentence.trim_end().ends_with('?')
        && words::plain(sentence).len() >= 4
        && !ORDERS.iter().any(|order| lower.contains(order))
}

fn finding(pool: &Pool, question: &str, lead: &Candidate<'_>, all: &[Candidate<'_>]) -> DetailedFinding {
    let mut sources = BTreeSet::from([lead.source]);
    let mut said = BTreeSet::from([&lead.tidied]);
    let mut supporting = vec![Support { passage: lead.passage.clone(), quote: lead.sentence.to_owned() }];
    for other in all {
        let alike = words::likeness(&lead.stems, &other.stems) >= ALIKE_MIN;
        let numbers_agree = crate::amounts::numbers(&lead.tidied) == crate::amounts::numbers(&other.tidied);
        // The same words in another file are the same voice, not a second one.
        if alike
            && numbers_agree
            && supporting.len() < SUPPORT_MAX
            && said.insert(&other.tidied)
            && sources.insert(other.source)
        {
            supporting.push(Support { passage: other.passage.clone(), quote: other.sentence.to_owned() });
        }
    }
    let judged = confidence::of_words(pool, &sources, lead.covered, false);
    DetailedFinding {
        id: String::new(),
        question: Some(question.to_owned()),
        statement: words::shortened(&lead.tidied, 500),
        confidence: judged.confidence,
        reason: judged.reason,
        supporting,
        contradicting: vec![],
        metrics: vec![],
    }
}

//! Owns findings from sentences: per question, the sentences that answer it, and who else says the same.
//! Never a paraphrase: a statement is a sentence of a source, with that source's name before it where it does not name
//! what it speaks of; its quotes are exact.
//! Next: `offline` puts them beside the computed ones; `gaps` takes the questions that nothing answers.

use std::collections::{BTreeMap, BTreeSet};

use contract::documents::numbers::numbers;
use contract::documents::{DetailedFinding, Gap, PassageId, SourceId, Support, asked};

use crate::answers::{Sentence, Want, Wants};
use crate::confidence;
use crate::names::Names;
use crate::pool::Pool;
use crate::words::{self, Stems};

const PASSAGES_OF_A_QUESTION_MAX: usize = 12;
const OF_A_QUESTION_MAX: usize = 2;
/// Beside numbers that were computed for it.
const BESIDE_NUMBERS_MAX: usize = 1;
const SUPPORT_MAX: usize = 5;
const SENTENCE_BYTES: std::ops::RangeInclusive<usize> = 16..=500;
/// Where nothing in particular is asked, a sentence shares at least this part of the words.
const SHARED_MIN: f64 = 0.15;
/// From here on a sentence is about what was asked.
const DIRECT_MIN: f64 = 0.3;
/// Two sentences this alike say the same.
const ALIKE_MIN: f64 = 0.4;
const TITLE_BYTES_MAX: usize = 80;
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
    /// It names what it speaks of.
    alone: bool,
}

/// A question, as sentences are held against it.
struct Asked {
    /// Of what it asks, without its topic.
    own: Stems,
    /// With its topic.
    whole: Stems,
    wants: Wants,
}

impl Asked {
    fn of(question: &str, goal: &str) -> Asked {
        let bare = asked(goal, question);
        let own = words::stems(bare);
        let whole = Some(words::stems(question)).filter(|stems| !stems.is_empty());
        let whole = whole.unwrap_or_else(|| words::stems(goal));
        let wants = Wants::of(bare);
        // "What is known?" has no word that an answer would have: its topic does.
        let own = if wants.of.is_empty() || own.is_empty() { whole.clone() } else { own };
        Asked { own, whole, wants }
    }

    /// Any price is an amount of money: whose it is, a word of the question beside it says, or two of the topic.
    fn is_about(&self, sentence: &Stems, heading: &Stems) -> bool {
        let shares = |stem: &&String| sentence.contains(*stem) || heading.contains(*stem);
        let mut rest = self.own.iter().filter(|stem| !self.wants.by.contains(*stem)).peekable();
        if rest.peek().is_none() || !(self.wants.has(Want::Money) || self.wants.has(Want::Number)) {
            return self.whole.iter().any(|stem| shares(&stem));
        }
        rest.any(|stem| shares(&stem)) || self.whole.iter().filter(shares).count() > 1
    }
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

/// Findings, and the questions that no sentence answers, of those that no number answers.
pub(crate) fn findings(pool: &Pool, goal: &str, computed: &BTreeSet<String>) -> (Vec<DetailedFinding>, Vec<Gap>) {
    let rarity = Rarity::of(pool);
    let in_tables = pool.in_tables();
    let known = names(pool);
    let (mut findings, mut gaps, mut used) = (vec![], vec![], vec![]);
    for (question, ids) in &pool.asked {
        let asked = Asked::of(question, goal);
        let candidates = candidates(pool, &rarity, &asked, ids, &in_tables, &known);
        let is_computed = computed.contains(question);
        if candidates.is_empty() && !ids.is_empty() && !is_computed {
            let why = "passages came near it, but none of them answers it".into();
            gaps.push(Gap { question: question.clone(), why });
        }
        let most = if is_computed { BESIDE_NUMBERS_MAX } else { OF_A_QUESTION_MAX };
        let mut told = 0;
        for lead in &candidates {
            let said_already = used.iter().any(|other| words::likeness(other, &lead.stems) >= ALIKE_MIN);
            if told < most && !said_already {
                told += 1;
                used.push(lead.stems.clone());
                findings.push(finding(pool, question, lead, &candidates));
            }
        }
    }
    (findings, gaps)
}

/// Names that stand within a sentence somewhere, or in a table: known where they begin one, too.
fn names(pool: &Pool) -> BTreeSet<String> {
    let sentences = pool.passages.iter().flat_map(|passage| words::sentences(&passage.quote));
    let mut known: BTreeSet<String> = sentences.flat_map(|sentence| Names::of(sentence).into_sure()).collect();
    for table in &pool.tables {
        let cells = table.rows.iter().flatten().filter(|cell| cell.value.is_none());
        known.extend(cells.filter_map(|cell| cell.text.split_whitespace().next()).map(str::to_owned));
    }
    known
}

fn candidates<'a>(
    pool: &'a Pool,
    rarity: &Rarity,
    asked: &Asked,
    ids: &'a [PassageId],
    in_tables: &BTreeSet<&PassageId>,
    known: &BTreeSet<String>,
) -> Vec<Candidate<'a>> {
    let whole = rarity.sum(&asked.own).max(f64::MIN_POSITIVE);
    let mut found = vec![];
    let prose = ids.iter().filter(|id| !in_tables.contains(id)).filter_map(|id| pool.passage(id));
    for (rank, passage) in prose.take(PASSAGES_OF_A_QUESTION_MAX).enumerate() {
        let heading = words::stems(&passage.headings.join(" "));
        let from_heading = rarity.sum(heading.intersection(&asked.own)) / whole;
        for sentence in words::sentences(&passage.quote) {
            if !is_statement(sentence) {
                continue;
            }
            let stems = words::stems(sentence);
            let said = Sentence::of(sentence, &stems, known);
            let about = asked.is_about(&stems, &heading);
            if said.is_told_to_do() || !about || !asked.wants.answered_by(&said) {
                continue;
            }
            // What it answers, it need not repeat.
            let shared = asked.own.iter().filter(|stem| stems.contains(*stem) || asked.wants.by.contains(*stem));
            let covered = rarity.sum(shared) / whole;
            if covered < SHARED_MIN {
                continue;
            }
            let alone = said.stands_alone();
            let worth = covered
                + 0.3 * rarity.sum(stems.intersection(&asked.whole)) / rarity.sum(&asked.whole).max(f64::MIN_POSITIVE)
                + 0.3 * from_heading.min(1.0)
                + 0.3 / (1 + rank) as f64
                + 0.3 * passage.relevance.clamp(0.0, 1.0)
                + if alone { 0.3 } else { 0.0 }
                - if said.points_back() { 0.4 } else { 0.0 };
            let tidied = words::tidied(sentence);
            found.push(Candidate {
                source: &passage.source,
                passage: &passage.id,
                sentence,
                tidied,
                covered,
                worth,
                alone,
                stems,
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
        let numbers_agree = numbers(&lead.tidied) == numbers(&other.tidied);
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
    let judged = confidence::of_words(pool, &sources, lead.covered >= DIRECT_MIN);
    let said = if lead.alone { lead.tidied.clone() } else { format!("{}: {}", title(pool, lead.source), lead.tidied) };
    DetailedFinding {
        id: String::new(),
        question: Some(question.to_owned()),
        statement: words::shortened(&said, 600),
        confidence: judged.confidence,
        reason: judged.reason,
        supporting,
        contradicting: vec![],
        metrics: vec![],
    }
}

/// What a reader knows a source by.
fn title(pool: &Pool, source: &SourceId) -> String {
    let told = pool.source(source).map(|source| words::tidied(&source.title)).filter(|title| !title.is_empty());
    words::shortened(&told.unwrap_or_else(|| pool.name(source)), TITLE_BYTES_MAX)
}

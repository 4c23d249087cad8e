//! Owns what the evidence does not say: questions without an answer, tasks that never came, and what the sources
//! themselves say nobody tells.
//! Never an answer in place of one.
//! Next: the writer names the gaps, rules ask for what closes them.

use std::collections::{BTreeMap, BTreeSet};

use contract::documents::{DetailedFinding, Gap, PassageId, SourceId, Support};
use contract::events::Confidence;

use crate::assign::Questions;
use crate::pool::Pool;
use crate::prose;
use crate::words::{self, Stems};

const UNKNOWNS_MAX: usize = 3;
/// How people write that something is not to be known.
const UNTOLD: &[&str] = &[
    "nobody knows",
    "no one knows",
    "not known",
    "do not know",
    "don't know",
    "does not say",
    "unknown",
    "not published",
    "unpublished",
    "no published",
    "not disclosed",
    "undisclosed",
    "contact us",
    "contact sales",
    "talk to us",
    "on request",
    "upon request",
    "quoted individually",
    "individual offer",
    "separate agreement",
    "ever seen a price",
    "ask us",
    "call us",
    "not stated",
    "no figure",
    "without knowing",
];

/// Questions that no task answered, or for which nothing was found.
pub(crate) fn unanswered(pool: &Pool, questions: &[String], late: &[String]) -> Vec<Gap> {
    let mut gaps = vec![];
    for question in questions {
        let why = match pool.asked.iter().find(|(asked, _)| asked == question) {
            _ if late.contains(question) => "its research did not come to an end in time",
            Some((_, passages)) if passages.is_empty() => "no source says anything about it",
            _ => continue,
        };
        gaps.push(Gap { question: question.clone(), why: why.into() });
    }
    for (question, passages) in &pool.asked {
        if passages.is_empty() && !questions.contains(question) {
            gaps.push(Gap { question: question.clone(), why: "no source says anything about it".into() });
        }
    }
    gaps
}

struct Untold<'a> {
    source: &'a SourceId,
    passage: &'a PassageId,
    sentence: &'a str,
    stems: Stems,
}

/// What two sources or more say nobody tells: the gap, and the finding that it is one.
pub(crate) fn untold(pool: &Pool, questions: &Questions<'_>) -> Vec<(Gap, DetailedFinding)> {
    let mut left = sentences(pool);
    let mut found = vec![];
    while found.len() < UNKNOWNS_MAX {
        let Some(topic) = topic(&left) else { break };
        let (about, rest): (Vec<Untold<'_>>, Vec<Untold<'_>>) =
            left.into_iter().partition(|untold| untold.stems.contains(&topic[0]));
        left = rest;
        let (gap, mut finding) = told(pool, &topic, about);
        // The same in other words is the same.
        if found.iter().any(|(known, _): &(Gap, DetailedFinding)| is_same(known, &gap)) {
            continue;
        }
        finding.question = questions.of_words(&gap.question);
        found.push((gap, finding));
    }
    found
}

fn unlearned(question: &str) -> String {
    format!("Nothing is to be learned about {question}")
}

/// Whether a finding is that nobody tells this.
pub(crate) fn says(finding: &DetailedFinding, gap: &Gap) -> bool {
    finding.statement.starts_with(&format!("{}:", unlearned(&gap.question)))
}

/// Whether two are about the same: the words of the shorter one are, but for one, words of the other.
fn is_same(one: &Gap, other: &Gap) -> bool {
    let (one, other) = (words::stems(&one.question), words::stems(&other.question));
    let (shared, least) = (one.intersection(&other).count(), one.len().min(other.len()));
    shared > 0 && shared + usize::from(least > 2) >= least
}

fn sentences(pool: &Pool) -> Vec<Untold<'_>> {
    let mut seen = BTreeSet::new();
    let mut found = vec![];
    for passage in &pool.passages {
        let all = words::sentences(&passage.quote);
        for (at, sentence) in all.iter().enumerate() {
            let lower = words::tidied(sentence).to_lowercase();
            // A question may ask what nobody tells: it is no statement, and still a witness.
            let is_witness = prose::is_statement(sentence) || lower.ends_with('?');
            if is_witness && UNTOLD.iter().any(|mark| lower.contains(mark)) && seen.insert(lower) {
                // "Contact us." names no topic: the sentence before it does.
                let before = at.checked_sub(1).map(|before| all[before]).unwrap_or_default();
                let mut stems = words::stems(sentence);
                stems.extend(words::stems(before));
                stems.retain(|stem| !marks().contains(stem) && stem.chars().any(char::is_alphabetic));
                found.push(Untold { source: &passage.source, passage: &passage.id, sentence, stems });
            }
        }
    }
    found
}

fn marks() -> Stems {
    words::stems(&format!("{} vendor know say said ask price cost charge anybody nobody", UNTOLD.join(" ")))
}

/// The word that most sources share among what is untold, and those that go with it.
fn topic(left: &[Untold<'_>]) -> Option<Vec<String>> {
    let mut sources: BTreeMap<&String, BTreeSet<&SourceId>> = BTreeMap::new();
    for untold in left {
        for stem in &untold.stems {
            sources.entry(stem).or_default().insert(untold.source);
        }
    }
    let most = sources.values().map(BTreeSet::len).max().filter(|most| *most >= 2)?;
    let mut ranked: Vec<(&String, usize)> = sources.iter().map(|(stem, sources)| (*stem, sources.len())).collect();
    ranked.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
    let lead = ranked[0].0;
    let with =
        |stem: &String| left.iter().filter(|untold| untold.stems.contains(lead) && untold.stems.contains(stem)).count();
    let enough = (most.div_ceil(2)).max(2);
    let topic: Vec<String> =
        ranked.iter().filter(|(stem, _)| with(stem) >= enough).take(4).map(|(stem, _)| (*stem).clone()).collect();
    // One word alone is no topic.
    (topic.len() > 1).then_some(topic)
}

fn told(pool: &Pool, topic: &[String], mut about: Vec<Untold<'_>>) -> (Gap, DetailedFinding) {
    // Those first that name it themselves.
    about.sort_by_key(|untold| {
        let own = words::stems(untold.sentence);
        std::cmp::Reverse(topic.iter().filter(|stem| own.contains(*stem)).count())
    });
    let spoken = spoken(topic, &about);
    let sources: BTreeSet<&SourceId> = about.iter().map(|untold| untold.source).collect();
    let mut quoted = BTreeSet::new();
    // Each of them: the statement counts them, and a number of a statement is held against what it cites.
    let shown = about.iter().filter(|untold| quoted.insert(untold.source));
    let supporting: Vec<Support> =
        shown.map(|untold| Support { passage: untold.passage.clone(), quote: untold.sentence.to_owned() }).collect();
    let first = &about[0];
    let why = format!(
        "{} sources say that it is unknown or only told on request, such as {}: {:?}",
        sources.len(),
        pool.name(first.source),
        words::shortened(&words::tidied(first.sentence), 160)
    );
    let finding = DetailedFinding {
        id: String::new(),
        question: None,
        statement: format!(
            "{}: {} sources leave it open or tell it only on request.",
            unlearned(&spoken),
            sources.len()
        ),
        confidence: if sources.len() > 2 { Confidence::High } else { Confidence::Medium },
        reason: format!("{} independent sources say so themselves; none gives an answer.", sources.len()),
        supporting,
        contradicting: vec![],
        metrics: vec![],
    };
    (Gap { question: spoken, why }, finding)
}

/// The topic's words as most sentences write them, in the order of the sentence that has the most of them.
fn spoken(topic: &[String], about: &[Untold<'_>]) -> String {
    let stemmed = |sentence: &str| -> Vec<(String, String)> {
        let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
        sentence.split_whitespace().map(bare).map(|word| (words::stem(&word.to_lowercase()), word)).collect()
    };
    // Its own words: those of the sentence before it are among its stems, and cannot be shown.
    let has = |untold: &&Untold<'_>| {
        let own = words::stems(untold.sentence);
        topic.iter().filter(|stem| own.contains(*stem)).count()
    };
    let best = about.iter().max_by_key(has);
    let mut words: Vec<String> = vec![];
    let mut seen = BTreeSet::new();
    for (stem, word) in best.map(|untold| stemmed(untold.sentence)).unwrap_or_default() {
        if topic.contains(&stem) && seen.insert(stem) {
            words.push(word);
        }
    }
    if words.is_empty() { topic.join(" ") } else { words.join(" ") }
}

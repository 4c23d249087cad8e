//! Owns the ranking by words alone: counts over the whole corpus, words that the best passages bring, and closeness.
//! Never an answer to what nobody wrote about: too little of the question must stand somewhere, or nothing is found.
//! Next: `library` fuses this ranking with others.

use std::collections::{BTreeMap, HashMap};

use contract::PortError;
use contract::documents::PassageId;

use super::rank::{Ranked, Ranker};
use super::score::{Scored, Sheets, Weighted, Weights, rarity};
use super::shelf::{Shelves, Spot};
use crate::corpus::index::fields::Kind;
use crate::corpus::index::words::{is_grammar, terms};

/// As many as there are bits: a longer question is asked by its first words.
const WORDS_MAX: usize = 64;
const QUESTION_BYTES_MAX: usize = 8 << 10;
/// How many passages are looked at word by word.
const LOOKED_AT: usize = 100;
/// How many passages lend words, and how many words.
const LENDERS: usize = 10;
const LENT_WORDS: usize = 25;
/// Two words of the question are close where this many words or fewer part them.
const CLOSE_WORDS: usize = 8;
/// This much of a question's worth must be met, by how many of its words meet it: one word among many says little.
const WORTH_MET: [f32; 4] = [0.34, 0.18, 0.15, 0.10];

#[derive(Clone, Copy, Debug, Default)]
pub struct ByWords {
    weights: Weights,
}

/// The words of a question, each once, in their order.
pub(crate) struct Asked {
    pub(crate) words: Vec<Weighted>,
}

/// One passage, looked at.
#[derive(Clone)]
struct Candidate {
    scored: Scored,
    /// Orders what scores alike, since its place in the index is chance.
    id: PassageId,
    words: Vec<String>,
}

impl Asked {
    pub(crate) fn of(question: &str) -> Asked {
        let mut end = question.len().min(QUESTION_BYTES_MAX);
        while !question.is_char_boundary(end) {
            end -= 1;
        }
        let question = &question[..end];
        // Where all is in capitals, they set no word apart.
        let shouted = !question.chars().any(char::is_lowercase);
        let all = if shouted { terms(&question.to_lowercase()) } else { terms(question) };
        let mut words: Vec<String> = Vec::new();
        for word in all {
            if words.len() < WORDS_MAX && !is_grammar(&word) && !words.contains(&word) {
                words.push(word);
            }
        }
        let weighted = |(number, word): (usize, String)| Weighted { word, weight: 1.0, bit: 1_u64 << number };
        Asked { words: words.into_iter().enumerate().map(weighted).collect() }
    }

    /// How much of the question's worth is met: 0 to 1.
    pub(crate) fn coverage(&self, worth: &[f32], met: u64) -> f32 {
        let all: f32 = worth.iter().sum();
        let found: f32 =
            self.words.iter().zip(worth).filter(|(word, _)| word.bit & met != 0).map(|(_, worth)| worth).sum();
        if all > 0.0 { found / all } else { 0.0 }
    }

    pub(crate) fn is_met(&self, worth: &[f32], met: u64) -> bool {
        let words = met.count_ones() as usize;
        words > 0 && self.coverage(worth, met) >= WORTH_MET[words.min(WORTH_MET.len()) - 1]
    }
}

impl ByWords {
    pub fn with(weights: Weights) -> ByWords {
        ByWords { weights }
    }

    /// Words that stand in the best passages more than elsewhere, and not in the question.
    fn lent(
        &self,
        asked: &Asked,
        best: &[Candidate],
        passages: f32,
        df: &impl Fn(&str) -> Result<usize, PortError>,
    ) -> Result<Vec<Weighted>, PortError> {
        let Some(top) = best.first() else { return Ok(Vec::new()) };
        let mut sums: BTreeMap<&str, f32> = BTreeMap::new();
        for candidate in best.iter().take(LENDERS) {
            let trust = ((candidate.scored.score / top.scored.score - 1.0) * 10.0).exp();
            let share = trust / candidate.words.len().max(1) as f32;
            for word in &candidate.words {
                *sums.entry(word).or_default() += share;
            }
        }
        sums.retain(|word, _| is_worth_lending(word) && asked.words.iter().all(|own| own.word != *word));
        let mut lent = Vec::with_capacity(sums.len());
        for (word, sum) in sums {
            let with = df(word)?;
            if with > 1 {
                lent.push((sum * rarity(passages, with), word));
            }
        }
        lent.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
        lent.truncate(LENT_WORDS);
        let all: f32 = lent.iter().map(|(sum, _)| sum).sum();
        let each = self.weights.expansion * asked.words.len() as f32 / all.max(f32::MIN_POSITIVE);
        Ok(lent.into_iter().map(|(sum, word)| Weighted { word: word.to_owned(), weight: each * sum, bit: 0 }).collect())
    }
}

impl Ranker for ByWords {
    fn rank(&self, shelves: &Shelves, question: &str, depth: usize) -> Result<Vec<Ranked>, PortError> {
        let asked = Asked::of(question);
        let mut sheets = Sheets::new(shelves, self.weights);
        let worth = sheets.count(&asked.words)?;
        let mut looked_at = HashMap::new();
        let first = candidates(shelves, sheets.best(Kind::Passage, LENDERS), &mut looked_at)?;
        let lent = self.lent(&asked, &first, sheets.passages(), &|word| sheets.passages_with(word))?;
        sheets.count(&lent)?;
        let best = sheets.best(Kind::Passage, LOOKED_AT.max(depth));
        let met: Vec<Scored> = best.into_iter().filter(|scored| asked.is_met(&worth, scored.met)).collect();
        let mut looked_at = candidates(shelves, met, &mut looked_at)?;
        for candidate in &mut looked_at {
            candidate.scored.score += self.weights.closeness * closeness(&asked, &worth, &candidate.words);
        }
        in_order(&mut looked_at);
        let top = looked_at.first().map_or(1.0, |top| top.scored.score);
        let ranked = |candidate: Candidate| {
            let Scored { spot, score, met } = candidate.scored;
            let strength = f64::from(score / top) * f64::from(asked.coverage(&worth, met)).sqrt();
            Ranked { spot, score: f64::from(score), strength: strength.clamp(0.0, 1.0) }
        };
        Ok(looked_at.into_iter().map(ranked).take(depth).collect())
    }
}

/// Looks at each, once.
fn candidates(
    shelves: &Shelves,
    best: Vec<Scored>,
    known: &mut HashMap<Spot, Candidate>,
) -> Result<Vec<Candidate>, PortError> {
    let mut looked_at = Vec::with_capacity(best.len());
    for scored in best {
        let candidate = match known.get(&scored.spot) {
            Some(known) => Candidate { scored, ..known.clone() },
            None => {
                let shelf = shelves.shelf(scored.spot);
                let document = shelf.document(scored.spot.at)?;
                let (id, words) = (shelf.fields.passage_id(&document)?, terms(shelf.fields.quote(&document)));
                let candidate = Candidate { scored, id, words };
                known.insert(scored.spot, candidate.clone());
                candidate
            }
        };
        looked_at.push(candidate);
    }
    in_order(&mut looked_at);
    Ok(looked_at)
}

fn in_order(candidates: &mut [Candidate]) {
    candidates.sort_by(|one, other| other.scored.score.total_cmp(&one.scored.score).then(one.id.cmp(&other.id)));
}

/// Not a number, and not a letter.
fn is_worth_lending(word: &str) -> bool {
    word.chars().count() > 1 && !is_grammar(word) && word.len() > 2 && !word.bytes().all(|byte| byte.is_ascii_digit())
}

/// For each pair of the question's words that follow each other: what the lesser of them is worth, by how near they are.
fn closeness(asked: &Asked, worth: &[f32], words: &[String]) -> f32 {
    let numbers: HashMap<&str, usize> =
        asked.words.iter().enumerate().map(|(number, asked)| (asked.word.as_str(), number)).collect();
    let mut places: Vec<Vec<usize>> = vec![Vec::new(); asked.words.len()];
    for (place, word) in words.iter().enumerate() {
        if let Some(number) = numbers.get(word.as_str()) {
            places[*number].push(place);
        }
    }
    let mut sum = 0.0;
    for (number, pair) in places.windows(2).enumerate() {
        let apart = pair[0].iter().flat_map(|one| pair[1].iter().map(|other| one.abs_diff(*other))).min();
        if let Some(apart) = apart.filter(|apart| *apart <= CLOSE_WORDS) {
            sum += worth[number].min(worth[number + 1]) / (apart.max(1) as f32).sqrt();
        }
    }
    sum
}

//! Owns the fusion: several rankings of the same passages into one, by their ranks alone.
//! Never compares two rankers' scores: they need not mean the same.
//! Next: `words` is the one ranker that there is; one by meaning comes beside it.

use std::collections::BTreeMap;
use std::fmt;

use contract::PortError;

use super::shelf::{Shelves, Spot};

/// The usual constant of reciprocal rank fusion: how much the first ranks stand out.
const RANK_OFFSET: f64 = 60.0;

/// One way to say which passages answer a question.
pub trait Ranker: Send + Sync + fmt::Debug {
    /// The best first, at most `depth`; what does not answer at all is left out. Called away from the async threads.
    fn rank(&self, shelves: &Shelves, question: &str, depth: usize) -> Result<Vec<Ranked>, PortError>;
}

#[derive(Clone, Copy, Debug)]
pub struct Ranked {
    pub spot: Spot,
    pub score: f64,
    /// How well it answers: 0 to 1.
    pub strength: f64,
}

/// The best first. Equal ones stay in the order of the first ranker that names them.
pub(crate) fn fused(rankings: &[Vec<Ranked>]) -> Vec<Ranked> {
    let mut sums: BTreeMap<Spot, Ranked> = BTreeMap::new();
    let mut order = Vec::new();
    for (rank, ranked) in rankings.iter().flat_map(|ranking| ranking.iter().enumerate()) {
        let sum = sums.entry(ranked.spot).or_insert_with(|| {
            order.push(ranked.spot);
            Ranked { score: 0.0, ..*ranked }
        });
        sum.score += 1.0 / (RANK_OFFSET + rank as f64 + 1.0);
        sum.strength = sum.strength.max(ranked.strength);
    }
    let mut all: Vec<Ranked> = order.iter().filter_map(|spot| sums.get(spot).copied()).collect();
    all.sort_by(|one, other| other.score.total_cmp(&one.score));
    all
}

#[cfg(test)]
mod tests {
    use tantivy::DocAddress;

    use super::*;

    fn ranked(document: u32, strength: f64) -> Ranked {
        Ranked { spot: Spot { shelf: 0, at: DocAddress::new(0, document) }, score: 1.0, strength }
    }

    fn documents(all: &[Ranked]) -> Vec<u32> {
        all.iter().map(|ranked| ranked.spot.at.doc_id).collect()
    }

    #[test]
    fn one_ranking_stays_as_it_is() {
        let fused = fused(&[vec![ranked(3, 0.9), ranked(1, 0.5), ranked(2, 0.4)]]);
        assert_eq!(documents(&fused), [3, 1, 2]);
        assert_eq!(fused[1].strength, 0.5);
    }

    #[test]
    fn what_two_rankers_name_comes_before_what_one_names() {
        let fused = fused(&[vec![ranked(1, 0.9), ranked(2, 0.8)], vec![ranked(2, 0.95), ranked(3, 0.1)]]);
        assert_eq!(documents(&fused), [2, 1, 3]);
        assert_eq!(fused[0].strength, 0.95);
    }
}

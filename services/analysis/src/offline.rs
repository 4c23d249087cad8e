//! Owns the analysis without a model: what can be computed and compared.
//! Never a statement that no passage stands behind.
//! Next: `handler` stores what comes of it.

use contract::documents::{Analysed, Gap, Gathered};
use contract::events::ResearchHead;

pub(crate) fn analysed(head: &ResearchHead, gathered: Vec<Gathered>) -> Analysed {
    let mut analysed = Analysed { goal: head.goal.clone(), questions: head.questions.clone(), ..Analysed::default() };
    for found in gathered {
        if found.passages.is_empty() && found.tables.is_empty() {
            analysed.gaps.push(Gap { question: found.question, why: "no source says anything about it".into() });
        }
        analysed.missed.extend(found.missed);
    }
    analysed.summary = format!("No evidence found for {:?}.", head.goal);
    analysed
}

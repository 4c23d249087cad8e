//! Owns what must hold of every history: nothing lost, nothing told that nobody did, nothing done twice, nothing left.
//! Never forgives for what a fault did: a fault may make work, and cost time, and nothing else.
//! Next: `case` reads a history, each other module checks one thing, `verdict` is what they say.

mod case;
mod ends;
mod holders;
mod joins;
mod letters;
mod repeats;
mod stuck;
#[cfg(test)]
mod tests;
mod told;
mod unheard;
mod verdict;
mod wishes;

use contract::{Choreography, Topology};

use crate::history::History;
use case::Case;
use verdict::Found;

pub use verdict::{Defect, Kind, Verdict};

/// Every defect of a history of the four agents.
pub fn judge(history: &History) -> Verdict {
    match Topology::murmuration().check() {
        Ok(choreography) => judge_by(&choreography, history),
        // Its own tests make sure that there are none.
        Err(problems) => {
            let mut found = Found::default();
            found.add_beside(Kind::Unexpected, format!("the topology has problems: {problems:?}"));
            Verdict { defects: found.defects(), ..Verdict::default() }
        }
    }
}

/// The same of another choreography.
pub fn judge_by(choreography: &Choreography, history: &History) -> Verdict {
    let mut found = Found::default();
    let case = Case::read(choreography, history, &mut found);
    wishes::check(&case, &mut found);
    told::check(&case, &mut found);
    let (retold, copied) = repeats::check(&case, &mut found);
    holders::check(&case, &mut found);
    ends::check(&case, &mut found);
    joins::check(&case, &mut found);
    letters::check(&case, &mut found);
    unheard::check(&case, &mut found);
    stuck::check(&case, &mut found);
    Verdict { defects: found.defects(), goals: case.goals.len(), events: case.told.len(), retold, copied }
}

//! Owns event patterns: what one says, whether it is valid, and whether an event matches it.
//! Never a bus or a rule: it is given JSON text and fields, and answers yes or no.
//! The semantics are those of AWS's own published matcher (event-ruler): paths are joined with dots, `$or` makes branches,
//! and what is asked of one array's element must hold of one and the same element. `docs/adr/0013` says why not quamina.
//! Next: `parse` compiles, `fields` flattens an event, `condition` is what one value is asked.

mod condition;
mod fields;
mod parse;
#[cfg(test)]
mod tests;

pub(crate) use fields::{Fields, Looked};

use crate::ApiError;
use condition::Condition;
use fields::{Found, Place};

/// A compiled pattern: it matches when one of its branches does.
#[derive(Debug)]
pub(crate) struct Pattern {
    branches: Vec<Branch>,
}

/// All of these must hold. No path occurs twice.
#[derive(Clone, Debug, Default)]
struct Branch {
    asked: Vec<Asked>,
}

/// One of `conditions` must hold of a value at `path`.
#[derive(Clone, Debug)]
struct Asked {
    path: String,
    conditions: Vec<Condition>,
}

impl Pattern {
    pub(crate) fn parse(text: &str) -> Result<Pattern, ApiError> {
        parse::branches(text).map(|branches| Pattern { branches }).map_err(|reason| {
            ApiError::refused("InvalidEventPatternException", format!("Event pattern is not valid. Reason: {reason}"))
        })
    }

    pub(crate) fn matches(&self, event: &Fields) -> bool {
        self.branches.iter().any(|branch| {
            // Each path is looked at once, before any is tried with another.
            let found: Option<Vec<_>> = branch.asked.iter().map(|asked| asked.among(event)).collect();
            found.is_some_and(|found| holds(&found, &mut vec![]))
        })
    }

    /// Tells what to look for in an event.
    pub(crate) fn look(&self, looked: &mut Looked) {
        for asked in self.branches.iter().flat_map(|branch| &branch.asked) {
            looked.add(&asked.path);
        }
    }

    /// The detail types that alone can match, where the pattern names them all literally.
    pub(crate) fn detail_types(&self) -> Option<Vec<&str>> {
        let mut named = vec![];
        for branch in &self.branches {
            let asked = branch.asked.iter().find(|asked| asked.path == "detail-type")?;
            for condition in &asked.conditions {
                let Condition::Text(text) = condition else { return None };
                named.push(text.as_str());
            }
        }
        Some(named)
    }
}

impl Asked {
    /// In which elements values lie that fit, the same ones once. None where nothing fits.
    fn among<'e>(&self, event: &'e Fields) -> Option<Vec<&'e [Place]>> {
        let found = event.at(&self.path);
        if found.is_empty() {
            return self.conditions.contains(&Condition::Absent).then(|| vec![&[][..]]);
        }
        let fits = |found: &&Found| self.conditions.iter().any(|condition| condition.holds(&found.value));
        let mut places: Vec<&[Place]> = found.iter().filter(fits).map(|found| found.places.as_slice()).collect();
        places.dedup();
        Some(places).filter(|places| !places.is_empty())
    }
}

/// `places` says which element of which array was settled on so far.
fn holds(found: &[Vec<&[Place]>], places: &mut Vec<Place>) -> bool {
    let Some((first, rest)) = found.split_first() else { return true };
    first.iter().any(|found| {
        let settled = places.len();
        let fits = settle(found, places) && holds(rest, places);
        places.truncate(settled);
        fits
    })
}

/// False where the value lies in another element of an array than the one settled on.
fn settle(found: &[Place], places: &mut Vec<Place>) -> bool {
    for place in found {
        match places.iter().find(|settled| settled.array == place.array) {
            Some(settled) if settled.element != place.element => return false,
            Some(_) => {}
            None => places.push(*place),
        }
    }
    true
}

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
        self.branches.iter().any(|branch| holds(&branch.asked, event, &mut vec![]))
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

/// `places` says which element of which array was settled on so far.
fn holds(asked: &[Asked], event: &Fields, places: &mut Vec<Place>) -> bool {
    let Some((first, rest)) = asked.split_first() else { return true };
    let found = event.at(&first.path);
    if found.is_empty() && first.conditions.contains(&Condition::Absent) && holds(rest, event, places) {
        return true;
    }
    let mut tried: Option<&[Place]> = None;
    found.iter().any(|found| {
        // For what is asked of other paths, values in the same elements are as good as one: a long array is not gone
        // through again for each of its values.
        if tried == Some(&found.places) || !first.conditions.iter().any(|condition| condition.holds(&found.value)) {
            return false;
        }
        tried = Some(&found.places);
        let settled = places.len();
        let fits = settle(found, places) && holds(rest, event, places);
        places.truncate(settled);
        fits
    })
}

/// False where the value lies in another element of an array than the one settled on.
fn settle(found: &Found, places: &mut Vec<Place>) -> bool {
    for place in &found.places {
        match places.iter().find(|settled| settled.array == place.array) {
            Some(settled) if settled.element != place.element => return false,
            Some(_) => {}
            None => places.push(*place),
        }
    }
    true
}

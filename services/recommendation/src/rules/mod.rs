//! Owns rules as files: read, compiled and checked at start, with the place of everything that is wrong.
//! Never runs one: `judge` does, over what an analysis found.
//! Next: `pack` reads a file, `built_in` has those that come along.

mod expression;
mod pack;
mod place;
mod template;

use std::collections::BTreeSet;
use std::fmt::Write as _;

pub(crate) use expression::Expression;
pub(crate) use pack::{ITEM, Named, Rule};
pub use pack::{Pack, read};
pub use place::Problem;
pub(crate) use template::{Piece, Template};

/// The packs that come along, by name.
const BUILT_IN: &[(&str, &str)] = &[
    ("pricing", include_str!("../../rules/pricing.toml")),
    ("technology", include_str!("../../rules/technology.toml")),
    ("general", include_str!("../../rules/general.toml")),
];

/// The packs that `MURMUR_RULES` names, by name or as paths of files, with commas between; without it, all that come
/// along, of which each says for itself whether it applies.
pub(crate) fn packs(named: Option<&str>) -> Result<Vec<Pack>, String> {
    let named: Vec<&str> = match named.map(str::trim) {
        None | Some("" | "auto") => BUILT_IN.iter().map(|(name, _)| *name).collect(),
        Some(named) => named.split(',').map(str::trim).filter(|name| !name.is_empty()).collect(),
    };
    let (mut packs, mut problems, mut taken) = (vec![], vec![], BTreeSet::new());
    for name in named {
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
        let read = match built_in {
            Some((name, text)) => read(&format!("rules/{name}.toml"), text, &mut taken),
            None => match std::fs::read_to_string(name) {
                Ok(text) => read(name, &text, &mut taken),
                Err(why) => {
                    let known: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
                    let what = format!("{why}; name a file, or one of {}", known.join(", "));
                    Err(vec![Problem { file: name.to_owned(), line: 1, column: 1, what }])
                }
            },
        };
        match read {
            Ok(pack) => packs.push(pack),
            Err(wrong) => problems.extend(wrong),
        }
    }
    if problems.is_empty() {
        return Ok(packs);
    }
    let mut told = format!("MURMUR_RULES: {} problems in the rules:", problems.len());
    for problem in &problems {
        // Writing to a string cannot fail.
        let _ = write!(told, "\n  - {problem}");
    }
    Err(told)
}

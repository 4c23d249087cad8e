//! Owns what is wrong with a configuration, in words for the person who must mend it.
//! Never a problem without its variable, what was found there, and an example of what would do.
//! Next: `main` prints `ConfigErrors` and exits with `EXIT_BAD_CONFIGURATION`.

use std::fmt;

/// What is shown of a value at most.
const FOUND_CHARS_MAX: usize = 64;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Those that it takes to mend it; the first is the one to look at.
    pub variables: Vec<String>,
    /// Without the values of unknown names: they may be secrets.
    pub found: String,
    pub problem: String,
    /// What would do.
    pub example: String,
}

/// Why a configuration is refused: all that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(pub Vec<Problem>);

impl Problem {
    pub fn new(variable: &str, found: &str, problem: impl Into<String>, example: impl Into<String>) -> Problem {
        Problem {
            variables: vec![variable.to_owned()],
            found: found.to_owned(),
            problem: problem.into(),
            example: example.into(),
        }
    }
}

/// A value as it may be shown: quoted, escaped, and not longer than a line.
pub(super) fn shown(value: &str) -> String {
    let short: String = value.chars().take(FOUND_CHARS_MAX).collect();
    let more = if short.len() < value.len() { " …" } else { "" };
    format!("{short:?}{more}")
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { variables, found, problem, example } = self;
        write!(f, "{}: {problem}; found {found}; would do: {example}", variables.join(", "))
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0.len() == 1 { "" } else { "s" };
        write!(f, "bad configuration, {} problem{plural}:", self.0.len())?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

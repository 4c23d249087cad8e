//! Owns prompts: files with a version, filled with values, and the fence around whatever came from a source.
//! Never lets text of a source stand outside of its fence, nor close it.
//! Next: `mind` asks with one; an exchange records its name and version.

use serde::Serialize;
use serde_json::Value;

/// A prompt file, compiled into its agent: `include_str!("prompts/plan.v1.md")`.
#[derive(Clone, Copy, Debug)]
pub struct Prompt {
    /// `plan.v1`: the file's name.
    pub version: &'static str,
    /// Everything before a line of three dashes is for the system, everything after it for the user.
    pub text: &'static str,
}

/// Text that somebody else wrote. A prompt shows it inside a fence, as data.
#[derive(Clone, Debug, Serialize)]
pub struct Untrusted {
    pub id: String,
    pub text: String,
}

impl Prompt {
    /// System and user text, filled with `values` (a template of minijinja), and then the sources, each in its fence.
    pub fn filled(&self, _values: &Value, _sources: &[Untrusted]) -> Result<(String, String), String> {
        Err(format!("{}: prompts are not filled yet", self.version))
    }
}

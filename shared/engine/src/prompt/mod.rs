//! Owns prompts: files with a version, filled with values, and the fence around whatever came from a source.
//! Never lets text of a source stand outside of its fence, nor close it.
//! Invariant: the same step, values and sources make the same prompt, to the letter: a replay depends on it.
//! Next: `mind` asks with one; an exchange records its name and version.

mod fence;
mod visible;

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use serde_json::Value;

pub use fence::Fence;
pub use visible::visible;

/// What a filled prompt may have at most, before sources.
const FILLED_BYTES_MAX: usize = 1024 * 1024;

/// A prompt file, compiled into its agent: `include_str!("prompts/plan.v1.md")`.
#[derive(Clone, Copy, Debug)]
pub struct Prompt {
    /// `plan.v1`: the file's name.
    pub version: &'static str,
    /// Everything before a line of three dashes is for the system, everything after it for the user.
    pub text: &'static str,
}

/// Text that somebody else wrote. A prompt shows it inside a fence, as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Untrusted {
    /// Ours, and plain: an answer cites it.
    pub id: String,
    pub text: String,
}

/// Why a prompt cannot be asked with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfilled {
    /// No model takes so much: it is done without.
    #[error("{0}")]
    TooLarge(String),
    /// Of the prompt, or of whoever fills it.
    #[error("{0}")]
    Wrong(String),
}

impl Untrusted {
    /// With title and address, which are as little to be trusted as the text: all of it goes inside the fence.
    pub fn titled(id: impl Into<String>, title: &str, address: &str, text: &str) -> Untrusted {
        let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = format!("title: {}\naddress: {}\n\n{text}", one_line(title), one_line(address));
        Untrusted { id: id.into(), text }
    }
}

/// A prompt before its sources are put in: how many fit depends on the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    pub system: String,
    pub user: String,
    /// Every source in its fence, in order.
    pub sources: Vec<String>,
    pub fence: Fence,
}

impl Prompt {
    /// System and user text, filled with `values` (a template of minijinja; a name without a value is an error), and
    /// the sources, each in a fence that only this step with these sources has.
    pub fn filled(&self, values: &Value, sources: &[Untrusted], key: &str) -> Result<Filled, Unfilled> {
        let wrong = |why: String| Unfilled::Wrong(format!("prompt {}: {why}", self.version));
        let (system, user) = parts(self.text).ok_or_else(|| wrong("no line of three dashes divides it".into()))?;
        if let Some(odd) = sources.iter().find(|source| !is_plain(&source.id)) {
            return Err(wrong(format!(
                "the source id {:?} is not plain (1 to 128 of A-Z a-z 0-9 . _ : # / -)",
                odd.id
            )));
        }
        let fence = Fence::of(key, self.version, values, sources);
        let mut values = harmless(values, &fence);
        // What is computed or said over sources has words of theirs: a prompt puts it between `<{{ mark }} id="…">` and
        // `</{{ mark }}>`, which none of the values can imitate.
        if let Value::Object(fields) = &mut values {
            fields.insert("mark".into(), format!("source-{}", fence.nonce()).into());
        }
        let filled = |text: &str| match fill(text, &values) {
            Ok(text) if text.len() > FILLED_BYTES_MAX => Err(Unfilled::TooLarge(format!(
                "prompt {}: filled, it has {} bytes: more than {FILLED_BYTES_MAX}",
                self.version,
                text.len()
            ))),
            Ok(text) => Ok(text),
            Err(why) => Err(wrong(why.to_string())),
        };
        Ok(Filled {
            system: format!("{}\n\n{}", filled(system)?, fence.preamble()),
            user: filled(user)?,
            sources: sources.iter().map(|source| fence.around(&source.id, &source.text)).collect(),
            fence,
        })
    }
}

impl Filled {
    /// The user's part with the first `count` sources.
    pub fn user_with(&self, count: usize) -> String {
        let mut text = self.user.clone();
        for source in self.sources.iter().take(count) {
            text.push_str("\n\n");
            text.push_str(source);
        }
        text
    }
}

fn parts(text: &'static str) -> Option<(&'static str, &'static str)> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Some((text[..at].trim(), text[at + line.len()..].trim()));
        }
        at += line.len();
    }
    None
}

fn fill(template: &str, values: &Value) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.render_str(template, minijinja::Value::from(Serde(values)))
}

/// Values are the user's own words, or ours; still none of them may look like a fence.
fn harmless(value: &Value, fence: &Fence) -> Value {
    match value {
        Value::String(text) => Value::String(fence.harmless(text)),
        Value::Array(all) => all.iter().map(|one| harmless(one, fence)).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), harmless(value, fence))).collect(),
        plain => plain.clone(),
    }
}

fn is_plain(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:#/".contains(c);
    (1..=128).contains(&id.len()) && id.chars().all(plain)
}

#[cfg(test)]
mod tests;

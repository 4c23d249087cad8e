//! Owns the programs that are printed for readers of a subscription: one for each language, with the queue's URL in it.
//! Never a second version of one: what is printed here is what the tests run.
//! Next: `make test-clients` runs each; `shared/aws/tests/subscriptions.rs` compiles and runs the Rust one.

use clap::ValueEnum;

const URL: &str = "{{QUEUE_URL}}";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    Python,
    Typescript,
    Rust,
    /// The AWS CLI
    Cli,
}

impl Language {
    pub(super) const ALL: [Language; 4] = [Language::Python, Language::Typescript, Language::Rust, Language::Cli];

    pub(super) fn name(self) -> &'static str {
        match self {
            Language::Python => "python",
            Language::Typescript => "typescript",
            Language::Rust => "rust",
            Language::Cli => "cli",
        }
    }

    pub(super) fn snippet(self, url: &str) -> String {
        let text = match self {
            Language::Python => include_str!("python.txt"),
            Language::Typescript => include_str!("typescript.txt"),
            Language::Rust => include_str!("rust.txt"),
            Language::Cli => include_str!("cli.txt"),
        };
        text.replace(URL, url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_snippet_names_the_queue_once_and_leaves_no_gap() {
        for language in Language::ALL {
            let text = language.snippet("https://sqs.example/1/q");
            assert_eq!(text.matches("https://sqs.example/1/q").count(), 1, "{language:?}");
            assert!(!text.contains("{{"), "{language:?}");
        }
    }
}

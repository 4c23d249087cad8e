//! Owns what tokens cost: the shipped table, what a user's file changes of it, and what an unknown model is counted at.
//! Never lets a model be free by omission: what no table names is counted at a price that is high.
//! Next: `calling` reserves a bound by it, and settles what was used.

use std::collections::BTreeMap;

use contract::Spend;

use super::config::Problems;
use crate::model::Usage;

const SHIPPED: &str = include_str!("../../prices.toml");

/// US dollars per million tokens: millionths of a dollar per token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    pub input: f64,
    pub output: f64,
    /// Of input that the provider had in its cache.
    pub cached: f64,
}

impl Price {
    /// What a model is counted at that no table names.
    pub const UNKNOWN: Price = Price { input: 15.0, output: 75.0, cached: 15.0 };

    pub fn of(self, usage: Usage) -> Spend {
        let cached = usage.cached_tokens.min(usage.input_tokens);
        let fresh = usage.input_tokens - cached;
        let micros = fresh as f64 * self.input + cached as f64 * self.cached + usage.output_tokens as f64 * self.output;
        Spend { tokens: usage.input_tokens.saturating_add(usage.output_tokens), micros: micros.ceil() as u64 }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Prices(BTreeMap<String, Price>);

impl Prices {
    /// The shipped table, and over it the user's.
    pub(super) fn with(own: &BTreeMap<String, Price>) -> Result<Prices, Problems> {
        let mut prices = super::config::price_table("shared/engine/prices.toml", SHIPPED)?;
        prices.extend(own.iter().map(|(name, price)| (name.clone(), *price)));
        Ok(Prices(prices))
    }

    /// By the whole name, else by a name that this one begins with: `gpt-5-mini` prices `gpt-5-mini-2025-08-07`.
    pub(super) fn of(&self, name: &str) -> Option<Price> {
        let dated = || {
            let begins =
                |(known, _): &(&String, &Price)| name.strip_prefix(known.as_str()).is_some_and(|rest| is_date(rest));
            self.0.iter().filter(begins).max_by_key(|(known, _)| known.len()).map(|(_, price)| *price)
        };
        self.0.get(name).copied().or_else(dated)
    }
}

/// A version of the same model: `-20250929`, `-2025-08-07`, `-v1:0`, `-latest`.
fn is_date(rest: &str) -> bool {
    let Some(rest) = rest.strip_prefix('-') else { return false };
    rest == "latest"
        || (rest.len() >= 8 && rest.starts_with("20") && rest.chars().all(|c| c.is_ascii_digit() || "-v:".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_table_can_be_read_and_a_user_overrides_it() {
        let own = BTreeMap::from([("openai/gpt-4o".to_owned(), Price { input: 1.0, output: 2.0, cached: 0.5 })]);
        let prices = Prices::with(&own).unwrap();
        assert_eq!(prices.of("openai/gpt-4o").unwrap().output, 2.0);
        assert!(prices.of("anthropic/claude-sonnet-4-5").is_some());
        assert_eq!(prices.of("anthropic/claude-sonnet-4-5-20250929"), prices.of("anthropic/claude-sonnet-4-5"));
        assert_eq!(prices.of("openai/gpt-4o-strange"), None);
    }

    #[test]
    fn a_price_counts_what_was_cached_apart_and_rounds_up() {
        let price = Price { input: 3.0, output: 15.0, cached: 0.3 };
        let usage = Usage { input_tokens: 1_000, output_tokens: 101, cached_tokens: 999, estimated: false };
        assert_eq!(price.of(usage), Spend { tokens: 1_101, micros: 1_818 });
    }
}

//! Owns what a pattern asks of one simple value: equal, prefix, suffix, wildcard, range, address block, anything but.
//! Never a field or an array: `Pattern` finds the values.
//! Next: `parse` makes conditions of JSON.

use std::net::IpAddr;

use serde_json::Number;

use super::fields::Scalar;

/// Numeric conditions reach this far, as AWS documents it; other numbers are equal only to themselves.
pub(super) const NUMERIC_REACH: f64 = 5e9;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    Null,
    Bool(bool),
    Text(String),
    Number(Number),
    Prefix(String),
    Suffix(String),
    /// In lower case, as the next two.
    AnyCase(String),
    PrefixAnyCase(String),
    SuffixAnyCase(String),
    Wildcard(Wildcard),
    Numeric(Span),
    Block(Block),
    Present,
    /// Holds of no value: `Pattern` asks whether there is one.
    Absent,
    AnythingBut(Vec<Condition>),
}

impl Condition {
    pub(super) fn holds(&self, value: &Scalar) -> bool {
        match (self, value) {
            (Condition::Present, _) => true,
            (Condition::AnythingBut(excluded), _) => !excluded.iter().any(|condition| condition.holds(value)),
            (Condition::Null, Scalar::Null) => true,
            (Condition::Bool(wanted), Scalar::Bool(value)) => wanted == value,
            (Condition::Number(wanted), Scalar::Number(value)) => same_number(wanted, value),
            (Condition::Numeric(span), Scalar::Number(value)) => value.as_f64().is_some_and(|value| span.has(value)),
            (_, Scalar::Text(value)) => self.holds_of_text(value),
            _ => false,
        }
    }

    fn holds_of_text(&self, value: &str) -> bool {
        match self {
            Condition::Text(wanted) => wanted == value,
            Condition::Prefix(prefix) => value.starts_with(prefix.as_str()),
            Condition::Suffix(suffix) => value.ends_with(suffix.as_str()),
            Condition::AnyCase(wanted) => value.to_lowercase() == *wanted,
            Condition::PrefixAnyCase(prefix) => value.to_lowercase().starts_with(prefix.as_str()),
            Condition::SuffixAnyCase(suffix) => value.to_lowercase().ends_with(suffix.as_str()),
            Condition::Wildcard(wildcard) => wildcard.matches(value),
            Condition::Block(block) => value.parse().is_ok_and(|address| block.has(address)),
            _ => false,
        }
    }
}

fn same_number(wanted: &Number, value: &Number) -> bool {
    match (wanted.as_f64(), value.as_f64()) {
        (Some(a), Some(b)) if a.abs() <= NUMERIC_REACH && b.abs() <= NUMERIC_REACH => a == b,
        _ => wanted == value,
    }
}

/// What stands between the asterisks. Without one, it is the whole value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wildcard {
    pub(super) pieces: Vec<String>,
}

impl Wildcard {
    fn matches(&self, value: &str) -> bool {
        let [first, middle @ .., last] = self.pieces.as_slice() else {
            return self.pieces.first().is_some_and(|whole| whole == value);
        };
        let Some(value) = value.strip_prefix(first.as_str()) else { return false };
        let Some(mut value) = value.strip_suffix(last.as_str()) else { return false };
        for piece in middle {
            let Some((_, rest)) = value.split_once(piece.as_str()) else { return false };
            value = rest;
        }
        true
    }
}

/// From, to; each with whether it belongs to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) from: (f64, bool),
    pub(super) to: (f64, bool),
}

impl Span {
    pub(super) const WHOLE: Span = Span { from: (-NUMERIC_REACH, true), to: (NUMERIC_REACH, true) };

    fn has(&self, value: f64) -> bool {
        let above = value > self.from.0 || (self.from.1 && value == self.from.0);
        let below = value < self.to.0 || (self.to.1 && value == self.to.0);
        above && below
    }
}

/// A block of addresses of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) network: IpAddr,
    pub(super) bits: u32,
}

impl Block {
    fn has(&self, address: IpAddr) -> bool {
        match (self.network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let differs = (network.to_bits() ^ address.to_bits()).leading_zeros();
                differs >= self.bits
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let differs = (network.to_bits() ^ address.to_bits()).leading_zeros();
                differs >= self.bits
            }
            _ => false,
        }
    }
}

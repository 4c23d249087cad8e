//! Owns the kind of a column: what nine in ten of its cells that say something are.
//! Never one kind for two currencies or two units: those cannot be computed with.
//! Next: `mod` puts the values into cells.

use contract::documents::{ColumnKind, Typed};

use super::super::date;
use super::value::{Quantity, currency_in, quantity, says_nothing, truth, unit_in};

pub(super) fn typed(name: &str, texts: &[&str]) -> (ColumnKind, Vec<Option<Typed>>) {
    let filled = texts.iter().filter(|text| !says_nothing(text)).count();
    let enough = |values: &[Option<Typed>]| {
        let fitting = values.iter().flatten().count();
        fitting > 0 && fitting * 10 >= filled * 9
    };
    let none = || (ColumnKind::Text, vec![None; texts.len()]);
    if is_name(name) {
        return none();
    }
    let truths: Vec<_> = texts.iter().map(|text| truth(text).map(Typed::Truth)).collect();
    if enough(&truths) {
        return (ColumnKind::Truth, truths);
    }
    let days: Vec<_> = texts.iter().map(|text| date::exactly(text).map(Typed::Date)).collect();
    if enough(&days) {
        return (ColumnKind::Date, days);
    }
    let mut quantities: Vec<_> = texts.iter().map(|text| quantity(text)).collect();
    let Some(kind) = numeric(name, &quantities) else { return none() };
    if let ColumnKind::Money { .. } = kind {
        for (quantity, text) in quantities.iter_mut().zip(texts) {
            // Of a price, this is a number.
            if text.trim().eq_ignore_ascii_case("free") {
                *quantity = Some(Quantity { number: 0.0, unit: None, currency: None });
            }
        }
    }
    let numbers: Vec<_> = quantities.into_iter().map(|quantity| quantity.map(|it| Typed::Number(it.number))).collect();
    if enough(&numbers) { (kind, numbers) } else { none() }
}

/// Numbers that only tell things apart.
fn is_name(column: &str) -> bool {
    let name = column.trim().to_lowercase();
    matches!(name.as_str(), "id" | "uuid" | "zip" | "postcode" | "phone" | "isbn" | "version" | "release")
        || name.ends_with("_id")
        || name.ends_with(" id")
}

fn numeric(name: &str, quantities: &[Option<Quantity>]) -> Option<ColumnKind> {
    let quantities = || quantities.iter().flatten();
    quantities().next()?;
    let mut currencies: Vec<&str> = quantities().filter_map(|quantity| quantity.currency).collect();
    currencies.sort_unstable();
    currencies.dedup();
    let mut units: Vec<&str> = quantities().filter_map(|quantity| quantity.unit.as_deref()).collect();
    let with_unit = units.len();
    units.sort_unstable();
    units.dedup();
    match (currencies.as_slice(), units.as_slice()) {
        ([code], []) => Some(ColumnKind::Money { currency: Some((*code).to_owned()) }),
        ([], []) => Some(match currency_in(name) {
            Some(code) => ColumnKind::Money { currency: Some(code.to_owned()) },
            None if is_price(name) => ColumnKind::Money { currency: None },
            None => ColumnKind::Number { unit: unit_in(name) },
        }),
        // A bare number among those with a unit is of that unit; one unit among bare numbers says nothing of them.
        ([], [unit]) if with_unit * 2 > quantities().count() => {
            Some(ColumnKind::Number { unit: Some((*unit).to_owned()) })
        }
        _ => None,
    }
}

fn is_price(name: &str) -> bool {
    let words = name.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    let prices = ["price", "prices", "cost", "costs", "fee", "fees", "revenue", "salary"];
    let mut words = words.filter(|word| !word.is_empty());
    unit_in(name).is_none() && words.any(|word| prices.contains(&word.as_str()))
}

//! Owns reading one table of a TOML file, key by key: a key that is wrong does not hide the next one.
//! Never forgives a key that nobody asked for: it is refused, with the nearest known one.
//! Next: `read` says which keys there are, and what they mean.

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problems::Problems;

/// A table at work: what was asked for is known, the rest is refused by `end`.
pub(super) struct Table<'t, 'i> {
    table: &'t DeTable<'i>,
    /// As a person spells it: `models.fast`.
    path: String,
    at: Range<usize>,
    known: Vec<&'static str>,
}

impl<'t, 'i> Table<'t, 'i> {
    pub(super) fn new(table: &'t DeTable<'i>, path: impl Into<String>, at: Range<usize>) -> Table<'t, 'i> {
        Table { table, path: path.into(), at, known: vec![] }
    }

    /// Where the table itself stands.
    pub(super) fn at(&self) -> Range<usize> {
        self.at.clone()
    }

    /// Where a key's value stands; the table where there is none.
    pub(super) fn place(&self, key: &str) -> Range<usize> {
        self.table.get(key).map_or_else(|| self.at(), Spanned::span)
    }

    fn value(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.known.push(key);
        self.table.get(key)
    }

    pub(super) fn text(&mut self, key: &'static str, example: &str, problems: &mut Problems) -> Option<String> {
        let value = self.value(key)?;
        match value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => Some(text.to_owned()),
            _ => {
                problems.add(
                    &value.span(),
                    self.wrong(key, value, &format!("a text that is not empty, such as {example:?}")),
                );
                None
            }
        }
    }

    pub(super) fn one_of<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&str, T)],
        problems: &mut Problems,
    ) -> Option<T> {
        let value = self.value(key)?;
        let chosen = choices.iter().find(|(name, _)| value.get_ref().as_str() == Some(name));
        if chosen.is_none() {
            let names: Vec<_> = choices.iter().map(|(name, _)| format!("{name:?}")).collect();
            problems.add(&value.span(), self.wrong(key, value, &names.join(" or ")));
        }
        chosen.map(|(_, choice)| *choice)
    }

    pub(super) fn whole<N>(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<N>,
        problems: &mut Problems,
    ) -> Option<N>
    where
        N: PartialOrd + Display + TryFrom<u64>,
    {
        let value = self.value(key)?;
        let read = value.get_ref().as_integer().and_then(|number| {
            let read = u64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()?;
            N::try_from(read).ok()
        });
        let read = read.filter(|read| bounds.contains(read));
        if read.is_none() {
            let must = format!("a whole number from {} to {}", bounds.start(), bounds.end());
            problems.add(&value.span(), self.wrong(key, value, &must));
        }
        read
    }

    pub(super) fn number(
        &mut self,
        key: &'static str,
        bounds: RangeInclusive<f64>,
        problems: &mut Problems,
    ) -> Option<f64> {
        let value = self.value(key)?;
        let spelled = match value.get_ref() {
            DeValue::Float(number) => f64::from_str(&number.as_str().replace('_', "")).ok(),
            DeValue::Integer(number) => f64::from_str(&number.as_str().replace('_', "")).ok(),
            _ => None,
        };
        let read = spelled.filter(|read| bounds.contains(read));
        if read.is_none() {
            let must = format!("a number from {} to {}", bounds.start(), bounds.end());
            problems.add(&value.span(), self.wrong(key, value, &must));
        }
        read
    }

    /// Texts with their places.
    pub(super) fn list(
        &mut self,
        key: &'static str,
        example: &str,
        problems: &mut Problems,
    ) -> Option<Vec<(String, Range<usize>)>> {
        let value = self.value(key)?;
        let read = value.get_ref().as_array().and_then(|all| {
            all.iter().map(|one| Some((one.get_ref().as_str()?.to_owned(), one.span()))).collect::<Option<Vec<_>>>()
        });
        if read.is_none() {
            problems.add(&value.span(), self.wrong(key, value, &format!("a list of texts, such as [{example:?}]")));
        }
        read
    }

    /// Tables by their names: `[models.fast]`, `[models.strong]`.
    pub(super) fn tables(&mut self, key: &'static str, problems: &mut Problems) -> Vec<(String, Table<'t, 'i>)> {
        let Some(value) = self.value(key) else { return vec![] };
        let Some(table) = value.get_ref().as_table() else {
            problems.add(&value.span(), self.wrong(key, value, &format!("tables, such as [{key}.name]")));
            return vec![];
        };
        let mut all = vec![];
        for (name, inner) in table {
            let path = format!("{key}.{}", name.get_ref());
            match inner.get_ref().as_table() {
                Some(inner) => all.push((name.get_ref().to_string(), Table::new(inner, path, name.span()))),
                None => problems.add(&inner.span(), format!("{path} is no table: write [{path}]")),
            }
        }
        all
    }

    pub(super) fn table(&mut self, key: &'static str, problems: &mut Problems) -> Option<Table<'t, 'i>> {
        let value = self.value(key)?;
        match value.get_ref().as_table() {
            Some(inner) => Some(Table::new(inner, key, value.span())),
            None => {
                problems.add(&value.span(), format!("{key} is no table: write [{key}]"));
                None
            }
        }
    }

    pub(super) fn missing(&self, key: &str, example: &str, problems: &mut Problems) {
        problems.add(&self.at, format!("{} has no {key}: write {key} = {example}", self.path));
    }

    /// Whatever is left over.
    pub(super) fn end(self, problems: &mut Problems) {
        for (name, _) in self.table {
            let unknown: &str = name.get_ref();
            if self.known.contains(&unknown) {
                continue;
            }
            let nearest = self
                .known
                .iter()
                .max_by(|a, b| strsim::jaro_winkler(a, unknown).total_cmp(&strsim::jaro_winkler(b, unknown)));
            let nearest = nearest.filter(|near| strsim::jaro_winkler(near, unknown) > 0.7);
            let instead = nearest
                .map_or_else(|| format!("known are {}", self.known.join(", ")), |near| format!("is {near} meant?"));
            let inside = if self.path.is_empty() { String::new() } else { format!("{}: ", self.path) };
            problems.add(&name.span(), format!("{inside}{unknown:?} is unknown: {instead}"));
        }
    }

    fn wrong(&self, key: &str, value: &Spanned<DeValue<'i>>, must: &str) -> String {
        let found = match value.get_ref() {
            DeValue::String(text) => format!("{:?}", text.chars().take(60).collect::<String>()),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(truth) => truth.to_string(),
            other => format!("a {}", other.type_str()),
        };
        format!("{}.{key} is {found}: it must be {must}", self.path)
    }
}

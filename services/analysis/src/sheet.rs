//! Owns a table as it is computed on: its speakable name, its numbers, labels, groups and periods.
//! Never a value that the table does not type: a blank or ill-fitting cell is not a number, and not zero.
//! Next: `metrics` computes over a sheet, `claims` compares its cells with what others say.

use std::collections::{BTreeMap, BTreeSet};

use contract::documents::{ColumnKind, PassageId, Table, Typed};

use crate::pool::Pool;
use crate::words;

/// Groups that a reader can keep apart.
const GROUPS_MAX: usize = 12;
const LABEL_BYTES_MAX: usize = 40;
/// Endings of column names that say a unit.
const UNITS: &[(&str, &str)] = &[
    ("usd", "USD"),
    ("eur", "EUR"),
    ("gbp", "GBP"),
    ("percent", "%"),
    ("hours", "hours"),
    ("days", "days"),
    ("kb", "KB"),
    ("mb", "MB"),
    ("gb", "GB"),
    ("seconds", "s"),
    ("minutes", "min"),
    ("ms", "ms"),
];

/// Words of column names that people write large.
const LARGE: &[&str] = &[
    "eu", "uk", "us", "usd", "eur", "gbp", "kb", "mb", "gb", "tb", "api", "cpu", "gpu", "ram", "sla", "vat", "sso",
    "http", "https", "tls", "ip",
];

#[derive(Debug)]
pub(crate) struct Sheet<'a> {
    pub(crate) table: &'a Table,
    /// How rules call it: its file's name.
    pub(crate) name: String,
    /// The day that its source names.
    pub(crate) date: Option<&'a str>,
}

/// How rows lie in time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Periods {
    /// The same things again at every date: `entity` says which.
    Panel { date: usize, entity: usize },
    /// One row a date.
    Series { date: usize },
}

impl<'a> Sheet<'a> {
    /// All tables, named: a number after the name where one source has several.
    pub(crate) fn all(pool: &'a Pool) -> Vec<Sheet<'a>> {
        let mut by_source: BTreeMap<_, Vec<&Table>> = BTreeMap::new();
        for table in &pool.tables {
            by_source.entry(&table.source).or_default().push(table);
        }
        let mut sheets = vec![];
        for (source, mut tables) in by_source {
            let place = |table: &Table| {
                table.passages.iter().filter_map(|id| pool.passage(id)).map(|passage| passage.place.start).min()
            };
            tables.sort_by_key(|table| (place(table).unwrap_or(u64::MAX), table.id.clone()));
            let several = tables.len() > 1;
            for (at, table) in tables.into_iter().enumerate() {
                let name = pool.name(source);
                let name = if several { format!("{name}#{}", at + 1) } else { name };
                let date = pool.source(source).and_then(|source| source.date.as_deref());
                sheets.push(Sheet { table, name, date });
            }
        }
        sheets
    }

    /// Row and number of every cell that has one.
    pub(crate) fn numbers(&self, column: usize) -> Vec<(usize, f64)> {
        let number = |(at, row): (usize, &Vec<contract::documents::Cell>)| {
            let value = row[column].value.as_ref()?.number()?;
            value.is_finite().then_some((at, value))
        };
        self.table.rows.iter().enumerate().filter_map(number).collect()
    }

    pub(crate) fn text(&self, row: usize, column: usize) -> &'a str {
        self.table.rows[row][column].text.trim()
    }

    /// What a column's numbers count.
    pub(crate) fn unit(&self, column: usize) -> Option<String> {
        let column = &self.table.columns[column];
        let told = match &column.kind {
            ColumnKind::Money { currency } => currency.clone(),
            ColumnKind::Number { unit } => unit.clone(),
            _ => None,
        };
        let plain = words::plain(&column.name);
        let last = plain.last().map(String::as_str).unwrap_or_default();
        told.or_else(|| UNITS.iter().find(|(ending, _)| *ending == last).map(|(_, unit)| (*unit).to_owned()))
    }

    /// The column that says, row by row, what the numbers beside it are per: no two of them may be compared.
    pub(crate) fn unit_column(&self) -> Option<usize> {
        let is_unit = |at: &usize| {
            let name = self.table.columns[*at].name.trim().to_lowercase();
            matches!(name.as_str(), "unit" | "units" | "per" | "uom") && {
                let texts: BTreeSet<&str> = (0..self.table.rows.len()).map(|row| self.text(row, *at)).collect();
                texts.len() > 1
            }
        };
        (0..self.table.columns.len()).find(is_unit)
    }

    /// The column's name in words, without its unit: `eu_region` is the EU region.
    pub(crate) fn spoken(&self, column: usize) -> String {
        let spell = |word: &str| if LARGE.contains(&word) { word.to_uppercase() } else { word.to_owned() };
        self.bare_name(column).split(' ').map(spell).collect::<Vec<_>>().join(" ")
    }

    fn bare_name(&self, column: usize) -> String {
        let name = self.table.columns[column].name.replace('_', " ");
        let name = words::tidied(&name);
        let ending = UNITS
            .iter()
            .find_map(|(ending, _)| name.to_lowercase().ends_with(&format!(" {ending}")).then_some(ending.len() + 1));
        let bare = ending.and_then(|bytes| name.get(..name.len().checked_sub(bytes)?));
        // "Amount in USD" is an amount.
        bare.map(|bare| bare.trim_end_matches(" in").to_owned()).unwrap_or(name)
    }

    pub(crate) fn is_money(&self, column: usize) -> bool {
        matches!(self.table.columns[column].kind, ColumnKind::Money { .. })
    }

    /// Columns whose cells name something, in their order.
    pub(crate) fn label_columns(&self) -> Vec<usize> {
        let names = |at: &usize| {
            let short = |row: &Vec<contract::documents::Cell>| row[*at].text.trim().len() <= LABEL_BYTES_MAX;
            self.table.columns[*at].kind == ColumnKind::Text && self.table.rows.iter().all(short)
        };
        (0..self.table.columns.len()).filter(names).collect()
    }

    /// The fewest label columns, from the left, that tell a row from all others; two at most.
    pub(crate) fn row_label(&self, row: usize) -> Vec<(usize, &'a str)> {
        let labels = self.label_columns();
        let named = |columns: &[usize]| -> Vec<(usize, &'a str)> {
            columns.iter().map(|at| (*at, self.text(row, *at))).filter(|(_, text)| !text.is_empty()).collect()
        };
        for count in 1..=labels.len().min(2) {
            let wanted = named(&labels[..count]);
            let same = |other: usize| wanted.iter().all(|(at, text)| self.text(other, *at) == *text);
            if !wanted.is_empty() && (0..self.table.rows.len()).filter(|other| same(*other)).count() == 1 {
                return wanted;
            }
        }
        named(&labels[..labels.len().min(2)])
    }

    /// The rows of each value of a column, in the order of the values; empty cells belong nowhere.
    pub(crate) fn groups(&self, column: usize, rows: &[usize]) -> BTreeMap<&'a str, Vec<usize>> {
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for row in rows {
            let text = self.text(*row, column);
            if !text.is_empty() {
                groups.entry(text).or_default().push(*row);
            }
        }
        groups
    }

    /// Columns that sort the rows into a few groups.
    pub(crate) fn category_columns(&self, rows: &[usize]) -> Vec<usize> {
        let sorts = |at: &usize| {
            let kind = &self.table.columns[*at].kind;
            if !matches!(kind, ColumnKind::Text | ColumnKind::Truth) {
                return false;
            }
            let groups = self.groups(*at, rows);
            let several = groups.values().filter(|rows| rows.len() > 1).count() > 1;
            let one_each = groups.len() == rows.len();
            let short = groups.keys().all(|text| text.len() <= LABEL_BYTES_MAX);
            (2..=GROUPS_MAX).contains(&groups.len()) && short && (several || one_each)
        };
        (0..self.table.columns.len()).filter(sorts).collect()
    }

    /// A day, month or year of a row, as text that sorts.
    pub(crate) fn day(&self, row: usize, column: usize) -> Option<String> {
        match self.table.rows[row][column].value.as_ref()? {
            Typed::Date(day) => Some(day.clone()),
            Typed::Number(year) if year.fract() == 0.0 && (1900.0..=2100.0).contains(year) => {
                Some(format!("{year:.0}"))
            }
            _ => None,
        }
    }

    fn is_date(&self, column: usize) -> bool {
        let Some(found) = self.table.columns.get(column) else { return false };
        let name = found.name.to_lowercase();
        let is_year = matches!(found.kind, ColumnKind::Number { .. }) && name.contains("year");
        (found.kind == ColumnKind::Date || is_year)
            && (0..self.table.rows.len()).any(|row| self.day(row, column).is_some())
    }

    /// The first column that says when.
    pub(crate) fn date_column(&self) -> Option<usize> {
        (0..self.table.columns.len()).find(|at| self.is_date(*at))
    }

    pub(crate) fn periods(&self) -> Option<Periods> {
        let date = self.date_column()?;
        let rows: Vec<(usize, String)> =
            (0..self.table.rows.len()).filter_map(|row| Some((row, self.day(row, date)?))).collect();
        let days: BTreeSet<&String> = rows.iter().map(|(_, day)| day).collect();
        if days.len() < 3 {
            return None;
        }
        if days.len() == rows.len() {
            let sorted =
                rows.is_sorted_by(|one, other| one.1 < other.1) || rows.is_sorted_by(|one, other| one.1 > other.1);
            return sorted.then_some(Periods::Series { date });
        }
        let again = |entity: &usize| {
            let pairs: BTreeSet<(&str, &String)> =
                rows.iter().map(|(row, day)| (self.text(*row, *entity), day)).collect();
            let things: BTreeSet<&str> = pairs.iter().map(|(thing, _)| *thing).collect();
            pairs.len() == rows.len()
                && things.len() <= GROUPS_MAX * 4
                && pairs.len() * 4 >= things.len() * days.len() * 3
        };
        self.label_columns().into_iter().find(again).map(|entity| Periods::Panel { date, entity })
    }

    /// The passages of rows, each once, in order, as far as they can be cited; the first and the last where there
    /// are many.
    pub(crate) fn evidence(&self, pool: &Pool, rows: impl IntoIterator<Item = usize>, max: usize) -> Vec<PassageId> {
        let mut seen = BTreeSet::new();
        let ids = rows.into_iter().map(|row| &self.table.passages[row]);
        let mut known: Vec<PassageId> =
            ids.filter(|id| pool.passage(id).is_some() && seen.insert((*id).clone())).cloned().collect();
        if known.len() > max {
            let tail = known.split_off(known.len() - max / 2);
            known.truncate(max - max / 2);
            known.extend(tail);
        }
        known
    }
}

//! Owns JSON and JSON lines: each record a block of "name: value" and its longer texts, all of them a table.
//! Never a place that is finer than the record: its words come from its bytes.
//! Next: `table` gives fields their meaning, `passages` joins records.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::date;
use super::draft::{Block, CELLS_MAX, Draft, DraftRow, DraftTable, Shape};

const COLUMNS_MAX: usize = 256;
/// A text of so many bytes stands on its own.
const PROSE_BYTES: usize = 60;
/// How deep names of names are written.
const DEPTH_MAX: usize = 6;

pub(super) fn draft_lines(text: &str) -> Draft {
    let mut records = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let place = super::draft::trimmed(text, at..at + line.len());
        at += line.len();
        records.extend(place.map(|place| (fields(&text[place.clone()]), place)));
    }
    of_records(text, records)
}

pub(super) fn draft(text: &str) -> Draft {
    let place_of = |raw: &RawValue| {
        let start = (raw.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        start..start + raw.get().len()
    };
    if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text) {
        return of_records(text, items.iter().map(|raw| (fields(raw.get()), place_of(raw))).collect());
    }
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => {
            // The one list of objects in it is what it is about.
            let lists: Vec<_> = object.iter().filter(|(_, value)| is_list_of_objects(value)).collect();
            let parts: std::collections::BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_default();
            let list = if let [(name, _)] = lists.as_slice() { parts.get(name.as_str()) } else { None };
            let items = list.and_then(|raw| serde_json::from_str::<Vec<&RawValue>>(raw.get()).ok()).unwrap_or_default();
            if items.is_empty() {
                return of_records(text, vec![(fields(text), 0..text.len())]);
            }
            of_records(text, items.iter().map(|raw| (fields(raw.get()), place_of(raw))).collect())
        }
        // What is not valid as one value may be valid line by line, and is text in any case.
        _ => draft_lines(text),
    }
}

fn is_list_of_objects(value: &Value) -> bool {
    value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(Value::is_object))
}

/// Names and values of one record; None for what is no object.
type Fields = Option<Vec<(String, String)>>;

fn fields(json: &str) -> Fields {
    let InOrder(all) = serde_json::from_str(json).ok()?;
    let last: HashMap<&str, usize> = all.iter().enumerate().map(|(at, (name, _))| (name.as_str(), at)).collect();
    let mut fields = Vec::new();
    for (at, (name, value)) in all.iter().enumerate() {
        // Of a name that stands there twice, the last value counts, as for everybody who reads JSON.
        if last.get(name.as_str()) == Some(&at) {
            flatten(name, value, 1, &mut fields);
        }
    }
    Some(fields)
}

/// An object in the order of its file, which a map does not keep.
struct InOrder(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for InOrder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<InOrder, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = InOrder;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InOrder, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(InOrder(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

fn flatten(prefix: &str, value: &Value, depth: usize, fields: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) if depth < DEPTH_MAX => {
            for (name, value) in object {
                let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&name, value, depth + 1, fields);
            }
        }
        Value::Null => fields.push((prefix.to_owned(), String::new())),
        Value::String(text) => fields.push((prefix.to_owned(), text.clone())),
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            let items = items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
            fields.push((prefix.to_owned(), items.collect::<Vec<_>>().join(", ")));
        }
        other => fields.push((prefix.to_owned(), other.to_string())),
    }
}

fn of_records(text: &str, records: Vec<(Fields, Range<usize>)>) -> Draft {
    let mut draft = Draft::of_words();
    let mut columns: Vec<String> = Vec::new();
    for (name, _) in records.iter().filter_map(|(fields, _)| fields.as_ref()).flatten() {
        if columns.len() < COLUMNS_MAX && !columns.contains(name) {
            columns.push(name.clone());
        }
    }
    if columns.len().saturating_mul(records.len()) > CELLS_MAX {
        columns.clear();
    }
    let mut table = DraftTable { columns, ..DraftTable::default() };
    for (fields, origin) in records {
        let Some(fields) = fields else {
            let words = text.get(origin.clone()).unwrap_or_default();
            write(&mut draft, words, origin, Shape::Lines);
            continue;
        };
        let Some(block) = write(&mut draft, &worded(&fields), origin, Shape::Row(0)) else { continue };
        // The first of those that flatten to one name.
        let named: HashMap<&str, &str> =
            fields.iter().rev().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let value = |column: &String| named.get(column.as_str()).copied();
        let cells = table.columns.iter().map(|column| value(column).unwrap_or_default().to_owned()).collect();
        let ragged = table.columns.iter().any(|column| value(column).is_none());
        draft.date = draft.date.take().max(named.get("date").and_then(|day| date::stated(day)));
        table.rows.push(DraftRow { cells, ragged, block });
    }
    if table.rows.len() < 2 {
        // One record is a document, not a table; its day is no more than one of its fields.
        table.rows.clear();
    }
    draft.tables.push(table);
    draft
}

fn worded(fields: &[(String, String)]) -> String {
    let is_prose = |value: &str| value.len() >= PROSE_BYTES || value.contains('\n');
    let said = fields.iter().filter(|(_, value)| !value.trim().is_empty());
    let (prose, short): (Vec<_>, Vec<_>) = said.partition(|(_, value)| is_prose(value));
    let short: Vec<String> = short.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let mut lines = vec![short.join(" | ")];
    lines.extend(prose.into_iter().map(|(_, value)| value.trim().to_owned()));
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

fn write(draft: &mut Draft, words: &str, origin: Range<usize>, shape: Shape) -> Option<usize> {
    let words = words.trim();
    if words.is_empty() {
        return None;
    }
    if !draft.text.is_empty() {
        draft.text.push('\n');
    }
    let start = draft.text.len();
    draft.text.push_str(words);
    let place = start..draft.text.len();
    draft.origins.add(place.clone(), origin);
    draft.blocks.push(Block { place, shape, section: 0, context: 0, leads: false });
    Some(draft.blocks.len() - 1)
}

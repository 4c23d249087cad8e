//! Owns evidence made by hand: sources, passages and typed tables of text.
//! Never the real reader: what it makes is plain enough to see by eye.
//! Next: `evidence` gives it to the step.

use contract::Digest;
use contract::documents::{
    Cell, Column, ColumnKind, Gathered, Passage, PassageId, Place, Source, SourceId, Table, TableId, Typed,
};

/// One task's evidence, as it grows.
pub(crate) struct Gathering(pub Gathered);

impl Gathering {
    pub(crate) fn of(question: &str) -> Gathering {
        Gathering(Gathered { question: question.into(), ..Gathered::default() })
    }

    fn source(&mut self, address: &str, title: &str, date: Option<&str>, text: &str) -> (SourceId, Digest) {
        let id = SourceId::derive("default", address);
        let sha256 = Digest::of(text.as_bytes());
        if self.0.sources.iter().all(|source| source.id != id) {
            self.0.sources.push(Source {
                id: id.clone(),
                address: address.into(),
                collection: "default".into(),
                title: title.into(),
                date: date.map(str::to_owned),
                mediatype: "text/plain".into(),
                sha256: sha256.clone(),
                text: None,
            });
        }
        (id, sha256)
    }

    /// A passage for every paragraph.
    pub(crate) fn prose(mut self, address: &str, title: &str, date: Option<&str>, text: &str) -> Gathering {
        let (source, content) = self.source(address, title, date, text);
        let mut at = 0;
        let mut headings = vec![];
        for paragraph in text.split("\n\n") {
            let place = Place::new(at, at + paragraph.len());
            at += paragraph.len() + 2;
            if let Some(heading) = paragraph.strip_prefix("## ") {
                headings = vec![heading.lines().next().unwrap_or_default().to_owned()];
            }
            if paragraph.trim().is_empty() {
                continue;
            }
            self.0.passages.push(Passage {
                id: PassageId::derive(&source, &content, place),
                source: source.clone(),
                place,
                origin: place,
                headings: headings.clone(),
                quote: paragraph.into(),
                relevance: 0.5,
            });
        }
        self
    }

    /// A table of comma-separated text: typed as a person would, a passage for every row.
    pub(crate) fn table(mut self, address: &str, title: &str, date: Option<&str>, text: &str) -> Gathering {
        let (source, content) = self.source(address, title, date, text);
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
        let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let mut table = Table {
            id: TableId(format!("t-{}", &content.as_str()[..12])),
            source: source.clone(),
            title: title.into(),
            columns: vec![],
            rows: vec![],
            passages: vec![],
            ragged: vec![],
            relevance: 0.5,
        };
        for (at, name) in names.iter().enumerate() {
            let cells: Vec<&str> =
                records.iter().filter_map(|row| row.get(at)).filter(|text| !text.is_empty()).collect();
            table.columns.push(Column { name: name.clone(), kind: kind(name, &cells) });
        }
        for (number, record) in records.iter().enumerate() {
            if record.len() != names.len() {
                table.ragged.push(u32::try_from(number + 1).unwrap());
            }
            let cell = |at: usize| {
                let text = record.get(at).unwrap_or_default().to_owned();
                let value = value(&text, &table.columns[at].kind);
                Cell { text, value }
            };
            table.rows.push((0..names.len()).map(cell).collect());
            let start = record.position().map_or(0, |place| place.byte()) as usize;
            let quote = text[start..].lines().next().unwrap_or_default().to_owned();
            let place = Place::new(start, start + quote.len());
            let id = PassageId::derive(&source, &content, place);
            table.passages.push(id.clone());
            self.0.passages.push(Passage {
                id,
                source: source.clone(),
                place,
                origin: place,
                headings: vec![],
                quote,
                relevance: 0.4,
            });
        }
        self.0.tables.push(table);
        self
    }
}

fn kind(name: &str, cells: &[&str]) -> ColumnKind {
    let all = |fits: &dyn Fn(&str) -> bool| !cells.is_empty() && cells.iter().all(|cell| fits(cell));
    let is_date = |cell: &str| cell.len() == 10 && cell.split('-').count() == 3 && cell.starts_with("20");
    if all(&is_date) {
        ColumnKind::Date
    } else if all(&|cell| matches!(cell, "yes" | "no")) {
        ColumnKind::Truth
    } else if all(&|cell| number(cell).is_some()) {
        let money = name.ends_with("usd")
            || name.contains("USD")
            || cells.iter().any(|cell| cell.starts_with('$') || cell.ends_with("USD"));
        if money { ColumnKind::Money { currency: Some("USD".into()) } } else { ColumnKind::Number { unit: None } }
    } else {
        ColumnKind::Text
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim_start_matches('$').trim_end_matches(" USD").replace(',', "").parse().ok()
}

fn value(text: &str, kind: &ColumnKind) -> Option<Typed> {
    match kind {
        _ if text.is_empty() => None,
        ColumnKind::Text => None,
        ColumnKind::Date => Some(Typed::Date(text.into())),
        ColumnKind::Truth => Some(Typed::Truth(text == "yes")),
        _ => number(text).map(Typed::Number),
    }
}

//! Owns evidence made by hand: sources, passages and typed tables of text, and the step that is given them.
//! Never the real reader: what it makes is plain enough to see by eye.
//! Next: each test file gathers what it needs and looks at what comes of it.
#![allow(dead_code, reason = "every test file uses another part")]

use std::sync::Arc;

use analysis::{Analysis, Config};
use contract::documents::{
    self, Analysed, Cell, Column, ColumnKind, Gathered, Passage, PassageId, Place, Source, SourceId, Table, TableId,
    Typed,
};
use contract::events::{AnalysisCompleted, ArrivalStatus, Arrived, Evidence, ResearchCompleted, ResearchHead};
use contract::{Artifacts, Digest, Event, EventData, EventId, GoalId, Tenant, TraceContext, Unit, UnixMs};
use runtime::replay::Replayed;
use runtime::{Handler, Step};
use testkit::memory::MemoryArtifacts;

pub const NOW: UnixMs = UnixMs(1_795_000_000_000);

/// One task's evidence, as it grows.
pub struct Gathering(pub Gathered);

impl Gathering {
    pub fn of(question: &str) -> Gathering {
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
    pub fn prose(mut self, address: &str, title: &str, date: Option<&str>, text: &str) -> Gathering {
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
    pub fn table(mut self, address: &str, title: &str, date: Option<&str>, text: &str) -> Gathering {
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
        let money = name.ends_with("usd") || name.contains("USD") || cells.iter().any(|cell| cell.starts_with('$'));
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

/// The event of a goal of whose tasks all arrived.
pub async fn researched(goal: &str, gathered: Vec<Gathered>, store: &Arc<dyn Artifacts>) -> ResearchCompleted {
    let questions = gathered.iter().map(|one| one.question.clone()).collect();
    let mut arrived = vec![];
    for (at, one) in gathered.iter().enumerate() {
        let passages = Some(documents::put(&**store, one).await.unwrap());
        let data = Evidence { question: one.question.clone(), summary: "as gathered".into(), passages };
        arrived.push(Arrived {
            member: format!("task-{at}"),
            status: ArrivalStatus::Ok,
            data: Some(serde_json::to_value(data).unwrap()),
            reference: None,
        });
    }
    ResearchCompleted { head: ResearchHead { goal: goal.into(), questions }, arrived, missing: vec![] }
}

/// An event of a goal, as a step meets it.
pub fn event<T: EventData>(data: &T) -> Event {
    let goal = GoalId::derive(&Tenant::default(), "a key");
    Event {
        id: EventId::derive(goal, &T::TYPE, &Unit::join("evidence")),
        source: contract::Source::CHOREOGRAPHY,
        kind: T::TYPE,
        version: T::VERSION,
        time: NOW,
        goal,
        goal_key: Some("a key".into()),
        causation: None,
        hops: 2,
        deadline: None,
        tenant: Tenant::default(),
        trace: TraceContext::NONE,
        data: serde_json::to_value(data).unwrap(),
    }
}

pub struct Outcome {
    pub event: AnalysisCompleted,
    pub analysed: Analysed,
    pub bytes: Vec<u8>,
}

pub async fn analysed_of(research: &ResearchCompleted, store: &Arc<dyn Artifacts>) -> Outcome {
    let step = Step::rehearsed(event(research), Arc::clone(store), NOW);
    let handled = Analysis::with(&Config::offline()).handle(research.clone(), &step).await.unwrap();
    let event: AnalysisCompleted = Replayed::of(handled).unwrap().emitted().unwrap();
    let details = event.details.clone().unwrap();
    let bytes = store.get(&details.uri).await.unwrap();
    let analysed: Analysed = documents::get(&**store, &details).await.unwrap();
    holds_together(&analysed);
    Outcome { event, analysed, bytes }
}

/// What evidence amounts to, through the handler.
pub async fn analysed(goal: &str, gathered: Vec<Gathering>) -> Outcome {
    let store: Arc<dyn Artifacts> = Arc::new(MemoryArtifacts::new());
    let research = researched(goal, gathered.into_iter().map(|one| one.0).collect(), &store).await;
    analysed_of(&research, &store).await
}

/// Every id leads somewhere, every quote stands in its passage, and no number is none.
pub fn holds_together(analysed: &Analysed) {
    let supports = analysed.findings.iter().flat_map(|one| one.supporting.iter().chain(&one.contradicting));
    for support in supports.chain(analysed.conflicts.iter().flat_map(|one| &one.sides).map(|side| &side.support)) {
        let passage = analysed.passage(&support.passage).expect("a cited passage is there");
        assert!(!support.quote.is_empty() && passage.quote.contains(&support.quote), "{:?}", support.quote);
        assert!(analysed.source_of(passage).is_some());
    }
    for metric in &analysed.metrics {
        assert!(metric.value.is_finite() && !(metric.value == 0.0 && metric.value.is_sign_negative()));
        assert!(!metric.evidence.is_empty() && metric.evidence.iter().all(|id| analysed.passage(id).is_some()));
        assert!(analysed.tables.iter().any(|table| table.id == metric.table));
    }
    for finding in &analysed.findings {
        assert!(!finding.supporting.is_empty(), "{}", finding.statement);
        assert!(finding.metrics.iter().all(|id| analysed.metric(id).is_some()));
    }
    assert!(analysed.charts.iter().flat_map(|chart| &chart.bars).all(|(_, id)| analysed.metric(id).is_some()));
    let mut ids: Vec<_> = analysed.metrics.iter().map(|metric| &metric.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), analysed.metrics.len());
    assert!(analysed.metrics.len() <= 64 && analysed.findings.len() <= 12);
}

/// The sample sources of the repository.
pub fn sample(path: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../compose/samples/pricing/");
    std::fs::read_to_string(format!("{root}{path}")).unwrap()
}

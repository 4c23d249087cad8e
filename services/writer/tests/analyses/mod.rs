//! Owns analyses made by hand, with the texts of their sources, and the writer's step over them.
//! Never a passage that does not stand in its text, unless a test breaks it.
//! Next: each test file takes `pricing` or builds its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(dead_code, reason = "every test file uses another part")]

use std::collections::BTreeMap;
use std::sync::Arc;

use contract::documents::{
    self, Analysed, Cell, Chart, Column, ColumnKind, Conflict, DetailedFinding, Gap, Metric, Missed, Passage,
    PassageId, Place, Side, Source, SourceId, Statistic, Support, Table, Typed,
};
use contract::events::{AnalysisCompleted, Confidence, ReportWritten};
use contract::{
    Artifacts, Digest, Event, EventData, EventId, GoalId, SpanId, Tenant, TraceContext, TraceId, Unit, UnixMs,
};
use engine::Mind;
use runtime::replay::Replayed;
use runtime::{Handler, Step, StepError};
use testkit::memory::MemoryArtifacts;
use writer::{Texts, Writer};

/// 2026-11-18.
pub(crate) const NOW: UnixMs = UnixMs(1_795_000_000_000);
pub(crate) const DAY: &str = "2026-11-18";

/// An analysis and the texts of its sources.
#[derive(Clone, Debug, Default)]
pub(crate) struct Made {
    pub(crate) analysed: Analysed,
    pub(crate) texts: Texts,
}

impl Made {
    pub(crate) fn of(goal: &str) -> Made {
        Made { analysed: Analysed { goal: goal.into(), ..Analysed::default() }, ..Made::default() }
    }

    pub(crate) fn source(&mut self, address: &str, title: &str, date: Option<&str>, text: &str) -> SourceId {
        let id = SourceId::derive("pricing", address);
        self.analysed.sources.push(Source {
            id: id.clone(),
            address: address.into(),
            collection: "pricing".into(),
            title: title.into(),
            date: date.map(str::to_owned),
            mediatype: "text/plain".into(),
            sha256: Digest::of(text.as_bytes()),
            text: None,
        });
        self.texts.0.insert(id.clone(), text.into());
        id
    }

    /// The passage of these words; the first of them where they stand several times.
    pub(crate) fn passage(&mut self, source: &SourceId, headings: &[&str], words: &str) -> PassageId {
        let text = &self.texts.0[source];
        let start = text.find(words).unwrap_or_else(|| panic!("{source} does not say {words:?}"));
        let place = Place::new(start, start + words.len());
        let id = PassageId::derive(source, &Digest::of(text.as_bytes()), place);
        if self.analysed.passage(&id).is_none() {
            self.analysed.passages.push(Passage {
                id: id.clone(),
                source: source.clone(),
                place,
                origin: place,
                headings: headings.iter().map(|heading| (*heading).to_owned()).collect(),
                quote: words.into(),
                relevance: 0.9,
            });
        }
        id
    }

    pub(crate) fn finding(
        &mut self,
        question: &str,
        statement: &str,
        confidence: Confidence,
        reason: &str,
    ) -> &mut DetailedFinding {
        let id = format!("f-{}", self.analysed.findings.len() + 1);
        self.analysed.findings.push(DetailedFinding {
            id,
            question: Some(question.to_owned()).filter(|question| !question.is_empty()),
            statement: statement.into(),
            confidence,
            reason: reason.into(),
            supporting: vec![],
            contradicting: vec![],
            metrics: vec![],
        });
        self.analysed.findings.last_mut().unwrap()
    }

    /// A table of comma-separated text, with a passage for every row.
    pub(crate) fn table(&mut self, source: &SourceId, title: &str) -> String {
        let text = self.texts.0[source].clone();
        let mut lines = text.lines();
        let names: Vec<&str> = lines.next().unwrap().split(',').collect();
        let rows: Vec<&str> = lines.collect();
        let passages = rows.iter().map(|row| self.passage(source, &[], row)).collect();
        let id = format!("t-{}", self.analysed.tables.len() + 1);
        let cell = |text: &str| Cell { text: text.into(), value: text.parse().ok().map(Typed::Number) };
        self.analysed.tables.push(Table {
            id: id.as_str().into(),
            source: source.clone(),
            title: title.into(),
            columns: names.iter().map(|name| Column { name: (*name).into(), kind: ColumnKind::Text }).collect(),
            rows: rows.iter().map(|row| row.split(',').map(cell).collect()).collect(),
            passages,
            ragged: vec![],
            relevance: 0.8,
        });
        id
    }

    pub(crate) fn metric(
        &mut self,
        statistic: Statistic,
        label: &str,
        value: f64,
        table: &str,
        rows: &[usize],
    ) -> &mut Metric {
        let id = format!("m-{}", self.analysed.metrics.len() + 1);
        let of = self.analysed.tables.iter().find(|known| known.id.0 == table).unwrap();
        let evidence = rows.iter().map(|row| of.passages[*row].clone()).collect();
        self.analysed.metrics.push(Metric {
            id: id.as_str().into(),
            label: label.into(),
            statistic,
            table: table.into(),
            column: "monthly_usd".into(),
            group: BTreeMap::new(),
            value,
            unit: Some("USD".into()),
            of: rows.len() as u32,
            evidence,
        });
        self.analysed.metrics.last_mut().unwrap()
    }

    /// With every text stored and referred to.
    pub(crate) async fn stored(&self, store: &dyn Artifacts) -> Analysed {
        let mut analysed = self.analysed.clone();
        for source in &mut analysed.sources {
            if let Some(text) = self.texts.of(&source.id) {
                source.text = Some(store.put(text.as_bytes(), "text/plain; charset=utf-8").await.unwrap());
            }
        }
        analysed
    }
}

pub(crate) fn support(passage: &PassageId, quote: &str) -> Support {
    Support { passage: passage.clone(), quote: quote.into() }
}

const PLANS: &str = "company,plan,monthly_usd\nHeronpost,Flock,49\nQuillgate,Inkwell,39\nThistlebroker,Bloom,45\n\
                     Kettlewire,Boil,59\nMoltbus,Fleet,4900\n";
const PAGE: &str = "# Heronpost pricing\n\nFlock costs $49 a month, billed by the month. It includes 5 million\nmessages. \
                    Support answers within one working day.\n\nNest is free.\n";
const INTERVIEW: &str = "Interview with Bramble Studio, 2026-10-08\n\n\"We pay 59 dollars for Flock, and the bill jumps in a \
                         busy month.\"\n\nThey would leave for a fixed price.\n";
const OLD: &str = "Thistlebroker: Bloom is 35 a month with one million messages free.\n";

/// A small case of everything: prose, numbers, a chart, a conflict, and all kinds of limits.
pub(crate) fn pricing() -> Made {
    let mut made = Made::of("Research competitive pricing for our new product and create a summary report");
    let plans = made.source("plans.csv", "Paid plans of five companies", Some("2026-09"), PLANS);
    let page = made.source("https://heronpost.example/pricing", "Heronpost pricing", Some("2026-09-01"), PAGE);
    let interview = made.source("notes/interview.md", "Interview with Bramble Studio", Some("2026-10-08"), INTERVIEW);
    let old = made.source("pages/thistlebroker.html", "Thistlebroker pricing", Some("2024-03-18"), OLD);
    let table = made.table(&plans, "Paid plans of five companies");
    let flock = made.passage(
        &page,
        &["Heronpost pricing", "Plans"],
        "Flock costs $49 a month, billed by the month. It includes 5 million\nmessages.",
    );
    let paid = made.passage(&interview, &[], "\"We pay 59 dollars for Flock, and the bill jumps in a busy month.\"");
    let bloom = made.passage(&old, &[], "Bloom is 35 a month with one million messages free.");
    let rows = [0, 1, 2, 3, 4];
    let median = made.metric(Statistic::Median, "median of monthly price", 49.0, &table, &rows).id.clone();
    made.metric(Statistic::Max, "highest monthly price", 4900.0, &table, &rows);
    made.metric(Statistic::Count, "plans", 5.0, &table, &rows).unit = None;
    let trend = made.metric(Statistic::Trend, "change of the median", -0.0816, &table, &rows).id.clone();
    charted(&mut made, &table);
    let prices = "What do competitors charge?";
    made.finding(
        prices,
        "The median of 5 paid plans is 49.00 USD a month.",
        Confidence::High,
        "Computed from every plan of one price list.",
    )
    .metrics = vec![median];
    let finding = made.finding(
        prices,
        "Heronpost's Flock costs $49 a month and includes 5 million messages.",
        Confidence::Medium,
        "The company's own page says so; a customer says otherwise.",
    );
    finding.supporting = vec![
        support(&flock, "Flock costs $49 a month, billed by the month."),
        support(&flock, "It includes 5 million\nmessages."),
    ];
    finding.contradicting = vec![support(&paid, "We pay 59 dollars for Flock")];
    made.finding(
        "How do prices move?",
        "The median fell by 8.2 % within the price list.",
        Confidence::Low,
        "Five rows are few.",
    )
    .metrics = vec![trend];
    made.finding(
        "",
        "Thistlebroker gave one million messages free for 35 a month.",
        Confidence::Low,
        "One old page.",
    )
    .supporting = vec![support(&bloom, "")];
    made.analysed.summary =
        "Most small teams pay between 39 and 59 USD a month. The median of 5 paid plans is 49.00 USD a month.".into();
    made.analysed.questions = vec![prices.into(), "How do prices move?".into()];
    limited(&mut made, &flock, &paid);
    made
}

/// A price of each of four companies, beside each other.
fn charted(made: &mut Made, table: &str) {
    let mut bars = vec![];
    for (row, company, value) in
        [(0, "Heronpost", 49.0), (1, "Quillgate", 39.0), (2, "Thistlebroker", 45.0), (3, "Kettlewire", 59.0)]
    {
        let metric = made.metric(Statistic::Median, "monthly price", value, table, &[row]);
        metric.group.insert("company".into(), company.into());
        bars.push((company.to_owned(), metric.id.clone()));
    }
    let (title, unit) = ("Monthly price by company".into(), Some("USD a month".into()));
    made.analysed.charts.push(Chart { title, unit, bars });
}

/// A conflict, and all kinds of limits.
fn limited(made: &mut Made, flock: &PassageId, paid: &PassageId) {
    made.analysed.conflicts.push(Conflict {
        about: "The price of Heronpost's Flock".into(),
        sides: vec![
            Side { says: "49 USD a month".into(), support: support(flock, "Flock costs $49 a month") },
            Side { says: "59 USD a month".into(), support: support(paid, "") },
        ],
        leaning: Some("the page, which is the company's own".into()),
    });
    made.analysed
        .gaps
        .push(Gap { question: "What does EU data residency cost?".into(), why: "no source names a price".into() });
    made.analysed
        .missed
        .push(Missed { what: "https://moltbus.example/".into(), why: "it did not answer within 10 s".into() });
    made.analysed.notes.push("No model was configured.".into());
}

fn event(data: &AnalysisCompleted) -> Event {
    let goal = GoalId::derive(&Tenant::default(), "writer");
    Event {
        id: EventId::derive(goal, &AnalysisCompleted::TYPE, &Unit::goal()),
        source: contract::Source::CHOREOGRAPHY,
        kind: AnalysisCompleted::TYPE,
        version: 1,
        time: NOW,
        goal,
        goal_key: None,
        causation: None,
        hops: 2,
        deadline: None,
        tenant: Tenant::default(),
        trace: TraceContext { trace: TraceId(1), span: SpanId(1), sampled: true, state: None },
        data: serde_json::to_value(data).unwrap(),
    }
}

/// What the writer makes of an event.
pub(crate) async fn handled(data: AnalysisCompleted, store: &Arc<dyn Artifacts>) -> Result<ReportWritten, StepError> {
    let step = Step::rehearsed(event(&data), Arc::clone(store), NOW);
    let handled = Writer::with(Mind::offline()).handle(data, &step).await?;
    Ok(Replayed::of(handled).unwrap().emitted::<ReportWritten>().unwrap())
}

/// The same of an analysis in a store of its own.
pub(crate) async fn written(made: &Made) -> Result<(ReportWritten, Arc<dyn Artifacts>), StepError> {
    let store: Arc<dyn Artifacts> = Arc::new(MemoryArtifacts::new());
    let analysed = made.stored(&*store).await;
    let details = documents::put(&*store, &analysed).await.unwrap();
    let data = AnalysisCompleted {
        goal: analysed.goal.clone(),
        summary: analysed.summary.clone(),
        findings: vec![],
        details: Some(details),
    };
    Ok((handled(data, &store).await?, store))
}

pub(crate) async fn text(store: &Arc<dyn Artifacts>, wanted: &contract::ArtifactRef) -> String {
    String::from_utf8(contract::artifact::fetch(&**store, wanted).await.unwrap()).unwrap()
}

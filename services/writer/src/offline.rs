//! Owns the report that needs no model: the analysis in order, answered first, with every citation numbered.
//! Never a word about the matter that the analysis does not say.
//! Next: `prompted` may word summary and sections, `check` proves the whole.

use std::collections::{BTreeMap, BTreeSet};

use contract::documents::{Analysed, DetailedFinding, Metric, Statistic, Support, TableId, asked, topic};
use contract::events::Confidence;

use crate::bounds::{self, first};
use crate::references::References;
use crate::report::{
    Bar, Disagreement, Drawn, NumberRow, Numbers, Paragraph, Position, Quotation, Report, Section, Statement,
};
use crate::{Fault, Texts, escape, figure, limits, proof};

/// Findings of no question.
const OTHER: &str = "Beyond the questions";
/// Main points below the summary.
const POINTS_MAX: usize = 5;

/// The report of an analysis, as of a day (`2026-11-20`).
pub fn report(analysed: &Analysed, texts: &Texts, day: &str) -> Result<Report, Vec<Fault>> {
    let mut references = References::over(analysed, texts);
    let findings = bounds::findings(analysed);
    let points = points(analysed, findings);
    // The summary stands first, so its citations are numbered first.
    let mut statements: BTreeMap<&str, Statement> = BTreeMap::new();
    for finding in points.iter().copied().chain(findings) {
        if !statements.contains_key(finding.id.as_str()) {
            statements.insert(&finding.id, statement(finding, analysed, &mut references));
        }
    }
    let summary = summary(analysed, &points, &statements);
    let sections = sections(&analysed.goal, findings, statements);
    let conflicts = conflicts(analysed, &mut references);
    let charts = charts(analysed, &mut references);
    let numbers = numbers(analysed, &mut references);
    let title = title(analysed);
    let mut report = Report {
        title: if title.is_empty() { "Report".into() } else { title },
        goal: analysed.goal.clone(),
        written: day.to_owned(),
        summary,
        sections,
        numbers,
        charts,
        conflicts,
        references: std::mem::take(&mut references.all),
        ..Report::default()
    };
    report.limits = limits::of(analysed, &report, day);
    if findings.is_empty() && analysed.metrics.is_empty() {
        nothing(&mut report, analysed);
    }
    if references.faults.is_empty() { Ok(report) } else { Err(references.faults) }
}

/// What the goal is about, where that is known, without the orders in it; or the goal.
fn title(analysed: &Analysed) -> String {
    let about = topic(&analysed.goal, &analysed.questions).unwrap_or(&analysed.goal);
    capital(escape::cut(&escape::plain(about), bounds::TITLE_BYTES_MAX))
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// What the summary points at: the surest of the first findings.
fn points<'a>(analysed: &Analysed, findings: &'a [DetailedFinding]) -> Vec<&'a DetailedFinding> {
    let summary = escape::plain(&analysed.summary);
    let said = |finding: &&DetailedFinding| summary.contains(&escape::plain(&finding.statement));
    let mut points: Vec<&DetailedFinding> = findings.iter().filter(said).collect();
    points.sort_by_key(|finding| summary.find(&escape::plain(&finding.statement)));
    if points.is_empty() {
        points = findings.iter().filter(|finding| finding.confidence > Confidence::Low).take(POINTS_MAX).collect();
    }
    points
}

/// The analysis's summary; statements in it stand by themselves, with their citations.
fn summary(analysed: &Analysed, points: &[&DetailedFinding], statements: &BTreeMap<&str, Statement>) -> Vec<Paragraph> {
    let whole = escape::plain(&analysed.summary);
    let mut rest = whole.as_str();
    let mut paragraphs = vec![];
    let mut plain = |text: &str| {
        if !text.trim().is_empty() {
            paragraphs.push(Paragraph { text: text.trim().to_owned(), ..Paragraph::default() });
        }
    };
    let mut found = vec![];
    for point in points {
        let words = escape::plain(&point.statement);
        match rest.find(&words).filter(|_| !words.is_empty()) {
            Some(at) => {
                found.push((rest[..at].to_owned(), *point));
                rest = &rest[at + words.len()..];
            }
            None => found.push((String::new(), *point)),
        }
    }
    let inside = found.iter().any(|(_, point)| whole.contains(&escape::plain(&point.statement)));
    if !inside {
        plain(rest);
        rest = "";
    }
    for (before, point) in found {
        let mut before = Paragraph { text: before.trim().to_owned(), ..Paragraph::default() };
        if !before.text.is_empty() {
            paragraphs.push(std::mem::take(&mut before));
        }
        let citations = statements.get(point.id.as_str()).map(|said| said.citations.clone()).unwrap_or_default();
        paragraphs.push(Paragraph {
            text: escape::plain(&point.statement),
            findings: vec![point.id.clone()],
            citations,
        });
    }
    if !rest.trim().is_empty() {
        paragraphs.push(Paragraph { text: rest.trim().to_owned(), ..Paragraph::default() });
    }
    paragraphs
}

fn statement(finding: &DetailedFinding, analysed: &Analysed, references: &mut References<'_>) -> Statement {
    let (mut citations, more, mut quotes) = cited(&finding.supporting, references);
    let metrics: Vec<&Metric> = finding.metrics.iter().filter_map(|id| analysed.metric(id)).collect();
    for metric in &metrics {
        citations.extend(references.cite_most_rows(metric));
    }
    let (against, more_against, quotes_against) = cited(&finding.contradicting, references);
    quotes.extend(quotes_against);
    let mut seen = BTreeSet::new();
    citations.retain(|citation| seen.insert(*citation));
    // Whose statement is the quote itself, has said it.
    let text = escape::plain(&finding.statement);
    quotes.retain(|quote| quote.cut || !text.contains(&escape::plain(&quote.text)));
    Statement {
        number: 0,
        finding: finding.id.clone(),
        text,
        confidence: finding.confidence,
        reason: escape::plain(&finding.reason),
        citations,
        more,
        against,
        more_against,
        quotes,
        metrics: finding.metrics.clone(),
    }
}

/// The numbers of the first supports, how many more there are, and the words of the very first.
fn cited(supports: &[Support], references: &mut References<'_>) -> (Vec<u32>, u32, Vec<Quotation>) {
    let mut seen = BTreeSet::new();
    let different: Vec<&Support> = supports.iter().filter(|support| seen.insert(references.place(support))).collect();
    let shown = first(&different, bounds::CITATIONS_MAX);
    let mut citations: Vec<u32> = vec![];
    let mut quotes: Vec<Quotation> = vec![];
    for support in shown {
        let Some(quotation) = references.quoted(support) else { continue };
        citations.push(quotation.citation);
        if quotes.len() < bounds::SHOWN_QUOTES_MAX && !quotation.text.is_empty() {
            quotes.push(quotation);
        }
    }
    (citations, (different.len() - shown.len()) as u32, quotes)
}

/// What a section answers: its question, without the topic that all of them begin with.
fn heading(goal: &str, question: &str) -> String {
    capital(&escape::plain(asked(goal, question)))
}

fn sections(goal: &str, findings: &[DetailedFinding], mut statements: BTreeMap<&str, Statement>) -> Vec<Section> {
    let mut sections: Vec<Section> = vec![];
    for finding in findings {
        let heading = finding.question.as_deref().map(|question| heading(goal, question));
        let heading = heading.filter(|heading| !heading.is_empty()).unwrap_or_else(|| OTHER.to_owned());
        let Some(statement) = statements.remove(finding.id.as_str()) else { continue };
        match sections.iter_mut().find(|section| section.heading == heading) {
            Some(section) => section.statements.push(statement),
            None => sections.push(Section { heading, lead: vec![], statements: vec![statement] }),
        }
    }
    sections.sort_by_key(|section| section.heading == OTHER);
    for (at, statement) in sections.iter_mut().flat_map(|section| &mut section.statements).enumerate() {
        statement.number = at as u32 + 1;
    }
    sections
}

/// Metrics by their table, in the order of their first.
pub(crate) fn by_table(analysed: &Analysed) -> Vec<(&TableId, Vec<&Metric>)> {
    let mut tables: Vec<(&TableId, Vec<&Metric>)> = vec![];
    let mut places: BTreeMap<&TableId, usize> = BTreeMap::new();
    for metric in &analysed.metrics {
        let at = *places.entry(&metric.table).or_insert_with(|| {
            tables.push((&metric.table, vec![]));
            tables.len() - 1
        });
        tables[at].1.push(metric);
    }
    tables
}

fn numbers(analysed: &Analysed, references: &mut References<'_>) -> Vec<Numbers> {
    let tables = by_table(analysed).into_iter().take(bounds::TABLES_MAX);
    let numbers = tables.map(|(id, metrics)| {
        let table = analysed.tables.iter().find(|table| table.id == *id);
        // Every row says how many cells it is of: to count them is one row more that says nothing. The CSV file has it.
        let telling: Vec<&Metric> =
            metrics.iter().copied().filter(|metric| metric.statistic != Statistic::Count).collect();
        let metrics = if telling.is_empty() { metrics } else { telling };
        let shown = first(&metrics, bounds::NUMBER_ROWS_MAX);
        let rows = shown.iter().map(|metric| NumberRow {
            metric: metric.id.clone(),
            label: escape::plain(&metric.label),
            group: group(metric),
            value: metric.value,
            printed: figure::printed(metric),
            of: metric.of,
        });
        Numbers {
            caption: table.map_or_else(|| id.to_string(), |table| escape::plain(&table.title)),
            citations: references.cite_rows(shown),
            rows: rows.collect(),
            left_out: metrics.len().saturating_sub(bounds::NUMBER_ROWS_MAX) as u32,
        }
    });
    numbers.collect()
}

/// `segment: agency, year: 2026`.
pub(crate) fn group(metric: &Metric) -> String {
    let parts = metric.group.iter().map(|(column, value)| match column.as_str() {
        "without" => format!("without {}", escape::plain(value)),
        column => format!("{}: {}", escape::plain(&column.replace('_', " ")), escape::plain(value)),
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn charts(analysed: &Analysed, references: &mut References<'_>) -> Vec<Drawn> {
    let mut drawn = vec![];
    for chart in bounds::charts(analysed) {
        let bars: Vec<(&String, &Metric)> =
            chart.bars.iter().filter_map(|(label, id)| Some((label, analysed.metric(id)?))).collect();
        let bars = first(&bars, bounds::BARS_MAX);
        // A broken value has no length, and one bar compares nothing.
        if bars.len() < 2 || bars.iter().any(|(_, metric)| !metric.value.is_finite()) {
            continue;
        }
        let axis = axis(bars);
        let metrics: Vec<&Metric> = bars.iter().map(|(_, metric)| *metric).collect();
        drawn.push(Drawn {
            title: escape::plain(&chart.title),
            unit: chart.unit.as_deref().map(escape::plain),
            axis: axis.map(|axis| escape::plain(&axis.replace('_', " "))),
            file: format!("chart-{}.svg", drawn.len() + 1),
            citations: references.cite_rows(&metrics),
            bars: bars
                .iter()
                .map(|(label, metric)| Bar {
                    label: escape::plain(label),
                    metric: metric.id.clone(),
                    value: metric.value,
                    printed: figure::printed(metric),
                })
                .collect(),
        });
    }
    drawn
}

/// The column whose values stand at the bars, where it is the same for all of them.
fn axis<'a>(bars: &[(&String, &'a Metric)]) -> Option<&'a String> {
    let named = |(label, metric): &(&String, &'a Metric)| {
        metric.group.iter().find(|(_, value)| value == label).map(|(column, _)| column)
    };
    let first = named(bars.first()?)?;
    bars.iter().all(|bar| named(bar) == Some(first)).then_some(first)
}

fn conflicts(analysed: &Analysed, references: &mut References<'_>) -> Vec<Disagreement> {
    let conflicts = bounds::conflicts(analysed).iter().map(|conflict| Disagreement {
        about: escape::plain(&conflict.about),
        positions: first(&conflict.sides, bounds::SIDES_MAX)
            .iter()
            .filter_map(|side| {
                Some(Position { says: escape::plain(&side.says), quote: references.quoted(&side.support)? })
            })
            .collect(),
        leaning: conflict.leaning.as_deref().map(escape::plain),
    });
    conflicts.collect()
}

/// Says that nothing was found, in what, and what may help.
fn nothing(report: &mut Report, analysed: &Analysed) {
    let text = proof::nothing_found(&analysed.goal);
    report.summary.insert(0, Paragraph { text, ..Paragraph::default() });
    let said = escape::plain(&analysed.summary);
    report.summary.retain(|paragraph| paragraph.text != said || !said.starts_with("No evidence"));
    let sources = first(&analysed.sources, bounds::LOOKED_AT_MAX).iter();
    report.looked_at = sources.map(|source| escape::plain(&format!("{} ({})", source.title, source.address))).collect();
    let more = analysed.sources.len().saturating_sub(bounds::LOOKED_AT_MAX);
    if more > 0 {
        report.looked_at.push(format!("and {}", figure::counted(more, "more source", "more sources")));
    }
    if report.looked_at.is_empty() {
        report.looked_at.push(
            "No source at all: none was ingested, none was named, none could be read, or none says enough about it."
                .into(),
        );
    }
    let open: Vec<String> = first(&analysed.questions, bounds::LIMITS_MAX).iter().map(|q| escape::plain(q)).collect();
    if !analysed.missed.is_empty() {
        report.next.push("Mend what could not be read (it is named below), and send the goal again.".into());
    }
    report.next.push(match open.as_slice() {
        [] => "Add sources that say something about it, or name their addresses in the goal.".into(),
        open => format!("Add sources that answer: {}", open.join(" · ")),
    });
    report
        .next
        .push("Name the collections that hold the sources, if they are others than those that were searched.".into());
    report.next.push("Say the goal in the words, and in the language, that the sources use.".into());
}

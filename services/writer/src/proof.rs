//! Owns the rules for what a report says: statements, paragraphs, numbers, conflicts, each against the analysis.
//! Never a rule that only a model's good will keeps.
//! Next: `check` applies them to every report, `prompted` the same ones to a model's words.

use std::collections::{BTreeMap, BTreeSet};

use contract::documents::numbers::{self, Known};
use contract::documents::{Analysed, DetailedFinding, Metric, Passage, PassageId, SourceId, Support, TableId};

use crate::report::{NumberRow, Paragraph, Reference, Report, Statement};
use crate::{Fault, bounds, check, escape, figure, references};

/// What a fault names a text by.
pub(crate) fn begins(text: &str) -> String {
    text.chars().take(80).collect()
}

pub(crate) fn statements(report: &Report, analysed: &Analysed, faults: &mut Vec<Fault>) {
    let mut missing: BTreeMap<&str, &DetailedFinding> =
        bounds::findings(analysed).iter().map(|finding| (finding.id.as_str(), finding)).collect();
    let evidence = Evidence::of(analysed);
    let listed = Listed::of(report, analysed);
    // An analysis that came without its evidence: its report says that nothing was proved.
    let proves = !(analysed.sources.is_empty() && analysed.passages.is_empty() && analysed.metrics.is_empty());
    for (at, said) in report.statements().enumerate() {
        let text = escape::plain(&said.text);
        let found = analysed.findings.iter().filter(|finding| escape::plain(&finding.statement) == text);
        let mut found = found.filter(|finding| said.finding.is_empty() || finding.id == said.finding).peekable();
        let Some(first) = found.peek().copied() else {
            faults.push(Fault::NoFinding { statement: begins(&said.text) });
            continue;
        };
        // Two findings may say the same: each stands for one of the statements.
        let finding = found.find(|finding| missing.contains_key(finding.id.as_str())).unwrap_or(first);
        if missing.remove(finding.id.as_str()).is_none() {
            faults.push(Fault::Repeated { finding: finding.id.clone() });
        }
        let changed = |what| Fault::Changed { statement: begins(&said.text), what };
        if said.number as usize != at + 1 {
            faults.push(changed("its number"));
        }
        if said.confidence != finding.confidence || escape::plain(&said.reason) != escape::plain(&finding.reason) {
            faults.push(changed("the confidence"));
        }
        evidence.stands_behind(said, finding, report, &listed, faults);
        let allowed = evidence.numbers(finding);
        for number in numbers::numbers(&said.text).into_iter().filter(|number| proves && !allowed.has(number)) {
            faults.push(Fault::StrangeNumber { statement: begins(&said.text), number });
        }
    }
    faults.extend(missing.into_keys().map(|id| Fault::Missing { finding: id.to_owned() }));
}

/// Where a report says that the rows of each table stand: what it cites under that table's numbers.
struct Listed<'a>(BTreeMap<&'a TableId, Vec<u32>>);

impl<'a> Listed<'a> {
    fn of(report: &Report, analysed: &'a Analysed) -> Listed<'a> {
        let mut listed: BTreeMap<&TableId, Vec<u32>> = BTreeMap::new();
        for (id, metrics) in crate::offline::by_table(analysed) {
            let own = |row: &NumberRow| {
                metrics.iter().any(|metric| is_of(row, metric) && figure::is_printed(&row.printed, metric))
            };
            let tables = report.numbers.iter().filter(|table| !table.rows.is_empty() && table.rows.iter().all(own));
            listed.insert(id, tables.flat_map(|table| table.citations.iter().copied()).collect());
        }
        Listed(listed)
    }
}

/// Whether a row of the report shows this metric. What was read back from Markdown does not name it.
fn is_of(row: &NumberRow, metric: &Metric) -> bool {
    (row.metric.0.is_empty() || row.metric == metric.id)
        && row.of == metric.of
        && escape::plain(&metric.label) == row.label
        && crate::offline::group(metric) == row.group
}

/// An analysis, looked up by id.
pub(crate) struct Evidence<'a> {
    analysed: &'a Analysed,
    passages: BTreeMap<&'a PassageId, &'a Passage>,
}

impl<'a> Evidence<'a> {
    pub(crate) fn of(analysed: &'a Analysed) -> Evidence<'a> {
        Evidence { analysed, passages: analysed.passages.iter().map(|passage| (&passage.id, passage)).collect() }
    }

    fn metrics(&self, finding: &'a DetailedFinding) -> impl Iterator<Item = &'a Metric> {
        let analysed = self.analysed;
        finding.metrics.iter().filter_map(move |id| analysed.metric(id))
    }

    /// Whether a reference is to the very words of a support.
    fn is_of(&self, reference: &Reference, support: &Support) -> bool {
        let Some(passage) = self.passages.get(&support.passage) else { return false };
        references::place_of(support, passage) == Some(reference.place) && self.is_from(reference, passage)
    }

    fn place(&self, support: &Support) -> Option<(&'a SourceId, u64, u64)> {
        let passage = self.passages.get(&support.passage)?;
        let place = references::place_of(support, passage)?;
        Some((&passage.source, place.start, place.end))
    }

    fn is_from(&self, reference: &Reference, passage: &Passage) -> bool {
        check::source_of(reference, self.analysed).is_some_and(|source| source.id == passage.source)
    }

    /// How many of the rows that a metric was computed from stand in a reference.
    fn rows(&self, reference: &Reference, metric: &Metric) -> usize {
        let rows = metric.evidence.iter().filter_map(|row| self.passages.get(row));
        rows.filter(|row| row.place.overlaps(reference.place) && self.is_from(reference, row)).count()
    }

    /// As many as the places have that the report names under the numbers of the metric's own table. A place that is
    /// cited for another table may hold more of these rows, and is not where they are to be looked up.
    fn has_rows(&self, reference: &Reference, metric: &Metric, report: &Report, listed: &Listed<'_>) -> bool {
        let own = listed.0.get(&metric.table).into_iter().flatten();
        let best = own.filter_map(|citation| report.reference(*citation)).map(|one| self.rows(one, metric)).max();
        self.rows(reference, metric) >= best.unwrap_or(0).max(1)
    }

    fn stands_behind(
        &self,
        said: &Statement,
        finding: &DetailedFinding,
        report: &Report,
        listed: &Listed<'_>,
        faults: &mut Vec<Fault>,
    ) {
        let statement = begins(&said.text);
        let metrics: Vec<&Metric> = finding.metrics.iter().filter_map(|id| self.analysed.metric(id)).collect();
        if finding.supporting.is_empty() && metrics.is_empty() && !self.analysed.passages.is_empty() {
            faults.push(Fault::Unfounded { statement: statement.clone() });
        }
        let cited = |citations: &[u32]| -> Vec<Reference> {
            citations.iter().filter_map(|citation| report.reference(*citation)).cloned().collect()
        };
        let (support, against) = (cited(&said.citations), cited(&said.against));
        for (references, side, is_support) in
            [(&support, &finding.supporting, true), (&against, &finding.contradicting, false)]
        {
            for reference in references.iter() {
                let spoken = side.iter().any(|support| self.is_of(reference, support));
                let computed =
                    is_support && metrics.iter().any(|metric| self.has_rows(reference, metric, report, listed));
                if !spoken && !computed {
                    let citation = reference.number;
                    faults.push(Fault::WrongCitation { statement: statement.clone(), citation });
                }
            }
            let mut seen = BTreeSet::new();
            let different: Vec<&Support> = side.iter().filter(|support| seen.insert(self.place(support))).collect();
            let has = different.len();
            let more = if is_support { said.more } else { said.more_against } as usize;
            let spoken = |support: &&&Support| references.iter().any(|reference| self.is_of(reference, support));
            // Rows of a table may happen to be one of the others.
            let cited = (different.iter().filter(spoken).count() + more).min(has);
            if cited != has || more != has.saturating_sub(bounds::CITATIONS_MAX) {
                faults.push(Fault::Unaccounted { statement: statement.clone(), cited, has });
            }
        }
        if metrics.iter().any(|metric| {
            !metric.evidence.is_empty()
                && !support.iter().any(|reference| self.has_rows(reference, metric, report, listed))
        }) {
            faults.push(Fault::RowsNotCited { statement: statement.clone() });
        }
        let mut seen = BTreeSet::new();
        for citation in said.citations.iter().chain(&said.against).filter(|citation| !seen.insert(**citation)) {
            faults.push(Fault::CitedTwice { statement: statement.clone(), citation: *citation });
        }
        for quote in &said.quotes {
            if !said.citations.contains(&quote.citation) && !said.against.contains(&quote.citation) {
                faults.push(Fault::WrongCitation { statement: statement.clone(), citation: quote.citation });
            }
        }
    }

    /// The numbers that a finding may name.
    pub(crate) fn numbers(&self, finding: &'a DetailedFinding) -> Known<'a> {
        let mut known = Known::default();
        known.says(&self.analysed.goal);
        known.says(finding.question.as_deref().unwrap_or_default());
        let sides = finding.supporting.iter().chain(&finding.contradicting);
        for support in sides.clone() {
            known.says(&support.quote);
            if let Some(passage) = self.passages.get(&support.passage) {
                self.frames(passage, &mut known);
                if support.quote.is_empty() {
                    known.says(&passage.quote);
                }
            }
        }
        let metrics: Vec<&Metric> = self.metrics(finding).collect();
        for metric in &metrics {
            known.computed(metric);
            for row in metric.evidence.iter().filter_map(|row| self.passages.get(row)) {
                known.says(&row.quote);
                self.frames(row, &mut known);
            }
            if let Some(table) = self.analysed.tables.iter().find(|table| table.id == metric.table) {
                known.says(&table.title);
                known.is(table.rows.len() as f64);
            }
        }
        // "Up for five and down for one of six": counts over the finding's own metrics of one kind.
        for kind in &metrics {
            let values = || metrics.iter().filter(|one| one.statistic == kind.statistic).map(|one| one.value);
            let (up, down) =
                (values().filter(|value| *value > 0.0).count(), values().filter(|value| *value < 0.0).count());
            let (all, whole) = (values().count(), values().count().saturating_sub(1));
            for count in [up, down, all, whole, up.saturating_sub(1), down.saturating_sub(1)] {
                known.is(count as f64);
            }
        }
        let passages: BTreeSet<&PassageId> = sides.map(|support| &support.passage).collect();
        let cited = passages.iter().filter_map(|id| self.passages.get(*id));
        let sources: BTreeSet<_> = cited.map(|passage| &passage.source).collect();
        for count in [finding.supporting.len(), finding.contradicting.len(), passages.len(), sources.len()] {
            known.is(count as f64);
        }
        known
    }

    /// What a passage stands in: its source's name and day, and its headings.
    fn frames(&self, passage: &Passage, known: &mut Known<'a>) {
        passage.headings.iter().for_each(|heading| known.says(heading));
        if let Some(source) = self.analysed.source_of(passage) {
            known.says(&source.title);
            known.says(&source.address);
            known.says(source.date.as_deref().unwrap_or_default());
        }
        self.cells(passage, known);
    }

    /// Of a table's row, each cell by itself: as a line of CSV, `Apache-2.0,2026-10-06` says neither number.
    fn cells(&self, passage: &Passage, known: &mut Known<'a>) {
        for table in &self.analysed.tables {
            let rows = table.passages.iter().zip(&table.rows).filter(|(row, _)| **row == passage.id);
            rows.flat_map(|(_, cells)| cells).for_each(|cell| known.says(&cell.text));
        }
    }
}

/// What a paragraph over findings may name: what they say, and what they computed.
fn known_of<'a>(findings: &[&'a DetailedFinding], analysed: &'a Analysed) -> Known<'a> {
    let mut known = Known::default();
    for finding in findings {
        known.says(&finding.statement);
        known.values(finding.metrics.iter().filter_map(|id| analysed.metric(id)));
    }
    known
}

pub(crate) fn paragraphs(report: &Report, analysed: &Analysed, faults: &mut Vec<Fault>) {
    let summary = escape::plain(&analysed.summary);
    for paragraph in report.paragraphs() {
        let text = escape::plain(&paragraph.text);
        let stated = report.statements().find(|statement| escape::plain(&statement.text) == text);
        if let Some(statement) = stated {
            let (mut has, mut wants) = (paragraph.citations.clone(), statement.citations.clone());
            has.sort_unstable();
            wants.sort_unstable();
            if has != wants {
                faults.push(Fault::Changed { statement: begins(&text), what: "the citation" });
            }
            continue;
        }
        if summary.contains(&text) || text == nothing_found(&analysed.goal) {
            let cites = paragraph.citations.iter();
            faults.extend(cites.map(|citation| Fault::WrongCitation { statement: begins(&text), citation: *citation }));
            continue;
        }
        worded(paragraph, report, analysed, faults);
    }
}

/// What a report without any evidence says first.
pub(crate) fn nothing_found(goal: &str) -> String {
    format!("No evidence was found for “{}”.", escape::plain(goal))
}

/// A model's own words: they rest on findings that cite the same, and add no number and no quote.
fn worded(paragraph: &Paragraph, report: &Report, analysed: &Analysed, faults: &mut Vec<Fault>) {
    let text = begins(&paragraph.text);
    if paragraph.citations.is_empty() {
        faults.push(Fault::Uncited { text });
        return;
    }
    let cites = |statement: &Statement| {
        paragraph.citations.iter().any(|one| statement.citations.contains(one) || statement.against.contains(one))
    };
    let said: BTreeSet<String> =
        report.statements().filter(|statement| cites(statement)).map(|one| escape::plain(&one.text)).collect();
    let findings = analysed.findings.iter().filter(|finding| said.contains(&escape::plain(&finding.statement)));
    let findings: Vec<&DetailedFinding> = findings.collect();
    for citation in &paragraph.citations {
        let known = report.statements().any(|one| one.citations.contains(citation) || one.against.contains(citation));
        if !known {
            faults.push(Fault::WrongCitation { statement: text.clone(), citation: *citation });
        }
    }
    let cited = paragraph.citations.iter().filter_map(|citation| report.reference(*citation));
    faults.extend(strange(&paragraph.text, &findings, &cited.collect::<Vec<_>>(), analysed));
}

/// Numbers and quotes of a text that its findings and references do not have.
pub(crate) fn strange(
    text: &str,
    findings: &[&DetailedFinding],
    references: &[&Reference],
    analysed: &Analysed,
) -> Vec<Fault> {
    let allowed = known_of(findings, analysed);
    let quoted = |quote: &str| references.iter().any(|reference| reference.quote.contains(quote));
    let mut faults = vec![];
    let mut words = text.to_owned();
    for quote in quotes(text) {
        if quoted(quote) {
            // What stands in the source may be said, numbers and all.
            words = words.replace(quote, " ");
        } else {
            let citation = references.first().map_or(0, |reference| reference.number);
            faults.push(Fault::NotInReference { quote: begins(quote), citation });
        }
    }
    for number in numbers::numbers(&words).into_iter().filter(|number| !allowed.has(number)) {
        faults.push(Fault::StrangeNumber { statement: begins(text), number });
    }
    faults
}

/// What stands between quotation marks.
fn quotes(text: &str) -> Vec<&str> {
    let mut found = vec![];
    for (open, close) in [('“', '”'), ('"', '"'), ('«', '»'), ('「', '」')] {
        let mut rest = text;
        while let Some((_, from)) = rest.split_once(open) {
            let Some((quote, after)) = from.split_once(close) else { break };
            found.push(quote);
            rest = after;
        }
    }
    found
}

pub(crate) fn numbers(report: &Report, analysed: &Analysed, faults: &mut Vec<Fault>) {
    let evidence = Evidence::of(analysed);
    for table in &report.numbers {
        let cited: Vec<&Reference> =
            table.citations.iter().filter_map(|citation| report.reference(*citation)).collect();
        let mut metrics: Vec<&Metric> = vec![];
        for row in &table.rows {
            let mut known = analysed.metrics.iter().filter(|metric| is_of(row, metric));
            let (label, printed) = (begins(&row.label), row.printed.clone());
            let Some(first) = known.clone().next() else {
                faults.push(Fault::NoMetric { table: begins(&table.caption), label, group: row.group.clone() });
                continue;
            };
            match known.find(|metric| figure::is_printed(&row.printed, metric)) {
                Some(metric) => metrics.push(metric),
                None => faults.push(Fault::WrongValue { label, printed, exact: first.value.to_string() }),
            }
        }
        for reference in &cited {
            if !metrics.iter().any(|metric| evidence.rows(reference, metric) > 0) {
                let (statement, citation) = (begins(&table.caption), reference.number);
                faults.push(Fault::WrongCitation { statement, citation });
            }
        }
        if cited.is_empty() && metrics.iter().any(|metric| !metric.evidence.is_empty()) {
            faults.push(Fault::RowsNotCited { statement: begins(&table.caption) });
        }
    }
    charts(report, analysed, faults);
}

fn charts(report: &Report, analysed: &Analysed, faults: &mut Vec<Fault>) {
    let evidence = Evidence::of(analysed);
    for drawn in &report.charts {
        let charts = analysed.charts.iter().filter(|chart| escape::plain(&chart.title) == drawn.title);
        let bars: Vec<_> = charts.flat_map(|chart| &chart.bars).collect();
        let metrics: Vec<&Metric> = bars.iter().filter_map(|(_, id)| analysed.metric(id)).collect();
        let cited: Vec<&Reference> = drawn.citations.iter().filter_map(|one| report.reference(*one)).collect();
        for reference in cited.iter().filter(|one| !metrics.iter().any(|metric| evidence.rows(one, metric) > 0)) {
            faults.push(Fault::WrongCitation { statement: begins(&drawn.title), citation: reference.number });
        }
        if cited.is_empty() && metrics.iter().any(|metric| !metric.evidence.is_empty()) {
            faults.push(Fault::RowsNotCited { statement: begins(&drawn.title) });
        }
        for bar in &drawn.bars {
            let mut known = bars
                .iter()
                .filter(|(label, _)| escape::plain(label) == bar.label)
                .filter_map(|(_, id)| analysed.metric(id))
                .peekable();
            let label = begins(&bar.label);
            match known.peek().map(|metric| metric.value) {
                None => {
                    faults.push(Fault::NoMetric { table: begins(&drawn.title), label, group: String::new() });
                }
                Some(value) if !known.any(|metric| figure::is_printed(&bar.printed, metric)) => {
                    let printed = bar.printed.clone();
                    faults.push(Fault::WrongValue { label, printed, exact: value.to_string() });
                }
                Some(_) => {}
            }
        }
    }
}

pub(crate) fn conflicts(report: &Report, analysed: &Analysed, faults: &mut Vec<Fault>) {
    let evidence = Evidence::of(analysed);
    for said in &report.conflicts {
        let mut known = analysed.conflicts.iter().filter(|conflict| escape::plain(&conflict.about) == said.about);
        let right = known.any(|conflict| {
            let positions = said.positions.iter().zip(&conflict.sides);
            let sides = said.positions.len() == conflict.sides.len().min(bounds::SIDES_MAX);
            sides
                && conflict.leaning.as_deref().map(escape::plain) == said.leaning
                && positions.into_iter().all(|(position, side)| {
                    let reference = report.reference(position.quote.citation);
                    position.says == escape::plain(&side.says)
                        && reference.is_some_and(|reference| evidence.is_of(reference, &side.support))
                })
        });
        if !right {
            faults.push(Fault::NoConflict { what: begins(&said.about) });
        }
    }
    if report.conflicts.len() != bounds::conflicts(analysed).len() {
        faults.push(Fault::NoConflict { what: "another number of conflicts".into() });
    }
}

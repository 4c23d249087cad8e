//! Owns the rules for what a report says: statements, paragraphs, numbers, conflicts, each against the analysis.
//! Never a rule that only a model's good will keeps.
//! Next: `check` applies them to every report, `prompted` the same ones to a model's words.

use std::collections::{BTreeMap, BTreeSet};

use contract::documents::{Analysed, DetailedFinding, Metric, Passage, PassageId, SourceId, Support};

use crate::report::{Paragraph, Reference, Report, Statement};
use crate::{Fault, bounds, check, escape, figure, references};

/// What a fault names a text by.
pub(crate) fn begins(text: &str) -> String {
    text.chars().take(80).collect()
}

pub(crate) fn statements(report: &Report, analysed: &Analysed, faults: &mut Vec<Fault>) {
    let mut missing: BTreeMap<&str, &DetailedFinding> =
        bounds::findings(analysed).iter().map(|finding| (finding.id.as_str(), finding)).collect();
    let evidence = Evidence::of(analysed);
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
        evidence.stands_behind(said, finding, report, faults);
        let allowed = evidence.numbers(finding);
        for number in figure::numbers(&said.text).into_iter().filter(|number| proves && !allowed.has(number)) {
            faults.push(Fault::StrangeNumber { statement: begins(&said.text), number });
        }
    }
    faults.extend(missing.into_keys().map(|id| Fault::Missing { finding: id.to_owned() }));
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

    /// As many as the places have from which the report takes its table of numbers.
    fn has_rows(&self, reference: &Reference, metric: &Metric, report: &Report) -> bool {
        let of_tables = report.numbers.iter().flat_map(|table| &table.citations);
        let best = of_tables.filter_map(|citation| report.reference(*citation)).map(|one| self.rows(one, metric)).max();
        self.rows(reference, metric) >= best.unwrap_or(0).max(1)
    }

    fn stands_behind(&self, said: &Statement, finding: &DetailedFinding, report: &Report, faults: &mut Vec<Fault>) {
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
                let computed = is_support && metrics.iter().any(|metric| self.has_rows(reference, metric, report));
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
            !metric.evidence.is_empty() && !support.iter().any(|reference| self.has_rows(reference, metric, report))
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
    pub(crate) fn numbers(&self, finding: &'a DetailedFinding) -> Allowed<'a> {
        let mut allowed = Allowed { metrics: self.metrics(finding).collect(), exact: vec![], words: BTreeSet::new() };
        allowed.says(&self.analysed.goal);
        allowed.says(finding.question.as_deref().unwrap_or_default());
        let sides = finding.supporting.iter().chain(&finding.contradicting);
        for support in sides.clone() {
            allowed.says(&support.quote);
            if let Some(passage) = self.passages.get(&support.passage) {
                self.frames(passage, &mut allowed);
                if support.quote.is_empty() {
                    allowed.says(&passage.quote);
                }
            }
        }
        for metric in allowed.metrics.clone() {
            allowed.exact.push(f64::from(metric.of));
            allowed.says(&metric.label);
            allowed.says(&metric.column);
            metric.group.iter().for_each(|(column, value)| {
                allowed.says(column);
                allowed.says(value);
            });
            for row in metric.evidence.iter().filter_map(|row| self.passages.get(row)) {
                allowed.says(&row.quote);
                self.frames(row, &mut allowed);
            }
            if let Some(table) = self.analysed.tables.iter().find(|table| table.id == metric.table) {
                allowed.says(&table.title);
                allowed.exact.push(table.rows.len() as f64);
            }
        }
        // "Up for five and down for one of six": counts over the finding's own metrics of one kind.
        for kind in allowed.metrics.clone() {
            let values = || allowed.metrics.iter().filter(|one| one.statistic == kind.statistic).map(|one| one.value);
            let (up, down) =
                (values().filter(|value| *value > 0.0).count(), values().filter(|value| *value < 0.0).count());
            let (all, whole) = (values().count(), values().count().saturating_sub(1));
            allowed
                .exact
                .extend([up, down, all, whole, up.saturating_sub(1), down.saturating_sub(1)].map(|n| n as f64));
        }
        let passages: BTreeSet<&PassageId> = sides.map(|support| &support.passage).collect();
        let cited = passages.iter().filter_map(|id| self.passages.get(*id));
        let sources: BTreeSet<_> = cited.map(|passage| &passage.source).collect();
        for count in [finding.supporting.len(), finding.contradicting.len(), passages.len(), sources.len()] {
            allowed.exact.push(count as f64);
        }
        allowed
    }

    /// What a passage stands in: its source's name and day, and its headings.
    fn frames(&self, passage: &Passage, allowed: &mut Allowed<'a>) {
        passage.headings.iter().for_each(|heading| allowed.says(heading));
        if let Some(source) = self.analysed.source_of(passage) {
            allowed.says(&source.title);
            allowed.says(&source.address);
            allowed.says(source.date.as_deref().unwrap_or_default());
        }
    }
}

/// Numbers that stand somewhere, or were computed.
#[derive(Default)]
pub(crate) struct Allowed<'a> {
    metrics: Vec<&'a Metric>,
    /// Values, whatever way they are written.
    exact: Vec<f64>,
    /// As they are written: dates, versions.
    words: BTreeSet<String>,
}

impl<'a> Allowed<'a> {
    fn says(&mut self, text: &str) {
        // As it stands, and as one line: a statement has a plain space where its source has one that parts thousands.
        for number in figure::numbers(text).into_iter().chain(figure::numbers(&escape::plain(text))) {
            self.exact.extend(figure::readings(&number).into_iter().map(|(value, _)| value));
            self.words.insert(number);
        }
    }

    pub(crate) fn has(&self, number: &str) -> bool {
        let is_exact = |value: f64| self.exact.iter().any(|exact| (exact - value).abs() < 1e-9 * value.abs().max(1.0));
        self.words.contains(number)
            || self.metrics.iter().any(|metric| figure::is_metric(number, metric))
            || figure::readings(number).into_iter().any(|(value, _)| is_exact(value))
    }

    /// What a paragraph over findings may name: what they say, and what they computed.
    pub(crate) fn over(findings: &[&'a DetailedFinding], analysed: &'a Analysed) -> Allowed<'a> {
        let mut allowed = Allowed::default();
        for finding in findings {
            allowed.says(&finding.statement);
            allowed.metrics.extend(finding.metrics.iter().filter_map(|id| analysed.metric(id)));
        }
        allowed
    }
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
    let allowed = Allowed::over(findings, analysed);
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
    for number in figure::numbers(&words).into_iter().filter(|number| !allowed.has(number)) {
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
            let mut known = analysed.metrics.iter().filter(|metric| {
                escape::plain(&metric.label) == row.label
                    && crate::offline::group(metric) == row.group
                    && metric.of == row.of
                    && (row.metric.0.is_empty() || metric.id == row.metric)
            });
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

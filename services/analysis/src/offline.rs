//! Owns the analysis without a model: what can be computed and compared, put in the order of importance.
//! Never a statement that no passage stands behind, and never an answer where nothing was found.
//! Next: `prompted` may add statements to it; `handler` stores what comes of it.

use std::collections::BTreeSet;

use contract::UnixMs;
use contract::documents::{Analysed, Conflict, DetailedFinding, Gap, Gathered, Metric, Passage, PassageId, Table};
use contract::events::{Confidence, ResearchHead};

use crate::pool::Pool;
use crate::sheet::Sheet;
use crate::words::{self, Stems};
use crate::{age, charts, conflicts, gaps, measure, metrics, prose, told};

const FINDINGS_MAX: usize = 12;
/// Passages that nothing cites, beside those that something does.
const UNCITED_MAX: usize = 120;
const TABLES_MAX: usize = 16;
const TABLE_ROWS_MAX: usize = 2_000;

/// What research brought, and what it did not.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    pub(crate) gathered: Vec<Gathered>,
    /// Questions whose tasks failed or never came.
    pub(crate) late: Vec<String>,
    /// When it was complete; nought where nobody knows.
    pub(crate) now: UnixMs,
}

pub(crate) fn analysed(head: &ResearchHead, evidence: Evidence) -> Analysed {
    let pool = Pool::of(evidence.gathered, evidence.now);
    let mut gaps = gaps::unanswered(&pool, &head.questions, &evidence.late);
    let mut analysed = Analysed { goal: head.goal.clone(), questions: head.questions.clone(), ..Analysed::default() };
    if pool.is_empty() {
        analysed.summary = format!("No evidence found for {:?}.", words::shortened(&head.goal, 400));
        if gaps.is_empty() {
            gaps.push(Gap { question: head.goal.clone(), why: "no source says anything about it".into() });
        }
        (analysed.gaps, analysed.missed) = (gaps, pool.missed);
        return analysed;
    }
    let asked = asked(head);
    let sheets = Sheet::all(&pool);
    let columns = measure::columns(&sheets, &asked);
    let figures = metrics::figures(&pool, &columns);
    let conflicts = conflicts::conflicts(&pool, &sheets);
    let (said, unanswered) = prose::findings(&pool, &head.goal);
    let mut computed = told::findings(&pool, &figures);
    answer(&mut computed, &head.questions);
    let untold = gaps::untold(&pool);
    gaps.extend(
        unanswered
            .into_iter()
            .filter(|gap| !computed.iter().any(|found| found.question.as_ref() == Some(&gap.question))),
    );
    gaps.extend(untold.iter().map(|(gap, _)| gap.clone()));
    let findings = ordered(computed, said, untold.into_iter().map(|(_, finding)| finding).collect());
    analysed.findings = disputed(findings, &conflicts);
    analysed.metrics = metrics::all(&figures);
    analysed.charts = charts::charts(&figures, &analysed.metrics);
    (analysed.conflicts, analysed.gaps) = (conflicts, gaps);
    analysed.notes = notes(&pool);
    analysed.tables = tables(&pool, &analysed.metrics, &mut analysed.notes);
    analysed.passages = passages(&pool, &analysed);
    analysed.sources = pool.sources.values().cloned().collect();
    analysed.summary = summary(&pool, &analysed);
    analysed.missed = pool.missed;
    analysed
}

fn asked(head: &ResearchHead) -> Stems {
    let mut asked = words::stems(&head.goal);
    asked.extend(head.questions.iter().flat_map(|question| words::stems(question)));
    asked
}

/// Gives a computed statement the question that it answers, where it shares two words with one.
fn answer(computed: &mut [DetailedFinding], questions: &[String]) {
    for finding in computed {
        let stems = words::stems(&finding.statement);
        let shared = |question: &&String| words::stems(question).intersection(&stems).count();
        finding.question = questions.iter().max_by_key(shared).filter(|question| shared(question) >= 2).cloned();
    }
}

/// By turns, so that neither numbers nor words crowd the other out; what is untold after the first few.
fn ordered(
    computed: Vec<DetailedFinding>,
    said: Vec<DetailedFinding>,
    untold: Vec<DetailedFinding>,
) -> Vec<DetailedFinding> {
    let (mut computed, mut said, mut untold) = (computed.into_iter(), by_trust(said).into_iter(), untold.into_iter());
    let mut found: Vec<DetailedFinding> = vec![];
    while found.len() < FINDINGS_MAX {
        let turn = [computed.next(), computed.next(), said.next(), if found.len() >= 2 { untold.next() } else { None }];
        if turn.iter().all(Option::is_none) && found.len() >= 2 {
            break;
        }
        if turn.iter().all(Option::is_none) {
            found.extend(untold.by_ref());
            break;
        }
        found.extend(turn.into_iter().flatten());
    }
    found.truncate(FINDINGS_MAX);
    for (at, finding) in found.iter_mut().enumerate() {
        finding.id = format!("f-{}", at + 1);
    }
    found
}

/// The first finding of every question before the second of any, the surer ones first.
fn by_trust(said: Vec<DetailedFinding>) -> Vec<DetailedFinding> {
    let mut seen = BTreeSet::new();
    let (mut first, second): (Vec<_>, Vec<_>) =
        said.into_iter().partition(|finding| seen.insert(finding.question.clone()));
    first.sort_by_key(|finding| std::cmp::Reverse(finding.confidence));
    first.into_iter().chain(second).collect()
}

/// Hangs each conflict onto the findings that rest on one of its sides.
fn disputed(mut findings: Vec<DetailedFinding>, conflicts: &[Conflict]) -> Vec<DetailedFinding> {
    for finding in &mut findings {
        for conflict in conflicts {
            let rests_on = |passage: &PassageId| finding.supporting.iter().any(|support| support.passage == *passage);
            let Some(own) = conflict.sides.iter().position(|side| rests_on(&side.support.passage)) else { continue };
            let others =
                conflict.sides.iter().enumerate().filter(|(at, _)| *at != own).map(|(_, side)| side.support.clone());
            let others: Vec<_> = others
                .filter(|support| !finding.supporting.contains(support) && !finding.contradicting.contains(support))
                .collect();
            if others.is_empty() || finding.contradicting.len() > 3 {
                continue;
            }
            finding.contradicting.extend(others);
            finding.reason.push_str(&format!(" Sources disagree about {}.", conflict.about));
            // A level over many rows stands, whichever of them is right.
            let single = finding.metrics.is_empty();
            finding.confidence = if single { Confidence::Low } else { finding.confidence.min(Confidence::Medium) };
        }
    }
    findings
}

fn notes(pool: &Pool) -> Vec<String> {
    let mut notes = age::notes(pool);
    if pool.copies > 0 {
        let stand =
            if pool.copies == 1 { "1 passage stands".into() } else { format!("{} passages stand", pool.copies) };
        notes.push(format!("{stand} word for word in another source as well, and count once."));
    }
    let ragged = pool.tables.iter().filter(|table| !table.ragged.is_empty());
    for table in ragged.take(5) {
        let (rows, name) = (table.ragged.len(), pool.name(&table.source));
        notes.push(format!("{name}: {rows} rows have too few or too many cells; what fits is used."));
    }
    notes
}

/// Those that numbers were computed from, then the most relevant others.
fn tables(pool: &Pool, metrics: &[Metric], notes: &mut Vec<String>) -> Vec<Table> {
    let used = |table: &Table| metrics.iter().any(|metric| metric.table == table.id);
    let mut tables: Vec<&Table> = pool.tables.iter().collect();
    tables.sort_by(|one, other| {
        used(other).cmp(&used(one)).then(other.relevance.total_cmp(&one.relevance)).then_with(|| one.id.cmp(&other.id))
    });
    let kept = tables.into_iter().take(TABLES_MAX).map(|table| {
        let mut table = table.clone();
        if table.rows.len() > TABLE_ROWS_MAX {
            let name = pool.name(&table.source);
            notes.push(format!("{name}: numbers are of all {} rows; {TABLE_ROWS_MAX} are shown.", table.rows.len()));
            table.rows.truncate(TABLE_ROWS_MAX);
            table.passages.truncate(TABLE_ROWS_MAX);
        }
        table
    });
    kept.collect()
}

fn passages(pool: &Pool, analysed: &Analysed) -> Vec<Passage> {
    let supports = analysed.findings.iter().flat_map(|finding| finding.supporting.iter().chain(&finding.contradicting));
    let sides = analysed.conflicts.iter().flat_map(|conflict| &conflict.sides).map(|side| &side.support);
    let mut cited: BTreeSet<&PassageId> = supports.chain(sides).map(|support| &support.passage).collect();
    cited.extend(analysed.metrics.iter().flat_map(|metric| &metric.evidence));
    cited.extend(analysed.tables.iter().flat_map(|table| &table.passages));
    let mut others: Vec<&Passage> = pool.passages.iter().filter(|passage| !cited.contains(&passage.id)).collect();
    others.sort_by(|one, other| other.relevance.total_cmp(&one.relevance));
    let best: BTreeSet<&PassageId> = others.into_iter().take(UNCITED_MAX).map(|passage| &passage.id).collect();
    let wanted = |passage: &&Passage| cited.contains(&passage.id) || best.contains(&passage.id);
    pool.passages.iter().filter(wanted).cloned().collect()
}

fn summary(pool: &Pool, analysed: &Analysed) -> String {
    let (sources, tables) = (pool.sources.len(), pool.tables.len());
    let plural = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let mut text = format!("From {} and {}:", plural(sources, "source"), plural(tables, "table"));
    let surest = analysed.findings.iter().filter(|finding| finding.confidence > Confidence::Low);
    let mut told: Vec<&str> = surest.take(3).map(|finding| finding.statement.as_str()).collect();
    if told.is_empty() {
        told = analysed.findings.iter().take(2).map(|finding| finding.statement.as_str()).collect();
    }
    if told.is_empty() {
        text = format!(
            "{} passages were found, and none of them answers {:?}.",
            pool.passages.len(),
            words::shortened(&analysed.goal, 400)
        );
    }
    for statement in told {
        text.push(' ');
        text.push_str(&words::shortened(statement, 300));
    }
    if let Some(first) = analysed.conflicts.first() {
        text.push_str(&format!(" Sources disagree in {} ({}).", plural(analysed.conflicts.len(), "case"), first.about));
    }
    if let Some(first) = analysed.gaps.first() {
        let named = words::shortened(&first.question, 120);
        text.push_str(&format!(
            " {} left open, such as {named:?}.",
            if analysed.gaps.len() == 1 {
                "One thing is".into()
            } else {
                format!("{} things are", analysed.gaps.len())
            }
        ));
    }
    text
}

//! Owns the analysis without a model: what can be computed and compared, put in the order of importance.
//! Never a statement that no passage stands behind, and never an answer where nothing was found.
//! Next: `prompted` may add statements to it; `handler` stores what comes of it.

use std::collections::BTreeSet;

use contract::UnixMs;
use contract::documents::{Analysed, Conflict, DetailedFinding, Gap, Gathered, Metric, Passage, PassageId, Table};
use contract::events::{Confidence, ResearchHead};

use crate::assign::Questions;
use crate::pool::Pool;
use crate::sheet::Sheet;
use crate::words::{self, Stems};
use crate::{age, charts, conflicts, extremes, gaps, listing, measure, metrics, prose, summary, told};

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
        analysed.notes = notes(&pool);
        (analysed.gaps, analysed.missed) = (gaps, pool.missed);
        return analysed;
    }
    let asked = asked(head);
    let sheets = Sheet::all(&pool);
    let columns = measure::columns(&sheets, &asked);
    let figures = metrics::figures(&pool, &columns);
    let conflicts = conflicts::conflicts(&pool, &sheets);
    let questions = Questions::of(&head.goal, &head.questions);
    let mut computed = extremes::findings(&pool, &figures, &head.goal, &head.questions, &questions);
    computed.extend(told::findings(&pool, &figures, &questions));
    computed.extend(listing::findings(&pool, &sheets, &head.goal, &head.questions));
    let counted: BTreeSet<String> = computed.iter().filter_map(|finding| finding.question.clone()).collect();
    let (said, unanswered) = prose::findings(&pool, &head.goal, &counted);
    let untold = gaps::untold(&pool, &questions);
    gaps.extend(unanswered);
    gaps.extend(untold.iter().map(|(gap, _)| gap.clone()));
    let untold = untold.into_iter().map(|(_, finding)| finding).collect();
    let findings = ordered(vec![computed, by_trust(said), untold], &head.questions);
    analysed.findings = disputed(findings, &conflicts);
    analysed.metrics = metrics::all(&figures);
    analysed.charts = charts::charts(&figures, &analysed.metrics);
    (analysed.conflicts, analysed.gaps) = (conflicts, gaps);
    analysed.notes = notes(&pool);
    analysed.tables = tables(&pool, &analysed.metrics, &mut analysed.notes);
    analysed.passages = passages(&pool, &analysed);
    analysed.sources = pool.sources.values().cloned().collect();
    analysed.summary = summary::of(&analysed);
    analysed.missed = pool.missed;
    analysed
}

fn asked(head: &ResearchHead) -> Stems {
    let mut asked = words::stems(&head.goal);
    asked.extend(head.questions.iter().flat_map(|question| words::stems(question)));
    asked
}

/// As many as a reader takes in, chosen by turns among numbers, words and what is untold, each question before any has
/// a second one of a kind; then in the order of the questions, what answers none of them last.
fn ordered(kinds: Vec<Vec<DetailedFinding>>, questions: &[String]) -> Vec<DetailedFinding> {
    let mut turns: Vec<(usize, usize, DetailedFinding)> = vec![];
    for (kind, findings) in kinds.into_iter().enumerate() {
        let mut before: Vec<Option<String>> = vec![];
        for finding in findings {
            let turn = before.iter().filter(|question| **question == finding.question).count();
            before.push(finding.question.clone());
            turns.push((turn, kind, finding));
        }
    }
    turns.sort_by_key(|(turn, kind, finding)| (*turn, finding.question.is_none(), *kind));
    turns.truncate(FINDINGS_MAX);
    let place = |finding: &DetailedFinding| {
        let question = finding.question.as_ref();
        questions.iter().position(|asked| Some(asked) == question).unwrap_or(questions.len())
    };
    turns.sort_by_key(|(turn, kind, finding)| (place(finding), *kind, *turn));
    let mut found: Vec<DetailedFinding> = turns.into_iter().map(|(.., finding)| finding).collect();
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
            // A row has several numbers: a dispute about one of them is none about the others.
            let measure = conflict.about.rsplit(": ").next().unwrap_or_default().to_lowercase();
            if !finding.metrics.is_empty() && !finding.statement.to_lowercase().contains(&measure) {
                continue;
            }
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
    let mut notes: Vec<String> =
        pool.unmentioned().iter().map(|word| format!("No source mentions “{word}”.")).collect();
    notes.extend(age::notes(pool));
    if pool.copies > 0 {
        let (stand, count) = if pool.copies == 1 { ("passage stands", "counts") } else { ("passages stand", "count") };
        notes.push(format!("{} {stand} word for word in another source as well, and {count} once.", pool.copies));
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

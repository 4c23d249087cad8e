//! Owns the writer's step: an analysis in, a proved report out, in all its forms.
//! Never publishes what the checker refuses.
//! Next: `report.written`; the join "result" takes it into `goal.completed`.

use async_trait::async_trait;
use contract::ArtifactRef;
use contract::documents::{self, Analysed, DetailedFinding, Document};
use contract::events::{AnalysisCompleted, Attachment, ReportWritten};
use contract::limits::CAUSE_TEXT_BYTES_MAX;
use engine::Mind;
use runtime::{Handled, Handler, Step, StepError};

use crate::report::{Limit, LimitKind, Report};
use crate::{Fault, Texts, bounds, check, check_markdown, escape, files, html, markdown, offline, prompted};

#[derive(Debug)]
pub struct Writer {
    mind: Mind,
}

impl Writer {
    /// What it thinks with is all that it has of the environment.
    pub fn with(mind: Mind) -> Writer {
        Writer { mind }
    }
}

#[async_trait]
impl Handler for Writer {
    type Input = AnalysisCompleted;

    async fn handle(&self, analysis: AnalysisCompleted, step: &Step) -> Result<Handled, StepError> {
        let analysed: Analysed = match &analysis.details {
            Some(details) => documents::get(&*step.artifacts, details).await?,
            None => small(&analysis),
        };
        let texts = Texts::fetched(&analysed, &*step.artifacts).await?;
        // Not by the clock: a replay must find the same day.
        let day: String = step.journal.so_far().began.to_string().chars().take(10).collect();
        let plain = offline::report(&analysed, &texts, &day).map_err(|faults| refused(&faults))?;
        let mut report = self.worded(plain, &analysed, &texts, step).await?;
        let made = files::of(&report, &analysed).map_err(StepError::permanent)?;
        report.files = made.iter().map(|made| made.about.clone()).collect();
        let text = proved(&report, &analysed, &texts)?;
        let page = html::html(&report).map_err(StepError::permanent)?;

        let store = &step.artifacts;
        let mut attachments = vec![
            attached("report.html", store.put(page.as_bytes(), html::MEDIATYPE).await?),
            attached("report.json", store.put(&json(&report)?, Report::MEDIATYPE).await?),
        ];
        for file in &made {
            attachments.push(attached(&file.about.name, store.put(&file.bytes, &file.about.mediatype).await?));
        }
        let reference = store.put(text.as_bytes(), markdown::MEDIATYPE).await?;
        let summary = summary(&report);
        Ok(Handled::emit(&ReportWritten { title: report.title, summary, report: reference, attachments }))
    }
}

impl Writer {
    /// In a model's words, where there is one and the checker takes them.
    async fn worded(
        &self,
        plain: Report,
        analysed: &Analysed,
        texts: &Texts,
        step: &Step,
    ) -> Result<Report, StepError> {
        // Without references nothing that a model says could be proved.
        if plain.references.is_empty() {
            return Ok(plain);
        }
        let note = match prompted::report(&self.mind, step, &plain, analysed).await {
            Ok(worded) if check(&worded, analysed, texts).is_empty() => return Ok(worded),
            Ok(_) => Some("A model's wording did not pass the checker; the words are the analysis's own".to_owned()),
            Err(unanswered) => unanswered.instead()?.note,
        };
        let mut plain = plain;
        plain.limits.extend(note.map(|note| Limit {
            kind: LimitKind::Note,
            text: escape::plain(&note),
            citations: vec![],
        }));
        Ok(plain)
    }
}

fn attached(name: &str, artifact: ArtifactRef) -> Attachment {
    Attachment { artifact, name: Some(name.to_owned()) }
}

/// The report's Markdown, if report and Markdown both are proved.
fn proved(report: &Report, analysed: &Analysed, texts: &Texts) -> Result<String, StepError> {
    let text = markdown::markdown(report);
    let mut faults = check(report, analysed, texts);
    if faults.is_empty() {
        faults = check_markdown(&text, analysed, texts);
    }
    if faults.is_empty() { Ok(text) } else { Err(refused(&faults)) }
}

/// As many of the faults as a cause has room for.
fn refused(faults: &[Fault]) -> StepError {
    let mut said = format!("the report fails the checker ({} faults):", faults.len());
    for fault in faults {
        let next = format!(" {fault};");
        if said.len() + next.len() > CAUSE_TEXT_BYTES_MAX - 8 {
            said.push_str(" …");
            break;
        }
        said.push_str(&next);
    }
    StepError::permanent(said)
}

fn json(report: &Report) -> Result<Vec<u8>, StepError> {
    serde_json::to_vec_pretty(report).map_err(|why| StepError::permanent(why.to_string()))
}

/// For who reads only the event.
fn summary(report: &Report) -> String {
    let texts: Vec<&str> = report.summary.iter().map(|paragraph| paragraph.text.as_str()).collect();
    escape::cut(&texts.join(" "), bounds::SUMMARY_BYTES_MAX).to_owned()
}

/// An analysis without details, as an agent of somebody else's may send: nothing of it can be looked up.
fn small(analysis: &AnalysisCompleted) -> Analysed {
    let mut passages = 0;
    let findings = analysis.findings.iter().enumerate().map(|(at, finding)| {
        passages += finding.supporting.len() + finding.contradicting.len();
        DetailedFinding {
            id: format!("f-{}", at + 1),
            question: None,
            statement: finding.statement.clone(),
            confidence: finding.confidence,
            reason: finding.reason.clone(),
            supporting: vec![],
            contradicting: vec![],
            metrics: vec![],
        }
    });
    let findings = findings.collect();
    let note = format!(
        "The analysis came without its evidence: it names {passages} passages, and not their words. Nothing in this \
         report could be held against a source"
    );
    Analysed {
        goal: analysis.goal.clone(),
        summary: analysis.summary.clone(),
        findings,
        notes: vec![note],
        ..Analysed::default()
    }
}

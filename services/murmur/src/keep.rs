//! Owns what a completed goal leaves on the disk: report, other forms, tables, advice, and the page that explains it.
//! Never a name that a person would not look for.
//! Next: `run` says where it is.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use contract::events::{GoalCompleted, RecommendationsMade, ReportWritten};
use contract::{ArtifactRef, Artifacts, GoalId, artifact};
use runtime::ports::Ports;

/// What was put on the disk.
pub(crate) struct Kept {
    pub(crate) report: String,
    pub(crate) files: Vec<PathBuf>,
    pub(crate) recommendations: RecommendationsMade,
}

pub(crate) async fn keep(done: &GoalCompleted, goal: GoalId, ports: &Ports, out: &Path) -> anyhow::Result<Kept> {
    let artifacts = &*ports.artifacts;
    let written: ReportWritten = brought(done, "writer", artifacts).await?;
    let recommendations = match brought(done, "recommendation", artifacts).await {
        Ok(made) => made,
        Err(_) => RecommendationsMade { recommendations: vec![], notes: vec![] },
    };
    let bytes = artifact::fetch(artifacts, &written.report).await?;
    let report = String::from_utf8(bytes).context("the report is no text")?;
    let mut files = vec![];
    put(out, "report.md", report.as_bytes(), &mut files).await?;
    for (number, attachment) in written.attachments.iter().enumerate() {
        let bytes = artifact::fetch(artifacts, attachment).await?;
        put(out, &file_name(number, attachment), &bytes, &mut files).await?;
    }
    put(out, "recommendations.json", &serde_json::to_vec_pretty(&recommendations)?, &mut files).await?;
    if let Some(page) = explained(goal, ports).await? {
        put(out, "run.html", page.as_bytes(), &mut files).await?;
    }
    Ok(Kept { report, files, recommendations })
}

async fn put(out: &Path, name: &str, bytes: &[u8], files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let path = out.join(name);
    tokio::fs::write(&path, bytes).await.with_context(|| format!("{} cannot be written", path.display()))?;
    files.push(path);
    Ok(())
}

/// `run.html`: what `murmur explain --format html` shows. CALL SITE of `explain::page` over `runtime::story`.
async fn explained(_goal: GoalId, _ports: &Ports) -> anyhow::Result<Option<String>> {
    Ok(None)
}

fn file_name(number: usize, attachment: &ArtifactRef) -> String {
    match attachment.mediatype.split(';').next().unwrap_or_default() {
        "text/html" => "report.html".into(),
        "text/csv" => format!("table-{number}.csv"),
        "image/svg+xml" => format!("chart-{number}.svg"),
        kind if kind.ends_with("json") => "report.json".into(),
        _ => format!("attachment-{number}"),
    }
}

/// What a member brought to the result, inline or by reference.
async fn brought<T: contract::EventData>(
    done: &GoalCompleted,
    member: &str,
    artifacts: &dyn Artifacts,
) -> anyhow::Result<T> {
    let arrived = done.arrived.iter().find(|arrived| arrived.member == member);
    let arrived = arrived.with_context(|| format!("{member} brought nothing"))?;
    match (&arrived.data, &arrived.reference) {
        (Some(data), _) => Ok(serde_json::from_value(data.clone())?),
        (None, Some(at)) => Ok(serde_json::from_slice(&artifact::fetch(artifacts, at).await?)?),
        (None, None) => anyhow::bail!("{member} brought no {}", T::TYPE),
    }
}

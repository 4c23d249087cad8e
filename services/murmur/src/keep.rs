//! Owns what a completed goal leaves on the disk: report, other forms, tables, advice, and the page that explains it.
//! Never a name that a person would not look for.
//! Next: `run` says where it is.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use contract::events::{Attachment, GoalCompleted, RecommendationsMade, ReportWritten};
use contract::{Artifacts, GoalId, artifact};

use crate::explain;
use crate::reach::Reach;

/// What was put on the disk.
pub(crate) struct Kept {
    pub(crate) report: String,
    pub(crate) files: Vec<PathBuf>,
    pub(crate) recommendations: RecommendationsMade,
}

pub(crate) async fn keep(done: &GoalCompleted, goal: GoalId, reach: &Reach, out: &Path) -> anyhow::Result<Kept> {
    let artifacts = &*reach.ports.artifacts;
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
        let bytes = artifact::fetch(artifacts, &attachment.artifact).await?;
        put(out, &file_name(number, attachment), &bytes, &mut files).await?;
    }
    put(out, "recommendations.json", &serde_json::to_vec_pretty(&recommendations)?, &mut files).await?;
    let story = explain::story(reach, goal).await?;
    put(out, "run.html", explain::page(&story).as_bytes(), &mut files).await?;
    Ok(Kept { report, files, recommendations })
}

async fn put(out: &Path, name: &str, bytes: &[u8], files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let path = out.join(name);
    tokio::fs::write(&path, bytes).await.with_context(|| format!("{} cannot be written", path.display()))?;
    files.push(path);
    Ok(())
}

/// The name that the report gives it, where that is a bare file name and none of ours; else one made of its kind.
fn file_name(number: usize, attachment: &Attachment) -> String {
    const OURS: &[&str] = &["report.md", "recommendations.json", "run.html"];
    let is_plain = |name: &&String| {
        let bare = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        bare && !name.starts_with('.') && !name.is_empty() && !OURS.contains(&name.as_str())
    };
    if let Some(name) = attachment.name.as_ref().filter(is_plain) {
        return name.clone();
    }
    match attachment.artifact.mediatype.split(';').next().unwrap_or_default() {
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

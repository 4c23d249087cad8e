//! Owns `murmur trace`: under which id a tracing backend keeps a goal, and where.
//! Never asks the backend: a link is made of a template, and says nothing about what is behind it.
//! Next: `explain`, which needs no backend.

use runtime::config::TRACE_URL;
use serde::Serialize;

use crate::exit::Exit;
use crate::explain;
use crate::goal::named;
use crate::reach::Where;
use crate::screen::Screen;

/// Print a goal's trace id, and its link where a tracing backend is configured
///
/// One goal is one trace, from its enqueue to its end. MURMUR_TRACE_URL is the address of a trace in your backend, with
/// {trace} where the id belongs, such as http://127.0.0.1:16686/trace/{trace} for Jaeger.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  MURMUR_TRACE_URL=http://127.0.0.1:16686/trace/{trace} murmur trace 7c3f1a")]
pub(crate) struct Asked {
    /// The goal: its id, or at least six characters of its beginning
    goal: String,
}

#[derive(Debug, Serialize)]
struct Told {
    goal: String,
    trace: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

pub(crate) async fn run(asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let reach = place.reach_to_read().await?;
    let id = named::find(&reach, &asked.goal).await?;
    let story = explain::story(&reach, id).await?;
    let trace = story.goal.trace;
    anyhow::ensure!(
        trace.bytes().any(|digit| digit != b'0'),
        "goal {id} was sent without a trace; murmur explain {id}{} needs none",
        reach.flags
    );
    let link = reach.config.trace_url.as_ref().map(|template| template.replace("{trace}", &trace));
    if link.is_none() {
        screen.progress(&format!(
            "set {TRACE_URL} to your backend's address of a trace, with {{trace}} in it, for a link"
        ));
    }
    let told = Told { goal: id.to_string(), trace, link };
    if screen.json {
        screen.document(&told)?;
    } else {
        let lines: Vec<String> = [Some(told.trace), told.link].into_iter().flatten().collect();
        screen.text(&lines.join("\n"))?;
    }
    Ok(Exit::Done)
}

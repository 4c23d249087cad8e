//! Owns `murmur doctor`: everything that must be right, looked at one by one, each told with what to do.
//! Never changes what it looks at, and never stops at the first thing that is wrong.
//! Next: `here` looks at this machine, `there` at the server.

mod here;
mod there;

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::json;

use crate::exit::Exit;
use crate::reach::Where;
use crate::screen::{Screen, harmless};

/// Check everything that must be right, and say what to do
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  murmur doctor\n  murmur doctor --aws --json")]
pub(crate) struct Asked {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    check: &'static str,
    verdict: Verdict,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, found: impl Into<String>) -> Finding {
        Finding { check, verdict: Verdict::Ok, found: found.into(), advice: None }
    }

    fn warn(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { check, verdict: Verdict::Warn, found: found.into(), advice: Some(advice.into()) }
    }

    fn fail(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Finding {
        Finding { check, verdict: Verdict::Fail, found: found.into(), advice: Some(advice.into()) }
    }
}

pub(crate) async fn run(_asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let mut findings = here::look(place);
    findings.extend(there::look(place).await);
    let fails = findings.iter().any(|finding| finding.verdict == Verdict::Fail);
    if screen.json {
        screen.document(&json!({"ok": !fails, "checks": findings}))?;
    } else {
        screen.prose(&told(&findings))?;
    }
    Ok(if fails { Exit::Failed } else { Exit::Done })
}

fn told(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { check, verdict, found, advice } in findings {
        let verdict = match verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "FAIL",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{verdict:<4}  {check}: {}", harmless(found).replace('\n', "\n      "));
        if let Some(advice) = advice {
            let _ = writeln!(text, "      do: {}", harmless(advice));
        }
    }
    let count = |wanted: Verdict| findings.iter().filter(|finding| finding.verdict == wanted).count();
    let (ok, warn, fail) = (count(Verdict::Ok), count(Verdict::Warn), count(Verdict::Fail));
    text + &format!("\n{ok} ok, {warn} to think about, {fail} wrong")
}

//! Owns what of an analysis travels in its event: the most important findings, in few words, within its bytes.
//! Never anything that is not in the artifact as well: `details` refers to the whole.
//! Next: `handler` emits it; whoever needs more reads the artifact.

use contract::ArtifactRef;
use contract::documents::{Analysed, DetailedFinding, Support};
use contract::events::{AnalysisCompleted, Finding};

use crate::words::shortened;

/// Well below what an event may have: the envelope and the goal's own words come on top.
const FINDINGS_BYTES_MAX: usize = 24 * 1024;
const FINDINGS_MAX: usize = 12;
const STATEMENT_BYTES_MAX: usize = 600;
const SUMMARY_BYTES_MAX: usize = 1500;
const PASSAGES_MAX: usize = 8;

pub(crate) fn event(analysed: &Analysed, details: ArtifactRef) -> AnalysisCompleted {
    let mut findings: Vec<Finding> = analysed.findings.iter().take(FINDINGS_MAX).map(short).collect();
    while bytes(&findings) > FINDINGS_BYTES_MAX {
        findings.pop();
    }
    AnalysisCompleted {
        goal: analysed.goal.clone(),
        summary: shortened(&analysed.summary, SUMMARY_BYTES_MAX),
        findings,
        details: Some(details),
    }
}

fn bytes(findings: &[Finding]) -> usize {
    // What cannot be written has no length: the emit will say so.
    serde_json::to_vec(findings).map_or(0, |bytes| bytes.len())
}

fn short(found: &DetailedFinding) -> Finding {
    let ids = |supports: &[Support]| {
        let mut ids: Vec<String> = vec![];
        for support in supports {
            let id = support.passage.to_string();
            if ids.len() < PASSAGES_MAX && !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    };
    Finding {
        statement: shortened(&found.statement, STATEMENT_BYTES_MAX),
        confidence: found.confidence,
        reason: shortened(&found.reason, STATEMENT_BYTES_MAX),
        supporting: ids(&found.supporting),
        contradicting: ids(&found.contradicting),
    }
}

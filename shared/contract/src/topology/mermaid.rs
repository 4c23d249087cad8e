//! Owns the picture of a choreography: a Mermaid flowchart, for `ARCHITECTURE.md` between two marker comments.
//! Never drawn by hand: a test compares what stands there with what the table says.
//! Next: `schema`, which writes it where the markers are.

use std::fmt::Write as _;

use super::{Members, Row, Topology};
use crate::EventType;

pub const BEGIN: &str = "<!-- topology:begin -->";
pub const END: &str = "<!-- topology:end -->";

/// Users at the left, subscribers at the right, queues and joins between them; arrows are events.
pub fn flowchart(topology: &Topology) -> String {
    let mut out = String::from("flowchart LR\n    user([user])\n    subscriber([subscriber])\n");
    // Writing to a String cannot fail.
    for row in &topology.rows {
        let of = if row.daemon.as_str() == row.name.as_str() { String::new() } else { format!(" of {}", row.daemon) };
        let _ = writeln!(out, "    {}[\"{}{of}<br/>{}\"]", node(row), row.name, row.queue);
    }
    for join in &topology.joins {
        let ends = if matches!(join.members, Members::Terminal { .. }) { ", ends the goal" } else { "" };
        let _ = writeln!(out, "    join_{}{{{{\"join {}{ends}\"}}}}", plain(join.name.as_str()), join.name);
    }
    for kind in &topology.entrances {
        arrows(topology, &mut out, "user", kind);
    }
    for row in &topology.rows {
        for kind in &row.emits {
            arrows(topology, &mut out, &node(row), kind);
        }
        if let Some(arrival) = &row.arrives {
            let optional = topology.joins.iter().any(|join| match &join.members {
                Members::Terminal { optional, .. } => join.name == arrival.join && optional.contains(&row.name),
                Members::Opened => false,
            });
            let arrow = if optional { "-.->|arrives, optional|" } else { "-->|arrives|" };
            let _ = writeln!(out, "    {} {arrow} join_{}", node(row), plain(arrival.join.as_str()));
        }
        if let Some(join) = &row.opens {
            let _ = writeln!(out, "    {} -.->|opens| join_{}", node(row), plain(join.as_str()));
        }
    }
    for join in &topology.joins {
        arrows(topology, &mut out, &format!("join_{}", plain(join.name.as_str())), &join.emits);
    }
    out
}

/// What stands between the markers, both included.
pub fn block(topology: &Topology) -> String {
    format!("{BEGIN}\n```mermaid\n{}```\n{END}", flowchart(topology))
}

/// The page with its block made anew; `None` where it has no markers.
pub fn renewed(page: &str, topology: &Topology) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{}{after}", block(topology)))
}

fn arrows(topology: &Topology, out: &mut String, from: &str, kind: &EventType) {
    for row in topology.rows.iter().filter(|row| row.consumes.contains(kind)) {
        let _ = writeln!(out, "    {from} -->|{kind}| {}", node(row));
    }
    if topology.results.contains(kind) {
        let _ = writeln!(out, "    {from} -->|{kind}| subscriber");
    }
}

fn node(row: &Row) -> String {
    format!("row_{}", plain(row.name.as_str()))
}

fn plain(name: &str) -> String {
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

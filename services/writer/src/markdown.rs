//! Owns the report as Markdown: what a person reads in a terminal, and the form that the checker reads back.
//! Never text of others unescaped: each line's structure is this file's alone.
//! Next: `parse` is its other half; `handler` stores it as the report itself.

use std::fmt::Write;

use crate::escape::{fence, inline, markdown as escaped, visible};
use crate::report::{
    Disagreement, Drawn, LimitKind, Numbers, Paragraph, Quotation, Reference, Report, Section, Statement,
    confidence_word,
};

pub(crate) const MEDIATYPE: &str = "text/markdown; charset=utf-8";
pub(crate) const NUMBERS_HEAD: &str = "| What | Of | Value | Computed from |";
pub(crate) const NUMBERS_RULE: &str = "| :--- | :--- | ---: | ---: |";

/// Writing to a string cannot fail.
macro_rules! put {
    ($out:expr, $($words:tt)*) => {{ let _ = writeln!($out, $($words)*); }};
}

pub fn markdown(report: &Report) -> String {
    let mut out = String::new();
    put!(out, "# {}\n", inline(&report.title));
    put!(out, "{}\n", byline(report));
    if inline(&report.goal) != inline(&report.title) {
        put!(out, "The goal: {}\n", inline(&report.goal));
    }
    put!(out, "## Summary\n");
    paragraphs(&mut out, &report.summary, true);
    list(&mut out, "## What was looked at", &report.looked_at);
    list(&mut out, "## What to do next", &report.next);
    if !report.sections.is_empty() {
        put!(out, "## Findings\n");
        report.sections.iter().for_each(|section| self::section(&mut out, section));
    }
    if !report.conflicts.is_empty() {
        put!(out, "## Where sources disagree\n");
        report.conflicts.iter().for_each(|conflict| disagreement(&mut out, conflict));
    }
    if !report.charts.is_empty() {
        put!(out, "## Charts\n");
        report.charts.iter().for_each(|chart| drawn(&mut out, chart));
    }
    if !report.numbers.is_empty() {
        put!(out, "## Numbers\n");
        report.numbers.iter().for_each(|table| numbers(&mut out, table));
    }
    limits(&mut out, report);
    files(&mut out, report);
    if !report.references.is_empty() {
        put!(out, "## References\n");
        report.references.iter().for_each(|one| reference(&mut out, one));
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

/// `Written on 2026-11-20; 9 findings, 12 references.`
pub(crate) fn byline(report: &Report) -> String {
    let counted = crate::figure::counted;
    let findings = counted(report.statements().count(), "finding", "findings");
    let proof = match report.references.len() {
        0 => "nothing to refer to".to_owned(),
        count => format!("{}, each held against its source", counted(count, "reference", "references")),
    };
    format!("Written on {}: {findings}, {proof}.", inline(&report.written))
}

/// ` [1], [2]`, or nothing.
pub(crate) fn cited(citations: &[u32]) -> String {
    let all: Vec<String> = citations.iter().map(|citation| format!("[{citation}]")).collect();
    if all.is_empty() { String::new() } else { format!(" {}", all.join(", ")) }
}

fn paragraphs(out: &mut String, paragraphs: &[Paragraph], points: bool) {
    let mut listing = false;
    for paragraph in paragraphs {
        // What rests on one finding is a point of the summary, and stands in a list.
        let point = points && paragraph.findings.len() == 1;
        if listing && !point {
            put!(out, "");
        }
        let (mark, end) = if point { ("- ", "") } else { ("", "\n") };
        put!(out, "{mark}{}{}{end}", inline(&paragraph.text), cited(&paragraph.citations));
        listing = point;
    }
    if listing {
        put!(out, "");
    }
}

fn list(out: &mut String, heading: &str, lines: &[String]) {
    if !lines.is_empty() {
        put!(out, "{heading}\n");
        lines.iter().for_each(|line| put!(out, "- {}", inline(line)));
        put!(out, "");
    }
}

fn section(out: &mut String, section: &Section) {
    put!(out, "### {}\n", inline(&section.heading));
    paragraphs(out, &section.lead, false);
    section.statements.iter().for_each(|statement| self::statement(out, statement));
}

fn statement(out: &mut String, statement: &Statement) {
    put!(out, "**{}. {}**{}\n", statement.number, inline(&statement.text), cited(&statement.citations));
    put!(out, "Confidence: {}. {}\n", confidence_word(statement.confidence), inline(&statement.reason));
    if statement.more > 0 {
        put!(out, "Further passages that support it: {}\n", statement.more);
    }
    let (against, support): (Vec<_>, Vec<_>) =
        statement.quotes.iter().partition(|quote| statement.against.contains(&quote.citation));
    support.into_iter().for_each(|quote| put!(out, "{}\n", quoted(quote)));
    if !statement.against.is_empty() {
        put!(out, "Against it:{}\n", cited(&statement.against));
    }
    if statement.more_against > 0 {
        put!(out, "Further passages that contradict it: {}\n", statement.more_against);
    }
    against.into_iter().for_each(|quote| put!(out, "{}\n", quoted(quote)));
}

/// `> “word for word” [3]`
fn quoted(quote: &Quotation) -> String {
    let cut = if quote.cut { " […]" } else { "" };
    let text = format!("“{}”{cut} [{}]", escaped(&quote.text), quote.citation);
    text.split('\n').map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n")
}

fn numbers(out: &mut String, table: &Numbers) {
    put!(out, "### {}{}\n", inline(&table.caption), cited(&table.citations));
    put!(out, "{NUMBERS_HEAD}\n{NUMBERS_RULE}");
    for row in &table.rows {
        let group = if row.group.is_empty() { "all rows".into() } else { inline(&row.group) };
        put!(out, "| {} | {group} | {} | {} |", inline(&row.label), inline(&row.printed), row.of);
    }
    put!(out, "");
}

fn drawn(out: &mut String, chart: &Drawn) {
    put!(out, "### {}{}\n", inline(&chart.title), cited(&chart.citations));
    put!(out, "Drawn in the file `{}`:\n", chart.file);
    chart.bars.iter().for_each(|bar| put!(out, "- {}: {}", inline(&bar.label), inline(&bar.printed)));
    put!(out, "");
}

fn disagreement(out: &mut String, conflict: &Disagreement) {
    put!(out, "**{}**\n", inline(&conflict.about));
    for position in &conflict.positions {
        put!(out, "- {}\n\n{}\n", inline(&position.says), quoted(&position.quote));
    }
    if let Some(leaning) = &conflict.leaning {
        put!(out, "Rather to be believed: {}\n", inline(leaning));
    }
}

fn limits(out: &mut String, report: &Report) {
    put!(out, "## Limits of the evidence\n");
    for kind in LimitKind::ALL {
        for limit in report.limits.iter().filter(|limit| limit.kind == kind) {
            put!(out, "- {}: {}{}", kind.label(), inline(&limit.text), cited(&limit.citations));
        }
    }
    if report.limits.is_empty() {
        put!(out, "None are known: every question was answered, and every source could be read.");
    }
    put!(out, "");
}

fn files(out: &mut String, report: &Report) {
    if report.files.is_empty() {
        return;
    }
    put!(out, "## Files\n");
    for file in &report.files {
        let digest = file.sha256.as_str().get(..12).unwrap_or_default();
        put!(out, "- `{}`: {} ({} bytes, SHA-256 {digest}…)", file.name, inline(&file.about), file.bytes);
    }
    put!(out, "");
}

fn reference(out: &mut String, reference: &Reference) {
    put!(out, "### [{}] {}\n", reference.number, inline(&reference.title));
    put!(out, "- Address: {}", inline(&reference.address));
    put!(out, "- Collection: {}", inline(&reference.collection));
    if let Some(date) = &reference.date {
        put!(out, "- Date: {}", inline(date));
    }
    if !reference.headings.is_empty() {
        put!(out, "- Under: {}", inline(&reference.headings.join(" › ")));
    }
    put!(out, "- Bytes: {}..{} of its text\n", reference.place.start, reference.place.end);
    let fence = fence(&reference.quote);
    put!(out, "{fence}text\n{}\n{fence}\n", visible(&reference.quote));
}

//! Owns reading a report back from its Markdown: every statement, number, citation, quote and reference of it.
//! Never lenient: a line that no report has is a fault.
//! Next: `check` proves what was read as it proves the report itself.

use contract::documents::{MetricId, Place, SourceId};
use contract::events::Confidence;

use crate::escape::{unescaped, unvisible};
use crate::report::{
    Bar, Disagreement, Drawn, Limit, LimitKind, NumberRow, Numbers, Paragraph, Position, Quotation, Reference, Report,
    Section, Statement, confidence_word,
};
use crate::{Fault, markdown};

/// What the Markdown says. What it does not say (ids of findings and metrics, files) is empty.
pub fn read(markdown: &str) -> Result<Report, Fault> {
    let lines: Vec<&str> = markdown.split('\n').collect();
    let mut reader = Reader { lines, at: 0, report: Report::default() };
    reader.all().map(|()| reader.report)
}

struct Reader<'a> {
    lines: Vec<&'a str>,
    at: usize,
    report: Report,
}

type Read = Result<(), Fault>;

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.lines.get(self.at).copied()
    }

    /// The next line that is not empty.
    fn next(&mut self) -> Option<&'a str> {
        while self.peek().is_some_and(str::is_empty) {
            self.at += 1;
        }
        let line = self.peek();
        self.at += 1;
        line
    }

    fn strange<T>(&self, why: &str) -> Result<T, Fault> {
        let line = self.at.min(self.lines.len());
        let text = self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        Err(Fault::Unreadable { line, why: format!("{why}: {}", contract::bounded(text)) })
    }

    fn all(&mut self) -> Read {
        match self.next().and_then(|line| line.strip_prefix("# ")) {
            Some(title) => self.report.title = unescaped(title),
            None => return self.strange("a report begins with its title"),
        }
        self.report.goal = self.report.title.clone();
        let mut part = "";
        while let Some(line) = self.next() {
            match line.strip_prefix("## ") {
                Some(heading) => part = heading,
                None => self.line(part, line)?,
            }
        }
        Ok(())
    }

    fn line(&mut self, part: &str, line: &'a str) -> Read {
        match part {
            "" => self.front(line),
            "Summary" => {
                let paragraph = paragraph(line.strip_prefix("- ").unwrap_or(line));
                self.report.summary.push(paragraph);
                Ok(())
            }
            "What was looked at" => self.item(line).map(|text| self.report.looked_at.push(text)),
            "What to do next" => self.item(line).map(|text| self.report.next.push(text)),
            "Findings" => self.finding(line),
            "Numbers" => self.numbers(line),
            "Charts" => self.chart(line),
            "Where sources disagree" => self.conflict(line),
            "Limits of the evidence" => self.limit(line),
            "Files" => self.item(line).map(drop),
            "References" => self.reference(line),
            _ => self.strange("no report has this part"),
        }
    }

    fn front(&mut self, line: &str) -> Read {
        if let Some(goal) = line.strip_prefix("The goal: ") {
            self.report.goal = unescaped(goal);
        } else if let Some((day, _)) = line.strip_prefix("Written on ").and_then(|rest| rest.split_once(": ")) {
            self.report.written = unescaped(day);
        } else {
            return self.strange("nothing of the kind stands before the summary");
        }
        Ok(())
    }

    fn item(&self, line: &str) -> Result<String, Fault> {
        line.strip_prefix("- ").map(unescaped).map_or_else(|| self.strange("a list was expected"), Ok)
    }

    fn finding(&mut self, line: &'a str) -> Read {
        if let Some(heading) = line.strip_prefix("### ") {
            self.report.sections.push(Section { heading: unescaped(heading), ..Section::default() });
            return Ok(());
        }
        let quote = line.starts_with("> ").then(|| self.quote(line)).transpose()?;
        let Some(section) = self.report.sections.last_mut() else { return self.strange("no section has begun") };
        if let Some(rest) = line.strip_prefix("**") {
            let (text, citations) = citations(rest);
            let read = text.strip_suffix("**").and_then(|text| text.split_once(". "));
            let Some((number, text)) = read.and_then(|(number, text)| Some((number.parse().ok()?, text))) else {
                return self.strange("a statement has a number, its text and its citations");
            };
            section.statements.push(stated(number, text, citations));
            return Ok(());
        }
        let Some(statement) = section.statements.last_mut() else {
            section.lead.push(paragraph(line));
            return Ok(());
        };
        if let Some(quote) = quote {
            statement.quotes.push(quote);
        } else if let Some((word, reason)) = line.strip_prefix("Confidence: ").and_then(|rest| rest.split_once('.')) {
            let known = [Confidence::Low, Confidence::Medium, Confidence::High];
            match known.into_iter().find(|known| confidence_word(*known) == word) {
                Some(confidence) => statement.confidence = confidence,
                None => return self.strange("no such confidence"),
            }
            statement.reason = unescaped(reason.strip_prefix(' ').unwrap_or(reason));
        } else if let Some(rest) = line.strip_prefix("Against it:") {
            statement.against = citations(rest).1;
        } else if let Some(more) = line.strip_prefix("Further passages that support it: ") {
            statement.more = more.parse().unwrap_or(u32::MAX);
        } else if let Some(more) = line.strip_prefix("Further passages that contradict it: ") {
            statement.more_against = more.parse().unwrap_or(u32::MAX);
        } else {
            return self.strange("this belongs to no statement");
        }
        Ok(())
    }

    /// A block quote, from its first line on.
    fn quote(&mut self, first: &'a str) -> Result<Quotation, Fault> {
        let mut lines = vec![first.strip_prefix("> ").unwrap_or(first)];
        while let Some(line) = self.peek().and_then(|line| line.strip_prefix("> ")) {
            lines.push(line);
            self.at += 1;
        }
        let whole = lines.join("\n");
        let (text, cited) = citations(&whole);
        let (text, cut) = text.strip_suffix(" […]").map_or((text, false), |text| (text, true));
        let words = text.strip_prefix('“').and_then(|text| text.strip_suffix('”'));
        match (words, cited.as_slice()) {
            (Some(words), [citation]) => Ok(Quotation { text: unescaped(words), cut, citation: *citation }),
            _ => self.strange("a quote stands between “ and ”, before its one citation"),
        }
    }

    fn numbers(&mut self, line: &str) -> Read {
        if let Some(heading) = line.strip_prefix("### ") {
            let (caption, citations) = citations(heading);
            self.report.numbers.push(Numbers { caption: unescaped(caption), citations, ..Numbers::default() });
            return Ok(());
        }
        if [markdown::NUMBERS_HEAD, markdown::NUMBERS_RULE].contains(&line) {
            return Ok(());
        }
        let cells = cells(line);
        let [label, group, printed, of] = cells.as_slice() else { return self.strange("a row has four cells") };
        let row = NumberRow {
            metric: MetricId(String::new()),
            label: label.clone(),
            group: if group == "all rows" { String::new() } else { group.clone() },
            value: f64::NAN,
            printed: printed.clone(),
            of: of.parse().unwrap_or(u32::MAX),
        };
        match self.report.numbers.last_mut() {
            Some(table) => table.rows.push(row),
            None => return self.strange("no table has begun"),
        }
        Ok(())
    }

    fn chart(&mut self, line: &str) -> Read {
        if let Some(heading) = line.strip_prefix("### ") {
            let (title, citations) = citations(heading);
            self.report.charts.push(Drawn { title: unescaped(title), citations, ..Drawn::default() });
            return Ok(());
        }
        let Some(chart) = self.report.charts.last_mut() else { return self.strange("no chart has begun") };
        if let Some(file) = line.strip_prefix("Drawn in the file `").and_then(|rest| rest.strip_suffix("`:")) {
            chart.file = file.to_owned();
            return Ok(());
        }
        let Some((label, printed)) = line.strip_prefix("- ").and_then(|bar| bar.rsplit_once(": ")) else {
            return self.strange("a bar has a label and a value");
        };
        let (label, printed) = (unescaped(label), unescaped(printed));
        chart.bars.push(Bar { label, metric: MetricId(String::new()), value: f64::NAN, printed });
        Ok(())
    }

    fn conflict(&mut self, line: &'a str) -> Read {
        let quote = line.starts_with("> ").then(|| self.quote(line)).transpose()?;
        let about = line.strip_prefix("**").and_then(|about| about.strip_suffix("**"));
        if let Some(about) = about {
            self.report.conflicts.push(Disagreement { about: unescaped(about), ..Disagreement::default() });
            return Ok(());
        }
        let Some(conflict) = self.report.conflicts.last_mut() else { return self.strange("no conflict has begun") };
        if let Some(quote) = quote {
            match conflict.positions.last_mut() {
                Some(position) => position.quote = quote,
                None => return self.strange("nobody is quoted here"),
            }
        } else if let Some(leaning) = line.strip_prefix("Rather to be believed: ") {
            conflict.leaning = Some(unescaped(leaning));
        } else if let Some(says) = line.strip_prefix("- ") {
            conflict.positions.push(Position { says: unescaped(says), ..Position::default() });
        } else {
            return self.strange("this belongs to no conflict");
        }
        Ok(())
    }

    fn limit(&mut self, line: &str) -> Read {
        let Some((label, rest)) = line.strip_prefix("- ").and_then(|limit| limit.split_once(": ")) else {
            return if line.starts_with("None are known") { Ok(()) } else { self.strange("a limit names its kind") };
        };
        let Some(kind) = LimitKind::ALL.into_iter().find(|kind| kind.label() == label) else {
            return self.strange("no such limit");
        };
        let (text, citations) = citations(rest);
        self.report.limits.push(Limit { kind, text: unescaped(text), citations });
        Ok(())
    }

    fn reference(&mut self, line: &'a str) -> Read {
        let heading = line.strip_prefix("### [").and_then(|rest| rest.split_once(']'));
        let Some((number, title)) = heading.and_then(|(number, title)| Some((number.parse().ok()?, title))) else {
            return self.strange("a reference begins with its number and its title");
        };
        let mut reference = Reference {
            number,
            source: SourceId(String::new()),
            passages: vec![],
            title: unescaped(title.strip_prefix(' ').unwrap_or(title)),
            address: String::new(),
            collection: String::new(),
            date: None,
            headings: vec![],
            place: Place { start: u64::MAX, end: u64::MAX },
            quote: String::new(),
        };
        while let Some(line) = self.next() {
            let Some((name, value)) = line.strip_prefix("- ").and_then(|item| item.split_once(": ")) else { break };
            match name {
                "Address" => reference.address = unescaped(value),
                "Collection" => reference.collection = unescaped(value),
                "Date" => reference.date = Some(unescaped(value)),
                "Under" => reference.headings = vec![unescaped(value)],
                "Bytes" => reference.place = place(value).map_or_else(|| self.strange("no place"), Ok)?,
                _ => return self.strange("no reference says this"),
            }
        }
        reference.quote = self.fenced()?;
        self.report.references.push(reference);
        Ok(())
    }

    /// What stands between the fence that was just read and its like.
    fn fenced(&mut self) -> Result<String, Fault> {
        let fence = self.lines.get(self.at.wrapping_sub(1)).and_then(|line| line.strip_suffix("text"));
        let Some(fence) = fence.filter(|fence| fence.len() >= 3 && fence.bytes().all(|byte| byte == b'`')) else {
            return self.strange("a reference quotes its source");
        };
        let from = self.at;
        while let Some(line) = self.peek() {
            self.at += 1;
            if line == fence {
                return Ok(unvisible(&self.lines[from..self.at - 1].join("\n")));
            }
        }
        self.strange("the quote has no end")
    }
}

fn paragraph(line: &str) -> Paragraph {
    let (text, citations) = citations(line);
    Paragraph { text: unescaped(text), findings: vec![], citations }
}

fn stated(number: u32, text: &str, citations: Vec<u32>) -> Statement {
    Statement {
        number,
        finding: String::new(),
        text: unescaped(text),
        confidence: Confidence::Low,
        reason: String::new(),
        citations,
        more: 0,
        against: vec![],
        more_against: 0,
        quotes: vec![],
        metrics: vec![],
    }
}

/// A text, and the citations at its end: `words [1], [2]`. Brackets of the text itself are escaped.
fn citations(line: &str) -> (&str, Vec<u32>) {
    let mut text = line;
    let mut found = vec![];
    while let Some((before, number)) = text.strip_suffix(']').and_then(|rest| rest.rsplit_once(" [")) {
        let Ok(number) = number.parse() else { break };
        found.insert(0, number);
        text = before;
        match before.strip_suffix(',') {
            Some(more) if more.ends_with(']') => text = more,
            _ => break,
        }
    }
    (text, found)
}

/// The cells of a row. A bar within a cell is escaped.
fn cells(line: &str) -> Vec<String> {
    let Some(inner) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else { return vec![] };
    inner.split(" | ").map(unescaped).collect()
}

/// `120..180 of its text`
fn place(text: &str) -> Option<Place> {
    let (start, end) = text.strip_suffix(" of its text")?.split_once("..")?;
    Some(Place { start: start.parse().ok()?, end: end.parse().ok()? })
}

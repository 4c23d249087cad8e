//! Owns the story as a sequence diagram in Mermaid's language: who sent what to whom, in order.
//! Never a foreign word that the language would obey: what could end a message or begin another is spelled out.
//! Next: whoever pastes it into a document.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use contract::RowName;
use contract::story::{AttemptTold, JoinTold, Moment, Origin, RunStory, StepTold, What};
use runtime::story::span;

use super::sight;

const TEXT_CHARS_MAX: usize = 90;

pub(super) fn diagram(story: &RunStory) -> String {
    let cast = Cast::of(story);
    let mut all = String::from("sequenceDiagram\n");
    // Writing to a String cannot fail.
    let _ = writeln!(all, "    %% {}", safe(&story.summary));
    for (name, shown) in &cast.order {
        let _ = writeln!(all, "    participant {name} as {}", safe(shown));
    }
    for line in story.moments.iter().flat_map(|moment| cast.lines(story, moment)) {
        let _ = writeln!(all, "    {line}");
    }
    let first = cast.order.first().zip(cast.order.last());
    if let Some(((first, _), (last, _))) = first {
        let _ = writeln!(all, "    Note over {first},{last}: {}", safe(&story.summary));
    }
    all
}

/// Who takes part, each under a name that the language cannot mistake for a word of its own.
struct Cast {
    order: Vec<(String, String)>,
    rows: BTreeMap<RowName, String>,
    joins: BTreeMap<String, String>,
    letters: BTreeMap<RowName, String>,
}

impl Cast {
    fn of(story: &RunStory) -> Cast {
        let mut cast = Cast {
            order: vec![("you".into(), "you".into())],
            rows: BTreeMap::new(),
            joins: BTreeMap::new(),
            letters: BTreeMap::new(),
        };
        for step in &story.steps {
            if !cast.rows.contains_key(&step.row) {
                let name = format!("row{}", cast.rows.len());
                cast.order.push((name.clone(), step.row.to_string()));
                cast.rows.insert(step.row.clone(), name);
            }
            // The join stands behind those who arrive at it.
            for join in story.joins.iter().filter(|join| step.arrives.as_ref() == Some(&join.join)) {
                cast.add_join(join);
            }
        }
        story.joins.iter().for_each(|join| cast.add_join(join));
        for step in story.steps.iter().filter(|step| !step.parked.is_empty()) {
            if !cast.letters.contains_key(&step.row) {
                let name = format!("letters{}", cast.letters.len());
                cast.order.push((name.clone(), format!("{}-dlq", step.queue)));
                cast.letters.insert(step.row.clone(), name);
            }
        }
        cast
    }

    fn add_join(&mut self, join: &JoinTold) {
        if !self.joins.contains_key(join.join.as_str()) {
            let name = format!("join{}", self.joins.len());
            self.order.push((name.clone(), format!("join {}", join.join)));
            self.joins.insert(join.join.to_string(), name);
        }
    }

    fn row(&self, row: &RowName) -> &str {
        self.rows.get(row).map_or("you", String::as_str)
    }

    fn origin(&self, from: &Origin) -> &str {
        match from {
            Origin::User | Origin::Unknown => "you",
            Origin::Step { row, .. } => self.row(row),
            Origin::Join { join } => self.joins.get(join.as_str()).map_or("you", String::as_str),
        }
    }

    fn lines(&self, story: &RunStory, moment: &Moment) -> Vec<String> {
        let step = moment.row.as_ref().zip(moment.event).and_then(|(row, event)| story.step(row, event));
        match step {
            Some(step) => self.of_step(step, moment).into_iter().collect(),
            None => self.of_join(story, moment),
        }
    }

    fn of_step(&self, step: &StepTold, moment: &Moment) -> Option<String> {
        let row = self.row(&step.row);
        let note = |words: &str| Some(format!("Note over {row}: {}", safe(words)));
        let attempt = attempt_at(step, moment);
        match moment.what {
            What::Sent => {
                let queue = step.attempts.first().map(|first| sight::lapse("queue", first.wait)).unwrap_or_default();
                let words = format!("{} ({}, {queue})", moment.words, sight::lapse("bus", step.bus));
                Some(format!("{}->>{row}: {}", self.origin(&step.from), safe(&words)))
            }
            What::Redriven => Some(format!("{}->>{row}: {}", self.letters.get(&step.row)?, safe("redriven"))),
            What::Committed => {
                let work = attempt.map(|attempt| span(attempt.work.ms)).unwrap_or_default();
                let about = step.about.as_ref().map(|about| format!("{about}: ")).unwrap_or_default();
                note(&format!("{about}{work}"))
            }
            What::Failed => {
                let number = attempt.and_then(|attempt| attempt.number).unwrap_or(0);
                note(&format!("attempt {number} failed: {}", moment.words))
            }
            What::Died | What::GivenBack => note(&moment.words),
            What::GaveUp => Some(format!("{row}-x{}: {}", self.letters.get(&step.row)?, safe(&moment.words))),
            _ => None,
        }
    }

    fn of_join(&self, story: &RunStory, moment: &Moment) -> Vec<String> {
        // Its words begin with its name, or name it behind `at `.
        let named = |join: &&JoinTold| {
            let words = moment.words.strip_prefix("at ").unwrap_or(&moment.words);
            words.strip_prefix(join.join.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', ',']))
        };
        let join = story.joins.iter().find(named);
        let name = join.and_then(|join| self.joins.get(join.join.as_str())).map_or("you", String::as_str);
        let row = moment.row.as_ref().map_or("you", |row| self.row(row));
        match moment.what {
            What::Opened => vec![format!("{row}-->>{name}: {}", safe(&format!("opens {}", moment.words)))],
            What::Arrived if moment.words.contains(',') => {
                vec![format!("{row}-x{name}: {}", safe("arrives with nothing"))]
            }
            What::Arrived => vec![format!("{row}-->>{name}: arrives")],
            What::Closed => vec![format!("Note over {name}: {}", safe(&moment.words))],
            What::Ended => {
                let last = story.joins.iter().find(|join| join.ends_goal && join.closed_at.is_some());
                let from = last.and_then(|join| self.joins.get(join.join.as_str()));
                let from = from.cloned().unwrap_or_else(|| self.ender(story));
                vec![format!("{from}-->>you: {}", safe(&moment.words))]
            }
            _ => vec![],
        }
    }

    /// Whoever noticed: the step that gave up, or the first row, which hears cancellations and sweeps like all.
    fn ender(&self, story: &RunStory) -> String {
        let row = story.trouble.as_ref().map(|trouble| self.row(&trouble.row).to_owned());
        row.or_else(|| self.rows.values().next().cloned()).unwrap_or_else(|| "you".into())
    }
}

fn attempt_at<'a>(step: &'a StepTold, moment: &Moment) -> Option<&'a AttemptTold> {
    step.attempts.iter().find(|attempt| attempt.ended_at == Some(moment.at))
}

/// Entity codes for what means something to the language; one line, and not a long one.
fn safe(text: &str) -> String {
    let text = super::ink::clean(text);
    let short = text.chars().count() <= TEXT_CHARS_MAX;
    let cut: String = if short { text } else { text.chars().take(TEXT_CHARS_MAX - 1).chain(['…']).collect() };
    let mut told = String::new();
    for c in cut.chars() {
        match c {
            '#' => told += "#35;",
            ';' => told += "#59;",
            '<' => told += "#lt;",
            '>' => told += "#gt;",
            '%' => told += "#37;",
            '{' | '}' | '[' | ']' | '"' | '`' | '\\' => {
                let _ = write!(told, "#{};", u32::from(c));
            }
            c => told.push(c),
        }
    }
    // A message must have words.
    if told.trim().is_empty() { "-".into() } else { told }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hop_and_every_failure_is_an_arrow_or_a_note() {
        let text = diagram(&RunStory::example());
        for wanted in ["participant row0 as research", "letters0 as murmur-analysis-dlq", "row2-xletters0: "] {
            assert!(text.contains(wanted), "{wanted} is not in\n{text}");
        }
        assert!(text.starts_with("sequenceDiagram\n"));
    }

    #[test]
    fn foreign_words_can_neither_end_a_message_nor_begin_one() {
        let told = safe("a; b\nyou->>row0: c # <b> end %% {x}");
        assert!(!told.contains(['\n', '<', '>', '%', '{']), "{told}");
        assert_eq!(told.matches(';').count(), told.matches('#').count(), "{told}");
        assert_eq!(safe(" "), "-");
    }

    #[test]
    fn nobody_is_named_who_does_not_take_part() {
        let text = diagram(&RunStory::example());
        let parts: Vec<&str> =
            text.lines().filter_map(|line| line.trim().strip_prefix("participant ")?.split(' ').next()).collect();
        for line in text.lines().filter(|line| line.contains("->>") || line.contains("-x")) {
            let (from, rest) = line.trim().split_once('-').unwrap_or_default();
            let to = rest.trim_start_matches(['-', '>', 'x']).split(':').next().unwrap_or_default();
            assert!(parts.contains(&from) && parts.contains(&to), "{line} in\n{text}");
        }
    }
}

//! Owns the story as lines for a terminal: where it stands, what to do, and then every hop in order.
//! Never wider than the terminal, and never dependent on colour: what is red has a mark of its own, too.
//! Next: `ink` wraps and paints, `sight` has the words.

use contract::UnixMs;
use contract::story::{AttemptEnd, AttemptTold, EndTold, JoinTold, Parked, RunStory, StepTold, Waiting};
use runtime::story::span;
use unicode_width::UnicodeWidthStr as _;

use super::ink::{Ink, fitted, joined, lines};
use super::sight::{self, Doing, Scale, Tone, mark};

const COLUMNS_MAX: usize = 120;
const COLUMNS_MIN: usize = 23;
const TIME: usize = 9;
const NAME_MAX: usize = 20;
/// A bar shorter than this says nothing.
const BAR_MIN: usize = 12;
const TOOK: usize = 11;
const INDENT: usize = 2;

pub(super) fn told(story: &RunStory, ink: Ink, columns: usize) -> String {
    let sheet = Sheet::of(story, ink, columns);
    let mut all = sheet.head();
    all.push(String::new());
    for entry in sheet.entries() {
        all.extend(match entry {
            Entry::Step(step) => sheet.step(step),
            Entry::Join(join) => sheet.join(join),
            Entry::Waiting(waiting) => sheet.waiting(waiting),
            Entry::End(end) => sheet.end(end),
        });
    }
    for gap in &story.gaps {
        all.extend(lines(&format!("Not told: {gap}"), sheet.columns).iter().map(|line| ink.odd(line)));
    }
    all.join("\n")
}

struct Sheet<'a> {
    story: &'a RunStory,
    ink: Ink,
    columns: usize,
    name: usize,
    bar: usize,
    scale: Scale,
}

enum Entry<'a> {
    Step(&'a StepTold),
    Join(&'a JoinTold),
    Waiting(&'a Waiting),
    End(&'a EndTold),
}

impl<'a> Sheet<'a> {
    fn of(story: &'a RunStory, ink: Ink, columns: usize) -> Sheet<'a> {
        // The last column stays free: some terminals wrap when it is written to.
        let columns = columns.saturating_sub(1).clamp(COLUMNS_MIN, COLUMNS_MAX);
        let steps = story.steps.iter().map(|step| step.row.as_str().width());
        let names = steps.chain(story.joins.iter().map(|join| join.join.as_str().width()));
        let name = names.max().unwrap_or(0).clamp(4, NAME_MAX);
        let bar = columns.saturating_sub(TIME + 3 + name + 1 + 1 + TOOK);
        let bar = if bar < BAR_MIN { 0 } else { bar };
        Sheet { story, ink, columns, name, bar, scale: Scale::of(story) }
    }

    fn toned(&self, tone: Tone, text: &str) -> String {
        match tone {
            Tone::Good => self.ink.good(text),
            Tone::Bad => self.ink.bad(text),
            Tone::Odd => self.ink.odd(text),
            Tone::Live => self.ink.live(text),
            Tone::Soft => self.ink.soft(text),
        }
    }

    /// Ten seconds' worth: the standing, the sentence, the cause, the letter, the command.
    fn head(&self) -> Vec<String> {
        let story = self.story;
        let tone = sight::tone_of_goal(story.standing);
        let mut all: Vec<String> = lines(&format!("{} {}", mark(tone), story.summary), self.columns)
            .iter()
            .map(|line| self.toned(tone, &self.ink.strong(line)))
            .collect();
        all.push(String::new());
        for (label, text) in self.facts() {
            all.extend(self.fact(label, &text));
        }
        for (at, command) in story.next.iter().enumerate() {
            // Never wrapped: it is there to be copied.
            let label = if at == 0 { "next" } else { "or" };
            all.push(format!(
                "  {} {}",
                self.ink.soft(&fitted(label, 11)),
                self.ink.strong(&super::ink::clean(command))
            ));
        }
        all
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let story = self.story;
        let goal = &story.goal;
        let mut facts = vec![];
        if let Some(trouble) = &story.trouble {
            facts.push(("cause", trouble.cause.to_string()));
            let letter = &trouble.dead_letter;
            let sent = if letter.sent { "" } else { " (not sent yet)" };
            facts.push(("dead letter", format!("number {} of this step, in {}{sent}", letter.n, letter.queue)));
        }
        facts.push(("goal", goal.words.clone()));
        facts.push(("id", goal.id.to_string()));
        facts.extend(goal.key.as_ref().map(|key| ("key", key.clone())));
        if let Some(from) = &goal.forked_from {
            facts.push(("fork of", format!("{} from {}", from.goal, from.row)));
        }
        facts.push(("requested", goal.requested_at.to_string()));
        facts.push(("spent", sight::spending(story).join(" · ")));
        facts
    }

    fn fact(&self, label: &str, text: &str) -> Vec<String> {
        let folded = lines(text, self.columns.saturating_sub(INDENT + 12));
        let label = |at: usize| if at == 0 { fitted(label, 11) } else { " ".repeat(11) };
        folded.iter().enumerate().map(|(at, line)| format!("  {} {line}", self.ink.soft(&label(at)))).collect()
    }

    fn entries(&self) -> Vec<Entry<'a>> {
        let never = UnixMs(i64::MAX);
        let mut all: Vec<(UnixMs, u8, Entry<'a>)> = vec![];
        all.extend(self.story.steps.iter().map(|step| (step.event_at, 1, Entry::Step(step))));
        for join in &self.story.joins {
            let (at, order) = if join.ends_goal { (never, 3) } else { (join.closed_at.unwrap_or(never), 0) };
            all.push((at, order, Entry::Join(join)));
        }
        all.extend(self.story.waiting.iter().map(|waiting| (never, 2, Entry::Waiting(waiting))));
        all.extend(self.story.end.iter().map(|end| (never, 4, Entry::End(end))));
        all.sort_by_key(|(at, order, _)| (*at, *order));
        all.into_iter().map(|(_, _, entry)| entry).collect()
    }

    /// `    +12 ms ✓ research        ··███·······     43 ms`
    fn row(&self, at: Option<UnixMs>, tone: Tone, name: &str, bar: &str, took: &str) -> String {
        let time = at.map(|at| format!("+{}", span(sight::ms(self.story.goal.requested_at, at)))).unwrap_or_default();
        let time = format!("{time:>TIME$}");
        let name = self.ink.strong(&fitted(name, self.name));
        let bar = if self.bar == 0 { String::new() } else { format!("{bar} ") };
        let line = format!("{} {} {name} {bar}{took}", self.ink.soft(&time), self.toned(tone, mark(tone)));
        line.trim_end().to_owned()
    }

    fn step(&self, step: &StepTold) -> Vec<String> {
        let now = self.story.told_at;
        let tone = sight::tone_of_step(step.state);
        let took = format!("{:>TOOK$}", span(sight::took(step, now)));
        let mut all = vec![self.row(Some(step.event_at), tone, step.row.as_str(), &self.bar_of(step), &took)];
        if let Some(about) = &step.about {
            all.extend(self.below(&[format!("“{about}”")], INDENT, Tone::Soft));
        }
        let only = match step.attempts.as_slice() {
            [only] if only.end == AttemptEnd::Committed => Some(only),
            _ => None,
        };
        let mut parts = vec![sight::input(step), sight::lapse("bus", step.bus)];
        parts.extend(only.iter().flat_map(|attempt| sight::parts(step, attempt)));
        all.extend(self.below(&parts, INDENT, Tone::Soft));
        if only.is_none() {
            for attempt in &step.attempts {
                all.extend(self.attempt(step, attempt));
                let gave_up =
                    step.attempts.iter().filter(|one| one.end == AttemptEnd::GaveUp && one.epoch <= attempt.epoch);
                let letter = step.parked.get(gave_up.count().wrapping_sub(1));
                all.extend(
                    letter.filter(|_| attempt.end == AttemptEnd::GaveUp).into_iter().flat_map(|one| self.letter(one)),
                );
            }
            let standing = sight::state(step, now);
            if !matches!(tone, Tone::Good | Tone::Bad) {
                all.extend(self.below(&[standing], INDENT, tone));
            }
        }
        all
    }

    fn attempt(&self, step: &StepTold, attempt: &AttemptTold) -> Vec<String> {
        let tone = sight::tone_of_end(attempt.end);
        let word = match (attempt.number, attempt.end) {
            // What follows is told by its dead letter.
            (None, _) => return vec![],
            (Some(number), end) => format!("{} attempt {number} {}", mark(tone), end.as_str()),
        };
        let why = attempt.why.as_deref().filter(|_| attempt.end != AttemptEnd::GaveUp);
        let first = match why {
            Some(why) => format!("{word}: {why}"),
            None => word,
        };
        let mut all = self.below(&[first], INDENT, tone);
        all.extend(self.below(&sight::parts(step, attempt), INDENT + 2, Tone::Soft));
        all
    }

    fn letter(&self, parked: &Parked) -> Vec<String> {
        let Parked { n, cause, queue, redriven, .. } = parked;
        let (tone, after) = if *redriven { (Tone::Odd, ", since redriven") } else { (Tone::Bad, "") };
        let text = format!("{} gave up: {cause} (dead letter {n} in {queue}{after})", mark(tone));
        self.below(&[text], INDENT, tone)
    }

    fn join(&self, join: &JoinTold) -> Vec<String> {
        let open = join.closed_at.is_none();
        let absent = sight::absent(join, self.story);
        let tone = match (open, absent.is_empty()) {
            (true, _) if self.story.end.is_some() => Tone::Odd,
            (true, _) => Tone::Live,
            (false, true) => Tone::Good,
            (false, false) => Tone::Odd,
        };
        let mut all = vec![self.row(join.closed_at, tone, join.join.as_str(), &self.blank(), "")];
        all.extend(self.below(&[format!("join: {}", sight::join_words(join))], INDENT, Tone::Soft));
        for gone in absent {
            all.extend(self.below(&[gone], INDENT + 2, tone));
        }
        all
    }

    fn waiting(&self, waiting: &Waiting) -> Vec<String> {
        let waited = format!("{:>TOOK$}", span(waiting.waited_ms));
        let mut all = vec![self.row(Some(waiting.since), Tone::Live, waiting.row.as_str(), &self.blank(), &waited)];
        let text = format!("{} waits in {}: nobody has taken it up yet", waiting.kind, waiting.queue);
        all.extend(self.below(&[text], INDENT, Tone::Live));
        all
    }

    fn end(&self, end: &EndTold) -> Vec<String> {
        let tone = sight::tone_of_goal(self.story.standing);
        let mut all = vec![self.row(Some(end.at), tone, "end", &self.blank(), "")];
        let told = if end.told { "" } else { ", not published yet: whoever sweeps next will" };
        all.extend(self.below(&[format!("{}{told}", end.kind)], INDENT, tone));
        all
    }

    fn blank(&self) -> String {
        " ".repeat(self.bar)
    }

    /// Below a row, beneath its name, or as far to the left as a narrow terminal needs.
    fn below(&self, parts: &[String], indent: usize, tone: Tone) -> Vec<String> {
        let left = if self.bar == 0 { indent } else { TIME + 1 + indent };
        let folded = match parts {
            [only] => lines(only, self.columns.saturating_sub(left)),
            _ => joined(parts, self.columns.saturating_sub(left)),
        };
        let deeper = |at: usize| if at == 0 || parts.len() > 1 { left } else { left + 2 };
        let folded = match parts {
            // A continuation stands deeper, and must fit there.
            [only] if folded.len() > 1 => lines(only, self.columns.saturating_sub(left + 2)),
            _ => folded,
        };
        folded
            .iter()
            .enumerate()
            .map(|(at, line)| format!("{}{}", " ".repeat(deeper(at)), self.toned(tone, line)))
            .collect()
    }

    /// What the step did when: one character for each part of the time.
    fn bar_of(&self, step: &StepTold) -> String {
        if self.bar == 0 {
            return String::new();
        }
        let mut cells: Vec<(char, Tone)> = vec![(' ', Tone::Soft); self.bar];
        let last = self.bar - 1;
        let cell = |time| ((self.scale.at(time) * self.bar as f64) as usize).min(last);
        for stretch in sight::stretches(step, self.story.told_at) {
            let (from, to) = (cell(stretch.from), cell(stretch.to));
            for place in &mut cells[from..=to.max(from)] {
                *place = match stretch.doing {
                    Doing::Waiting if place.0 != ' ' => *place,
                    Doing::Waiting => ('┈', Tone::Soft),
                    Doing::Working(end) => (glyph(end), sight::tone_of_end(end)),
                };
            }
        }
        let mut told = String::new();
        for run in cells.chunk_by(|one, next| one == next) {
            let text: String = run.iter().map(|(glyph, _)| glyph).collect();
            told += &self.toned(run[0].1, &text);
        }
        told
    }
}

/// Told apart without colour, too.
fn glyph(end: AttemptEnd) -> char {
    match end {
        AttemptEnd::Committed => '█',
        AttemptEnd::Failed | AttemptEnd::GaveUp => '▒',
        AttemptEnd::Died | AttemptEnd::GivenBack | AttemptEnd::Left => '░',
        AttemptEnd::AtWork => '▓',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(story: &RunStory, columns: usize) -> String {
        told(story, Ink::new(false), columns)
    }

    #[test]
    fn the_first_lines_say_who_why_where_and_what_next() {
        let text = shown(&RunStory::example(), 80);
        let head: Vec<&str> = text.lines().take(9).collect();
        let head = head.join("\n");
        for wanted in ["analysis gave up at attempt 2 of 2", "murmur-analysis-dlq", "attempts-exhausted"] {
            assert!(head.contains(wanted), "{wanted} is not in\n{text}");
        }
        assert!(text.contains("murmur dlq redrive --all --goal "), "{text}");
        assert_eq!(text.matches("failed: the model answered nonsense").count(), 2, "{text}");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_but_a_command_that_is_there_to_be_copied() {
        let mut story = RunStory::example();
        story.goal.words = "競合他社の価格を調べて報告書にまとめる ".repeat(4);
        story.steps[1].about = Some("競合他社はいくら請求しているか".repeat(3));
        story.gaps.push("x".repeat(150));
        for columns in [40, 60, 80, 200] {
            let text = shown(&story, columns);
            for line in text.lines().filter(|line| !line.contains("murmur ")) {
                assert!(line.width() < columns, "{columns}: {line:?}\n{text}");
            }
        }
    }

    #[test]
    fn what_sources_say_cannot_steer_the_terminal() {
        let mut story = RunStory::example();
        story.goal.words = "\u{1b}]0;evil\u{7}".into();
        story.steps[2].attempts[0].why = Some("\u{1b}[2J".into());
        assert!(!shown(&story, 80).contains('\u{1b}'));
    }

    #[test]
    fn colours_are_only_where_they_are_wanted() {
        let story = RunStory::example();
        assert!(!shown(&story, 80).contains('\u{1b}'));
        assert!(told(&story, Ink::new(true), 80).contains("\u{1b}[31m"));
    }
}

//! Owns the story as one page: readable, printable, light and dark, with nothing from outside and no script.
//! Never a foreign word that the page would obey: the template escapes everything, and its policy forbids the rest.
//! Next: a browser; `murmur run` leaves one beside its report.

use contract::documents::page as opening;
use contract::story::{
    AttemptEnd, AttemptTold, JoinTold, MemberState, Moment, RunStory, Standing, StepTold, Waiting, What,
};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value as Shown, context};
use runtime::story::{money, span};
use serde::Serialize;
use serde_json::Value;

use super::ink::{clean, grouped};
use super::sight::{self, Doing, Scale, Tone, mark};

const TEMPLATE: &str = include_str!("page.html");

/// The whole page. A template of our own always renders; should it not, the page says why.
pub(crate) fn page(story: &RunStory) -> String {
    rendered(story)
        .unwrap_or_else(|why| format!("<!doctype html><title>run</title><p>{}</p>", escaped(&format!("{why:#}"))))
}

fn rendered(story: &RunStory) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax?);
    environment.add_template(opening::OPENING_NAME, opening::OPENING)?;
    environment.add_template("page", TEMPLATE)?;
    let view = shown(serde_json::to_value(View::of(story)).unwrap_or_default());
    environment.get_template("page")?.render(context! {
        title => view["title"].as_str().unwrap_or_default(),
        view => Shown::from(Serde(&view)),
    })
}

/// Hidden characters and marks that turn the direction of what follows are taken out of every text.
fn shown(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(clean(&text)),
        Value::Array(all) => all.into_iter().map(shown).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, shown(value))).collect(),
        plain => plain,
    }
}

/// Everything that the page shows, in its words.
#[derive(Serialize)]
struct View<'a> {
    story: &'a RunStory,
    title: String,
    tone: &'static str,
    mark: &'static str,
    standing: &'static str,
    cause: Option<String>,
    facts: Vec<(&'static str, String)>,
    bars: Vec<Bar>,
    cuts: Vec<Gap>,
    length: String,
    steps: Vec<Hop>,
    joins: Vec<Meeting>,
    log: Vec<Line>,
    told_at: String,
}

impl<'a> View<'a> {
    fn of(story: &'a RunStory) -> View<'a> {
        let scale = Scale::of(story);
        let tone = sight::tone_of_goal(story.standing);
        View {
            story,
            title: format!("{}: {}", story.standing.as_str(), story.goal.words.chars().take(80).collect::<String>()),
            tone: tone.as_str(),
            mark: mark(tone),
            standing: story.standing.as_str(),
            cause: story.trouble.as_ref().map(|trouble| trouble.cause.to_string()),
            facts: facts(story),
            bars: bars(story, &scale),
            cuts: scale.cuts().iter().map(gap).collect(),
            length: length(story),
            steps: story.steps.iter().map(|step| hop(step, story)).collect(),
            joins: story.joins.iter().map(|join| meeting(join, story)).collect(),
            log: story.moments.iter().map(|moment| line(moment, story)).collect(),
            told_at: story.told_at.to_string(),
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn facts(story: &RunStory) -> Vec<(&'static str, String)> {
    let goal = &story.goal;
    let mut facts = vec![("Goal", goal.id.to_string())];
    facts.extend(goal.key.clone().map(|key| ("Key", key)));
    facts.push(("Tenant", goal.tenant.to_string()));
    if let Some(from) = &goal.forked_from {
        facts.push(("Fork of", format!("{} from {}", from.goal, from.row)));
    }
    facts.extend(goal.model.clone().map(|model| ("Model", model)));
    facts.push(("Requested", goal.requested_at.to_string()));
    facts.extend(goal.deadline.map(|deadline| ("Deadline", deadline.to_string())));
    let word = if story.standing.ended() { "Took" } else { "Open for" };
    facts.push((word, span(story.took_ms)));
    facts.push(("Spent", sight::spending(story).join(" · ")));
    facts.push(("Trace", goal.trace.clone()));
    facts
}

#[derive(Serialize)]
struct Segment {
    class: String,
    left: String,
    width: String,
    title: String,
}

#[derive(Serialize)]
struct Bar {
    name: String,
    tone: &'static str,
    mark: &'static str,
    about: Option<String>,
    segments: Vec<Segment>,
    took: String,
}

#[derive(Serialize)]
struct Gap {
    left: String,
    width: String,
    told: String,
}

fn percent(part: f64) -> String {
    format!("{:.3}%", part * 100.0)
}

fn gap(cut: &sight::Cut) -> Gap {
    Gap { left: percent(cut.from), width: percent(cut.to - cut.from), told: span(cut.ms) }
}

fn length(story: &RunStory) -> String {
    let last = story.moments.last().map_or(story.told_at, |moment| moment.at);
    let last = if story.standing == Standing::Working { story.told_at } else { last };
    span(sight::ms(story.goal.requested_at, last))
}

/// Of what is asked about a topic, the question: the topic is the same for all, and there is room for a few words.
fn apart(about: &str) -> String {
    about.split_once(": ").map_or(about, |(_, question)| question).to_owned()
}

fn bars(story: &RunStory, scale: &Scale) -> Vec<Bar> {
    let steps = story.steps.iter().map(|step| {
        let tone = sight::tone_of_step(step.state);
        Bar {
            name: step.row.to_string(),
            tone: tone.as_str(),
            mark: mark(tone),
            about: step.about.as_deref().map(apart),
            segments: sight::stretches(step, story.told_at).iter().map(|one| segment(one, scale)).collect(),
            took: span(sight::took(step, story.told_at)),
        }
    });
    let waiting = story.waiting.iter().map(|waiting: &Waiting| Bar {
        name: waiting.row.to_string(),
        tone: Tone::Live.as_str(),
        mark: mark(Tone::Live),
        about: Some(format!("{} waits in {}", waiting.kind, waiting.queue)),
        segments: vec![],
        took: span(waiting.waited_ms),
    });
    steps.chain(waiting).collect()
}

fn segment(stretch: &sight::Stretch, scale: &Scale) -> Segment {
    let (from, to) = (scale.at(stretch.from), scale.at(stretch.to));
    let took = span(sight::ms(stretch.from, stretch.to));
    let (class, title) = match stretch.doing {
        Doing::Waiting => ("wait".to_owned(), format!("waited {took}")),
        Doing::Working(end) => (sight::tone_of_end(end).as_str().to_owned(), format!("{}, {took}", end.as_str())),
    };
    Segment { class, left: percent(from), width: percent((to - from).max(0.0)), title }
}

#[derive(Serialize)]
struct Try {
    number: String,
    tone: &'static str,
    mark: &'static str,
    end: &'static str,
    why: Option<String>,
    wait: String,
    claim: String,
    work: String,
    models: String,
    tools: String,
    tokens: String,
    cost: String,
    holder: String,
}

#[derive(Serialize)]
struct Letter {
    told: String,
    redriven: bool,
}

#[derive(Serialize)]
struct Hop {
    row: String,
    about: Option<String>,
    tone: &'static str,
    mark: &'static str,
    state: String,
    input: String,
    bus: String,
    outputs: String,
    tries: Vec<Try>,
    letters: Vec<Letter>,
}

fn hop(step: &StepTold, story: &RunStory) -> Hop {
    let tone = sight::tone_of_step(step.state);
    let letters = step.parked.iter().map(|parked| Letter {
        told: format!("Gave up: {}. Dead letter {} in {}", parked.cause, parked.n, parked.queue),
        redriven: parked.redriven,
    });
    let done = story.moments.iter().find(|moment| {
        moment.what == What::Committed && moment.row.as_ref() == Some(&step.row) && moment.event == Some(step.event)
    });
    Hop {
        row: step.row.to_string(),
        about: step.about.clone(),
        tone: tone.as_str(),
        mark: mark(tone),
        state: sight::state(step, story.told_at),
        input: sight::input(step),
        bus: lapse(step.bus),
        outputs: done.map(|moment| moment.words.clone()).unwrap_or_default(),
        tries: step.attempts.iter().map(attempted).collect(),
        letters: letters.collect(),
    }
}

fn lapse(lapse: contract::story::Lapse) -> String {
    match lapse.skew_ms {
        0 => span(lapse.ms),
        skew => format!("0 ms (clock skew: {})", span(skew)),
    }
}

fn attempted(attempt: &AttemptTold) -> Try {
    let tone = sight::tone_of_end(attempt.end);
    let calls = |asked: contract::story::Asked| match (asked.calls, asked.failed) {
        (0, _) => String::new(),
        (calls, 0) => format!("{calls} in {}", span(asked.ms)),
        (calls, failed) => format!("{calls} in {}, {failed} failed", span(asked.ms)),
    };
    let (tokens, micros) = (attempt.cost.tokens, attempt.cost.micros);
    let is_letter = attempt.end == AttemptEnd::GaveUp;
    Try {
        number: attempt.number.map(|number| number.to_string()).unwrap_or_else(|| "–".into()),
        tone: tone.as_str(),
        mark: mark(tone),
        end: attempt.end.as_str(),
        // The letter below says it.
        why: attempt.why.clone().filter(|_| !is_letter),
        wait: lapse(attempt.wait),
        claim: lapse(attempt.claim),
        work: lapse(attempt.work),
        models: calls(attempt.models),
        tools: calls(attempt.tools),
        tokens: if tokens == 0 { String::new() } else { grouped(tokens) },
        cost: if micros == 0 { String::new() } else { money(micros) },
        holder: attempt.holder.clone(),
    }
}

#[derive(Serialize)]
struct Meeting {
    name: String,
    tone: &'static str,
    mark: &'static str,
    words: String,
    absent: Vec<String>,
    opened: String,
    closed: String,
}

fn meeting(join: &JoinTold, story: &RunStory) -> Meeting {
    let whole = join.counted(MemberState::Arrived) == join.members.len();
    let tone = match (join.closed_at.is_some(), whole) {
        (true, true) => Tone::Good,
        (false, _) if story.end.is_none() => Tone::Live,
        _ => Tone::Odd,
    };
    let after = |at: Option<contract::UnixMs>| at.map(|at| since(story, at)).unwrap_or_else(|| "–".into());
    Meeting {
        name: join.join.to_string(),
        tone: tone.as_str(),
        mark: mark(tone),
        words: sight::join_words(join),
        absent: sight::absent(join, story),
        opened: after(join.opened_at),
        closed: after(join.closed_at),
    }
}

fn since(story: &RunStory, at: contract::UnixMs) -> String {
    format!("+{}", span(sight::ms(story.goal.requested_at, at)))
}

#[derive(Serialize)]
struct Line {
    at: String,
    exactly: String,
    tone: &'static str,
    row: String,
    what: &'static str,
    words: String,
}

fn line(moment: &Moment, story: &RunStory) -> Line {
    let tone = match moment.what {
        What::Committed | What::Closed => Tone::Good,
        What::Failed | What::GaveUp => Tone::Bad,
        What::Died | What::GivenBack | What::Redriven => Tone::Odd,
        What::Ended => sight::tone_of_goal(story.standing),
        _ => Tone::Soft,
    };
    Line {
        at: since(story, moment.at),
        exactly: moment.at.to_string(),
        tone: tone.as_str(),
        row: moment.row.as_ref().map(ToString::to_string).unwrap_or_default(),
        what: moment.what.as_str(),
        words: moment.words.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_who_why_where_and_what_next_and_needs_nothing_from_outside() {
        let story = RunStory::example();
        let html = rendered(&story).unwrap_or_else(|why| panic!("{why:#}"));
        for wanted in ["analysis gave up at attempt 2 of 2", "murmur-analysis-dlq", "murmur dlq redrive --all --goal"] {
            assert!(html.contains(wanted), "{wanted} is not in {html}");
        }
        for unwanted in ["<script", "http://", "https://", "url(", "@import"] {
            assert!(!html.contains(unwanted), "{unwanted} is in {html}");
        }
    }

    #[test]
    fn foreign_words_are_text() {
        let mut story = RunStory::example();
        let evil = "<img src=x onerror=alert(1)>\"'";
        story.goal.words = evil.into();
        story.summary = evil.into();
        story.steps[1].about = Some(evil.into());
        story.steps[2].attempts[0].why = Some(evil.into());
        story.gaps.push(evil.into());
        let html = page(&story);
        assert!(!html.contains("<img") && html.contains("&lt;img"), "{html}");
    }

    #[test]
    fn what_happened_far_apart_is_drawn_together_and_the_gap_is_named() {
        let mut story = RunStory::example();
        let late = contract::UnixMs(story.moments[0].at.0 + 7_200_000);
        story.moments.push(Moment { at: late, what: What::Ended, row: None, event: None, words: "goal.failed".into() });
        let cuts = Scale::of(&story).cuts();
        assert_eq!(cuts.len(), 1, "{cuts:?}");
        assert!(cuts[0].to - cuts[0].from < 0.1 && cuts[0].ms > 7_000_000, "{cuts:?}");
        assert!(page(&story).contains("1 h 59 min"));
    }
}

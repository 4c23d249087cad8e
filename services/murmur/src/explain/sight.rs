//! Owns what every form shows of a story: the scale of its time, the stretches of each step, and the words of its parts.
//! Never a terminal's columns nor a page's pixels: positions are parts of the whole, from 0 to 1.
//! Next: `timeline` and `page` draw it.

use contract::UnixMs;
use contract::story::{
    Asked, AttemptEnd, AttemptTold, JoinTold, Lapse, MemberState, Origin, RunStory, Standing, StepState, StepTold,
};
use runtime::story::{money, span};

use super::ink::{grouped, tokens_of};

/// Nothing happens for longer than all that happens takes, over this: such a gap is drawn short.
const GAP_SHARE_MAX: f64 = 0.25;
const CUT_SHARE: f64 = 0.06;

/// Where a time stands between the first moment and the last. Long gaps in which nobody works are cut short.
#[derive(Debug)]
pub(super) struct Scale {
    pieces: Vec<Piece>,
    total: f64,
}

#[derive(Debug)]
struct Piece {
    from: i64,
    to: i64,
    begins: f64,
    takes: f64,
    cut: bool,
}

/// A gap that was cut short.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) ms: u64,
}

impl Scale {
    pub(super) fn of(story: &RunStory) -> Scale {
        let mut busy: Vec<(i64, i64)> = story.moments.iter().map(|moment| (moment.at.0, moment.at.0)).collect();
        for step in &story.steps {
            busy.extend(
                stretches(step, story.told_at).iter().filter(|one| one.is_work()).map(|one| (one.from.0, one.to.0)),
            );
        }
        busy.sort_unstable();
        let mut merged: Vec<(i64, i64)> = vec![];
        for (from, to) in busy {
            match merged.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        Scale::over(&merged)
    }

    fn over(busy: &[(i64, i64)]) -> Scale {
        let length = |from: i64, to: i64| to.saturating_sub(from).max(0) as f64;
        let gaps: Vec<f64> = busy.windows(2).map(|two| length(two[0].1, two[1].0)).collect();
        let whole = busy.first().zip(busy.last()).map_or(0.0, |(first, last)| length(first.0, last.1));
        // What is left when every gap that takes more than its share is taken out.
        let kept = whole - gaps.iter().filter(|gap| **gap > whole * GAP_SHARE_MAX).sum::<f64>();
        let kept = kept.max(1.0);
        let (mut pieces, mut begins) = (vec![], 0.0);
        for (at, (from, to)) in busy.iter().enumerate() {
            let takes = length(*from, *to);
            pieces.push(Piece { from: *from, to: *to, begins, takes, cut: false });
            begins += takes;
            if let Some((next, _)) = busy.get(at + 1) {
                let gap = length(*to, *next);
                let cut = gap > whole * GAP_SHARE_MAX && gap > kept * CUT_SHARE;
                let takes = if cut { kept * CUT_SHARE } else { gap };
                pieces.push(Piece { from: *to, to: *next, begins, takes, cut });
                begins += takes;
            }
        }
        Scale { pieces, total: begins.max(1.0) }
    }

    pub(super) fn at(&self, time: UnixMs) -> f64 {
        let place = self.pieces.iter().find(|piece| time.0 <= piece.to).map_or(self.total, |piece| {
            let length = piece.to.saturating_sub(piece.from) as f64;
            let inside = if length > 0.0 { time.0.saturating_sub(piece.from).max(0) as f64 / length } else { 0.0 };
            piece.begins + inside.min(1.0) * piece.takes
        });
        (place / self.total).clamp(0.0, 1.0)
    }

    pub(super) fn cuts(&self) -> Vec<Cut> {
        let cut = self.pieces.iter().filter(|piece| piece.cut);
        let told = cut.map(|piece| Cut {
            from: piece.begins / self.total,
            to: (piece.begins + piece.takes) / self.total,
            ms: u64::try_from(piece.to - piece.from).unwrap_or(0),
        });
        told.collect()
    }
}

/// What a step did at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// On the bus, in the queue, or between two attempts.
    Waiting,
    Working(AttemptEnd),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) from: UnixMs,
    pub(super) to: UnixMs,
    pub(super) doing: Doing,
}

impl Stretch {
    fn is_work(&self) -> bool {
        matches!(self.doing, Doing::Working(_))
    }
}

pub(super) fn stretches(step: &StepTold, now: UnixMs) -> Vec<Stretch> {
    let mut all = vec![];
    let mut since = step.event_at;
    for attempt in &step.attempts {
        let to = attempt.ended_at.unwrap_or(now).max(attempt.claimed_at);
        all.push(Stretch { from: since.min(attempt.claimed_at), to: attempt.claimed_at, doing: Doing::Waiting });
        all.push(Stretch { from: attempt.claimed_at, to, doing: Doing::Working(attempt.end) });
        since = to;
    }
    if step.state == StepState::Waiting {
        all.push(Stretch { from: since, to: now.max(since), doing: Doing::Waiting });
    }
    all
}

/// How a standing, a state or an end is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Bad,
    Odd,
    Live,
    Soft,
}

impl Tone {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Tone::Good => "good",
            Tone::Bad => "bad",
            Tone::Odd => "odd",
            Tone::Live => "live",
            Tone::Soft => "soft",
        }
    }
}

pub(super) fn tone_of_goal(standing: Standing) -> Tone {
    match standing {
        Standing::Completed => Tone::Good,
        Standing::Failed | Standing::Stalled => Tone::Bad,
        Standing::Cancelled | Standing::Quiet | Standing::Unknown => Tone::Odd,
        Standing::Working => Tone::Live,
    }
}

pub(super) fn tone_of_step(state: StepState) -> Tone {
    match state {
        StepState::Committed => Tone::Good,
        StepState::Parked => Tone::Bad,
        StepState::Silent | StepState::Left => Tone::Odd,
        StepState::AtWork | StepState::Waiting => Tone::Live,
    }
}

pub(super) fn tone_of_end(end: AttemptEnd) -> Tone {
    match end {
        AttemptEnd::Committed => Tone::Good,
        AttemptEnd::Failed | AttemptEnd::GaveUp => Tone::Bad,
        AttemptEnd::Died | AttemptEnd::GivenBack | AttemptEnd::Left => Tone::Odd,
        AttemptEnd::AtWork => Tone::Live,
    }
}

/// One character for it, which needs no colour to be told from the others.
pub(super) fn mark(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "✓",
        Tone::Bad => "✗",
        Tone::Odd => "!",
        Tone::Live => "▸",
        Tone::Soft => "·",
    }
}

pub(super) fn state(step: &StepTold, now: UnixMs) -> String {
    match (step.state, step.not_before) {
        (StepState::AtWork, _) => "at work".into(),
        (StepState::Silent, _) => "its holder is silent".into(),
        (StepState::Waiting, Some(at)) if at > now => format!("again in {}", span(ms(now, at))),
        (StepState::Waiting, _) => "about to try again".into(),
        (StepState::Committed, _) if step.copied => "copied".into(),
        (StepState::Committed, _) => "done".into(),
        (StepState::Parked, _) => "gave up".into(),
        (StepState::Left, _) => "left unfinished".into(),
    }
}

pub(super) fn ms(from: UnixMs, to: UnixMs) -> u64 {
    u64::try_from(to.0.saturating_sub(from.0)).unwrap_or(0)
}

/// From the event until the step was over, or until now.
pub(super) fn took(step: &StepTold, now: UnixMs) -> u64 {
    let last = step.attempts.last().and_then(|attempt| attempt.ended_at);
    ms(step.event_at, step.finished_at.or(last.filter(|_| step.state == StepState::Left)).unwrap_or(now))
}

pub(super) fn lapse(what: &str, lapse: Lapse) -> String {
    match lapse.skew_ms {
        0 => format!("{what} {}", span(lapse.ms)),
        skew => format!("{what} 0 ms (clock skew: {})", span(skew)),
    }
}

/// `2 model calls 1.20 s (1 failed)`, or nothing.
pub(super) fn calls(what: &str, asked: Asked) -> String {
    if asked.calls == 0 {
        return String::new();
    }
    let plural = if asked.calls == 1 { "" } else { "s" };
    let failed = if asked.failed == 0 { String::new() } else { format!(" ({} failed)", asked.failed) };
    format!("{} {what} call{plural} {}{failed}", asked.calls, span(asked.ms))
}

/// What one attempt took, part by part. `waited` names what its wait was.
pub(super) fn parts(step: &StepTold, attempt: &AttemptTold) -> Vec<String> {
    let from_queue = step.attempts.first().is_some_and(|first| first.epoch == attempt.epoch)
        || step.attempts.iter().any(|before| before.epoch + 1 == attempt.epoch && before.end == AttemptEnd::GaveUp);
    let took_over = step.attempts.iter().any(|one| one.epoch + 1 == attempt.epoch && one.end == AttemptEnd::Died);
    let spent = if attempt.cost.tokens + attempt.cost.micros == 0 {
        vec![]
    } else {
        vec![tokens_of(attempt.cost), money(attempt.cost.micros)]
    };
    let mut parts = vec![
        match (took_over, from_queue) {
            (true, _) => "taken over".into(),
            (_, true) => lapse("queue", attempt.wait),
            (_, false) => lapse("pause", attempt.wait),
        },
        lapse("claim", attempt.claim),
        lapse("work", attempt.work),
        calls("model", attempt.models),
        calls("tool", attempt.tools),
    ];
    parts.extend(spent);
    parts.push(attempt.holder.clone());
    parts.retain(|part| !part.is_empty());
    parts
}

pub(super) fn origin(from: &Origin) -> String {
    match from {
        Origin::User => "you".into(),
        Origin::Step { row, .. } => row.to_string(),
        Origin::Join { join } => join.to_string(),
        Origin::Unknown => "somebody".into(),
    }
}

/// `research.completed from evidence`.
pub(super) fn input(step: &StepTold) -> String {
    let kind = step.kind.as_ref().map_or("an event that no record holds", |kind| kind.as_str());
    format!("{kind} from {}", origin(&step.from))
}

/// `3 of 4 arrived, 1 failed: research.completed`.
pub(super) fn join_words(join: &JoinTold) -> String {
    let counted = |state| join.counted(state);
    let mut words = format!("{} of {} arrived", counted(MemberState::Arrived), join.members.len());
    for (state, word) in
        [(MemberState::Failed, "gave up"), (MemberState::Missing, "missing"), (MemberState::Awaited, "awaited")]
    {
        if counted(state) > 0 {
            words += &format!(", {} {word}", counted(state));
        }
    }
    match (&join.closed_at, &join.makes) {
        (Some(_), Some(kind)) => format!("{words} → {kind}"),
        (Some(_), None) => format!("{words} → closed"),
        (None, _) => words,
    }
}

/// Those who did not come, and why that is known.
pub(super) fn absent(join: &JoinTold, story: &RunStory) -> Vec<String> {
    let gone = join.members.iter().filter(|member| member.state != MemberState::Arrived);
    let told = gone.map(|member| {
        let word = match member.state {
            MemberState::Failed => "gave up",
            MemberState::Missing => "missing",
            _ => "awaited",
        };
        let name = member.row.as_ref().map_or(member.member.as_str(), |row| row.as_str());
        let step = story.steps.iter().find(|step| step.event.to_string() == member.member);
        let about = step.and_then(|step| step.about.as_ref()).map(|about| format!(" ({about})")).unwrap_or_default();
        let required = if member.required { ", required" } else { "" };
        format!("{name}{about}: {word}{required}")
    });
    told.collect()
}

/// `1,640 of 200,000 tokens`.
pub(super) fn spending(story: &RunStory) -> Vec<String> {
    let purse = &story.spent;
    let mut parts = vec![
        format!("{} of {}", grouped(purse.spent.tokens), tokens_of(purse.allowed)),
        format!("{} of {}", money(purse.spent.micros), money(purse.allowed.micros)),
    ];
    if purse.reserved.tokens + purse.reserved.micros > 0 {
        parts.push(format!("{} and {} held back", tokens_of(purse.reserved), money(purse.reserved.micros)));
    }
    parts
}

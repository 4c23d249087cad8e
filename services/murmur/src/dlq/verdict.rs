//! Owns what a redrive of a letter would lead to, by the rules of `docs/protocol.md`, read from the ledger beforehand.
//! Never a promise: the claim decides when the message arrives; here only what would loop or be lost is kept back.
//! Next: `redrive` sends what is useful, `show` and `list` say it, `edited` asks whether a letter stands for its step.

use std::time::Duration;

use contract::events::{GoalCancelRequested, GoalRequested};
use contract::topology::{Member, Members, Row};
use contract::{Digest, Event, EventData as _, EventId, GoalId, PortError, UnixMs};
use runtime::ledger::goal::{self, Goal};
use runtime::ledger::step::{State, Step};
use runtime::ledger::{ItemKey, unexpired};
use runtime::{Chance, retried};

use super::letter::Letter;
use super::places::Destination;
use crate::reach::Reach;

pub(super) const READ_MAX: Duration = Duration::from_secs(15);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// What it does.
    Useful(&'static str),
    Refused {
        why: String,
        /// A command, or what else can be done.
        instead: String,
    },
}

/// What the ledger has of a letter's goal and step.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) goal: Option<Goal>,
    pub(super) step: Option<Step>,
}

impl Known {
    pub(super) async fn of(reach: &Reach, goal: GoalId, row: &Row, event: EventId) -> Result<Known, PortError> {
        let (chance, now) = (Chance::fresh(), reach.ports.clock.now());
        let read = |key: ItemKey| {
            let chance = &chance;
            async move { retried(READ_MAX, chance, || reach.ports.ledger.read(&key)).await }
        };
        let goal_item = unexpired(read(ItemKey::goal(goal)).await?, now);
        let step_item = unexpired(read(ItemKey::step(goal, &row.name, event)).await?, now);
        Ok(Known {
            goal: goal_item.map(|item| Goal::read(&item)).transpose()?,
            step: step_item.map(|item| Step::read(&item)).transpose()?,
        })
    }

    /// Ended, or about to be by whoever sweeps next.
    pub(super) fn over(&self, reach: &Reach) -> bool {
        let late = |goal: &Goal| goal.deadline + reach.config.settings.skew_margin < reach.ports.clock.now();
        self.goal.as_ref().is_some_and(|goal| goal.ended() || late(goal))
    }
}

pub(super) async fn of(letter: &Letter, reach: &Reach) -> Result<Verdict, PortError> {
    let row = match &letter.destination {
        Destination::Nowhere(why) => return Ok(refused(why.clone(), command("discard", letter, reach))),
        // Another application's queue: the ledger knows nothing of it.
        Destination::Subscription(_) => return Ok(Verdict::Useful("its reader gets it once more")),
        Destination::Row(row) => row,
    };
    let event = match &letter.event {
        Ok(event) => event,
        Err(cause) => {
            return Ok(refused(format!("it would come back at once: {cause}"), command("edit", letter, reach)));
        }
    };
    let known = Known::of(reach, event.goal, row, event.id).await?;
    Ok(judged(letter, event, row, &known, reach))
}

fn judged(letter: &Letter, event: &Event, row: &Row, known: &Known, reach: &Reach) -> Verdict {
    if row.accepts_goals && event.kind == GoalCancelRequested::TYPE {
        let theirs = known.goal.as_ref().is_some_and(|goal| goal.request.tenant == event.tenant);
        return match &known.goal {
            Some(goal) if theirs && !goal.ended() => Verdict::Useful("it cancels the goal"),
            Some(_) if theirs => refused("the goal has ended already".into(), command("discard", letter, reach)),
            _ => refused(format!("no goal {} of this tenant is known", event.goal), command("discard", letter, reach)),
        };
    }
    let Some(goal) = &known.goal else {
        return if row.accepts_goals && event.kind == GoalRequested::TYPE {
            begins(letter, event, reach)
        } else {
            refused(
                format!("no goal {} is known: it would come back at once", event.goal),
                command("discard", letter, reach),
            )
        };
    };
    if row.accepts_goals && event.kind == GoalRequested::TYPE && goal.digest != event.digest() {
        let why = "the same key was used before with other data: it would come back at once";
        return refused(why.into(), "send the goal under another key, then discard this".into());
    }
    if known.over(reach) {
        let why = "its goal has ended: the message would be deleted without work";
        return refused(why.into(), fork(event.goal, row, event.id, reach));
    }
    let (now, margin) = (reach.ports.clock.now(), reach.config.settings.skew_margin);
    match table(known.step.as_ref(), &event.digest(), letter.n(), row.limits.rounds_max, now, margin) {
        Fate::Works(what) => Verdict::Useful(what),
        Fate::Settled(why) => refused(why.into(), command("discard", letter, reach)),
        Fate::OtherData => {
            let why = "its event was claimed before with other data: it would come back at once";
            refused(why.into(), command("discard", letter, reach))
        }
        Fate::RoundsOver(rounds) => {
            let why =
                format!("redriven-too-often: {rounds} rounds of redriving it failed, and it would come back at once");
            let instead = format!("{}, or {}", command("edit", letter, reach), fork(event.goal, row, event.id, reach));
            refused(why, instead)
        }
    }
}

fn begins(letter: &Letter, event: &Event, reach: &Reach) -> Verdict {
    let (now, settings) = (reach.ports.clock.now(), &reach.config.settings);
    let asked: Result<GoalRequested, _> = event.data_as();
    match asked.map_err(|why| why.to_string()).and_then(|asked| goal::deadline(&asked, now, settings)) {
        Ok(_) => Verdict::Useful("the goal begins"),
        Err(why) => refused(format!("it would come back at once: {why}"), command("edit", letter, reach)),
    }
}

/// The table of `docs/protocol.md` §2, as far as it shows before a message arrives.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Works(&'static str),
    Settled(&'static str),
    OtherData,
    RoundsOver(u32),
}

fn table(step: Option<&Step>, digest: &Digest, n: u32, rounds_max: u32, now: UnixMs, margin: Duration) -> Fate {
    let Some(step) = step else { return Fate::Works("the step is worked on") };
    if step.digest != *digest {
        return Fate::OtherData;
    }
    match step.state {
        State::Committed if step.emitted => Fate::Settled("its step is done"),
        State::Committed => Fate::Works("the step is done, and its effects are repeated"),
        State::Parked if n == step.parks && step.rounds < rounds_max => Fate::Works("the step gets a new round"),
        State::Parked if n == step.parks => Fate::RoundsOver(step.rounds),
        State::Parked if step.dead_lettered < step.parks => {
            Fate::Works("the step had given up half-way: a new dead letter will say why")
        }
        State::Parked => Fate::Settled("its step gave up again since: a newer letter stands for it"),
        State::Claimed if step.lease + margin > now => {
            Fate::Works("somebody holds the step: it waits until that is over")
        }
        State::Claimed => Fate::Works("the step is taken over from whoever held it"),
        State::Released => Fate::Works("the step goes on"),
    }
}

/// Whether what this letter carries is the one message that its step waits for.
pub(super) fn stands_for(letter: &Letter, step: &Step, now: UnixMs, margin: Duration) -> bool {
    match step.state {
        State::Parked => letter.n() == step.parks,
        State::Claimed => letter.note.is_none() && step.lease + margin < now,
        State::Released => letter.note.is_none(),
        State::Committed => false,
    }
}

/// What it means to its goal that nobody will ever redrive it.
pub(super) async fn consequence(letter: &Letter, reach: &Reach) -> Result<String, PortError> {
    let (Some(row), Ok(event)) = (letter.destination.row(), &letter.event) else {
        return Ok("no step waits for it".into());
    };
    let known = Known::of(reach, event.goal, row, event.id).await?;
    let Some(goal) = &known.goal else {
        let begins = row.accepts_goals && event.kind == GoalRequested::TYPE;
        return Ok(if begins { "its goal never begins" } else { "no goal of it is known" }.into());
    };
    let (now, margin) = (reach.ports.clock.now(), reach.config.settings.skew_margin);
    let waits = known.step.as_ref().is_none_or(|step| stands_for(letter, step, now, margin));
    if known.over(reach) {
        return Ok("its goal has ended: nothing waits for it".into());
    }
    if !waits || event.kind == GoalCancelRequested::TYPE {
        return Ok("its step does not wait for it".into());
    }
    let optional = |row: &Row| {
        let terminal = reach.config.choreography.terminal_join().map(|join| &join.members);
        matches!(terminal, Some(Members::Terminal { optional, .. }) if optional.contains(&row.name))
    };
    if optional(row) {
        return Ok(format!("goal {} ends without what {} would have brought", event.goal, row.name));
    }
    Ok(format!("goal {} waits for this step in vain until {}, and then ends as failed", event.goal, goal.deadline))
}

/// The exact command by which an ended goal goes on from this step.
pub(super) fn fork(goal: GoalId, row: &Row, event: EventId, reach: &Reach) -> String {
    let one_of_many = row.arrives.as_ref().is_some_and(|at| at.member == Member::Event);
    let step = if one_of_many { format!("{}#{event}", row.name) } else { row.name.to_string() };
    format!("murmur goal fork {goal} --from {step}{}", reach.flags)
}

fn refused(why: String, instead: String) -> Verdict {
    Verdict::Refused { why, instead }
}

/// What to do with a letter, as it is to be typed to reach the same place.
pub(super) fn command(verb: &str, letter: &Letter, reach: &Reach) -> String {
    format!("murmur dlq {verb} {}{}", letter.short(), reach.flags)
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::Token;

    const NOW: UnixMs = UnixMs(1_000_000);
    const MARGIN: Duration = Duration::from_secs(5);

    fn step(state: State) -> Step {
        let goal = GoalId(Default::default());
        Step {
            key: ItemKey::step(goal, &"analysis".into(), EventId(Default::default())),
            state,
            owner: Token::from("o"),
            epoch: 1,
            lease: NOW,
            not_before: NOW,
            attempts: 0,
            crashes: 0,
            alone_crashes: 0,
            alone: false,
            rounds: 0,
            parks: 0,
            dead_lettered: 0,
            emitted: false,
            digest: Digest::of(b"data"),
            cause: None,
            outcome: None,
            finished_at: NOW,
            unbooked: false,
            so_far: None,
        }
    }

    fn asked(step: &Step, n: u32) -> Fate {
        table(Some(step), &Digest::of(b"data"), n, 5, NOW, MARGIN)
    }

    #[test]
    fn a_redrive_that_would_only_come_back_or_be_deleted_is_found_out_before() {
        let parked = |rounds, parks, dead_lettered| Step { rounds, parks, dead_lettered, ..step(State::Parked) };
        assert_eq!(asked(&parked(5, 6, 6), 6), Fate::RoundsOver(5));
        assert!(matches!(asked(&parked(4, 5, 5), 5), Fate::Works(_)));
        assert!(matches!(asked(&parked(0, 2, 2), 1), Fate::Settled(_)), "an old copy");
        assert!(matches!(asked(&parked(0, 2, 1), 0), Fate::Works(_)), "a park that died half-way");
        assert!(matches!(asked(&Step { emitted: true, ..step(State::Committed) }, 1), Fate::Settled(_)));
        assert!(matches!(asked(&step(State::Committed), 0), Fate::Works(_)), "its effects may not be out");
        let other = table(Some(&parked(0, 1, 1)), &Digest::of(b"other"), 1, 5, NOW, MARGIN);
        assert_eq!(other, Fate::OtherData);
        assert!(matches!(table(None, &Digest::of(b"data"), 0, 5, NOW, MARGIN), Fate::Works(_)));
    }
}

//! Owns what becomes of an edited letter: every problem of the text, or the message that goes in the letter's place.
//! Never other data under an id that anybody may know: such an event gets an id of its own, caused by the old one.
//! Next: `edit` shows the problems, or sends the message. `docs/dead-letters.md` says why.

use contract::events::{GoalCancelRequested, GoalRequested};
use contract::topology::{Member, Row};
use contract::{Event, EventData as _, EventId, PortError, Unit, json};
use runtime::ledger::step::Step;
use runtime::ledger::{Attr, Item, ItemKey, ItemKind};
use runtime::{Chance, retried};
use serde_json::Value;

use super::compose::{self, Composed};
use super::letter::Letter;
use super::verdict::{self, Known, Verdict, command};
use crate::reach::Reach;

#[derive(Debug)]
pub(super) enum Edited {
    Message {
        composed: Box<Composed>,
        event: EventId,
        /// The id that it had before.
        instead_of: Option<EventId>,
    },
    /// All that is wrong with the text, for the one who typed it.
    Problems(Vec<String>),
    /// No text would do.
    Hopeless { why: String, instead: String },
}

/// What a person sees: the event alone, without EventBridge's wrapper, or the body as it is.
pub(super) fn text_of(letter: &Letter) -> String {
    let Ok(mut value) = json::parse(&letter.body) else { return letter.body.clone() };
    let wrapped = value.get("detail-type").is_some() && value.get("detail").is_some_and(Value::is_object);
    if wrapped {
        value = value["detail"].take();
    }
    serde_json::to_string_pretty(&value).map_or_else(|_| letter.body.clone(), |text| text + "\n")
}

/// Whether editing can help at all, before anybody types.
pub(super) async fn possible(letter: &Letter, reach: &Reach) -> Result<Result<(), Edited>, PortError> {
    let Some(row) = letter.destination.row() else {
        let why = "it is another application's copy of an event: nothing in it is murmur's to edit";
        return Ok(Err(hopeless(why, &format!("{}, or discard it", command("redrive", letter, reach)))));
    };
    let Ok(event) = &letter.event else { return Ok(Ok(())) };
    let known = Known::of(reach, event.goal, row, event.id).await?;
    let Some(goal) = &known.goal else { return Ok(Ok(())) };
    let fork = verdict::fork(event.goal, row, event.id, reach);
    if known.over(reach) {
        return Ok(Err(hopeless("its goal has ended: nothing more is done for it", &fork)));
    }
    if event.kind == GoalRequested::TYPE && row.accepts_goals {
        let why = "its goal was accepted with these words, and its id is made of them: they cannot be changed any more";
        let same = goal.digest == event.digest();
        let instead = format!("redrive it as it is, send a new goal under another key, or {fork}");
        return Ok(if same { Err(hopeless(why, &instead)) } else { Ok(()) });
    }
    let (now, margin) = (reach.ports.clock.now(), reach.config.settings.skew_margin);
    match &known.step {
        Some(step) if !verdict::stands_for(letter, step, now, margin) => {
            let why = "its step does not wait for this letter: it is done, at work, or gave up again since";
            Ok(Err(hopeless(why, &format!("look at murmur dlq list{} once more, or discard this one", reach.flags))))
        }
        Some(_) if by_event(row) => {
            let why = "its step is the member of a join that was opened with its event's id: under a new id nobody waits \
                       for it, and other data under this one is refused";
            Ok(Err(hopeless(why, &format!("redrive it as it is once its cause is mended, or {fork}"))))
        }
        _ => Ok(Ok(())),
    }
}

/// From what was typed.
pub(super) async fn read(letter: &Letter, text: &str, reach: &Reach) -> Result<Edited, PortError> {
    let Some(row) = letter.destination.row() else { return Ok(hopeless("no agent reads it", "discard it")) };
    let value = match json::parse(text) {
        Ok(value) => value,
        Err(why) => return Ok(Edited::Problems(vec![format!("no JSON: {why}")])),
    };
    let mut problems = of_schema(&value, reach);
    // Small again: a person's white space is nobody's business.
    let event = match letter.decode(&value.to_string(), &reach.config.choreography) {
        Ok(event) => event,
        Err(cause) => {
            // Its first words are the type where the schema refused: that is in the list already.
            let refused = value["type"].as_str().is_some_and(|kind| cause.detail.starts_with(&format!("{kind}: ")));
            if problems.is_empty() || !refused {
                problems.push(cause.detail);
            }
            return Ok(Edited::Problems(problems));
        }
    };
    problems.extend(moved(letter, &event));
    if !problems.is_empty() {
        return Ok(Edited::Problems(problems));
    }
    of_event(letter, row, event, &value, reach).await
}

async fn of_event(letter: &Letter, row: &Row, event: Event, value: &Value, reach: &Reach) -> Result<Edited, PortError> {
    let known = Known::of(reach, event.goal, row, event.id).await?;
    let begins = row.accepts_goals && event.kind == GoalRequested::TYPE;
    let body = value.to_string();
    let Some(goal) = &known.goal else {
        if !begins {
            return Ok(Edited::Problems(vec![format!("goalid: no goal {} is known", event.goal)]));
        }
        // Nothing was ever claimed under its ids: the goal begins as it now reads.
        return Ok(message(letter, &event, body, false, None));
    };
    if known.over(reach) {
        return Ok(hopeless("its goal has ended", &verdict::fork(event.goal, row, event.id, reach)));
    }
    if goal.request.tenant != event.tenant {
        return Ok(Edited::Problems(vec![format!("tenant: the goal is one of {}", goal.request.tenant)]));
    }
    if begins && goal.digest != event.digest() {
        let problem = "the key is that of a goal with other words: choose another key";
        return Ok(Edited::Problems(vec![problem.into()]));
    }
    let Some(step) = known.step.filter(|_| event.kind != GoalCancelRequested::TYPE) else {
        return unclaimed(letter, row, event, body, reach).await;
    };
    if step.digest == event.digest() {
        // The same event after all: an ordinary redrive, which its n must tell.
        let again = Letter { body: body.clone(), event: Ok(event.clone()), ..letter.clone() };
        return Ok(match verdict::of(&again, reach).await? {
            Verdict::Useful(_) => message(letter, &event, body, true, None),
            Verdict::Refused { why, instead } => Edited::Hopeless { why, instead },
        });
    }
    let (now, margin) = (reach.ports.clock.now(), reach.config.settings.skew_margin);
    if by_event(row) || !verdict::stands_for(letter, &step, now, margin) {
        let why = "other data under an event id that a step has claimed is refused";
        return Ok(hopeless(why, &verdict::fork(event.goal, row, event.id, reach)));
    }
    Ok(anew(letter, row, event, reach))
}

/// No step of this row has claimed it; whoever else consumes its type may have the original, and work on that.
async fn unclaimed(letter: &Letter, row: &Row, event: Event, body: String, reach: &Reach) -> Result<Edited, PortError> {
    if let Some(problem) = no_member(row, &event, reach).await? {
        return Ok(Edited::Problems(vec![problem]));
    }
    let cancels = event.kind == GoalCancelRequested::TYPE;
    if cancels || !is_known_otherwise(letter, &event, reach).await? {
        return Ok(message(letter, &event, body, false, None));
    }
    if !by_event(row) {
        return Ok(anew(letter, row, event, reach));
    }
    // A join waits for this id. That is no harm as long as nobody but this row reads the event.
    let others = reach.choreography.rows.iter().filter(|other| other.name != row.name);
    if others.clone().any(|other| other.consumes.contains(&event.kind)) {
        let why = "a join waits for its id, under which another agent may work on the data as they were";
        return Ok(hopeless(why, &verdict::fork(event.goal, row, event.id, reach)));
    }
    Ok(message(letter, &event, body, false, None))
}

/// Whether this id stands for other data: those of the letter as it came, or those that another row has claimed.
async fn is_known_otherwise(letter: &Letter, event: &Event, reach: &Reach) -> Result<bool, PortError> {
    if let Ok(before) = &letter.event
        && before.id == event.id
    {
        return Ok(before.digest() != event.digest());
    }
    let chance = Chance::fresh();
    let story = retried(verdict::READ_MAX, &chance, || reach.ports.ledger.story(event.goal)).await?;
    let of_it = |item: &&Item| matches!(&item.key.kind, ItemKind::Step { event: of, .. } if *of == event.id);
    for item in story.iter().filter(of_it) {
        if Step::read(item)?.digest != event.digest() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Under an id of its content: two people who make the same edit, or one who makes it twice, send one event.
fn anew(letter: &Letter, row: &Row, event: Event, reach: &Reach) -> Edited {
    let unit = Unit::edit(row.name.as_str(), event.id, &event.digest());
    let (old, time) = (event.id, reach.ports.clock.now());
    let event = Event { id: EventId::derive(event.goal, &event.kind, &unit), causation: Some(old), time, ..event };
    let body = event.to_json();
    message(letter, &event, body, false, Some(old))
}

fn message(letter: &Letter, event: &Event, body: String, with_note: bool, instead_of: Option<EventId>) -> Edited {
    let composed = Box::new(compose::edited(letter, event, body, with_note));
    Edited::Message { composed, event: event.id, instead_of }
}

fn hopeless(why: &str, instead: &str) -> Edited {
    Edited::Hopeless { why: why.into(), instead: instead.into() }
}

fn by_event(row: &Row) -> bool {
    row.arrives.as_ref().is_some_and(|at| at.member == Member::Event)
}

/// What an edit may not change: whose event it is.
fn moved(letter: &Letter, event: &Event) -> Vec<String> {
    let Ok(before) = &letter.event else { return vec![] };
    let mut problems = vec![];
    if event.goal != before.goal && before.kind != GoalRequested::TYPE {
        problems.push(format!("goalid: an edit moves no event to another goal; it was {}", before.goal));
    }
    if event.id != before.id && before.kind != GoalRequested::TYPE {
        problems.push(format!("id: leave {}; where it needs a new one, murmur gives it", before.id));
    }
    if event.kind != before.kind {
        problems.push(format!("type: it was {}, and its step expects that", before.kind));
    }
    problems
}

/// A step that arrives by its event's id must be one that its join's opener announced.
async fn no_member(row: &Row, event: &Event, reach: &Reach) -> Result<Option<String>, PortError> {
    let Some(at) = row.arrives.as_ref().filter(|at| at.member == Member::Event) else { return Ok(None) };
    let join = reach.ports.ledger.read(&ItemKey::join(event.goal, &at.join)).await?;
    let members = join.as_ref().and_then(|join| join.text(&Attr::Members)).unwrap_or_default();
    let announced = members.contains(&event.id.to_string());
    Ok((!announced).then(|| format!("id: {} is no member of the join {}", event.id, at.join)))
}

/// Everything that the schema of its type finds, not only the first.
fn of_schema(value: &Value, reach: &Reach) -> Vec<String> {
    let (Some(kind), Some(data)) = (value["type"].as_str(), value.get("data")) else { return vec![] };
    let Some(spec) = reach.config.choreography.events.iter().find(|spec| spec.kind.as_str() == kind) else {
        return vec![];
    };
    let schema = (spec.schema)();
    let Ok(validator) = jsonschema::validator_for(schema.as_value()) else { return vec![] };
    validator.iter_errors(data).map(|why| format!("data{}: {why}", why.instance_path())).collect()
}

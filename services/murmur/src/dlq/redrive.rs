//! Owns `murmur dlq redrive`: letters go back to the queue that they were for, and only then leave their place.
//! Never sends what would loop, and never deletes what was not confirmed as sent.
//! Next: `verdict` judges each, `compose` makes the message, the agent's claim decides what becomes of it.

use anyhow::ensure;
use serde_json::{Value, json};

use super::choice::{self, Held, Which};
use super::desk::Desk;
use super::letter::Letter;
use super::verdict::{self, Verdict};
use super::{compose, confirm};
use crate::exit::Exit;
use crate::reach::{Reach, Where};
use crate::screen::{Screen, harmless};

/// Send dead letters back to the queues that they were for
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  murmur dlq redrive 3f9a1c2e\n  murmur dlq redrive g41c0de\n  murmur dlq redrive --all --yes"
)]
pub(crate) struct Asked {
    #[command(flatten)]
    which: Which,
}

/// What became of one letter.
pub(super) enum Outcome {
    Sent {
        does: String,
        /// Of the sender's attributes.
        left_out: Vec<String>,
        /// It was sent, and a copy of it stays.
        copy: Option<String>,
    },
    Kept {
        why: String,
        instead: String,
    },
}

pub(crate) async fn run(asked: &Asked, place: &Where, screen: Screen) -> anyhow::Result<Exit> {
    let reach = place.reach().await?;
    let Held { desk, letters, left } = asked.which.hold(&reach, screen).await?;
    let question = format!("Redrive {}?", choice::counted(letters.len()));
    if asked.which.all && !letters.is_empty() {
        ensure!(desk.while_held(confirm::sure(&question, asked.which.yes)).await?, "nothing was sent");
    }
    // One hold over all of it: the last letter waits for as long as all others take.
    let (told, kept) = desk.while_held(each(&letters, &desk, &reach, screen)).await;
    desk.close().await?;
    if screen.json {
        screen.document(&json!({"redriven": letters.len() - kept, "kept": kept, "left": left, "letters": told}))?;
    } else if letters.is_empty() {
        screen.text("no dead letters")?;
    }
    Ok(if kept + left == 0 { Exit::Done } else { Exit::Failed })
}

/// What became of each, and how many were kept.
async fn each(chosen: &[Letter], desk: &Desk, reach: &Reach, screen: Screen) -> (Vec<Value>, usize) {
    let (mut told, mut kept) = (vec![], 0);
    for letter in chosen {
        let outcome = one(letter, desk, reach).await;
        kept += usize::from(matches!(outcome, Outcome::Kept { .. }));
        if !screen.json {
            // Whoever stops reading does not stop the work.
            let _ = screen.prose(&said(letter, &outcome));
        }
        told.push(document(letter, &outcome));
    }
    (told, kept)
}

async fn one(letter: &Letter, desk: &Desk, reach: &Reach) -> Outcome {
    let kept = |why: String, instead: &str| Outcome::Kept { why, instead: instead.into() };
    let whole = letter.clone().restored(&*reach.ports.artifacts, &reach.config.choreography).await;
    let letter = match whole {
        Ok(whole) => whole,
        Err(why) => return kept(why, "bring the artifact back, or discard the letter"),
    };
    let does = match verdict::of(&letter, reach).await {
        Ok(Verdict::Useful(does)) => does,
        Ok(Verdict::Refused { why, instead }) => return Outcome::Kept { why, instead },
        Err(why) => return kept(format!("the ledger does not answer: {why}"), "try again"),
    };
    let composed = compose::again(&letter);
    send(&letter, &composed, desk, does).await
}

/// The send, and behind its confirmation the delete.
///
/// A delete that is lost leaves the letter where it is, and sent: two copies of one message. So does a second operator
/// whose hold began when ours ran out. Either is safe, by the table of the ledger (`docs/protocol.md` §2): both carry
/// the same event with the same n, and a new round is one conditional write on the epoch as read. The first copy's
/// claim wins it; the second finds the step claimed (it waits), committed (it is deleted), or parked anew with a higher
/// number of parks, to which its n is an old copy's (it is deleted). What SQS had moved is an ordinary redelivery.
pub(super) async fn send(letter: &Letter, composed: &compose::Composed, desk: &Desk, does: &str) -> Outcome {
    let kept = |why: String, instead: &str| Outcome::Kept { why, instead: instead.into() };
    let Some(queue) = letter.destination.queue() else {
        return kept("it has no queue to go back to".into(), "discard it");
    };
    if let Err(why) = desk.still_ours(letter).await {
        return kept(format!("the hold on it is over, somebody else may have it: {why}"), "look again");
    }
    if let Err(why) = desk.send(queue, &composed.message).await {
        return kept(format!("it could not be sent: {why}"), "nothing is lost: try again");
    }
    let copy = desk.delete(letter).await.err().map(|why| why.to_string());
    Outcome::Sent { does: does.into(), left_out: composed.left_out.clone(), copy }
}

pub(super) fn said(letter: &Letter, outcome: &Outcome) -> String {
    let line = match outcome {
        Outcome::Sent { does, left_out, copy } => {
            let mut line = format!("sent   {}  to {}: {does}", letter.short(), letter.destination.name());
            if !left_out.is_empty() {
                line += &format!("\n       no room for the sender's attributes {}", left_out.join(", "));
            }
            if let Some(why) = copy {
                line += &format!("\n       a copy stays, which does no harm ({why}): discard it later");
            }
            line
        }
        Outcome::Kept { why, instead } => format!("kept   {}  {why}\n       instead: {instead}", letter.short()),
    };
    harmless(&line)
}

pub(super) fn document(letter: &Letter, outcome: &Outcome) -> Value {
    let mut told = json!({"id": letter.id, "for": letter.destination.name(), "goal": letter.goal()});
    match outcome {
        Outcome::Sent { does, left_out, copy } => {
            told["sent"] = true.into();
            told["does"] = does.clone().into();
            told["left_out"] = json!(left_out);
            told["copy_stays"] = json!(copy);
        }
        Outcome::Kept { why, instead } => {
            told["sent"] = false.into();
            told["why"] = why.clone().into();
            told["instead"] = instead.clone().into();
        }
    }
    told
}

//! Owns the operator of a run: dead letters go back to the queue that they were for, as `murmur dlq redrive` sends them.
//! Never edits one, and never deletes what was not confirmed as sent.
//! Next: `Act`s tell the checker what was redriven.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use contract::topology::Choreography;
use contract::{Event, RowName};
use runtime::ports::{Outbound, Ports, Received};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::history::{Act, Doing, Reply};

const LOOKS_EVERY: Duration = Duration::from_millis(500);
/// What was read and could not be sent is read again after so long.
const HIDDEN: Duration = Duration::from_secs(10);
const TEN: usize = 10;

/// Somebody who redrives every dead letter that comes.
#[derive(Debug)]
pub(super) struct Operator {
    acts: Arc<Mutex<Vec<Act>>>,
    stop: CancellationToken,
    working: JoinSet<()>,
}

impl Operator {
    pub(super) fn start(ports: &Ports, choreography: &Choreography) -> Operator {
        let (acts, stop, mut working) = (Arc::<Mutex<Vec<Act>>>::default(), CancellationToken::new(), JoinSet::new());
        working.spawn(work(ports.clone(), choreography.clone(), acts.clone(), stop.clone()));
        Operator { acts, stop, working }
    }

    pub(super) async fn finish(mut self) -> Vec<Act> {
        self.stop.cancel();
        while self.working.join_next().await.is_some() {}
        std::mem::take(&mut *self.acts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn work(ports: Ports, choreography: Choreography, acts: Arc<Mutex<Vec<Act>>>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        for row in &choreography.rows {
            let letters = row.queue.dead_letters();
            // A server that is away is asked again.
            let found = ports.queue.receive(&letters, TEN, Duration::ZERO, HIDDEN).await.unwrap_or_default();
            for letter in found {
                if let Some(act) = redriven(&ports, row, &letter).await {
                    acts.lock().unwrap_or_else(PoisonError::into_inner).push(act);
                }
            }
        }
        tokio::select! {
            () = sleep(LOOKS_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn redriven(ports: &Ports, row: &contract::topology::Row, letter: &Received) -> Option<Act> {
    let event = event_of(letter);
    let mut attributes = letter.attributes.clone();
    // What SQS moved has none of ours beside it: a bare goal would become another one under its new MessageId.
    for (name, value) in event.as_ref().map(contract::Attributes::of_event).unwrap_or_default().0 {
        attributes.0.entry(name).or_insert(value);
    }
    let at = ports.clock.now();
    let again = [Outbound { body: letter.body.clone(), attributes, group: None }];
    let sent = ports.queue.send(&row.queue, &again).await;
    let reply = match sent.map(|mut each| each.pop()) {
        Ok(Some(Ok(()))) => {
            // What stays is redriven twice, which does no harm.
            drop(ports.queue.delete(&row.queue.dead_letters(), std::slice::from_ref(&letter.receipt)).await);
            Reply::Acknowledged
        }
        _ => Reply::Lost,
    };
    let note = letter.attributes.park();
    let goal = note.as_ref().and_then(|note| note.goal).or_else(|| event.as_ref().map(|event| event.goal))?;
    let of = note.as_ref().and_then(|note| note.event).or_else(|| event.as_ref().map(|event| event.id))?;
    let what = Doing::Redrive { row: RowName::from(row.name.as_str().to_owned()), event: of };
    Some(Act { at, by: "operator".into(), goal, what, reply })
}

/// The event of a letter that came by the bus.
fn event_of(letter: &Received) -> Option<Event> {
    let wrapper: serde_json::Value = serde_json::from_str(&letter.body).ok()?;
    serde_json::from_value(wrapper.get("detail")?.clone()).ok()
}

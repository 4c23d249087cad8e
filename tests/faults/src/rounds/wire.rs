//! Owns the round of a wire fault: a few calls of one operation by one daemon go wrong in one way, and nobody is hurt.
//! Never a fault on calls of the run itself: those are signed by another key.
//! Next: `campaign`.

use std::time::Duration;

use embedded_cloud::{Fault, What, When};
use tokio::time::{Instant, sleep};

use super::field::Field;
use super::{END_MAX, Round, Wrong};

const STRIKE_MAX: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(100);
const ROWS: [&str; 4] = ["research-tasks", "analysis", "writer", "recommendation"];
/// Operations whose calls say which goal they are about.
const NAMING: [&str; 6] = ["BatchGetItem", "PutItem", "UpdateItem", "GetItem", "PutEvents", "SendMessageBatch"];

/// One way in which calls of one operation go wrong.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Harm {
    pub(super) operation: &'static str,
    pub(super) what: What,
    pub(super) name: &'static str,
}

/// Every one that there is.
pub(super) fn all() -> Vec<Harm> {
    const OPERATIONS: [(&str, bool); 10] = [
        ("ReceiveMessage", false),
        ("BatchGetItem", true),
        ("PutItem", false),
        ("UpdateItem", false),
        ("GetItem", false),
        ("Query", false),
        ("PutEvents", true),
        ("DeleteMessageBatch", true),
        ("ChangeMessageVisibilityBatch", true),
        ("SendMessageBatch", true),
    ];
    let mut all = vec![];
    for (operation, is_batch) in OPERATIONS {
        let mut add = |name, what| all.push(Harm { operation, what, name });
        add("fails", What::Fail { code: "InternalFailure".into(), status: 500 });
        add("is throttled", What::Throttle);
        add("is late", What::DelayMs(1_200));
        add("is cut", What::Cut);
        add("loses its reply", What::LoseReply);
        if is_batch {
            add("fails in part", What::FailEntries { entries: 1, code: "InternalFailure".into() });
        }
        if operation == "ReceiveMessage" {
            add("brings its messages twice", What::DeliverTwice);
            add("brings them out of order", What::OutOfOrder);
        }
    }
    all
}

impl Harm {
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.operation, self.name)
    }
}

pub(super) async fn round(field: &Field, harm: &Harm, n: usize, chance: &mut fastrand::Rng) -> anyhow::Result<Round> {
    let wish = field.wish(n);
    let times = chance.u64(1..=3);
    let row = ROWS[chance.usize(..ROWS.len())];
    // Only what fails writes dead letters, and gives messages back.
    match harm.operation {
        "SendMessageBatch" => field.oracle.mislead(&wish.key, row, Wrong::Nonsense, 2),
        "ChangeMessageVisibilityBatch" => field.oracle.mislead(&wish.key, row, Wrong::Unavailable, 1),
        _ => {}
    }
    let daemon = if row == "research-tasks" { "research" } else { row };
    let fault = Fault::on(harm.operation, harm.what.clone()).by(&format!("{daemon}-")).when(When::First(times));
    let names_the_goal = NAMING.contains(&harm.operation);
    let fault = if names_the_goal { fault.containing([wish.id().to_string()]) } else { fault };
    let since = field.ports.clock.now();
    field.cloud.faults().add(fault.clone());
    field.send(&wish).await?;
    let ended = field.ends(&wish, END_MAX).await;
    let until = Instant::now() + STRIKE_MAX;
    // A sweep, a delete or a receive of that daemon comes soon, with or without this goal.
    while !names_the_goal && field.cloud.faults().struck(&fault) == 0 && Instant::now() < until {
        sleep(POLL).await;
    }
    let struck = field.cloud.faults().remove(&fault);
    field.disturb(&harm.title(), since, struck);
    ended?;
    Ok(if struck > 0 { Round::Struck } else { Round::Missed })
}

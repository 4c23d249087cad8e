//! Owns where dead letters lie: beside each row's queue, where EventBridge left what it could not deliver, and beside
//! each subscription; and where a letter of each would go back to.
//! Never guesses: a target is found by the ARN that EventBridge wrote on the letter.
//! Next: `desk` looks into all of them at once.

use aws::subscriptions::{self, Name};
use contract::topology::resources::undelivered;
use contract::topology::{Choreography, Row};
use contract::{Attributes, QueueName};

use crate::reach::Reach;

/// What EventBridge writes on what it could not deliver.
pub(super) const TARGET_ARN: &str = "TARGET_ARN";
pub(super) const ERROR_CODE: &str = "ERROR_CODE";
pub(super) const ERROR_MESSAGE: &str = "ERROR_MESSAGE";
const BY_EVENTBRIDGE: [&str; 6] =
    [TARGET_ARN, ERROR_CODE, ERROR_MESSAGE, "RULE_ARN", "EXHAUSTED_RETRY_CONDITION", "RETRY_ATTEMPTS"];

/// One queue of dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) queue: QueueName,
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// Beside this queue of a row.
    Row(QueueName),
    /// What EventBridge could not deliver to any queue of a row.
    Undelivered,
    Subscription(QueueName),
}

/// Where a letter would go back to.
#[derive(Clone, Debug)]
pub(super) enum Destination {
    Row(Box<Row>),
    /// Another application's queue: its messages are no business of the ledger.
    Subscription(QueueName),
    Nowhere(String),
}

/// All of them: those of the topology in its order, then those of subscriptions by name.
pub(super) async fn all(reach: &Reach) -> anyhow::Result<Vec<Place>> {
    let topology = contract::Topology { bus: reach.config.bus.clone(), ..(*reach.config.choreography).clone() };
    let mut places: Vec<Place> = topology.rows.iter().map(Place::of_row).collect();
    places.push(Place { queue: undelivered(&topology), kind: Kind::Undelivered });
    for found in subscriptions::list(&reach.clients, &topology).await? {
        if let Ok(name) = Name::new(&found.name) {
            places.push(Place { queue: name.queue().dead_letters(), kind: Kind::Subscription(name.queue()) });
        }
    }
    Ok(places)
}

impl Place {
    pub(super) fn of_row(row: &Row) -> Place {
        Place { queue: row.queue.dead_letters(), kind: Kind::Row(row.queue.clone()) }
    }

    /// While the choreography stays as it is.
    pub(super) fn may_go(&self) -> bool {
        matches!(self.kind, Kind::Subscription(_))
    }

    pub(super) fn destination(&self, attributes: &Attributes, choreography: &Choreography) -> Destination {
        let row_of = |queue: &QueueName| choreography.rows.iter().find(|row| row.queue == *queue).cloned();
        match &self.kind {
            Kind::Subscription(queue) => Destination::Subscription(queue.clone()),
            Kind::Row(queue) => match row_of(queue) {
                Some(row) => Destination::Row(Box::new(row)),
                None => Destination::Nowhere(format!("no agent reads {queue}")),
            },
            Kind::Undelivered => {
                let Some(arn) = attributes.get(TARGET_ARN) else {
                    return Destination::Nowhere("it does not say which target it was for".into());
                };
                let queue = QueueName::from(arn.rsplit(':').next().unwrap_or_default().to_owned());
                match row_of(&queue) {
                    Some(row) => Destination::Row(Box::new(row)),
                    None => {
                        Destination::Nowhere(format!("it was for {}, which no agent reads", contract::bounded(arn)))
                    }
                }
            }
        }
    }
}

impl Destination {
    pub(super) fn row(&self) -> Option<&Row> {
        match self {
            Destination::Row(row) => Some(row),
            _ => None,
        }
    }

    pub(super) fn queue(&self) -> Option<&QueueName> {
        match self {
            Destination::Row(row) => Some(&row.queue),
            Destination::Subscription(queue) => Some(queue),
            Destination::Nowhere(_) => None,
        }
    }

    /// As a person calls it.
    pub(super) fn name(&self) -> String {
        match self {
            Destination::Row(row) => row.name.to_string(),
            Destination::Subscription(queue) => queue.to_string(),
            Destination::Nowhere(_) => "nobody".into(),
        }
    }
}

/// Whether EventBridge wrote this on a letter: it is about a delivery that failed, not about the event.
pub(super) fn is_eventbridges(attribute: &str) -> bool {
    BY_EVENTBRIDGE.contains(&attribute)
}

//! Owns a bus in memory, in EventBridge's terms: rules by type, a wrapper around each event, a result for each entry.
//! Never tells its caller that a target was away: a rule's own dead-letter queue has the event then, or nobody.
//! Next: `cloud` makes its rules from a topology.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use contract::limits::BUS_BATCH_MAX;
use contract::{Attributes, Clock, Event, EventType, PortError, QueueName, Topology};
use runtime::ports::{Bus, EntryResult};

use super::queue::{MemoryQueue, QueueSettings};
use super::{counted_id, locked};

/// `PutEvents`: bytes of one entry.
const ENTRY_BYTES_MAX: usize = 256 * 1024;
const ACCOUNT: &str = "000000000000";
const REGION: &str = "local";

/// Events of these types go to that queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub name: String,
    pub types: Vec<EventType>,
    pub queue: QueueName,
    /// Gets what the target refused for good.
    pub dead_letters: Option<QueueName>,
}

/// One custom bus, its rules, and a record of everything that it accepted.
pub struct MemoryBus {
    queue: Arc<MemoryQueue>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    published: Vec<Arc<Event>>,
    dropped: usize,
    delays: Option<(fastrand::Rng, u64)>,
    puts: u64,
}

impl fmt::Debug for MemoryBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = locked(&self.state);
        f.debug_struct("MemoryBus")
            .field("rules", &state.rules.len())
            .field("published", &state.published.len())
            .finish()
    }
}

impl MemoryBus {
    pub fn new(queue: Arc<MemoryQueue>, clock: Arc<dyn Clock>, rules: Vec<Rule>) -> MemoryBus {
        MemoryBus { queue, clock, state: Mutex::new(State { rules, ..State::default() }) }
    }

    /// One rule for each row that consumes anything, all of them with the bus's own dead-letter queue. Makes no
    /// queue: `MemoryCloud` does.
    pub fn from_topology(topology: &Topology, queue: Arc<MemoryQueue>, clock: Arc<dyn Clock>) -> MemoryBus {
        let rule = |row: &contract::topology::Row| Rule {
            name: row.queue.to_string(),
            types: row.consumes.clone(),
            queue: row.queue.clone(),
            dead_letters: Some(MemoryBus::undelivered(topology)),
        };
        MemoryBus::new(queue, clock, topology.rows.iter().filter(|row| !row.consumes.is_empty()).map(rule).collect())
    }

    /// The queue for what no rule of this bus could deliver.
    pub fn undelivered(topology: &Topology) -> QueueName {
        QueueName::from(format!("{}-undelivered", topology.bus))
    }

    /// A queue of that name which gets these types from now on, beside everybody else.
    pub fn subscribe(&self, name: &str, types: &[EventType]) -> QueueName {
        let queue = QueueName::from(name.to_owned());
        if !self.queue.exists(&queue) {
            self.queue.create(&queue, QueueSettings::default());
        }
        self.add(Rule { name: name.into(), types: types.to_vec(), queue: queue.clone(), dead_letters: None });
        queue
    }

    pub fn add(&self, rule: Rule) {
        locked(&self.state).rules.push(rule);
    }

    /// From now on each delivery takes between nothing and that long, so that events overtake each other.
    pub fn delay_deliveries(&self, seed: u64, ms_max: u64) {
        locked(&self.state).delays = (ms_max > 0).then(|| (fastrand::Rng::with_seed(seed), ms_max));
    }

    /// Everything that was accepted, in order, repetitions included.
    pub fn published(&self) -> Vec<Event> {
        locked(&self.state).published.iter().map(|event| Event::clone(event)).collect()
    }

    /// The same without copies, from the `n`-th on.
    pub fn published_since(&self, n: usize) -> Vec<Arc<Event>> {
        locked(&self.state).published.get(n..).unwrap_or_default().to_vec()
    }

    pub fn published_count(&self) -> usize {
        locked(&self.state).published.len()
    }

    /// Deliveries that failed for good where no dead-letter queue could take them.
    pub fn dropped_count(&self) -> usize {
        locked(&self.state).dropped
    }

    fn put_one(&self, event: &Event) -> EntryResult {
        let detail = event.to_json();
        let bytes = detail.len() + event.kind.as_str().len() + event.source.as_str().len();
        if bytes > ENTRY_BYTES_MAX {
            return Err(PortError::permanent(format!("the entry has {bytes} bytes, {ENTRY_BYTES_MAX} at most")));
        }
        let mut state = locked(&self.state);
        let state = &mut *state;
        state.puts += 1;
        let body: Arc<str> = self.wrap(event, &detail, &counted_id(2, state.puts)).into();
        for rule in state.rules.iter().filter(|rule| rule.types.contains(&event.kind)) {
            let delay = state.delays.as_mut().map_or(0, |(die, ms_max)| die.u64(..=*ms_max));
            let delay = Duration::from_millis(delay);
            if let Err(why) = self.queue.deliver(&rule.queue, &body, Attributes::default(), delay) {
                state.dropped += usize::from(!self.deliver_dead(rule, &body, &why));
            }
        }
        state.published.push(Arc::new(event.clone()));
        Ok(())
    }

    fn deliver_dead(&self, rule: &Rule, body: &Arc<str>, why: &PortError) -> bool {
        let Some(dead_letters) = &rule.dead_letters else { return false };
        let mut attributes = Attributes::default();
        attributes.set("ERROR_CODE", "NO_RESOURCE");
        attributes.set("ERROR_MESSAGE", why.to_string());
        attributes.set("RULE_ARN", format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{}", rule.name));
        attributes.set("TARGET_ARN", format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{}", rule.queue));
        self.queue.deliver(dead_letters, body, attributes, Duration::ZERO).is_ok()
    }

    /// As EventBridge hands an event to a target that has no transformer.
    fn wrap(&self, event: &Event, detail: &str, id: &str) -> String {
        // EventBridge stamps seconds.
        let time = contract::UnixMs(self.clock.now().0.div_euclid(1000) * 1000).to_string().replace(".000Z", "Z");
        let (kind, source) = (quoted(event.kind.as_str()), quoted(event.source.as_str()));
        format!(
            "{{\"version\":\"0\",\"id\":\"{id}\",\"detail-type\":{kind},\"source\":{source},\"account\":\"{ACCOUNT}\",\
             \"time\":\"{time}\",\"region\":\"{REGION}\",\"resources\":[],\"detail\":{detail}}}"
        )
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[async_trait]
impl Bus for MemoryBus {
    async fn put(&self, batch: &[Event]) -> Result<Vec<EntryResult>, PortError> {
        match batch.len() {
            0 => Err(PortError::permanent("ValidationException: no entries")),
            1..=BUS_BATCH_MAX => Ok(batch.iter().map(|event| self.put_one(event)).collect()),
            more => Err(PortError::permanent(format!("ValidationException: {more} entries, 10 at most"))),
        }
    }
}

//! Owns the bill of a goal: prices of AWS, the units that its calls are charged in, and what other designs would pay.
//! Never a call count: those come from the formula; sizes come from a goal that was weighed.
//! Next: `docs/cost.md` writes the same formula for people.

use contract::topology::cost::Cost;
use figures::{Row, Run};
use runtime::ledger::{Attr, Item, ItemKind, Value};

pub(crate) const GROUP: &str = "dollars of a million goals";
const UNIT: &str = "$ a million goals";

/// Public list prices of us-east-1 as of 2026-11-20, in dollars for one. Check them: they change.
const SQS_REQUEST: f64 = 0.40e-6;
const EVENT: f64 = 1.00e-6;
const WRITE_UNIT: f64 = 0.625e-6;
const READ_UNIT: f64 = 0.125e-6;
const ARTIFACT_PUT: f64 = 5.00e-6;
const ARTIFACT_GET: f64 = 0.40e-6;
const TRANSITION: f64 = 25.00e-6;

const MILLION: f64 = 1e6;
const WRITE_UNIT_BYTES: usize = 1024;
const READ_UNIT_BYTES: usize = 4096;
/// A key of an index that appears or goes is one write there, one that changes is two.
const DUE_WRITES: f64 = 4.0;
const LISTED_WRITES: f64 = 3.0;
/// Whoever goes on with it, and whoever looks at it.
const READS_OF_AN_ARTIFACT: f64 = 2.0;
/// Plan, map, three tasks, analysis, parallel, report, advice, and the result that is published.
const TRANSITIONS: f64 = 10.0;
const MESSAGES: f64 = 7.0;

/// What a goal's items weigh, at their largest.
#[derive(Debug, Default)]
pub(crate) struct Weighed {
    /// Of each step: before its outcome is in it, and after.
    steps: Vec<(usize, usize)>,
    joins: Vec<usize>,
    /// Before its end is in it, and after.
    goal: (usize, usize),
    pub(crate) artifacts: usize,
}

impl Weighed {
    pub(crate) fn of(story: &[Item], artifacts: usize) -> Weighed {
        let mut weighed = Weighed { artifacts, ..Weighed::default() };
        for item in story {
            let after = bytes(item);
            match item.key.kind {
                ItemKind::Goal => weighed.goal = (after - weight_of(item, &Attr::Ended), after),
                ItemKind::Join(_) => weighed.joins.push(after),
                ItemKind::Step { .. } => weighed.steps.push((after - weight_of(item, &Attr::Outcome), after)),
            }
        }
        weighed
    }

    /// Write units, with those of the indexes.
    fn writes(&self, cost: &Cost, records: f64) -> f64 {
        let units = |bytes: usize| bytes.div_ceil(WRITE_UNIT_BYTES) as f64;
        let steps: f64 = self.steps.iter().map(|(claimed, committed)| units(*claimed) + units(*committed)).sum();
        let mean_claimed = self.steps.iter().map(|(claimed, _)| units(*claimed)).sum::<f64>() / self.steps.len() as f64;
        let joins: f64 = self.joins.iter().map(|bytes| units(*bytes)).sum();
        let join = joins / self.joins.len().max(1) as f64;
        let (open, ended) = (units(self.goal.0), units(self.goal.1));
        let terminal = 2.0;
        let of_joins = cost.of("open") + cost.of("close") + (cost.of("told") - 1.0) + (cost.of("arrive") - terminal);
        let of_the_goal = cost.of("accept") + cost.of("reserve") + cost.of("settle") + terminal;
        let indexes = DUE_WRITES + LISTED_WRITES + DUE_WRITES * cost.of("open");
        steps + records * mean_claimed + of_joins * join + of_the_goal * open + 2.0 * ended + indexes
    }
}

/// A row for each term, then what other designs would pay.
pub(crate) fn tell(weighed: &Weighed, batched: &Cost, alone: &Cost, run: &mut Run) {
    // Every event but the goal itself was delivered by a rule, which is a request to SQS as well.
    let steps = batched.of("claim");
    let requests = |cost: &Cost| cost.of("receive") + cost.of("delete") + steps;
    let events = alone.of("emit");
    let records = batched.of("reserve");
    let artifacts = weighed.artifacts as f64;
    let stored = artifacts * (ARTIFACT_PUT + READS_OF_AN_ARTIFACT * ARTIFACT_GET);
    let reads = steps * weighed.goal.1.div_ceil(READ_UNIT_BYTES) as f64;
    let writes = weighed.writes(batched, records);
    let terms = [
        ("SQS", requests(batched) * SQS_REQUEST, format!("{:.1} requests, full batches", requests(batched))),
        ("EventBridge", events * EVENT, format!("{events} events")),
        ("DynamoDB, writes", writes * WRITE_UNIT, format!("{writes:.0} units")),
        ("DynamoDB, reads", reads * READ_UNIT, format!("{reads:.0} units")),
        ("S3", stored, format!("{artifacts} artifacts, each read twice")),
    ];
    let mut total = 0.0;
    for (name, dollars, note) in terms {
        total += dollars;
        run.add(Row::new(GROUP, name, UNIT, vec![dollars * MILLION]).noting(note));
    }
    let mut say = |what: &str, dollars: f64, note: &str| {
        run.add(Row::new(GROUP, what, UNIT, vec![dollars * MILLION]).noting(note));
    };
    say("together", total, "this design, full batches");
    let unbatched = total + (requests(alone) - requests(batched)) * SQS_REQUEST;
    say("the same without batches", unbatched, "EventBridge and DynamoDB charge for entries, not for calls");
    let tokens = MESSAGES * 3.0 * SQS_REQUEST;
    let machine = TRANSITIONS * TRANSITION + tokens + EVENT + stored;
    say(
        "Step Functions Standard",
        machine,
        "ten transitions, queues with task tokens, one event; no ledger, no budget",
    );
}

/// By DynamoDB's rule: names and values, two digits of a number in a byte.
pub(crate) fn bytes(item: &Item) -> usize {
    let key = "pk".len() + item.key.goal.to_string().len() + "sk".len() + item.key.sort().len();
    key + item.attrs.keys().map(|attr| weight_of(item, attr)).sum::<usize>()
}

fn weight_of(item: &Item, attr: &Attr) -> usize {
    let value = match item.attrs.get(attr) {
        None => return 0,
        Some(Value::Text(text)) => text.len(),
        Some(Value::Number(number)) => number.to_string().len().div_ceil(2) + 1,
        Some(Value::Flag(_)) => 1,
    };
    attr.name().len() + value
}

pub(crate) fn is_step(item: &Item) -> bool {
    matches!(item.key.kind, ItemKind::Step { .. })
}

pub(crate) fn is_join(item: &Item) -> bool {
    matches!(item.key.kind, ItemKind::Join(_))
}

pub(crate) fn is_goal(item: &Item) -> bool {
    matches!(item.key.kind, ItemKind::Goal)
}

#[cfg(test)]
mod tests {
    use contract::topology::cost::Work;
    use contract::{GoalId, Tenant, Topology};
    use runtime::ledger::ItemKey;

    use super::*;

    fn cost(batch_fill: u32) -> Cost {
        let work = Work { members: 3, model_calls: 1, heartbeats: 0, artifacts: 0, batch_fill };
        Topology::murmuration().cost_of_a_goal(&work)
    }

    #[test]
    fn an_items_weight_is_names_and_values_with_two_digits_in_a_byte() {
        let goal = GoalId::derive(&Tenant::default(), "weighed");
        let mut item = Item::new(ItemKey::goal(goal));
        let key = bytes(&item);
        assert_eq!(key, 2 + 36 + 2 + 4);
        item.attrs.insert(Attr::Version, Value::Number(1_795_000));
        item.attrs.insert(Attr::Ended, Value::Text("x".repeat(2_000)));
        assert_eq!(bytes(&item) - key, "version".len() + 5 + "ended".len() + 2_000);
        assert_eq!(Weighed::of(&[item], 0).goal, (key + "version".len() + 5, key + 12 + 2_005));
    }

    #[test]
    fn larger_items_cost_more_and_so_do_calls_with_one_entry() {
        let weighed = |bytes: usize| Weighed {
            steps: vec![(bytes, bytes); 7],
            joins: vec![bytes],
            goal: (bytes, bytes),
            artifacts: 0,
        };
        let (small, large) = (weighed(1_000).writes(&cost(10), 7.0), weighed(2_000).writes(&cost(10), 7.0));
        let indexes = DUE_WRITES + LISTED_WRITES + DUE_WRITES;
        assert!((large - indexes - 2.0 * (small - indexes)).abs() < 1e-9, "{small} and {large} units");
        let mut run = Run::of("dollars");
        tell(&weighed(1_000), &cost(10), &cost(1), &mut run);
        let of = |what: &str| run.rows().iter().find(|row| row.what == what).map(Row::median).unwrap();
        assert!(of("together") < of("the same without batches"));
        assert!(of("the same without batches") < of("Step Functions Standard"), "{:?}", run.rows());
    }
}

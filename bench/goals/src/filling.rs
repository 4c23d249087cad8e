//! Owns the ledger that is measured: goals in every standing and of several tenants, and one goal of many steps.
//! Never fewer bytes than real ones: a goal that ended holds its result, a step its output.
//! Next: `main` reads them.

use std::time::Duration;

use contract::events::{GoalCancelled, GoalCompleted, GoalFailed, GoalRequested};
use contract::{
    Choreography, Event, EventData, EventId, EventType, GoalId, PortError, RowName, Source, Tenant, Unit, UnixMs,
};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use runtime::ledger::step::{self, Claimant, Ending, Hold};
use runtime::ledger::{ItemKey, Write, goal};
use runtime::ports::{Ports, Written};
use runtime::{Chance, Settings, Spend};

const AT_ONCE: usize = 16;
const HOUR: Duration = Duration::from_secs(3600);
/// What a step of an agent leaves in the ledger: its events, with references to what is larger.
const OUTCOME_BYTES: usize = 6 * 1024;

/// Whose goals are one in two hundred.
pub(crate) fn rare() -> Tenant {
    "rare".parse().unwrap_or_default()
}

fn event(about: &GoalId, tenant: &Tenant, kind: EventType, data: serde_json::Value, chance: &Chance) -> Event {
    Event {
        id: EventId::derive(*about, &kind, &Unit::goal()),
        source: Source::USER,
        version: 1,
        kind,
        time: UnixMs(0),
        goal: *about,
        goal_key: Some("a key of one's own".into()),
        causation: None,
        hops: 0,
        deadline: None,
        tenant: tenant.clone(),
        trace: chance.trace(),
        data,
    }
}

/// The accept, and the end that follows, as one write: what is measured is the reading.
fn written(n: usize, at: UnixMs, choreography: &Choreography, settings: &Settings, chance: &Chance) -> (GoalId, Write) {
    let tenant = if n.is_multiple_of(200) { rare() } else { Tenant::default() };
    let id = GoalId::derive(&tenant, &format!("goal {n}"));
    let request = GoalRequested { deadline: None, ..GoalRequested::example() };
    let data = serde_json::to_value(&request).unwrap_or_default();
    let asked = event(&id, &tenant, GoalRequested::TYPE, data, chance);
    let mut write = goal::accept(&asked, &request, at + HOUR, at, choreography, settings);
    let end = match n {
        n if n % 1_000 == 1 => Some((GoalFailed::TYPE, serde_json::to_value(GoalFailed::example()))),
        n if n % 100 == 2 => Some((GoalCancelled::TYPE, serde_json::to_value(GoalCancelled::example()))),
        n if n % 50 == 3 => None,
        _ => Some((GoalCompleted::TYPE, serde_json::to_value(GoalCompleted::example()))),
    };
    if let Some((kind, data)) = end {
        let end = event(&id, &tenant, kind, data.unwrap_or_default(), chance);
        let changes = goal::end(&end, None, &chance.token(), at).changes;
        let changed = |one: &runtime::ledger::Change| attr_of(one).clone();
        let later: Vec<_> = changes.iter().map(changed).collect();
        write.changes.retain(|one| !later.contains(attr_of(one)));
        write.changes.extend(changes);
    }
    (id, write)
}

fn attr_of(change: &runtime::ledger::Change) -> &runtime::ledger::Attr {
    use runtime::ledger::Change;
    let (Change::Set(attr, _) | Change::Add(attr, _) | Change::Remove(attr)) = change;
    attr
}

/// So many goals, one each second until now. What is open has a step at work.
pub(crate) async fn fill(
    ports: &Ports,
    choreography: &Choreography,
    settings: &Settings,
    count: usize,
) -> Result<(), PortError> {
    let (chance, now) = (Chance::seeded(1), ports.clock.now());
    let one = |n: usize| {
        let at = now - Duration::from_secs((count - n) as u64);
        let (id, write) = written(n, at, choreography, settings, &chance);
        let is_open = n % 50 == 3 && n % 1_000 != 1 && n % 100 != 2;
        async move {
            apply(ports, &write).await?;
            if is_open { steps(ports, id, 3).await } else { Ok(()) }
        }
    };
    stream::iter((0..count).map(one)).buffer_unordered(AT_ONCE).try_collect().await
}

/// A goal of so many committed steps.
pub(crate) async fn story(
    ports: &Ports,
    choreography: &Choreography,
    settings: &Settings,
    count: usize,
) -> Result<GoalId, PortError> {
    let (id, write) = written(usize::MAX, ports.clock.now(), choreography, settings, &Chance::seeded(2));
    apply(ports, &write).await?;
    steps(ports, id, count).await?;
    Ok(id)
}

async fn steps(ports: &Ports, goal: GoalId, count: usize) -> Result<(), PortError> {
    let (chance, now) = (Chance::seeded(3), ports.clock.now());
    for n in 0..count {
        let row = RowName::new("research-tasks");
        let unit = Unit::output(row.as_str(), EventId(goal.0), n);
        let key = ItemKey::step(goal, &row, EventId::derive(goal, &EventType::new("research.task.requested"), &unit));
        let who = Claimant {
            token: chance.token(),
            holder: "a daemon on some machine".into(),
            now,
            lease: now + HOUR,
            event_at: now,
            sent_at: now,
            received_at: now,
        };
        let digest = contract::Digest::of(b"data");
        apply(ports, &step::claim(key.clone(), &digest, now + HOUR, &who)).await?;
        let outcome = format!("{{\"here\":{{\"filler\":\"{}\"}}}}", "x".repeat(OUTCOME_BYTES));
        let hold = Hold { key, token: who.token, epoch: 1 };
        let cost = Spend { tokens: 1_000, micros: 100 };
        apply(ports, &hold.commit(outcome, cost, false, Ending { at: now, record: None })).await?;
    }
    Ok(())
}

async fn apply(ports: &Ports, write: &Write) -> Result<(), PortError> {
    match ports.ledger.write(write).await? {
        Written::Applied(_) => Ok(()),
        Written::Refused(_) => Err(PortError::permanent("a goal of the bench is there already")),
    }
}

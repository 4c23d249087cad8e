//! Owns the proof that pages of the listing hold every goal once, newest first, whatever its standing, within their bounds.
//! Never a server: the suite of ledgers says how a shelf behaves.
//! Next: `runtime::listing`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;

use contract::events::{GoalCancelled, GoalCompleted, GoalFailed, GoalRequested};
use contract::{
    Event, EventData, EventId, EventType, GoalId, Source, SpanId, Tenant, Topology, TraceContext, TraceId, Unit, UnixMs,
};
use runtime::ledger::{Listed, Mark, Standing, goal};
use runtime::listing::{Bounds, Page, Wanted, goals, page};
use runtime::ports::{Ledger as _, Written};
use runtime::{Chance, Settings};
use testkit::memory::MemoryLedger;

const NOON: i64 = 1_795_000_000_000;
const FAR: usize = 1_000_000;

fn event(kind: EventType, goal: GoalId, tenant: &Tenant, data: serde_json::Value) -> Event {
    Event {
        id: EventId::derive(goal, &kind, &Unit::goal()),
        source: Source::USER,
        version: 1,
        kind,
        time: UnixMs(NOON),
        goal,
        goal_key: None,
        causation: None,
        hops: 0,
        deadline: None,
        tenant: tenant.clone(),
        trace: TraceContext { trace: TraceId(1), span: SpanId(1), sampled: true, state: None },
        data,
    }
}

fn end<T: EventData>(about: &Event) -> Event {
    event(T::TYPE, about.goal, &about.tenant, serde_json::to_value(T::example()).unwrap_or_default())
}

/// One in seven is of another tenant; of ten, one has failed, one was cancelled, three are open, five completed.
async fn accepted(ledger: &MemoryLedger, n: i64) -> GoalId {
    let tenant: Tenant = if n % 7 == 0 { "acme" } else { "default" }.parse().unwrap_or_default();
    let goal = GoalId::derive(&tenant, &format!("goal {n}"));
    let request = GoalRequested { goal: format!("goal {n}"), ..GoalRequested::example() };
    let asked = event(GoalRequested::TYPE, goal, &tenant, serde_json::to_value(&request).unwrap());
    let choreography = Topology::murmuration().check().unwrap();
    // Several of one millisecond: their ids must keep them apart.
    let at = UnixMs(NOON + n / 3);
    let write = goal::accept(&asked, &request, at + DAY, at, &choreography, &Settings::of(&choreography));
    assert!(matches!(ledger.write(&write).await, Ok(Written::Applied(_))));
    let ended = match n % 10 {
        0 => end::<GoalFailed>(&asked),
        5 => end::<GoalCancelled>(&asked),
        1..=3 => return goal,
        _ => end::<GoalCompleted>(&asked),
    };
    ledger.write(&goal::end(&ended, None, &Chance::seeded(1).token(), at)).await.unwrap();
    goal
}

const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

async fn filled(count: i64) -> (MemoryLedger, Vec<GoalId>) {
    let ledger = MemoryLedger::new();
    let mut all = vec![];
    for n in 0..count {
        all.push(accepted(&ledger, n).await);
    }
    (ledger, all)
}

async fn pages(ledger: &MemoryLedger, wanted: &Wanted, bounds: Bounds) -> Vec<Page> {
    let (mut all, mut after) = (vec![], None);
    loop {
        let one = page(ledger, wanted, after, bounds).await.unwrap();
        after = one.next;
        all.push(one);
        if after.is_none() {
            return all;
        }
    }
}

fn entries(pages: &[Page]) -> Vec<&(Listed, Standing)> {
    pages.iter().flat_map(|page| &page.goals).collect()
}

#[tokio::test]
async fn pages_hold_every_goal_once_and_the_newest_first() {
    let (ledger, goals) = filled(100).await;
    let pages = pages(&ledger, &Wanted::default(), Bounds { goals_max: 7, looks_max: FAR }).await;
    let marks: Vec<Mark> = entries(&pages).iter().map(|(listed, _)| listed.mark).collect();
    assert!(marks.windows(2).all(|two| two[0] > two[1]), "{marks:?}");
    assert_eq!(marks.iter().map(|mark| mark.goal).collect::<BTreeSet<_>>(), goals.into_iter().collect());
    assert_eq!(pages.iter().map(|page| page.goals.len()).collect::<Vec<_>>(), [vec![7; 14], vec![2]].concat());
}

#[tokio::test]
async fn a_page_of_one_standing_or_tenant_holds_no_other() {
    let (ledger, _) = filled(100).await;
    let bounds = Bounds { goals_max: 4, looks_max: FAR };
    for (standing, count) in
        [(Standing::Failed, 10), (Standing::Cancelled, 10), (Standing::Open, 30), (Standing::Completed, 50)]
    {
        let wanted = Wanted { standing: Some(standing), ..Wanted::default() };
        let pages = pages(&ledger, &wanted, bounds).await;
        let found = entries(&pages);
        assert_eq!(found.len(), count, "{standing:?}");
        assert!(found.iter().all(|(_, is)| *is == standing));
        // No look is lost on a goal of another standing.
        assert_eq!(pages.iter().map(|page| page.looked).sum::<usize>(), count);
    }
    let wanted = Wanted { tenant: Some("acme".parse().unwrap()), ..Wanted::default() };
    let pages = pages(&ledger, &wanted, bounds).await;
    assert_eq!(entries(&pages).len(), 15);
    assert!(entries(&pages).iter().all(|(listed, _)| listed.tenant.as_str() == "acme"));
}

#[tokio::test]
async fn a_page_ends_after_so_many_looks_and_the_next_goes_on_there() {
    let (ledger, _) = filled(100).await;
    let wanted = Wanted { tenant: Some("acme".parse().unwrap()), ..Wanted::default() };
    let pages = pages(&ledger, &wanted, Bounds { goals_max: 50, looks_max: 10 }).await;
    assert!(pages.iter().all(|page| page.looked <= 10), "{pages:?}");
    assert_eq!(entries(&pages).len(), 15, "short pages lose nothing");
}

#[tokio::test]
async fn a_goal_is_found_by_how_its_id_begins() {
    let (ledger, goals) = filled(40).await;
    for goal in &goals {
        let wanted = Wanted { prefix: Some(goal.to_string()[..8].to_owned()), ..Wanted::default() };
        let found = page(&ledger, &wanted, None, Bounds { goals_max: 5, looks_max: FAR }).await.unwrap();
        assert_eq!(found.goals.iter().map(|(listed, _)| listed.mark.goal).collect::<Vec<_>>(), [*goal]);
        assert!(found.looked < 40, "only the shelves of its shard are read");
    }
}

#[tokio::test]
async fn what_has_expired_is_in_no_page_of_items() {
    let (ledger, ids) = filled(60).await;
    let now = UnixMs(NOON);
    assert_eq!(goals(&ledger, &ids, now).await.unwrap().len(), 60);
    let late = now + DAY * 365;
    assert!(goals(&ledger, &ids, late).await.unwrap().is_empty());
    assert!(goals(&ledger, &[], now).await.unwrap().is_empty());
}

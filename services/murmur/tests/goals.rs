//! Owns the proof that goals can be sent, listed, found, watched and cancelled with the real program, over the stand-in.
//! Never an agent's own work: scripted ones run beside the test, or the ledger is written by hand.
//! Next: `services/murmur/src/goal`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use contract::events::{GoalFailed, GoalRequested};
use contract::{
    Cause, CauseKind, Digest, Event, EventData, EventId, EventType, GoalId, RowName, Source, SpanId, Tenant,
    TraceContext, TraceId, Unit, UnixMs,
};
use embedded_cloud::{EmbeddedCloud, Ending, Fault, Options, What, When};
use processes::{Site, Stage};
use runtime::ledger::step::{self, Claimant, Hold};
use runtime::ledger::{ItemKey, Write, goal};
use runtime::ports::{Ports, Written};
use runtime::{Chance, Settings};
use serde_json::Value;
use tokio::process::Command;
use uuid::Uuid;

/// What a run of the program came to.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|why| panic!("{why}: {}{}", self.out, self.err))
    }

    #[track_caller]
    fn ends(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }
}

fn command(endpoint: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_murmur"));
    command.args(arguments).args(["--endpoint", endpoint]).env_clear();
    let artifacts = std::env::temp_dir().join("murmur-goals-artifacts");
    command.env("MURMUR_ARTIFACTS", format!("file://{}", artifacts.display()));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

async fn murmur(endpoint: &str, arguments: &[&str]) -> Ran {
    let output = tokio::time::timeout(Duration::from_secs(90), command(endpoint, arguments).output());
    let output = output.await.unwrap().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Servers without any agent.
struct Desk {
    cloud: EmbeddedCloud,
    site: Site,
    ports: Ports,
}

impl Desk {
    async fn open() -> Desk {
        let cloud = EmbeddedCloud::start(Options::in_memory()).await.unwrap();
        let site = Site::at(cloud.endpoint()).unwrap();
        site.provision().await.unwrap();
        let ports = site.ports().await.unwrap();
        Desk { cloud, site, ports }
    }

    async fn murmur(&self, arguments: &[&str]) -> Ran {
        murmur(self.cloud.endpoint(), arguments).await
    }

    async fn write(&self, write: &Write) {
        assert!(matches!(self.ports.ledger.write(write).await, Ok(Written::Applied(_))), "{write:?}");
    }

    /// As the research agent does it.
    async fn accepted(&self, id: u128, tenant: &str, at: UnixMs) -> Event {
        let request = GoalRequested { goal: format!("goal {id:x}"), deadline: None, ..GoalRequested::example() };
        let data = serde_json::to_value(&request).unwrap();
        let event = event(GoalRequested::TYPE, GoalId(Uuid::from_u128(id)), tenant.parse().unwrap(), data);
        let (choreography, settings) = (&self.site.choreography, Settings::of(&self.site.choreography));
        let deadline = at + Duration::from_secs(3600);
        self.write(&goal::accept(&event, &request, deadline, at, choreography, &settings)).await;
        event
    }

    async fn failed(&self, about: &Event) {
        let data = serde_json::to_value(GoalFailed::example()).unwrap();
        let end = event(GoalFailed::TYPE, about.goal, about.tenant.clone(), data);
        self.write(&goal::end(&end, None, &Chance::fresh().token(), about.time)).await;
    }

    /// A step of this row that gave up.
    async fn parked(&self, goal: GoalId, row: &'static str) {
        let (now, token) = (self.ports.clock.now(), Chance::fresh().token());
        let input = EventId::derive(goal, &EventType::new("suite.step"), &Unit::goal());
        let key = ItemKey::step(goal, &RowName::new(row), input);
        let who = Claimant {
            token: token.clone(),
            holder: "somebody".into(),
            now,
            lease: now,
            event_at: now,
            sent_at: now,
            received_at: now,
        };
        self.write(&step::claim(key.clone(), &Digest::of(b""), now + Duration::from_secs(3600), &who)).await;
        let cause = Cause::new(CauseKind::AttemptsExhausted, "the model answered nonsense three times");
        let hold = Hold { key, token, epoch: 1 };
        self.write(&hold.park(&cause, false, step::Ending { at: now, record: None })).await;
    }
}

fn event(kind: EventType, goal: GoalId, tenant: Tenant, data: Value) -> Event {
    Event {
        id: EventId::derive(goal, &kind, &Unit::goal()),
        source: Source::USER,
        version: 1,
        kind,
        time: UnixMs(1_795_000_000_000),
        goal,
        goal_key: None,
        causation: None,
        hops: 0,
        deadline: None,
        tenant,
        trace: TraceContext { trace: TraceId(1), span: SpanId(1), sampled: true, state: None },
        data,
    }
}

const ALIKE: u128 = 0xabcd_ef12_0000_5000_8000_0000_0000_0000;

#[tokio::test(flavor = "multi_thread")]
async fn a_goal_is_sent_and_watched_to_its_good_end_and_its_key_finds_it_again() {
    let stage = Stage::open().await.unwrap();
    let endpoint = stage.cloud.endpoint();
    let words = ["goal", "submit", "Compare prices", "--key", "k-1", "--deadline", "2h", "--usd", "0.5"];
    let sent = murmur(endpoint, &[&words[..], &["--json"]].concat()).await.ends(0).json();
    let id = sent["goal"].as_str().unwrap().to_owned();
    assert_eq!(sent["sent"], true, "{sent}");
    assert_eq!(id, GoalId::derive(&Tenant::default(), "k-1").to_string());

    let watched = murmur(endpoint, &["goal", "watch", &id]).await.ends(0);
    for told in ["Compare prices", "analysis: done", "evidence: 3 results, all there", "completed"] {
        assert!(watched.out.contains(told), "{told} is not in {}", watched.out);
    }
    let again = murmur(endpoint, &["goal", "watch", "--key", "k-1", "--json"]).await.ends(0);
    let lines: Vec<Value> = again.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.first().unwrap()["what"], "accepted");
    assert_eq!(
        (&lines.last().unwrap()["what"], &lines.last().unwrap()["standing"]),
        (&"ended".into(), &"completed".into())
    );

    // Two hours from now are another time than before, and the same goal.
    let twice = murmur(endpoint, &words).await.ends(0);
    assert!(
        twice.out.contains(&id) && twice.out.contains("nothing was sent") && twice.out.contains("completed"),
        "{}",
        twice.out
    );
    let other = murmur(endpoint, &["goal", "submit", "Something else", "--key", "k-1"]).await.ends(1);
    assert!(other.err.contains("differs in: budget, deadline, goal") && other.err.contains(&id), "{}", other.err);
    let listed = murmur(endpoint, &["goal", "list", "--state", "completed"]).await.ends(0);
    assert!(listed.out.contains(&id[..8]) && listed.out.contains("Compare prices"), "{}", listed.out);
    stage.close(&[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_goal_ends_and_says_so_to_whoever_asks_again() {
    let stage = Stage::open().await.unwrap();
    let endpoint = stage.cloud.endpoint();
    let slow = murmur(endpoint, &["goal", "submit", "Work slowly", "--json"]).await.ends(0).json();
    let id = slow["goal"].as_str().unwrap();
    let mut watching = command(endpoint, &["goal", "watch", id]).spawn().unwrap();
    // Accepted, it can be found by its beginning.
    let wish = ItemKey::goal(id.parse().unwrap());
    while stage.ports.ledger.read(&wish).await.unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let cancelled = murmur(endpoint, &["goal", "cancel", &id[..8], "--reason", "called off"]).await.ends(0);
    assert!(cancelled.out.contains("was cancelled"), "{}", cancelled.out);
    let code = tokio::time::timeout(Duration::from_secs(30), watching.wait()).await.unwrap().unwrap();
    assert_eq!(code.code(), Some(1), "who watched is told that it did not complete");
    let again = murmur(endpoint, &["goal", "cancel", id]).await.ends(0);
    assert!(again.out.contains("has ended already: cancelled"), "{}", again.out);
    let watched = murmur(endpoint, &["goal", "watch", id]).await.ends(1);
    assert!(watched.out.contains("cancelled: called off"), "{}", watched.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_there_to_cancel_a_goal_and_that_is_said() {
    let desk = Desk::open().await;
    let open = desk.accepted(ALIKE, "default", desk.ports.clock.now()).await;
    let waited = desk.murmur(&["goal", "cancel", &open.goal.to_string(), "--within", "300ms"]).await.ends(1);
    assert!(waited.err.contains("nobody has acted on it") && waited.err.contains("murmur status"), "{}", waited.err);
    desk.failed(&open).await;
    let ended = desk.murmur(&["goal", "cancel", "abcdef", "--json"]).await.ends(0).json();
    assert_eq!((&ended["state"], &ended["asked"]), (&"failed".into(), &false.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_watches_a_goal_that_nobody_takes_is_told_so_and_need_not_wait_for_ever() {
    let desk = Desk::open().await;
    let watched = desk.murmur(&["goal", "submit", "Compare prices", "--watch", "--within", "9s"]).await.ends(1);
    for told in ["nobody has taken the goal yet", "murmur status --endpoint", "murmur up --endpoint"] {
        assert!(watched.out.contains(told), "{told} is not in {}", watched.out);
    }
    assert!(watched.err.contains("has not ended within 9.0 s"), "{}", watched.err);
    desk.murmur(&["goal", "submit", "Compare prices", "--within", "6s"]).await.ends(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_beginning_of_two_ids_is_refused_with_both_and_of_none_with_what_to_do() {
    let desk = Desk::open().await;
    let now = desk.ports.clock.now();
    let (one, two) = (desk.accepted(ALIKE + 1, "default", now).await, desk.accepted(ALIKE + 2, "acme", now).await);
    let both = desk.murmur(&["goal", "watch", "ABCDEF12"]).await.ends(1);
    for goal in [one.goal, two.goal] {
        assert!(both.err.contains(&goal.to_string()), "{}", both.err);
    }
    let none = desk.murmur(&["goal", "cancel", "123456"]).await.ends(1);
    assert!(none.err.contains("begins with 123456") && none.err.contains("murmur goal list"), "{}", none.err);
    let unknown = desk.murmur(&["goal", "cancel", &GoalId(Uuid::from_u128(7)).to_string()]).await.ends(1);
    assert!(unknown.err.contains("no such goal") && unknown.err.contains("murmur status"), "{}", unknown.err);
    let unsent = desk.murmur(&["goal", "cancel", "--key", "never", "--tenant", "acme"]).await.ends(1);
    assert!(unsent.err.contains("no such goal"), "{}", unsent.err);
    for text in ["abc", "no-id", "abcdefg"] {
        desk.murmur(&["goal", "watch", text]).await.ends(2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_goal_is_told_with_its_cause_and_what_to_do() {
    let desk = Desk::open().await;
    let now = desk.ports.clock.now();
    let goal = desk.accepted(ALIKE + 3, "default", now).await.goal;
    let running = desk.accepted(ALIKE + 4, "default", now).await.goal;
    desk.parked(goal, "analysis").await;
    // The recommendation is optional: its goal goes on without it.
    desk.parked(running, "recommendation").await;
    let watched = desk.murmur(&["goal", "watch", &goal.to_string(), "--within", "1s"]).await.ends(1);
    for told in ["analysis: gave up", "stalled", "nonsense three times", "murmur explain", "murmur dlq redrive"] {
        assert!(watched.out.contains(told), "{told} is not in {}", watched.out);
    }
    assert!(watched.err.contains("the goal goes on"), "{}", watched.err);
    for (state, wanted) in [("stalled", goal), ("running", running)] {
        let listed = desk.murmur(&["goal", "list", "--state", state, "--json"]).await.ends(0).json();
        let goals: Vec<&Value> = listed["goals"].as_array().unwrap().iter().map(|row| &row["goal"]).collect();
        assert_eq!(goals, [&Value::from(wanted.to_string())], "{state}: {listed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_for_a_while_is_waited_for() {
    let desk = Desk::open().await;
    let goal = desk.accepted(ALIKE + 5, "default", desk.ports.clock.now()).await;
    // The first looks for the index, the second finds the goal open.
    for nth in [3, 4] {
        desk.cloud.faults().add(Fault::on("Query", What::LoseReply).when(When::Nth(nth)));
    }
    let lost = || desk.cloud.operations(0).iter().filter(|call| call.ending == Ending::ReplyLost).count();
    let ending = async {
        while lost() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        desk.failed(&goal).await;
    };
    let id = goal.goal.to_string();
    let watch = ["goal", "watch", &id];
    let (watched, ()) = tokio::join!(desk.murmur(&watch), ending);
    let watched = watched.ends(1);
    assert!(watched.out.contains("does not answer") && watched.out.contains("answers again"), "{}", watched.out);
    assert!(watched.out.contains("failed: analysis gave up"), "{}", watched.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_to_the_end_and_fit_a_narrow_terminal() {
    let desk = Desk::open().await;
    let now = desk.ports.clock.now();
    let empty = desk.murmur(&["goal", "list"]).await.ends(0);
    assert!(empty.out.contains("no goals yet"), "{}", empty.out);
    for n in 0..25_u128 {
        let tenant = if n % 5 == 0 { "acme" } else { "default" };
        let id = ALIKE.rotate_left(u32::try_from(n).unwrap() * 5) + n;
        let goal = desk.accepted(id, tenant, now - Duration::from_secs(u64::try_from(n).unwrap())).await;
        if n % 2 == 0 {
            desk.failed(&goal).await;
        }
    }
    let (mut seen, mut after, mut pages) = (BTreeSet::new(), None::<String>, 0);
    loop {
        let mut words = vec!["goal", "list", "--limit", "10", "--json"];
        words.extend(after.iter().flat_map(|after| ["--after", after]));
        let page = desk.murmur(&words).await.ends(0).json();
        let goals = page["goals"].as_array().unwrap();
        seen.extend(goals.iter().map(|row| row["goal"].as_str().unwrap().to_owned()));
        pages += 1;
        let Some(next) = page["next"].as_str() else { break };
        after = Some(next.to_owned());
    }
    assert_eq!((seen.len(), pages), (25, 3));
    let failed = desk.murmur(&["goal", "list", "--state", "failed", "--tenant", "acme", "--json"]).await.ends(0).json();
    assert_eq!(failed["goals"].as_array().unwrap().len(), 3, "{failed}");
    let table = desk.murmur(&["goal", "list", "--limit", "5"]).await.ends(0);
    assert!(table.out.starts_with("GOAL") && table.out.contains("--limit 5 --after "), "{}", table.out);
    desk.murmur(&["goal", "list", "--after", "yesterday"]).await.ends(2);
    desk.murmur(&["goal", "list", "--limit", "0"]).await.ends(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_agent_would_take_is_refused_before_it_is_sent() {
    let desk = Desk::open().await;
    for (more, told) in [
        (vec![" "], "an empty goal"),
        (vec!["a", "--deadline", "2020-01-01T00:00:00Z"], "has passed"),
        (vec!["a", "--deadline", "soon"], "a span such as"),
        (vec!["a", "--usd", "-1"], "budget"),
        (vec!["a", "--sources", "./here"], "murmur ingest"),
        (vec!["a", "--tenant", "no tenant"], "a tenant is"),
        (vec!["a", "--key", ""], "key"),
    ] {
        let refused = desk.murmur(&[&["goal", "submit"], &more[..]].concat()).await.ends(2);
        assert!(refused.err.contains(told), "{more:?}: {}", refused.err);
    }
    assert!(desk.cloud.operations(0).iter().all(|call| call.operation != "SendMessageBatch"));
}

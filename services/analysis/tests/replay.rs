//! Owns the proof that the built agent replays a recorded step: the same outputs as the handler's rehearsal.
//! Never a server: the program gets the record on standard input and connects to nothing.
//! Next: `murmur replay` does the same for steps of a ledger.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod evidence;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use contract::events::Evidence;
use contract::{Artifacts, AttemptRecord, RowName};
use evidence::{Gathering, NOW, analysed_of, event, researched};
use runtime::replay::{RecordedStep, Replayed};
use testkit::memory::MemoryArtifacts;

#[tokio::test]
async fn the_built_agent_replays_a_recorded_step_to_the_same_outputs() {
    let store: Arc<dyn Artifacts> = Arc::new(MemoryArtifacts::new());
    let gathering = Gathering::of("What is the price?").table(
        "plans.csv",
        "plans",
        None,
        "plan,price_usd\nFern,9\nMoss,19\nHeath,49\n",
    );
    let research = researched("Compare prices", vec![gathering.0], &store).await;
    let rehearsed = analysed_of(&research, &store).await;
    let mut artifacts = BTreeMap::new();
    for arrived in &research.arrived {
        let brought: Evidence = serde_json::from_value(arrived.data.clone().unwrap()).unwrap();
        let uri = brought.passages.unwrap().uri;
        artifacts.insert(uri.clone(), STANDARD.encode(store.get(&uri).await.unwrap()));
    }
    let later = NOW + Duration::from_secs(600);
    let recorded = RecordedStep {
        row: RowName::new("analysis"),
        event: event(&research),
        goal_deadline: later,
        step_deadline: later,
        model: None,
        record: AttemptRecord { attempt: 1, began: NOW, ..AttemptRecord::default() },
        artifacts_at: "artifact:/".into(),
        artifacts,
    };
    let mut child = Command::new(env!("CARGO_BIN_EXE_analysis"))
        .arg("replay")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&serde_json::to_vec(&recorded).unwrap()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let replayed: Replayed = serde_json::from_slice(&output.stdout).unwrap();
    let expected = serde_json::to_value(&rehearsed.event).unwrap();
    assert_eq!((replayed.emits.len(), &replayed.emits[0].data), (1, &expected));
}

//! Owns the proof that provisioning bears lost answers, company, and servers that are behind; and removes with care.
//! Never AWS: the stand-in goes wrong on demand, and says of itself that it is somebody's account.
//! Next: `fixture::provisioned` has what provisioning does where nothing goes wrong.

#![allow(clippy::unwrap_used, reason = "what a test cannot make is a test that fails")]

mod fixture;

use std::process::Command;

use aws::clients::Limits;
use aws::provision::{self, Outcome, Reporter, Trouble};
use embedded_cloud::{EmbeddedCloud, Ending, Fault, Options, What, When};
use fixture::{Address, Server, provisioned};

const ACCOUNT: &str = "123456789012";

fn cloud(server: &Server) -> &EmbeddedCloud {
    server.cloud.as_ref().unwrap()
}

#[tokio::test]
async fn an_answer_that_is_lost_costs_another_try_and_nothing_else() {
    let makes = ["CreateQueue", "CreateEventBus", "PutRule", "PutTargets", "CreateTable", "UpdateTimeToLive"];
    for operation in makes {
        let server = Server::standin().await;
        cloud(&server).faults().add(Fault::on(operation, What::LoseReply).when(When::Nth(1)));
        let steps = provisioned::run(&server, &provisioned::fresh_plan()).await;
        let lost = cloud(&server).operations(0).into_iter().filter(|call| call.ending == Ending::ReplyLost);
        assert_eq!(lost.map(|call| call.operation).collect::<Vec<_>>(), [operation]);
        assert!(steps.iter().all(|step| step.outcome == Outcome::Created), "{operation}: {steps:?}");
    }
}

#[tokio::test]
async fn an_expiry_that_is_refused_since_it_is_on_already_is_on() {
    let server = Server::standin().await;
    let refused = What::Fail { code: "com.amazon.coral.validate#ValidationException".into(), status: 400 };
    // As at AWS: the first try switches it on, and its answer is lost; the second is refused.
    cloud(&server).faults().add(Fault::on("UpdateTimeToLive", What::LoseReply).when(When::Nth(1)));
    cloud(&server).faults().add(Fault::on("UpdateTimeToLive", refused.clone()).when(When::Nth(2)));
    provisioned::run(&server, &provisioned::fresh_plan()).await;

    let server = Server::standin().await;
    cloud(&server).faults().add(Fault::on("UpdateTimeToLive", refused));
    let plan = provisioned::fresh_plan();
    let trouble = provision::provision(&server.clients, &plan, &mut Reporter::silent()).await.unwrap_err().trouble;
    assert!(matches!(&trouble, Trouble::Refused { .. }), "it is not on: {trouble:?}");
}

#[tokio::test]
async fn two_that_provision_at_once_both_succeed() {
    let server = Server::standin().await;
    let plan = provisioned::fresh_plan();
    tokio::join!(provisioned::run(&server, &plan), provisioned::run(&server, &plan));
    let again = provisioned::run(&server, &plan).await;
    assert!(again.iter().all(|step| step.outcome == Outcome::Unchanged), "{again:?}");
}

#[tokio::test]
async fn a_queue_that_is_not_known_by_its_url_yet_is_asked_for_again() {
    let server = Server::standin().await;
    let unknown = What::Fail { code: "com.amazonaws.sqs#QueueDoesNotExist".into(), status: 400 };
    cloud(&server).faults().add(Fault::on("GetQueueAttributes", unknown).when(When::First(2)));
    let steps = provisioned::run(&server, &provisioned::fresh_plan()).await;
    assert!(steps.iter().all(|step| step.outcome == Outcome::Created), "{steps:?}");
}

async fn somebodys() -> (EmbeddedCloud, aws::clients::Clients) {
    let cloud = EmbeddedCloud::start(Options { account: ACCOUNT.into(), ..Options::in_memory() }).await.unwrap();
    let clients = Address::of(cloud.endpoint()).clients(Limits::default()).await;
    (cloud, clients)
}

#[tokio::test]
async fn what_a_real_account_has_is_removed_only_where_that_account_is_named() {
    let (_cloud, clients) = somebodys().await;
    let plan = provisioned::fresh_plan();
    assert_eq!(provision::may_remove(&clients, &plan, None).await, Ok(()), "nothing is there yet");
    provision::provision(&clients, &plan, &mut Reporter::silent()).await.unwrap();
    for named in [None, Some("210987654321"), Some("")] {
        let refused = provision::may_remove(&clients, &plan, named).await.unwrap_err();
        assert!(matches!(&refused, Trouble::Unnamed { account, .. } if account == ACCOUNT), "{named:?}: {refused:?}");
        assert!(refused.to_string().contains(&format!("--account {ACCOUNT}")), "{refused}");
    }
    assert_eq!(provision::may_remove(&clients, &plan, Some(ACCOUNT)).await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_removes_nothing_from_an_account_that_was_not_named() {
    let (cloud, clients) = somebodys().await;
    let provision = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_provision"));
        command.args(arguments).env_clear().env("AWS_ENDPOINT_URL", cloud.endpoint()).env("AWS_REGION", "us-east-1");
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        command.output().unwrap()
    };
    assert!(provision(&[]).status.success());
    let refused = provision(&["--remove"]);
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && told.contains(ACCOUNT) && told.contains("nothing was removed"), "{told}");
    let is_there = || clients.dynamodb.describe_table().table_name("murmuration").send();
    assert!(is_there().await.is_ok());
    assert!(provision(&["--remove", "--account", ACCOUNT]).status.success());
    assert!(is_there().await.is_err());
}

#[tokio::test]
async fn the_policies_name_what_was_made_and_nothing_before_it_was() {
    let (_cloud, clients) = somebodys().await;
    let plan = provisioned::fresh_plan();
    let early = provision::policies(&clients, &plan).await.unwrap_err();
    assert!(early.to_string().contains("provision first"), "{early}");
    provision::provision(&clients, &plan, &mut Reporter::silent()).await.unwrap();
    let policies = provision::policies(&clients, &plan).await.unwrap();
    let names: Vec<&str> = policies.keys().map(String::as_str).collect();
    assert_eq!(names, ["analysis", "operator", "recommendation", "research", "user", "writer"]);
    let writer = policies["writer"].to_string();
    assert!(writer.contains(&format!("arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/{}", plan.table)), "{writer}");
    assert!(!writer.contains("s3:"), "its artifacts are files: {writer}");
}

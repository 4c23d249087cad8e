//! Owns the proof that a daemon comes to its ports: it waits for an endpoint, and refuses what is not there in words.
//! Never AWS: the stand-in is started before, after, or never.
//! Next: `aws::connect`.

#![allow(clippy::unwrap_used, reason = "what a test cannot make is a test that fails")]

mod fixture;

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use aws::clients::{Limits, environment};
use aws::provision::{self, Plan, Reporter};
use aws::{ConnectError, connect_with};
use aws_config::{ConfigLoader, Region};
use aws_sdk_dynamodb::types::{DeleteGlobalSecondaryIndexAction, GlobalSecondaryIndexUpdate};
use aws_sdk_sqs::config::Credentials;
use contract::{DaemonName, Topology};
use embedded_cloud::{EmbeddedCloud, Options};
use fixture::{Address, Server};
use runtime::config::Config;
use tempfile::TempDir;
use tokio::time::timeout;

fn loader(endpoint: &str) -> ConfigLoader {
    let credentials = Credentials::new("test", "test", None, None, "fixture");
    environment().region(Region::new("us-east-1")).credentials_provider(credentials).endpoint_url(endpoint)
}

fn config(folder: &TempDir) -> Config {
    let choreography = Topology::murmuration().check().unwrap();
    let artifacts = Some(url::Url::from_file_path(folder.path()).unwrap());
    Config { artifacts, daemon: Some(DaemonName::new("writer")), ..Config::of(&choreography) }
}

#[tokio::test]
async fn what_nobody_has_made_is_refused_by_name() {
    let (server, folder) = (Server::standin().await, TempDir::new().unwrap());
    let refused = connect_with(loader(&server.address.endpoint), Limits::default(), &config(&folder)).await;
    let Err(ConnectError::Missing { what, .. }) = &refused else { panic!("{refused:?}") };
    // The writer's own, and no other daemon's.
    assert_eq!(what, &["queue murmur-writer", "queue murmur-writer-dlq", "table murmuration", "bus murmuration"]);
    assert!(refused.unwrap_err().to_string().contains("make provision"));
}

#[tokio::test]
async fn a_table_without_its_listing_is_refused_by_name_to_tools_alone() {
    let (server, folder) = (Server::standin().await, TempDir::new().unwrap());
    let config = config(&folder);
    provision::provision(&server.clients, &Plan::of(&config), &mut Reporter::silent()).await.unwrap();
    let gone = DeleteGlobalSecondaryIndexAction::builder().index_name("listed").build().unwrap();
    let gone = GlobalSecondaryIndexUpdate::builder().delete(gone).build();
    let call = server.clients.dynamodb.update_table().table_name("murmuration").global_secondary_index_updates(gone);
    call.send().await.unwrap();
    let tool = Config { daemon: None, ..config.clone() };
    let refused = connect_with(loader(&server.address.endpoint), Limits::default(), &tool).await;
    let Err(ConnectError::Missing { what, .. }) = &refused else { panic!("{refused:?}") };
    assert_eq!(what, &["index listed of table murmuration"]);
    assert!(connect_with(loader(&server.address.endpoint), Limits::default(), &config).await.is_ok());
    provision::provision(&server.clients, &Plan::of(&config), &mut Reporter::silent()).await.unwrap();
    assert!(connect_with(loader(&server.address.endpoint), Limits::default(), &tool).await.is_ok());
}

#[tokio::test]
async fn a_daemon_waits_for_an_endpoint_that_is_away() {
    let folder = TempDir::new().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (config, endpoint) = (config(&folder), format!("http://{free}"));
    let mut connecting = Box::pin(connect_with(loader(&endpoint), Limits::default(), &config));
    let early = timeout(Duration::from_millis(700), &mut connecting).await;
    assert!(early.is_err(), "it did not wait: {early:?}");

    // Provisioned on another port first: what connects meanwhile must not find half of it.
    let data = TempDir::new().unwrap();
    let cloud = EmbeddedCloud::start(Options::in_directory(data.path())).await.unwrap();
    let clients = Address::of(cloud.endpoint()).clients(Limits::default()).await;
    provision::provision(&clients, &Plan::of(&config), &mut Reporter::silent()).await.unwrap();
    cloud.stop().await;
    let listen: SocketAddr = free;
    let _cloud = EmbeddedCloud::start(Options { listen, ..Options::in_directory(data.path()) }).await.unwrap();
    let ports = timeout(Duration::from_secs(20), connecting).await.expect("it goes on waiting").unwrap();
    let key = runtime::ledger::ItemKey::goal(fixture::fresh_goal());
    assert_eq!(ports.ledger.read(&key).await, Ok(None));
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_refused_with_what_would_do() {
    let (server, folder) = (Server::standin().await, TempDir::new().unwrap());
    let mut config = config(&folder);
    provision::provision(&server.clients, &Plan::of(&config), &mut Reporter::silent()).await.unwrap();
    std::fs::write(folder.path().join("file"), b"").unwrap();
    config.artifacts = Some(url::Url::from_file_path(folder.path().join("file/below")).unwrap());
    let refused = connect_with(loader(&server.address.endpoint), Limits::default(), &config).await.unwrap_err();
    assert!(matches!(&refused, ConnectError::Artifacts(_)), "{refused:?}");
    assert!(refused.to_string().contains("MURMUR_ARTIFACTS"), "{refused}");
}

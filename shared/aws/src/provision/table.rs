//! Owns the ledger's table: keys, index, billing and expiry, made, compared, set right, waited for, or removed.
//! Never a table whose keys are others: DynamoDB cannot change those, so it is refused with what would do.
//! Next: `dynamodb` reads and writes it.

use std::time::Duration;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndex,
    GlobalSecondaryIndexDescription, GlobalSecondaryIndexUpdate, IndexStatus, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TableDescription, TableStatus, TimeToLiveSpecification, TimeToLiveStatus,
};
use aws_smithy_types::error::operation::BuildError;
use contract::PortError;
use contract::topology::resources::{Index, Key, Table};
use tokio::time::{Instant, sleep};

use super::report::{Outcome, Reporter, Resource, Trouble};
use super::{ask, tell};
use crate::clients::Clients;

const ABSENT: &[&str] = &["ResourceNotFoundException"];
/// An index over many items takes its time.
const READY_MAX: Duration = Duration::from_secs(600);
const LOOK_EVERY: Duration = Duration::from_millis(250);
const EXPIRY: &str = "switch that off, wait for an hour, and run this again";
const ANOTHER: &str = "name another table with MURMUR_TABLE, or remove this one if nothing in it is needed";

pub async fn ensure(clients: &Clients, table: &Table, reporter: &mut Reporter) -> Result<(), Trouble> {
    let resource = Resource::Table(table.name.clone());
    let refused = resource.refused();
    let found = described(clients, &table.name).await.map_err(&refused)?;
    if reporter.is_dry() {
        let outcome = match &found {
            None => Outcome::Created,
            Some(found) => Outcome::changed(differing(clients, found, table, &resource).await?),
        };
        reporter.done(resource, outcome);
        return Ok(());
    }
    let mut what = vec![];
    match &found {
        None => create(clients, table).await.map_err(&refused)?,
        Some(found) => {
            keys_fit(found, table).map_err(|why| resource.conflict(why, ANOTHER))?;
            ready(clients, &table.name).await.map_err(&refused)?;
            if pays_otherwise(found) {
                what.push("billing".to_owned());
                pay_by_request(clients, &table.name).await.map_err(&refused)?;
            }
            for index in missing_indexes(found, table) {
                what.push(format!("index {}", index.name));
                add_index(clients, table, index).await.map_err(&refused)?;
            }
        }
    }
    ready(clients, &table.name).await.map_err(&refused)?;
    if ensure_expiry(clients, table, &resource).await? {
        what.push("expiry".to_owned());
    }
    let outcome = if found.is_none() { Outcome::Created } else { Outcome::changed(what) };
    reporter.done(resource, outcome);
    Ok(())
}

/// What `ensure` would change.
async fn differing(
    clients: &Clients,
    found: &TableDescription,
    table: &Table,
    resource: &Resource,
) -> Result<Vec<String>, Trouble> {
    keys_fit(found, table).map_err(|why| resource.conflict(why, ANOTHER))?;
    let mut what = vec![];
    if pays_otherwise(found) {
        what.push("billing".to_owned());
    }
    what.extend(missing_indexes(found, table).iter().map(|index| format!("index {}", index.name)));
    match expires_by(clients, table).await.map_err(resource.refused())? {
        Some(by) if by == table.ttl_attribute => {}
        Some(by) => {
            return Err(resource.conflict(format!("items expire by {by} instead of {}", table.ttl_attribute), EXPIRY));
        }
        None => what.push("expiry".to_owned()),
    }
    Ok(what)
}

async fn described(clients: &Clients, table: &str) -> Result<Option<TableDescription>, PortError> {
    let call = || clients.dynamodb.describe_table().table_name(table).send();
    Ok(ask("DynamoDB DescribeTable", ABSENT, call).await?.and_then(|answer| answer.table))
}

pub(super) async fn arn(clients: &Clients, table: &str) -> Result<Option<String>, PortError> {
    Ok(described(clients, table).await?.and_then(|found| found.table_arn))
}

/// Until table and indexes are active: what was asked for is being built meanwhile.
async fn ready(clients: &Clients, table: &str) -> Result<(), PortError> {
    let is_ready = |found: &TableDescription| {
        let indexes = found.global_secondary_indexes();
        found.table_status == Some(TableStatus::Active)
            && indexes.iter().all(|index| matches!(index.index_status, Some(IndexStatus::Active) | None))
    };
    let deadline = Instant::now() + READY_MAX;
    while !described(clients, table).await?.is_some_and(|found| is_ready(&found)) {
        if Instant::now() >= deadline {
            return Err(PortError::transient(format!("not active after {} s", READY_MAX.as_secs())));
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

async fn create(clients: &Clients, table: &Table) -> Result<(), PortError> {
    let keys = key_schema(table.partition_key, table.sort_key).map_err(unbuilt)?;
    let indexes = table.indexes.iter().map(index).collect::<Result<Vec<_>, _>>().map_err(unbuilt)?;
    let attributes = attributes(&keys_of(table)).map_err(unbuilt)?;
    let call = || {
        let create = clients.dynamodb.create_table().table_name(&table.name);
        create
            .set_key_schema(Some(keys.clone()))
            .set_attribute_definitions(Some(attributes.clone()))
            .set_global_secondary_indexes(Some(indexes.clone()))
            .billing_mode(BillingMode::from(table.billing))
            .send()
    };
    // Somebody else may have begun to make it: then it is waited for like our own.
    ask("DynamoDB CreateTable", &["ResourceInUseException"], call).await.map(drop)
}

fn key_schema(partition: Key, sort: Key) -> Result<Vec<KeySchemaElement>, BuildError> {
    let element = |key: Key, kind| KeySchemaElement::builder().attribute_name(key.name).key_type(kind).build();
    Ok(vec![element(partition, KeyType::Hash)?, element(sort, KeyType::Range)?])
}

fn index(of: &Index) -> Result<GlobalSecondaryIndex, BuildError> {
    let projection = Projection::builder().projection_type(ProjectionType::from(of.projection)).build();
    let keys = key_schema(of.partition_key, of.sort_key)?;
    GlobalSecondaryIndex::builder().index_name(of.name).set_key_schema(Some(keys)).projection(projection).build()
}

fn keys_of(table: &Table) -> Vec<Key> {
    let of_indexes = table.indexes.iter().flat_map(|index| [index.partition_key, index.sort_key]);
    [table.partition_key, table.sort_key].into_iter().chain(of_indexes).collect()
}

fn attributes(keys: &[Key]) -> Result<Vec<AttributeDefinition>, BuildError> {
    let define = |key: &Key| {
        let kind = ScalarAttributeType::from(key.kind);
        AttributeDefinition::builder().attribute_name(key.name).attribute_type(kind).build()
    };
    keys.iter().map(define).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "it stands where errors are mapped")]
fn unbuilt(why: BuildError) -> PortError {
    PortError::permanent(format!("a table without all its fields: {why}"))
}

/// What cannot be changed: the keys of the table and of an index that is there, their types, what the index holds.
fn keys_fit(found: &TableDescription, table: &Table) -> Result<(), String> {
    same_keys("the table", found.key_schema(), table.partition_key, table.sort_key)?;
    for index in &table.indexes {
        let Some(there) = index_of(found, index) else { continue };
        let what = format!("index {}", index.name);
        same_keys(&what, there.key_schema(), index.partition_key, index.sort_key)?;
        let holds = there.projection.as_ref().and_then(|projection| projection.projection_type.as_ref());
        if holds.is_some_and(|holds| holds.as_str() != index.projection) {
            return Err(format!("{what} holds {holds:?} instead of {}", index.projection));
        }
    }
    for key in keys_of(table) {
        let there = found.attribute_definitions().iter().find(|definition| definition.attribute_name == key.name);
        if let Some(there) = there.filter(|there| there.attribute_type.as_str() != key.kind) {
            return Err(format!("{} is of type {} instead of {}", key.name, there.attribute_type.as_str(), key.kind));
        }
    }
    Ok(())
}

fn same_keys(what: &str, found: &[KeySchemaElement], partition: Key, sort: Key) -> Result<(), String> {
    let named = |kind: KeyType| {
        let of_kind = found.iter().find(|element| element.key_type == kind);
        of_kind.map_or("none", |element| element.attribute_name.as_str())
    };
    let there = (named(KeyType::Hash), named(KeyType::Range));
    if there == (partition.name, sort.name) {
        return Ok(());
    }
    Err(format!("{what} has the keys {} and {} instead of {} and {}", there.0, there.1, partition.name, sort.name))
}

fn index_of<'f>(found: &'f TableDescription, index: &Index) -> Option<&'f GlobalSecondaryIndexDescription> {
    found.global_secondary_indexes().iter().find(|there| there.index_name.as_deref() == Some(index.name))
}

fn missing_indexes<'t>(found: &TableDescription, table: &'t Table) -> Vec<&'t Index> {
    table.indexes.iter().filter(|index| index_of(found, index).is_none()).collect()
}

async fn add_index(clients: &Clients, table: &Table, index: &Index) -> Result<(), PortError> {
    let projection = Projection::builder().projection_type(ProjectionType::from(index.projection)).build();
    let keys = key_schema(index.partition_key, index.sort_key).map_err(unbuilt)?;
    let made = CreateGlobalSecondaryIndexAction::builder()
        .index_name(index.name)
        .set_key_schema(Some(keys))
        .projection(projection)
        .build()
        .map_err(unbuilt)?;
    let update = GlobalSecondaryIndexUpdate::builder().create(made).build();
    // No key of an index that is still to come: what no key uses may not be defined.
    let used = [table.partition_key, table.sort_key, index.partition_key, index.sort_key];
    let attributes = attributes(&used).map_err(unbuilt)?;
    let call = || {
        let change = clients.dynamodb.update_table().table_name(&table.name);
        change.set_attribute_definitions(Some(attributes.clone())).global_secondary_index_updates(update.clone()).send()
    };
    tell("DynamoDB UpdateTable", call).await?;
    ready(clients, &table.name).await
}

fn pays_otherwise(found: &TableDescription) -> bool {
    match found.billing_mode_summary().and_then(|summary| summary.billing_mode.as_ref()) {
        Some(mode) => *mode != BillingMode::PayPerRequest,
        // A table that was never switched does not say; one that is paid by request has no capacity.
        None => found.provisioned_throughput().is_some_and(|paid| paid.read_capacity_units.unwrap_or(0) > 0),
    }
}

async fn pay_by_request(clients: &Clients, table: &str) -> Result<(), PortError> {
    let call = || clients.dynamodb.update_table().table_name(table).billing_mode(BillingMode::PayPerRequest).send();
    tell("DynamoDB UpdateTable", call).await?;
    ready(clients, table).await
}

/// Whether it had to be switched on.
async fn ensure_expiry(clients: &Clients, table: &Table, resource: &Resource) -> Result<bool, Trouble> {
    if let Some(by) = expires_by(clients, table).await.map_err(resource.refused())? {
        if by == table.ttl_attribute {
            return Ok(false);
        }
        return Err(resource.conflict(format!("items expire by {by} instead of {}", table.ttl_attribute), EXPIRY));
    }
    let on = TimeToLiveSpecification::builder().enabled(true).attribute_name(table.ttl_attribute).build();
    let on = on.map_err(unbuilt).map_err(resource.refused())?;
    let call =
        || clients.dynamodb.update_time_to_live().table_name(&table.name).time_to_live_specification(on.clone()).send();
    match tell("DynamoDB UpdateTimeToLive", call).await {
        Ok(_) => Ok(true),
        // Refused where it is on already: by somebody else, or by an earlier try whose answer was lost.
        Err(why) => match expires_by(clients, table).await {
            Ok(Some(by)) if by == table.ttl_attribute => Ok(true),
            _ => Err(resource.refused()(why)),
        },
    }
}

/// The attribute by which items expire, where they do.
async fn expires_by(clients: &Clients, table: &Table) -> Result<Option<String>, PortError> {
    let call = || clients.dynamodb.describe_time_to_live().table_name(&table.name).send();
    let found = tell("DynamoDB DescribeTimeToLive", call).await?.time_to_live_description;
    let is_on = |status: &TimeToLiveStatus| matches!(status, TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling);
    let found = found.filter(|found| found.time_to_live_status.as_ref().is_some_and(is_on));
    Ok(found.map(|found| found.attribute_name.unwrap_or_else(|| "nothing".into())))
}

pub(super) async fn remove(clients: &Clients, table: &str, reporter: &mut Reporter) -> Result<(), Trouble> {
    let resource = Resource::Table(table.to_owned());
    let refused = resource.refused();
    let outcome = match described(clients, table).await.map_err(&refused)? {
        None => Outcome::Absent,
        Some(found) => {
            if found.table_status != Some(TableStatus::Deleting) {
                let call = || clients.dynamodb.delete_table().table_name(table).send();
                ask("DynamoDB DeleteTable", ABSENT, call).await.map_err(&refused)?;
            }
            gone(clients, table).await.map_err(&refused)?;
            Outcome::Removed
        }
    };
    reporter.done(resource, outcome);
    Ok(())
}

/// So that whoever provisions next does not meet a table that is still going.
async fn gone(clients: &Clients, table: &str) -> Result<(), PortError> {
    let deadline = Instant::now() + READY_MAX;
    while described(clients, table).await?.is_some() {
        if Instant::now() >= deadline {
            return Err(PortError::transient(format!("still there after {} s", READY_MAX.as_secs())));
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

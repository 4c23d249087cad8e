//! Owns the ledger port over DynamoDB: one conditional write of one item a call, consistent reads, two sparse indexes.
//! Never knows the protocol, and never reads before it writes: a refused write brings the item along.
//! Next: `expression` spells conditions and changes, `item` reads and writes attribute values.

mod expression;
mod item;

use async_trait::async_trait;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnValue, ReturnValuesOnConditionCheckFailure};
use contract::limits::GOAL_STATES_MAX;
use contract::topology::resources::{DUE_INDEX, LISTED_INDEX};
use contract::{GoalId, PortError, UnixMs};
use runtime::ledger::{Attr, Item, ItemKey, Listed, Mark, Mode, Shelf, Write};
use runtime::ports::{GoalStates, Ledger, Written};

use crate::clients::Clients;
use crate::errors;
use expression::{Expression, Update};
use item::{Attributes, GOAL, key_of};

#[derive(Debug)]
pub struct DynamoLedger {
    client: aws_sdk_dynamodb::Client,
    table: String,
}

/// What a write that did not apply was told, before it is known whose fault it is.
enum Failed {
    Refused(Option<Attributes>),
    Port(PortError),
}

macro_rules! refusal {
    ($operation:literal, $error:ident in $of:ident) => {
        |failure: SdkError<_, _>| match failure.as_service_error() {
            Some(aws_sdk_dynamodb::operation::$of::$error::ConditionalCheckFailedException(refused)) => {
                Failed::Refused(refused.item.clone())
            }
            _ => Failed::Port(errors::of_call($operation, &failure)),
        }
    };
}

impl DynamoLedger {
    pub fn new(clients: &Clients, table: impl Into<String>) -> DynamoLedger {
        DynamoLedger { client: clients.dynamodb.clone(), table: table.into() }
    }

    async fn update(&self, write: &Write) -> Result<Item, Failed> {
        let (mut names, condition) = Expression::of(&write.when);
        let update = Update::of(&write.changes, &mut names);
        let call = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key_of(&write.key)))
            .set_update_expression(update)
            .set_condition_expression(condition)
            .set_expression_attribute_names(names.names())
            .set_expression_attribute_values(names.values())
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let answer = call.send().await.map_err(refusal!("DynamoDB UpdateItem", UpdateItemError in update_item))?;
        let told = answer.attributes.ok_or_else(|| {
            Failed::Port(PortError::transient("DynamoDB UpdateItem: the answer does not tell the item"))
        })?;
        item::read(told).map_err(Failed::Port)
    }

    async fn replace(&self, write: &Write) -> Result<Item, Failed> {
        let made = item::made_of(write).map_err(Failed::Port)?;
        let (names, condition) = Expression::of(&write.when);
        let call = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item::written(&made)))
            .set_condition_expression(condition)
            .set_expression_attribute_names(names.names())
            .set_expression_attribute_values(names.values())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        call.send().await.map_err(refusal!("DynamoDB PutItem", PutItemError in put_item))?;
        Ok(made)
    }
}

#[async_trait]
impl Ledger for DynamoLedger {
    async fn write(&self, write: &Write) -> Result<Written, PortError> {
        let written = match write.mode {
            Mode::Update => self.update(write).await,
            Mode::Replace => self.replace(write).await,
        };
        match written {
            Ok(item) => Ok(Written::Applied(item)),
            Err(Failed::Refused(None)) => Ok(Written::Refused(None)),
            Err(Failed::Refused(Some(found))) => Ok(Written::Refused(Some(item::read(found)?))),
            Err(Failed::Port(why)) => Err(why),
        }
    }

    async fn read(&self, key: &ItemKey) -> Result<Option<Item>, PortError> {
        let call = self.client.get_item().table_name(&self.table).set_key(Some(key_of(key))).consistent_read(true);
        let answer = call.send().await.map_err(|why| errors::of_call("DynamoDB GetItem", &why))?;
        answer.item.map(item::read).transpose()
    }

    async fn goals(&self, ids: &[GoalId]) -> Result<GoalStates, PortError> {
        if !(1..=GOAL_STATES_MAX).contains(&ids.len()) {
            let why = format!("{} goals, 1 to {GOAL_STATES_MAX} asked for", ids.len());
            return Err(PortError::permanent(why));
        }
        let keys = ids.iter().map(|id| key_of(&ItemKey::goal(*id))).collect();
        let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let keys = keys.map_err(|why| PortError::permanent(format!("a batch without keys: {why}")))?;
        let sent = self.client.batch_get_item().request_items(&self.table, keys).send().await;
        let answer = sent.map_err(|why| errors::of_call("DynamoDB BatchGetItem", &why))?;
        let mut states = GoalStates::default();
        for found in answer.responses.unwrap_or_default().into_values().flatten() {
            let item = item::read(found)?;
            states.found.insert(item.key.goal, item);
        }
        let unprocessed = answer.unprocessed_keys.unwrap_or_default();
        for key in unprocessed.values().flat_map(|keys| &keys.keys) {
            states.unprocessed.push(item::goal_of(key)?);
        }
        Ok(states)
    }

    async fn due(&self, shard: u8, before: UnixMs, max: usize) -> Result<Vec<ItemKey>, PortError> {
        let mut due = vec![];
        let mut from = None;
        while due.len() < max {
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(DUE_INDEX)
                .key_condition_expression("#shard = :shard AND #at < :before")
                .expression_attribute_names("#shard", Attr::DueShard.name())
                .expression_attribute_names("#at", Attr::DueAt.name())
                .expression_attribute_values(":shard", AttributeValue::N(shard.to_string()))
                .expression_attribute_values(":before", AttributeValue::N(before.0.to_string()))
                .limit(i32::try_from(max - due.len()).unwrap_or(i32::MAX))
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|why| errors::of_call("DynamoDB Query due", &why))?;
            for found in page.items.unwrap_or_default() {
                match item::read_key(&found) {
                    Ok(key) => due.push(key),
                    // One that no daemon of this version wrote must not keep all others from being swept.
                    Err(why) => tracing::warn!(shard, %why, "a due item is left alone"),
                }
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                break;
            }
        }
        Ok(due)
    }

    async fn listed(&self, shelf: Shelf, after: Option<Mark>, max: usize) -> Result<Vec<Listed>, PortError> {
        let mut listed = vec![];
        let mut from = None;
        while listed.len() < max {
            let mut query = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(LISTED_INDEX)
                .key_condition_expression(if after.is_some() {
                    "#shelf = :shelf AND #at < :after"
                } else {
                    "#shelf = :shelf"
                })
                .expression_attribute_names("#shelf", Attr::Listed.name())
                .expression_attribute_values(":shelf", AttributeValue::S(shelf.to_string()))
                .scan_index_forward(false)
                .limit(i32::try_from(max - listed.len()).unwrap_or(i32::MAX))
                .set_exclusive_start_key(from);
            if let Some(mark) = after {
                query = query.expression_attribute_names("#at", Attr::ListedAt.name());
                query = query.expression_attribute_values(":after", AttributeValue::S(mark.to_string()));
            }
            let page = query.send().await.map_err(|why| errors::of_call("DynamoDB Query listed", &why))?;
            for found in page.items.unwrap_or_default() {
                match item::read_listed(&found) {
                    Ok(goal) => listed.push(goal),
                    Err(why) => tracing::warn!(%shelf, %why, "a listed item is left out"),
                }
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                break;
            }
        }
        Ok(listed)
    }

    async fn story(&self, goal: GoalId) -> Result<Vec<Item>, PortError> {
        let mut items = vec![];
        let mut from = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("#goal = :goal")
                .expression_attribute_names("#goal", GOAL)
                .expression_attribute_values(":goal", AttributeValue::S(goal.to_string()))
                .consistent_read(true)
                .set_exclusive_start_key(from)
                .send()
                .await
                .map_err(|why| errors::of_call("DynamoDB Query goal", &why))?;
            for found in page.items.unwrap_or_default() {
                items.push(item::read(found)?);
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(items);
            }
        }
    }
}

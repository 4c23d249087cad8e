//! Owns DynamoDB's door: an operation's name and body in, dynoxide's answer out.
//! Never a table of its own: dynoxide keeps them, in its own SQLite file, and is checked against AWS by a public suite.
//! Next: `front` calls it on a thread that may block.

mod unprocessed;
mod unread;

use std::path::Path;

use dynoxide::Database;
use dynoxide::errors::DynoxideError;

use crate::ApiError;
use crate::engine::Quirks;

/// All tables.
#[derive(Clone)]
pub(crate) struct Tables(Database);

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tables")
    }
}

macro_rules! operations {
    ($on:ident, $operation:ident, $body:ident: $($name:literal = $method:ident),+ $(,)?) => {
        match $operation {
            $($name => write(&$on.0.$method(read($body)?).map_err(|why| said(&why))?),)+
            other => Err(ApiError::not_implemented(&format!("DynamoDB {other}"))),
        }
    };
}

impl Tables {
    /// In that directory, or in memory.
    pub(crate) fn open(directory: Option<&Path>) -> Result<Tables, DynoxideError> {
        let database = match directory.map(|directory| directory.join("dynamodb.sqlite")) {
            // Nearly the same path may be that of another directory.
            Some(path) => Database::new(
                path.to_str()
                    .ok_or_else(|| DynoxideError::InternalServerError(format!("{} is not UTF-8", path.display())))?,
            )?,
            None => Database::memory()?,
        };
        // Its name misleads: of all it sets, `synchronous = NORMAL` alone differs from what is set already. Without it,
        // each write waits for the disk; with WAL, a killed process loses nothing either way.
        database.disable_bulk_loading()?;
        Ok(Tables(database))
    }

    /// `operation` as in `DynamoDB_20120810.PutItem`. Blocks on SQLite.
    pub(crate) fn perform(&self, operation: &str, body: &[u8], quirks: &Quirks) -> Result<Vec<u8>, ApiError> {
        match quirks.fail_entries {
            Some((entries, _)) if operation == "BatchGetItem" => {
                unprocessed::answer(body, entries, |body| self.carry_out(operation, body))
            }
            _ => self.carry_out(operation, body),
        }
    }

    fn carry_out(&self, operation: &str, body: &[u8]) -> Result<Vec<u8>, ApiError> {
        operations! { self, operation, body:
            "CreateTable" = create_table, "DeleteTable" = delete_table, "DescribeTable" = describe_table,
            "ListTables" = list_tables, "UpdateTable" = update_table,
            "PutItem" = put_item, "GetItem" = get_item, "DeleteItem" = delete_item, "UpdateItem" = update_item,
            "Query" = query, "Scan" = scan,
            "BatchGetItem" = batch_get_item, "BatchWriteItem" = batch_write_item,
            "TransactWriteItems" = transact_write_items, "TransactGetItems" = transact_get_items,
            "ListStreams" = list_streams, "DescribeStream" = describe_stream,
            "GetShardIterator" = get_shard_iterator, "GetRecords" = get_records,
            "UpdateTimeToLive" = update_time_to_live, "DescribeTimeToLive" = describe_time_to_live,
            "ExecuteStatement" = execute_statement, "ExecuteTransaction" = execute_transaction,
            "BatchExecuteStatement" = batch_execute_statement,
            "TagResource" = tag_resource, "UntagResource" = untag_resource,
            "ListTagsOfResource" = list_tags_of_resource,
        }
    }

    /// Deletes what its table's TTL says is over. AWS takes days; nobody may count on it.
    pub(crate) fn sweep(&self) {
        drop(self.0.sweep_ttl());
    }
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|why| unread::said(&why))
}

fn write(response: &impl serde::Serialize) -> Result<Vec<u8>, ApiError> {
    serde_json::to_vec(response).map_err(|why| ApiError::failed(why.to_string()))
}

fn said(why: &DynoxideError) -> ApiError {
    ApiError {
        code: why.error_type().into(),
        query_code: None,
        status: why.status_code(),
        message: why.to_string(),
        whole: Some(why.to_json()),
    }
}

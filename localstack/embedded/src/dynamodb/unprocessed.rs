//! Owns the fault that a batch of reads comes back partly: the last keys are left out, and named as unprocessed.
//! Never without that fault: dynoxide processes every key.
//! Next: `Tables::perform`.

use serde_json::{Value, json};

use super::read;
use crate::ApiError;

/// Asks for all but the last `entries` keys of each table, and names those in the answer.
pub(super) fn answer(
    body: &[u8],
    entries: usize,
    ask: impl FnOnce(&[u8]) -> Result<Vec<u8>, ApiError>,
) -> Result<Vec<u8>, ApiError> {
    let mut request: Value = read(body)?;
    let mut left = serde_json::Map::new();
    if let Some(tables) = request.get_mut("RequestItems").and_then(Value::as_object_mut) {
        for (name, table) in tables.iter_mut() {
            let Some(keys) = table.get_mut("Keys").and_then(Value::as_array_mut) else { continue };
            let last = keys.split_off(keys.len().saturating_sub(entries));
            let mut unasked = table.clone();
            unasked["Keys"] = last.into();
            left.insert(name.clone(), unasked);
        }
        tables.retain(|_, table| table["Keys"].as_array().is_none_or(|keys| !keys.is_empty()));
    }
    let mut said = match request["RequestItems"].as_object() {
        // A batch must ask for something.
        Some(tables) if tables.is_empty() => json!({"Responses": {}}),
        _ => read(&ask(request.to_string().as_bytes())?)?,
    };
    said["UnprocessedKeys"] = left.into();
    Ok(said.to_string().into_bytes())
}

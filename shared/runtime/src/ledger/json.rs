//! Owns how structured values stand in an attribute: JSON text, read back exactly as it was written.
//! Never tolerates text that it did not write: that is damage, and said so.
//! Next: the views in `goal`, `step` and `join`.

use contract::PortError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Value;

pub(crate) fn text<T: Serialize>(value: &T) -> Value {
    // Structs of strings, numbers and JSON values always serialize.
    Value::Text(serde_json::to_string(value).unwrap_or_default())
}

pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, PortError> {
    serde_json::from_str(text)
        .map_err(|why| PortError::permanent(format!("an attribute of the ledger is damaged: {why}")))
}

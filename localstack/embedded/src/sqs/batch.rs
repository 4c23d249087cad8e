//! Owns batches: up to ten entries with ids of their own, each of which succeeds or fails alone.
//! Never carries an entry out: it is given what became of each.
//! Next: `sending` and `receipts` use it; the answer has both lists.

use std::collections::HashSet;

use serde::Serialize;

use super::refusal;
use crate::ApiError;
use crate::engine::{Answer, Quirks};

/// One entry as it was read; one that cannot be read fails alone.
#[derive(Debug)]
pub(crate) struct Entry<T> {
    pub(crate) id: String,
    pub(crate) asked: Result<T, ApiError>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Failed {
    id: String,
    sender_fault: bool,
    code: String,
    message: String,
}

/// An entry that succeeded, with what it says beside its id.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Successful<T> {
    id: String,
    #[serde(flatten)]
    said: T,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Outcome<T> {
    successful: Vec<Successful<T>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<Failed>,
}

/// The rules that hold for every batch.
pub(crate) fn entries<S, T>(
    sent: Vec<(Option<String>, S)>,
    kind: &str,
    read: impl Fn(S) -> Result<T, ApiError>,
) -> Result<Vec<Entry<T>>, ApiError> {
    if sent.is_empty() {
        return Err(refusal::empty_batch(kind));
    }
    if sent.len() > 10 {
        return Err(refusal::too_many_entries(sent.len()));
    }
    let mut seen = HashSet::new();
    for (id, _) in &sent {
        let id = id.as_deref().ok_or_else(|| refusal::missing("Id"))?;
        if !(1..=80).contains(&id.len())
            || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        {
            return Err(refusal::entry_id());
        }
        if !seen.insert(id) {
            return Err(refusal::entry_ids_not_distinct(id));
        }
    }
    drop(seen);
    Ok(sent.into_iter().map(|(id, entry)| Entry { id: id.unwrap_or_default(), asked: read(entry) }).collect())
}

/// Carries out each entry, but for those that a fault takes away.
pub(crate) fn carry_out<T, S: Serialize + Send + std::fmt::Debug + 'static>(
    entries: Vec<Entry<T>>,
    quirks: &Quirks,
    mut each: impl FnMut(T) -> Result<S, ApiError>,
) -> Answer {
    let (spared, code) = match &quirks.fail_entries {
        Some((count, code)) => (entries.len().saturating_sub(*count), code.as_str()),
        None => (entries.len(), ""),
    };
    let mut outcome = Outcome { successful: vec![], failed: vec![] };
    for (place, entry) in entries.into_iter().enumerate() {
        let done = if place < spared { entry.asked.and_then(&mut each) } else { Err(refusal::by_fault(code)) };
        match done {
            Ok(said) => outcome.successful.push(Successful { id: entry.id, said }),
            Err(refused) => outcome.failed.push(failed(entry.id, refused)),
        }
    }
    Ok(Some(Box::new(outcome)))
}

fn failed(id: String, refused: ApiError) -> Failed {
    // As the query protocol called it: SDKs match on that one in entries too.
    let code = match refused.query_code {
        Some(code) => code.split(';').next().unwrap_or(code).to_owned(),
        None => refused.code.rsplit('#').next().unwrap_or_default().to_owned(),
    };
    let server = ["Internal", "Unavailable", "Throttl"].iter().any(|word| code.contains(word));
    Failed { id, sender_fault: refused.status < 500 && !server, code, message: refused.message }
}

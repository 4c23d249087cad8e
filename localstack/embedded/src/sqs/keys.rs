//! Owns the keys of SQS's rows: numbers padded so that they sort, a queue's before those of its messages.
//! Never a value: each kind of row has its own type.
//! Next: `load` reads them back.

/// Sorts before every queue's row.
pub(crate) const NEXT_QUEUE: &str = "!next";

pub(crate) fn queue(queue: u64) -> String {
    format!("{queue:010}")
}

/// Every message's row of a queue begins with it.
pub(crate) fn messages(queue: u64) -> String {
    format!("{queue:010}/")
}

pub(crate) fn message(queue: u64, message: u64) -> String {
    format!("{queue:010}/{message:020}")
}

/// The numbers in a key that `message` made; a queue's key has only the first.
pub(crate) fn numbers(key: &str) -> Option<(u64, u64)> {
    let (queue, message) = key.split_once('/').unwrap_or((key, "0"));
    Some((queue.parse().ok()?, message.parse().ok()?))
}

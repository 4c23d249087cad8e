//! Owns what becomes of the entries of a batch: SQS answers by id, callers ask by place.
//! Never takes silence for success: an entry that the answer leaves out may be tried again.
//! Next: `errors` says what a failed entry means.

use aws_sdk_sqs::types::BatchResultErrorEntry;
use runtime::ports::EntryResult;

use crate::errors;

/// The id of the entry at this place of its batch.
pub(super) fn id_of(at: usize) -> String {
    at.to_string()
}

/// One result for each of `entries`, in their order.
pub(super) fn in_order<'a>(
    operation: &str,
    entries: usize,
    done: impl Iterator<Item = &'a str>,
    failed: &[BatchResultErrorEntry],
) -> Vec<EntryResult> {
    let mut results: Vec<EntryResult> = vec![Err(errors::of_silence(operation)); entries];
    let mut set = |id: &str, result: EntryResult| {
        if let Some(place) = id.parse().ok().and_then(|at: usize| results.get_mut(at)) {
            *place = result;
        }
    };
    done.for_each(|id| set(id, Ok(())));
    // Behind the successes: what an answer claims both of is not done.
    for entry in failed {
        let why = errors::of_entry(operation, &entry.code, entry.message.as_deref(), entry.sender_fault);
        set(&entry.id, Err(why));
    }
    results
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::PortError;

    fn failed(at: usize, code: &str, sender_fault: bool) -> BatchResultErrorEntry {
        let entry = BatchResultErrorEntry::builder().id(id_of(at)).code(code).sender_fault(sender_fault);
        entry.build().unwrap()
    }

    fn kinds(results: &[EntryResult]) -> Vec<&'static str> {
        let kind = |result: &EntryResult| match result {
            Ok(()) => "done",
            Err(PortError::Transient { .. }) => "transient",
            Err(PortError::Permanent { .. }) => "permanent",
        };
        results.iter().map(kind).collect()
    }

    #[test]
    fn results_come_in_the_order_of_the_entries_whatever_the_order_of_the_answer() {
        let failures = [failed(3, "InternalError", false), failed(0, "ReceiptHandleIsInvalid", true)];
        let results = in_order("Delete", 4, ["2", "1"].into_iter(), &failures);
        assert_eq!(kinds(&results), ["permanent", "done", "done", "transient"]);
    }

    #[test]
    fn an_entry_that_the_answer_leaves_out_is_transient() {
        assert_eq!(kinds(&in_order("Send", 3, ["0"].into_iter(), &[])), ["done", "transient", "transient"]);
    }

    #[test]
    fn an_id_that_was_never_asked_for_changes_nothing() {
        let results = in_order("Send", 1, ["7", "x", "-1", ""].into_iter(), &[failed(9, "Throttling", true)]);
        assert_eq!(kinds(&results), ["transient"]);
    }

    #[test]
    fn an_entry_that_is_said_to_be_both_is_not_done() {
        let results = in_order("Send", 1, ["0"].into_iter(), &[failed(0, "InternalError", false)]);
        assert_eq!(kinds(&results), ["transient"]);
    }

    #[test]
    fn an_unknown_code_is_for_good_only_where_it_is_the_senders_fault() {
        let failures = [failed(0, "Novel", true), failed(1, "Novel", false), failed(2, "RequestThrottled", true)];
        assert_eq!(kinds(&in_order("Send", 3, [].into_iter(), &failures)), ["permanent", "transient", "transient"]);
    }

    #[test]
    fn a_bad_receipt_is_for_good_even_where_a_server_does_not_call_it_the_senders_fault() {
        let failures =
            [failed(0, "ReceiptHandleIsInvalid", false), failed(1, "AWS.SimpleQueueService.MessageNotInflight", false)];
        assert_eq!(kinds(&in_order("Hide", 2, [].into_iter(), &failures)), ["permanent", "permanent"]);
    }
}

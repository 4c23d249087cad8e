//! Owns the bus port over EventBridge: ten events a call, each with its own result, its trace in X-Ray's spelling.
//! Never a rule: provisioning made those; and no event goes anywhere but to the one bus.
//! Next: `errors` says what a refused entry means.

use async_trait::async_trait;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use contract::limits::BUS_BATCH_MAX;
use contract::{Event, PortError};
use runtime::ports::{Bus, EntryResult};

use crate::clients::Clients;
use crate::errors;

const PUT_EVENTS: &str = "EventBridge PutEvents";

#[derive(Debug)]
pub struct EventBridgeBus {
    client: aws_sdk_eventbridge::Client,
    bus: String,
}

impl EventBridgeBus {
    pub fn new(clients: &Clients, bus: impl Into<String>) -> EventBridgeBus {
        EventBridgeBus { client: clients.events.clone(), bus: bus.into() }
    }

    fn entry(&self, event: &Event) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(&self.bus)
            .source(event.source.as_str())
            .detail_type(event.kind.as_str())
            .detail(event.to_json())
            .trace_header(event.trace.xray())
            .build()
    }
}

#[async_trait]
impl Bus for EventBridgeBus {
    async fn put(&self, batch: &[Event]) -> Result<Vec<EntryResult>, PortError> {
        if !(1..=BUS_BATCH_MAX).contains(&batch.len()) {
            let why = format!("a put of {} events, 1 to {BUS_BATCH_MAX} asked for", batch.len());
            return Err(PortError::permanent(why));
        }
        let entries = batch.iter().map(|event| self.entry(event)).collect();
        let sent = self.client.put_events().set_entries(Some(entries)).send().await;
        let answer = sent.map_err(|why| errors::of_call(PUT_EVENTS, &why))?;
        Ok(in_order(batch.len(), answer.entries.as_deref().unwrap_or_default()))
    }
}

/// EventBridge answers in the order of the entries; of what it leaves out, nothing is known.
fn in_order(entries: usize, answered: &[PutEventsResultEntry]) -> Vec<EntryResult> {
    (0..entries).map(|at| answered.get(at).map_or_else(|| Err(errors::of_silence(PUT_EVENTS)), result)).collect()
}

fn result(entry: &PutEventsResultEntry) -> EntryResult {
    match (&entry.error_code, &entry.event_id) {
        // Two codes may pass, says its reference; all others are the sender's fault.
        (Some(code), _) => Err(errors::of_entry(PUT_EVENTS, code, entry.error_message.as_deref(), true)),
        (None, Some(_)) => Ok(()),
        (None, None) => Err(errors::of_silence(PUT_EVENTS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str) -> PutEventsResultEntry {
        PutEventsResultEntry::builder().error_code(code).error_message("why").build()
    }

    #[test]
    fn each_entry_has_its_own_result() {
        let taken = PutEventsResultEntry::builder().event_id("1").build();
        let answered = [taken, refused("ThrottlingException"), refused("InternalFailure"), refused("MalformedDetail")];
        let results = in_order(5, &answered);
        assert_eq!(results[0], Ok(()));
        for passing in [1, 2, 4] {
            assert!(matches!(results[passing], Err(PortError::Transient { .. })), "{:?}", results[passing]);
        }
        assert!(matches!(results[3], Err(PortError::Permanent { .. })), "{:?}", results[3]);
    }

    #[test]
    fn an_entry_with_neither_an_id_nor_a_code_is_not_taken() {
        let results = in_order(1, &[PutEventsResultEntry::builder().build()]);
        assert!(matches!(results[0], Err(PortError::Transient { .. })), "{:?}", results[0]);
    }
}

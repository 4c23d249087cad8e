//! Owns how a message of ours becomes one of SQS and back: body, string attributes, times and counts.
//! Never a binary attribute: none of ours is one, and what others attach in bytes is left out.
//! Next: `contract::decode` reads the body and the attributes.

use std::collections::HashMap;

use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName};
use contract::attributes::TRACEPARENT;
use contract::limits::SQS_ATTRIBUTES_MAX;
use contract::{Attributes, PortError, QueueName, TraceContext, UnixMs};
use runtime::ports::{Receipt, Received};

use super::malformed;

const STRING: &str = "String";

/// None for what lacks an id or a receipt: nothing could be done with it, and it comes back by itself.
pub(super) fn read(queue: &QueueName, message: Message) -> Option<Received> {
    let (Some(message_id), Some(receipt)) = (message.message_id, message.receipt_handle) else {
        tracing::warn!(%queue, "a message came without an id or a receipt, and is left to come again");
        return None;
    };
    let system = message.attributes.unwrap_or_default();
    let number = |name| system.get(&name).and_then(|text: &String| text.parse::<i64>().ok());
    let given = message.message_attributes.unwrap_or_default();
    let strings = given.into_iter().filter_map(|(name, value)| Some((name, value.string_value?)));
    let mut attributes = Attributes(strings.collect());
    if let Some(header) = system.get(&MessageSystemAttributeName::AwsTraceHeader) {
        adopt(&mut attributes, header);
    }
    let receives = number(MessageSystemAttributeName::ApproximateReceiveCount);
    Some(Received {
        message_id,
        receipt: Receipt(receipt),
        body: message.body.unwrap_or_default(),
        attributes,
        sent_at: UnixMs(number(MessageSystemAttributeName::SentTimestamp).unwrap_or_default()),
        receive_count: receives.and_then(|count| u32::try_from(count).ok()).unwrap_or(1),
    })
}

/// X-Ray's header stands in for a `traceparent` that the sender did not give: the envelope's, where there is one, goes
/// before both.
fn adopt(attributes: &mut Attributes, header: &str) {
    if attributes.trace().is_none()
        && attributes.0.len() < SQS_ATTRIBUTES_MAX
        && let Some(trace) = TraceContext::parse_xray(header)
    {
        attributes.set(TRACEPARENT, trace.traceparent());
    }
}

pub(super) fn attributes(of: &Attributes) -> Result<Option<HashMap<String, MessageAttributeValue>>, PortError> {
    if of.0.is_empty() {
        return Ok(None);
    }
    let one = |(name, value): (&String, &String)| {
        let value = MessageAttributeValue::builder().data_type(STRING).string_value(value).build();
        Ok((name.clone(), value.map_err(malformed)?))
    };
    of.0.iter().map(one).collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: QueueName = QueueName::new("work");
    const HEADER: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    const AS_TRACEPARENT: &str = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01";

    fn message(attributes: &[(&str, &str)], header: Option<&str>) -> Message {
        let mut message = Message::builder().message_id("m").receipt_handle("r").body("b");
        for (name, value) in attributes {
            let value = MessageAttributeValue::builder().data_type(STRING).string_value(*value).build().unwrap();
            message = message.message_attributes(*name, value);
        }
        if let Some(header) = header {
            message = message.attributes(MessageSystemAttributeName::AwsTraceHeader, header);
        }
        message.build()
    }

    #[test]
    fn a_trace_header_stands_in_for_a_traceparent_that_is_not_there() {
        let got = read(&QUEUE, message(&[], Some(HEADER))).unwrap();
        assert_eq!(got.attributes.get(TRACEPARENT), Some(AS_TRACEPARENT));
    }

    #[test]
    fn the_senders_own_traceparent_goes_before_the_trace_header() {
        let own = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let got = read(&QUEUE, message(&[(TRACEPARENT, own)], Some(HEADER))).unwrap();
        assert_eq!(got.attributes.get(TRACEPARENT), Some(own));
    }

    #[test]
    fn a_trace_header_without_a_trace_is_ignored() {
        for header in ["", "Root=1-0-0", "Self=1", "Root=1-5759e988-bd862e3fe1be46a994272793"] {
            let got = read(&QUEUE, message(&[], Some(header))).unwrap();
            assert_eq!(got.attributes, Attributes::default(), "{header}");
        }
    }

    #[test]
    fn a_binary_attribute_is_left_out_and_the_others_stay() {
        let bytes = MessageAttributeValue::builder().data_type("Binary");
        let bytes = bytes.binary_value(aws_sdk_sqs::primitives::Blob::new(b"x")).build().unwrap();
        let mut message = message(&[("tenant", "a")], None);
        message.message_attributes.as_mut().unwrap().insert("bytes".into(), bytes);
        let got = read(&QUEUE, message).unwrap();
        assert_eq!(got.attributes.0.keys().collect::<Vec<_>>(), ["tenant"]);
    }

    #[test]
    fn a_message_without_a_receipt_is_left_to_come_again() {
        assert!(read(&QUEUE, Message::builder().message_id("m").body("b").build()).is_none());
    }
}

//! Owns the checks of what a queue carries and what it refuses to carry.
//! Never looks at time: `visibility` does.
//! Next: `visibility`.

use std::collections::BTreeSet;
use std::time::Duration;

use contract::limits::SQS_MESSAGE_BYTES_MAX;
use contract::{Attributes, QueueName};
use futures_util::future::try_join3;
use runtime::ports::{Outbound, Receipt};
use tokio::time::Instant;

use super::{Desk, LONG, QueueFixture, SECOND, outbound, with_attributes};
use crate::suites::{Failure, PATIENCE, Verdict, all_fine, permanent, refused};

pub async fn a_message_arrives_as_it_was_sent(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    let mut attributes = Attributes::default();
    attributes.set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    attributes.set("a.name_of-30", "ünï → \u{1f426}, \"quoted\" & <angled>");
    let body = "{\"text\": \"tab\\t ünï → \u{1f426} <&> ' \\\\ \"}\n\tend ";
    let sent = Outbound { body: body.into(), attributes, group: None };
    all_fine(&desk.port.send(&desk.queue, std::slice::from_ref(&sent)).await?, 1)?;
    let got = desk.one(LONG).await?;
    ensure!(got.body == sent.body, "the body came as {:?}", got.body);
    ensure!(got.attributes == sent.attributes, "the attributes came as {:?}", got.attributes);
    ensure!(got.receive_count == 1, "the first receive is counted as {}", got.receive_count);
    ensure!(!got.message_id.is_empty() && !got.receipt.0.is_empty(), "no id or no receipt: {got:?}");
    ensure!(got.sent_at.0 > 0, "no time of the send: {got:?}");
    Ok(())
}

pub async fn a_batch_of_ten_arrives_whole(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    let bodies: Vec<String> = (0..10).map(|n| format!("body {n}")).collect();
    desk.send(&bodies.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    let got = desk.gather(&desk.queue, 10, LONG).await?;
    let seen: BTreeSet<&str> = got.iter().map(|message| message.body.as_str()).collect();
    ensure!(seen == bodies.iter().map(String::as_str).collect(), "came: {seen:?}");
    let ids: BTreeSet<&str> = got.iter().map(|message| message.message_id.as_str()).collect();
    ensure!(ids.len() == 10, "ten messages have {} ids", ids.len());
    Ok(())
}

pub async fn a_batch_of_more_than_ten_is_refused_whole(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    let batch: Vec<Outbound> = (0..11).map(|n| outbound(&format!("body {n}"))).collect();
    permanent(desk.port.send(&desk.queue, &batch).await, "a send of eleven")?;
    desk.stays_empty(SECOND).await
}

pub async fn more_than_ten_receipts_are_refused_whole(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    desk.send(&["one"]).await?;
    let got = desk.one(LONG).await?;
    let receipts = vec![got.receipt.clone(); 11];
    permanent(desk.port.delete(&desk.queue, &receipts).await, "a delete of eleven")?;
    let changes = vec![(got.receipt.clone(), LONG); 11];
    permanent(desk.port.set_visibility(&desk.queue, &changes).await, "a visibility change of eleven")?;
    desk.hide(&got, Duration::ZERO).await?;
    desk.one(LONG).await?;
    Ok(())
}

pub async fn a_receive_returns_at_most_what_was_asked_for(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    desk.send(&["a", "b", "c", "d", "e"]).await?;
    let mut seen = 0;
    let deadline = Instant::now() + PATIENCE;
    while seen < 5 && Instant::now() < deadline {
        let some = desk.port.receive(&desk.queue, 2, SECOND, LONG).await?;
        ensure!(some.len() <= 2, "{} messages where 2 were asked for", some.len());
        seen += some.len();
    }
    ensure!(seen == 5, "{seen} of 5 messages came");
    Ok(())
}

pub async fn a_receive_of_more_than_ten_returns_no_more_than_ten(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    desk.send(&["a", "b", "c", "d", "e", "f"]).await?;
    desk.send(&["g", "h", "i", "j", "k", "l"]).await?;
    match desk.port.receive(&desk.queue, 11, SECOND, LONG).await {
        Ok(some) => ensure!(some.len() <= 10, "{} messages in one receive", some.len()),
        refusal => permanent(refusal, "a receive of eleven")?,
    }
    Ok(())
}

pub async fn a_message_of_one_mebibyte_fits(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    let body = "x".repeat(SQS_MESSAGE_BYTES_MAX);
    desk.send(&[&body]).await?;
    let got = desk.one(LONG).await?;
    ensure!(got.body == body, "{} bytes came back", got.body.len());
    Ok(())
}

pub async fn a_message_over_one_mebibyte_is_refused(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    let mut message = outbound(&"x".repeat(SQS_MESSAGE_BYTES_MAX - 10));
    message.attributes.set("note", "these count too");
    refused(&desk.port.send(&desk.queue, &[message]).await, 0)?;
    desk.stays_empty(SECOND).await
}

pub async fn ten_attributes_fit(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    let sent = with_attributes(10);
    all_fine(&desk.port.send(&desk.queue, std::slice::from_ref(&sent)).await?, 1)?;
    let got = desk.one(LONG).await?;
    ensure!(got.attributes == sent.attributes, "the attributes came as {:?}", got.attributes);
    Ok(())
}

pub async fn eleven_attributes_are_refused(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    refused(&desk.port.send(&desk.queue, &[with_attributes(11)]).await, 0)?;
    desk.stays_empty(SECOND).await
}

pub async fn an_empty_body_is_refused(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    refused(&desk.port.send(&desk.queue, &[outbound("")]).await, 0)?;
    desk.stays_empty(SECOND).await
}

pub async fn an_illegal_character_is_refused(fixture: &dyn QueueFixture) -> Verdict {
    for illegal in ["\u{1}", "\u{0}", "\u{b}", "\u{fffe}"] {
        let desk = Desk::open(fixture).await?;
        refused(&desk.port.send(&desk.queue, &[outbound(&format!("before{illegal}after"))]).await, 0)?;
        desk.stays_empty(SECOND).await?;
    }
    Ok(())
}

pub async fn a_group_is_accepted(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    let of = |tenant: &str| Outbound { group: Some(tenant.into()), ..outbound(tenant) };
    all_fine(&desk.port.send(&desk.queue, &[of("tenant-a"), of("tenant-b")]).await?, 2)?;
    let got = desk.gather(&desk.queue, 2, LONG).await?;
    let seen: BTreeSet<&str> = got.iter().map(|message| message.body.as_str()).collect();
    ensure!(seen == BTreeSet::from(["tenant-a", "tenant-b"]), "came: {seen:?}");
    Ok(())
}

pub async fn an_unknown_queue_is_a_permanent_error(fixture: &dyn QueueFixture) -> Verdict {
    let port = fixture.queue();
    let nowhere = QueueName::new("murmur-suite-of-a-queue-that-nobody-made");
    let receipt = Receipt("none".into());
    permanent(port.send(&nowhere, &[outbound("x")]).await, "a send")?;
    permanent(port.receive(&nowhere, 1, Duration::ZERO, LONG).await, "a receive")?;
    permanent(port.delete(&nowhere, std::slice::from_ref(&receipt)).await, "a delete")?;
    permanent(port.set_visibility(&nowhere, &[(receipt, LONG)]).await, "a visibility change")
}

pub async fn every_message_reaches_one_of_several_receivers(fixture: &dyn QueueFixture) -> Verdict {
    let desk = Desk::open(fixture).await?;
    let bodies: Vec<String> = (0..30).map(|n| format!("body {n}")).collect();
    for batch in bodies.chunks(10) {
        desk.send(&batch.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    }
    let (a, b, c) = try_join3(drain(&desk), drain(&desk), drain(&desk)).await?;
    let seen: BTreeSet<String> = [a, b, c].into_iter().flatten().collect();
    ensure!(seen == bodies.into_iter().collect(), "came: {seen:?}");
    desk.stays_empty(SECOND).await
}

/// Receives and deletes until nothing comes any more.
async fn drain(desk: &Desk) -> Result<Vec<String>, Failure> {
    let mut all = vec![];
    loop {
        let some = desk.port.receive(&desk.queue, 10, SECOND, LONG).await?;
        if some.is_empty() {
            return Ok(all);
        }
        let receipts: Vec<Receipt> = some.iter().map(|message| message.receipt.clone()).collect();
        all_fine(&desk.port.delete(&desk.queue, &receipts).await?, receipts.len())?;
        all.extend(some.into_iter().map(|message| message.body));
    }
}

//! Owns the loop that a person would write by hand: the daemon's own AWS calls, with the daemon's own decoding.
//! Never a retry, a heartbeat, a takeover, a join, a log line or a metric, and no look at what it publishes: what those
//! cost is what the bench finds out. A call that fails ends the program.
//! Next: `write` spells the two writes; `bin/bare_loop` runs it, and leaves records that the runtime can read.

mod write;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use aws::clients::{Clients, Limits, environment};
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message, MessageSystemAttributeName};
use contract::decode::{Raw, decode};
use contract::topology::Row;
use contract::{Attributes, Choreography, Clock as _, Digest, Event, EventData as _, EventId, RowName, Unit, UnixMs};
use futures_util::future::try_join_all;
use runtime::Chance;
use runtime::ports::SystemClock;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::hop::{HopAsked, HopDone, ROW, topology};

const BATCH: i32 = 10;
const VISIBILITY_S: i32 = 90;

/// Where it works.
#[derive(Clone, Debug, clap::Args)]
pub struct Place {
    #[arg(long, value_name = "URL")]
    pub queue_url: String,
    #[arg(long)]
    pub table: String,
    #[arg(long)]
    pub bus: String,
    /// How long a receive waits
    #[arg(long, default_value_t = 1)]
    pub wait_s: i32,
}

#[derive(Debug)]
pub struct Bare {
    clients: Clients,
    place: Place,
    choreography: Choreography,
    row: Row,
    chance: Chance,
    holder: String,
}

/// A message that was understood.
#[derive(Debug)]
pub(crate) struct Asked {
    receipt: String,
    event: Event,
    digest: Digest,
    data: HopAsked,
    token: String,
    sent_at: UnixMs,
    received_at: UnixMs,
    expires_at: i64,
}

impl Bare {
    /// With clients as the daemon has them: no retries of the SDK's own, the same time limits.
    pub async fn connect(place: Place) -> anyhow::Result<Arc<Bare>> {
        let choreography = topology().check().map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
        let row = choreography.row(&RowName::new(ROW)).context("no row")?.clone();
        let clients = Clients::load(environment(), Limits::default()).await;
        let holder = format!("bare@{}", std::process::id());
        Ok(Arc::new(Bare { clients, place, choreography, row, chance: Chance::fresh(), holder }))
    }

    pub async fn run(self: &Arc<Self>, loops: usize, stop: CancellationToken) -> anyhow::Result<()> {
        let mut all = JoinSet::new();
        for _ in 0..loops {
            let (bare, stop) = (Arc::clone(self), stop.clone());
            all.spawn(async move {
                while !stop.is_cancelled() {
                    bare.one_batch().await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(ended) = all.join_next().await {
            ended??;
        }
        Ok(())
    }

    async fn one_batch(&self) -> anyhow::Result<()> {
        let messages = self.receive().await?;
        if messages.is_empty() {
            return Ok(());
        }
        let received_at = SystemClock.now();
        let asked = messages.into_iter().map(|one| self.understood(one, received_at));
        let asked = self.of_open_goals(asked.collect::<anyhow::Result<_>>()?).await?;
        let claimed = try_join_all(asked.iter().map(|one| self.claim(one))).await?;
        // What somebody else has done, or does, is left to come again.
        let mine: Vec<Asked> = asked.into_iter().zip(claimed).filter_map(|(one, mine)| mine.then_some(one)).collect();
        if mine.is_empty() {
            return Ok(());
        }
        let done = try_join_all(mine.iter().map(|one| self.work_and_commit(one))).await?;
        self.publish(&done).await?;
        self.delete(&mine).await
    }

    async fn receive(&self) -> anyhow::Result<Vec<Message>> {
        let call = self.clients.sqs.receive_message().queue_url(&self.place.queue_url);
        let call = call.max_number_of_messages(BATCH).wait_time_seconds(self.place.wait_s);
        let call = call.visibility_timeout(VISIBILITY_S).message_attribute_names("All");
        let answer = call.message_system_attribute_names(MessageSystemAttributeName::All).send().await?;
        Ok(answer.messages.unwrap_or_default())
    }

    fn understood(&self, message: Message, received_at: UnixMs) -> anyhow::Result<Asked> {
        let sent_at = message.attributes.as_ref().and_then(|all| all.get(&MessageSystemAttributeName::SentTimestamp));
        let sent_at = UnixMs(sent_at.context("no SentTimestamp")?.parse()?);
        let body = message.body.context("no body")?;
        let raw = Raw {
            body: body.as_bytes(),
            attributes: &Attributes::default(),
            message_id: message.message_id.as_deref().unwrap_or_default(),
            sent_at,
        };
        let event = decode(raw, &self.row, &self.choreography).map_err(|cause| anyhow::anyhow!("{cause}"))?;
        Ok(Asked {
            receipt: message.receipt_handle.context("no receipt")?,
            digest: event.digest(),
            data: event.data_as()?,
            event,
            token: self.chance.token().to_string(),
            sent_at,
            received_at,
            expires_at: 0,
        })
    }

    /// Those whose goals have not ended, and until when the records of each may stay.
    async fn of_open_goals(&self, asked: Vec<Asked>) -> anyhow::Result<Vec<Asked>> {
        let key = |one: &Asked| write::key(one.event.goal, "goal".into());
        let mut keys: Vec<_> = asked.iter().map(|one| (one.event.goal, key(one))).collect();
        keys.sort_by_key(|(goal, _)| *goal);
        keys.dedup_by_key(|(goal, _)| *goal);
        let keys = keys.into_iter().map(|(_, key)| key).collect();
        let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build()?;
        let answer = self.clients.dynamodb.batch_get_item().request_items(&self.place.table, keys).send().await?;
        ensure!(answer.unprocessed_keys.is_none_or(|keys| keys.is_empty()), "unprocessed keys");
        let goals: Vec<_> = answer.responses.unwrap_or_default().into_values().flatten().collect();
        let open = |one: Asked| {
            let id = AttributeValue::S(one.event.goal.to_string());
            let goal = goals.iter().find(|goal| goal.get("goal") == Some(&id)).context("no such goal")?;
            let Some(AttributeValue::N(expires_at)) = goal.get("expires_at") else { anyhow::bail!("no expires_at") };
            Ok((!goal.contains_key("ended")).then_some(Asked { expires_at: expires_at.parse()?, ..one }))
        };
        asked.into_iter().filter_map(|one| open(one).transpose()).collect()
    }

    /// Whether it is mine.
    async fn claim(&self, asked: &Asked) -> anyhow::Result<bool> {
        let claim = write::claim(&self.clients.dynamodb, &self.place.table, asked, &self.holder)?;
        match claim.send().await {
            Ok(_) => Ok(true),
            Err(why)
                if why.as_service_error().is_some_and(|service| service.is_conditional_check_failed_exception()) =>
            {
                Ok(false)
            }
            Err(why) => Err(why.into()),
        }
    }

    /// The event to publish, which the ledger has by then.
    async fn work_and_commit(&self, asked: &Asked) -> anyhow::Result<(Event, String)> {
        if asked.data.wait_ms > 0 {
            tokio::time::sleep(Duration::from_millis(asked.data.wait_ms)).await;
        }
        let done = HopDone { number: asked.data.number, text: asked.data.text.clone() };
        let cause = &asked.event;
        let event = Event {
            id: EventId::derive(cause.goal, &HopDone::TYPE, &Unit::output(ROW, cause.id, 0)),
            source: self.row.source(),
            kind: HopDone::TYPE,
            version: 1,
            time: SystemClock.now(),
            causation: Some(cause.id),
            hops: cause.hops + 1,
            data: serde_json::to_value(&done)?,
            goal: cause.goal,
            goal_key: cause.goal_key.clone(),
            deadline: cause.deadline,
            tenant: cause.tenant.clone(),
            trace: cause.trace.at(self.chance.span()),
        };
        let json = event.to_json();
        write::commit(&self.clients.dynamodb, &self.place.table, asked, &json)?.send().await?;
        Ok((event, json))
    }

    async fn publish(&self, done: &[(Event, String)]) -> anyhow::Result<()> {
        let entry = |(event, json): &(Event, String)| {
            PutEventsRequestEntry::builder()
                .event_bus_name(&self.place.bus)
                .source(event.source.as_str())
                .detail_type(event.kind.as_str())
                .detail(json)
                .trace_header(event.trace.xray())
                .build()
        };
        let entries = done.iter().map(entry).collect();
        let answer = self.clients.events.put_events().set_entries(Some(entries)).send().await?;
        ensure!(answer.failed_entry_count == 0, "{answer:?}");
        Ok(())
    }

    async fn delete(&self, asked: &[Asked]) -> anyhow::Result<()> {
        let entry = |(at, one): (usize, &Asked)| {
            DeleteMessageBatchRequestEntry::builder().id(at.to_string()).receipt_handle(&one.receipt).build()
        };
        let entries = asked.iter().enumerate().map(entry).collect::<Result<_, _>>()?;
        let call = self.clients.sqs.delete_message_batch().queue_url(&self.place.queue_url);
        let answer = call.set_entries(Some(entries)).send().await?;
        ensure!(answer.failed.is_empty(), "{:?}", answer.failed);
        Ok(())
    }
}

//! Owns batching: single requests from many deliveries become calls of up to ten, each entry with its own result.
//! Never lets an entry's failure pass for success: what failed goes again, alone if it spoils its batch.
//! Next: `emitter` and `settler` are batchers with a port behind them, and so is the reading of goal states.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use contract::PortError;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::chance::Chance;
use crate::retry::Waits;

type Calling<Out> = Pin<Box<dyn Future<Output = Result<Vec<Result<Out, PortError>>, PortError>> + Send>>;

/// One call of the port, with results in the order of the entries.
pub(crate) type Call<In, Out> = Arc<dyn Fn(Arc<[In]>) -> Calling<Out> + Send + Sync>;

pub(crate) struct Batcher<In, Out> {
    entries: mpsc::UnboundedSender<Entry<In, Out>>,
    // Ends the worker with its owner: nothing here outlives the daemon.
    _worker: JoinSet<()>,
}

type Reply<Out> = oneshot::Sender<Result<Out, PortError>>;

struct Entry<In, Out> {
    request: In,
    reply: Reply<Out>,
}

impl<In: Clone, Out> Entry<In, Out> {
    /// Only what is sent a second time is copied.
    fn again((request, reply): (&In, Reply<Out>)) -> Entry<In, Out> {
        Entry { request: request.clone(), reply }
    }
}

#[derive(Clone)]
pub(crate) struct Batching {
    pub(crate) entries_max: usize,
    pub(crate) linger: Duration,
    pub(crate) retry_budget: Duration,
    /// How many deliveries may yet have an entry for this batch: when all of them wait here, nobody else can join the batch.
    pub(crate) at_work: Arc<AtomicUsize>,
    pub(crate) chance: Arc<Chance>,
}

impl<In, Out> fmt::Debug for Batcher<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Batcher")
    }
}

impl<In, Out> Batcher<In, Out>
where
    In: Clone + Send + Sync + 'static,
    Out: Send + 'static,
{
    pub(crate) fn start(batching: Batching, call: Call<In, Out>) -> Batcher<In, Out> {
        let (entries, received) = mpsc::unbounded_channel();
        let mut worker = JoinSet::new();
        worker.spawn(work(batching, call, received));
        Batcher { entries, _worker: worker }
    }

    pub(crate) async fn one(&self, request: In) -> Result<Out, PortError> {
        let (reply, answer) = oneshot::channel();
        let stopped = || PortError::transient("this process is shutting down");
        self.entries.send(Entry { request, reply }).map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

async fn work<In, Out>(batching: Batching, call: Call<In, Out>, mut received: mpsc::UnboundedReceiver<Entry<In, Out>>)
where
    In: Clone + Send + Sync + 'static,
    Out: Send + 'static,
{
    let mut flushes = JoinSet::new();
    while let Some(first) = received.recv().await {
        let mut batch = vec![first];
        let until = Instant::now() + batching.linger;
        while batch.len() < batching.entries_max {
            if let Ok(entry) = received.try_recv() {
                batch.push(entry);
                continue;
            }
            if batch.len() >= batching.at_work.load(Ordering::Relaxed) {
                break;
            }
            match tokio::time::timeout_at(until, received.recv()).await {
                Ok(Some(entry)) => batch.push(entry),
                Ok(None) | Err(_) => break,
            }
        }
        while flushes.try_join_next().is_some() {}
        flushes.spawn(flush(batching.clone(), Arc::clone(&call), batch));
    }
}

/// Until every entry succeeded, failed for good, or the budget is over.
async fn flush<In: Clone, Out>(batching: Batching, call: Call<In, Out>, mut batch: Vec<Entry<In, Out>>) {
    let mut waits = Waits::within(batching.retry_budget, &batching.chance);
    let mut apart = false;
    loop {
        // Whoever has gone does not want it done later: a late heartbeat would hide a message that was given back.
        batch.retain(|entry| !entry.reply.is_closed());
        if batch.is_empty() {
            return;
        }
        let taken = if apart { 1 } else { batch.len() };
        let rest = batch.split_off(taken);
        let (requests, replies): (Vec<In>, Vec<Reply<Out>>) =
            batch.into_iter().map(|entry| (entry.request, entry.reply)).unzip();
        let requests: Arc<[In]> = requests.into();
        let sent = requests.iter().zip(replies);
        let (again, error) = match call(Arc::clone(&requests)).await {
            Ok(results) => sorted(sent, results),
            // One malformed entry makes the whole call fail: the others must not suffer for it.
            Err(PortError::Permanent { .. }) if taken > 1 => {
                apart = true;
                batch = sent.map(Entry::again).chain(rest).collect();
                continue;
            }
            Err(error) => (sent.map(Entry::again).collect(), Some(error)),
        };
        let failed = !again.is_empty();
        batch = again;
        match error.as_ref().and_then(|error| waits.next(error)) {
            Some(wait) if failed => tokio::time::sleep(wait).await,
            _ => answer_all(std::mem::take(&mut batch), error.as_ref()),
        }
        batch.extend(rest);
    }
}

/// Answers what is settled; gives back what may succeed later, with the last reason.
fn sorted<'r, In: Clone + 'r, Out>(
    sent: impl Iterator<Item = (&'r In, Reply<Out>)>,
    results: Vec<Result<Out, PortError>>,
) -> (Vec<Entry<In, Out>>, Option<PortError>) {
    let mut results = results.into_iter();
    let (mut again, mut reason) = (vec![], None);
    for (request, reply) in sent {
        match results.next() {
            Some(Err(error @ PortError::Transient { .. })) => {
                reason = Some(error);
                again.push(Entry::again((request, reply)));
            }
            Some(result) => drop(reply.send(result)),
            None => {
                reason = Some(PortError::transient("the server answered for fewer entries than it was sent"));
                again.push(Entry::again((request, reply)));
            }
        }
    }
    (again, reason)
}

fn answer_all<In, Out>(batch: Vec<Entry<In, Out>>, error: Option<&PortError>) {
    for entry in batch {
        let error = error.cloned().unwrap_or_else(|| PortError::transient("no answer"));
        drop(entry.reply.send(Err(error)));
    }
}

//! Owns the holding of dead letters: SQS shows a message only to who receives it, so whoever looks holds it for a while.
//! Never keeps one: at the end, whatever the end is, everything is given back that was not deleted; and each hold is
//! bounded, so that even a killed process only delays the next look.
//! Next: `list` looks and gives back; `redrive`, `edit` and `discard` keep what they act upon.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contract::limits::SQS_BATCH_MAX;
use contract::{PortError, QueueName};
use futures_util::future::join_all;
use runtime::ports::{Outbound, Ports, Receipt};
use runtime::{Chance, retried};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::choice::Narrow;
use super::letter::Letter;
use super::places::{self, Place};
use super::room::{self, Room};
use crate::reach::Reach;

/// For so long nobody else sees what is looked at.
const HOLD: Duration = Duration::from_secs(60);
/// Looking ends long before the first hold does.
const LOOK_MAX: Duration = Duration::from_secs(30);
const EXTEND_EVERY: Duration = Duration::from_secs(20);
/// A short poll asks only some of SQS's servers: an empty answer to a long one means that there is nothing.
const WAIT: Duration = Duration::from_secs(1);
const CALL_MAX: Duration = Duration::from_secs(15);
/// Whoever pressed Ctrl-C waits no longer than this for what is given back.
const FAREWELL_MAX: Duration = Duration::from_secs(5);

/// What one command holds.
#[derive(Debug)]
pub(super) struct Desk {
    ports: Ports,
    chance: Chance,
    /// By message id; the newest receipt is the one that counts.
    held: Mutex<BTreeMap<String, (QueueName, Receipt)>>,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) desk: Desk,
    /// Newest first. Those that were wanted are whole, as far as there was room for them.
    pub(super) letters: Vec<Letter>,
    /// More lie there than were asked for.
    pub(super) more: bool,
    /// As far as SQS counts: what somebody else is looking at.
    pub(super) elsewhere: u64,
}

/// What one place showed.
struct Seen {
    letters: Vec<Letter>,
    more: bool,
    elsewhere: u64,
}

/// Which letters somebody will act upon: only these are kept whole.
pub(super) type Wanted<'w> = &'w (dyn Fn(&Letter) -> bool + Sync);

/// Looks into every place at once, or into the one queue that was named.
pub(super) async fn look(reach: &Reach, narrow: &Narrow, wanted: Wanted<'_>) -> anyhow::Result<Found> {
    let mut places = places::all(reach).await?;
    if let Some(only) = narrow.queue.as_deref() {
        let named =
            |place: &Place| place.queue.as_str() == only || place.queue.as_str().trim_end_matches("-dlq") == only;
        let known: Vec<String> = places.iter().map(|place| place.queue.to_string()).collect();
        places.retain(named);
        if places.is_empty() {
            let why = format!("no queue of dead letters is called {only:?}; there are {}", known.join(", "));
            return Err(crate::exit::Misused(why).into());
        }
    }
    let desk = Desk { ports: reach.ports.clone(), chance: Chance::fresh(), held: Mutex::default() };
    let room = Room::new(room::BYTES_MAX);
    let looking = places.iter().map(|place| desk.look_into(reach, place, narrow.max, wanted, &room));
    let seen = join_all(looking).await;
    let (mut letters, mut more, mut elsewhere) = (vec![], false, 0);
    for each in seen {
        // An error of one place ends the command: what the others showed is given back with the desk.
        let each = each?;
        letters.extend(each.letters);
        more |= each.more;
        elsewhere += each.elsewhere;
    }
    letters.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.id.cmp(&b.id)));
    Ok(Found { desk, letters, more, elsewhere })
}

impl Desk {
    async fn look_into(
        &self,
        reach: &Reach,
        place: &Place,
        max: usize,
        wanted: Wanted<'_>,
        room: &Room,
    ) -> anyhow::Result<Seen> {
        let until = Instant::now() + LOOK_MAX;
        let mut found: BTreeMap<String, Letter> = BTreeMap::new();
        let mut more = false;
        loop {
            let receive = || self.ports.queue.receive(&place.queue, SQS_BATCH_MAX, WAIT, HOLD);
            let some = match retried(CALL_MAX, &self.chance, receive).await {
                Ok(some) => some,
                Err(why) => {
                    // A subscription may go while somebody looks, or stand there half-made.
                    if place.may_go() && aws::letters::counts(&reach.clients, &place.queue).await?.is_none() {
                        break;
                    }
                    return Err(why.into());
                }
            };
            if some.is_empty() {
                break;
            }
            for message in some {
                let hold = (place.queue.clone(), message.receipt.clone());
                self.held().insert(message.message_id.clone(), hold);
                let letter = Letter::read(place, message, &reach.config.choreography);
                let is_whole = match found.get(&letter.id) {
                    Some(before) => before.is_whole,
                    None => wanted(&letter) && room.takes(letter.bytes),
                };
                found.insert(letter.id.clone(), if is_whole { letter } else { letter.seen_only() });
            }
            if found.len() >= max || Instant::now() >= until {
                more = true;
                break;
            }
        }
        let counts = aws::letters::counts(&reach.clients, &place.queue).await?.unwrap_or_default();
        let elsewhere = counts.in_flight.saturating_sub(found.len() as u64);
        Ok(Seen { more: more && counts.waiting > 0, letters: found.into_values().collect(), elsewhere })
    }

    /// Everything but these is given back.
    pub(super) async fn keep_only(&self, kept: &[Letter]) -> Result<(), PortError> {
        let kept: BTreeSet<&str> = kept.iter().map(|letter| letter.id.as_str()).collect();
        let back: Vec<String> = self.held().keys().filter(|id| !kept.contains(id.as_str())).cloned().collect();
        self.give_back(&back).await
    }

    /// Everything.
    pub(super) async fn close(self) -> Result<(), PortError> {
        let all: Vec<String> = self.held().keys().cloned().collect();
        self.give_back(&all).await
    }

    /// Does this work, and meanwhile holds what is held.
    pub(super) async fn while_held<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let mut ticks = interval(EXTEND_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = ticks.tick() => {
                    let all: Vec<String> = self.held().keys().cloned().collect();
                    // A hold that cannot be kept is found out before its letter is acted upon.
                    let _ = self.set_visibility(&all, HOLD).await;
                }
            }
        }
    }

    /// Before a letter is acted upon: is it still ours?
    pub(super) async fn still_ours(&self, letter: &Letter) -> Result<(), PortError> {
        self.set_visibility(std::slice::from_ref(&letter.id), HOLD).await
    }

    /// To one queue, confirmed.
    pub(super) async fn send(&self, queue: &QueueName, message: &Outbound) -> Result<(), PortError> {
        let one = std::slice::from_ref(message);
        let silence = || Err(PortError::transient("no answer for the message"));
        retried(CALL_MAX, &self.chance, || async {
            self.ports.queue.send(queue, one).await?.pop().unwrap_or_else(silence)
        })
        .await
    }

    /// For good.
    pub(super) async fn delete(&self, letter: &Letter) -> Result<(), PortError> {
        let Some((queue, receipt)) = self.held().get(&letter.id).cloned() else { return Ok(()) };
        let one = std::slice::from_ref(&receipt);
        let silence = || Err(PortError::transient("no answer for the delete"));
        retried(CALL_MAX, &self.chance, || async {
            self.ports.queue.delete(&queue, one).await?.pop().unwrap_or_else(silence)
        })
        .await?;
        self.held().remove(&letter.id);
        Ok(())
    }

    async fn give_back(&self, ids: &[String]) -> Result<(), PortError> {
        let back = self.set_visibility(ids, Duration::ZERO).await;
        // Tried once: what failed becomes visible by itself when its hold ends.
        ids.iter().for_each(|id| drop(self.held().remove(id)));
        back
    }

    /// The first error, after all were tried.
    async fn set_visibility(&self, ids: &[String], span: Duration) -> Result<(), PortError> {
        let mut by_queue: BTreeMap<QueueName, Vec<(Receipt, Duration)>> = BTreeMap::new();
        for (queue, receipt) in ids.iter().filter_map(|id| self.held().get(id).cloned()) {
            by_queue.entry(queue).or_default().push((receipt, span));
        }
        let mut first = Ok(());
        for (queue, all) in &by_queue {
            for batch in all.chunks(SQS_BATCH_MAX) {
                let set = || self.ports.queue.set_visibility(queue, batch);
                let told = retried(CALL_MAX, &self.chance, set).await;
                first = first.and(told.and_then(|each| each.into_iter().collect()));
            }
        }
        first
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<String, (QueueName, Receipt)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Desk {
    /// After an error or a signal. Where nothing can be awaited any more, the holds end by themselves.
    fn drop(&mut self) {
        let all: Vec<String> = self.held().keys().cloned().collect();
        let Ok(executor) = Handle::try_current() else { return };
        if all.is_empty() || executor.runtime_flavor() != RuntimeFlavor::MultiThread {
            return;
        }
        tokio::task::block_in_place(|| executor.block_on(timeout(FAREWELL_MAX, self.give_back(&all)))).ok();
    }
}

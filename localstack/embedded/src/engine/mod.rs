//! Owns the one thread on which queues and buses live: requests come in order, are applied, stored and only then answered.
//! Never two states at once: what could not be stored is answered with an error, and the state is read from the store anew.
//! Invariant: a round of requests is one transaction; whoever waits in a long poll is answered after a commit too.
//! Next: `moment` is what an operation is given; `state` holds the queues and buses.

mod clock;
mod moment;
mod state;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

pub(crate) use clock::Clock;
pub(crate) use moment::{Answer, Body, Incoming, Moment, Quirks, ReplyTo, UnixMs};
pub(crate) use state::Call;
use state::State;

use crate::ApiError;
use crate::place::Place;
use crate::sqs::Limits;
use crate::store::{Journal, Store, StoreError};

/// How many requests one transaction may hold: enough to share its cost, few enough to answer soon.
const ROUND_MAX: usize = 256;
/// How soon what could not be stored or read is tried again.
const REREAD: Duration = Duration::from_secs(1);

#[derive(Debug)]
enum Ask {
    Call(Box<Call>, Quirks, ReplyTo),
    /// Something outside has changed that time depends on: look again.
    Look,
    /// Answer every long poll: the server says goodbye.
    Dismiss,
    Stop,
}

/// The way to the engine's thread, for as many tasks as want it.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    asks: Sender<Ask>,
}

/// Stops the thread, and waits for it, when it goes.
#[derive(Debug)]
pub(crate) struct Running {
    engine: Engine,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    pub(crate) fn start(
        store: Option<Store>,
        place: Place,
        clock: Clock,
        limits: Limits,
        seed: u64,
    ) -> Result<(Engine, Running), StoreError> {
        let state = State::read(store.as_ref(), limits)?;
        let (asks, asked) = channel();
        let round = Round {
            journal: Journal::new(store.is_some()),
            store,
            state: Some(state),
            limits,
            place,
            clock,
            chance: fastrand::Rng::with_seed(seed),
            done: vec![],
            failed: false,
        };
        let engine = Engine { asks };
        let thread = std::thread::Builder::new()
            .name("engine".into())
            .spawn(move || round.serve(&asked))
            .map_err(StoreError::Thread)?;
        Ok((engine.clone(), Running { engine, thread: Some(thread) }))
    }

    pub(crate) async fn call(&self, call: Call, quirks: Quirks) -> Answer {
        let (reply, answer) = oneshot::channel();
        let gone = || ApiError::failed("the request could not be stored; it may be tried again");
        self.asks.send(Ask::Call(Box::new(call), quirks, ReplyTo(reply))).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Long polls end now, with what there is: nothing.
    pub(crate) fn dismiss(&self) {
        drop(self.asks.send(Ask::Dismiss));
    }

    /// After the clock was shifted.
    pub(crate) fn look(&self) {
        drop(self.asks.send(Ask::Look));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.engine.asks.send(Ask::Stop));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// What the thread works with.
#[derive(Debug)]
struct Round {
    store: Option<Store>,
    journal: Journal,
    /// None after a commit failed, until the store could be read again.
    state: Option<State>,
    limits: Limits,
    place: Place,
    clock: Clock,
    chance: fastrand::Rng,
    done: Vec<(ReplyTo, Answer)>,
    /// The last round could not be stored.
    failed: bool,
}

impl Round {
    fn serve(mut self, asked: &Receiver<Ask>) {
        loop {
            let first = match self.wait(asked) {
                Ok(ask) => Some(ask),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let mut stopping = false;
            let round = || {
                for ask in first.into_iter().chain(asked.try_iter()).take(ROUND_MAX) {
                    match ask {
                        Ask::Call(call, quirks, reply) => self.perform(*call, &quirks, reply),
                        Ask::Dismiss => self.dismiss(),
                        Ask::Stop => stopping = true,
                        Ask::Look => {}
                    }
                }
                self.conclude();
            };
            // A thread that ended here would leave a server that answers nothing any more.
            if catch_unwind(AssertUnwindSafe(round)).is_err() {
                self.give_up("it broke off");
            }
            if stopping {
                return;
            }
        }
    }

    fn wait(&self, asked: &Receiver<Ask>) -> Result<Ask, RecvTimeoutError> {
        match self.due_in() {
            Some(after) => asked.recv_timeout(after),
            None => asked.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// How long there is nothing to do, if nobody asks for anything.
    fn due_in(&self) -> Option<Duration> {
        let Some(state) = &self.state else { return Some(REREAD) };
        let ms = state.wakes_at()?.0.saturating_sub(self.clock.now().0);
        let due_in = Duration::from_millis(u64::try_from(ms).unwrap_or(0));
        // What could not be stored is due again at once.
        Some(if self.failed { due_in.max(REREAD) } else { due_in })
    }

    fn perform(&mut self, call: Call, quirks: &Quirks, reply: ReplyTo) {
        let Round { state, journal, place, chance, done, clock, .. } = self;
        match state {
            Some(state) => {
                let mut at = Moment::new(clock.now(), place, journal, chance, done);
                state.perform(&mut at, call, quirks, reply);
            }
            None => done.push((reply, Err(ApiError::failed("the store cannot be read; the request changed nothing")))),
        }
    }

    fn dismiss(&mut self) {
        let Round { state, journal, place, chance, done, clock, .. } = self;
        if let Some(state) = state {
            state.dismiss(&mut Moment::new(clock.now(), place, journal, chance, done));
        }
    }

    /// Lets time pass, stores the round, and answers.
    fn conclude(&mut self) {
        let Round { state, journal, place, chance, done, clock, .. } = self;
        if let Some(state) = state {
            state.tick(&mut Moment::new(clock.now(), place, journal, chance, done));
        } else {
            *state = State::read(self.store.as_ref(), self.limits).ok();
        }
        let stored = match &mut self.store {
            Some(store) if !self.journal.is_empty() => store.commit(&mut self.journal),
            _ => Ok(()),
        };
        match stored {
            Ok(()) => {
                self.failed = false;
                for (reply, answer) in self.done.drain(..) {
                    drop(reply.0.send(answer));
                }
            }
            Err(why) => self.give_up(&why.to_string()),
        }
    }

    /// What memory holds beyond the store was never answered: forget it, with its long polls, which end in an error.
    fn give_up(&mut self, why: &str) {
        self.failed = true;
        self.journal.clear();
        for (reply, _) in self.done.drain(..) {
            drop(reply.0.send(Err(ApiError::failed(format!("not stored, nothing changed: {why}")))));
        }
        // Without a store, memory is all there is.
        if self.store.is_some() {
            self.state = State::read(self.store.as_ref(), self.limits).ok();
        }
    }
}

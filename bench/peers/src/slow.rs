//! Owns the question whether one slow message holds up nine fast ones: received together with them, or before them.
//! Never full load: every contender is idle but for its ten messages, so all may run at the same time.
//! Next: `main` reports how long the slowest of the nine took, from its sending until its event had arrived.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::ensure;
use contract::{Clock as _, QueueName};
use futures_util::future::try_join_all;
use peers::hop::Message;
use runtime::ports::SystemClock;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::contender::{Contender, Format, Running};
use crate::ground::Ground;

/// How long the slow one takes.
pub(crate) const SLOW_MS: u64 = 2_000;
const FAST: usize = 9;
/// From the slow one to the others, where they come behind it.
const BEHIND: Duration = Duration::from_millis(300);
/// Between two contenders, so that they do not meet at the server.
const APART: Duration = Duration::from_millis(200);
const LISTENERS: usize = 4;
const POLL: Duration = Duration::from_millis(1);
const ARRIVE_MAX: Duration = Duration::from_secs(30);

/// How the ten messages come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Together,
    Behind,
}

type Arrivals = Arc<Mutex<BTreeMap<u64, Instant>>>;

/// Contenders that have started, and what arrives of their events.
pub(crate) struct Scene<'c> {
    ground: Arc<Ground>,
    running: Vec<(&'c Contender, Running)>,
    arrivals: Arrivals,
    _listening: JoinSet<()>,
    next: u64,
}

impl<'c> Scene<'c> {
    /// Each has handled a message by then.
    pub(crate) async fn set(ground: Ground, contenders: &[&'c Contender]) -> anyhow::Result<Scene<'c>> {
        let (ground, arrivals) = (Arc::new(ground), Arrivals::default());
        let mut listening = JoinSet::new();
        for _ in 0..LISTENERS {
            let (ground, arrivals) = (Arc::clone(&ground), Arc::clone(&arrivals));
            listening.spawn(async move {
                // Whoever waits for what does not arrive says so.
                while let Ok(numbers) = ground.take_done().await {
                    let now = Instant::now();
                    let mut arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
                    arrivals.extend(numbers.into_iter().map(|number| (number, now)));
                }
            });
        }
        let mut running = vec![];
        for contender in contenders {
            running.push((*contender, contender.start(&ground).await?));
        }
        let mut scene = Scene { ground, running, arrivals, _listening: listening, next: 1 };
        let first = scene.messages(contenders.len());
        for (contender, message) in contenders.iter().zip(&first) {
            scene.send(&contender.queue(), contender.format, std::slice::from_ref(message)).await?;
        }
        scene.arrived(&first).await?;
        Ok(scene)
    }

    fn messages(&mut self, count: usize) -> Vec<Message> {
        let messages = self.ground.messages(self.next, count);
        self.next += messages.len() as u64;
        messages
    }

    async fn send(&self, queue: &QueueName, format: Format, messages: &[Message]) -> anyhow::Result<Instant> {
        self.ground.accept(messages).await?;
        let sent = Instant::now();
        self.ground.send(queue, format, messages).await?;
        Ok(sent)
    }

    /// When the last of them did.
    async fn arrived(&self, messages: &[Message]) -> anyhow::Result<Instant> {
        let numbers: Vec<u64> = messages.iter().filter_map(|one| one.event.data["number"].as_u64()).collect();
        let deadline = Instant::now() + ARRIVE_MAX;
        loop {
            let last = {
                let arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
                let times: Option<Vec<_>> = numbers.iter().map(|number| arrivals.get(number).copied()).collect();
                times.and_then(|times| times.into_iter().max())
            };
            if let Some(last) = last {
                return Ok(last);
            }
            ensure!(Instant::now() < deadline, "not all of {numbers:?} led to an event:\n{}", self.told());
            sleep(POLL).await;
        }
    }

    fn told(&self) -> String {
        self.running.iter().map(|(_, running)| format!("{}: {}\n", running.name, running.told())).collect()
    }

    /// For each contender, how many milliseconds the slowest of the nine took.
    pub(crate) async fn once(&mut self, shape: Shape) -> anyhow::Result<Vec<(&'static str, f64)>> {
        let contenders: Vec<&Contender> = self.running.iter().map(|(contender, _)| *contender).collect();
        let tens: Vec<Vec<Message>> = contenders.iter().map(|_| self.messages(FAST + 1)).collect();
        let scene = &*self;
        let each = contenders.into_iter().zip(&tens).enumerate().map(|(at, (contender, ten))| async move {
            sleep(APART * u32::try_from(at)?).await;
            let slowest = scene.ten(contender, shape, ten).await?;
            anyhow::Ok((contender.name, slowest.as_secs_f64() * 1e3))
        });
        try_join_all(each).await
    }

    async fn ten(&self, contender: &Contender, shape: Shape, ten: &[Message]) -> anyhow::Result<Duration> {
        let mut ten = ten.to_vec();
        if let Some(first) = ten.first_mut()
            && let Some(number) = first.event.data["number"].as_u64()
        {
            *first = Message::of(number, SLOW_MS, SystemClock.now());
        }
        let (slow, fast) = ten.split_at(1);
        let queue = contender.queue();
        let sent = match shape {
            Shape::Together => self.send(&queue, contender.format, &ten).await?,
            Shape::Behind => {
                self.send(&queue, contender.format, slow).await?;
                sleep(BEHIND).await;
                self.send(&queue, contender.format, fast).await?
            }
        };
        let arrived = self.arrived(fast).await?;
        self.arrived(slow).await?;
        Ok(arrived - sent)
    }

    pub(crate) async fn end(self) -> anyhow::Result<()> {
        for (_, running) in self.running {
            running.stop().await?;
        }
        Ok(())
    }
}

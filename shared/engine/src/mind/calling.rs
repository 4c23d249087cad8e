//! Owns one question to one model: its turn, its reservation, its time, its tries, and what it cost.
//! Never decides by a clock outside of `live`: whether it is tried again is written into the record with the failure.
//! Next: `rounds` and `asking` ask through a `Conversation`, whose exchanges come one after the other.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use contract::{Digest, Partner, PortError, Spend};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::answer::ANSWER_BYTES_MAX;
use super::{Mind, Thinker, remember, tokens};
use crate::exchange::{Exchanges, Live, Question, Unmade};
use crate::model::{Delta, Part, Reply, Request, Usage};

const BACKOFF_FIRST: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(20);

/// All that is said about one question, with whichever models.
pub(super) struct Conversation<'a> {
    pub(super) exchanges: Exchanges<'a>,
    pub(super) mind: &'a Mind,
    pub(super) prompt: &'static str,
    /// Of its fences.
    mark: String,
    /// What was answered, to be remembered if it turns out to be good.
    said: Mutex<Vec<(Digest, Reply)>>,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(exchanges: Exchanges<'a>, mind: &'a Mind, prompt: &'static str, mark: &str) -> Conversation<'a> {
        Conversation { exchanges, mind, prompt, mark: mark.to_owned(), said: Mutex::default() }
    }

    /// Asks, and asks again what may pass, as long as there is time.
    pub(super) async fn reply(&self, thinker: &Thinker, request: &Request) -> Result<Reply, Unmade> {
        let request = self.without_secrets(request)?;
        let mut attempt = 1;
        loop {
            let question = self.question(thinker, &request)?;
            match self.exchanges.asked(question, || self.live(thinker, &request, attempt)).await {
                Ok(answer) => return Reply::deserialize(answer).map_err(|why| broken(&why)),
                // Only what is to be tried again has a time to wait for.
                Err(Unmade::Asking(PortError::Transient { why, retry_after: Some(wait) })) => {
                    if !self.exchanges.is_replay() {
                        tracing::debug!(model = thinker.model.name(), why, ?wait, "asking again");
                        sleep(wait).await;
                    }
                }
                Err(unmade) => return Err(unmade),
            }
            attempt += 1;
        }
    }

    fn question(&self, thinker: &Thinker, request: &Request) -> Result<Question, Unmade> {
        Ok(Question {
            with: Partner::Model,
            name: thinker.model.name().to_owned(),
            request: written(request)?,
            prompt: Some(self.prompt.to_owned()),
        })
    }

    /// Whether a replay has an answer to this, were it asked next.
    pub(super) fn is_recorded(&self, thinker: &Thinker, request: &Request) -> bool {
        let question = self.without_secrets(request).and_then(|request| self.question(thinker, &request));
        question.is_ok_and(|question| self.exchanges.is_recorded(&question))
    }

    /// What a record would not show is not sent either: request and record are the same.
    fn without_secrets(&self, request: &Request) -> Result<Request, Unmade> {
        Request::deserialize(self.exchanges.without_secrets(written(request)?)).map_err(|why| broken(&why))
    }

    async fn live(&self, thinker: &Thinker, request: &Request, attempt: u32) -> Live {
        let digest = remember::digest(thinker.model.name(), request, &self.mark);
        if let Some(remembered) = &self.mind.remembered
            && let Some(reply) = remembered.get(&digest).await
        {
            let answer = serde_json::to_value(reply).map(|mut answer| {
                answer["from_cache"] = json!(true);
                answer
            });
            return (answer.map_err(|why| broken(&why)), Spend::default());
        }
        let (made, cost) = self.once(thinker, request).await;
        let answer = match made {
            Ok(reply) => {
                let answer = serde_json::to_value(&reply).map_err(|why| broken(&why));
                // Of no use to anybody who asks the same again.
                if !reply.is_too_long() {
                    self.said.lock().unwrap_or_else(PoisonError::into_inner).push((digest, reply));
                }
                answer
            }
            Err(Unmade::Asking(PortError::Transient { why, retry_after })) => {
                Err(Unmade::Asking(self.again(thinker, attempt, why, retry_after)))
            }
            Err(unmade) => Err(unmade),
        };
        (answer, cost)
    }

    /// Whether a failure that may pass is tried again by this attempt of the step: then, and only then, after a time.
    fn again(&self, thinker: &Thinker, attempt: u32, why: String, asked_for: Option<Duration>) -> PortError {
        let place = self.exchanges.place;
        let seed = Digest::of(format!("{}\n{}\n{attempt}\n{why}", place.key(), thinker.model.name()).as_bytes());
        let wait = backoff(attempt, asked_for, &seed);
        let is_in_time = place.clock().now() + wait < place.deadline();
        let retry_after = (attempt < self.mind.agent.tries_max && is_in_time).then_some(wait);
        PortError::Transient { why, retry_after }
    }

    async fn once(&self, thinker: &Thinker, request: &Request) -> (Result<Reply, Unmade>, Spend) {
        let place = self.exchanges.place;
        let left = || place.clock().now().until(place.deadline());
        let refused = |why: String| (Err(Unmade::Asking(PortError::transient(why))), Spend::default());
        if left().is_zero() {
            return refused("this attempt has no time left for a model".into());
        }
        let counted = tokens::of_request(request);
        let most = Usage {
            input_tokens: thinker.measure.at_most(counted),
            output_tokens: request.sampling.output_tokens_max.into(),
            ..Usage::default()
        };
        let bound = thinker.price.of(most);
        if let Err(wait) = thinker.pace.turn(bound.tokens, left()).await {
            let why = format!("its limits per minute allow the next question in {} s", wait.as_secs());
            let late = PortError::Transient { why, retry_after: Some(wait) };
            return (Err(Unmade::Asking(late)), Spend::default());
        }
        let reserved = match place.reserve(bound).await {
            Ok(reserved) => reserved,
            Err(refused) => return (Err(Unmade::Spending(refused)), Spend::default()),
        };
        let heard = Heard::default();
        let made = heard.reply(thinker, request, left().min(thinker.settings.whole)).await;
        if let Ok(reply) = &made {
            thinker.measure.hear(counted, reply);
        }
        let cost = match &made {
            // Refused at the door.
            Ok(reply) if reply.is_too_long() => Spend::default(),
            Ok(reply) => thinker.price.of(used(reply, most)),
            // What was begun is paid for; what was refused at the door is not.
            Err((_, begun)) if *begun => thinker.price.of(Usage { output_tokens: heard.tokens(most), ..most }),
            Err(_) => Spend::default(),
        };
        reserved.settle(cost).await;
        heard.told(thinker);
        (made.map_err(|(error, _)| Unmade::Asking(error)), cost)
    }

    /// Whoever said it did not bring an answer.
    pub(super) fn forget(&self) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The answer was good: the same questions may have it again.
    pub(super) async fn remember(&self) {
        let Some(remembered) = &self.mind.remembered else { return };
        let said = std::mem::take(&mut *self.said.lock().unwrap_or_else(PoisonError::into_inner));
        for (digest, reply) in said {
            remembered.keep(digest, reply).await;
        }
    }
}

/// What came of an answer so far.
#[derive(Default)]
struct Heard {
    bytes: AtomicUsize,
    pieces: AtomicUsize,
    is_too_much: Notify,
}

impl Heard {
    /// The whole answer; or why there is none, and whether it had begun.
    async fn reply(&self, thinker: &Thinker, request: &Request, left: Duration) -> Result<Reply, (PortError, bool)> {
        let mut hear = |delta: &Delta| {
            let (Delta::Text(text) | Delta::ToolCall(text) | Delta::Thought(text)) = delta;
            self.pieces.fetch_add(1, Ordering::Relaxed);
            if self.bytes.fetch_add(text.len(), Ordering::Relaxed) + text.len() > ANSWER_BYTES_MAX {
                self.is_too_much.notify_one();
            }
        };
        let asked_at = Instant::now();
        let too_much = || PortError::permanent(format!("its answer has more than {ANSWER_BYTES_MAX} bytes"));
        let answered = tokio::select! {
            biased;
            () = self.is_too_much.notified() => return Err((too_much(), true)),
            answered = timeout(left, thinker.model.reply(request, &mut hear)) => answered,
        };
        match answered {
            Ok(Ok(reply)) if bytes(&reply) > ANSWER_BYTES_MAX => Err((too_much(), true)),
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(error)) => {
                // Nobody is refused at the door after so long: it read the question, and perhaps thought about it.
                let was_at_work = asked_at.elapsed() >= thinker.settings.first_token;
                Err((error, was_at_work || self.pieces.load(Ordering::Relaxed) > 0))
            }
            Err(_) => {
                let why = format!("its answer was not whole within {} s", left.as_secs_f64());
                Err((PortError::transient(why), true))
            }
        }
    }

    /// What was heard; of what was begun in silence nobody knows how much it was, and it is counted at its bound.
    fn tokens(&self, most: Usage) -> u64 {
        match self.bytes.load(Ordering::Relaxed).div_ceil(3) as u64 {
            0 => most.output_tokens,
            heard => heard.min(most.output_tokens),
        }
    }

    fn told(&self, thinker: &Thinker) {
        let (bytes, pieces) = (self.bytes.load(Ordering::Relaxed), self.pieces.load(Ordering::Relaxed));
        tracing::debug!(model = thinker.model.name(), pieces, bytes, "a model's answer came");
    }
}

fn bytes(reply: &Reply) -> usize {
    let part = |part: &Part| match part {
        Part::Text { text } => text.len(),
        Part::ToolCall { name, arguments, .. } => name.len() + arguments.to_string().len(),
        Part::ToolResult { content, .. } => content.len(),
    };
    reply.parts.iter().map(part).sum()
}

/// Some servers do not say: then it is estimated.
fn used(reply: &Reply, most: Usage) -> Usage {
    let said = reply.usage;
    if said.input_tokens > 0 || said.output_tokens > 0 {
        return said;
    }
    Usage { output_tokens: (bytes(reply).div_ceil(3) as u64).min(most.output_tokens), estimated: true, ..most }
}

/// Exponential with full jitter; where the provider names a time, that and a little more.
fn backoff(attempt: u32, asked_for: Option<Duration>, seed: &Digest) -> Duration {
    let seed = u64::from_str_radix(&seed.as_str()[..16], 16).unwrap_or_default();
    let part = fastrand::Rng::with_seed(seed).f64();
    let most = BACKOFF_MAX.min(BACKOFF_FIRST * 2u32.saturating_pow(attempt.saturating_sub(1)));
    match asked_for {
        Some(asked_for) => asked_for + most.mul_f64(part / 4.0),
        None => most.mul_f64(part).max(Duration::from_millis(20)),
    }
}

fn written(request: &Request) -> Result<Value, Unmade> {
    serde_json::to_value(request).map_err(|why| broken(&why))
}

fn broken(why: &serde_json::Error) -> Unmade {
    Unmade::Unrecorded(format!("a question or its recorded answer cannot be read: {why}"))
}

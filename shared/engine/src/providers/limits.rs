//! Owns how long an answer may take, how long it may be silent, and how large it may grow.
//! Never a sleep: each wait is given the time that is left, and what comes too late may be asked for again.
//! Next: every adapter waits through a `Watch`, and gathers into an `Answer` that knows the size.

use std::time::Duration;

use contract::PortError;
use tokio::time::{Instant, timeout_at};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub connect: Duration,
    /// From the question to the first piece of the answer.
    pub first_token: Duration,
    /// Between two pieces of it.
    pub silence: Duration,
    pub whole: Duration,
    /// Of the answer with all that the provider wraps around it.
    pub answer_bytes_max: usize,
}

/// The time of one question.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    limits: Limits,
    began: Instant,
    /// When the last piece of the answer came. A sign of life is none: a server may be alive and never answer.
    last_piece: Option<Instant>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connect: Duration::from_secs(10),
            first_token: Duration::from_secs(60),
            silence: Duration::from_secs(60),
            whole: Duration::from_secs(300),
            answer_bytes_max: 10_000_000,
        }
    }
}

impl Watch {
    pub fn start(limits: Limits) -> Watch {
        Watch { limits, began: Instant::now(), last_piece: None }
    }

    /// From now on another piece must follow.
    pub fn piece_came(&mut self) {
        self.last_piece = Some(Instant::now());
    }

    /// What is awaited, or that it did not come in time.
    pub async fn within<T>(&self, awaited: impl Future<Output = T>) -> Result<T, PortError> {
        let (until, late) = self.until();
        timeout_at(until, awaited).await.map_err(|_| PortError::transient(late))
    }

    fn until(&self) -> (Instant, String) {
        let Limits { first_token, silence, whole, .. } = self.limits;
        let end = self.began + whole;
        let (next, late) = if let Some(last_piece) = self.last_piece {
            (last_piece + silence, format!("the answer fell silent for {}", seconds(silence)))
        } else {
            (self.began + first_token, format!("no word of an answer within {}", seconds(first_token)))
        };
        if next < end { (next, late) } else { (end, format!("the answer was not whole within {}", seconds(whole))) }
    }
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        connect: Duration::from_secs(1),
        first_token: Duration::from_secs(10),
        silence: Duration::from_secs(4),
        whole: Duration::from_secs(20),
        answer_bytes_max: 1000,
    };

    async fn late(watch: &Watch) -> (Duration, String) {
        let began = Instant::now();
        let error = watch.within(std::future::pending::<()>()).await.unwrap_err();
        assert!(matches!(error, PortError::Transient { retry_after: None, .. }), "{error:?}");
        (began.elapsed(), error.to_string())
    }

    #[tokio::test(start_paused = true)]
    async fn each_wait_ends_at_the_limit_that_comes_first() {
        let mut watch = Watch::start(LIMITS);
        tokio::time::advance(Duration::from_secs(3)).await;
        let (waited, why) = late(&watch).await;
        assert_eq!(waited.as_secs(), 7);
        assert!(why.contains("no word of an answer within 10 s"), "{why}");
        watch.piece_came();
        let (waited, why) = late(&watch).await;
        assert_eq!(waited.as_secs(), 4);
        assert!(why.contains("silent for 4 s"), "{why}");
        tokio::time::advance(Duration::from_secs(4)).await;
        watch.piece_came();
        let (waited, why) = late(&watch).await;
        assert_eq!(waited.as_secs(), 2);
        assert!(why.contains("not whole within 20 s"), "{why}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_in_time_is_passed_on() {
        let mut watch = Watch::start(LIMITS);
        for n in 0..6 {
            watch.piece_came();
            let piece = async {
                tokio::time::sleep(Duration::from_secs(3)).await;
                n
            };
            assert_eq!(watch.within(piece).await, Ok(n));
        }
    }
}

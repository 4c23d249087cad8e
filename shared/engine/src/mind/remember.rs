//! Owns answers that were good, for the same question to the same model, until they expire.
//! Never an answer that was not used: asking again is the only way to a better one.
//! Next: `calling` looks here before it spends; a replay never does.

use contract::Digest;
use moka::future::Cache;
use serde_json::Value;
use tokio::time::Instant;

use super::config::CacheSettings;
use crate::model::{Reply, Request};

#[derive(Debug)]
pub(super) struct Remembered {
    answers: Cache<Digest, (Instant, Reply)>,
    settings: CacheSettings,
}

/// By what an answer is found again. The fences' mark is another one in each step, and is left out.
pub(super) fn digest(model: &str, request: &Request, mark: &str) -> Digest {
    let request = serde_json::to_value(request).unwrap_or(Value::Null);
    Digest::of(format!("{model}\n{request}").replace(mark, "").as_bytes())
}

impl Remembered {
    pub(super) fn new(settings: CacheSettings) -> Remembered {
        let weigh = |_: &Digest, (_, reply): &(Instant, Reply)| {
            let parts = serde_json::to_string(&reply.parts).map_or(0, |text| text.len());
            u32::try_from(parts).unwrap_or(u32::MAX).saturating_add(200)
        };
        let answers =
            Cache::builder().max_capacity(settings.bytes_max).weigher(weigh).time_to_live(settings.expires).build();
        Remembered { answers, settings }
    }

    pub(super) async fn get(&self, digest: &Digest) -> Option<Reply> {
        let (kept, reply) = self.answers.get(digest).await?;
        (kept.elapsed() < self.settings.expires).then_some(reply)
    }

    pub(super) async fn keep(&self, digest: Digest, reply: Reply) {
        self.answers.insert(digest, (Instant::now(), reply)).await;
    }
}

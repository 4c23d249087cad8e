//! Owns how many sources go into a question: as many as the model's context takes, the best first.
//! Never a part of a source, and in a replay never another number of them than was sent: what a process has learned of a
//! model is in no record, and the questions are.
//! Next: `asking` asks with them, and packs once more where a server says that it was too long.

use super::asking::Fell;
use super::calling::Conversation;
use super::config::{AgentSettings, Structured};
use super::form::Form;
use super::{Thinker, measure, tokens};
use crate::model::{Message, Request, Sampling, ToolSpec};
use crate::prompt::Filled;

/// A question to one model, before its sources are put in.
pub(super) struct Packing<'a> {
    thinker: &'a Thinker,
    filled: &'a Filled,
    bare: Request,
}

impl<'a> Packing<'a> {
    pub(super) fn new(
        agent: &AgentSettings,
        thinker: &'a Thinker,
        form: &Form,
        filled: &'a Filled,
        tools: Vec<ToolSpec>,
    ) -> Packing<'a> {
        let in_words = thinker.settings.structured == Structured::Prompt;
        let told = if in_words { format!("\n\n{}", form.in_words()) } else { String::new() };
        let bare = Request {
            system: format!("{}{told}", filled.system),
            messages: vec![],
            tools,
            schema: (!in_words).then(|| form.schema.clone()),
            sampling: Sampling {
                temperature: agent.temperature,
                top_p: agent.top_p,
                output_tokens_max: agent.output_tokens_max,
            },
        };
        Packing { thinker, filled, bare }
    }

    /// The question with its first sources.
    pub(super) fn with(&self, count: usize) -> Request {
        Request { messages: vec![Message::user(self.filled.user_with(count))], ..self.bare.clone() }
    }

    /// How many sources are sent.
    pub(super) fn first(&self, talk: &Conversation<'_>) -> Result<usize, Fell> {
        let most = self.filled.sources.len();
        if let Some(sent) = self.recorded(talk, most) {
            return Ok(sent);
        }
        let (settings, measure) = (&self.thinker.settings, &self.thinker.measure);
        let configured = u64::from(settings.context_tokens);
        let plain = self.fitting(measure::BEFORE, configured);
        let learned = || self.fitting(measure.factor(), measure.context_tokens(configured));
        let now = if talk.exchanges.is_replay() { plain } else { learned() };
        // Whether it is asked at all must not hang on what this process has learned: then with the best source alone.
        let count = now.or(plain.map(|_| self.least())).ok_or_else(|| {
            let name = &settings.name;
            Self::next(format!("{name}: not even the best source fits into its context of {configured} tokens"))
        })?;
        if count < most {
            tracing::debug!(shown = count, of = most, "sources were left out of a prompt");
        }
        Ok(count)
    }

    /// Fewer than were refused as too many.
    pub(super) fn fewer(&self, talk: &Conversation<'_>, refused: usize) -> Result<usize, Fell> {
        if refused <= self.least() {
            return Err(Self::next(format!("{}: the question is longer than its context", self.thinker.settings.name)));
        }
        let most = refused - 1;
        if let Some(sent) = self.recorded(talk, most) {
            return Ok(sent);
        }
        let measure = &self.thinker.measure;
        let context = measure.context_tokens(u64::from(self.thinker.settings.context_tokens));
        let count = self.fitting(measure.factor(), context).unwrap_or(1).clamp(1, most);
        tracing::info!(model = self.thinker.settings.name, refused, shown = count, "a question was too long");
        Ok(count)
    }

    /// What a replay has an answer to.
    fn recorded(&self, talk: &Conversation<'_>, most: usize) -> Option<usize> {
        let is_replay = talk.exchanges.is_replay();
        let mut counts = (self.least()..=most).rev().filter(|_| is_replay);
        counts.find(|count| talk.is_recorded(self.thinker, &self.with(*count)))
    }

    fn least(&self) -> usize {
        self.filled.sources.len().min(1)
    }

    /// With this many tokens for each of ours; nothing where not even the best source fits.
    fn fitting(&self, each: f64, context_tokens: u64) -> Option<usize> {
        let room = context_tokens.saturating_sub(u64::from(self.bare.sampling.output_tokens_max)) as f64;
        let mut size = tokens::of_request(&self.with(0));
        if size as f64 * each > room {
            return None;
        }
        let fits = |source: &&String| {
            size += tokens::of(source) + 2;
            size as f64 * each <= room
        };
        let count = self.filled.sources.iter().take_while(fits).count();
        (count >= self.least()).then_some(count)
    }

    fn next(why: String) -> Fell {
        Fell::Next { why, may_pass: false }
    }
}

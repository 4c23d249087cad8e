//! Owns a model's use of tools: its calls, from the agent's own list, until it answers or has had its rounds.
//! Never a tool that is not on the list, nor arguments that do not fit: the model is told so, and so is the record.
//! Never shows what a tool answered outside of a fence: it is a source like any other.
//! Next: `asking` judges what the model says in the end.

use contract::{Partner, PortError, Spend, bounded};
use serde_json::Value;

use super::Thinker;
use super::asking::Fell;
use super::calling::Conversation;
use super::tokens;
use crate::exchange::{Question, Unmade};
use crate::model::{Message, Part, Reply, Request, Role, ToolSpec};
use crate::prompt::Fence;
use crate::tools::Toolbox;

/// Calls of one reply that are looked at; the others are refused.
const CALLS_MAX: usize = 8;
const NAME_CHARS_MAX: usize = 64;

/// What a model may use, and how often.
pub(super) struct Rounds<'a> {
    tools: &'a Toolbox,
    specs: Vec<ToolSpec>,
    most: u32,
    had: u32,
    calls: usize,
    fence: &'a Fence,
}

impl<'a> Rounds<'a> {
    /// Of the toolbox, only what the agent's configuration allows a model.
    pub(super) fn new(tools: &'a Toolbox, talk: &Conversation<'_>, fence: &'a Fence) -> Rounds<'a> {
        let allowed = &talk.mind.agent.tools;
        let specs = tools.specs().into_iter().filter(|spec| allowed.contains(&spec.name)).collect();
        Rounds { tools, specs, most: talk.mind.agent.tool_rounds_max, had: 0, calls: 0, fence }
    }

    pub(super) fn specs(&self) -> Vec<ToolSpec> {
        self.specs.clone()
    }

    /// Asks until the model answers in words. What was said in between is added to the request.
    pub(super) async fn until_words(
        &mut self,
        talk: &Conversation<'_>,
        thinker: &Thinker,
        request: &mut Request,
    ) -> Result<Reply, Fell> {
        loop {
            let size = tokens::of_request(request) + u64::from(request.sampling.output_tokens_max);
            // A record may be of a time when tokens were counted otherwise.
            let is_too_much = size > u64::from(thinker.settings.context_tokens);
            if is_too_much && !talk.is_recorded(thinker, request) {
                return Err(Fell::Unusable(vec!["what was said has outgrown the model's context".into()]));
            }
            let reply = talk.reply(thinker, request).await.map_err(|unmade| Fell::of(unmade, thinker))?;
            let calls: Vec<_> =
                reply.parts.iter().filter(|part| matches!(part, Part::ToolCall { .. })).cloned().collect();
            if calls.is_empty() {
                return Ok(reply);
            }
            self.had += 1;
            // After its last round it is told once that it must answer.
            if self.had > self.most + 1 {
                return Err(Fell::Unusable(vec!["it calls tools and never answers".into()]));
            }
            let mut results = vec![];
            for (i, call) in calls.into_iter().enumerate() {
                let Part::ToolCall { id, name, arguments } = call else { continue };
                let may = i < CALLS_MAX && self.had <= self.most;
                let (content, failed) = self.result(talk, thinker, &name, arguments, may).await?;
                results.push(Part::ToolResult { id, content, failed });
            }
            request.messages.push(Message { role: Role::Assistant, parts: reply.parts });
            request.messages.push(Message { role: Role::User, parts: results });
        }
    }

    async fn result(
        &mut self,
        talk: &Conversation<'_>,
        thinker: &Thinker,
        name: &str,
        arguments: Value,
        may: bool,
    ) -> Result<(String, bool), Fell> {
        self.calls += 1;
        let id = format!("tool-{}", self.calls);
        let spoken: String = self.fence.harmless(name).chars().take(NAME_CHARS_MAX).collect();
        let why = match self.specs.iter().find(|spec| spec.name == name) {
            None => Some(format!("there is no tool {spoken:?}: use one of your own, or answer")),
            Some(_) if !may => Some("no more calls are allowed: answer now, with what you have".to_owned()),
            Some(spec) => unfit(spec, &arguments).map(|why| format!("the arguments do not fit: {why}")),
        };
        if let Some(why) = why {
            tracing::warn!(tool = spoken, why, "a model's call of a tool was refused");
            let question = Question { with: Partner::Tool, name: spoken, request: arguments, prompt: None };
            let refused = || async { (Err(Unmade::Asking(PortError::permanent(why.clone()))), Spend::default()) };
            return match talk.exchanges.asked(question, refused).await {
                Err(Unmade::Unrecorded(why)) => Err(Fell::Stop(PortError::permanent(why).into())),
                _ => Ok((format!("refused: {}", self.fence.harmless(&why)), true)),
            };
        }
        let most = thinker.settings.context_tokens as usize / 2;
        Ok(match self.tools.call(&talk.exchanges, name, arguments).await {
            Ok(Value::String(text)) => (self.fence.around(&id, cut(&text, most)), false),
            Ok(answer) => (self.fence.around(&id, cut(&answer.to_string(), most)), false),
            Err(error) => (self.fence.around(&id, cut(&error.to_string(), most)), true),
        })
    }
}

fn unfit(spec: &ToolSpec, arguments: &Value) -> Option<String> {
    match jsonschema::validator_for(&spec.arguments) {
        Ok(validator) => validator.iter_errors(arguments).next().map(|error| bounded(error.to_string())),
        Err(why) => Some(format!("its schema is broken: {why}")),
    }
}

/// The beginning of a text, at most so many bytes.
fn cut(text: &str, bytes_max: usize) -> &str {
    let end = (0..=bytes_max.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

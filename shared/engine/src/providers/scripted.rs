//! Owns a model for tests: it says what it was told to say, fails, hangs, breaks off, or obeys a closure over the question.
//! Never asks anybody, and never goes on beyond its script: a question too many is a failure.
//! Next: a test reads `requests` to see what was asked of it.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use contract::PortError;
use serde::Serialize;
use serde_json::Value;

use crate::model::{Delta, Hearing, Model, Part, Reply, Request, Stop, Usage, estimated_tokens};

/// What it does with one question.
#[derive(Clone, Debug, PartialEq)]
pub enum Turn {
    Reply(Reply),
    Fail(PortError),
    /// Says this much of an answer, and nothing more for ever.
    HangAfter(String),
    /// Says this much of an answer; then the connection breaks.
    BreakAfter(String),
}

pub struct ScriptedModel {
    name: String,
    script: Mutex<Script>,
    requests: Mutex<Vec<Request>>,
}

/// The next thing that it does; nothing when the script is at its end.
type Script = Box<dyn FnMut(&Request) -> Option<Turn> + Send>;

impl Turn {
    pub fn text(text: impl Into<String>) -> Turn {
        Turn::ending(vec![Part::Text { text: text.into() }], Stop::End)
    }

    /// What a schema asks for.
    pub fn json(document: &Value) -> Turn {
        Turn::text(document.to_string())
    }

    pub fn call(tool: impl Into<String>, arguments: Value) -> Turn {
        Turn::ending(vec![Part::ToolCall { id: "call_0".into(), name: tool.into(), arguments }], Stop::ToolCall)
    }

    pub fn refusal(text: impl Into<String>) -> Turn {
        Turn::ending(vec![Part::Text { text: text.into() }], Stop::Refused)
    }

    /// The output cap was reached here.
    pub fn truncated(text: impl Into<String>) -> Turn {
        Turn::ending(vec![Part::Text { text: text.into() }], Stop::Truncated)
    }

    pub fn hang() -> Turn {
        Turn::HangAfter(String::new())
    }

    fn ending(parts: Vec<Part>, stop: Stop) -> Turn {
        Turn::Reply(Reply { parts, stop, usage: Usage::default(), model: String::new() })
    }
}

impl ScriptedModel {
    /// Each question gets the next of these.
    pub fn saying(turns: impl IntoIterator<Item = Turn>) -> ScriptedModel {
        let mut turns = turns.into_iter().collect::<Vec<_>>().into_iter();
        ScriptedModel::of(Box::new(move |_| turns.next()))
    }

    /// Every question gets what this makes of it: a model that obeys, one that copies, one that is in two minds.
    pub fn answering(mut answer: impl FnMut(&Request) -> Turn + Send + 'static) -> ScriptedModel {
        ScriptedModel::of(Box::new(move |request| Some(answer(request))))
    }

    fn of(script: Script) -> ScriptedModel {
        ScriptedModel { name: "scripted/model".into(), script: Mutex::new(script), requests: Mutex::default() }
    }

    #[must_use]
    pub fn named(self, name: impl Into<String>) -> ScriptedModel {
        ScriptedModel { name: name.into(), ..self }
    }

    /// What it was asked, in order.
    pub fn requests(&self) -> Vec<Request> {
        locked(&self.requests).clone()
    }

    /// What the script does not count is estimated, as of a server that does not count.
    fn counted(&self, request: &Request, mut reply: Reply) -> Reply {
        if reply.usage == Usage::default() {
            reply.usage = Usage {
                input_tokens: estimated_tokens(bytes(request)),
                output_tokens: estimated_tokens(bytes(&reply.parts)),
                cached_tokens: 0,
                estimated: true,
            };
        }
        if reply.model.is_empty() {
            reply.model.clone_from(&self.name);
        }
        reply
    }
}

#[async_trait]
impl Model for ScriptedModel {
    fn name(&self) -> &str {
        &self.name
    }

    async fn reply(&self, request: &Request, heard: Hearing<'_>) -> Result<Reply, PortError> {
        let asked = {
            let mut requests = locked(&self.requests);
            requests.push(request.clone());
            requests.len()
        };
        let turn = (locked(&self.script))(request);
        match turn {
            Some(Turn::Reply(reply)) => {
                tell(&reply.parts, heard);
                Ok(self.counted(request, reply))
            }
            Some(Turn::Fail(error)) => Err(error),
            Some(Turn::HangAfter(text)) => {
                tell(&[Part::Text { text }], heard);
                std::future::pending().await
            }
            Some(Turn::BreakAfter(text)) => {
                tell(&[Part::Text { text }], heard);
                Err(PortError::transient(format!("{}: the answer broke off", self.name)))
            }
            None => Err(PortError::permanent(format!("{}: the script has no answer to question {asked}", self.name))),
        }
    }
}

fn bytes(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |json| json.len())
}

/// Word by word, as a model would.
fn tell(parts: &[Part], heard: Hearing<'_>) {
    for part in parts {
        match part {
            Part::Text { text } => text.split_inclusive(' ').for_each(|word| heard(&Delta::Text(word.into()))),
            Part::ToolCall { name, arguments, .. } => {
                heard(&Delta::ToolCall(name.clone()));
                heard(&Delta::ToolCall(arguments.to_string()));
            }
            Part::ToolResult { .. } => {}
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for ScriptedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedModel").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Message;

    fn question(text: &str) -> Request {
        Request { messages: vec![Message::user(text)], ..Request::default() }
    }

    #[tokio::test]
    async fn it_says_its_turns_word_by_word_and_fails_beyond_them() {
        let failure = PortError::transient("later");
        let model = ScriptedModel::saying([Turn::text("one two"), Turn::Fail(failure.clone())]);
        let mut heard = vec![];
        let reply = model.reply(&question("a"), &mut |delta| heard.push(delta.clone())).await.unwrap();
        assert_eq!(heard, ["one ", "two"].map(|word| Delta::Text(word.into())));
        assert!(reply.usage.estimated && reply.usage.output_tokens > 0);
        assert_eq!(model.reply(&question("b"), &mut |_| {}).await, Err(failure));
        assert!(matches!(model.reply(&question("c"), &mut |_| {}).await, Err(PortError::Permanent { .. })));
        assert_eq!(model.requests(), ["a", "b", "c"].map(question));
    }

    #[tokio::test]
    async fn it_obeys_whatever_it_is_told() {
        let model = ScriptedModel::answering(|request| match &request.messages[0].parts[0] {
            Part::Text { text } if text.contains("call") => Turn::call("fetch", json!({ "url": "http://evil" })),
            _ => Turn::truncated("half"),
        });
        let reply = model.reply(&question("call it"), &mut |_| {}).await.unwrap();
        assert_eq!(reply.stop, Stop::ToolCall);
        assert_eq!(model.reply(&question("go on"), &mut |_| {}).await.unwrap().stop, Stop::Truncated);
    }

    #[tokio::test(start_paused = true)]
    async fn it_hangs_after_what_it_said() {
        let model = ScriptedModel::saying([Turn::HangAfter("one".into())]);
        let mut heard = vec![];
        let mut hear = |delta: &Delta| heard.push(delta.clone());
        let asked = question("a");
        let limit = std::time::Duration::from_secs(3600);
        assert!(tokio::time::timeout(limit, model.reply(&asked, &mut hear)).await.is_err());
        assert_eq!(heard, [Delta::Text("one".into())]);
    }
}

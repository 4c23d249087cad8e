//! Owns a question from its prompt to an answer that can be used: models in order, one shorter question, one repair.
//! Never tells a reader of the result what a model said that was refused: a note says only that it was.
//! Next: `packing` takes the sources that fit, `calling` asks, `form` judges; the agent's `offline` does what is left.

use contract::{Digest, PortError, Refused, bounded};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::calling::Conversation;
use super::config::IfUnusable;
use super::form::Form;
use super::packing::Packing;
use super::rounds::Rounds;
use super::{Ask, Instead, Sitting, Thinker, Unanswered};
use crate::exchange::Unmade;
use crate::model::{Message, Part, Reply, Role, Stop};
use crate::prompt::{Fence, Filled, Unfilled};
use crate::tools::Toolbox;

/// Why one model did not bring it.
pub(super) enum Fell {
    /// Perhaps the next one does.
    Next {
        why: String,
        may_pass: bool,
    },
    Unusable(Vec<String>),
    Exhausted,
    Stop(Refused),
}

/// What of an answer is shown to the model again, for its repair.
const SHOWN_AGAIN_CHARS_MAX: usize = 20_000;

impl Fell {
    pub(super) fn of(unmade: Unmade, thinker: &Thinker) -> Fell {
        match unmade {
            Unmade::Spending(Refused::Exhausted) => Fell::Exhausted,
            Unmade::Spending(refused) => Fell::Stop(refused),
            Unmade::Asking(error) => {
                let may_pass = matches!(error, PortError::Transient { .. });
                Fell::Next { why: format!("{}: {error}", thinker.settings.name), may_pass }
            }
            Unmade::Unrecorded(why) => Fell::Stop(PortError::permanent(why).into()),
        }
    }
}

impl Sitting<'_> {
    /// An answer that fits its schema and has no faults; or that there is none, and what to do then.
    pub async fn ask<T: DeserializeOwned + JsonSchema + Send>(&self, ask: Ask<'_, T>) -> Result<T, Unanswered> {
        self.ask_with(ask, &Toolbox::default()).await
    }

    /// The same, of a model that may use those of these tools which the agent's configuration allows it.
    pub async fn ask_with<T>(&self, ask: Ask<'_, T>, tools: &Toolbox) -> Result<T, Unanswered>
    where
        T: DeserializeOwned + JsonSchema + Send,
    {
        if self.mind.is_offline() {
            return Err(self.without_models(ask.prompt.version));
        }
        let wrong = |why: String| Unanswered::Stop(PortError::permanent(why).into());
        let form = Form::of::<T>().map_err(wrong)?;
        let key = self.exchanges.place.key();
        let filled = match ask.prompt.filled(&ask.values, &ask.sources, key) {
            Ok(filled) => filled,
            Err(Unfilled::TooLarge(why)) => return Err(self.unanswered(&[why], false)),
            Err(Unfilled::Wrong(why)) => return Err(wrong(why)),
        };
        let about = json!({"form": form.schema.name, "values": ask.values, "sources": ask.sources});
        let name = format!("{}:{}", ask.prompt.version, Digest::of_data(&about));
        let (exchanges, mark) = (self.exchanges.in_order(&name), filled.fence.nonce());
        let talk = Conversation::new(exchanges, self.mind, ask.prompt.version, mark);
        let (mut whys, mut may_pass) = (vec![], false);
        let preferred = self.exchanges.place.preferred_model();
        let (thinkers, is_there) = self.mind.in_order(preferred);
        if let Some(name) = preferred.filter(|_| !is_there) {
            tracing::warn!(prompt = ask.prompt.version, name, "the goal's model is not configured: the usual order");
            whys.push(format!("{} is not configured here", crate::prompt::visible(name)));
        }
        for thinker in thinkers {
            match self.by(thinker, &talk, &ask, &form, &filled, tools).await {
                Ok(answer) => {
                    talk.remember().await;
                    return Ok(answer);
                }
                Err(Fell::Next { why, may_pass: may }) => {
                    // What it said was of no use: another time it is asked again.
                    talk.forget();
                    tracing::warn!(prompt = ask.prompt.version, why, "a model did not answer");
                    whys.push(why);
                    may_pass |= may;
                }
                Err(Fell::Unusable(problems)) => return Err(self.unusable(ask.prompt.version, &problems)),
                Err(Fell::Exhausted) => return Err(instead("the goal's budget is exhausted")),
                Err(Fell::Stop(refused)) => return Err(Unanswered::Stop(refused)),
            }
        }
        Err(self.unanswered(&whys, may_pass))
    }

    async fn by<T: DeserializeOwned>(
        &self,
        thinker: &Thinker,
        talk: &Conversation<'_>,
        ask: &Ask<'_, T>,
        form: &Form,
        filled: &Filled,
        tools: &Toolbox,
    ) -> Result<T, Fell> {
        let mut rounds = Rounds::new(tools, talk, &filled.fence);
        let packing = Packing::new(&self.mind.agent, thinker, form, filled, rounds.specs());
        let count = packing.first(talk)?;
        let mut request = packing.with(count);
        let mut reply = rounds.until_words(talk, thinker, &mut request).await?;
        if reply.is_too_long() && request.messages.len() == 1 {
            request = packing.with(packing.fewer(talk, count)?);
            reply = rounds.until_words(talk, thinker, &mut request).await?;
        }
        fits(&reply, thinker)?;
        if reply.stop == Stop::Refused {
            return Err(Fell::Next { why: format!("{} declined to answer", thinker.settings.name), may_pass: false });
        }
        let problems = match form.judged(&reply, ask.faults) {
            Ok(answer) => return Ok(answer),
            Err(problems) => problems,
        };
        tracing::info!(prompt = ask.prompt.version, ?problems, "a model is asked to repair its answer");
        let said = filled.fence.harmless(&reply.text()).chars().take(SHOWN_AGAIN_CHARS_MAX).collect::<String>();
        let said = if said.is_empty() { "(nothing)".to_owned() } else { said };
        request.messages.push(Message { role: Role::Assistant, parts: vec![Part::Text { text: said }] });
        request.messages.push(Message::user(repair(&problems, &filled.fence)));
        let reply = rounds.until_words(talk, thinker, &mut request).await?;
        fits(&reply, thinker)?;
        form.judged(&reply, ask.faults).map_err(Fell::Unusable)
    }

    /// A replay of a step that had models must not quietly do without.
    fn without_models(&self, prompt: &str) -> Unanswered {
        match self.exchanges.without_the_models_of_the_record(prompt) {
            Some(why) => Unanswered::Stop(Refused::Port(PortError::permanent(why))),
            None => Unanswered::Instead(Instead::default()),
        }
    }

    fn is_without_the_preferred(&self) -> bool {
        !self.mind.in_order(self.exchanges.place.preferred_model()).1
    }

    fn unusable(&self, prompt: &str, problems: &[String]) -> Unanswered {
        tracing::warn!(prompt, ?problems, "a model's answer cannot be used");
        match self.mind.agent.if_unusable {
            IfUnusable::Offline => {
                instead("a model was asked, but its answer did not fit its form or its evidence and was not used")
            }
            IfUnusable::Park => Unanswered::Unusable(bounded(format!(
                "no usable answer to prompt {prompt}: {}",
                crate::prompt::visible(&problems.join("; "))
            ))),
        }
    }

    fn unanswered(&self, whys: &[String], may_pass: bool) -> Unanswered {
        let why = || bounded(format!("no model answered: {}", whys.join("; ")));
        match self.mind.agent.if_unusable {
            IfUnusable::Offline if self.is_without_the_preferred() => {
                instead("no model answered, and the one that the goal prefers is not configured")
            }
            IfUnusable::Offline => instead("no model answered"),
            IfUnusable::Park if may_pass => Unanswered::Stop(PortError::transient(why()).into()),
            IfUnusable::Park => Unanswered::Unusable(why()),
        }
    }
}

/// Another model may have a longer context.
fn fits(reply: &Reply, thinker: &Thinker) -> Result<(), Fell> {
    if reply.is_too_long() {
        let why = format!("{}: the question is longer than its context", thinker.settings.name);
        return Err(Fell::Next { why, may_pass: false });
    }
    Ok(())
}

fn instead(note: &str) -> Unanswered {
    Unanswered::Instead(Instead { note: Some(format!("{note}; this was done without a model")) })
}

/// Tells a model exactly what was wrong. What it wrote itself may stand in there: it is made harmless.
fn repair(problems: &[String], fence: &Fence) -> String {
    let line = |problem: &String| {
        let short: String = fence.harmless(problem).chars().take(400).collect();
        format!("\n- {}", short.replace('\n', " "))
    };
    let list: String = problems.iter().map(line).collect();
    format!(
        "Your answer cannot be used:{list}\nAnswer again: the whole answer, in the form that was asked for, and nothing else."
    )
}

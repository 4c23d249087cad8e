//! Owns the plan: which questions a goal falls into, each a task of its own on any replica; and one for each address.
//! Never answers one.
//! Next: `task`; the join "evidence" waits for all of them, and closes at its deadline without those that failed.

use std::sync::Arc;

use async_trait::async_trait;
use contract::events::{GoalRequested, ResearchHead, ResearchTaskRequested};
use contract::limits::{JOIN_HEAD_BYTES_MAX, JOIN_MEMBERS_MAX};
use engine::Mind;
use runtime::{Handled, Handler, Open, Step, StepError};

use crate::topic::topic_of;
use crate::{Config, offline, prompted};

#[derive(Debug)]
pub struct Plan {
    mind: Arc<Mind>,
}

impl Plan {
    pub fn with(config: &Config) -> Plan {
        Plan { mind: Arc::clone(&config.mind) }
    }

    async fn questions(&self, goal: &GoalRequested, step: &Step) -> Result<Vec<String>, StepError> {
        let sitting = self.mind.at(step);
        match prompted::questions(&sitting, &goal.goal, goal.context.as_deref()).await {
            Ok(questions) => Ok(questions),
            Err(unanswered) => {
                if let Some(note) = unanswered.instead()?.note {
                    tracing::warn!(note, "planned without a model");
                }
                Ok(offline::questions(&goal.goal))
            }
        }
    }
}

#[async_trait]
impl Handler for Plan {
    type Input = GoalRequested;

    async fn handle(&self, goal: GoalRequested, step: &Step) -> Result<Handled, StepError> {
        let mut head = ResearchHead { questions: self.questions(&goal, step).await?, goal: goal.goal.clone() };
        // A long goal leaves less room for questions.
        while head.questions.len() > 1 && bytes(&head) > JOIN_HEAD_BYTES_MAX {
            head.questions.pop();
        }
        let topic = Some(topic_of(&goal.goal));
        let task = |question: &str, sources: Vec<String>| ResearchTaskRequested {
            question: question.to_owned(),
            topic: topic.clone(),
            collections: goal.collections.clone(),
            sources,
        };
        let mut handled = Handled::nothing();
        for question in &head.questions {
            handled = handled.and_emit(&task(question, vec![]));
        }
        // An address that does not answer is one task that gives up, and takes no question with it.
        // Where a join has no room for so many, some share a task.
        let room = JOIN_MEMBERS_MAX.saturating_sub(head.questions.len()).max(1);
        for addresses in goal.sources.chunks(goal.sources.len().div_ceil(room).max(1)) {
            handled = handled.and_emit(&task(&goal.goal, addresses.to_vec()));
        }
        Ok(handled.opening(Open::join("evidence", &head)))
    }
}

fn bytes(head: &ResearchHead) -> usize {
    serde_json::to_vec(head).map_or(0, |bytes| bytes.len())
}

//! Owns the plan: which questions a goal falls into, each a task of its own on any replica; and one for each address.
//! Never answers one.
//! Next: `task`; the join "evidence" waits for all of them, and closes at its deadline without those that failed.

use std::sync::Arc;

use async_trait::async_trait;
use contract::events::{GoalRequested, ResearchHead, ResearchTaskRequested};
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
        let questions = self.questions(&goal, step).await?;
        let topic = Some(topic_of(&goal.goal));
        let task = |question: &str, sources: Vec<String>| ResearchTaskRequested {
            question: question.to_owned(),
            topic: topic.clone(),
            collections: goal.collections.clone(),
            sources,
        };
        let mut handled = Handled::nothing();
        for question in &questions {
            handled = handled.and_emit(&task(question, vec![]));
        }
        // An address that does not answer is one task that gives up, and takes no question with it.
        for address in &goal.sources {
            handled = handled.and_emit(&task(&goal.goal, vec![address.clone()]));
        }
        Ok(handled.opening(Open::join("evidence", &ResearchHead { goal: goal.goal, questions })))
    }
}

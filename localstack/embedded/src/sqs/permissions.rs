//! Owns the statements that AddPermission and RemovePermission put into a queue's policy and take out of it.
//! Never enforced: nobody's signature is checked here, so nobody is refused.
//! Next: `management` answers the policy as an attribute.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Queues, refusal};
use crate::ApiError;
use crate::engine::{Answer, Moment};

/// One thing alone, several as a list.
fn one_or_many(mut list: Vec<String>) -> Value {
    if list.len() == 1 { list.remove(0).into() } else { list.into() }
}

impl Queues {
    pub(super) fn add_permission(
        &mut self,
        at: &mut Moment<'_>,
        name: &str,
        label: &str,
        accounts: &[String],
        actions: &[String],
    ) -> Answer {
        let arn = at.place.queue_arn(name);
        let principals = accounts.iter().map(|id| format!("arn:aws:iam::{id}:root")).collect();
        let actions = actions.iter().map(|action| format!("SQS:{action}")).collect();
        let statement = json!({
            "Sid": label,
            "Effect": "Allow",
            "Principal": { "AWS": one_or_many(principals) },
            "Action": one_or_many(actions),
            "Resource": arn,
        });
        self.edit_policy(at, name, |statements| {
            if statements.iter().any(|known| known["Sid"] == label) {
                return Err(refusal::invalid_value(label, "Label", "Already exists."));
            }
            statements.push(statement);
            Ok(())
        })
    }

    pub(super) fn remove_permission(&mut self, at: &mut Moment<'_>, name: &str, label: &str) -> Answer {
        self.edit_policy(at, name, |statements| {
            let before = statements.len();
            statements.retain(|known| known["Sid"] != label);
            if statements.len() == before {
                return Err(refusal::invalid_value(label, "Label", "can't find label."));
            }
            Ok(())
        })
    }

    /// A policy without statements is none.
    fn edit_policy(
        &mut self,
        at: &mut Moment<'_>,
        name: &str,
        edit: impl FnOnce(&mut Vec<Value>) -> Result<(), ApiError>,
    ) -> Answer {
        let arn = at.place.queue_arn(name);
        let queue = self.open(at, name)?;
        let known = queue.identity.attributes.get("Policy").and_then(|text| serde_json::from_str::<Value>(text).ok());
        let mut policy =
            known.unwrap_or_else(|| json!({ "Version": "2008-10-17", "Id": format!("{arn}/SQSDefaultPolicy") }));
        let mut statements = match policy["Statement"].take() {
            Value::Array(statements) => statements,
            Value::Null => vec![],
            one => vec![one],
        };
        edit(&mut statements)?;
        let text = if statements.is_empty() {
            String::new()
        } else {
            policy["Statement"] = statements.into();
            policy.to_string()
        };
        queue.identity.attributes = queue.identity.attributes.with(&BTreeMap::from([("Policy".to_owned(), text)]))?;
        queue.identity.modified_at = at.now;
        queue.store(at.journal);
        Ok(None)
    }
}

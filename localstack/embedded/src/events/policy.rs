//! Owns whether a queue lets a rule's events in, as IAM reads the queue's policy.
//! Never a queue: the policy's text comes from `sqs`. What this does not understand grants nothing.
//! Next: `deliver` asks before every delivery; the last verdict is kept as long as the text stays the same.

use std::collections::HashMap;

use serde_json::{Map, Value};

const SERVICE: &str = "events.amazonaws.com";
const ACTION: &str = "sqs:SendMessage";

/// Without a policy nobody but the queue's own account may send, and EventBridge is not of the account.
pub(super) fn allows(policy: Option<&str>, rule_arn: &str, queue_arn: &str) -> bool {
    let Some(Ok(Value::Object(policy))) = policy.map(serde_json::from_str) else { return false };
    let statements = match policy.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().collect(),
        Some(one) => vec![one],
        None => vec![],
    };
    let mut allowed = false;
    for statement in statements.into_iter().filter_map(Value::as_object) {
        if !applies(statement, rule_arn, queue_arn) {
            continue;
        }
        match statement.get("Effect").and_then(Value::as_str) {
            Some("Allow") => allowed = true,
            // One denial outweighs every grant.
            _ => return false,
        }
    }
    allowed
}

fn applies(statement: &Map<String, Value>, rule_arn: &str, queue_arn: &str) -> bool {
    let listed = |member: &str, inverse: &str, value: &str| {
        let any =
            |listed: &Value| texts(listed).iter().any(|pattern| like(&pattern.to_lowercase(), &value.to_lowercase()));
        match (statement.get(member), statement.get(inverse)) {
            (Some(listed), _) => any(listed),
            (None, Some(listed)) => !any(listed),
            (None, None) => false,
        }
    };
    principal(statement)
        && listed("Action", "NotAction", ACTION)
        && listed("Resource", "NotResource", queue_arn)
        && statement.get("Condition").is_none_or(|condition| holds(condition, rule_arn))
}

fn principal(statement: &Map<String, Value>) -> bool {
    let names_it = |principal: &Value| match principal {
        Value::String(everybody) => everybody == "*",
        Value::Object(kinds) => {
            kinds
                .get("Service")
                .is_some_and(|services| texts(services).iter().any(|name| *name == SERVICE || *name == "*"))
                || kinds.get("AWS").is_some_and(|accounts| texts(accounts).contains(&"*"))
        }
        _ => false,
    };
    match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(principal), _) => names_it(principal),
        (None, Some(principal)) => !names_it(principal),
        (None, None) => false,
    }
}

/// All operators and all their keys must hold.
fn holds(condition: &Value, rule_arn: &str) -> bool {
    let Value::Object(operators) = condition else { return false };
    operators.iter().all(|(operator, keys)| {
        let Value::Object(keys) = keys else { return false };
        keys.iter().all(|(key, wanted)| compares(operator, value_of(key, rule_arn), &texts(wanted)))
    })
}

/// What EventBridge's request carries under a condition's key.
fn value_of<'a>(key: &str, rule_arn: &'a str) -> Option<&'a str> {
    match key.to_ascii_lowercase().as_str() {
        "aws:sourcearn" => Some(rule_arn),
        // arn:aws:events:REGION:ACCOUNT:rule/NAME
        "aws:sourceaccount" => rule_arn.split(':').nth(4),
        "aws:securetransport" | "aws:principalisawsservice" => Some("true"),
        "aws:principalservicename" => Some(SERVICE),
        _ => None,
    }
}

fn compares(operator: &str, value: Option<&str>, wanted: &[&str]) -> bool {
    let (operator, if_exists) = match operator.strip_suffix("IfExists") {
        Some(operator) => (operator, true),
        None => (operator, false),
    };
    let any = |same: fn(&str, &str) -> bool| value.is_some_and(|value| wanted.iter().any(|wanted| same(wanted, value)));
    if value.is_none() && operator != "Null" {
        // A negated comparison holds of what is not there.
        return if_exists || operator.contains("Not");
    }
    match operator {
        "StringEquals" => any(|wanted, value| wanted == value),
        "StringNotEquals" => !any(|wanted, value| wanted == value),
        "StringEqualsIgnoreCase" | "Bool" => any(str::eq_ignore_ascii_case),
        "StringNotEqualsIgnoreCase" => !any(str::eq_ignore_ascii_case),
        "StringLike" => any(like),
        "StringNotLike" => !any(like),
        "ArnEquals" | "ArnLike" => any(arn_like),
        "ArnNotEquals" | "ArnNotLike" => !any(arn_like),
        "Null" => wanted.iter().all(|wanted| *wanted == if value.is_none() { "true" } else { "false" }),
        _ => false,
    }
}

/// One text or a list of them.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        Value::Bool(true) => vec!["true"],
        Value::Bool(false) => vec!["false"],
        one => one.as_str().into_iter().collect(),
    }
}

/// Each of an ARN's six parts for itself: a `*` does not reach over a colon, but within the last.
fn arn_like(pattern: &str, arn: &str) -> bool {
    let (patterns, parts): (Vec<_>, Vec<_>) = (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    pattern == "*"
        || (patterns.len() == parts.len() && patterns.iter().zip(&parts).all(|(pattern, part)| like(pattern, part)))
}

/// `*` is any text, `?` any character.
fn like(pattern: &str, value: &str) -> bool {
    let (pattern, value): (Vec<char>, Vec<char>) = (pattern.chars().collect(), value.chars().collect());
    let (mut at, mut from) = (0, 0);
    // Where the last star stands, and how far it was stretched.
    let mut star: Option<(usize, usize)> = None;
    while from < value.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == value[from] => (at, from) = (at + 1, from + 1),
            _ => match &mut star {
                Some((back_at, stretched)) => {
                    *stretched += 1;
                    (at, from) = (*back_at + 1, *stretched);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

/// Verdicts so far, by queue and rule, each with the policy that it was made of.
#[derive(Debug, Default)]
pub(super) struct Verdicts(HashMap<String, HashMap<String, (Option<String>, bool)>>);

impl Verdicts {
    pub(super) fn allows(&mut self, policy: Option<&str>, rule_arn: &str, queue_arn: &str) -> bool {
        let known = self.0.get(queue_arn).and_then(|rules| rules.get(rule_arn));
        if let Some((made_of, verdict)) = known
            && made_of.as_deref() == policy
        {
            return *verdict;
        }
        let verdict = allows(policy, rule_arn, queue_arn);
        let rules = self.0.entry(queue_arn.to_owned()).or_default();
        rules.insert(rule_arn.to_owned(), (policy.map(str::to_owned), verdict));
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdicts, allows};

    const RULE: &str = "arn:aws:events:eu-west-1:000000000000:rule/bus/rule";
    const QUEUE: &str = "arn:aws:sqs:eu-west-1:000000000000:queue";

    fn grant(condition: &str) -> String {
        format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Sid": "x", "Effect": "Allow", "Principal": {{"Service": "events.amazonaws.com"}}, "Action": "sqs:SendMessage", "Resource": "{QUEUE}"{condition}}}]}}"#
        )
    }

    #[track_caller]
    fn check(policy: &str, verdict: bool) {
        assert!(serde_json::from_str::<serde_json::Value>(policy).is_ok(), "{policy}");
        assert_eq!(allows(Some(policy), RULE, QUEUE), verdict, "{policy}");
    }

    #[test]
    fn no_policy_or_an_unreadable_one_refuses() {
        assert!(!allows(None, RULE, QUEUE));
        assert!(!allows(Some(""), RULE, QUEUE));
        assert!(!allows(Some("[]"), RULE, QUEUE));
        check("{}", false);
    }

    #[test]
    fn a_grant_to_the_service_holds_for_the_rule_that_its_condition_names() {
        check(&grant(""), true);
        for operator in ["ArnEquals", "ArnLike", "StringEquals", "StringLike", "StringEqualsIfExists"] {
            check(&grant(&format!(r#", "Condition": {{"{operator}": {{"aws:SourceArn": "{RULE}"}}}}"#)), true);
            check(&grant(&format!(r#", "Condition": {{"{operator}": {{"aws:SourceArn": "{RULE}2"}}}}"#)), false);
        }
        check(&grant(r#", "Condition": {"ArnLike": {"AWS:sourcearn": ["x", "arn:aws:events:*:*:rule/bus/*"]}}"#), true);
        check(&grant(r#", "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:events:*:rule/bus/*"}}"#), false);
        check(&grant(r#", "Condition": {"StringLike": {"aws:SourceArn": "arn:aws:events:*rul?/bus/rule"}}"#), true);
        check(&grant(r#", "Condition": {"StringEquals": {"aws:SourceAccount": "000000000000"}}"#), true);
        check(
            &grant(
                r#", "Condition": {"StringEquals": {"aws:SourceAccount": "1"}, "Bool": {"aws:SecureTransport": "true"}}"#,
            ),
            false,
        );
    }

    #[test]
    fn a_condition_that_is_not_understood_grants_nothing() {
        check(&grant(r#", "Condition": {"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}"#), false);
        check(&grant(r#", "Condition": {"StringEquals": {"aws:PrincipalTag/x": "y"}}"#), false);
        check(&grant(r#", "Condition": {"StringNotEquals": {"aws:PrincipalTag/x": "y"}}"#), true);
    }

    #[test]
    fn who_may_do_what_where_is_read_with_its_wildcards() {
        for (principal, action, resource, verdict) in [
            (r#""*""#, r#""sqs:*""#, "*", true),
            (r#"{"AWS": "*"}"#, r#""SQS:Send*""#, QUEUE, true),
            (r#"{"AWS": "000000000000"}"#, r#""sqs:SendMessage""#, QUEUE, false),
            (
                r#"{"Service": ["sns.amazonaws.com", "events.amazonaws.com"]}"#,
                r#"["sqs:ReceiveMessage", "sqs:SendMessage"]"#,
                QUEUE,
                true,
            ),
            (r#"{"Service": "sns.amazonaws.com"}"#, r#""sqs:*""#, QUEUE, false),
            (r#""*""#, r#""sqs:ReceiveMessage""#, QUEUE, false),
            (r#""*""#, r#""*""#, "arn:aws:sqs:eu-west-1:000000000000:other", false),
        ] {
            let policy = format!(
                r#"{{"Statement": {{"Effect": "Allow", "Principal": {principal}, "Action": {action}, "Resource": "{resource}"}}}}"#
            );
            check(&policy, verdict);
        }
    }

    #[test]
    fn a_denial_outweighs_every_grant() {
        let deny = r#"{"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}"#;
        let policy = grant("").replace("\"Statement\": [", &format!("\"Statement\": [{deny}, "));
        check(&policy, false);
        let elsewhere = deny.replace("\"*\"}", "\"arn:aws:sqs:::other\"}");
        check(&grant("").replace("\"Statement\": [", &format!("\"Statement\": [{elsewhere}, ")), true);
    }

    #[test]
    fn a_verdict_lasts_only_as_long_as_its_policy() {
        let mut verdicts = Verdicts::default();
        assert!(!verdicts.allows(None, RULE, QUEUE));
        assert!(verdicts.allows(Some(&grant("")), RULE, QUEUE));
        assert!(verdicts.allows(Some(&grant("")), RULE, QUEUE));
        assert!(!verdicts.allows(Some("{}"), RULE, QUEUE));
    }
}

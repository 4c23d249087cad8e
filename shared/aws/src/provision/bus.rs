//! Owns the bus and its rules: each rule with its pattern, its one target, and that target's dead letters.
//! Never a rule that the topology does not have, nor a target that somebody else put at one of ours.
//! Next: `queues` made what they send to.

use aws_sdk_eventbridge::operation::describe_rule::DescribeRuleOutput;
use aws_sdk_eventbridge::types::{DeadLetterConfig, PutTargetsResultEntry, RetryPolicy, RuleState, Target};
use contract::PortError;
use contract::topology::resources;
use runtime::{Chance, retried};

use super::report::{Outcome, Reporter, Resource, Trouble};
use super::same::same;
use super::{PATIENCE, ask, tell};
use crate::clients::Clients;
use crate::errors;

const ABSENT: &[&str] = &["ResourceNotFoundException"];
const THERE: &[&str] = &["ResourceAlreadyExistsException"];
const PUT_TARGETS: &str = "EventBridge PutTargets";
/// Every account has it, and nobody can remove it.
const DEFAULT_BUS: &str = "default";

pub(super) async fn ensure(clients: &Clients, bus: &str, reporter: &mut Reporter) -> Result<(), Trouble> {
    let resource = Resource::Bus(bus.to_owned());
    let outcome = if exists(clients, bus).await.map_err(resource.refused())? {
        Outcome::Unchanged
    } else if reporter.is_dry() {
        Outcome::Created
    } else {
        let call = || clients.events.create_event_bus().name(bus).send();
        // Somebody else may have made it meanwhile, or an earlier try whose answer was lost.
        ask("EventBridge CreateEventBus", THERE, call).await.map_err(resource.refused())?;
        Outcome::Created
    };
    reporter.done(resource, outcome);
    Ok(())
}

async fn exists(clients: &Clients, bus: &str) -> Result<bool, PortError> {
    let call = || clients.events.describe_event_bus().name(bus).send();
    Ok(ask("EventBridge DescribeEventBus", ABSENT, call).await?.is_some())
}

pub(crate) async fn ensure_rule(
    clients: &Clients,
    bus: &str,
    rule: &resources::Rule,
    reporter: &mut Reporter,
) -> Result<(), Trouble> {
    let resource = Resource::Rule(rule.name.clone());
    let refused = resource.refused();
    let found = described(clients, bus, &rule.name).await.map_err(&refused)?;
    let pattern = rule.pattern.to_string();
    let mut what = vec![];
    if let Some(found) = &found {
        if !found.event_pattern.as_deref().is_some_and(|found| same(found, &pattern)) {
            what.push("pattern".to_owned());
        }
        if found.state != Some(RuleState::Enabled) {
            what.push("state".to_owned());
        }
    }
    if !reporter.is_dry() && (found.is_none() || !what.is_empty()) {
        let call = || {
            let put = clients.events.put_rule().event_bus_name(bus).name(&rule.name);
            put.event_pattern(&pattern).state(RuleState::Enabled).send()
        };
        tell("EventBridge PutRule", call).await.map_err(&refused)?;
    }
    if ensure_target(clients, bus, rule, reporter.is_dry()).await.map_err(&refused)? {
        what.push("target".to_owned());
    }
    let outcome = if found.is_none() { Outcome::Created } else { Outcome::changed(what) };
    reporter.done(resource, outcome);
    Ok(())
}

pub(crate) async fn described(
    clients: &Clients,
    bus: &str,
    rule: &str,
) -> Result<Option<DescribeRuleOutput>, PortError> {
    ask("EventBridge DescribeRule", ABSENT, || clients.events.describe_rule().event_bus_name(bus).name(rule).send())
        .await
}

/// Whether anything has to be changed. `message_group_path` is left out: classic buses take only a constant.
async fn ensure_target(clients: &Clients, bus: &str, rule: &resources::Rule, dry: bool) -> Result<bool, PortError> {
    let wanted = target(&rule.target)?;
    let found = targets(clients, bus, &rule.name).await?;
    if found.iter().any(|found| says_the_same(found, &wanted)) {
        return Ok(false);
    }
    if dry {
        return Ok(true);
    }
    // The one entry may fail where the call succeeds, and for a while only: it counts as the call's own failure.
    retried(PATIENCE, &Chance::fresh(), || async {
        let call = clients.events.put_targets().event_bus_name(bus).rule(&rule.name).targets(wanted.clone());
        let answer = call.send().await.map_err(|why| errors::of_call(PUT_TARGETS, &why))?;
        taken(answer.failed_entry_count, answer.failed_entries.unwrap_or_default().first())
    })
    .await?;
    Ok(true)
}

fn taken(failures: i32, failed: Option<&PutTargetsResultEntry>) -> Result<(), PortError> {
    if failures == 0 && failed.is_none() {
        return Ok(());
    }
    let code = failed.and_then(|entry| entry.error_code.as_deref()).unwrap_or("no code");
    let message = failed.and_then(|entry| entry.error_message.as_deref());
    Err(errors::of_entry(PUT_TARGETS, code, message, true))
}

fn target(of: &resources::Target) -> Result<Target, PortError> {
    let retries = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let retry = RetryPolicy::builder()
        .maximum_event_age_in_seconds(retries(of.retry_s))
        .maximum_retry_attempts(retries(of.retries_max))
        .build();
    let built = Target::builder()
        .id(&of.id)
        .arn(&of.queue_arn)
        .dead_letter_config(DeadLetterConfig::builder().arn(&of.undelivered_arn).build())
        .retry_policy(retry)
        .build();
    built.map_err(|why| PortError::permanent(format!("a target without all its fields: {why}")))
}

fn says_the_same(found: &Target, wanted: &Target) -> bool {
    let plain = |target: &Target| {
        let asks = target.input.is_none() && target.input_path.is_none() && target.input_transformer.is_none();
        let dead = target.dead_letter_config.as_ref().and_then(|config| config.arn.clone());
        let retry = target.retry_policy.as_ref();
        let retry = retry.map(|policy| (policy.maximum_event_age_in_seconds, policy.maximum_retry_attempts));
        (asks, target.id.clone(), target.arn.clone(), dead, retry)
    };
    plain(found) == plain(wanted)
}

pub(crate) async fn targets(clients: &Clients, bus: &str, rule: &str) -> Result<Vec<Target>, PortError> {
    let mut all = vec![];
    let mut from: Option<String> = None;
    loop {
        let call = || {
            let list = clients.events.list_targets_by_rule().event_bus_name(bus).rule(rule);
            list.set_next_token(from.clone()).send()
        };
        let Some(page) = ask("EventBridge ListTargetsByRule", ABSENT, call).await? else { return Ok(all) };
        all.extend(page.targets.unwrap_or_default());
        from = page.next_token;
        if from.is_none() {
            return Ok(all);
        }
    }
}

/// With all its targets: a rule that has one left cannot be deleted.
pub(crate) async fn remove_rule(
    clients: &Clients,
    bus: &str,
    rule: &str,
    reporter: &mut Reporter,
) -> Result<(), Trouble> {
    let resource = Resource::Rule(rule.to_owned());
    let refused = resource.refused();
    let outcome = match described(clients, bus, rule).await.map_err(&refused)? {
        None => Outcome::Absent,
        Some(_) => {
            let ids: Vec<String> =
                targets(clients, bus, rule).await.map_err(&refused)?.into_iter().map(|target| target.id).collect();
            if !ids.is_empty() {
                let call = || {
                    let remove = clients.events.remove_targets().event_bus_name(bus).rule(rule);
                    remove.set_ids(Some(ids.clone())).send()
                };
                ask("EventBridge RemoveTargets", ABSENT, call).await.map_err(&refused)?;
            }
            let call = || clients.events.delete_rule().event_bus_name(bus).name(rule).send();
            ask("EventBridge DeleteRule", ABSENT, call).await.map_err(&refused)?;
            Outcome::Removed
        }
    };
    reporter.done(resource, outcome);
    Ok(())
}

pub(super) async fn remove(clients: &Clients, bus: &str, reporter: &mut Reporter) -> Result<(), Trouble> {
    let resource = Resource::Bus(bus.to_owned());
    let outcome = if bus == DEFAULT_BUS {
        Outcome::Kept { why: "the default bus of an account cannot be removed".into() }
    } else if exists(clients, bus).await.map_err(resource.refused())? {
        let call = || clients.events.delete_event_bus().name(bus).send();
        let removed = ask("EventBridge DeleteEventBus", ABSENT, call).await;
        removed.map_err(|why| resource.conflict(why.to_string(), "remove the rules that others made on it first"))?;
        Outcome::Removed
    } else {
        Outcome::Absent
    };
    reporter.done(resource, outcome);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_failed_may_be_put_again_unless_it_is_refused_for_good() {
        let failed = |code: &str| PutTargetsResultEntry::builder().target_id("t").error_code(code).build();
        assert_eq!(taken(0, None), Ok(()));
        let busy = failed("ConcurrentModificationException");
        assert!(matches!(taken(1, Some(&busy)), Err(PortError::Transient { .. })));
        for failure in [Some(&failed("ValidationException")), None] {
            assert!(matches!(taken(1, failure), Err(PortError::Permanent { .. })), "{failure:?}");
        }
    }

    fn wanted() -> resources::Target {
        resources::Target {
            id: "analysis".into(),
            queue_arn: "arn:aws:sqs:us-east-1:000000000000:analysis".into(),
            undelivered_arn: "arn:aws:sqs:us-east-1:000000000000:undelivered".into(),
            retry_s: 60,
            retries_max: 5,
            message_group_path: "$.detail.tenant",
        }
    }

    #[test]
    fn a_target_that_differs_in_anything_is_put_again() {
        let target = target(&wanted()).unwrap();
        assert!(says_the_same(&target, &target.clone()));
        let differing: [fn(&mut Target); 5] = [
            |target| target.arn.push('x'),
            |target| target.dead_letter_config = None,
            |target| target.retry_policy = None,
            |target| target.input_path = Some("$.detail".into()),
            |target| target.id.push('x'),
        ];
        for change in differing {
            let mut found = target.clone();
            change(&mut found);
            assert!(!says_the_same(&found, &target), "{found:?}");
        }
    }
}

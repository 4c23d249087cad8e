//! Owns rules: their pattern, their state and who they are listed by.
//! Never a schedule: a rule that wants one is refused by name.
//! Next: `target` for where a rule's events go, `routes` for how an event finds its rules.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::names::{self, DEFAULT_BUS, PATTERN_MAX, not_found, validation};
use super::pattern::Pattern;
use super::request::{Page, RuleNamed};
use super::tags::{Tag, Tags};
use super::target::Target;
use super::{Buses, Reply, body};
use crate::ApiError;
use crate::engine::Moment;
use crate::place::Place;
use crate::store::{Space, StoreError};

const RULES_MAX: usize = 300;

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) row: RuleRow,
    pub(super) pattern: Arc<Pattern>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct RuleRow {
    pattern: String,
    state: State,
    description: Option<String>,
    role: Option<String>,
    pub(super) tags: Tags,
    pub(super) targets: Vec<Target>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum State {
    #[default]
    Enabled,
    Disabled,
    EnabledWithAllCloudtrailManagementEvents,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PutRule {
    name: String,
    event_bus_name: Option<String>,
    event_pattern: Option<String>,
    schedule_expression: Option<String>,
    state: Option<State>,
    description: Option<String>,
    role_arn: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(skip)]
    compiled: Option<Pattern>,
}

impl PutRule {
    pub(super) fn checked(mut self) -> Result<PutRule, ApiError> {
        names::name(&self.name, "name", 64)?;
        names::description(self.description.as_deref())?;
        if self.schedule_expression.as_deref().is_some_and(|schedule| !schedule.is_empty()) {
            return Err(ApiError::not_implemented("EventBridge PutRule with a ScheduleExpression"));
        }
        let pattern = self
            .event_pattern
            .as_deref()
            .filter(|pattern| !pattern.is_empty())
            .ok_or_else(|| validation("Parameter(s) EventPattern or ScheduleExpression must be specified."))?;
        names::length(pattern, "eventPattern", 0, PATTERN_MAX)?;
        self.compiled = Some(Pattern::parse(pattern)?);
        Tags::of(self.tags.clone())?;
        Ok(self)
    }
}

/// A rule as it is described and listed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown {
    name: String,
    arn: String,
    event_pattern: String,
    state: State,
    event_bus_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Rules {
    rules: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct RuleNames {
    rule_names: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Put {
    rule_arn: String,
}

pub(super) fn rule_arn(place: &Place, bus: &str, rule: &str) -> String {
    if bus == DEFAULT_BUS { place.events_arn("rule", rule) } else { place.events_arn("rule", &format!("{bus}/{rule}")) }
}

/// The key of a rule's row: names have no slash.
fn key(bus: &str, rule: &str) -> String {
    format!("{bus}/{rule}")
}

impl Rule {
    pub(super) fn load(row: RuleRow, key: &str) -> Result<Rule, StoreError> {
        let pattern = Pattern::parse(&row.pattern).map_err(|why| StoreError::Row {
            space: Space::Rule as i64,
            key: key.to_owned(),
            why: why.message,
        })?;
        Ok(Rule { row, pattern: Arc::new(pattern) })
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.row.state != State::Disabled
    }

    pub(super) fn store(&self, at: &mut Moment<'_>, bus: &str, rule: &str) {
        at.journal.put(Space::Rule, key(bus, rule), &self.row);
    }

    fn shown(&self, place: &Place, bus: &str, rule: &str) -> Shown {
        Shown {
            name: rule.to_owned(),
            arn: rule_arn(place, bus, rule),
            event_pattern: self.row.pattern.clone(),
            state: self.row.state,
            event_bus_name: bus.to_owned(),
            description: self.row.description.clone(),
            role_arn: self.row.role.clone(),
            created_by: None,
        }
    }
}

impl Buses {
    pub(super) fn rule(&self, bus: &str, rule: &str) -> Result<&Rule, ApiError> {
        self.bus(bus)?.rules.get(rule).ok_or_else(|| no_rule(bus, rule))
    }

    pub(super) fn rule_mut(&mut self, bus: &str, rule: &str) -> Result<&mut Rule, ApiError> {
        self.bus_mut(bus)?.rules.get_mut(rule).ok_or_else(|| no_rule(bus, rule))
    }

    pub(super) fn put_rule(&mut self, at: &mut Moment<'_>, asked: PutRule) -> Reply {
        let name = names::bus_here(at.place, asked.event_bus_name.as_deref());
        let bus = self.bus_mut(name)?;
        let (Some(pattern), Some(compiled)) = (asked.event_pattern, asked.compiled) else {
            return Err(validation("Parameter(s) EventPattern or ScheduleExpression must be specified."));
        };
        if !bus.rules.contains_key(&asked.name) && bus.rules.len() >= RULES_MAX {
            return Err(names::too_many());
        }
        // Put again, a rule keeps its targets and tags; all else is as it is said now.
        let old = bus.rules.remove(&asked.name).map(|rule| rule.row);
        let (tags, targets) = match old {
            Some(row) => (row.tags, row.targets),
            None => (Tags::of(asked.tags)?, vec![]),
        };
        let row = RuleRow {
            pattern,
            state: asked.state.unwrap_or_default(),
            description: asked.description,
            role: asked.role_arn,
            tags,
            targets,
        };
        let rule = Rule { row, pattern: Arc::new(compiled) };
        rule.store(at, name, &asked.name);
        let answer = Put { rule_arn: rule_arn(at.place, name, &asked.name) };
        bus.rules.insert(asked.name, rule);
        bus.routes.forget();
        body(answer)
    }

    pub(super) fn delete_rule(&mut self, at: &mut Moment<'_>, asked: &RuleNamed) -> Reply {
        let name = names::bus_here(at.place, asked.event_bus_name.as_deref());
        let bus = self.bus_mut(name)?;
        let Some(rule) = bus.rules.get(&asked.name) else { return Ok(None) };
        if !rule.row.targets.is_empty() {
            return Err(validation("Rule can't be deleted since it has targets."));
        }
        bus.rules.remove(&asked.name);
        bus.routes.forget();
        at.journal.delete(Space::Rule, key(name, &asked.name));
        Ok(None)
    }

    pub(super) fn describe_rule(&self, at: &Moment<'_>, asked: &RuleNamed) -> Reply {
        let bus = names::bus_here(at.place, asked.event_bus_name.as_deref());
        let shown = self.rule(bus, &asked.name)?.shown(at.place, bus, &asked.name);
        body(Shown { created_by: Some(at.place.account.clone()), ..shown })
    }

    pub(super) fn enable_rule(&mut self, at: &mut Moment<'_>, asked: &RuleNamed) -> Reply {
        self.set_state(at, asked, State::Enabled)
    }

    pub(super) fn disable_rule(&mut self, at: &mut Moment<'_>, asked: &RuleNamed) -> Reply {
        self.set_state(at, asked, State::Disabled)
    }

    fn set_state(&mut self, at: &mut Moment<'_>, asked: &RuleNamed, state: State) -> Reply {
        let bus = names::bus_here(at.place, asked.event_bus_name.as_deref());
        let rule = self.rule_mut(bus, &asked.name)?;
        rule.row.state = state;
        rule.store(at, bus, &asked.name);
        self.bus_mut(bus)?.routes.forget();
        Ok(None)
    }

    pub(super) fn list_rules(&self, at: &Moment<'_>, page: &Page) -> Reply {
        let bus = names::bus_here(at.place, page.event_bus_name.as_deref());
        let rules = self.bus(bus)?.rules.iter();
        let all = rules.map(|(name, rule)| (name.as_str(), rule.shown(at.place, bus, name)));
        let (rules, next_token) = names::page(page, all)?;
        body(Rules { rules, next_token })
    }

    pub(super) fn list_rule_names_by_target(&self, at: &Moment<'_>, page: &Page) -> Reply {
        let bus = names::bus_here(at.place, page.event_bus_name.as_deref());
        let wanted = page.target_arn.as_deref().unwrap_or_default();
        let rules = self.bus(bus)?.rules.iter();
        let all = rules
            .filter(|(_, rule)| rule.row.targets.iter().any(|target| target.arn == wanted))
            .map(|(name, _)| (name.as_str(), name.clone()));
        let (rule_names, next_token) = names::page(page, all)?;
        body(RuleNames { rule_names, next_token })
    }
}

fn no_rule(bus: &str, rule: &str) -> ApiError {
    not_found(format!("Rule {rule} does not exist on EventBus {bus}."))
}

//! Owns the advice by rules: which packs apply, which rules hold, what they say, and what each of them rests on.
//! Never advice without evidence, and never a failure: what goes wrong in a rule is a note.
//! Next: `prompted` may rank and word it; `handler` emits it.

use std::collections::BTreeSet;
use std::sync::Arc;

use cel::{Context, Env, Value};
use contract::documents::{Analysed, PassageId};
use contract::events::{Origin, Priority, Recommendation};

use crate::facts::Facts;
use crate::functions;
use crate::rules::{Expression, ITEM, Named, Pack, Piece, Rule, Template};
use crate::text::shortened;

const ADVICE_MAX: usize = 12;
const ITEMS_MAX: usize = 6;
const TITLE_BYTES_MAX: usize = 200;
const TEXT_BYTES_MAX: usize = 900;
const NOTES_MAX: usize = 8;

/// One piece of advice, and the rule that gives it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Advice {
    /// The rule's id, with a number behind it where it holds for several things.
    pub(crate) id: String,
    pub(crate) recommendation: Recommendation,
}

#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) advice: Vec<Advice>,
    pub(crate) notes: Vec<String>,
}

struct Bench<'a> {
    env: Arc<Env>,
    facts: Arc<Facts>,
    pack: &'a Pack,
}

/// A rule for one thing, or for all.
enum Said {
    Holds(Recommendation),
    No,
    Failed(String),
}

pub(crate) fn judged(packs: &[Pack], analysed: Analysed) -> Judged {
    let env = Arc::new(Env::stdlib());
    let facts = Arc::new(Facts::of(analysed));
    let mut found = Judged::default();
    if facts.analysed.passages.is_empty() {
        return found;
    }
    for pack in packs {
        let bench = Bench { env: Arc::clone(&env), facts: Arc::clone(&facts), pack };
        match bench.applies() {
            Ok(true) => pack.rules.iter().for_each(|rule| bench.judge(rule, &mut found)),
            Ok(false) => {}
            Err(why) => found.notes.push(format!("rules of {}: {why}", pack.name)),
        }
    }
    // In the order of the packs among equals.
    found.advice.sort_by_key(|advice| std::cmp::Reverse(advice.recommendation.priority));
    found.advice.truncate(ADVICE_MAX);
    found.notes.truncate(NOTES_MAX);
    found
}

impl Bench<'_> {
    fn context(&self) -> Result<Context<'static, 'static>, String> {
        functions::context(&self.env, &self.facts)
    }

    fn applies(&self) -> Result<bool, String> {
        let Some(applies) = &self.pack.applies else { return Ok(true) };
        self.facts.fresh();
        match applies.program.execute(&self.context()?) {
            Ok(Value::Bool(truth)) => Ok(truth),
            Ok(other) => Err(format!("applies is {other:?}, not true or false")),
            Err(_) if self.facts.missed() => Ok(false),
            Err(why) => Err(why.to_string()),
        }
    }

    fn judge(&self, rule: &Rule, found: &mut Judged) {
        let items = match self.items(rule) {
            Ok(items) => items,
            Err(why) => {
                found.notes.push(shortened(&format!("rule {}: {why}", rule.id), 300));
                return;
            }
        };
        let several = items.len() > 1;
        for (at, item) in items.into_iter().enumerate() {
            match self.said(rule, item) {
                Said::Holds(recommendation) if recommendation.evidence.is_empty() => {
                    found.notes.push(format!(
                        "rule {} holds, and nothing that it reads has evidence: it is left out",
                        rule.id
                    ));
                }
                Said::Holds(recommendation) => {
                    let id = if several { format!("{}-{}", rule.id, at + 1) } else { rule.id.clone() };
                    found.advice.push(Advice { id, recommendation });
                }
                Said::No => {}
                Said::Failed(why) => found.notes.push(shortened(&format!("rule {}: {why}", rule.id), 300)),
            }
        }
    }

    /// What a rule is asked about, each by itself; one nothing where it is asked once.
    fn items(&self, rule: &Rule) -> Result<Vec<Option<Value>>, String> {
        let Some(each) = &rule.each else { return Ok(vec![None]) };
        self.facts.fresh();
        match each.program.execute(&self.context()?) {
            Ok(Value::List(all)) => Ok(all.iter().take(ITEMS_MAX).cloned().map(Some).collect()),
            Ok(other) => Err(format!("each is {other:?}, not a list")),
            Err(_) if self.facts.missed() => Ok(vec![]),
            Err(why) => Err(why.to_string()),
        }
    }

    fn said(&self, rule: &Rule, item: Option<Value>) -> Said {
        self.facts.fresh();
        match self.advice(rule, item) {
            Ok(Some(recommendation)) => Said::Holds(recommendation),
            Ok(None) => Said::No,
            // What an analysis does not have, a rule cannot hold for.
            Err(_) if self.facts.missed() => Said::No,
            Err(why) => Said::Failed(why),
        }
    }

    fn advice(&self, rule: &Rule, item: Option<Value>) -> Result<Option<Recommendation>, String> {
        let mut context = self.context()?;
        if let Some(item) = item {
            self.touch(&item);
            context.add_variable_from_value(ITEM, item);
        }
        let mut known = BTreeSet::new();
        self.set(&mut context, &mut known, rule.when.variables.iter())?;
        match execute(&rule.when, &context)? {
            Value::Bool(true) => {}
            Value::Bool(false) => return Ok(None),
            other => return Err(format!("when is {other:?}, not true or false")),
        }
        let templates = [Some(&rule.title), Some(&rule.rationale), rule.reconsider_if.as_ref()];
        let used = templates.iter().flatten().flat_map(|template| template.variables());
        self.set(&mut context, &mut known, used)?;
        let title = shortened(&filled(&rule.title, &context)?, TITLE_BYTES_MAX);
        let rationale = shortened(&filled(&rule.rationale, &context)?, TEXT_BYTES_MAX);
        let reconsider_if = rule.reconsider_if.as_ref().map(|words| filled(words, &context)).transpose()?;
        let reconsider_if = reconsider_if.map(|words| shortened(&words, TEXT_BYTES_MAX));
        let evidence = self.facts.evidence().iter().map(PassageId::to_string).collect();
        let priority: Priority = rule.priority;
        Ok(Some(Recommendation { title, priority, rationale, evidence, reconsider_if, origin: Origin::Rules }))
    }

    /// Where a row of a table stands.
    fn touch(&self, item: &Value) {
        if let Value::Map(map) = item
            && let Some(Value::String(id)) = map.map.get(&cel::objects::Key::from(functions::PASSAGE))
        {
            self.facts.touch([&PassageId(id.to_string())]);
        }
    }

    /// Computes the pack's values that are used, and those that these use, in the order of the file.
    fn set<'n>(
        &self,
        context: &mut Context<'static, 'static>,
        known: &mut BTreeSet<String>,
        used: impl Iterator<Item = &'n String>,
    ) -> Result<(), String> {
        let mut wanted: BTreeSet<&str> = used.map(String::as_str).collect();
        for named in self.pack.values.iter().rev() {
            if wanted.contains(named.name.as_str()) {
                wanted.extend(named.expression.variables.iter().map(String::as_str));
            }
        }
        let needed = |named: &&Named| wanted.contains(named.name.as_str()) && !known.contains(&named.name);
        let values: Vec<&Named> = self.pack.values.iter().filter(needed).collect();
        for named in values {
            let value = execute(&named.expression, context).map_err(|why| format!("{}: {why}", named.name))?;
            context.add_variable_from_value(named.name.clone(), value);
            known.insert(named.name.clone());
        }
        Ok(())
    }
}

fn execute(expression: &Expression, context: &Context<'static, 'static>) -> Result<Value, String> {
    let value = expression.program.execute(context).map_err(|why| why.to_string())?;
    match value {
        Value::Float(number) if !number.is_finite() => {
            Err("a number without an end: something was divided by nothing".into())
        }
        value => Ok(value),
    }
}

fn filled(template: &Template, context: &Context<'static, 'static>) -> Result<String, String> {
    let mut text = String::new();
    for piece in &template.0 {
        match piece {
            Piece::Words(words) => text.push_str(words),
            Piece::Value(expression) => text.push_str(&functions::said(&execute(expression, context)?)),
        }
    }
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

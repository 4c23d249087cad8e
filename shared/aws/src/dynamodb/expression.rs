//! Owns how conditions and changes are spelled for DynamoDB: expressions over placeholders, with their names and values.
//! Never a name in an expression itself: attribute names hold `#` and whatever a user calls a source.
//! Next: `mod` sends them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use runtime::ledger::{Attr, Change, Condition, Value};

use super::item::{GOAL, value_of};

/// The names and values that the expressions of one call speak of.
#[derive(Debug, Default)]
pub(super) struct Placeholders {
    names: Vec<String>,
    values: Vec<AttributeValue>,
}

impl Placeholders {
    fn name(&mut self, name: &str) -> String {
        let at = self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        format!("#n{at}")
    }

    fn attr(&mut self, attr: &Attr) -> String {
        self.name(&attr.name())
    }

    fn value(&mut self, value: &Value) -> String {
        self.values.push(value_of(value));
        format!(":v{}", self.values.len() - 1)
    }

    /// None where there are none: DynamoDB refuses an empty map.
    pub(super) fn names(&self) -> Option<HashMap<String, String>> {
        let all = self.names.iter().enumerate().map(|(at, name)| (format!("#n{at}"), name.clone()));
        (!self.names.is_empty()).then(|| all.collect())
    }

    pub(super) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        let all = self.values.iter().enumerate().map(|(at, value)| (format!(":v{at}"), value.clone()));
        (!self.values.is_empty()).then(|| all.collect())
    }
}

/// A condition, as far as it has been spelled.
#[derive(Debug, PartialEq)]
pub(super) enum Expression {
    True,
    False,
    /// One test: it binds closer than anything around it.
    One(String),
    /// Several with `AND` or `OR` between them.
    Several(String),
}

impl Expression {
    /// The condition's text; none where there is nothing to test.
    pub(super) fn of(condition: &Condition) -> (Placeholders, Option<String>) {
        let mut placeholders = Placeholders::default();
        let text = match Expression::spelled(condition, &mut placeholders) {
            Expression::True => None,
            // No write of the protocol asks for this, and DynamoDB has no word for it.
            Expression::False => {
                let goal = placeholders.name(GOAL);
                Some(format!("attribute_exists({goal}) AND attribute_not_exists({goal})"))
            }
            Expression::One(text) | Expression::Several(text) => Some(text),
        };
        (placeholders, text)
    }

    fn spelled(condition: &Condition, with: &mut Placeholders) -> Expression {
        Expression::One(match condition {
            Condition::Always => return Expression::True,
            Condition::All(all) => return Expression::every(all, with),
            Condition::Any(any) => return Expression::some(any, with),
            // Every item has its key.
            Condition::ItemAbsent => format!("attribute_not_exists({})", with.name(GOAL)),
            Condition::ItemExists => format!("attribute_exists({})", with.name(GOAL)),
            Condition::Absent(attr) => format!("attribute_not_exists({})", with.attr(attr)),
            Condition::Exists(attr) => format!("attribute_exists({})", with.attr(attr)),
            Condition::Equals(attr, value) => format!("{} = {}", with.attr(attr), with.value(value)),
            Condition::AtMost(attr, most) => format!("{} <= {}", with.attr(attr), with.value(&Value::Number(*most))),
            Condition::AtLeast(attr, least) => {
                format!("{} >= {}", with.attr(attr), with.value(&Value::Number(*least)))
            }
        })
    }

    fn every(all: &[Condition], with: &mut Placeholders) -> Expression {
        // What is unused in the end would be refused: look before names and values are given out.
        if all.iter().any(never) {
            return Expression::False;
        }
        let tests = all.iter().filter(|one| !always(one)).map(|one| Expression::spelled(one, with)).collect();
        Expression::joined(tests, " AND ", Expression::True)
    }

    fn some(any: &[Condition], with: &mut Placeholders) -> Expression {
        if any.iter().any(always) {
            return Expression::True;
        }
        let tests = any.iter().filter(|one| !never(one)).map(|one| Expression::spelled(one, with)).collect();
        Expression::joined(tests, " OR ", Expression::False)
    }

    fn joined(mut tests: Vec<Expression>, between: &str, empty: Expression) -> Expression {
        if tests.len() < 2 {
            return tests.pop().unwrap_or(empty);
        }
        // Brackets around a single test would be refused as redundant.
        let texts: Vec<String> = tests
            .into_iter()
            .filter_map(|test| match test {
                Expression::One(text) => Some(text),
                Expression::Several(text) => Some(format!("({text})")),
                Expression::True | Expression::False => None,
            })
            .collect();
        Expression::Several(texts.join(between))
    }
}

/// Whether it holds of every item, and of none.
fn always(condition: &Condition) -> bool {
    match condition {
        Condition::Always => true,
        Condition::All(all) => all.iter().all(always),
        Condition::Any(any) => any.iter().any(always),
        _ => false,
    }
}

fn never(condition: &Condition) -> bool {
    match condition {
        Condition::All(all) => all.iter().any(never),
        Condition::Any(any) => any.iter().all(never),
        _ => false,
    }
}

/// The changes of an updating write.
pub(super) struct Update;

impl Update {
    /// None where nothing changes: the item is then made of its key alone, if it is absent.
    pub(super) fn of(changes: &[Change], with: &mut Placeholders) -> Option<String> {
        let (mut set, mut add, mut remove) = (vec![], vec![], vec![]);
        for change in changes {
            match change {
                Change::Set(attr, value) => set.push(format!("{} = {}", with.attr(attr), with.value(value))),
                Change::Add(attr, by) => {
                    add.push(format!("{} {}", with.attr(attr), with.value(&Value::Number(*by))));
                }
                Change::Remove(attr) => remove.push(with.attr(attr)),
            }
        }
        let clauses = [("SET", set), ("ADD", add), ("REMOVE", remove)];
        let spelled = clauses.iter().filter(|(_, parts)| !parts.is_empty());
        let text: Vec<String> = spelled.map(|(word, parts)| format!("{word} {}", parts.join(", "))).collect();
        (!text.is_empty()).then(|| text.join(" "))
    }
}

#[cfg(test)]
mod tests;

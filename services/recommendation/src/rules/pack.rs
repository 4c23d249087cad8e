//! Owns a rule file as it is read: its values, its rules, and everything that is wrong with it, each with its place.
//! Never a rule that was only half understood: a pack with one problem is refused, with all of them told.
//! Next: `config` reads packs at start, `judge` applies them.

use std::collections::BTreeSet;

use contract::events::Priority;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::expression::{self, Expression};
use super::place::{File, Problem, Text};
use super::template::{self, Template};
use crate::facts;

const KEYS: &[&str] = &["name", "applies", "values", "rule"];
const RULE_KEYS: &[&str] = &["id", "priority", "each", "when", "title", "rationale", "reconsider_if"];
const RULES_MAX: usize = 100;
/// What a rule's expressions call one of its `each`.
pub(crate) const ITEM: &str = "item";

#[derive(Debug)]
pub struct Pack {
    pub(crate) name: String,
    /// Whether it is of use for a goal; always, where it does not say.
    pub(crate) applies: Option<Expression>,
    /// In the order of the file: one may use those before it.
    pub(crate) values: Vec<Named>,
    pub(crate) rules: Vec<Rule>,
}

#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) expression: Expression,
    /// It, or what it uses, is of one of `each`.
    of_item: bool,
}

#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) priority: Priority,
    pub(crate) each: Option<Expression>,
    pub(crate) when: Expression,
    pub(crate) title: Template,
    pub(crate) rationale: Template,
    pub(crate) reconsider_if: Option<Template>,
}

type Table<'a> = DeTable<'a>;

/// A pack, or all that is wrong with it. `taken`: the ids of other packs' rules.
pub fn read(name: &str, text: &str, taken: &mut BTreeSet<String>) -> Result<Pack, Vec<Problem>> {
    let mut file = File { name, text, problems: vec![] };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let what = error.message().lines().next().unwrap_or("not understood").to_owned();
        file.problem(error.span().map_or(0, |span| span.start), format!("not TOML: {what}"));
    }
    let pack = pack(&mut file, root.get_ref(), taken);
    match pack {
        Some(pack) if file.problems.is_empty() => Ok(pack),
        _ => {
            file.problems.sort();
            file.problems.dedup();
            Err(file.problems)
        }
    }
}

fn pack(file: &mut File<'_>, root: &Table<'_>, taken: &mut BTreeSet<String>) -> Option<Pack> {
    unknown_keys(file, root, KEYS);
    let base: BTreeSet<String> = facts::VARIABLES.iter().map(|(name, _)| (*name).to_owned()).collect();
    let name = string(file, root, "name").map(|text| text.text);
    if name.is_none() && !root.iter().any(|(key, _)| key.get_ref() == "name") {
        file.problem(0, "a pack has a name: name = \"…\"");
    }
    let applies = string(file, root, "applies").and_then(|text| expression::compiled(file, &text, &base));
    let (values, broken) = values(file, root, &base);
    let base: BTreeSet<String> = base.into_iter().chain(broken).collect();
    let mut rules = vec![];
    match root.iter().find(|(key, _)| key.get_ref() == "rule") {
        None => file.problem(0, "a pack has at least one [[rule]]"),
        Some((key, value)) => match value.get_ref() {
            DeValue::Array(all) if all.len() > RULES_MAX => {
                file.problem(key.span().start, format!("{} rules: at most {RULES_MAX}", all.len()));
            }
            DeValue::Array(all) => {
                for one in all.iter() {
                    match one.get_ref() {
                        DeValue::Table(table) => {
                            rules.extend(rule(file, table, one.span().start, &base, &values, taken));
                        }
                        other => {
                            file.problem(one.span().start, format!("a rule is a table, not a {}", other.type_str()));
                        }
                    }
                }
            }
            other => {
                file.problem(key.span().start, format!("rules are written as [[rule]], not as a {}", other.type_str()));
            }
        },
    }
    Some(Pack { name: name?, applies, values, rules })
}

fn unknown_keys(file: &mut File<'_>, table: &Table<'_>, known: &[&str]) {
    for (key, _) in table.iter().filter(|(key, _)| !known.contains(&key.get_ref().as_ref())) {
        file.problem(key.span().start, format!("unknown key {}: known are {}", key.get_ref(), known.join(", ")));
    }
}

fn string(file: &mut File<'_>, table: &Table<'_>, key: &str) -> Option<Text> {
    let (_, value) = table.iter().find(|(name, _)| name.get_ref() == key)?;
    read_string(file, key, value)
}

fn read_string(file: &mut File<'_>, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Text> {
    match value.get_ref() {
        DeValue::String(text) => Some(file.text(text, value.span())),
        other => {
            file.problem(value.span().start, format!("{key} is a text, not a {}", other.type_str()));
            None
        }
    }
}

/// The values that compile, and the names of those that do not: whoever uses one of these is not told that it is unknown.
fn values(file: &mut File<'_>, root: &Table<'_>, base: &BTreeSet<String>) -> (Vec<Named>, Vec<String>) {
    let Some((key, value)) = root.iter().find(|(key, _)| key.get_ref() == "values") else { return (vec![], vec![]) };
    let DeValue::Table(table) = value.get_ref() else {
        file.problem(key.span().start, "values are a table: [values]");
        return (vec![], vec![]);
    };
    // A table has its keys in the order of their names; the file has an order of its own.
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut known = base.clone();
    known.insert(ITEM.to_owned());
    let (mut found, mut broken): (Vec<Named>, Vec<String>) = (vec![], vec![]);
    for (key, value) in entries {
        let name = key.get_ref().to_string();
        let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name || known.contains(&name) {
            file.problem(key.span().start, format!("{name} cannot name a value: a new name of a-z, 0-9 and _ can"));
            continue;
        }
        let Some(text) = read_string(file, &name, value) else { continue };
        if let Some(expression) = expression::compiled(file, &text, &known) {
            let of_item = expression.variables.contains(ITEM)
                || found.iter().any(|other| other.of_item && expression.variables.contains(&other.name));
            found.push(Named { name: name.clone(), expression, of_item });
        } else {
            broken.push(name.clone());
        }
        known.insert(name);
    }
    (found, broken)
}

fn rule(
    file: &mut File<'_>,
    table: &Table<'_>,
    at: usize,
    base: &BTreeSet<String>,
    values: &[Named],
    taken: &mut BTreeSet<String>,
) -> Option<Rule> {
    unknown_keys(file, table, RULE_KEYS);
    for key in ["id", "priority", "when", "title", "rationale"] {
        if !table.iter().any(|(name, _)| name.get_ref() == key) {
            file.problem(at, format!("this rule has no {key}"));
        }
    }
    let id = string(file, table, "id");
    if let Some(id) = &id {
        if id.text.is_empty()
            || !id.text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        {
            file.problem(id.place(0), format!("{:?} is no id: a-z, 0-9 and - make one", id.text));
        } else if !taken.insert(id.text.clone()) {
            file.problem(id.place(0), format!("there is another rule {}", id.text));
        }
    }
    let each = string(file, table, "each");
    let mut known = base.clone();
    let each = each.map(|text| expression::compiled(file, &text, &known));
    let own = values.iter().filter(|named| each.is_some() || !named.of_item);
    known.extend(own.map(|named| named.name.clone()));
    if each.is_some() {
        known.insert(ITEM.to_owned());
    }
    let when = string(file, table, "when").and_then(|text| expression::compiled(file, &text, &known));
    let mut words = |key: &str| string(file, table, key).map(|text| template::compiled(file, &text, &known));
    let (title, rationale, reconsider_if) = (words("title"), words("rationale"), words("reconsider_if"));
    let priority = string(file, table, "priority").and_then(|text| match text.text.as_str() {
        "high" => Some(Priority::High),
        "medium" => Some(Priority::Medium),
        "low" => Some(Priority::Low),
        other => {
            file.problem(text.place(0), format!("priority is high, medium or low, not {other:?}"));
            None
        }
    });
    Some(Rule {
        id: id?.text,
        priority: priority?,
        each: each.map_or(Some(None), |each| each.map(Some))?,
        when: when?,
        title: title.flatten()?,
        rationale: rationale.flatten()?,
        reconsider_if: reconsider_if.map_or(Some(None), |words| words.map(Some))?,
    })
}

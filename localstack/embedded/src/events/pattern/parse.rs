//! Owns which patterns are valid, and what they compile to; what is not valid is refused with one sentence, AWS's own where it is known.
//! Never an event.
//! Next: `Pattern` asks the compiled branches.

use serde_json::{Map, Number, Value};

use super::condition::{Block, Condition, NUMERIC_REACH, Span, Wildcard};
use super::{Asked, Branch};

/// More branches than that, and a `$or` of `$or`s is refused.
const BRANCHES_MAX: usize = 1000;

type Refusal = String;

pub(super) fn branches(text: &str) -> Result<Vec<Branch>, Refusal> {
    let pattern: Value = serde_json::from_str(text).map_err(|why| why.to_string())?;
    let Value::Object(pattern) = pattern else { return Err("Filter is not an object".to_owned()) };
    let mut branches = vec![Branch::default()];
    object(&mut branches, "", &pattern)?;
    Ok(branches)
}

fn object(branches: &mut Vec<Branch>, path: &str, members: &Map<String, Value>) -> Result<(), Refusal> {
    if members.is_empty() {
        return Err("Empty objects are not allowed".to_owned());
    }
    for (name, value) in members {
        if name == "$or" {
            either(branches, path, value)?;
            continue;
        }
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match value {
            Value::Object(members) => object(branches, &path, members)?,
            Value::Array(conditions) => {
                let conditions = conditions.iter().map(condition).collect::<Result<Vec<_>, _>>()?;
                if conditions.is_empty() {
                    return Err("Empty arrays are not allowed".to_owned());
                }
                for branch in branches.iter_mut() {
                    branch.asked.retain(|asked| asked.path != path);
                    branch.asked.push(Asked { path: path.clone(), conditions: conditions.clone() });
                }
            }
            _ => return Err(format!("\"{name}\" must be an object or an array")),
        }
    }
    Ok(())
}

/// `$or`: every branch so far goes on once with each alternative.
fn either(branches: &mut Vec<Branch>, path: &str, value: &Value) -> Result<(), Refusal> {
    let Value::Array(alternatives) = value else { return Err("It must be an Array followed with $or.".to_owned()) };
    if alternatives.len() < 2 {
        return Err("There must have at least 2 Objects in $or relationship.".to_owned());
    }
    let mut all = vec![];
    for alternative in alternatives {
        let Value::Object(members) = alternative else {
            return Err("Only JSON object is allowed in array of $or relationship.".to_owned());
        };
        let mut forked = branches.clone();
        object(&mut forked, path, members)?;
        all.append(&mut forked);
        if all.len() > BRANCHES_MAX {
            return Err("Rule is too complex - try using fewer $or alternatives".to_owned());
        }
    }
    *branches = all;
    Ok(())
}

fn condition(value: &Value) -> Result<Condition, Refusal> {
    Ok(match value {
        Value::Null => Condition::Null,
        Value::Bool(wanted) => Condition::Bool(*wanted),
        Value::Number(wanted) => Condition::Number(wanted.clone()),
        // One address has many spellings; all of them are equal.
        Value::String(wanted) => match address(wanted) {
            Some(block) => Condition::Block(block),
            None => Condition::Text(wanted.clone()),
        },
        Value::Object(match_type) => matcher(match_type)?,
        Value::Array(_) => return Err("Match value must be String, number, true, false, or null".to_owned()),
    })
}

fn only_member(object: &Map<String, Value>, else_: &str) -> Result<(String, Value), Refusal> {
    let mut members = object.iter();
    match (members.next(), members.next()) {
        (Some((name, value)), None) => Ok((name.clone(), value.clone())),
        (None, _) => Err(else_.to_owned()),
        _ => Err("Only one key allowed in match expression".to_owned()),
    }
}

fn matcher(object: &Map<String, Value>) -> Result<Condition, Refusal> {
    let (name, value) = only_member(object, "Match expression name not found")?;
    Ok(match name.as_str() {
        "exactly" => Condition::Text(text(&value, "exact match pattern must be a string")?),
        "prefix" => match any_case(&value, "prefix")? {
            Some(prefix) => Condition::PrefixAnyCase(prefix),
            None => Condition::Prefix(text(&value, "prefix match pattern must be a string")?),
        },
        "suffix" => match any_case(&value, "suffix")? {
            Some(suffix) => Condition::SuffixAnyCase(suffix),
            None => Condition::Suffix(text(&value, "suffix match pattern must be a string")?),
        },
        "equals-ignore-case" => {
            Condition::AnyCase(text(&value, "equals-ignore-case match pattern must be a string")?.to_lowercase())
        }
        "wildcard" => Condition::Wildcard(wildcard(&text(&value, "wildcard match pattern must be a string")?)?),
        "numeric" => Condition::Numeric(numeric(&value)?),
        "cidr" => Condition::Block(block(&text(&value, "prefix match pattern must be a string")?)?),
        "exists" => match value {
            Value::Bool(true) => Condition::Present,
            Value::Bool(false) => Condition::Absent,
            _ => return Err("exists match pattern must be either true or false.".to_owned()),
        },
        "anything-but" => Condition::AnythingBut(anything_but(&value)?),
        _ => return Err(format!("Unrecognized match type {name}")),
    })
}

fn text(value: &Value, else_: &str) -> Result<String, Refusal> {
    value.as_str().map(str::to_owned).ok_or_else(|| else_.to_owned())
}

/// `{"equals-ignore-case": "x"}` inside `prefix` or `suffix`, in lower case.
fn any_case(value: &Value, outer: &str) -> Result<Option<String>, Refusal> {
    let Value::Object(inner) = value else { return Ok(None) };
    let (name, value) = only_member(inner, &format!("{outer} expression name not found"))?;
    if name != "equals-ignore-case" {
        return Err(format!("Unsupported {outer} pattern: {name}"));
    }
    Ok(Some(text(&value, "equals-ignore-case match pattern must be a string")?.to_lowercase()))
}

fn anything_but(value: &Value) -> Result<Vec<Condition>, Refusal> {
    match value {
        Value::Object(inner) => {
            let (name, value) = only_member(inner, "Anything-But expression name not found")?;
            anything_but_operator(&name, &value)
        }
        Value::Array(values) if !values.is_empty() => {
            let strings = values.iter().all(Value::is_string);
            if !values.iter().all(|value| value.is_string() || value.is_number()) {
                return Err("Inside anything but list, start|null|boolean is not supported.".to_owned());
            }
            if !strings && values.iter().any(Value::is_string) {
                return Err(MIXED.to_owned());
            }
            Ok(values.iter().filter_map(literal).collect())
        }
        Value::Array(_) => Err(MIXED.to_owned()),
        _ => literal(value)
            .map(|condition| vec![condition])
            .ok_or_else(|| "Value of anything-but must be an array or single string/number value.".to_owned()),
    }
}

const MIXED: &str = "Inside anything but list, either all values are number or string, mixed type is not supported";

fn literal(value: &Value) -> Option<Condition> {
    match value {
        Value::String(text) => Some(Condition::Text(text.clone())),
        Value::Number(number) => Some(Condition::Number(number.clone())),
        _ => None,
    }
}

fn anything_but_operator(name: &str, value: &Value) -> Result<Vec<Condition>, Refusal> {
    let not_a_string = match name {
        "equals-ignore-case" => {
            "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."
        }
        "prefix" | "suffix" => "prefix/suffix match pattern must be a string",
        "wildcard" => "wildcard match pattern must be a string",
        _ => return Err(format!("Unsupported anything-but pattern: {name}")),
    };
    let one = |value: &Value| {
        let text = value.as_str().ok_or_else(|| not_a_string.to_owned())?;
        if text.is_empty() && matches!(name, "prefix" | "suffix") {
            return Err("Null prefix/suffix not allowed".to_owned());
        }
        Ok(match name {
            "equals-ignore-case" => Condition::AnyCase(text.to_lowercase()),
            "prefix" => Condition::Prefix(text.to_owned()),
            "suffix" => Condition::Suffix(text.to_owned()),
            _ => Condition::Wildcard(wildcard(text)?),
        })
    };
    match value {
        Value::Array(values) if !values.is_empty() => values.iter().map(one).collect(),
        Value::String(_) | Value::Number(_) => one(value).map(|condition| vec![condition]),
        _ => Err("Value of anything-but must be an array or single string/number value.".to_owned()),
    }
}

fn wildcard(text: &str) -> Result<Wildcard, Refusal> {
    let mut pieces = vec![String::new()];
    let mut after_star = false;
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        let literal = match character {
            '*' if after_star => return Err(format!("Consecutive wildcard characters at pos {at}")),
            '*' => None,
            '\\' => match characters.next() {
                Some((_, escaped @ ('*' | '\\'))) => Some(escaped),
                _ => return Err(format!("Invalid escape character at pos {at}")),
            },
            other => Some(other),
        };
        after_star = literal.is_none();
        match (literal, pieces.last_mut()) {
            (Some(literal), Some(piece)) => piece.push(literal),
            _ => pieces.push(String::new()),
        }
    }
    Ok(Wildcard { pieces })
}

fn numeric(value: &Value) -> Result<Span, Refusal> {
    let Value::Array(terms) = value else { return Err("Value of numeric must be an array.".to_owned()) };
    let mut bounds = vec![];
    for pair in terms.chunks(2) {
        let Value::String(operator) = &pair[0] else {
            return Err(format!("Invalid member in numeric match: {}", pair[0]));
        };
        let bound = match pair.get(1) {
            Some(Value::Number(number)) => within_reach(number)?,
            _ if operator == "=" => return Err("Value of equals must be numeric".to_owned()),
            _ => return Err(format!("Value of {operator} must be numeric")),
        };
        bounds.push((operator.as_str(), bound));
    }
    let closed = |operator: &str| operator.ends_with('=');
    let span = match *bounds.as_slice() {
        [("=", value)] => Span { from: (value, true), to: (value, true) },
        [(operator @ (">" | ">="), from)] => Span { from: (from, closed(operator)), ..Span::WHOLE },
        [(operator @ ("<" | "<="), to)] => Span { to: (to, closed(operator)), ..Span::WHOLE },
        [(lower @ (">" | ">="), from), (upper @ ("<" | "<="), to)] => {
            Span { from: (from, closed(lower)), to: (to, closed(upper)) }
        }
        [(">" | ">=", _), (operator, _)] => return Err(format!("Bad numeric range operator: {operator}")),
        [(operator, _)] => return Err(format!("Unrecognized numeric range operator: {operator}")),
        [] => return Err("Invalid member in numeric match: ]".to_owned()),
        _ => return Err("Too many elements in numeric expression".to_owned()),
    };
    if span.from.0 > span.to.0 || (span.from.0 == span.to.0 && !(span.from.1 && span.to.1)) {
        return Err("Bottom must be less than top".to_owned());
    }
    Ok(span)
}

fn within_reach(number: &Number) -> Result<f64, Refusal> {
    number
        .as_f64()
        .filter(|number| number.abs() <= NUMERIC_REACH)
        .ok_or_else(|| "Value must be between -5.0E9 and 5.0E9, inclusive".to_owned())
}

fn address(text: &str) -> Option<Block> {
    let network: std::net::IpAddr = text.parse().ok()?;
    Some(Block { network, bits: if network.is_ipv4() { 32 } else { 128 } })
}

fn block(text: &str) -> Result<Block, Refusal> {
    let Some((network, bits)) = text.split_once('/').filter(|(_, bits)| !bits.contains('/')) else {
        return Err("Malformed CIDR, one '/' required".to_owned());
    };
    let bits: i64 = bits.parse().map_err(|_| "Malformed CIDR, mask bits must be an integer".to_owned())?;
    let whole = address(network).ok_or_else(|| format!("Nonstandard IP address: {network}"))?;
    match u32::try_from(bits) {
        Ok(bits) if bits <= whole.bits => Ok(Block { bits, ..whole }),
        Ok(_) => Err(format!("IPv{} mask bits must be < {}", if whole.bits == 32 { 4 } else { 6 }, whole.bits + 1)),
        Err(_) => Err("Malformed CIDR, mask bits must not be negative".to_owned()),
    }
}

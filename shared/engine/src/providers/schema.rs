//! Owns what a schema becomes for a provider that enforces it: the part of JSON Schema that all of them take.
//! Never the check of an answer: what had to be left out here is still in the schema that the caller checks against.
//! Next: an adapter sends `strict` where there is one, and the schema as it is where there is none.

use serde_json::{Map, Value, json};

use crate::model::OutputSchema;

/// Understood by none of them, or not by all; those that a model can keep in mind are told it in the description.
const TOLD: &[&str] = &[
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
];
const DROPPED: &[&str] = &["$schema", "$id", "title", "default", "examples", "readOnly", "writeOnly", "deprecated"];
const FORMATS: &[&str] = &["date-time", "date", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];
/// Without these a provider cannot enforce a schema: maps, tuples, conditions.
const BEYOND: &[&str] =
    &["patternProperties", "prefixItems", "not", "if", "allOf", "propertyNames", "unevaluatedProperties"];

/// Every object closed, every property required; `None` where the schema cannot be said that way.
pub fn strict(schema: &Value) -> Option<Value> {
    let told = subschema(schema)?;
    (told.get("type")? == "object").then_some(told)
}

fn subschema(schema: &Value) -> Option<Value> {
    let fields = schema.as_object()?;
    if fields.keys().any(|name| BEYOND.contains(&name.as_str())) {
        return None;
    }
    // What stands beside a reference is refused by some.
    if let Some(reference) = fields.get("$ref") {
        return Some(json!({ "$ref": reference }));
    }
    let (mut strict, mut limits) = (Map::new(), vec![]);
    for (name, value) in fields {
        match name.as_str() {
            name if DROPPED.contains(&name) => {}
            name if TOLD.contains(&name) => limits.push(format!("{name}: {value}")),
            "format" if !FORMATS.iter().any(|format| value == format) => {}
            "additionalProperties" if *value == Value::Bool(false) => {}
            "additionalProperties" => return None,
            "properties" | "$defs" | "definitions" => {
                strict.insert(name.clone(), each(value)?);
            }
            "items" => {
                strict.insert(name.clone(), subschema(value)?);
            }
            "anyOf" | "oneOf" => {
                let all: Option<Vec<Value>> = value.as_array()?.iter().map(subschema).collect();
                strict.insert("anyOf".into(), Value::Array(all?));
            }
            _ => {
                strict.insert(name.clone(), value.clone());
            }
        }
    }
    if !limits.is_empty() {
        let described = strict.get("description").and_then(Value::as_str).unwrap_or_default();
        strict.insert("description".into(), format!("{described} ({})", limits.join(", ")).trim().into());
    }
    close(&mut strict)?;
    Some(Value::Object(strict))
}

fn each(schemas: &Value) -> Option<Value> {
    let all = schemas.as_object()?.iter().map(|(name, schema)| Some((name.clone(), subschema(schema)?)));
    all.collect::<Option<Map<_, _>>>().map(Value::Object)
}

/// An object without properties is a map, which cannot be enforced.
fn close(schema: &mut Map<String, Value>) -> Option<()> {
    if schema.get("type").is_some_and(|kind| kind == "object") {
        let names = schema.get("properties")?.as_object()?.keys().cloned().collect::<Vec<_>>();
        schema.insert("required".into(), names.into());
        schema.insert("additionalProperties".into(), false.into());
    }
    Some(())
}

/// The schema in words, for servers that take none.
pub fn instruction(schema: &OutputSchema) -> String {
    format!(
        "Answer with one JSON document that fits this JSON Schema, and with nothing before or after it:\n{}",
        schema.schema
    )
}

/// What all of them take as the name of a tool or of a schema.
pub fn tool_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
    let name: String = name.chars().take(64).map(plain).collect();
    if name.is_empty() { "answer".into() } else { name }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schemars::{JsonSchema, schema_for};

    use super::*;

    #[derive(JsonSchema)]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Plan {
        /// How sure.
        #[schemars(range(min = 0.0, max = 1.0))]
        confidence: f64,
        steps: Vec<Step>,
        note: Option<String>,
        #[serde(default)]
        tags: Vec<String>,
    }

    #[derive(JsonSchema)]
    #[allow(dead_code, reason = "only its schema is looked at")]
    enum Step {
        /// Look.
        Search { query: String, results_max: u32 },
        /// Think.
        Wait,
    }

    #[derive(JsonSchema)]
    #[allow(dead_code, reason = "only its schema is looked at")]
    struct Prices {
        by_name: BTreeMap<String, f64>,
    }

    fn objects(schema: &Value, found: &mut Vec<Value>) {
        match schema {
            Value::Object(fields) => {
                if fields.get("type").is_some_and(|kind| kind == "object") {
                    found.push(schema.clone());
                }
                fields.values().for_each(|value| objects(value, found));
            }
            Value::Array(all) => all.iter().for_each(|value| objects(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_object_is_closed_and_every_property_required() {
        let strict = strict(&schema_for!(Plan).to_value()).unwrap();
        let mut found = vec![];
        objects(&strict, &mut found);
        assert_eq!(found.len(), 3, "{strict:#}");
        for object in found {
            assert_eq!(object["additionalProperties"], false);
            assert_eq!(object["required"].as_array().unwrap().len(), object["properties"].as_object().unwrap().len());
        }
        let text = strict.to_string();
        for gone in ["oneOf", "$schema", "uint32", "\"minimum\"", "\"default\""] {
            assert!(!text.contains(gone), "{gone}: {text}");
        }
        assert_eq!(strict["properties"]["confidence"]["description"], "How sure. (maximum: 1.0, minimum: 0.0)");
        assert_eq!(strict["properties"]["note"]["type"], json!(["string", "null"]));
    }

    #[test]
    fn a_schema_with_a_map_cannot_be_enforced() {
        assert_eq!(strict(&schema_for!(Prices).to_value()), None);
        assert_eq!(strict(&json!({ "type": "array", "items": { "type": "string" } })), None);
        assert_eq!(strict(&json!(true)), None);
    }

    #[test]
    fn a_name_is_made_to_fit() {
        assert_eq!(tool_name("plan v1/ä"), "plan_v1__");
        assert_eq!(tool_name(""), "answer");
        assert_eq!(tool_name(&"x".repeat(99)).len(), 64);
    }
}

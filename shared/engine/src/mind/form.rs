//! Owns the form of an answer: its schema as a model is told, and the judgement of what came back.
//! Never lets a field through that the type does not have: what nobody asked for is refused, not dropped.
//! Next: `asking` sends a judgement that is not good back to the model, once.

use contract::bounded;
use jsonschema::Validator;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::answer;
use crate::model::{OutputSchema, Reply, Stop};

/// How many problems a model is told of at once.
const PROBLEMS_MAX: usize = 12;

pub(super) struct Form {
    pub(super) schema: OutputSchema,
    validator: Validator,
}

impl Form {
    pub(super) fn of<T: JsonSchema>() -> Result<Form, String> {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
        closed(&mut schema);
        if let Some(fields) = schema.as_object_mut() {
            fields.remove("$schema");
        }
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
        let name: String = T::schema_name().chars().map(plain).take(64).collect();
        let validator = jsonschema::validator_for(&schema).map_err(|why| format!("the schema of {name}: {why}"))?;
        Ok(Form { schema: OutputSchema { name, schema }, validator })
    }

    /// For models that know no schemas.
    pub(super) fn in_words(&self) -> String {
        format!("Answer with one JSON value of this schema, and with nothing else:\n{}", self.schema.schema)
    }

    /// The answer, or everything that is wrong with it.
    pub(super) fn judged<T: DeserializeOwned>(
        &self,
        reply: &Reply,
        faults: &(dyn Fn(&T) -> Vec<String> + Sync),
    ) -> Result<T, Vec<String>> {
        if reply.stop == Stop::Truncated {
            return Err(vec!["it was cut off at the longest that is allowed: write less".into()]);
        }
        let only_objects = self.schema.schema.get("type").is_some_and(|is| is == "object");
        let value = answer::read(&reply.text(), only_objects).map_err(|why| vec![why])?;
        // A problem shows the value that it is about, which may be the whole answer.
        let problem = |error: jsonschema::ValidationError<'_>| {
            bounded(format!("at {:?}: {error}", error.instance_path().to_string()))
        };
        let problems: Vec<_> = self.validator.iter_errors(&value).take(PROBLEMS_MAX).map(problem).collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        let read = serde_json::from_value(value).map_err(|why| vec![bounded(why.to_string())])?;
        let found: Vec<_> = faults(&read).into_iter().take(PROBLEMS_MAX).map(bounded).collect();
        if found.is_empty() { Ok(read) } else { Err(found) }
    }
}

/// No object may have more fields than its type.
fn closed(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let is_open = fields.contains_key("properties") && !fields.contains_key("additionalProperties");
            fields.values_mut().for_each(closed);
            if is_open {
                fields.insert("additionalProperties".into(), json!(false));
            }
        }
        Value::Array(all) => all.iter_mut().for_each(closed),
        _ => {}
    }
}

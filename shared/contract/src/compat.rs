//! Owns the question whether a schema may take the place of an earlier one under the same version.
//! Never guesses leniently: what it cannot show to be harmless counts as a break, and a new version is the way out.
//! Next: `bin/schemas` refuses to write a break; a test compares the committed files with the types.

use serde_json::Value;

/// One way in which a consumer, or a producer, of the earlier schema would be let down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    #[error("{at} was removed (or renamed): its readers find nothing; keep it, or raise the event's VERSION")]
    Removed { at: String },
    #[error("{at} was {earlier} and is {now}: keep the type, or raise the event's VERSION")]
    Retyped { at: String, earlier: String, now: String },
    #[error("{at} is newly required: events without it are refused; give it a default, or raise the event's VERSION")]
    NewlyRequired { at: String },
    #[error("{at} was always there and may now be missing: keep it required, or raise the event's VERSION")]
    NoLongerRequired { at: String },
    #[error("{at} has another {keyword}: {earlier} became {now}; keep it, or raise the event's VERSION")]
    Constraint { at: String, keyword: &'static str, earlier: String, now: String },
}

/// What must stay as it is, word for word, since either side may rely on it.
const CONSTRAINTS: [&str; 14] = [
    "const",
    "enum",
    "format",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "additionalProperties",
    "prefixItems",
    "not",
];

/// Deeper than any schema of ours; a schema that refers to itself ends here.
const DEPTH_MAX: usize = 24;

pub fn breaks(earlier: &Value, now: &Value) -> Vec<Break> {
    let mut found = vec![];
    let both = Both { earlier, now };
    both.compare(earlier, now, "", DEPTH_MAX, &mut found);
    found
}

struct Both<'a> {
    earlier: &'a Value,
    now: &'a Value,
}

impl Both<'_> {
    fn compare(&self, earlier: &Value, now: &Value, at: &str, depth: usize, found: &mut Vec<Break>) {
        if depth == 0 {
            return;
        }
        let (earlier, now) = (resolved(self.earlier, earlier), resolved(self.now, now));
        let (was, is) = (&earlier["type"], &now["type"]);
        if was != is {
            found.push(Break::Retyped { at: named(at), earlier: shown(was), now: shown(is) });
            return;
        }
        for keyword in CONSTRAINTS {
            if earlier[keyword] != now[keyword] {
                let (earlier, now) = (shown(&earlier[keyword]), shown(&now[keyword]));
                found.push(Break::Constraint { at: named(at), keyword, earlier, now });
            }
        }
        self.properties(earlier, now, at, depth, found);
        if earlier.get("items").is_some() || now.get("items").is_some() {
            self.compare(&earlier["items"], &now["items"], &format!("{at}[]"), depth - 1, found);
        }
        for keyword in ["oneOf", "anyOf", "allOf"] {
            self.branches(keyword, earlier, now, at, depth, found);
        }
    }

    fn properties(&self, earlier: &Value, now: &Value, at: &str, depth: usize, found: &mut Vec<Break>) {
        let required = |schema: &Value, name: &str| {
            schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name))
        };
        let none = serde_json::Map::new();
        let was = earlier["properties"].as_object().unwrap_or(&none);
        let is = now["properties"].as_object().unwrap_or(&none);
        for (name, schema) in was {
            let at = format!("{at}/{name}");
            let Some(now_schema) = is.get(name) else {
                found.push(Break::Removed { at });
                continue;
            };
            if required(earlier, name) && !required(now, name) {
                found.push(Break::NoLongerRequired { at: at.clone() });
            }
            if !required(earlier, name) && required(now, name) {
                found.push(Break::NewlyRequired { at: at.clone() });
            }
            self.compare(schema, now_schema, &at, depth - 1, found);
        }
        for name in is.keys().filter(|name| !was.contains_key(*name) && required(now, name)) {
            found.push(Break::NewlyRequired { at: format!("{at}/{name}") });
        }
    }

    /// Each earlier branch must live on, and each new one must have been there: readers match all that they know.
    fn branches(
        &self,
        keyword: &'static str,
        earlier: &Value,
        now: &Value,
        at: &str,
        depth: usize,
        found: &mut Vec<Break>,
    ) {
        let none = vec![];
        let was = earlier[keyword].as_array().unwrap_or(&none);
        let is = now[keyword].as_array().unwrap_or(&none);
        let same = |earlier: &Value, now: &Value| {
            let mut inner = vec![];
            self.compare(earlier, now, at, depth - 1, &mut inner);
            inner.is_empty()
        };
        let gone = was.iter().filter(|earlier| !is.iter().any(|now| same(earlier, now)));
        let come = is.iter().filter(|now| !was.iter().any(|earlier| same(earlier, now)));
        let (gone, come): (Vec<_>, Vec<_>) = (gone.map(shown).collect(), come.map(shown).collect());
        if !gone.is_empty() || !come.is_empty() {
            let or_nothing = |all: Vec<String>| if all.is_empty() { "nothing".into() } else { all.join(", ") };
            found.push(Break::Constraint { at: named(at), keyword, earlier: or_nothing(gone), now: or_nothing(come) });
        }
    }
}

fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let pointer = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| root.pointer(pointer)).unwrap_or(schema)
}

fn named(at: &str) -> String {
    if at.is_empty() { "the event".into() } else { at.into() }
}

fn shown(value: &Value) -> String {
    if value.is_null() { "nothing".into() } else { value.to_string() }
}

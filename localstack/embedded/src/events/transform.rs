//! Owns what a target is given of an event: all of it, a part, a constant, or a template that was filled in.
//! Never a queue. Quoting follows what AWS was seen to do: in a text template every double quote of a value goes away; in a
//! JSON template a bare placeholder becomes the value's JSON, one within quotes the text, and what is then no JSON is not delivered.
//! Next: `deliver` carries the result.

use super::event::Event;
use super::json_path::JsonPath;
use super::names::{rfc3339, validation};
use super::target::{InputTransformer, Target};
use crate::ApiError;
use crate::place::Place;

const PATHS_MAX: usize = 100;

/// The rule in whose name it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender<'a> {
    pub(super) rule: &'a str,
    pub(super) arn: &'a str,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Template {
    /// It is JSON, not lines of quoted text.
    json: bool,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
enum Piece {
    Literal(String),
    Filled { what: Variable, quoted: bool },
}

#[derive(Clone, Debug)]
enum Variable {
    Path(JsonPath),
    RuleArn,
    RuleName,
    IngestionTime,
    Event,
    EventJson,
}

impl Template {
    /// In a refusal, `{target}` stands for the target's id.
    pub(super) fn parse(transformer: &InputTransformer) -> Result<Template, ApiError> {
        let paths = transformer.input_paths_map.as_ref();
        if paths.is_some_and(|paths| paths.len() > PATHS_MAX) {
            return Err(validation("InputPathsMap of target {target} has more than 100 entries."));
        }
        for (name, path) in paths.into_iter().flatten() {
            if name.is_empty() || !name.chars().all(is_of_name) || name.to_ascii_lowercase().starts_with("aws.") {
                return Err(validation(format!("InputPathsMap of target {{target}} has an invalid key {name}.")));
            }
            JsonPath::parse(path)?;
        }
        let text = transformer.input_template.as_str();
        if text.is_empty() || text.len() > 8192 {
            return Err(validation("InputTemplate of target {target} must have 1 to 8192 characters."));
        }
        let mut template = Template { json: !text.trim_start().starts_with('"'), pieces: vec![] };
        let mut quotes = Quotes::default();
        let mut rest = text;
        while let Some((literal, name, after)) = placeholder(rest) {
            quotes.read(literal);
            let path = paths.and_then(|paths| paths.get(name)).map(|path| JsonPath::parse(path)).transpose()?;
            let what = path.map(Variable::Path).or_else(|| predefined(name)).ok_or_else(|| {
                validation(format!("InputTemplate for target {{target}} contains invalid placeholder {name}."))
            })?;
            template.pieces.push(Piece::Literal(literal.to_owned()));
            template.pieces.push(Piece::Filled { what, quoted: quotes.open });
            rest = after;
        }
        template.pieces.push(Piece::Literal(rest.to_owned()));
        Ok(template)
    }

    fn fill(&self, event: &Event, envelope: &str, sender: Sender<'_>, place: &Place) -> Result<String, String> {
        let mut filled = String::new();
        for piece in &self.pieces {
            let (what, quoted) = match piece {
                Piece::Literal(literal) => {
                    filled.push_str(literal);
                    continue;
                }
                Piece::Filled { what, quoted } => (what, *quoted),
            };
            let value = what.json(event, envelope, sender, place);
            // What is missing, and null, is the empty text.
            let value = value.filter(|value| value != "null").unwrap_or_else(|| "\"\"".to_owned());
            if !self.json {
                filled.extend(value.chars().filter(|character| *character != '"'));
            } else if quoted && value.starts_with('"') {
                filled.push_str(value.get(1..value.len() - 1).unwrap_or_default());
            } else {
                filled.push_str(&value);
            }
        }
        if self.json && serde_json::from_str::<serde::de::IgnoredAny>(&filled).is_err() {
            return Err("what the InputTemplate makes of this event is no JSON".to_owned());
        }
        Ok(filled)
    }
}

impl Variable {
    /// The value's own JSON text.
    fn json(&self, event: &Event, envelope: &str, sender: Sender<'_>, place: &Place) -> Option<String> {
        let text = |text: &str| {
            let mut json = String::new();
            super::event::push_text(&mut json, text);
            Some(json)
        };
        match self {
            Variable::Path(path) => path.select(envelope).map(str::to_owned),
            Variable::RuleArn => text(sender.arn),
            Variable::RuleName => text(sender.rule),
            Variable::IngestionTime => text(&rfc3339(event.ingested)),
            Variable::Event => Some(event.without_detail(place)),
            Variable::EventJson => Some(envelope.to_owned()),
        }
    }
}

fn predefined(name: &str) -> Option<Variable> {
    Some(match name {
        "aws.events.rule-arn" => Variable::RuleArn,
        "aws.events.rule-name" => Variable::RuleName,
        "aws.events.event.ingestion-time" => Variable::IngestionTime,
        "aws.events.event" => Variable::Event,
        "aws.events.event.json" => Variable::EventJson,
        _ => return None,
    })
}

fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-_.".contains(character)
}

/// The text before the next `<name>`, the name, and the text after it.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    for (at, _) in text.match_indices('<') {
        let rest = &text[at + 1..];
        let end = rest.find(|character| !is_of_name(character))?;
        if end > 0 && rest[end..].starts_with('>') {
            return Some((&text[..at], &rest[..end], &rest[end + 1..]));
        }
    }
    None
}

/// Whether the text so far has opened a JSON string that it has not closed.
#[derive(Debug, Default)]
struct Quotes {
    open: bool,
    escaped: bool,
}

impl Quotes {
    fn read(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                _ if self.escaped => self.escaped = false,
                '\\' => self.escaped = self.open,
                '"' => self.open = !self.open,
                _ => {}
            }
        }
    }
}

/// What the target is given, or why there is nothing to give.
pub(super) fn shape(
    target: &Target,
    event: &Event,
    envelope: &str,
    sender: Sender<'_>,
    place: &Place,
) -> Result<String, String> {
    if let Some(constant) = &target.input {
        return Ok(constant.clone());
    }
    if let Some(path) = &target.input_path {
        let selected = JsonPath::parse(path).ok().and_then(|path| path.select(envelope).map(str::to_owned));
        return selected.ok_or_else(|| format!("the event has nothing at the InputPath {path}"));
    }
    match target.template() {
        Some(template) => template.fill(event, envelope, sender, place),
        None => Ok(envelope.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Event, InputTransformer, Sender, Template};
    use crate::engine::UnixMs;
    use crate::place::Place;

    const PATHS: &[(&str, &str)] = &[
        ("type", "$.detail-type"),
        ("user", "$.detail.user"),
        ("payload", "$.detail.payload"),
        ("list", "$.detail.list"),
        ("none", "$.detail.none"),
        ("null", "$.detail.null"),
        ("valid", "$.detail.valid"),
        ("said", "$.detail.said"),
    ];

    fn filled(template: &str) -> Result<String, String> {
        let paths: BTreeMap<_, _> = PATHS.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect();
        let transformer = InputTransformer { input_paths_map: Some(paths), input_template: template.to_owned() };
        let template = Template::parse(&transformer).map_err(|refusal| format!("refused: {}", refusal.message))?;
        let place =
            Place { region: "eu-west-1".to_owned(), account: "000000000000".to_owned(), endpoint: String::new() };
        let event = Event {
            id: "id".to_owned(),
            detail_type: "t".to_owned(),
            source: "s".to_owned(),
            time: "2026-01-02T03:04:05Z".to_owned(),
            resources: vec![],
            detail: r#"{"user":"u-1","payload":{"a":"b", "c": 1.50},"list":["X","Y"],"null":null,"valid":true,"said":"a \"b\""}"#
                .to_owned(),
            trace_header: None,
            ingested: UnixMs(1_700_000_000_500),
            replay: None,
        };
        template.fill(&event, &event.envelope(&place), Sender { rule: "r", arn: "arn:r" }, &place)
    }

    #[test]
    fn a_text_template_drops_the_quotes_of_its_values() {
        for (template, text) in [
            (r#""Event of <type>, by <user>""#, r#""Event of t, by u-1""#),
            (r#""<list> and <payload> and <none>.<null>""#, r#""[X,Y] and {a:b, c: 1.50} and .""#),
            ("\"<user>\"\n\"<valid>\"", "\"u-1\"\n\"true\""),
            (r#""{[/Look: <type> < 3 <>""#, r#""{[/Look: t < 3 <>""#),
            (
                r#""<aws.events.rule-arn> <aws.events.rule-name> <aws.events.event.ingestion-time>""#,
                r#""arn:r r 2023-11-14T22:13:20Z""#,
            ),
        ] {
            assert_eq!(filled(template).as_deref(), Ok(text), "{template}");
        }
    }

    #[test]
    fn a_json_template_takes_values_bare_as_json_and_quoted_as_text() {
        for (template, json) in [
            (
                r#"{"a": <user>, "b": "users/<user>/<valid>", "c": <payload>}"#,
                r#"{"a": "u-1", "b": "users/u-1/true", "c": {"a":"b", "c": 1.50}}"#,
            ),
            (
                r#"{"l": <list>, "n": <none>, "m": "<none>", "o": <null>, "v": [<valid>]}"#,
                r#"{"l": ["X","Y"], "n": "", "m": "", "o": "", "v": [true]}"#,
            ),
            (r#"{"s": "he \"said\" <said>", "t": <said>}"#, r#"{"s": "he \"said\" a \"b\"", "t": "a \"b\""}"#),
            (r#"{"r": <aws.events.rule-name>}"#, r#"{"r": "r"}"#),
            (
                r#"{"e": <aws.events.event>}"#,
                r#"{"e": {"version":"0","id":"id","detailType":"t","source":"s","account":"000000000000","time":"2026-01-02T03:04:05Z","region":"eu-west-1","resources":[]}}"#,
            ),
            (r#"<payload>"#, r#"{"a":"b", "c": 1.50}"#),
        ] {
            assert_eq!(filled(template).as_deref(), Ok(json), "{template}");
        }
        let whole = filled(r#"{"e": <aws.events.event.json>}"#).unwrap();
        assert!(
            whole.starts_with(r#"{"e": {"version":"0","id":"id","detail-type":"t","#) && whole.contains("1.50"),
            "{whole}"
        );
    }

    #[test]
    fn a_json_template_that_becomes_no_json_makes_nothing() {
        for template in [r#"{"l": "<list>"}"#, "<list> single item", r#"{"p": "x <payload>"}"#] {
            assert!(filled(template).unwrap_err().contains("no JSON"), "{template}");
        }
    }

    #[test]
    fn a_placeholder_that_nobody_defines_is_refused_by_its_name() {
        for (template, name) in [(r#""<unknown>""#, "unknown"), ("<aws.events.nothing>", "aws.events.nothing")] {
            let refusal = filled(template).unwrap_err();
            assert!(
                refusal.contains(&format!("for target {{target}} contains invalid placeholder {name}.")),
                "{refusal}"
            );
        }
    }
}

//! Owns the public truth under `schemas/`: it is what the types say, its examples hold, and no reader is let down.
//! Never writes there: `make schemas` does.
//! Next: `.ci/asyncapi`, where the official parser looks at the document.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use contract::compat::{Break, breaks};
use contract::decode::{Raw, decode};
use contract::topology::{localstack, mermaid};
use contract::{Attributes, Topology, UnixMs, schema};
use serde_json::{Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn committed(name: &str) -> String {
    fs::read_to_string(root().join("schemas").join(name)).unwrap_or_default()
}

#[test]
fn the_committed_files_are_what_the_types_say() {
    for (name, text) in schema::files(&Topology::murmuration()).unwrap() {
        assert!(committed(&name) == text, "schemas/{name} differs from the types: run `make schemas` and commit");
    }
}

#[test]
fn nothing_else_lies_among_the_schemas() {
    let expected: BTreeSet<_> = schema::files(&Topology::murmuration()).unwrap().into_keys().collect();
    let mut found = BTreeSet::new();
    for prefix in ["", "examples/"] {
        for entry in fs::read_dir(root().join("schemas").join(prefix)).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                found.insert(format!("{prefix}{}", entry.file_name().to_string_lossy()));
            }
        }
    }
    assert_eq!(found, expected, "run `make schemas`, which removes what is left over");
}

#[test]
fn the_diagram_of_the_architecture_is_the_tables() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let renewed = mermaid::renewed(&page, &Topology::murmuration()).expect("ARCHITECTURE.md has lost its markers");
    assert!(page == renewed, "the diagram of ARCHITECTURE.md differs from the topology: run `make schemas` and commit");
}

#[test]
fn localstack_makes_for_itself_what_the_table_needs() {
    let there = fs::read_to_string(root().join(localstack::PATH)).unwrap_or_default();
    let script = localstack::script(&Topology::murmuration());
    assert!(there == script, "{} differs from the topology: run `make schemas` and commit", localstack::PATH);
    let (_, rest) = script.split_once("r'''").unwrap();
    let (resources, _) = rest.split_once("'''").unwrap();
    let resources: Value = serde_json::from_str(resources).unwrap();
    let rows = Topology::murmuration().rows.len();
    assert_eq!(resources["queues"].as_array().unwrap().len(), rows);
    assert_eq!(resources["dead_letter_queues"].as_array().unwrap().len(), rows + 1);
}

#[test]
fn no_type_breaks_a_reader_of_its_committed_schema() {
    for spec in &Topology::murmuration().events {
        let name = format!("{}.json", schema::file_stem(&spec.kind, spec.version));
        let earlier: Value = serde_json::from_str(&committed(&name)).unwrap();
        assert_eq!(breaks(&earlier, &schema::schema_of(spec)), [], "{name}");
    }
}

#[test]
fn the_committed_story_validates_and_no_change_of_its_type_breaks_its_readers() {
    let read = |name: &str| serde_json::from_str::<Value>(&committed(name)).unwrap();
    let (schema, example) = (read("run-story.v1.json"), read("examples/run-story.v1.json"));
    let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(&example).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(serde_json::from_value::<contract::RunStory>(example.clone()).unwrap(), contract::RunStory::example());
    let mut other = example;
    other["dataschema"] = json!("urn:murmuration:schema:run-story.v2");
    assert!(!validator.is_valid(&other));
    assert_eq!(breaks(&schema, &schema::story_schema()), []);
}

#[test]
fn where_a_goal_was_forked_from_is_said_alike_in_its_request_and_in_its_story() {
    let of = |name: &str| serde_json::from_str::<Value>(&committed(name)).unwrap()["$defs"]["ForkedFrom"].clone();
    assert_eq!(of("run-story.v1.json"), of("goal.requested.v1.json"));
    assert_eq!(schema::story_schema()["$defs"]["ForkedFrom"], of("run-story.v1.json"));
}

#[test]
fn every_committed_example_validates_and_is_let_in() {
    let choreography = Topology::murmuration().check().unwrap();
    for spec in &choreography.events {
        let stem = schema::file_stem(&spec.kind, spec.version);
        let text = committed(&format!("examples/{stem}.json"));
        let whole: Value = serde_json::from_str(&committed(&format!("{stem}.json"))).unwrap();
        let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&whole).unwrap();
        let errors: Vec<_> =
            validator.iter_errors(&serde_json::from_str(&text).unwrap()).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{stem}");
        // Results have no consumer in the table: any row may be made to consume them.
        let mut row = choreography.rows[2].clone();
        row.consumes = vec![spec.kind.clone()];
        let attributes = Attributes::default();
        let raw = Raw { body: text.as_bytes(), attributes: &attributes, message_id: "m", sent_at: UnixMs(0) };
        let event = decode(raw, &row, &choreography).unwrap_or_else(|why| panic!("{stem}: {why}"));
        assert_eq!(event.to_json(), serde_json::from_str::<contract::Event>(&text).unwrap().to_json());
    }
}

#[test]
fn a_schema_refuses_what_is_not_of_its_type() {
    let topology = Topology::murmuration();
    let spec = &topology.events[0];
    let validator =
        jsonschema::draft202012::options().should_validate_formats(true).build(&schema::schema_of(spec)).unwrap();
    let example = json!(schema::example_of(&topology, spec));
    assert!(validator.is_valid(&example));
    for (field, value) in [
        ("type", json!("goal.failed")),
        ("dataschema", json!("urn:murmuration:schema:goal.requested.v2")),
        ("hops", json!(-1)),
        ("goalid", json!("not an id")),
        ("time", json!("yesterday")),
        ("data", json!({"goal": 7})),
    ] {
        let mut other = example.clone();
        other[field] = value;
        assert!(!validator.is_valid(&other), "{field}");
    }
}

/// The schema of `step.failed`, and the same with one change.
fn planted(change: impl FnOnce(&mut Value)) -> Vec<Break> {
    let topology = Topology::murmuration();
    let spec = topology.events.iter().find(|spec| spec.kind.as_str() == "step.failed").unwrap();
    let earlier = schema::schema_of(spec);
    let mut now = earlier.clone();
    change(&mut now);
    assert_ne!(earlier, now, "nothing was planted");
    breaks(&earlier, &now)
}

fn data(schema: &mut Value) -> &mut Value {
    &mut schema["properties"]["data"]
}

#[test]
fn a_removed_field_breaks_its_readers() {
    let found = planted(|now| drop(data(now)["properties"].as_object_mut().unwrap().remove("n")));
    assert_eq!(found, [Break::Removed { at: "/data/n".into() }]);
}

#[test]
fn a_renamed_field_breaks_its_readers() {
    let found = planted(|now| {
        let fields = data(now)["properties"].as_object_mut().unwrap();
        let field = fields.remove("n").unwrap();
        fields.insert("times".into(), field);
        data(now)["required"] = json!(["row", "event", "times", "cause", "attempts"]);
    });
    let (removed, required) = ("/data/n".into(), "/data/times".into());
    assert_eq!(found, [Break::Removed { at: removed }, Break::NewlyRequired { at: required }]);
}

#[test]
fn a_retyped_field_breaks_its_readers_also_behind_a_reference() {
    let found = planted(|now| data(now)["properties"]["attempts"]["type"] = json!("string"));
    assert!(matches!(&found[..], [Break::Retyped { at, .. }] if at == "/data/attempts"), "{found:?}");
    let found = planted(|now| now["$defs"]["Cause"]["properties"]["detail"]["type"] = json!(["string", "null"]));
    assert!(matches!(&found[..], [Break::Retyped { at, .. }] if at == "/data/cause/detail"), "{found:?}");
}

#[test]
fn a_newly_required_field_breaks_its_writers() {
    let found = planted(|now| {
        data(now)["properties"]["why"] = json!({"type": "string"});
        data(now)["required"].as_array_mut().unwrap().push(json!("why"));
    });
    assert_eq!(found, [Break::NewlyRequired { at: "/data/why".into() }]);
    let found = planted(|now| now["required"].as_array_mut().unwrap().push(json!("tenant")));
    assert_eq!(found, [Break::NewlyRequired { at: "/tenant".into() }]);
}

#[test]
fn a_field_that_may_now_be_missing_breaks_its_readers() {
    let found = planted(|now| data(now)["required"].as_array_mut().unwrap().retain(|name| name != "n"));
    assert_eq!(found, [Break::NoLongerRequired { at: "/data/n".into() }]);
}

#[test]
fn a_new_word_of_a_closed_list_and_a_tighter_bound_break_somebody() {
    let found = planted(|now| {
        let kinds = now["$defs"]["CauseKind"]["oneOf"].as_array_mut().unwrap();
        kinds.push(json!({"type": "string", "const": "tired"}));
    });
    assert!(matches!(&found[..], [Break::Constraint { keyword: "oneOf", .. }]), "{found:?}");
    let found = planted(|now| data(now)["properties"]["n"]["maximum"] = json!(3));
    assert!(matches!(&found[..], [Break::Constraint { keyword: "maximum", .. }]), "{found:?}");
}

#[test]
fn a_new_optional_field_and_other_words_break_nobody() {
    let found = planted(|now| {
        data(now)["properties"]["hint"] = json!({"type": "string"});
        now["description"] = json!("In other words.");
    });
    assert_eq!(found, []);
}

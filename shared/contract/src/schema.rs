//! Owns what is published of the contract: a JSON Schema and an example per event type and of the story of a run, the
//! AsyncAPI document.
//! Never writes a file: it says which file holds what; `bin/schemas` writes, tests compare.
//! Next: `compat` says whether a schema may take the place of the one before it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::events::GoalRequested;
use crate::topology::{EventSpec, Topology, asyncapi};
use crate::{
    Event, EventData, EventId, EventType, GoalId, RunStory, Source, SpanId, Tenant, TraceContext, TraceId, Unit,
    UnixMs, dataschema,
};

/// The one public name of an event in one version: `goal.requested.v1`.
pub fn file_stem(kind: &EventType, version: u32) -> String {
    format!("{kind}.v{version}")
}

/// All files under `schemas/`, by their path there.
pub fn files(topology: &Topology) -> Result<BTreeMap<String, String>, String> {
    let mut all = BTreeMap::new();
    for spec in &topology.events {
        let stem = file_stem(&spec.kind, spec.version);
        all.insert(format!("{stem}.json"), pretty(&schema_of(spec))?);
        all.insert(format!("examples/{stem}.json"), pretty(&json!(example_of(topology, spec)))?);
    }
    let story = file_stem(&EventType::new(RunStory::NAME), RunStory::VERSION);
    all.insert(format!("{story}.json"), pretty(&story_schema())?);
    all.insert(format!("examples/{story}.json"), pretty(&json!(RunStory::example()))?);
    let document = asyncapi::document(topology, env!("CARGO_PKG_VERSION"));
    let yaml = yaml_serde::to_string(&document).map_err(|why| why.to_string())?;
    all.insert("asyncapi.yaml".into(), format!("# Made by `make schemas` from the topology.\n{yaml}"));
    Ok(all)
}

/// The schema of the whole event: the envelope, with `data` as its type says.
pub fn schema_of(spec: &EventSpec) -> Value {
    let mut data = data_schema(spec);
    let mut take = |key: &str| data.remove(key);
    take("$schema");
    let (title, description, defs) = (take("title"), take("description"), take("$defs"));
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:murmuration:event:{}", file_stem(&spec.kind, spec.version)),
        "type": "object",
        "properties": envelope(spec),
        "required": [
            "specversion", "id", "source", "type", "time", "datacontenttype", "dataschema", "goalid", "idempotencykey",
            "hops", "data",
        ],
    });
    schema["properties"]["data"] = Value::Object(data);
    for (key, found) in [("title", title), ("description", description), ("$defs", defs)] {
        if let Some(found) = found {
            schema[key] = found;
        }
    }
    schema
}

/// The schema of what is told of a run: no event, but read by programs all the same.
pub fn story_schema() -> Value {
    let mut schema = schemars::schema_for!(RunStory).to_value();
    let stem = file_stem(&EventType::new(RunStory::NAME), RunStory::VERSION);
    schema["$id"] = format!("urn:murmuration:document:{stem}").into();
    schema["properties"]["dataschema"]["const"] = RunStory::dataschema().into();
    schema
}

/// The Rust type's name: the second of an event's three spellings.
pub fn type_name(spec: &EventSpec) -> String {
    text_of(spec, "title")
}

pub fn description(spec: &EventSpec) -> String {
    text_of(spec, "description")
}

/// The same event every time, and one that `decode` lets in.
pub fn example_of(topology: &Topology, spec: &EventSpec) -> Event {
    let key = "pricing-2026";
    let goal = GoalId::derive(&Tenant::default(), key);
    let request = EventId::derive(goal, &GoalRequested::TYPE, &Unit::goal());
    let is_entrance = topology.entrances.contains(&spec.kind);
    let unit = if is_entrance { Unit::goal() } else { Unit::output("example", request, 0) };
    let trace = goal.0.as_u128();
    Event {
        id: EventId::derive(goal, &spec.kind, &unit),
        source: topology.sources_of(&spec.kind).into_iter().next().unwrap_or(Source::CHOREOGRAPHY),
        kind: spec.kind.clone(),
        version: spec.version,
        time: UnixMs(1_795_176_000_000),
        goal,
        goal_key: Some(key.into()),
        causation: (!is_entrance).then_some(request),
        hops: u32::from(!is_entrance),
        deadline: Some(UnixMs(1_795_179_600_000)),
        tenant: Tenant::default(),
        trace: TraceContext { trace: TraceId(trace), span: SpanId((trace >> 64) as u64), sampled: true, state: None },
        data: (spec.example)(),
    }
}

fn envelope(spec: &EventSpec) -> Value {
    let uuid = |what: &str| json!({"type": "string", "format": "uuid", "description": what});
    let text = |what: &str| json!({"type": "string", "description": what});
    let time = |what: &str| json!({"type": "string", "format": "date-time", "description": what});
    json!({
        "specversion": {"type": "string", "const": "1.0"},
        "id": uuid("The same however often the event is published."),
        "source": text("Who says so: murmuration.<daemon>, murmuration.user or murmuration.choreography."),
        "type": {"type": "string", "const": spec.kind},
        "time": time("When its emitter committed it."),
        "datacontenttype": {"type": "string", "const": "application/json"},
        "dataschema": {"type": "string", "const": dataschema(&spec.kind, spec.version)},
        "goalid": uuid("The goal that it belongs to."),
        "goalkey": text("The user's own idempotency key."),
        "causationid": uuid("The event that led to this one."),
        "idempotencykey": text("What a second copy shares with the first."),
        "hops": {"type": "integer", "minimum": 0, "maximum": u32::MAX, "description": "How far from the goal's request."},
        "deadline": time("The goal's."),
        "tenant": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$", "description": "Whose goal; default without one."},
        "traceparent": text("W3C Trace Context; what is malformed is dropped."),
        "tracestate": text("W3C Trace Context; what is malformed is dropped."),
    })
}

fn data_schema(spec: &EventSpec) -> Map<String, Value> {
    (spec.schema)().as_object().cloned().unwrap_or_default()
}

fn text_of(spec: &EventSpec, key: &str) -> String {
    data_schema(spec).get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn pretty(value: &Value) -> Result<String, String> {
    serde_json::to_string_pretty(value).map(|text| text + "\n").map_err(|why| why.to_string())
}

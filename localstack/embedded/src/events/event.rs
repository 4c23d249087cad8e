//! Owns one event on a bus: its envelope as targets get it, and its fields as patterns see it.
//! Never reads its detail into a tree: the bytes that came are the bytes that go.
//! Next: `routes` finds its rules, `deliver` carries the envelope.

use serde::{Deserialize, Serialize};

use super::pattern::{Fields, Looked};
use crate::engine::UnixMs;
use crate::place::Place;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) detail_type: String,
    pub(super) source: String,
    /// RFC 3339, whole seconds.
    pub(super) time: String,
    pub(super) resources: Vec<String>,
    /// A JSON object.
    pub(super) detail: String,
    pub(super) trace_header: Option<String>,
    pub(super) ingested: UnixMs,
    /// Set where it comes from an archive.
    pub(super) replay: Option<String>,
}

impl Event {
    /// The whole event as JSON.
    pub(super) fn envelope(&self, place: &Place) -> String {
        let mut json = String::with_capacity(self.detail.len() + 320);
        self.open(place, "detail-type", &mut json);
        if let Some(replay) = &self.replay {
            json.push_str(",\"replay-name\":");
            push_text(&mut json, replay);
        }
        json.push_str(",\"detail\":");
        json.push_str(&self.detail);
        json.push('}');
        json
    }

    /// `<aws.events.event>`: the event without its detail, and with AWS's other spelling of the type.
    pub(super) fn without_detail(&self, place: &Place) -> String {
        let mut json = String::with_capacity(320);
        self.open(place, "detailType", &mut json);
        json.push('}');
        json
    }

    fn open(&self, place: &Place, type_member: &str, json: &mut String) {
        json.push_str("{\"version\":\"0\"");
        let mut member = |name: &str, text: &str| {
            json.push_str(",\"");
            json.push_str(name);
            json.push_str("\":");
            push_text(json, text);
        };
        member("id", &self.id);
        member(type_member, &self.detail_type);
        member("source", &self.source);
        member("account", &place.account);
        member("time", &self.time);
        member("region", &place.region);
        json.push_str(",\"resources\":[");
        for (at, resource) in self.resources.iter().enumerate() {
            json.push_str(if at > 0 { "," } else { "" });
            push_text(json, resource);
        }
        json.push(']');
    }

    pub(super) fn fields(&self, place: &Place, looked: &Looked) -> Fields {
        let mut fields = Fields::default();
        for (path, text) in [
            ("version", "0"),
            ("id", &self.id),
            ("detail-type", &self.detail_type),
            ("source", &self.source),
            ("account", &place.account),
            ("time", &self.time),
            ("region", &place.region),
        ] {
            fields.put(path, text, looked);
        }
        for resource in &self.resources {
            fields.put("resources", resource, looked);
        }
        if let Some(replay) = &self.replay {
            fields.put("replay-name", replay, looked);
        }
        // A detail is checked when it is put. What it nests too deep for us no pattern finds.
        fields.read("detail", &self.detail, looked).unwrap_or_default();
        fields
    }
}

/// As a JSON string.
pub(super) fn push_text(json: &mut String, text: &str) {
    match serde_json::to_string(text) {
        Ok(text) => json.push_str(&text),
        // A string always has a JSON form.
        Err(_) => json.push_str("\"\""),
    }
}

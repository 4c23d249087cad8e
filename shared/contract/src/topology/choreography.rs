//! Owns a topology that passed its checks, with its validators built once and its questions answered by look-up.
//! Never a topology with a problem in it: `Topology::check` is the only way here.
//! Next: the runtime lives by it; `decode` asks it which types a row may consume.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::check;
use super::{Join, Member, Members, Problem, Row, Topology};
use crate::events::GoalCompleted;
use crate::{EventData, EventId, EventType, JoinName, RowName};

/// A checked topology. Cheap to clone and to share.
#[derive(Clone, Debug)]
pub struct Choreography(Arc<Checked>);

#[derive(Debug)]
struct Checked {
    topology: Topology,
    validators: BTreeMap<EventType, Validator>,
}

#[derive(Debug)]
struct Validator {
    version: u32,
    schema: jsonschema::Validator,
}

impl std::ops::Deref for Choreography {
    type Target = Topology;
    fn deref(&self) -> &Topology {
        &self.0.topology
    }
}

impl Topology {
    /// All problems at once, or a choreography that may run.
    pub fn check(self) -> Result<Choreography, Vec<Problem>> {
        let mut problems = check::problems(&self);
        let mut validators = BTreeMap::new();
        for spec in &self.events {
            match jsonschema::validator_for((spec.schema)().as_value()) {
                Ok(schema) => {
                    validators.insert(spec.kind.clone(), Validator { version: spec.version, schema });
                }
                Err(why) => problems.push(Problem::BadSchema { kind: spec.kind.clone(), why: why.to_string() }),
            }
        }
        if problems.is_empty() {
            Ok(Choreography(Arc::new(Checked { topology: self, validators })))
        } else {
            Err(problems)
        }
    }
}

impl Choreography {
    /// Whether this is data of that type, in a version that we know: asked on the way in and on the way out.
    pub fn validate(&self, kind: &EventType, version: u32, data: &serde_json::Value) -> Result<(), String> {
        let Some(known) = self.0.validators.get(kind) else {
            return Err(format!("event type {kind} is not in the topology"));
        };
        if known.version != version {
            return Err(format!("{kind} has version {version} where version {} is known", known.version));
        }
        known.schema.validate(data).map_err(|why| format!("{kind}: {} at {}", why, why.instance_path()))
    }

    pub fn version_of(&self, kind: &EventType) -> u32 {
        self.0.validators.get(kind).map_or(1, |known| known.version)
    }

    pub fn row(&self, name: &RowName) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == *name)
    }

    pub fn join(&self, name: &JoinName) -> Option<&Join> {
        self.joins.iter().find(|join| join.name == *name)
    }

    pub fn terminal_join(&self) -> Option<&Join> {
        self.joins.iter().find(|join| matches!(join.members, Members::Terminal { .. }))
    }

    /// The longest time that the steps behind a join may take, by their deadlines.
    pub fn time_behind(&self, join: &Join) -> Duration {
        self.time_from(&join.emits, self.rows.len() + 1)
    }

    fn time_from(&self, kind: &EventType, steps_max: usize) -> Duration {
        if steps_max == 0 || *kind == GoalCompleted::TYPE {
            return Duration::ZERO;
        }
        let behind = |row: &Row| {
            // Through the joins at which it arrives, too: what stands behind those needs its time as well.
            let joined = row.arrives.as_ref().and_then(|arrival| self.join(&arrival.join)).map(|join| &join.emits);
            let next = row.emits.iter().chain(joined).map(|kind| self.time_from(kind, steps_max - 1)).max();
            Duration::from_secs(row.limits.step_deadline_s) + next.unwrap_or_default()
        };
        self.rows.iter().filter(|row| row.consumes.contains(kind)).map(behind).max().unwrap_or_default()
    }
}

impl Row {
    /// By what name the step that consumes `input` arrives at its join.
    pub fn member(&self, member: Member, input: EventId) -> String {
        match member {
            Member::Row => self.name.to_string(),
            Member::Event => input.to_string(),
        }
    }
}

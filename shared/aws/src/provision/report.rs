//! Owns what provisioning did: each resource with its outcome, in order, told as it happens; and where it stopped.
//! Never a guess: a resource that is not in the report was not touched.
//! Next: the binary `provision` prints it.

use std::fmt;

use contract::PortError;
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "name")]
pub enum Resource {
    Queue(String),
    Bus(String),
    /// With its target.
    Rule(String),
    Table(String),
    Bucket(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    Created,
    /// What differed.
    Changed {
        what: Vec<String>,
    },
    Unchanged,
    Removed,
    /// Nothing to remove.
    Absent,
    Kept {
        why: String,
    },
    /// A dry run: it would be created.
    Missing,
    /// A dry run: it would be changed.
    Differs {
        what: Vec<String>,
    },
    /// A dry run: this is in the way.
    Unclear {
        why: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    pub resource: Resource,
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Why a resource could not be set right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("{at}: {why}")]
    Refused { at: Resource, why: PortError },
    /// It is there, and cannot become what it should be.
    #[error("{at}: {why}; {instead}")]
    Conflict { at: Resource, why: String, instead: String },
    #[error(
        "account {account} has queues, bus {bus} and table {table} of this name: to remove them with every message and record, say --account {account}"
    )]
    Unnamed { account: String, bus: String, table: String },
}

/// It stopped half-way: what was done stays done, and the next run goes on from there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{trouble}\nDone before that: {done}. Run it again to go on.", done = summary(.done))]
pub struct ProvisionError {
    pub trouble: Trouble,
    pub done: Vec<Step>,
}

/// Gathers the steps, and tells each at once.
pub struct Reporter {
    steps: Vec<Step>,
    dry: bool,
    tell: Box<dyn FnMut(&Step) + Send>,
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter").field("steps", &self.steps).finish_non_exhaustive()
    }
}

impl Reporter {
    pub fn telling(tell: impl FnMut(&Step) + Send + 'static) -> Reporter {
        Reporter { steps: vec![], dry: false, tell: Box::new(tell) }
    }

    /// Of a run that only looks: nothing is written, and what is in the way of one resource is told like the rest.
    pub fn dry(self) -> Reporter {
        Reporter { dry: true, ..self }
    }

    pub(super) fn is_dry(&self) -> bool {
        self.dry
    }

    pub fn silent() -> Reporter {
        Reporter::telling(|_| ())
    }

    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    pub(crate) fn done(&mut self, resource: Resource, outcome: Outcome) {
        let outcome = if self.dry { outcome.undone() } else { outcome };
        let step = Step { resource, outcome };
        (self.tell)(&step);
        self.steps.push(step);
    }

    pub(crate) fn has_made(&self, resource: &Resource) -> bool {
        self.steps.iter().any(|step| step.resource == *resource && step.outcome == Outcome::Created)
    }

    /// A dry run goes on with the next resource.
    pub(super) fn settle(&mut self, ensured: Result<(), Trouble>) -> Result<(), Trouble> {
        match ensured {
            Err(Trouble::Refused { at, why }) if self.dry => self.done(at, Outcome::Unclear { why: why.to_string() }),
            Err(Trouble::Conflict { at, why, instead }) if self.dry => {
                self.done(at, Outcome::Unclear { why: format!("{why}; {instead}") });
            }
            ensured => return ensured,
        }
        Ok(())
    }

    pub(crate) fn failed(&self, trouble: Trouble) -> ProvisionError {
        ProvisionError { trouble, done: self.steps.clone() }
    }
}

impl Resource {
    pub(crate) fn refused(&self) -> impl Fn(PortError) -> Trouble + use<> {
        let at = self.clone();
        move |why| Trouble::Refused { at: at.clone(), why }
    }

    pub(crate) fn conflict(&self, why: impl Into<String>, instead: impl Into<String>) -> Trouble {
        Trouble::Conflict { at: self.clone(), why: why.into(), instead: instead.into() }
    }
}

impl Outcome {
    /// Of something that was there before.
    pub(super) fn changed(what: Vec<String>) -> Outcome {
        if what.is_empty() { Outcome::Unchanged } else { Outcome::Changed { what } }
    }

    /// Of a run that did not do it.
    fn undone(self) -> Outcome {
        match self {
            Outcome::Created => Outcome::Missing,
            Outcome::Changed { what } => Outcome::Differs { what },
            outcome => outcome,
        }
    }
}

/// `3 created, 1 changed, 12 unchanged`.
pub fn summary(steps: &[Step]) -> String {
    let count = |wanted: fn(&Outcome) -> bool| steps.iter().filter(|step| wanted(&step.outcome)).count();
    let counts = [
        (count(|outcome| matches!(outcome, Outcome::Created)), "created"),
        (count(|outcome| matches!(outcome, Outcome::Changed { .. })), "changed"),
        (count(|outcome| matches!(outcome, Outcome::Unchanged)), "unchanged"),
        (count(|outcome| matches!(outcome, Outcome::Removed)), "removed"),
        (count(|outcome| matches!(outcome, Outcome::Absent)), "absent"),
        (count(|outcome| matches!(outcome, Outcome::Kept { .. })), "kept"),
        (count(|outcome| matches!(outcome, Outcome::Missing)), "would be created"),
        (count(|outcome| matches!(outcome, Outcome::Differs { .. })), "would be changed"),
        (count(|outcome| matches!(outcome, Outcome::Unclear { .. })), "unclear"),
    ];
    let told: Vec<String> = counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if told.is_empty() { "nothing".into() } else { told.join(", ") }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = match self {
            Resource::Queue(name) => ("queue", name),
            Resource::Bus(name) => ("bus", name),
            Resource::Rule(name) => ("rule", name),
            Resource::Table(name) => ("table", name),
            Resource::Bucket(name) => ("bucket", name),
        };
        write!(f, "{kind} {name}")
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resource = &self.resource;
        match &self.outcome {
            Outcome::Created => write!(f, "created    {resource}"),
            Outcome::Changed { what } => write!(f, "changed    {resource}: {}", what.join(", ")),
            Outcome::Unchanged => write!(f, "unchanged  {resource}"),
            Outcome::Removed => write!(f, "removed    {resource}"),
            Outcome::Absent => write!(f, "absent     {resource}"),
            Outcome::Kept { why } => write!(f, "kept       {resource}: {why}"),
            Outcome::Missing => write!(f, "would create  {resource}"),
            Outcome::Differs { what } => write!(f, "would change  {resource}: {}", what.join(", ")),
            Outcome::Unclear { why } => write!(f, "unclear       {resource}: {why}"),
        }
    }
}

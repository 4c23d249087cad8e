//! Owns the points of a delivery's life: each is one call to AWS of one row, before it is carried out or with its reply held.
//! Never a hook in the product: the stand-in holds the call, and the model its answer, while something happens outside.
//! Next: `table` lists them all; rounds hold one, strike whoever called, and let go.

mod table;

use contract::topology::Choreography;
use contract::{GoalId, RowName};
use embedded_cloud::{Fault, What, When};

pub use table::all;

/// One place in a row's work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// `commit, reply held`.
    pub name: String,
    pub row: &'static str,
    pub daemon: &'static str,
    pub at: At,
    pub led_by: Led,
    /// From here on, the model must not be asked again for this step.
    pub committed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// The model has been asked, and has not answered.
    Model,
    Call(Call),
}

/// Which call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub operation: &'static str,
    pub texts: Vec<String>,
    pub of: Of,
    pub nth: u64,
    /// Carried out, and its reply held.
    pub carried_out: bool,
}

/// Whose call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// It names the goal.
    Goal,
    /// It names the goal, and goes to the row's dead letters.
    Letter,
    /// It names only receipts of the row's queue: whose message it is cannot be told.
    Queue,
    /// It names nothing: a sweep.
    Daemon,
}

/// What a goal must meet to come there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Led {
    Nothing,
    /// The model's answer cannot be used: the step parks.
    Park,
    /// The model is away: the attempt fails, and the step is released.
    Failure,
}

impl Point {
    /// As the log and the report say it: `analysis: commit, reply held`.
    pub fn title(&self) -> String {
        format!("{}: {}", self.row, self.name)
    }

    /// What holds the call under this label; nothing where the model is held.
    pub fn fault(&self, label: &str, goal: GoalId, choreography: &Choreography) -> Option<Fault> {
        let At::Call(call) = &self.at else { return None };
        let label = label.to_owned();
        let what = if call.carried_out { What::HoldReply { label } } else { What::Hold { label } };
        let fault = Fault::on(call.operation, what).by(&format!("{}-", self.daemon)).when(When::Nth(call.nth));
        let queue = choreography.row(&RowName::new(self.row)).map(|row| row.queue.clone());
        let mut texts = call.texts.clone();
        if matches!(call.of, Of::Goal | Of::Letter) {
            texts.push(goal.to_string());
        }
        let fault = fault.containing(texts);
        Some(match (call.of, queue) {
            (Of::Letter, Some(queue)) => fault.of(queue.dead_letters().as_str()),
            (Of::Queue, Some(queue)) => fault.of(queue.as_str()),
            _ => fault,
        })
    }
}

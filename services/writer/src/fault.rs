//! Owns what can be wrong with a report, one variant for each thing that the checker proves.
//! Never a warning: a report with any of these is not published.
//! Next: `check` finds them, `handler` refuses the report with all of them.

/// Statements and quotes are named by their beginning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("line {line}: {why}")]
    Unreadable { line: usize, why: String },
    #[error("the report is of {found:?}, the analysis of {goal:?}")]
    OtherGoal { found: String, goal: String },
    #[error("the analysis cites the passage {passage}, and does not have it")]
    NoPassage { passage: String },
    #[error("the analysis has no source for the passage {passage}")]
    NoSource { passage: String },
    #[error("the passage {passage} does not say {quote:?}")]
    NotInPassage { passage: String, quote: String },

    #[error("[{citation}] is cited by {by:?}, and there is no such reference")]
    NoReference { citation: u32, by: String },
    #[error("reference [{number}] is cited nowhere")]
    NeverCited { number: u32 },
    #[error("reference [{number}] stands where [{expected}] belongs")]
    OutOfOrder { number: u32, expected: u32 },
    #[error("reference [{number}] is the same place as [{first}]")]
    SamePlace { number: u32, first: u32 },
    #[error("reference [{number}]: the analysis knows no source {address:?} in this collection")]
    UnknownSource { number: u32, address: String },
    #[error("reference [{number}]: there is no text of its source")]
    NoText { number: u32 },
    #[error("reference [{number}]: its source does not say this, byte for byte, at {start}..{end}")]
    Misquoted { number: u32, start: u64, end: u64 },
    #[error("reference [{number}]: {what} is not the source's")]
    NotOfSource { number: u32, what: &'static str },
    #[error("reference [{number}]: no passage of the analysis stands there")]
    NoSuchPlace { number: u32 },

    #[error("no finding says {statement:?}")]
    NoFinding { statement: String },
    #[error("the finding {finding} stands there twice")]
    Repeated { finding: String },
    #[error("the finding {finding} is missing")]
    Missing { finding: String },
    #[error("{statement:?}: {what} is not the analysis's")]
    Changed { statement: String, what: &'static str },
    #[error("{statement:?}: no passage and no number stands behind it")]
    Unfounded { statement: String },
    #[error("{statement:?}: {number} is in none of its numbers and quotes")]
    StrangeNumber { statement: String, number: String },
    #[error("{statement:?}: [{citation}] is no evidence for it")]
    WrongCitation { statement: String, citation: u32 },
    #[error("{statement:?}: [{citation}] is cited twice")]
    CitedTwice { statement: String, citation: u32 },
    #[error("{statement:?}: {cited} of its {has} passages are accounted for")]
    Unaccounted { statement: String, cited: usize, has: usize },
    #[error("{statement:?}: the rows that its numbers were computed from are not cited")]
    RowsNotCited { statement: String },
    #[error("{quote:?} does not stand in [{citation}]")]
    NotInReference { quote: String, citation: u32 },
    #[error("{text:?} cites nothing, and the analysis does not say it")]
    Uncited { text: String },

    #[error("{table:?}: no number of the analysis is {label:?} of {group:?}")]
    NoMetric { table: String, label: String, group: String },
    #[error("{label:?} is {exact}, not {printed:?}")]
    WrongValue { label: String, printed: String, exact: String },
    #[error("no conflict of the analysis is {what:?}")]
    NoConflict { what: String },
}

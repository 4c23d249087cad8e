//! Owns how this bench's measurements become rows: a name, a bar, one figure, and what is said beside it.
//! Never a measurement.
//! Next: every other module hands its figures here; `figures::Run` says and judges them.

use figures::{Figure, Row, Run};
pub(crate) use figures::{median, quantile, say};

pub(crate) const BENCH: &str = "standin";

/// All lines of a run; they are printed as they come.
#[derive(Debug)]
pub(crate) struct Bars(Run);

impl Bars {
    pub(crate) fn begin() -> Bars {
        Bars(Run::of(BENCH).typed("make bench-standin"))
    }

    pub(crate) fn at_most(&mut self, name: &str, bar: f64, measured: f64, unit: &str, beside: &str) {
        self.0.add(Row::new("", name, unit, vec![measured]).at_most(Figure::Median, bar).noting(beside));
    }

    pub(crate) fn at_least(&mut self, name: &str, bar: f64, measured: f64, unit: &str, beside: &str) {
        self.0.add(Row::new("", name, unit, vec![measured]).at_least(Figure::Median, bar).noting(beside));
    }

    pub(crate) fn run(self) -> Run {
        self.0
    }
}

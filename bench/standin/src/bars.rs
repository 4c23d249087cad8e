//! Owns what is held against a bar: one line for each, and how many were missed.
//! Never a measurement.
//! Next: every other module hands its figures here.

/// All lines of a run; they are printed as they come.
#[derive(Debug, Default)]
pub(crate) struct Bars {
    held: usize,
    missed: usize,
}

impl Bars {
    pub(crate) fn at_most(&mut self, name: &str, bar: f64, measured: f64, unit: &str, beside: &str) {
        self.judge(name, &format!("<= {}", shown(bar)), measured, unit, measured <= bar, beside);
    }

    pub(crate) fn at_least(&mut self, name: &str, bar: f64, measured: f64, unit: &str, beside: &str) {
        self.judge(name, &format!(">= {}", shown(bar)), measured, unit, measured >= bar, beside);
    }

    fn judge(&mut self, name: &str, bar: &str, measured: f64, unit: &str, good: bool, beside: &str) {
        if good {
            self.held += 1;
        } else {
            self.missed += 1;
        }
        let verdict = if good { "ok" } else { "MISSED" };
        say(&format!("{name}: bar {bar} {unit}, measured {} {unit}, {verdict} ({beside})", shown(measured)));
    }

    pub(crate) fn all_held(&self) -> bool {
        self.missed == 0
    }

    pub(crate) fn conclude(&self) {
        let Bars { held, missed } = self;
        say(&format!("bench-standin, Rust client and process: {held} of {} bars held", held + missed));
    }
}

/// A figure without a bar, or the end of the run.
#[expect(clippy::print_stdout, reason = "the lines are what a person reads")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

fn shown(figure: f64) -> String {
    let digits = match figure {
        figure if figure >= 100.0 => 0,
        figure if figure >= 10.0 => 1,
        _ => 2,
    };
    format!("{figure:.digits$}")
}

/// The figure that so large a part of all is not above; 0.5 is the median.
pub(crate) fn quantile(figures: &[f64], part: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
    let at = (last as f64 * part).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

pub(crate) fn median(figures: &[f64]) -> f64 {
    quantile(figures, 0.5)
}

//! Owns which question a statement answers that was computed, or that says what nobody tells.
//! Never by force: what answers no question has none, and is told last or not at all.
//! Next: `offline` orders by it, `summary` takes the best of each question.

use contract::documents::asked;

use crate::answers::{Want, Wants};
use crate::measure::Measured;
use crate::pool::Pool;
use crate::words::{self, Stems};

/// Less than this is chance.
const ENOUGH: f64 = 1.0;
/// What columns are called, and what questions call it.
const CALLED: &[(&str, &[&str])] = &[
    ("overag", &["beyond", "addit", "extra", "usag"]),
    ("addit", &["beyond", "overag", "extra", "usag"]),
    ("p99", &["latenc", "fast", "speed"]),
    ("latenc", &["fast", "speed"]),
    ("throughput", &["fast", "speed"]),
    ("second", &["fast", "speed"]),
    ("memori", &["need"]),
    ("ram", &["need", "memori"]),
    ("rss", &["need", "memori"]),
    ("instanc", &["run"]),
    ("host", &["run"]),
];

/// The questions of a goal, as computed statements are held against them.
pub(crate) struct Questions<'a> {
    all: Vec<(&'a String, Stems, Wants)>,
}

/// What a statement is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Level,
    Trend,
}

impl<'a> Questions<'a> {
    pub(crate) fn of(goal: &str, questions: &'a [String]) -> Questions<'a> {
        let one = |question: &'a String| {
            let bare = asked(goal, question);
            (question, words::stems(bare), Wants::of(bare))
        };
        Questions { all: questions.iter().map(one).collect() }
    }

    /// Of a number of a column.
    pub(crate) fn of_column(&self, pool: &Pool, of: &Measured<'_>, kind: Kind) -> Option<String> {
        let sheet = of.sheet;
        let name = called(&words::stems(&sheet.table.columns[of.column].name));
        let around = words::stems(&format!("{} {}", sheet.table.title, sheet.name.replace(['.', '#', '-', '/'], " ")));
        let is_money = sheet.is_money(of.column);
        let score = |(question, stems, wants): &(&String, Stems, Wants)| {
            let kind = match (kind, wants.has(Want::Change)) {
                (Kind::Trend, true) => 3.0,
                (Kind::Trend, false) => -0.5,
                (Kind::Level, true) => -2.0,
                (Kind::Level, false) => 0.0,
            };
            let unit = match is_money {
                true if wants.has(Want::Money) => 0.5,
                false if [Want::Limit, Want::Measure, Want::Number].iter().any(|want| wants.has(*want)) => 0.25,
                _ => 0.0,
            };
            let brought = pool.brought(question, &sheet.table.id);
            related(&name, stems) + 0.5 * related(&around, stems).min(2.0) + kind + unit + brought
        };
        self.best(score)
    }

    /// Of words: two of them at least.
    pub(crate) fn of_words(&self, text: &str) -> Option<String> {
        let own = words::stems(text);
        self.best(|(_, stems, _)| related(&own, stems) / 2.0)
    }

    fn best(&self, score: impl Fn(&(&String, Stems, Wants)) -> f64) -> Option<String> {
        let scored = self.all.iter().map(|one| (score(one), one.0));
        let best = scored.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.filter(|(score, _)| *score >= ENOUGH).map(|(_, question)| question.clone())
    }
}

fn called(stems: &Stems) -> Stems {
    let more = CALLED.iter().filter(|(name, _)| stems.contains(*name)).flat_map(|(_, others)| others.iter());
    stems.iter().cloned().chain(more.map(|word| (*word).to_owned())).collect()
}

/// How many words two texts share; `willing` and `willingness` are one.
fn related(one: &Stems, other: &Stems) -> f64 {
    let same = |a: &String, b: &String| {
        let short = a.len().min(b.len());
        a == b || (short >= 4 && (a.starts_with(b.as_str()) || b.starts_with(a.as_str())))
    };
    one.iter().filter(|stem| other.iter().any(|theirs| same(stem, theirs))).count() as f64
}

//! Owns what rules may read of an analysis, and the record of what one of them did read: that is its evidence.
//! Never a number that is not there: what is missing is missing, and the rule that asked for it does not hold.
//! Next: `functions` offers it to CEL, `judge` asks which passages were touched.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use contract::documents::{Analysed, Cell, Metric, MetricId, PassageId, Statistic, Table};

use crate::names;
use crate::text::{self, Stems, Wanted};

/// What an expression may read without a function.
pub(crate) const VARIABLES: &[(&str, &str)] =
    &[("goal", "the goal, in the user's words"), ("questions", "what was asked, as texts")];
/// Places that one piece of advice cites.
const EVIDENCE_MAX: usize = 10;
/// Of one number or row, the first places.
const OF_ONE_MAX: usize = 4;
const ROWS_MAX: usize = 12;
/// Fewer things than this are no market.
const NEARBY_MIN: usize = 3;

/// An analysis, as rules read it.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) analysed: Analysed,
    touched: Mutex<Vec<PassageId>>,
    missing: AtomicBool,
    /// Each passage's sentences in their order; made once.
    sentences: Vec<Sentence>,
    labels: Vec<Stems>,
}

/// A sentence of a passage, as rules look for it.
#[derive(Debug)]
pub(crate) struct Sentence {
    pub(crate) passage: PassageId,
    pub(crate) text: String,
    pub(crate) headings: String,
    /// Of its own words.
    pub(crate) own: Stems,
    /// With the headings over it.
    pub(crate) stems: Stems,
}

/// One row of a table: what it is called, and its cells by the names of their columns.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) passage: PassageId,
    pub(crate) cells: BTreeMap<String, Value>,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Number(f64),
    Words(String),
}

impl Facts {
    pub(crate) fn of(analysed: Analysed) -> Facts {
        let mut sentences = vec![];
        for passage in &analysed.passages {
            let headings = passage.headings.join(" ");
            for said in text::sentences(&passage.quote) {
                let (own, stems) = (text::stems(&said), text::stems(&format!("{headings} {said}")));
                let (passage, headings) = (passage.id.clone(), headings.clone());
                sentences.push(Sentence { passage, text: said, headings, own, stems });
            }
        }
        let labels =
            analysed.metrics.iter().map(|metric| text::stems(&format!("{} {}", metric.label, metric.column))).collect();
        Facts { analysed, touched: Mutex::default(), missing: AtomicBool::new(false), sentences, labels }
    }

    /// Forgets what was read: another rule begins.
    pub(crate) fn fresh(&self) {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.missing.store(false, Ordering::Relaxed);
    }

    /// What was read since, as far as the analysis has it.
    pub(crate) fn evidence(&self) -> Vec<PassageId> {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether something was asked for that is not there.
    pub(crate) fn missed(&self) -> bool {
        self.missing.load(Ordering::Relaxed)
    }

    pub(crate) fn miss<T>(&self) -> Option<T> {
        self.missing.store(true, Ordering::Relaxed);
        None
    }

    pub(crate) fn touch<'a>(&self, passages: impl IntoIterator<Item = &'a PassageId>) {
        let mut touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        for id in passages.into_iter().take(OF_ONE_MAX) {
            if touched.len() < EVIDENCE_MAX && !touched.contains(id) && self.analysed.passage(id).is_some() {
                touched.push(id.clone());
            }
        }
    }

    fn read<'a>(&self, metric: &'a Metric) -> &'a Metric {
        self.touch(&metric.evidence);
        metric
    }

    pub(crate) fn metric(&self, id: &str) -> Option<&Metric> {
        let found = self.analysed.metric(&MetricId(id.to_owned())).map(|metric| self.read(metric));
        found.or_else(|| self.miss())
    }

    pub(crate) fn knows(&self, id: &str) -> bool {
        self.analysed.metric(&MetricId(id.to_owned())).is_some_and(|metric| !self.read(metric).evidence.is_empty())
    }

    /// Metrics of one kind whose label has the words, the most telling first.
    fn kind(&self, statistic: Statistic, what: &str) -> Vec<&Metric> {
        let wanted = Wanted::of(what);
        let pairs = self.analysed.metrics.iter().zip(&self.labels);
        pairs
            .filter(|(metric, stems)| metric.statistic == statistic && wanted.found_in(stems))
            .map(|(metric, _)| metric)
            .collect()
    }

    /// Of all rows, or of the last date where rows stand again at every date.
    pub(crate) fn whole(&self, statistic: Statistic, what: &str) -> Option<&Metric> {
        let found = self.kind(statistic, what);
        let all = found.iter().find(|metric| metric.group.is_empty());
        let of_a_date = || {
            found
                .iter()
                .filter(|metric| metric.group.len() == 1 && metric.group.values().all(|value| is_day(value)))
                .max_by_key(|metric| metric.group.values().next().cloned())
        };
        let metric = all.or_else(of_a_date).copied();
        metric.map(|metric| self.read(metric)).or_else(|| self.miss())
    }

    /// The median without outliers where there are some, or of all.
    pub(crate) fn typical(&self, what: &str) -> Option<&Metric> {
        let found = self.kind(Statistic::Median, what).into_iter().find(|metric| metric.group.contains_key("without"));
        found.map(|metric| self.read(metric)).or_else(|| self.whole(Statistic::Median, what))
    }

    /// Medians by group of the most telling column with these words.
    pub(crate) fn groups(&self, what: &str) -> Vec<(String, &Metric)> {
        let named = |metric: &&Metric| {
            !metric.group.contains_key("without") && metric.group.values().any(|value| !is_day(value))
        };
        let all: Vec<&Metric> = self.kind(Statistic::Median, what).into_iter().filter(named).collect();
        let Some(first) = all.first() else { return vec![] };
        let same = all.iter().filter(|metric| metric.table == first.table && metric.column == first.column);
        let name = |metric: &Metric| metric.group.values().find(|value| !is_day(value)).cloned().unwrap_or_default();
        same.map(|metric| (name(metric), self.read(metric))).collect()
    }

    pub(crate) fn outliers(&self, what: &str) -> Vec<(String, &Metric)> {
        let name = |metric: &Metric| metric.group.values().cloned().collect::<Vec<_>>().join(" ");
        self.kind(Statistic::Outlier, what).into_iter().map(|metric| (name(metric), self.read(metric))).collect()
    }

    /// The number in the row and column that are called so.
    pub(crate) fn cell(&self, row: &str, column: &str) -> Option<f64> {
        let (row, column) = (Wanted::of(row), Wanted::of(column));
        for table in &self.analysed.tables {
            let columns = (0..table.columns.len()).filter(|at| column.found_in(&text::stems(&table.columns[*at].name)));
            for at in columns {
                let named =
                    |cells: &Vec<Cell>| cells.first().is_some_and(|cell| row.found_in(&text::stems(&cell.text)));
                // A row without its passage is no evidence, and a row may be shorter than the head.
                for (cells, passage) in table.rows.iter().zip(&table.passages).filter(|(cells, _)| named(cells)) {
                    if let Some(value) = cells.get(at).and_then(number_in) {
                        self.touch([passage]);
                        return Some(value);
                    }
                }
            }
        }
        self.miss()
    }

    /// Rows of tables that have to do with `table`, of which a cell says `cell`.
    pub(crate) fn rows(&self, table: &str, cell: &str) -> Vec<Row> {
        let (wanted, said) = (Wanted::of(table), Wanted::of(cell));
        let mut found = vec![];
        for table in self.analysed.tables.iter().filter(|table| wanted.found_in(&about(table))) {
            for (cells, passage) in table.rows.iter().zip(&table.passages) {
                if found.len() < ROWS_MAX && cells.iter().any(|cell| said.found_in(&text::stems(&cell.text))) {
                    found.push(row(table, cells, passage));
                }
            }
        }
        found
    }

    /// The median of one column over the rows in which another is within a factor of what is wanted.
    pub(crate) fn nearby(&self, what: &str, size: &str, wanted: f64, factor: f64) -> Option<f64> {
        let (what, size) = (Wanted::of(what), Wanted::of(size));
        let mut best: Vec<(f64, &PassageId)> = vec![];
        for table in &self.analysed.tables {
            let named = |words: &Wanted| {
                (0..table.columns.len()).find(|at| words.found_in(&text::stems(&table.columns[*at].name)))
            };
            let (Some(of), Some(by)) = (named(&what), named(&size)) else { continue };
            let near = |cells: &Vec<Cell>| {
                cells.get(by).and_then(number_in).is_some_and(|own| own >= wanted / factor && own <= wanted * factor)
            };
            let rows = table.rows.iter().zip(&table.passages).filter(|(cells, _)| near(cells));
            let found: Vec<_> =
                rows.filter_map(|(cells, passage)| Some((cells.get(of).and_then(number_in)?, passage))).collect();
            if found.len() > best.len() {
                best = found;
            }
        }
        if best.len() < NEARBY_MIN {
            return self.miss();
        }
        best.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (low, high) = (best[(best.len() - 1) / 2], best[best.len() / 2]);
        self.touch([low.1, high.1]);
        Some(low.0 / 2.0 + high.0 / 2.0)
    }

    /// Sentences with the words, under their headings.
    fn said(&self, words: &str) -> impl Iterator<Item = &Sentence> {
        let wanted = Wanted::of(words);
        self.sentences.iter().filter(move |sentence| wanted.found_in(&sentence.stems))
    }

    pub(crate) fn says(&self, words: &str) -> bool {
        let found: Vec<&PassageId> = self.said(words).map(|sentence| &sentence.passage).take(OF_ONE_MAX).collect();
        self.touch(found.iter().copied());
        !found.is_empty()
    }

    /// A sentence that says it itself, whatever stands over it: of the first alternative that one has.
    pub(crate) fn quote(&self, words: &str) -> Option<String> {
        let wanted = Wanted::of(words);
        let found = wanted.alternatives().find_map(|words| {
            self.sentences.iter().find(|sentence| !words.is_empty() && words.is_subset(&sentence.own))
        });
        let quoted = found.map(|sentence| {
            self.touch([&sentence.passage]);
            text::shortened(&sentence.text, 240)
        });
        quoted.or_else(|| self.miss())
    }

    /// Sentences that say it themselves, with whom they say it of; of each thing the first.
    pub(crate) fn told_of(&self, words: &str) -> Vec<(String, &Sentence)> {
        let (wanted, names) = (Wanted::of(words), names::known(&self.analysed));
        let mut found: Vec<(String, &Sentence)> = vec![];
        for (at, sentence) in self.sentences.iter().enumerate() {
            if !wanted.found_in(&sentence.own) {
                continue;
            }
            let before = self.sentences[..at].iter().rev().take_while(|other| other.passage == sentence.passage);
            let subject = names::subject(&names, sentence, before).unwrap_or_default();
            if found.iter().all(|(known, _)| *known != subject) {
                found.push((subject, sentence));
            }
        }
        found
    }

    pub(crate) fn stated(&self, words: &str, unit: &str) -> Option<f64> {
        let mut said = self.said(words);
        let found = said.find_map(|sentence| Some((&sentence.passage, text::number_of(&sentence.text, unit)?)));
        let number = found.map(|(id, number)| {
            self.touch([id]);
            number
        });
        number.or_else(|| self.miss())
    }

    pub(crate) fn mentions(&self, words: &str) -> bool {
        let asked = format!("{} {}", self.analysed.goal, self.analysed.questions.join(" "));
        Wanted::of(words).found_in(&text::stems(&asked))
    }
}

fn is_day(value: &str) -> bool {
    value.len() >= 4 && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// A typed number, or text that is nothing else.
fn number_in(cell: &Cell) -> Option<f64> {
    let typed = cell.value.as_ref().and_then(|value| value.number());
    typed.or_else(|| text::plain_number(&cell.text)).filter(|number| number.is_finite())
}

fn about(table: &Table) -> Stems {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    text::stems(&format!("{} {}", table.title, names.join(" ")))
}

fn row(table: &Table, cells: &[Cell], passage: &PassageId) -> Row {
    let key = |name: &str| {
        let plain = name.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect::<String>();
        plain.split_whitespace().collect::<Vec<_>>().join("_")
    };
    let value = |cell: &Cell| number_in(cell).map_or_else(|| Value::Words(cell.text.clone()), Value::Number);
    let pairs = table.columns.iter().zip(cells).map(|(column, cell)| (key(&column.name), value(cell)));
    let name = cells.iter().find(|cell| !cell.text.trim().is_empty()).map(|cell| cell.text.trim().to_owned());
    Row { name: name.unwrap_or_default(), passage: passage.clone(), cells: pairs.collect() }
}

//! Owns the functions that rules may call: their names, what they take and mean, and how they read the facts.
//! Never an effect: each returns a value of the analysis, and notes which passages it came from.
//! Next: `rules` refuses a call of anything else; `docs/rules.md` lists the same table.

use std::collections::HashMap;
use std::sync::Arc;

use cel::objects::{Key, Map};
use cel::{Context, Env, ExecutionError, Value};
use contract::documents::{Metric, Statistic, printed};

use crate::facts::{self, Facts, Row};
use crate::text::{self, Wanted};

/// A function, as a rule's author knows it.
#[derive(Debug)]
pub struct Function {
    pub name: &'static str,
    pub arguments: &'static [&'static str],
    pub meaning: &'static str,
}

const fn function(name: &'static str, arguments: &'static [&'static str], meaning: &'static str) -> Function {
    Function { name, arguments, meaning }
}

/// Words are alternatives with `|` between; of one of them all words must be there.
pub const ALL: &[Function] = &[
    function("metric", &["id"], "the number with exactly this id"),
    function("known", &["id"], "whether there is a number with this id"),
    function("median", &["words"], "the median over all rows, of the most telling column whose label has the words"),
    function("typical", &["words"], "the same without outliers, where there are some"),
    function("lowest", &["words"], "the smallest value"),
    function("highest", &["words"], "the largest value"),
    function("mean", &["words"], "the mean"),
    function("count", &["words"], "how many rows have a value"),
    function("change", &["words"], "from the first date to the last, as a part of the first: -0.1 is a tenth less"),
    function("groups", &["words"], "medians by group, the largest first: a list of {name, value, shown, of}"),
    function("outliers", &["words"], "what lies far outside: a list of {name, value, shown, of}"),
    function(
        "cell",
        &["row words", "column words"],
        "the number of a table, where the row's first cell and the column's name have the words",
    ),
    function("rows", &["table words", "cell words"], "rows of tables: a list of {name, and each column by its name}"),
    function("field", &["row", "column words"], "a number of such a row, by words of its column's name"),
    function(
        "nearby",
        &["words", "size words", "size", "factor"],
        "the median of a column over the rows (three at least) of which another column is within a factor of a size",
    ),
    function("says", &["words"], "whether a sentence, with the headings over it, has the words"),
    function("quote", &["words"], "a sentence that has the words itself, of the first alternative that one has"),
    function(
        "told",
        &["words"],
        "such sentences with the thing of which they say it (\"\" where no table names one): a list of {name, quote}",
    ),
    function("stated", &["words", "unit"], "the number with this unit in such a sentence"),
    function("mentions", &["words"], "whether the goal or its questions have the words"),
    function("findings", &["words"], "findings that have the words: a list of {id, statement, confidence}"),
    function("conflicts", &["words"], "conflicts that have the words, all for \"\": a list of {about, sides, leaning}"),
    function("gaps", &["words"], "gaps that have the words, all for \"\": a list of {question, why}"),
    function("least", &["a", "b"], "the smaller of two numbers"),
    function("most", &["a", "b"], "the larger of two numbers"),
    function("money", &["number"], "as dollars: $33.33"),
    function("percent", &["part"], "a part as percent: 0.7 is 70 %"),
    function("moved", &["part"], "a part as a change in words: -0.27 fell by 27 %"),
    function("number", &["number"], "with commas at the thousands"),
    function("join", &["list", "words"], "texts of a list, with words between"),
];

type Answer = Result<Value, ExecutionError>;

/// A context with everything that `ALL` lists, over these facts.
pub(crate) fn context(env: &Arc<Env>, facts: &Arc<Facts>) -> Result<Context<'static, 'static>, String> {
    let mut context = Context::with_env(Arc::clone(env));
    numbers(&mut context, facts)?;
    words(&mut context, facts)?;
    shown(&mut context)?;
    context.add_variable_from_value("goal", facts.analysed.goal.clone());
    let questions: Vec<Value> = facts.analysed.questions.iter().map(|question| question.clone().into()).collect();
    context.add_variable_from_value("questions", Value::List(Arc::new(questions)));
    Ok(context)
}

fn missing(what: &str) -> ExecutionError {
    ExecutionError::function_error("facts", format!("the analysis has no {what}"))
}

fn number(found: Option<f64>, what: &str) -> Result<f64, ExecutionError> {
    found.ok_or_else(|| missing(what))
}

fn numeric(value: &Value) -> Result<f64, ExecutionError> {
    match value {
        Value::Float(number) => Ok(*number),
        Value::Int(number) => Ok(*number as f64),
        Value::UInt(number) => Ok(*number as f64),
        other => Err(ExecutionError::function_error("number", format!("{other:?} is no number"))),
    }
}

macro_rules! add {
    ($context:ident, $facts:ident, $name:literal, |$own:ident $(, $argument:ident : $kind:ty)*| $body:expr) => {{
        let $own = Arc::clone($facts);
        $context.add_function($name, move |$($argument: $kind),*| $body).map_err(|why| why.to_string())?;
    }};
}

fn numbers(context: &mut Context<'static, 'static>, facts: &Arc<Facts>) -> Result<(), String> {
    let value = |metric: Option<&Metric>| metric.map(|metric| metric.value);
    add!(context, facts, "metric", |own, id: Arc<String>| number(value(own.metric(&id)), &id));
    add!(context, facts, "known", |own, id: Arc<String>| own.knows(&id));
    add!(context, facts, "median", |own, what: Arc<String>| number(value(own.whole(Statistic::Median, &what)), &what));
    add!(context, facts, "typical", |own, what: Arc<String>| number(value(own.typical(&what)), &what));
    add!(context, facts, "lowest", |own, what: Arc<String>| number(value(own.whole(Statistic::Min, &what)), &what));
    add!(context, facts, "highest", |own, what: Arc<String>| number(value(own.whole(Statistic::Max, &what)), &what));
    add!(context, facts, "mean", |own, what: Arc<String>| number(value(own.whole(Statistic::Mean, &what)), &what));
    add!(context, facts, "count", |own, what: Arc<String>| number(value(own.whole(Statistic::Count, &what)), &what));
    add!(context, facts, "change", |own, what: Arc<String>| number(value(own.whole(Statistic::Trend, &what)), &what));
    add!(context, facts, "groups", |own, what: Arc<String>| metrics(own.groups(&what)));
    add!(context, facts, "outliers", |own, what: Arc<String>| metrics(own.outliers(&what)));
    add!(context, facts, "cell", |own, row: Arc<String>, column: Arc<String>| number(own.cell(&row, &column), &row));
    add!(context, facts, "rows", |own, table: Arc<String>, cell: Arc<String>| {
        Value::List(Arc::new(own.rows(&table, &cell).iter().map(of_row).collect()))
    });
    add!(context, facts, "field", |own, row: Value, column: Arc<String>| number(field(&own, &row, &column), &column));
    add!(context, facts, "nearby", |own, what: Arc<String>, size: Arc<String>, wanted: Value, factor: Value| {
        number(own.nearby(&what, &size, numeric(&wanted)?, numeric(&factor)?), &what)
    });
    add!(context, facts, "stated", |own, words: Arc<String>, unit: Arc<String>| number(
        own.stated(&words, &unit),
        &words
    ));
    Ok(())
}

fn words(context: &mut Context<'static, 'static>, facts: &Arc<Facts>) -> Result<(), String> {
    add!(context, facts, "says", |own, words: Arc<String>| own.says(&words));
    add!(context, facts, "quote", |own, words: Arc<String>| own
        .quote(&words)
        .ok_or_else(|| missing(&words))
        .map(Value::from));
    add!(context, facts, "told", |own, words: Arc<String>| told(&own, &words));
    add!(context, facts, "mentions", |own, words: Arc<String>| own.mentions(&words));
    add!(context, facts, "findings", |own, words: Arc<String>| findings(&own, &words));
    add!(context, facts, "conflicts", |own, words: Arc<String>| conflicts(&own, &words));
    add!(context, facts, "gaps", |own, words: Arc<String>| gaps(&own, &words));
    Ok(())
}

fn shown(context: &mut Context<'static, 'static>) -> Result<(), String> {
    let mut add = |name: &str, told: fn(f64) -> String| {
        context
            .add_function(name, move |value: Value| -> Answer { Ok(told(numeric(&value)?).into()) })
            .map_err(|why| why.to_string())
    };
    add("money", |value| printed::amount(value, Some("USD")))?;
    add("percent", |value| format!("{} %", printed::percent(value)))?;
    add("moved", moved)?;
    add("number", |value| printed::decimal(value, printed::places(value)))?;
    let two = |pick: fn(f64, f64) -> f64| {
        move |one: Value, other: Value| -> Answer { Ok(pick(numeric(&one)?, numeric(&other)?).into()) }
    };
    context.add_function("least", two(f64::min)).map_err(|why| why.to_string())?;
    context.add_function("most", two(f64::max)).map_err(|why| why.to_string())?;
    let join = |list: Arc<Vec<Value>>, between: Arc<String>| -> Answer {
        let told: Vec<String> = list.iter().map(said).collect();
        Ok(told.join(&between).into())
    };
    context.add_function("join", join).map_err(|why| why.to_string())
}

/// A value as words.
pub(crate) fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::List(all) => all.iter().map(said).collect::<Vec<_>>().join(", "),
        Value::Null => "nothing".into(),
        other => numeric(other)
            .map_or_else(|_| format!("{other:?}"), |number| printed::decimal(number, printed::places(number))),
    }
}

fn map(pairs: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let pairs: HashMap<Key, Value> = pairs.into_iter().map(|(key, value)| (Key::from(key), value)).collect();
    Value::Map(Map { map: Arc::new(pairs) })
}

fn list(values: impl IntoIterator<Item = Value>) -> Value {
    Value::List(Arc::new(values.into_iter().collect()))
}

fn metrics(found: Vec<(String, &Metric)>) -> Value {
    list(found.into_iter().map(|(name, metric)| {
        map([
            ("name", name.into()),
            ("value", metric.value.into()),
            ("shown", printed::metric(metric).into()),
            ("of", Value::Int(i64::from(metric.of))),
        ])
    }))
}

fn of_row(row: &Row) -> Value {
    let value = |value: &facts::Value| match value {
        facts::Value::Number(number) => Value::Float(*number),
        facts::Value::Words(words) => words.clone().into(),
    };
    let mut pairs: HashMap<Key, Value> =
        row.cells.iter().map(|(key, cell)| (Key::from(key.as_str()), value(cell))).collect();
    pairs.insert(Key::from("name"), row.name.clone().into());
    pairs.insert(Key::from(PASSAGE), row.passage.0.clone().into());
    Value::Map(Map { map: Arc::new(pairs) })
}

/// Under this key a row leads back to where it stands.
pub(crate) const PASSAGE: &str = "passage";

fn field(facts: &Facts, row: &Value, column: &str) -> Option<f64> {
    let Value::Map(map) = row else { return facts.miss() };
    let wanted = Wanted::of(column);
    // In the order of the names: a map has none of its own.
    let mut pairs: Vec<(String, &Value)> = map.map.iter().map(|(key, value)| (key.to_string(), value)).collect();
    pairs.sort_by(|one, other| one.0.cmp(&other.0));
    let found =
        pairs.iter().filter(|(key, _)| wanted.found_in(&text::stems(key))).find_map(|(_, value)| numeric(value).ok());
    found.or_else(|| facts.miss())
}

fn moved(part: f64) -> String {
    let by = printed::percent(part.abs());
    match part {
        _ if by == "0" => "did not change".into(),
        part if part < 0.0 => format!("fell by {by} %"),
        _ => format!("rose by {by} %"),
    }
}

fn told(facts: &Facts, words: &str) -> Value {
    list(facts.told_of(words).into_iter().map(|(name, sentence)| {
        facts.touch([&sentence.passage]);
        let quote = text::shortened(&sentence.text, 240);
        map([("name", name.into()), ("quote", quote.into()), (PASSAGE, sentence.passage.0.clone().into())])
    }))
}

fn findings(facts: &Facts, words: &str) -> Value {
    let wanted = Wanted::of(words);
    let found = facts.analysed.findings.iter().filter(|finding| wanted.found_in(&text::stems(&finding.statement)));
    list(found.map(|finding| {
        facts.touch(finding.supporting.iter().map(|support| &support.passage));
        let confidence = format!("{:?}", finding.confidence).to_lowercase();
        map([
            ("id", finding.id.clone().into()),
            ("statement", finding.statement.clone().into()),
            ("confidence", confidence.into()),
        ])
    }))
}

fn conflicts(facts: &Facts, words: &str) -> Value {
    let wanted = Wanted::of(words);
    let about = |conflict: &contract::documents::Conflict| {
        let says: Vec<&str> = conflict.sides.iter().map(|side| side.says.as_str()).collect();
        text::stems(&format!("{} {}", conflict.about, says.join(" ")))
    };
    let found = facts.analysed.conflicts.iter().filter(|conflict| wanted.found_in(&about(conflict)));
    list(found.map(|conflict| {
        facts.touch(conflict.sides.iter().map(|side| &side.support.passage));
        let sides = list(conflict.sides.iter().map(|side| side.says.clone().into()));
        let leaning = conflict.leaning.clone().unwrap_or_default();
        map([("about", conflict.about.clone().into()), ("sides", sides), ("leaning", leaning.into())])
    }))
}

fn gaps(facts: &Facts, words: &str) -> Value {
    let wanted = Wanted::of(words);
    let found = facts
        .analysed
        .gaps
        .iter()
        .filter(|gap| wanted.found_in(&text::stems(&format!("{} {}", gap.question, gap.why))));
    list(found.map(|gap| {
        // Where the sources themselves say that they do not tell, those words are the evidence.
        facts.says(&gap.question);
        map([("question", gap.question.clone().into()), ("why", gap.why.clone().into())])
    }))
}

//! Owns the log lines: one flat JSON object each, with the fields of all enclosing spans at top level.
//! Never colours, never nests, never breaks a line: what is logged is data, whoever sent it.
//! Next: `Telemetry::start` installs it for the process; tests and `murmur` may install one of their own.

use std::borrow::Cow;
use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use contract::Clock;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterFn, Targets};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// Every line has these.
pub const LOG_FIELDS_ALWAYS: &[(&str, &str)] = &[
    ("time", "RFC 3339, in UTC, to the millisecond"),
    ("level", "`ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`"),
    ("target", "the module that says it"),
    ("message", "what it says, in words"),
];

/// Every line about a delivery has these besides, as far as they are known by then.
pub const LOG_FIELDS_OF_A_DELIVERY: &[(&str, &str)] = &[
    ("goal", "the goal's id"),
    ("event", "the consumed event's id"),
    ("agent", "the row that consumes it"),
    ("attempt", "which attempt of the step this is, from 1"),
    ("epoch", "the claim's epoch"),
    ("trace_id", "the goal's trace, 32 hex digits"),
];

/// Writes lines to `out`, of what `filter` lets through. Spans down to `info` are kept whatever the filter says,
/// so that a warning still names its goal.
pub fn json_logs(
    filter: Targets,
    clock: Arc<dyn Clock>,
    out: impl Write + Send + 'static,
) -> impl Subscriber + Send + Sync {
    let levels = filter.iter().map(|(_, level)| level).chain(filter.default_level());
    let most = levels.fold(LevelFilter::INFO, Ord::max);
    let wanted = move |about: &Metadata<'_>| {
        (about.is_span() && *about.level() <= Level::INFO) || filter.would_enable(about.target(), about.level())
    };
    let lines = JsonLines { clock, out: Mutex::new(Box::new(out)) };
    Registry::default().with(lines.with_filter(FilterFn::new(wanted).with_max_level_hint(most)))
}

struct JsonLines {
    clock: Arc<dyn Clock>,
    out: Mutex<Box<dyn Write + Send>>,
}

/// In the order in which they were first seen; a later value takes an earlier one's place.
#[derive(Clone, Default)]
struct Fields(Vec<(&'static str, Value)>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for JsonLines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                of_span.0.iter().for_each(|(name, value)| fields.put(name, value.clone()));
            }
        }
        event.record(&mut fields);
        let line = self.line(event.metadata(), &fields);
        // Nobody is there to be told that standard output is gone.
        let _ = self.out.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }
}

impl JsonLines {
    fn line(&self, about: &Metadata<'_>, fields: &Fields) -> String {
        let mut line = String::with_capacity(512);
        let time = Value::String(self.clock.now().to_string());
        put(&mut line, '{', "time", &time);
        put(&mut line, ',', "level", &Value::from(about.level().as_str()));
        put(&mut line, ',', "target", &Value::from(about.target()));
        let message = fields.0.iter().find(|(name, _)| *name == "message").map_or(&Value::Null, |(_, value)| value);
        put(
            &mut line,
            ',',
            "message",
            if message.is_null() { const { &Value::String(String::new()) } } else { message },
        );
        for (name, value) in fields.0.iter().filter(|(name, _)| *name != "message") {
            // Two members of one name would leave the reader to choose.
            let taken = matches!(*name, "time" | "level" | "target");
            let name = if taken { Cow::from(format!("field_{name}")) } else { Cow::from(*name) };
            put(&mut line, ',', &name, value);
        }
        line.push_str("}\n");
        line
    }
}

fn put(line: &mut String, before: char, name: &str, value: &Value) {
    use fmt::Write as _;
    // Writing to a String cannot fail; `Value`'s text has no line break in it.
    let _ = write!(line, "{before}{}:{value}", Value::from(name));
}

impl Fields {
    fn put(&mut self, name: &'static str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.0.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field.name(), format!("{value:?}").into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field.name(), value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field.name(), value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field.name(), value.into());
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field.name(), value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field.name(), value.into());
    }
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(inner) = cause {
            text = format!("{text}: {inner}");
            cause = inner.source();
        }
        self.put(field.name(), text.into());
    }
}

//! Owns what a daemon tells about itself: spans with the ids that the runtime chose, metrics, and JSON logs.
//! Never decides anything, and never fails a delivery: what cannot be exported is dropped.
//! Next: `span` (what was done), `metrics` (how often, how long), `logs` (in words).

mod instruments;
mod logs;
mod metrics;
mod otlp;
mod outage;
mod reference;
mod span;

use std::sync::Arc;
use std::time::Duration;

use contract::DaemonName;
use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{SimpleSpanProcessor, SpanExporter, SpanProcessor};

pub use instruments::{INSTRUMENTS, Instrument, InstrumentKind};
pub use logs::{LOG_FIELDS_ALWAYS, LOG_FIELDS_OF_A_DELIVERY, json_logs};
pub use metrics::{BatchKind, ClaimOutcome, Metrics};
pub use outage::Outage;
pub use reference::{logs_reference, metrics_reference, spans_reference};
pub use span::{SPAN_ATTRIBUTES, Span, SpanKind};

use crate::config::Config;
use crate::ports::SystemClock;

/// Where spans and counts go. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Telemetry(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    spans: Option<Box<dyn SpanProcessor>>,
    scope: InstrumentationScope,
    metrics: Metrics,
}

/// Flushes on drop: keep it in `main` until everything else has ended.
#[derive(Debug)]
#[must_use = "telemetry that is not flushed loses its last spans"]
pub struct TelemetryGuard(Telemetry);

#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("somebody else has taken the logs already")]
    LogsTaken,
    #[error("the OTLP exporter does not start: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// What a shutdown may wait for a collector that does not answer.
const FLUSH_MAX: Duration = Duration::from_secs(5);

impl Telemetry {
    /// No exporter; what is counted can be asked for all the same.
    pub fn off() -> Telemetry {
        Telemetry::of(None, Metrics::new(SdkMeterProvider::builder()))
    }

    /// Every span goes to this exporter as soon as it is recorded.
    pub fn with_span_exporter(exporter: impl SpanExporter + 'static) -> Telemetry {
        let spans = Box::new(SimpleSpanProcessor::new(exporter));
        Telemetry::of(Some(spans), Metrics::new(SdkMeterProvider::builder()))
    }

    /// Logs to standard output, and traces and metrics by OTLP where the configuration names a collector.
    pub fn start(config: &Config, daemon: &DaemonName) -> Result<(Telemetry, TelemetryGuard), TelemetryError> {
        let logs = json_logs(config.log.filter.clone(), Arc::new(SystemClock), std::io::stdout());
        tracing::subscriber::set_global_default(logs).map_err(|_| TelemetryError::LogsTaken)?;
        let telemetry = match &config.otlp_endpoint {
            None => Telemetry::off(),
            Some(collector) => {
                let resource = otlp::resource(daemon);
                let spans = otlp::spans(collector, &resource)?;
                Telemetry::of(Some(Box::new(spans)), Metrics::new(otlp::metrics(collector, resource)?))
            }
        };
        Ok((telemetry.clone(), TelemetryGuard(telemetry)))
    }

    fn of(spans: Option<Box<dyn SpanProcessor>>, metrics: Metrics) -> Telemetry {
        let scope = InstrumentationScope::builder("murmuration").with_version(env!("CARGO_PKG_VERSION")).build();
        Telemetry(Arc::new(Inner { spans, scope, metrics }))
    }

    /// A finished span. Returns at once: exporting happens elsewhere.
    pub fn record(&self, span: Span) {
        if let Some(spans) = &self.0.spans {
            spans.on_end(span.into_data(&self.0.scope));
        }
    }

    /// Whether anybody wants spans: without an exporter, none need be made.
    pub fn traces(&self) -> bool {
        self.0.spans.is_some()
    }

    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }
}

impl Drop for TelemetryGuard {
    fn drop(&mut self) {
        // A collector that is away must not keep a daemon from ending.
        if let Some(spans) = &self.0.0.spans {
            let _ = spans.shutdown_with_timeout(FLUSH_MAX);
        }
        let _ = self.0.metrics().provider().shutdown_with_timeout(FLUSH_MAX);
    }
}

//! Owns the way to a collector: OTLP as http/protobuf, for spans and metrics, on threads of its own.
//! Never a tokio runtime: the export threads have none, so the client is the blocking one.
//! Next: `Telemetry::start` puts these together.

use contract::DaemonName;
use opentelemetry::KeyValue;
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{MeterProviderBuilder, PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanProcessor as _};
use url::Url;

/// Who it is that tells. `OTEL_RESOURCE_ATTRIBUTES` may add to it, as everywhere.
pub(super) fn resource(daemon: &DaemonName) -> Resource {
    Resource::builder()
        .with_service_name(daemon.to_string())
        .with_attribute(KeyValue::new("service.namespace", "murmuration"))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Drops spans rather than keep anybody waiting, when the collector is slow.
pub(super) fn spans(collector: &Url, resource: &Resource) -> Result<BatchSpanProcessor, ExporterBuildError> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(signal(collector, "v1/traces"))
        .build()?;
    let mut spans = BatchSpanProcessor::builder(exporter).build();
    spans.set_resource(resource);
    Ok(spans)
}

pub(super) fn metrics(collector: &Url, resource: Resource) -> Result<MeterProviderBuilder, ExporterBuildError> {
    let exporter = MetricExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(signal(collector, "v1/metrics"))
        .build()?;
    let reader = PeriodicReader::builder(exporter).build();
    Ok(SdkMeterProvider::builder().with_resource(resource).with_reader(reader))
}

/// The collector's address, with or without a slash at its end, and the signal's path behind it.
fn signal(collector: &Url, path: &str) -> String {
    format!("{}/{path}", collector.as_str().trim_end_matches('/'))
}

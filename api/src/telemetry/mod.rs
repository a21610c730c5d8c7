//! The log of a server, and its traces: lines on the standard error, spans to a collector of OpenTelemetry where the
//! settings name one.
//!
//! Spans for traces are of the level debug, so that without a collector nobody makes them.

mod lines;
mod sending;

use std::io::IsTerminal as _;
use std::time::Duration;

use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderMap;
use opentelemetry::KeyValue;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::Span;
use tracing::field::Empty;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use self::lines::{Lines, Writing};
use self::sending::Sender;
use crate::config::{Config, LogFormat};

/// How long the last spans may take to reach the collector when the server stops.
const FLUSH: Duration = Duration::from_secs(3);
/// How long the collector may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The spans that are for traces alone.
const TARGET: &str = "suishoupai_api::trace";

/// What has to be ended with the server.
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    /// Ended last, by being dropped.
    _lines: Writing,
}

/// Starts the log and the traces of this process.
///
/// # Errors
/// In words: a filter that cannot be read, a log that was started before, a collector whose address is none.
pub fn start(config: &Config) -> Result<Telemetry, String> {
    let filter =
        EnvFilter::builder().parse(&config.log.level).map_err(|error| format!("log.level: {error}"))?;
    let (writer, writing) =
        Lines::start(std::io::stderr()).map_err(|error| format!("the log cannot be started: {error}"))?;
    let lines =
        tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(std::io::stderr().is_terminal());
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match config.log.format {
        LogFormat::Text => lines.boxed(),
        // The members of a line are those of its event; the request or job that it belongs to is `span`.
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    let traces = provider(config)?;
    let spans = traces.as_ref().map(|traces| {
        let ours = Targets::new()
            .with_target("suishoupai_api", LevelFilter::DEBUG)
            .with_target("suishoupai_storage", LevelFilter::DEBUG)
            // The request has a span of its own for traces.
            .with_target("suishoupai_api::http::request_id", LevelFilter::OFF);
        tracing_opentelemetry::layer().with_tracer(traces.tracer("suishoupai")).with_filter(ours)
    });
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(spans)
        .try_init()
        .map_err(|error| format!("the log cannot be started: {error}"))?;
    Ok(Telemetry { traces, _lines: writing })
}

fn provider(config: &Config) -> Result<Option<SdkTracerProvider>, String> {
    let settings = &config.telemetry;
    let Some(endpoint) = &settings.otlp_endpoint else { return Ok(None) };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Sender::new()?)
        .with_endpoint(format!("{endpoint}/v1/traces"))
        .with_timeout(TIMEOUT)
        .build()
        .map_err(|error| format!("telemetry.otlp_endpoint: {error}"))?;
    let resource = Resource::builder_empty().with_attributes([
        KeyValue::new("service.name", settings.service_name.clone()),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", hex::encode(rand::random::<[u8; 8]>())),
    ]);
    let share = Sampler::TraceIdRatioBased(settings.sample_share);
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(share)))
        .with_resource(resource.build());
    Ok(Some(provider.build()))
}

impl Telemetry {
    /// Sends what has not been sent.
    pub async fn stop(self) {
        let Some(traces) = self.traces.clone() else { return };
        let stopping = tokio::task::spawn_blocking(move || traces.shutdown_with_timeout(FLUSH));
        if let Ok(Err(error)) = stopping.await {
            tracing::warn!(%error, "the last traces may be lost");
        }
    }
}

/// The span of a request for traces; it continues the trace of whoever called.
pub(crate) fn request_span(request: &ServiceRequest, request_id: &str) -> Span {
    let span = tracing::debug_span!(
        target: TARGET,
        "request",
        otel.kind = "server",
        otel.name = %request.method(),
        otel.status_code = Empty,
        http.request.method = %request.method(),
        http.route = Empty,
        http.response.status_code = Empty,
        request_id,
    );
    if !span.is_disabled() {
        let parent = TraceContextPropagator::new().extract(&Headers(request.headers()));
        // It is refused only for a span that has been entered.
        drop(span.set_parent(parent));
    }
    span
}

/// Says in the span of a request what came of it.
pub(crate) fn record_answer(span: &Span, method: &str, route: Option<&str>, status: u16) {
    if span.is_disabled() {
        return;
    }
    if let Some(route) = route {
        span.record("http.route", route);
        // The name cannot be recorded any more once the span has been entered.
        span.context().span().update_name(format!("{method} {route}"));
    }
    span.record("http.response.status_code", status);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(actix_web::http::header::HeaderName::as_str).collect()
    }
}

//! A collector of traces: takes what OpenTelemetry sends by HTTP, and keeps it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use prost::Message;

/// A span as it was sent.
#[derive(Clone, Debug)]
pub struct TracedSpan {
    /// Its trace, hexadecimal.
    pub trace: String,
    /// Itself, hexadecimal.
    pub id: String,
    /// The span that it is part of, hexadecimal; empty for the first of its trace.
    pub parent: String,
    /// Its name.
    pub name: String,
    /// Whether it is of a server that answers a request.
    pub is_server: bool,
    /// Its attributes as text.
    pub attributes: std::collections::BTreeMap<String, String>,
    /// The name of the service.
    pub service: String,
}

/// A collector on a port of its own, until the test ends.
pub struct Collector {
    address: SocketAddr,
    spans: Arc<Mutex<Vec<TracedSpan>>>,
}

impl Collector {
    /// Starts it.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let spans: Arc<Mutex<Vec<TracedSpan>>> = Arc::default();
        let kept = Arc::clone(&spans);
        // Ends with the process of the tests; nobody waits for it.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, kept) = (stream.unwrap(), Arc::clone(&kept));
                std::thread::spawn(move || take(&stream, &kept));
            }
        });
        Self { address, spans }
    }

    /// The setting `telemetry.otlp_endpoint`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has come so far.
    pub fn spans(&self) -> Vec<TracedSpan> {
        self.spans.lock().unwrap().clone()
    }
}

/// Takes the requests of one connection.
fn take(stream: &TcpStream, kept: &Mutex<Vec<TracedSpan>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        let mut first = String::new();
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        assert!(first.starts_with("POST /v1/traces HTTP/1.1"), "{first}");
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let sent = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
        kept.lock().unwrap().extend(spans(sent));
        let mut stream = stream;
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).unwrap();
    }
}

fn spans(sent: ExportTraceServiceRequest) -> Vec<TracedSpan> {
    let mut found = Vec::new();
    for resource in sent.resource_spans {
        let of_resource = texts(resource.resource.map(|resource| resource.attributes).unwrap_or_default());
        let service = of_resource.get("service.name").cloned().unwrap_or_default();
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            found.push(TracedSpan {
                trace: hex::encode(&span.trace_id),
                id: hex::encode(&span.span_id),
                parent: hex::encode(&span.parent_span_id),
                name: span.name,
                is_server: span.kind == 2,
                attributes: texts(span.attributes),
                service: service.clone(),
            });
        }
    }
    found
}

fn texts(attributes: Vec<KeyValue>) -> std::collections::BTreeMap<String, String> {
    let text = |value: Option<Value>| match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(flag)) => flag.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    };
    attributes.into_iter().map(|one| (one.key, text(one.value.and_then(|value| value.value)))).collect()
}

//! How traces reach the collector: by the client and the TLS that the bucket is spoken to with.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;

/// Longer answers of a collector are cut.
const MAX_ANSWER: usize = 64 << 10;

/// A client whose requests are made by the server's runtime: traces are sent by a thread without one.
#[derive(Debug)]
pub(super) struct Sender {
    client: reqwest_of_s3::Client,
    runtime: Handle,
    /// Whether the last try failed, which is logged once.
    failing: AtomicBool,
}

impl Sender {
    pub(super) fn new() -> Result<Self, String> {
        let client = reqwest_of_s3::Client::builder().redirect(reqwest_of_s3::redirect::Policy::none());
        let client = client.build().map_err(|error| format!("telemetry: {error}"))?;
        let runtime = Handle::try_current().map_err(|error| format!("telemetry: {error}"))?;
        Ok(Self { client, runtime, failing: AtomicBool::new(false) })
    }

    fn note(&self, trouble: Option<&str>) {
        let was_failing = self.failing.swap(trouble.is_some(), Ordering::Relaxed);
        match trouble {
            Some(trouble) if !was_failing => tracing::warn!(trouble, "traces do not reach the collector"),
            None if was_failing => tracing::info!("traces reach the collector again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move {
            let answer = client.execute(request.try_into()?).await?;
            let mut head = Response::builder().status(answer.status());
            if let Some(headers) = head.headers_mut() {
                headers.clone_from(answer.headers());
            }
            let mut body = answer.bytes().await?;
            body.truncate(MAX_ANSWER);
            Ok::<_, HttpError>(head.body(body)?)
        });
        let outcome = match sent.await {
            Ok(outcome) => outcome,
            Err(stopped) => Err(stopped.into()),
        };
        match &outcome {
            Ok(answer) if answer.status().is_success() => self.note(None),
            Ok(answer) => self.note(Some(answer.status().as_str())),
            Err(error) => self.note(Some(&error.to_string())),
        }
        outcome
    }
}

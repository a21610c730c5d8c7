//! Clients that send the body of a request too slowly, or not at all, are cut off: each holds a connection and memory.

use std::io::ErrorKind;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage as _};
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

use crate::services::Services;

/// Bytes a second that are enough to go on; what the slowest phone network still carries.
const BYTES_A_SECOND: u64 = 1024;

/// Middleware: ends the body of a request with an error once it has paused for `http.body_timeout_seconds`, or has come so
/// slowly that this time is used up.
///
/// # Errors
/// Only those of the services inside.
pub async fn cut_off_slow<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let services = request.app_data::<Data<Services>>();
    let patience = services.map(|services| Duration::from_secs(services.config.http.body_timeout_seconds));
    if let Some(patience) = patience
        && matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH)
    {
        let payload = request.take_payload();
        request.set_payload(paced(payload, patience));
    }
    next.call(request).await
}

/// The same body, with an end to waiting for it.
fn paced(payload: Payload, patience: Duration) -> Payload {
    let start = Instant::now();
    let parts = stream::unfold((payload, 0u64), move |(mut payload, received)| async move {
        // What has arrived is taken first, so that a server which is slow itself cuts nobody off.
        let deadline = start + patience + Duration::from_secs(received / BYTES_A_SECOND);
        let next = match timeout_at(deadline, payload.next()).await {
            Ok(next) => next?,
            Err(_) => {
                let slow = std::io::Error::new(ErrorKind::TimedOut, "it came too slowly");
                Err(PayloadError::Incomplete(Some(slow)))
            }
        };
        let received = received + next.as_ref().map_or(0, |bytes| bytes.len() as u64);
        Some((next, (payload, received)))
    });
    // Readers of forms ask again after the end.
    Payload::Stream { payload: Box::pin(parts.fuse()) }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    /// A body of which so many parts have arrived, and that then ends or waits for ever.
    fn body(parts: usize, ends: bool) -> Payload {
        let arrived = stream::iter((0..parts).map(|_| Ok(Bytes::from_static(b"parts"))));
        match ends {
            true => Payload::Stream { payload: Box::pin(arrived) },
            false => Payload::Stream { payload: Box::pin(arrived.chain(stream::pending())) },
        }
    }

    #[tokio::test]
    async fn what_has_arrived_is_taken_and_what_does_not_come_is_cut_off() {
        // Without any patience, so that nothing has to be waited for.
        for (parts, ends) in [(3, true), (0, true), (3, false), (0, false)] {
            let mut paced = paced(body(parts, ends), Duration::ZERO);
            for _ in 0..parts {
                assert_eq!(paced.next().await.unwrap().unwrap(), "parts");
            }
            match paced.next().await {
                None => assert!(ends && paced.next().await.is_none(), "the end stays the end"),
                Some(outcome) => assert!(!ends && matches!(outcome, Err(PayloadError::Incomplete(Some(_))))),
            }
        }
    }
}

//! A server that is told to stop says so for a while before it takes no more requests: `/readyz` answers 503, and every
//! answer ends its connection, so that balancers and clients turn to another server and nobody is cut off.

use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::middleware::Next;
use actix_web::web::Data;

use crate::services::Services;

/// Whether the server is about to stop.
#[derive(Debug, Default)]
pub struct Leaving(AtomicBool);

impl Leaving {
    /// From now on the server says that it is leaving.
    pub fn begin(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it says so.
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Middleware: ends the connection with the answer while the server is leaving.
///
/// # Errors
/// Only those of the services inside.
pub async fn close_when_leaving<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let services = request.app_data::<Data<Services>>().cloned();
    let mut outcome = next.call(request).await;
    // Asked afterwards: what was under way when the stop came is among the last answers too.
    if services.is_some_and(|services| services.leaving.has_begun()) {
        match &mut outcome {
            Ok(answer) => answer.response_mut().head_mut().set_connection_type(ConnectionType::Close),
            Err(error) => error.add_response_mapper(|mut response| {
                response.head_mut().set_connection_type(ConnectionType::Close);
                response
            }),
        }
    }
    outcome
}

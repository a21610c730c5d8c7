//! The listener for Prometheus: it knows `GET /metrics` and nothing else.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::http::header::ContentType;
use actix_web::{App, HttpResponse, HttpServer, web};
use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;

use crate::app::StartError;
use crate::problem::Problem;
use crate::services::Services;

/// How long whoever asks waits for a fresh count of tickets and jobs before the last one is told.
const PATIENCE: Duration = Duration::from_secs(2);

/// The listener, bound.
pub(crate) struct Listening {
    server: Server,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Listening {
    /// Serves until it is stopped by the answer.
    pub(crate) fn start(self) -> ServerHandle {
        let handle = self.server.handle();
        tokio::spawn(async move {
            if let Err(error) = self.server.await {
                tracing::error!(%error, "metrics are not served any more");
            }
        });
        handle
    }
}

/// Binds the listener, if the settings ask for one.
///
/// # Errors
/// Where the address cannot be had.
pub(crate) fn bind(services: &Services) -> Result<Option<Listening>, StartError> {
    let Some(listen) = services.config.metrics.listen else { return Ok(None) };
    let io = |source| StartError::Io { what: format!("cannot listen on {listen} (metrics.listen)"), source };
    let listener = TcpListener::bind(listen).map_err(io)?;
    let address = listener.local_addr().map_err(io)?;
    let shared = web::Data::new(services.clone());
    let server = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .route("/metrics", web::get().to(metrics))
            .default_service(web::to(|| async { HttpResponse::NotFound().body("GET /metrics\n") }))
    })
    .workers(1)
    .max_connections(64)
    .client_request_timeout(Duration::from_secs(5))
    .shutdown_timeout(1)
    .disable_signals()
    .listen(listener)
    .map_err(io)?
    .run();
    Ok(Some(Listening { server, address }))
}

async fn metrics(services: web::Data<Services>) -> HttpResponse {
    let counting = tokio::spawn({
        let services = Services::clone(&services);
        async move {
            if let Err(fail) = services.metrics.counted.refresh(&services).await {
                tracing::warn!(problem = %Problem::from(fail), "tickets and jobs could not be counted");
            }
        }
    });
    // A count that takes longer goes on, and is told the next time.
    drop(tokio::time::timeout(PATIENCE, counting).await);
    let text = web::block(move || services.metrics.text()).await;
    match text {
        Ok(Ok(text)) => HttpResponse::Ok().content_type(CONTENT_TYPE).body(text),
        _ => HttpResponse::InternalServerError().content_type(ContentType::plaintext()).body("failed\n"),
    }
}

//! Answers what no route took: 405 with the methods of the address, or 404; and HEAD wherever GET is taken.

use std::collections::HashMap;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ResourceDef, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, ResponseError as _, web};
use bytes::Bytes;

use crate::lang::Text;
use crate::problem::{Code, Problem};

/// Every route of the server, to tell a wrong method from a wrong address.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    table: Vec<(ResourceDef, Vec<Method>)>,
    /// Where in the table a pattern stands.
    by_pattern: HashMap<String, usize>,
}

impl Routes {
    /// The routes as (method, pattern) such as `(GET, "/api/v1/tickets/{id}")`, in any order.
    ///
    /// Patterns are those of the routes themselves, so they are sound whenever the server starts at all.
    pub fn new(routes: impl IntoIterator<Item = (Method, String)>) -> Self {
        let mut all = Self::default();
        for (method, pattern) in routes {
            if let Some((_, methods)) = all.by_pattern.get(&pattern).and_then(|at| all.table.get_mut(*at)) {
                methods.push(method);
                continue;
            }
            all.table.push((ResourceDef::new(pattern.as_str()), vec![method]));
            all.by_pattern.insert(pattern, all.table.len() - 1);
        }
        for (_, methods) in &mut all.table {
            if methods.contains(&Method::GET) {
                methods.push(Method::HEAD);
            }
            methods.sort_by(|a, b| a.as_str().cmp(b.as_str()));
            methods.dedup();
        }
        all
    }

    /// The methods of the route that has exactly this address as its pattern.
    fn literal(&self, path: &str) -> Option<&[Method]> {
        let route = self.by_pattern.get(path).and_then(|at| self.table.get(*at));
        route.map(|(_, methods)| methods.as_slice())
    }

    /// The methods that the address takes, as the value of `Allow`; empty if there is no such address.
    fn allowed(&self, path: &str) -> String {
        let mut names: Vec<&str> = Vec::new();
        if let Some(methods) = self.literal(path) {
            names.extend(methods.iter().map(Method::as_str));
        } else {
            let matching = self.table.iter().filter(|(pattern, _)| pattern.is_match(path));
            names.extend(matching.flat_map(|(_, methods)| methods).map(Method::as_str));
        }
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    }
}

/// The default service: no route took the request.
pub async fn fallback(request: HttpRequest, routes: web::Data<Routes>) -> Problem {
    refusal(&routes, request.path())
}

fn refusal(routes: &Routes, path: &str) -> Problem {
    let allowed = routes.allowed(path);
    if allowed.is_empty() {
        return Problem::new(Code::NotFound);
    }
    let detail = Text::new(format!("可用的方法：{allowed}"), format!("this address takes {allowed}"));
    Problem::new(Code::MethodNotAllowed).detail(detail).allow(allowed)
}

/// Middleware: an address that is a route's pattern letter by letter is not also another route's `{id}`, so that
/// GET of `/reports/form` is a wrong method and not a wrong key.
///
/// # Errors
/// Only those of the services inside.
pub async fn literal_first(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let routes = request.app_data::<web::Data<Routes>>().cloned();
    let wrong = routes.filter(|routes| {
        routes.literal(request.path()).is_some_and(|methods| !methods.contains(request.method()))
    });
    match wrong {
        Some(routes) => {
            let problem = refusal(&routes, request.path());
            Ok(request.into_response(problem.error_response()))
        }
        None => Ok(next.call(request).await?.map_into_boxed_body()),
    }
}

/// Middleware: answers HEAD by the route for GET, without the body (RFC 9110, section 9.3.2).
///
/// # Errors
/// Only those of the services inside.
pub async fn head_as_get(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if request.method() != Method::HEAD {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    request.head_mut().method = Method::GET;
    let answer = next.call(request).await?;
    Ok(answer.map_body(|_, body| BoxBody::new(Unsent(body.size()))))
}

/// A body that has a length, so that `Content-Length` is that of GET, and no bytes.
struct Unsent(BodySize);

impl MessageBody for Unsent {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use actix_web::http::header;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, HttpServer};

    use super::*;
    use crate::problem::localise;

    #[actix_web::get("/tickets/{id}")]
    async fn read() -> &'static str {
        "twelve bytes"
    }

    #[actix_web::delete("/tickets/{id}")]
    async fn remove() -> &'static str {
        ""
    }

    #[actix_web::post("/tickets/form")]
    async fn form() -> &'static str {
        ""
    }

    fn routes() -> web::Data<Routes> {
        let ticket = "/tickets/{id}";
        web::Data::new(Routes::new([
            (Method::DELETE, ticket.to_owned()),
            (Method::GET, ticket.to_owned()),
            (Method::POST, "/tickets/form".to_owned()),
        ]))
    }

    macro_rules! app {
        () => {
            App::new()
                .app_data(routes())
                .wrap(from_fn(literal_first))
                .wrap(from_fn(localise))
                .wrap(from_fn(head_as_get))
                .service(form)
                .service(read)
                .service(remove)
                .default_service(web::to(fallback))
        };
    }

    #[actix_web::test]
    async fn a_wrong_method_is_told_from_a_wrong_address() {
        let app = init_service(app!()).await;
        let rows = [
            (Method::GET, "/tickets/1", 200, None),
            (Method::DELETE, "/tickets/1", 200, None),
            (Method::HEAD, "/tickets/1", 200, None),
            (Method::POST, "/tickets/1", 405, Some("DELETE, GET, HEAD")),
            (Method::OPTIONS, "/tickets/1", 405, Some("DELETE, GET, HEAD")),
            (Method::POST, "/tickets/form", 200, None),
            (Method::GET, "/tickets/form", 405, Some("POST")),
            (Method::DELETE, "/tickets/form", 405, Some("POST")),
            (Method::GET, "/tickets", 404, None),
            (Method::POST, "/tickets/1/2", 404, None),
            (Method::HEAD, "/absent", 404, None),
        ];
        for (method, path, status, allow) in rows {
            let request = TestRequest::default().method(method.clone()).uri(path).to_request();
            let response = call_service(&app, request).await;
            assert_eq!(response.status().as_u16(), status, "{method} {path}");
            assert_eq!(
                response.headers().get(header::ALLOW).map(|v| v.to_str().unwrap()),
                allow,
                "{method} {path}"
            );
            if status >= 400 {
                assert_eq!(response.headers().get(header::CONTENT_TYPE).unwrap(), "application/problem+json");
            }
        }
    }

    #[actix_web::test]
    async fn on_the_wire_head_has_the_length_of_get_and_no_body() {
        let server = HttpServer::new(|| app!()).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let text = web::block(move || {
            let mut socket = std::net::TcpStream::connect(address).unwrap();
            let twice = "HEAD /tickets/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /tickets/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            socket.write_all(twice.as_bytes()).unwrap();
            let mut text = String::new();
            socket.read_to_string(&mut text).unwrap();
            text
        })
        .await
        .unwrap();
        handle.stop(false).await;
        assert_eq!(text.matches("content-length: 12").count(), 2, "{text}");
        assert_eq!(text.matches("twelve bytes").count(), 1, "{text}");
    }
}

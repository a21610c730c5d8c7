//! One list of routes, read for three purposes: to serve them, to describe them in the contract, and to know their addresses.

use actix_web::dev::HttpServiceFactory;
use actix_web::http::Method;
use actix_web::web;
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::HttpMethod;
use utoipa_actix_web::OpenApiFactory;

/// What reads the list. To describe a route takes thousands of small objects, so the workers that only serve it are
/// spared them: what they left behind took a third of the memory of an idle server.
pub struct Registrar<'a> {
    purpose: Purpose<'a>,
    scope: &'static str,
}

enum Purpose<'a> {
    Serve(&'a mut web::ServiceConfig),
    Describe(&'a mut OpenApi),
    Know(&'a mut Vec<(Method, String)>),
}

impl<'a> Registrar<'a> {
    /// Registers the routes at a worker.
    pub fn serving(config: &'a mut web::ServiceConfig) -> Self {
        Self { purpose: Purpose::Serve(config), scope: "" }
    }

    /// Adds the operations of the routes, and the schemas that they name, to a contract.
    pub fn describing(api: &'a mut OpenApi) -> Self {
        Self { purpose: Purpose::Describe(api), scope: "" }
    }

    /// Lists the routes as method and pattern, such as `(GET, "/api/v1/tickets/{id}")`.
    pub fn knowing(routes: &'a mut Vec<(Method, String)>) -> Self {
        Self { purpose: Purpose::Know(routes), scope: "" }
    }

    /// One route.
    pub fn service<R>(&mut self, route: R) -> &mut Self
    where
        R: HttpServiceFactory + OpenApiFactory + utoipa::Path + 'static,
    {
        let scope = self.scope;
        match &mut self.purpose {
            Purpose::Serve(config) => {
                config.service(route);
            }
            Purpose::Describe(api) => describe(api, scope, &route),
            Purpose::Know(routes) => {
                let path = format!("{scope}{}", R::path());
                routes.extend(R::methods().iter().map(|method| (method_of(method), path.clone())));
            }
        }
        self
    }

    /// The routes of a module.
    pub fn configure(&mut self, register: impl FnOnce(&mut Registrar<'_>)) -> &mut Self {
        register(self);
        self
    }

    /// Routes whose addresses begin with `scope`. Scopes do not stand in one another.
    pub fn scope(&mut self, scope: &'static str, register: impl FnOnce(&mut Registrar<'_>)) -> &mut Self {
        match &mut self.purpose {
            Purpose::Serve(config) => {
                let within = web::scope(scope).configure(|inner| register(&mut Registrar::serving(inner)));
                config.service(within);
            }
            Purpose::Describe(api) => register(&mut Registrar { purpose: Purpose::Describe(api), scope }),
            Purpose::Know(routes) => register(&mut Registrar { purpose: Purpose::Know(routes), scope }),
        }
        self
    }
}

fn describe(api: &mut OpenApi, scope: &str, route: &impl OpenApiFactory) {
    let mut described = route.paths();
    described.paths =
        described.paths.into_iter().map(|(path, item)| (format!("{scope}{path}"), item)).collect();
    api.paths.merge(described);
    let mut schemas = Vec::new();
    route.schemas(&mut schemas);
    api.components.get_or_insert_default().schemas.extend(schemas);
}

fn method_of(method: &HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
}

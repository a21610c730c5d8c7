//! The parameters of a path.

use std::future::{Ready, ready};

use actix_router::PathDeserializer;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;

use super::explain::{Style, explain};
use super::nul_text;
use crate::problem::{Code, FieldProblem, Problem};

/// The parameters of the path of a request: one value, a tuple in their order, or a struct by their names.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T> Path<T> {
    /// The value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T: DeserializeOwned> FromRequest for Path<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request).map(Self))
    }
}

fn parse<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Problem> {
    let found = request.match_info();
    // The router leaves some escapes for the reader of the path to decode.
    if let Some((name, _)) = found.iter().find(|(_, value)| value.contains('\0') || value.contains("%00")) {
        let wrong = FieldProblem { pointer: name.to_owned(), code: "nul_character", message: nul_text() };
        return Err(Problem::new(Code::InvalidPath).fields([wrong]));
    }
    serde_path_to_error::deserialize(PathDeserializer::new(found)).map_err(|error| {
        let mut wrong = explain(error.path(), &error.inner().to_string(), Style::Name);
        // A single value and a tuple know no names; the route does.
        let place = if wrong.pointer.is_empty() { Some(0) } else { wrong.pointer.parse().ok() };
        if let Some((name, _)) = place.and_then(|place| found.iter().nth(place)) {
            wrong.pointer = name.to_owned();
        }
        Problem::new(Code::InvalidPath).fields([wrong])
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use actix_web::{App, web};
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Both {
        ticket: i64,
        photo: u32,
    }

    async fn get(path: &str) -> (u16, String) {
        let app = init_service(
            App::new()
                .route("/one/{id}", web::get().to(|Path(id): Path<i64>| async move { id.to_string() }))
                .route("/name/{name}", web::get().to(|Path(name): Path<String>| async move { name }))
                .route(
                    "/two/{ticket}/{photo}",
                    web::get().to(|Path((a, b)): Path<(i64, u32)>| async move { format!("{a} {b}") }),
                )
                .route(
                    "/both/{ticket}/{photo}",
                    web::get().to(|Path(both): Path<Both>| async move {
                        format!("{} {}", both.ticket, both.photo)
                    }),
                ),
        )
        .await;
        let response = call_service(&app, TestRequest::get().uri(path).to_request()).await;
        let status = response.status().as_u16();
        (status, String::from_utf8(read_body(response).await.to_vec()).unwrap())
    }

    #[actix_web::test]
    async fn right_parameters_are_read_and_decoded() {
        let rows =
            [("/one/-7", "-7"), ("/name/a%2Fb%E7%A0%81", "a/b码"), ("/two/7/8", "7 8"), ("/both/7/8", "7 8")];
        for (path, body) in rows {
            assert_eq!(get(path).await, (200, body.to_owned()), "{path}");
        }
    }

    #[actix_web::test]
    async fn a_wrong_parameter_is_named() {
        let rows = [
            ("/one/x", "id", "wrong_type"),
            ("/one/99999999999999999999", "id", "wrong_type"),
            ("/two/7/x", "photo", "wrong_type"),
            ("/two/x/7", "ticket", "wrong_type"),
            ("/both/7/-1", "photo", "wrong_type"),
            ("/name/a%00", "name", "nul_character"),
        ];
        for (path, name, code) in rows {
            let (status, body) = get(path).await;
            assert_eq!(status, 400, "{path}: {body}");
            let body: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(body["code"], "invalid_path");
            assert_eq!(
                (&body["errors"][0]["pointer"], &body["errors"][0]["code"]),
                (&name.into(), &code.into()),
                "{body}"
            );
        }
    }
}

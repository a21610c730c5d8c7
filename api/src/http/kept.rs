//! Answers that caches and clients may keep: with the tag of their version, and without a body for whoever has that.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};

use crate::service::digest;

/// The body of an answer.
#[derive(Debug)]
pub struct Kept {
    bytes: Bytes,
    tag: String,
}

impl From<Vec<u8>> for Kept {
    fn from(bytes: Vec<u8>) -> Self {
        let tag = format!("\"{}\"", hex::encode(&digest(&bytes)[..16]));
        Self { bytes: bytes.into(), tag }
    }
}

impl Kept {
    /// Answers a request for it; `cache` says who may keep it for how long.
    pub(crate) fn answer(
        &self,
        request: &HttpRequest,
        media_type: &str,
        cache: &'static str,
    ) -> HttpResponse {
        let seen = request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        let is_known = seen.is_some_and(|seen| seen.split(',').any(|tag| tag.trim() == self.tag));
        let mut answer =
            HttpResponse::build(if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
        answer.insert_header((ETAG, self.tag.as_str())).insert_header((CACHE_CONTROL, cache));
        if is_known {
            answer.finish()
        } else {
            answer.content_type(media_type.to_owned()).body(self.bytes.clone())
        }
    }
}

//! An object of the photo store as an answer: unchanged, whole, a part, or where the store itself gives it.

use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_RANGE, ETAG, IF_NONE_MATCH, LOCATION,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use suishoupai_storage::store::{Attached, ObjectKey};

use crate::config::StoreReading;
use crate::fail::Fail;
use crate::http::ranges::{Wanted, wanted};
use crate::problem::{Code, Problem};
use crate::services::Services;

/// What is answered, and how it may be kept.
pub(crate) struct Object {
    /// Its key.
    pub(crate) key: ObjectKey,
    /// `Content-Type`
    pub(crate) media_type: String,
    /// The tag of its version, with quotes.
    pub(crate) etag: String,
    /// `Cache-Control`
    pub(crate) cache: String,
    /// `Content-Disposition`, if it is not to be shown.
    pub(crate) disposition: Option<String>,
}

impl Object {
    /// Answers a request for the object, which the caller may see.
    ///
    /// # Errors
    /// 404 where it is not there, 416 for a range beyond its end, 503 when the store does not answer.
    pub(crate) async fn answer(
        &self,
        services: &Services,
        request: &HttpRequest,
    ) -> Result<HttpResponse, Problem> {
        let seen = request.headers().get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        if seen.is_some_and(|seen| seen.split(',').any(|tag| tag.trim() == self.etag || tag.trim() == "*")) {
            return Ok(self.head(StatusCode::NOT_MODIFIED).finish());
        }
        if services.config.store.reading == StoreReading::Redirect
            && let Some(answer) = self.redirect(services).await?
        {
            return Ok(answer);
        }
        let length = services.store.head(&self.key).await.map_err(Fail::from)?.ok_or(Code::PhotoNotFound);
        let length = length.map_err(Problem::new)?;
        let (mut answer, range) = match wanted(request.headers(), length, &self.etag) {
            Wanted::Whole => (self.head(StatusCode::OK), None),
            Wanted::Part(range) => {
                let mut answer = self.head(StatusCode::PARTIAL_CONTENT);
                let told = format!("bytes {}-{}/{length}", range.start, range.end.saturating_sub(1));
                answer.insert_header((CONTENT_RANGE, told));
                (answer, Some(range))
            }
            Wanted::Beyond => return Err(Problem::new(Code::RangeNotSatisfiable).length(length)),
        };
        let reading = services.store.read(&self.key, range).await.map_err(Fail::from)?;
        answer.content_type(self.media_type.clone()).insert_header((ACCEPT_RANGES, "bytes"));
        if let Some(disposition) = &self.disposition {
            answer.insert_header((CONTENT_DISPOSITION, disposition.clone()));
        }
        Ok(answer.body(SizedStream::new(reading.length, reading.portions)))
    }

    fn head(&self, status: StatusCode) -> HttpResponseBuilder {
        let mut answer = HttpResponse::build(status);
        answer.insert_header((ETAG, self.etag.clone())).insert_header((CACHE_CONTROL, self.cache.clone()));
        answer
    }

    /// Sends the reader on to the store. The address is not kept for longer than it is good.
    async fn redirect(&self, services: &Services) -> Result<Option<HttpResponse>, Problem> {
        let seconds = services.config.store.redirect_minutes * 60;
        let attached = Attached {
            media_type: &self.media_type,
            cache: &self.cache,
            disposition: self.disposition.as_deref(),
        };
        let signed = services.store.sign_read(&self.key, attached, seconds).await.map_err(Fail::from)?;
        Ok(signed.map(|address| {
            HttpResponse::TemporaryRedirect()
                .insert_header((LOCATION, address))
                .insert_header((CACHE_CONTROL, format!("private, max-age={}", seconds / 2)))
                .finish()
        }))
    }
}

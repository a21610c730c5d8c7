//! A file of a form, kept in a file while it comes in.

use std::future::Future;
use std::pin::Pin;

use actix_multipart::form::{FieldReader, Limits};
use actix_multipart::{Field, MultipartError};
use actix_web::{HttpRequest, web};
use futures_util::TryStreamExt as _;
use suishoupai_storage::store::Spooled;

use crate::fail::Fail;
use crate::problem::Problem;
use crate::service::photos::Bound;
use crate::services::Services;

/// A photo or video in a form; at most as long as the settings allow.
#[derive(Debug)]
pub struct Upload(pub Spooled);

impl<'t> FieldReader<'t> for Upload {
    type Future = Pin<Box<dyn Future<Output = Result<Self, MultipartError>> + 't>>;

    fn read_field(request: &'t HttpRequest, mut field: Field, limits: &'t mut Limits) -> Self::Future {
        let name = field.name().unwrap_or_default().to_owned();
        Box::pin(async move {
            let refused =
                |fail: Fail| MultipartError::Field { name: name.clone(), source: Problem::from(fail).into() };
            let services = request.app_data::<web::Data<Services>>().ok_or(MultipartError::Incomplete)?;
            let mut chunk = field.try_next().await?;
            let bound = Bound::of_head(services, chunk.as_deref().unwrap_or_default());
            let mut incoming = services.store.spool().begin(bound.bytes);
            while let Some(bytes) = chunk {
                limits.try_consume_limits(bytes.len(), false)?;
                let pushed = incoming.push(&bytes).await.map_err(|error| refused(error.into()))?;
                incoming = pushed.map_err(|_| refused(bound.exceeded().into()))?;
                chunk = field.try_next().await?;
            }
            incoming.finish().await.map(Self).map_err(|error| refused(error.into()))
        })
    }
}

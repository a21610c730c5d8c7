//! Requests that a client may make itself: signed here, answered by the store.

use std::collections::{BTreeMap, HashMap};

use s3::post_policy::{PostPolicy, PostPolicyField, PostPolicyValue};

use super::super::{ObjectKey, StoreError};
use super::S3Store;

/// A form that a client posts to the store: these fields, then the file as `file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Where to.
    pub url: String,
    /// The fields before the file.
    pub fields: BTreeMap<String, String>,
}

/// How an object is to be answered to whoever follows a signed address.
#[derive(Clone, Copy, Debug)]
pub struct Attached<'a> {
    /// `Content-Type`
    pub media_type: &'a str,
    /// `Cache-Control`
    pub cache: &'a str,
    /// `Content-Disposition`, if it is not to be shown.
    pub disposition: Option<&'a str>,
}

impl S3Store {
    /// An address at which the object can be read for `seconds`.
    pub(in super::super) async fn sign_read(
        &self,
        key: &ObjectKey,
        attached: Attached<'_>,
        seconds: u32,
    ) -> Result<String, StoreError> {
        let mut answer = HashMap::from([
            ("response-content-type".to_owned(), attached.media_type.to_owned()),
            ("response-cache-control".to_owned(), attached.cache.to_owned()),
        ]);
        if let Some(disposition) = attached.disposition {
            answer.insert("response-content-disposition".to_owned(), disposition.to_owned());
        }
        let path = self.path(key);
        let signed = || self.bucket.presign_get(&path, seconds, Some(answer.clone()));
        Ok(self.patience.until("sign an address", signed).await?)
    }

    /// A form that stores one object of exactly this type and at most so many bytes, for `seconds`.
    pub(in super::super) async fn sign_upload(
        &self,
        key: &ObjectKey,
        media_type: &str,
        bytes: u32,
        seconds: u32,
    ) -> Result<Form, StoreError> {
        let path = self.path(key);
        let exactly = |text: &str| PostPolicyValue::Exact(text.to_owned().into());
        let signed = || async {
            let policy = PostPolicy::new(seconds)
                .condition(PostPolicyField::Key, exactly(&path))?
                .condition(PostPolicyField::ContentType, exactly(media_type))?
                .condition(PostPolicyField::SuccessActionStatus, exactly("204"))?
                .condition(PostPolicyField::ContentLengthRange, PostPolicyValue::Range(1, bytes))?;
            self.bucket.presign_post(policy).await
        };
        let signed = self.patience.until("sign an upload", signed).await?;
        Ok(Form { url: signed.url, fields: signed.fields.into_iter().collect() })
    }
}

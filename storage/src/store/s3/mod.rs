//! Objects in a bucket of S3, or of any server that speaks its protocol.

mod attempt;
mod files;
mod sign;
mod write;

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use s3::creds::Credentials;
use s3::error::S3Error;
use s3::{Bucket, Region};

pub use files::S3Files;
pub use sign::{Attached, Form};

use self::attempt::{Patience, is_absent, status};
use super::reading::{Reading, within};
use super::spool::Spool;
use super::{MAX_LIST, ObjectKey, StoreError};
use crate::meter::StoreMeter;

/// Where the bucket is and how patient to be.
#[derive(Clone)]
pub struct S3Settings {
    /// The name of the bucket; it must exist.
    pub bucket: String,
    /// Its region, such as `cn-north-1`.
    pub region: String,
    /// The address of the server, `https://HOST[:PORT]`; without it, that of AWS for the region.
    pub endpoint: Option<String>,
    /// Whether the bucket stands in the path rather than before the host.
    pub path_style: bool,
    /// Access key and secret key; without them the environment, the profile file and the role of the machine are
    /// asked, in this order.
    pub keys: Option<(String, String)>,
    /// How long one try may take until the answer begins, and then until its next bytes.
    pub try_timeout: Duration,
    /// How long all tries of one operation may take together.
    pub total_timeout: Duration,
    /// A folder for uploads under way.
    pub spool: PathBuf,
}

impl fmt::Debug for S3Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S3Settings({} at {:?})", self.bucket, self.endpoint)
    }
}

/// A store in a bucket. Clones share its connections.
#[derive(Clone)]
pub struct S3Store {
    bucket: Arc<Bucket>,
    /// What stands before every key; empty, or with `/` at its end.
    prefix: Arc<str>,
    patience: Patience,
    spool: Spool,
    meter: StoreMeter,
}

impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S3Store({})", self.bucket.url())
    }
}

impl S3Store {
    /// Prepares the store; the server is not asked, so that it may come up later. Blocks while credentials are
    /// looked for.
    ///
    /// # Errors
    /// [`StoreError::Io`] where there are no credentials or the folder for uploads cannot be made.
    pub fn open(settings: S3Settings) -> Result<Self, StoreError> {
        let failed = |error: S3Error| StoreError::during("be prepared")(std::io::Error::other(error));
        // Tries, pauses and bounds are this module's own.
        s3::set_retries(0);
        let credentials = match &settings.keys {
            Some((access, secret)) => Credentials::new(Some(access), Some(secret), None, None, None),
            None => Credentials::default(),
        };
        let credentials = credentials.map_err(|error| failed(error.into()))?;
        let region = match settings.endpoint {
            Some(endpoint) => Region::Custom { region: settings.region, endpoint },
            None => settings.region.parse().map_err(|_| {
                let problem = format!("{} is no region", settings.region);
                StoreError::during("be prepared")(std::io::Error::other(problem))
            })?,
        };
        let mut bucket = Bucket::new(&settings.bucket, region, credentials).map_err(failed)?;
        if settings.path_style {
            bucket.set_path_style();
        }
        // A bound on the whole of an answer would cut off whoever reads slowly.
        bucket.set_request_timeout(None);
        super::local::make_all(&settings.spool).map_err(StoreError::during("make the folder for uploads"))?;
        Ok(Self {
            bucket: Arc::from(bucket),
            prefix: "".into(),
            patience: Patience { each: settings.try_timeout, total: settings.total_timeout },
            spool: Spool::new(settings.spool),
            meter: StoreMeter::default(),
        })
    }

    /// The same with other keys: all below `prefix`, which ends with `/`.
    fn below(&self, prefix: &str) -> Self {
        Self { prefix: prefix.into(), ..self.clone() }
    }

    /// Where the object of a key is.
    fn path(&self, key: &ObjectKey) -> String {
        format!("{}{key}", self.prefix)
    }

    pub(super) fn meter(&self) -> &StoreMeter {
        &self.meter
    }

    pub(super) fn spool(&self) -> &Spool {
        &self.spool
    }

    pub(super) async fn read(
        &self,
        key: &ObjectKey,
        range: Option<Range<u64>>,
    ) -> Result<Reading, StoreError> {
        self.read_path(&self.path(key), range).await
    }

    async fn read_path(&self, path: &str, range: Option<Range<u64>>) -> Result<Reading, StoreError> {
        let length = self.length_of(path).await?.ok_or_else(|| StoreError::absent(path))?;
        let range = range.unwrap_or(0..length);
        within(&range, length, path)?;
        if range.is_empty() {
            return Ok(Reading::of_bytes(bytes::Bytes::new()));
        }
        let action = "read an object";
        let answer = self.patience.until(action, || async {
            if range == (0..length) {
                self.bucket.get_object_stream(path).await
            } else {
                self.ranged(path, &range).await
            }
        });
        let answer = answer.await.map_err(|error| error.about(path))?;
        let each = self.patience.each;
        let portions = stream::try_unfold(answer.bytes, move |mut bytes| async move {
            match tokio::time::timeout(each, bytes.next()).await {
                Ok(Some(Ok(portion))) => Ok(Some((portion, bytes))),
                Ok(None) => Ok(None),
                Ok(Some(Err(error))) => Err(StoreError::Unavailable { action, problem: error.to_string() }),
                Err(_) => Err(StoreError::Unavailable { action, problem: "it fell silent".to_owned() }),
            }
        });
        Ok(Reading { length: range.end - range.start, portions: Box::pin(portions) })
    }

    /// The library has no stream of a range; a range that is set as a header of the bucket makes one.
    async fn ranged(
        &self,
        path: &str,
        range: &Range<u64>,
    ) -> Result<s3::request::ResponseDataStream, S3Error> {
        let mut bucket = Bucket::clone(&self.bucket);
        bucket.add_header("range", &format!("bytes={}-{}", range.start, range.end.saturating_sub(1)));
        bucket.get_object_stream(path).await
    }

    pub(super) async fn head(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        self.length_of(&self.path(key)).await
    }

    async fn length_of(&self, path: &str) -> Result<Option<u64>, StoreError> {
        let asked = || async {
            match self.bucket.head_object(path).await {
                Ok((head, _)) => Ok(Some(head.content_length.unwrap_or_default())),
                Err(error) if is_absent(&error) => Ok(None),
                Err(error) => Err(error),
            }
        };
        let found = self.patience.until("look for an object", asked).await?;
        Ok(found.map(|length| u64::try_from(length).unwrap_or_default()))
    }

    pub(super) async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let path = self.path(key);
        let asked = || async {
            match self.bucket.delete_object(&path).await {
                Ok(_) => Ok(()),
                Err(error) if is_absent(&error) => Ok(()),
                Err(error) => Err(error),
            }
        };
        Ok(self.patience.until("delete an object", asked).await?)
    }

    pub(super) async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let mut found = Vec::new();
        let own = &*self.prefix;
        let mut after = after.filter(|after| !after.is_empty()).map(|after| format!("{own}{after}"));
        while found.len() < limit {
            let page = || async {
                let most = Some(MAX_LIST.min(limit));
                self.bucket.list_page(format!("{own}{prefix}"), None, None, after.clone(), most).await
            };
            let (page, _) = self.patience.until("list objects", page).await?;
            after = page.contents.last().map(|object| object.key.clone());
            // What others keep in the bucket is none of ours.
            found.extend(page.contents.into_iter().filter_map(|object| {
                let key: ObjectKey = object.key.strip_prefix(own)?.parse().ok()?;
                Some((key.to_string(), object.size))
            }));
            if !page.is_truncated || after.is_none() {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    pub(super) async fn sweep(&self, older_than: Duration) -> Result<usize, StoreError> {
        let spool = self.spool.clone();
        let swept = super::spool::blocking("sweep leftovers", move || spool.sweep(older_than)).await?;
        Ok(swept + self.abort_uploads(older_than).await?)
    }

    /// Ends uploads in parts that nobody ended. Servers without a list of them sweep by a rule of the bucket.
    async fn abort_uploads(&self, older_than: Duration) -> Result<usize, StoreError> {
        let started_before =
            jiff::Timestamp::now().saturating_sub(older_than).unwrap_or(jiff::Timestamp::MIN);
        let (mut aborted, mut key, mut id) = (0, None, None);
        loop {
            let asked = || async {
                let (key, id) = (key.clone(), id.clone());
                match self.bucket.list_multiparts_uploads_page(None, None, key, id, None).await {
                    Err(error) if matches!(status(&error), Some(400 | 405 | 501)) => Ok(None),
                    other => other.map(|(page, _)| Some(page)),
                }
            };
            let Some(page) = self.patience.until("list uploads under way", asked).await? else {
                return Ok(aborted);
            };
            for upload in page.uploads {
                let started: Option<jiff::Timestamp> = upload.initiated.parse().ok();
                let key = upload.key.strip_prefix(&*self.prefix);
                let is_ours = key.is_some_and(|key| key.parse::<ObjectKey>().is_ok());
                if is_ours && started.is_some_and(|started| started < started_before) {
                    self.abort(&upload.key, &upload.id).await?;
                    aborted += 1;
                }
            }
            if !page.is_truncated || page.next_marker.is_none() {
                return Ok(aborted);
            }
            (key, id) = (page.next_marker, page.next_upload_id_marker);
        }
    }

    async fn abort(&self, key: &str, id: &str) -> Result<(), StoreError> {
        let asked = || async {
            match self.bucket.abort_upload(key, id).await {
                Err(error) if is_absent(&error) => Ok(()),
                other => other,
            }
        };
        Ok(self.patience.until("end an upload", asked).await?)
    }
}

//! Writing: small objects at once, larger ones in parts, each with a checksum that the server compares.

use std::fs::File;
use std::future::{Future, ready};
use std::io::{self, Seek, SeekFrom};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest_of_s3::Body;
use s3::error::S3Error;
use s3::serde_types::Part;

use super::super::reading::Reading;
use super::super::spool::{Spooled, blocking};
use super::super::{ObjectKey, StoreError};
use super::S3Store;

/// Bytes of a part, which S3 wants not to be below 5 MiB but for the last.
const PART: u64 = 8 << 20;
/// S3 takes at most 10,000 parts; of a larger file they are longer.
const MOST_PARTS: u64 = 10_000;
/// How long a signed request of the server's own is good, in seconds; clocks may differ by some of it.
const SIGNED_SECONDS: u32 = 900;
const ACTION: &str = "write an object";
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

/// Where an object goes.
#[derive(Clone, Copy)]
pub(super) struct To<'a> {
    pub(super) path: &'a str,
    pub(super) media_type: &'static str,
}

/// A file to be sent.
#[derive(Clone, Copy)]
pub(super) struct Whole<'a> {
    pub(super) file: &'a Path,
    pub(super) length: u64,
}

/// A part of an upload in parts.
struct Piece<'a> {
    upload: &'a str,
    number: u32,
}

/// Bytes of a part of an object of `length` bytes.
fn part_of(length: u64) -> u64 {
    PART.max(length.div_ceil(MOST_PARTS).next_multiple_of(1 << 20))
}

impl S3Store {
    pub(in super::super) async fn put(&self, key: &ObjectKey, data: Bytes) -> Result<(), StoreError> {
        if self.head(key).await? == Some(data.len() as u64) {
            return Ok(());
        }
        let (length, digest) = (data.len() as u64, md5::compute(&data));
        let body = move || ready(Ok(Body::from(data.clone())));
        let to = To { path: &self.path(key), media_type: key.media_type() };
        self.send(to, (length, digest), None, body).await.map(|_| ())
    }

    pub(in super::super) async fn put_file(
        &self,
        key: &ObjectKey,
        spooled: &Spooled,
    ) -> Result<(), StoreError> {
        let to = To { path: &self.path(key), media_type: key.media_type() };
        let whole = Whole { file: spooled.path(), length: spooled.length() };
        if self.length_of(to.path).await? == Some(whole.length) {
            return Ok(());
        }
        self.put_whole(to, whole).await
    }

    /// Sends a file, in parts where it is long, with a bounded part of it in memory.
    pub(super) async fn put_whole(&self, to: To<'_>, whole: Whole<'_>) -> Result<(), StoreError> {
        if whole.length <= PART {
            return self.send_part(to, whole, 0..whole.length, None).await.map(|_| ());
        }
        let begun = || self.bucket.initiate_multipart_upload(to.path, to.media_type);
        let upload = self.patience.until("begin an upload in parts", begun).await?.upload_id;
        let written = self.put_parts(to, whole, &upload).await;
        if written.is_err() {
            // What the server keeps of it costs money until the sweep finds it; the failure itself is told.
            drop(self.abort(to.path, &upload).await);
        }
        written
    }

    /// One part after the other: the line to the bucket is shared by all uploads anyway.
    async fn put_parts(&self, to: To<'_>, whole: Whole<'_>, upload: &str) -> Result<(), StoreError> {
        let (mut parts, mut start) = (Vec::new(), 0);
        for number in 1.. {
            let range = start..whole.length.min(start + part_of(whole.length));
            start = range.end;
            let etag = self.send_part(to, whole, range, Some(Piece { upload, number })).await?;
            parts.push(Part { part_number: number, etag });
            if start == whole.length {
                break;
            }
        }
        let ended = || async {
            let answer = self.bucket.complete_multipart_upload(to.path, upload, parts.clone()).await?;
            // S3 may find out that it failed after it has sent its 200.
            let body = answer.to_string().unwrap_or_default();
            if body.contains("<Error>") { Err(S3Error::HttpFailWithBody(500, body)) } else { Ok(()) }
        };
        // The server may put the parts together before it answers.
        let patience = self.patience.sending(whole.length);
        let ended = patience.until("end an upload in parts", ended).await;
        // A repeated end finds the upload gone; whether the object is whole is what counts.
        if self.length_of(to.path).await? == Some(whole.length) {
            return Ok(());
        }
        ended.map_err(StoreError::from)?;
        let problem = io::Error::new(io::ErrorKind::InvalidData, "the stored object has another length");
        Err(StoreError::during(ACTION)(problem))
    }

    /// Sends a part of a file, twice read: for its checksum, and then as the body.
    async fn send_part(
        &self,
        to: To<'_>,
        whole: Whole<'_>,
        range: std::ops::Range<u64>,
        piece: Option<Piece<'_>>,
    ) -> Result<String, StoreError> {
        let length = range.end - range.start;
        let mut reading = open(whole.file, range.start, length).await?;
        let mut digest = md5::Context::new();
        while let Some(portion) = reading.portions.next().await {
            digest.consume(portion?);
        }
        let body = || async {
            let reading = open(whole.file, range.start, length).await.map_err(io::Error::other)?;
            Ok(Body::wrap_stream(reading.portions))
        };
        self.send(to, (length, digest.finalize()), piece, body).await
    }

    /// Sends a body in one request, and gives the server's tag for it.
    ///
    /// The request is signed as an address, so that the body goes out as it is, without the library's copy of it.
    async fn send<F: Future<Output = Result<Body, S3Error>>>(
        &self,
        to: To<'_>,
        (length, digest): (u64, md5::Digest),
        piece: Option<Piece<'_>>,
        body: impl Fn() -> F,
    ) -> Result<String, StoreError> {
        let mut headers = HeaderMap::new();
        let digest = HeaderValue::try_from(STANDARD.encode(*digest)).map_err(|error| other(&error))?;
        headers.insert(CONTENT_MD5, digest);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(to.media_type));
        let query = piece.map(|piece| {
            let number = ("partNumber".to_owned(), piece.number.to_string());
            [number, ("uploadId".to_owned(), piece.upload.to_owned())].into_iter().collect()
        });
        let sent = || async {
            let signed =
                self.bucket.presign_put(to.path, SIGNED_SECONDS, Some(headers.clone()), query.clone());
            let request = self.bucket.http_client().put(signed.await?).headers(headers.clone());
            let answer = request.header(CONTENT_LENGTH, length).body(body().await?).send().await?;
            let status = answer.status().as_u16();
            if !answer.status().is_success() {
                return Err(S3Error::HttpFailWithBody(status, answer.text().await.unwrap_or_default()));
            }
            let etag = answer.headers().get("etag").and_then(|etag| etag.to_str().ok());
            Ok(etag.unwrap_or_default().to_owned())
        };
        self.patience.sending(length).until(ACTION, sent).await.map_err(StoreError::from)
    }
}

fn other(error: &(impl std::error::Error + ?Sized)) -> StoreError {
    StoreError::during(ACTION)(io::Error::other(error.to_string()))
}

/// A part of a file, to be read in portions.
async fn open(file: &Path, start: u64, length: u64) -> Result<Reading, StoreError> {
    let path = file.to_owned();
    let file = blocking("read an upload", move || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(start))?;
        Ok(file)
    });
    Ok(Reading::of_file(file.await?, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_grow_with_the_file_so_that_they_are_never_too_many() {
        for (length, part) in [(0, 8 << 20), (1 << 30, 8 << 20), (78 << 30, 8 << 20)] {
            assert_eq!(part_of(length), part, "{length}");
        }
        for length in [80 << 30, 100_000_000_001, 1 << 42] {
            let part = part_of(length);
            assert!(part > PART && length.div_ceil(part) <= MOST_PARTS, "{length}: {part}");
            assert_eq!(part % (1 << 20), 0);
        }
    }
}

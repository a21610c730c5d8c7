//! The next bytes of an upload: kept as far as they come.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use sha1::{Digest as _, Sha1};
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::resumable::{self as rows, Part, Resumable, UploadState};
use suishoupai_storage::db::{DbError, jobs};
use suishoupai_storage::store::{ObjectKey, Spooled};

use super::{FINISH, alive, own};
use crate::fail::Fail;
use crate::http::tus::Checksum;
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::services::Services;

/// Bytes of one request after which what has come is made durable, so that a kill loses at most so many.
const PORTION: u64 = 4 << 20;
/// Parts of one upload. Who sends in smaller pieces than the network asks for is told to send larger ones.
const MAX_PARTS: i64 = 1000;
/// How long a client may be silent before what has come is kept and the request given up.
const SILENCE: Duration = Duration::from_secs(60);
/// After this time a job looks at an upload that is whole, in case the request that made it so does not.
const FINISH_AFTER_SECONDS: i64 = 60;

/// What a request says of the bytes that it brings.
#[derive(Clone, Copy, Debug)]
pub struct Sending {
    /// Where in the upload they begin.
    pub offset: u64,
    /// How many they are, if that is known.
    pub declared: Option<u64>,
    /// The digest that they must have.
    pub checksum: Option<Checksum>,
}

/// Why the reading of a body stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// It is at its end.
    End,
    /// The connection broke, or the client fell silent.
    Broken,
    /// There is enough for a part.
    Portion,
}

/// Keeps the bytes of a request, and looks at the upload if it is whole then; the upload afterwards. What came before the
/// connection broke is kept, unless its checksum is yet to be compared.
///
/// # Errors
/// 404, 410 as [`state`](super::state); 409 where the upload is elsewhere, 413 for more bytes than were announced, 460 for
/// other bytes than the checksum says, 503 when the store does not take them; and why a whole upload is refused.
pub async fn append<E>(
    services: &Services,
    account: &Account,
    id: i64,
    sending: Sending,
    mut body: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> Result<Resumable, Fail> {
    let upload = alive(own(services, account, id).await?, services.now())?;
    let length = upload.length.unsigned_abs();
    let mut at = sending.offset;
    if at != upload.received.unsigned_abs() {
        return Err(elsewhere(upload.received).into());
    }
    if sending.declared.is_some_and(|declared| declared > length - at) {
        return Err(too_many().into());
    }
    if upload.state == UploadState::Receiving {
        loop {
            let (taken, stop) = take(services, &mut body, length - at, sending.checksum).await?;
            let bytes = taken.length();
            keep(services, &upload, at, taken).await?;
            at += bytes;
            match stop {
                Stop::End => break,
                Stop::Broken => return Err(Code::BadRequest.into()),
                Stop::Portion => {}
            }
        }
    } else if body.next().await.is_some_and(|more| more.is_ok_and(|bytes| !bytes.is_empty())) {
        return Err(too_many().into());
    }
    if at == length {
        super::state(services, account, id).await
    } else {
        alive(own(services, account, id).await?, services.now())
    }
}

/// Keeps the bytes that came along with the creation of an upload. Where they are not those of their checksum, the client
/// learns of no upload, so none is left that it could not find again.
///
/// # Errors
/// As [`append`].
pub async fn begin<E>(
    services: &Services,
    account: &Account,
    upload: &Resumable,
    sending: Sending,
    body: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> Result<Resumable, Fail> {
    let begun = append(services, account, upload.id, sending, body).await;
    let is_lost = matches!(&begun, Err(Fail::Problem(problem)) if problem.code() != Code::Unavailable);
    if is_lost && upload.sha256.is_none() {
        super::terminate(services, account, upload.id).await.ok();
    }
    begun
}

fn elsewhere(offset: i64) -> Problem {
    let text = Text::new(
        format!("服务器已有 {offset} 字节，请从这里继续。"),
        format!("The server has {offset} bytes; go on from there."),
    );
    Problem::new(Code::UploadOffsetMismatch).detail(text).with("offset", offset)
}

fn too_many() -> Problem {
    let text = Text::new("收到的字节多于声明的长度。", "More bytes came than were announced.");
    Problem::new(Code::BodyTooLarge).detail(text)
}

/// Reads a part of a body into a file, at most `room` bytes; with a checksum all of it, and compares.
async fn take<E>(
    services: &Services,
    body: &mut (impl Stream<Item = Result<Bytes, E>> + Unpin),
    room: u64,
    checksum: Option<Checksum>,
) -> Result<(Spooled, Stop), Fail> {
    let mut incoming = services.store.spool().begin(room);
    let mut sha1 = Sha1::new();
    let stop = loop {
        if checksum.is_none() && incoming.length() >= PORTION {
            break Stop::Portion;
        }
        let bytes = match tokio::time::timeout(SILENCE, body.next()).await {
            Ok(Some(Ok(bytes))) => bytes,
            Ok(None) => break Stop::End,
            // Whether these are the bytes of the checksum will never be known.
            _ if checksum.is_some() => return Err(Code::BadRequest.into()),
            _ => break Stop::Broken,
        };
        if matches!(checksum, Some(Checksum::Sha1(_))) {
            sha1.update(&bytes);
        }
        let pushed = incoming.push(&bytes).await?;
        incoming = pushed.map_err(|_| too_many())?;
    };
    let taken = incoming.finish().await?;
    let is_right = match checksum {
        Some(Checksum::Sha1(wanted)) => <[u8; 20]>::from(sha1.finalize()) == wanted,
        Some(Checksum::Sha256(wanted)) => *taken.sha256() == wanted,
        None => true,
    };
    if is_right { Ok((taken, stop)) } else { Err(Code::UploadChecksumMismatch.into()) }
}

/// Makes bytes durable and counts them, if they begin where the upload still is.
async fn keep(services: &Services, upload: &Resumable, start: u64, taken: Spooled) -> Result<(), Fail> {
    let (id, start) = (upload.id, i64::try_from(start).unwrap_or(i64::MAX));
    let bytes = i64::try_from(taken.length()).unwrap_or(i64::MAX);
    if bytes == 0 {
        return Ok(());
    }
    let part = Part { name: rand::random(), upload: id, start, bytes };
    announce(services, part.clone()).await?;
    let key = ObjectKey::upload(&part.name);
    let kept = match services.store.put_file(&key, &taken).await {
        Ok(()) => count(services, part.clone(), start + bytes == upload.length).await,
        Err(error) => Err(error.into()),
    };
    if matches!(kept, Ok(true)) {
        return Ok(());
    }
    // The sweep would find it too.
    if services.store.delete(&key).await.is_ok() {
        let forgotten =
            services.db.write(move |conn| rows::forget_part(conn, &part.name).map_err(Fail::from));
        drop(forgotten.await);
    }
    kept?;
    let now = services.db.read(move |conn| rows::find(conn, id).map_err(Fail::from)).await?;
    let now = now.filter(|upload| upload.state != UploadState::Terminated).ok_or(Code::UploadNotFound)?;
    Err(elsewhere(now.received).into())
}

/// Takes note of the object that is about to be written.
async fn announce(services: &Services, part: Part) -> Result<(), Fail> {
    let announced = services.db.write(move |conn| match rows::announce_part(conn, &part, MAX_PARTS) {
        Err(DbError::Constraint(_)) => Err(Fail::from(Code::UploadNotFound)),
        outcome => Ok(outcome?),
    });
    if announced.await? { Ok(()) } else { Err(Code::UploadTooManyParts.into()) }
}

/// Moves the upload on. With its last part a job is left that looks at it, should this process not come to it.
async fn count(services: &Services, part: Part, is_last: bool) -> Result<bool, Fail> {
    let [job] = services.db.ids::<1>().await?;
    let at = services.now().plus_seconds(FINISH_AFTER_SECONDS);
    let counted = services.db.write(move |conn| {
        let taken = rows::take_part(conn, &part)?;
        if taken && is_last {
            jobs::enqueue(conn, job, FINISH, part.upload, at)?;
        }
        Ok::<_, Fail>(taken)
    });
    counted.await
}

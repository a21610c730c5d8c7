//! A whole upload becomes a photo, or is refused with its reason.

use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::resumable::{self as rows, End, Part, Resumable, UploadState};
use suishoupai_storage::db::{DbError, accounts, jobs};
use suishoupai_storage::store::{ObjectKey, Spooled, StoreError};

use super::super::photos;
use super::{REMEMBERED_SECONDS, drop_objects};
use crate::fail::Fail;
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::services::Services;

/// The kind of the job that looks at an upload which is whole.
pub const FINISH: &str = "finish_upload";

/// Looks at an upload that is whole, and records what it has become. Done again, or by two at once, it comes to the same.
///
/// # Errors
/// The store's or the database's: then the upload waits on.
pub async fn finish(services: &Services, id: i64) -> Result<(), Fail> {
    let read = services.db.read(move |conn| {
        // In this order: parts are forgotten only after their upload has ended.
        let parts = rows::parts_of(conn, id, true)?;
        Ok::<_, Fail>((rows::find(conn, id)?, parts))
    });
    let (Some(upload), parts) = read.await? else { return Ok(()) };
    if upload.state != UploadState::Verifying {
        return Ok(());
    }
    match verified(services, &upload, &parts).await? {
        Ok(prepared) => accept(services, &upload, prepared).await?,
        Err(problem) => refuse(services, id, &problem).await?,
    }
    drop_objects(services, id).await;
    Ok(())
}

/// What the bytes are, or why they are refused.
async fn verified(
    services: &Services,
    upload: &Resumable,
    parts: &[Part],
) -> Result<Result<photos::Prepared, Problem>, Fail> {
    let Some(whole) = assemble(services, upload, parts).await? else {
        // Uploads under way are neither in a backup nor moved to another store.
        let text = Text::new("已收到的部分已不在，请重新上传。", "What had come is gone; send it again.");
        return Ok(Err(Problem::new(Code::UploadExpired).detail(text)));
    };
    if let Some(claimed) = upload.sha256.filter(|claimed| claimed != whole.sha256()) {
        let (claimed, got) = (hex::encode(claimed), hex::encode(whole.sha256()));
        let text = Text::new(
            format!("声明的 SHA-256 是 {claimed}，收到的是 {got}"),
            format!("the SHA-256 {claimed} was announced, {got} came"),
        );
        return Ok(Err(Problem::new(Code::UploadMismatch).detail(text)));
    }
    match photos::prepare(services, whole).await {
        Ok(prepared) => Ok(Ok(prepared)),
        Err(Fail::Problem(problem)) if problem.code().status().is_client_error() => Ok(Err(problem)),
        Err(fail) => Err(fail),
    }
}

/// The parts in one file; `None` where one of them is gone.
async fn assemble(services: &Services, upload: &Resumable, parts: &[Part]) -> Result<Option<Spooled>, Fail> {
    let length = upload.length.unsigned_abs();
    let mut incoming = services.store.spool().begin(length);
    let gap = || Fail::internal(&DbError::corrupt("parts of resumable upload", upload.id));
    let mut end = 0;
    for part in parts {
        if part.start != end {
            return Err(gap());
        }
        end += part.bytes;
        let mut reading = match services.store.read(&ObjectKey::upload(&part.name), None).await {
            Err(StoreError::NotFound { .. }) => return Ok(None),
            other => other?,
        };
        while let Some(portion) = reading.portions.next().await {
            incoming = incoming.push(&portion?).await?.map_err(|_| gap())?;
        }
    }
    let whole = incoming.finish().await?;
    if whole.length() == length { Ok(Some(whole)) } else { Err(gap()) }
}

async fn accept(services: &Services, upload: &Resumable, prepared: photos::Prepared) -> Result<(), Fail> {
    photos::store(services, &prepared).await?;
    let ids = services.db.ids::<2>().await?;
    let (id, owner, now) = (upload.id, upload.account, services.now());
    let recorded = services.db.write(move |conn| {
        let account =
            accounts::find(conn, owner)?.ok_or_else(|| DbError::corrupt("account of upload", id))?;
        let (photo, _) = photos::record(conn, &account, account.district, &prepared, ids, now)?;
        end(conn, id, &End::Photo(photo.id), now)
    });
    recorded.await?;
    services.jobs_waiting.notify_one();
    Ok(())
}

async fn refuse(services: &Services, id: i64, problem: &Problem) -> Result<(), Fail> {
    let why = written(problem)?;
    let now = services.now();
    services.db.write(move |conn| end(conn, id, &End::Refused(why.clone()), now)).await
}

fn end(conn: &mut suishoupai_storage::db::Conn, id: i64, how: &End, now: Moment) -> Result<(), Fail> {
    // Another one may have come to it first.
    rows::end(conn, id, how, now.plus_seconds(REMEMBERED_SECONDS))?;
    jobs::forget(conn, FINISH, id)?;
    Ok(())
}

/// Why an upload was refused, as it is kept.
#[derive(Serialize, Deserialize)]
struct Failure {
    code: String,
    zh: Option<String>,
    en: Option<String>,
}

fn written(problem: &Problem) -> Result<String, Fail> {
    let said = problem.said();
    let failure = Failure {
        code: problem.code().as_str().to_owned(),
        zh: said.map(|text| text.get(crate::lang::Lang::Zh).to_owned()),
        en: said.map(|text| text.get(crate::lang::Lang::En).to_owned()),
    };
    serde_json::to_string(&failure).map_err(|error| Fail::internal(&error))
}

/// The problem for which an upload was refused.
pub(super) fn told(failure: Option<&str>) -> Problem {
    let read = failure.and_then(|text| serde_json::from_str::<Failure>(text).ok());
    let Some(failure) = read else { return Problem::new(Code::PhotoDamaged) };
    let problem = Problem::new(Code::named(&failure.code).unwrap_or(Code::PhotoDamaged));
    match failure.zh.zip(failure.en) {
        Some((zh, en)) => problem.detail(Text::new(zh, en)),
        None => problem,
    }
}

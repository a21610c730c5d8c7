//! A report followed by its receipt number and query code.

use subtle::ConstantTimeEq;
use suishoupai_storage::db::login;
use suishoupai_storage::db::reports::{self as rows, Report};

use crate::fail::Fail;
use crate::problem::{Code, Problem};
use crate::service::digest;
use crate::services::Services;

/// Wrong query codes for one receipt within [`WINDOW`] after which further tries are refused.
const FOLLOW_TRIES: i32 = 10;
const WINDOW: i64 = 60 * 60 * 1000;

/// The report of a receipt number, for somebody who knows its query code.
///
/// # Errors
/// 404 for an unknown number or a wrong code, the same for both; 429 after too many wrong codes.
pub async fn follow(services: &Services, receipt: &str, code: &str) -> Result<Report, Fail> {
    let now = services.now();
    let key = format!("follow/{}", hex::encode(services.sealer.index("receipt", receipt)));
    let (receipt, given) = (receipt.to_owned(), digest(code.to_ascii_uppercase().as_bytes()));
    let found = services.db.write(move |conn| {
        // A try counts before it is looked at, and the counter is locked meanwhile, so that many at once are no more
        // than one after the other; one that was right is taken back.
        let (hits, until) = login::hit(conn, &key, WINDOW, now)?;
        if hits > FOLLOW_TRIES {
            return Ok::<_, Fail>(Err(until));
        }
        let report = rows::find_by_receipt(conn, &receipt)?;
        let right = report.filter(|report| bool::from(report.query_code_hash.ct_eq(&given)));
        if right.is_some() {
            login::take_back(conn, &key, WINDOW, now)?;
        }
        Ok(Ok(right))
    });
    match found.await? {
        Ok(right) => right.ok_or_else(|| Code::ReportNotFound.into()),
        Err(until) => {
            let seconds = u32::try_from((until.millis() - now.millis()) / 1000 + 1).unwrap_or(1);
            Err(Problem::new(Code::TooManyRequests).retry_after(seconds).into())
        }
    }
}

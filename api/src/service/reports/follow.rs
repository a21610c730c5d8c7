//! A report followed by its receipt number and query code.

use subtle::ConstantTimeEq;
use suishoupai_storage::db::login;
use suishoupai_storage::db::reports::{self as rows, Report};

use crate::fail::Fail;
use crate::http::rate::{self, Policy};
use crate::problem::Code;
use crate::service::digest;
use crate::services::Services;

/// Wrong query codes for one receipt after which further tries are refused.
const TRIES: Policy = Policy::within("follow", 10, 3600);

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
        let window = TRIES.window_millis();
        let (hits, until) = login::hit(conn, &key, window, now)?;
        if TRIES.is_over(hits) {
            return Ok::<_, Fail>(Err(until));
        }
        let report = rows::find_by_receipt(conn, &receipt)?;
        let right = report.filter(|report| bool::from(report.query_code_hash.ct_eq(&given)));
        let is_right = i32::from(right.is_some());
        if is_right > 0 {
            login::take_back(conn, &key, window, now)?;
        }
        Ok(Ok((right, TRIES.after(hits - is_right, until, now))))
    });
    match found.await? {
        Ok((right, standing)) => {
            rate::tell(standing);
            right.ok_or_else(|| Code::ReportNotFound.into())
        }
        Err(until) => Err(TRIES.exceeded(until.millis() - now.millis()).into()),
    }
}

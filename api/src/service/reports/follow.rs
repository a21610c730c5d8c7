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
    let receipt = receipt.to_owned();
    let (hits, until, report) = services
        .db
        .read({
            let key = key.clone();
            move |conn| {
                let (hits, until) = login::hits(conn, &key, WINDOW, now)?;
                Ok::<_, Fail>((hits, until, rows::find_by_receipt(conn, &receipt)?))
            }
        })
        .await?;
    if hits >= FOLLOW_TRIES {
        let seconds = u32::try_from((until.millis() - now.millis()) / 1000 + 1).unwrap_or(1);
        return Err(Problem::new(Code::TooManyRequests).retry_after(seconds).into());
    }
    let given = digest(code.to_ascii_uppercase().as_bytes());
    match report {
        Some(report) if bool::from(report.query_code_hash.ct_eq(&given)) => Ok(report),
        _ => {
            services.db.write(move |conn| login::hit(conn, &key, WINDOW, now).map_err(Fail::from)).await?;
            Err(Code::ReportNotFound.into())
        }
    }
}

//! The texts of reports that were there before they could be sought.

use suishoupai_core::flow::TicketId;
use suishoupai_storage::db::{jobs, search};

use crate::fail::Fail;
use crate::services::Services;

/// The job that looks at them.
pub const INDEX: &str = "index_texts";
/// So many at once.
const OLD: i64 = 500;

/// Keeps the texts of a portion of reports by the key of their ticket, and leaves a job for the next ones.
///
/// # Errors
/// The database's.
pub async fn index_old(services: &Services, after: TicketId) -> Result<(), Fail> {
    let (now, [job]) = (services.now(), services.db.ids().await?);
    services
        .db
        .write(move |conn| {
            if let Some(last) = search::keep_old(conn, after, OLD)? {
                jobs::enqueue(conn, job, INDEX, last, now)?;
            }
            Ok(())
        })
        .await
}

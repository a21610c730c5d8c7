//! What a request with an `Idempotency-Key` makes is made once: sent again, it is answered with what the first sending
//! made.

use serde::Serialize;
use serde::de::DeserializeOwned;
use suishoupai_core::flow::AccountId;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::Conn;
use suishoupai_storage::db::idempotency::{self, Answer};

use super::reports::Repeat;
use crate::fail::Fail;
use crate::problem::Code;

/// Makes something in this write and keeps a note of it under the key, or finds what was made under it before. The note
/// is JSON, so it should be small and hold nothing that has to be sealed.
///
/// # Errors
/// `idempotency_key_reused` where the key was sent with another request; those of `make`; the database's.
pub(super) fn once<T: Serialize + DeserializeOwned>(
    conn: &mut Conn,
    account: AccountId,
    repeat: Option<&Repeat>,
    now: Moment,
    make: impl FnOnce(&mut Conn) -> Result<T, Fail>,
) -> Result<T, Fail> {
    let Some(repeat) = repeat else { return make(conn) };
    let kept = idempotency::find(conn, &[(account, repeat.key.as_str())])?;
    if let Some(kept) = kept.into_values().next() {
        if kept.request_hash != repeat.request {
            return Err(Code::IdempotencyKeyReused.into());
        }
        return serde_json::from_str(&kept.body).map_err(|error| Fail::internal(&error));
    }
    let made = make(conn)?;
    let body = serde_json::to_string(&made).map_err(|error| Fail::internal(&error))?;
    let answer = Answer {
        account_id: account,
        key: repeat.key.clone(),
        request_hash: repeat.request.to_vec(),
        status: 201,
        body,
        created_at: now.millis(),
    };
    idempotency::keep(conn, answer)?;
    Ok(made)
}

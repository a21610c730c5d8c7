//! Other servers that are asked at sign-in: within bounds of time and length, and never sent on to elsewhere.

use std::time::Duration;

use reqwest_of_s3::redirect::Policy;
use reqwest_of_s3::{Client, Response};

use crate::fail::Fail;
use crate::problem::{Code, Problem};

/// How long an answer may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// No answer is longer, bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// What goes wrong is never told with an address, in which a secret may stand.
pub(super) fn unavailable(why: &str) -> Fail {
    tracing::error!(why, "a server that is asked at sign-in does not answer as it should");
    Problem::new(Code::Unavailable).retry_after(5).into()
}

pub(super) fn failed(error: reqwest_of_s3::Error) -> Fail {
    unavailable(&error.without_url().to_string())
}

/// Asks other servers.
pub(super) fn http() -> Result<Client, Fail> {
    Client::builder().redirect(Policy::none()).timeout(PATIENCE).build().map_err(failed)
}

/// The whole answer.
pub(super) async fn body(mut answer: Response) -> Result<Vec<u8>, Fail> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(failed)? {
        body.extend_from_slice(&part);
        if body.len() > MAX_ANSWER {
            return Err(unavailable("its answer is too long"));
        }
    }
    Ok(body)
}

/// The answer to a question that is not refused, as JSON.
pub(super) async fn json<T: serde::de::DeserializeOwned>(answer: Response) -> Result<T, Fail> {
    if !answer.status().is_success() {
        return Err(unavailable(answer.status().as_str()));
    }
    serde_json::from_slice(&body(answer).await?).map_err(|_| unavailable("its answer is not understood"))
}

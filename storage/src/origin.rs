//! From which request something comes, and from where that came. Both travel with the task, onto the threads of the
//! database too, so that a job which a request leaves behind can be found in the log by the same word, and a line of the
//! audit trail says from which address it was asked for.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

tokio::task_local! {
    static ORIGIN: Origin;
}

/// Where work comes from; empty for what the server does by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The id of the request.
    pub request: Option<Arc<str>>,
    /// The address of the caller; a job that a request leaves behind has none.
    pub address: Option<IpAddr>,
}

impl Origin {
    /// The request with this id, of which the caller's address is not known any more.
    pub fn of_request(id: Option<&str>) -> Self {
        Self { request: id.map(Into::into), address: None }
    }
}

/// The request that is being worked on.
pub fn current() -> Origin {
    ORIGIN.try_with(Clone::clone).unwrap_or_default()
}

/// Does `work` as coming from `origin`.
pub async fn of<F: Future>(origin: Origin, work: F) -> F::Output {
    ORIGIN.scope(origin, work).await
}

/// As [`of`], for work that does not wait.
pub fn within<T>(origin: Origin, work: impl FnOnce() -> T) -> T {
    ORIGIN.sync_scope(origin, work)
}

/// The span, or that of the caller where nobody wants this one: work that goes to another thread is still logged as of
/// its request.
pub(crate) fn carried(span: tracing::Span) -> tracing::Span {
    if span.is_disabled() { tracing::Span::current() } else { span }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_the_innermost_one_and_ends_with_its_work() {
        assert_eq!(current(), Origin::default());
        let request =
            Origin { request: Some("request-1".into()), address: Some("192.0.2.7".parse().unwrap()) };
        let inner = of(request.clone(), async {
            let seen = current();
            tokio::task::yield_now().await;
            within(Origin::default(), || assert_eq!(current(), Origin::default()));
            (seen, current())
        });
        assert_eq!(inner.await, (request.clone(), request));
        assert_eq!(current(), Origin::default());
    }
}

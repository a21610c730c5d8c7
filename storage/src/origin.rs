//! From which request something comes. The word travels with the task, onto the threads of the database too, so that a
//! job which a request leaves behind can be found in the log by the same word.

use std::future::Future;
use std::sync::Arc;

tokio::task_local! {
    static ORIGIN: Option<Arc<str>>;
}

/// The id of a request, or none for what the server does by itself.
pub type Origin = Option<Arc<str>>;

/// The request that is being worked on.
pub fn current() -> Origin {
    ORIGIN.try_with(Clone::clone).ok().flatten()
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
        assert_eq!(current(), None);
        let request: Origin = Some("request-1".into());
        let inner = of(request.clone(), async {
            let seen = current();
            tokio::task::yield_now().await;
            within(None, || assert_eq!(current(), None));
            (seen, current())
        });
        assert_eq!(inner.await, (request.clone(), request));
        assert_eq!(current(), None);
    }
}

//! Says with an answer how it stands with the limits that the request was counted against: the fields `RateLimit-Policy` and
//! `RateLimit` of the IETF draft "RateLimit header fields for HTTP" (draft-ietf-httpapi-ratelimit-headers-10), which are
//! lists of structured fields (RFC 9651). `q` is the quota, `w` its window in seconds, `qu` what is counted where that is not
//! requests; `r` is what is left, `t` the seconds until it is more.
//!
//! Services tell of a limit when they have counted, from wherever in the request that is; a refusal carries its own.

use std::cell::RefCell;
use std::fmt::Write as _;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use suishoupai_core::time::Moment;

use crate::problem::{Code, Problem};

/// Names the policies of an answer.
pub const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// What is left by them.
pub const LEFT: HeaderName = HeaderName::from_static("ratelimit");

tokio::task_local! {
    static TOLD: RefCell<Vec<Standing>>;
}

/// What a quota counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Requests.
    Requests,
    /// Bytes of contents.
    Bytes,
    /// Requests that are open at the same time.
    Concurrent,
}

/// A limit that callers may know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// By which clients tell one from another, stable.
    pub name: &'static str,
    /// Of what.
    pub counted: Counted,
    /// How many in a window, or at the same time.
    pub quota: u64,
    /// The window, seconds; none for what is open at the same time.
    pub window: Option<u32>,
}

/// A policy and what is left of it for this caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    policy: Policy,
    /// None where that would tell of somebody else.
    left: Option<u64>,
    /// Seconds until there is more.
    more_in: Option<u32>,
}

impl Policy {
    /// So many requests within a window of seconds.
    pub const fn within(name: &'static str, quota: u32, window: u32) -> Self {
        Self { name, counted: Counted::Requests, quota: quota as u64, window: Some(window) }
    }

    /// Its window, milliseconds.
    pub fn window_millis(&self) -> i64 {
        i64::from(self.window.unwrap_or_default()) * 1000
    }

    /// Whether so many are too many.
    pub fn is_over(&self, hits: i32) -> bool {
        u64::try_from(hits).is_ok_and(|hits| hits > self.quota)
    }

    /// How it stands after so many, until the window ends.
    pub fn after(self, hits: i32, until: Moment, now: Moment) -> Standing {
        let used = u64::try_from(hits).unwrap_or_default();
        let left = Some(self.quota.saturating_sub(used));
        Standing { policy: self, left, more_in: Some(seconds(until.millis() - now.millis())) }
    }

    /// How it stands with so much left; `more_in` are the seconds until there is more, where that is known.
    pub fn left(self, left: u64, more_in: Option<u32>) -> Standing {
        Standing { policy: self, left: Some(left), more_in }
    }

    /// The policy alone.
    pub fn unsaid(self) -> Standing {
        Standing { policy: self, left: None, more_in: None }
    }

    /// The refusal of what is too much, until so many milliseconds have passed.
    pub fn exceeded(self, wait_millis: i64) -> Problem {
        let wait = seconds(wait_millis);
        let standing = Standing { policy: self, left: Some(0), more_in: Some(wait) };
        Problem::new(Code::TooManyRequests).retry_after(wait).limited(standing)
    }
}

/// Whole seconds, at least one, none too early.
fn seconds(millis: i64) -> u32 {
    u32::try_from((millis + 999).max(1000) / 1000).unwrap_or(u32::MAX)
}

/// Tells of a limit with the answer to the present request; what is done for none tells nobody. Said again, the later one
/// holds.
pub fn tell(standing: Standing) {
    // Outside of a request there is no one to be told.
    TOLD.try_with(|told| add(&mut told.borrow_mut(), standing)).ok();
}

fn add(all: &mut Vec<Standing>, standing: Standing) {
    all.retain(|known| known.policy.name != standing.policy.name);
    all.push(standing);
}

/// Middleware: adds the fields to answers of requests that were counted against limits.
///
/// # Errors
/// Only those of the services inside.
pub async fn rate_limits<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let counted = async {
        let mut answer = next.call(request).await?;
        let mut all = TOLD.with(RefCell::take);
        let refused = answer.response().extensions().get::<Problem>().and_then(Problem::standing);
        if let Some(standing) = refused {
            add(&mut all, standing);
        }
        write(answer.headers_mut(), &all);
        Ok(answer)
    };
    TOLD.scope(RefCell::default(), counted).await
}

fn write(headers: &mut HeaderMap, all: &[Standing]) {
    if all.is_empty() {
        return;
    }
    let fields = [(POLICY, policies(all)), (LEFT, what_is_left(all))];
    for (name, text) in fields {
        if !text.is_empty()
            && let Ok(value) = HeaderValue::try_from(text)
        {
            headers.insert(name, value);
        }
    }
}

/// Room for what most answers say, so that the text need not grow.
const ROOM: usize = 128;

fn policies(all: &[Standing]) -> String {
    let mut text = String::with_capacity(ROOM);
    for standing in all {
        let Policy { name, counted, quota, window } = standing.policy;
        // Writing into a text does not fail.
        write!(text, "{}\"{name}\";q={quota}", comma(&text)).ok();
        match counted {
            Counted::Requests => {}
            Counted::Bytes => text.push_str(";qu=\"content-bytes\""),
            Counted::Concurrent => text.push_str(";qu=\"concurrent-requests\""),
        }
        if let Some(window) = window {
            write!(text, ";w={window}").ok();
        }
    }
    text
}

fn what_is_left(all: &[Standing]) -> String {
    let mut text = String::with_capacity(ROOM);
    for standing in all {
        let Some(left) = standing.left else { continue };
        write!(text, "{}\"{}\";r={left}", comma(&text), standing.policy.name).ok();
        if let Some(more_in) = standing.more_in {
            write!(text, ";t={more_in}").ok();
        }
    }
    text
}

/// What stands before another one of a list.
fn comma(before: &str) -> &'static str {
    if before.is_empty() { "" } else { ", " }
}

#[cfg(test)]
mod tests {
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, HttpResponse, web};

    use super::*;

    const HOURLY: Policy = Policy::within("hourly", 10, 3600);
    const BYTES: Policy = Policy { name: "bytes", counted: Counted::Bytes, quota: 1 << 20, window: Some(60) };
    const OPEN: Policy = Policy { name: "open", counted: Counted::Concurrent, quota: 8, window: None };

    async fn counted() -> HttpResponse {
        let now = Moment::from_millis(0);
        tell(HOURLY.after(1, now.plus_millis(1500), now));
        tell(HOURLY.after(3, now.plus_millis(1500), now));
        tell(BYTES.left(7, None));
        tell(OPEN.unsaid());
        HttpResponse::Ok().finish()
    }

    async fn refused() -> Result<HttpResponse, Problem> {
        tell(OPEN.left(1, None));
        tell(HOURLY.left(1, None));
        Err(HOURLY.exceeded(59_001))
    }

    #[actix_web::test]
    async fn an_answer_names_the_limits_that_it_was_counted_against() {
        // Nobody is told outside of a request.
        tell(HOURLY.unsaid());
        let app = init_service(
            App::new()
                .wrap(from_fn(rate_limits))
                .route("/counted", web::get().to(counted))
                .route("/refused", web::get().to(refused))
                .route("/free", web::get().to(HttpResponse::Ok)),
        )
        .await;
        let bytes = "\"bytes\";q=1048576;qu=\"content-bytes\";w=60";
        let open = "\"open\";q=8;qu=\"concurrent-requests\"";
        let rows = [
            (
                "/counted",
                200,
                format!("\"hourly\";q=10;w=3600, {bytes}, {open}"),
                "\"hourly\";r=7;t=2, \"bytes\";r=7",
            ),
            ("/refused", 429, format!("{open}, \"hourly\";q=10;w=3600"), "\"open\";r=1, \"hourly\";r=0;t=60"),
            ("/free", 200, String::new(), ""),
        ];
        for (path, status, policy, left) in rows {
            let response = call_service(&app, TestRequest::get().uri(path).to_request()).await;
            let get = |name| response.headers().get(name).map_or("", |value| value.to_str().unwrap());
            assert_eq!(
                (response.status().as_u16(), get(POLICY), get(LEFT)),
                (status, policy.as_str(), left),
                "{path}"
            );
        }
    }

    #[test]
    fn more_than_the_quota_is_over_it_and_nothing_is_left_then() {
        let now = Moment::from_millis(0);
        let rows = [
            (0, 10, false),
            (9, 1, false),
            (10, 0, false),
            (11, 0, true),
            (i32::MAX, 0, true),
            (-1, 10, false),
        ];
        for (hits, left, over) in rows {
            assert_eq!(
                (HOURLY.after(hits, now, now).left, HOURLY.is_over(hits)),
                (Some(left), over),
                "{hits}"
            );
        }
    }
}

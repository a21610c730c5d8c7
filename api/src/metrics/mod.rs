//! What the server counts of itself, told to Prometheus on a listener of its own (`metrics.listen`), never on the public
//! one. Labels are words of the program, patterns of routes, and codes of districts: nothing that a caller chose, and
//! nobody's number, token or name, becomes one, so there are never more series than the program has words.

mod counted;
mod process;
mod serve;

use std::time::{Duration, Instant};

use actix_web::http::Method;
use prometheus_client::encoding::{EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use suishoupai_storage::meter::{DbMeter, Held, StoreMeter, seconds};

pub(crate) use serve::{Listening, bind};

use counted::Counted;

/// Bounds of the buckets of jobs and of renditions, in seconds.
const LONG_SECONDS: [f64; 10] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0];

fn long_seconds() -> Histogram {
    Histogram::new(LONG_SECONDS)
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: &'static str,
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Finished {
    kind: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    code: &'static str,
}

/// What became of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobOutcome {
    /// Done.
    Done,
    /// To be tried again.
    Failed,
    /// Given up.
    Dead,
}

impl JobOutcome {
    /// The word in labels and in the log.
    pub const fn word(self) -> &'static str {
        match self {
            JobOutcome::Done => "done",
            JobOutcome::Failed => "failed",
            JobOutcome::Dead => "dead",
        }
    }
}

/// The counts of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Without the prefix of the others, under the names that every program has.
    process: Registry,
    answered: Family<Answered, Counter>,
    seconds: Family<Route, Histogram>,
    in_flight: Gauge,
    streams: Gauge,
    jobs: Family<Finished, Histogram>,
    photos: Counter,
    photo_bytes: Counter,
    refused: Family<Refused, Counter>,
    rendered: Family<Outcome, Histogram>,
    counted: Counted,
}

impl Metrics {
    /// Counts that begin at nothing, with those of the database and the photo store.
    pub fn new(db: &DbMeter, store: &StoreMeter) -> Self {
        let mut this = Self {
            registry: Registry::with_prefix("suishoupai"),
            process: Registry::default(),
            answered: Family::default(),
            seconds: Family::new_with_constructor(seconds),
            in_flight: Gauge::default(),
            streams: Gauge::default(),
            jobs: Family::new_with_constructor(long_seconds),
            photos: Counter::default(),
            photo_bytes: Counter::default(),
            refused: Family::default(),
            rendered: Family::new_with_constructor(long_seconds),
            counted: Counted::default(),
        };
        let to = &mut this.registry;
        to.register("build", "The program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let about = "Requests answered, by pattern of the route and status";
        to.register("http_requests", about, this.answered.clone());
        let about = "How long requests took until the answer began";
        to.register("http_request_seconds", about, this.seconds.clone());
        to.register("http_in_flight", "Requests that are being answered", this.in_flight.clone());
        to.register("live_streams", "Streams of changes that are open", this.streams.clone());
        to.register("job_seconds", "Tries of background jobs, by what came of them", this.jobs.clone());
        to.register("photos", "Photos taken in, with those sent again", this.photos.clone());
        to.register("photo_bytes", "Bytes of the photos taken in", this.photo_bytes.clone());
        to.register("photos_refused", "Pictures refused, by the code of the problem", this.refused.clone());
        let about = "How long renditions took, by whether they could be made";
        to.register("photo_render_seconds", about, this.rendered.clone());
        to.register_collector(Box::new(this.counted.clone()));
        db.register(to);
        store.register(to);
        process::register(&mut this.process);
        this
    }

    /// Counts a request as being answered, for as long as the answer is kept.
    pub fn begin(&self) -> Held {
        Held::one(&self.in_flight)
    }

    /// Counts a stream of changes, for as long as it is open.
    pub fn streaming(&self) -> Held {
        Held::one(&self.streams)
    }

    /// Counts an answer. `route` is the pattern of the route, or none where no route took the request.
    pub fn answered(&self, method: &Method, route: Option<&str>, status: u16, took: Duration) {
        let (method, route) = (word(method), route.unwrap_or("unmatched").to_owned());
        let labels = Answered { method, route, status };
        self.answered.get_or_create(&labels).inc();
        let Answered { method, route, .. } = labels;
        self.seconds.get_or_create(&Route { method, route }).observe(took.as_secs_f64());
    }

    /// Counts a try of a job.
    pub fn job(&self, kind: &str, outcome: JobOutcome, begun: Instant) {
        let labels = Finished { kind: kind_word(kind).to_owned(), outcome: outcome.word() };
        self.jobs.get_or_create(&labels).observe(begun.elapsed().as_secs_f64());
    }

    /// Counts a photo that has been looked at and is in the store.
    pub fn photo_stored(&self, bytes: u64) {
        self.photos.inc();
        self.photo_bytes.inc_by(bytes);
    }

    /// Counts a picture that was refused.
    pub fn photo_refused(&self, code: &'static str) {
        self.refused.get_or_create(&Refused { code }).inc();
    }

    /// Counts the making of renditions.
    pub fn photo_rendered(&self, made: bool, begun: Instant) {
        let outcome = if made { "rendered" } else { "failed" };
        self.rendered.get_or_create(&Outcome { outcome }).observe(begun.elapsed().as_secs_f64());
    }

    /// Everything in the text format of Prometheus. Blocks: the system is asked about the process.
    ///
    /// # Errors
    /// Never for a text in memory.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        prometheus_text::encode(&mut text, &self.process)?;
        Ok(text)
    }
}

/// The method as a label: a caller may invent methods, and must not invent labels.
fn word(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The kind of a job as a label, without what it is about.
fn kind_word(kind: &str) -> &str {
    kind.split(':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests;

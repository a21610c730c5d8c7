//! What is counted in the database rather than kept: tickets by state, and jobs. It is counted when somebody asks, but not
//! more often than the settings say, and never for more than a small share of the time: a city's tickets are counted
//! through an index, which takes longer the more there are.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use suishoupai_storage::db::counts::{self, JobCount, TicketCount};

use super::kind_word;
use crate::fail::Fail;
use crate::services::Services;

/// After a count that took a second, this many seconds pass before the next.
const REST: u32 = 50;

/// The last counts, for collecting. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    last: Arc<RwLock<Arc<Counts>>>,
    /// When to count again; held by whoever counts.
    due: Arc<tokio::sync::Mutex<Option<Instant>>>,
}

/// What was found.
#[derive(Debug, Default)]
struct Counts {
    tickets: Vec<TicketCount>,
    jobs: Vec<JobCount>,
    /// When, in seconds since 1970; none before the first count.
    at: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InState {
    district: i32,
    state: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct Waiting {
    kind: String,
    state: String,
}

impl Counted {
    /// Counts anew if it is time, unless somebody is counting already.
    ///
    /// # Errors
    /// The database's; the last counts stay.
    pub(super) async fn refresh(&self, services: &Services) -> Result<(), Fail> {
        let Ok(mut due) = self.due.try_lock() else { return Ok(()) };
        if due.is_some_and(|due| Instant::now() < due) {
            return Ok(());
        }
        let pause = Duration::from_secs(services.config.metrics.refresh_seconds);
        let begun = Instant::now();
        // Also after a failure: a database in trouble is not asked more often.
        *due = Some(begun + pause);
        let (tickets, jobs) =
            services.db.read(|conn| Ok::<_, Fail>((counts::tickets(conn)?, counts::jobs(conn)?))).await?;
        let took = begun.elapsed();
        let at = services.now().millis() as f64 / 1000.0;
        *self.last.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(Counts { tickets, jobs, at: Some(at) });
        if !pause.is_zero() {
            *due = Some(Instant::now() + pause.max(took * REST));
        }
        Ok(())
    }
}

impl Collector for Counted {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let last = Arc::clone(&self.last.read().unwrap_or_else(PoisonError::into_inner));
        let about = "Tickets by district and state, when they were last counted";
        let mut tickets = encoder.encode_descriptor("tickets", about, None, MetricType::Gauge)?;
        for TicketCount { district, state, count } in &last.tickets {
            let labels = InState { district: *district, state: state.clone() };
            ConstGauge::new(*count).encode(tickets.encode_family(&labels)?)?;
        }
        let about = "Background jobs that wait or were given up, when they were last counted";
        let mut jobs = encoder.encode_descriptor("jobs", about, None, MetricType::Gauge)?;
        for (labels, count) in by_kind(&last.jobs) {
            ConstGauge::new(count).encode(jobs.encode_family(&labels)?)?;
        }
        if let Some(at) = last.at {
            let about = "When tickets and jobs were last counted";
            let name = "counted_timestamp_seconds";
            let counted = encoder.encode_descriptor(name, about, None, MetricType::Gauge)?;
            ConstGauge::new(at).encode(counted)?;
        }
        Ok(())
    }
}

/// Jobs of the same word together; what a job is about stands behind it.
fn by_kind(jobs: &[JobCount]) -> BTreeMap<Waiting, i64> {
    let mut all = BTreeMap::new();
    for JobCount { kind, state, count } in jobs {
        let labels = Waiting { kind: kind_word(kind).to_owned(), state: state.clone() };
        *all.entry(labels).or_default() += *count;
    }
    all
}

//! Whether the server can serve, part by part. Asked by balancers every few seconds and open to everybody, so it costs
//! little and tells no addresses; what the parts said is in the log.

use std::time::Duration;

use suishoupai_storage::db::{DbError, jobs, schema_is_current};
use suishoupai_storage::store::{ObjectKey, StoreError};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::services::Services;

/// How long a part may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the answer of the photo store is good, which may be far away and charge for requests.
const STORE_ANSWER: Duration = Duration::from_secs(5);

/// A part of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The server itself: not ready while it is about to stop.
    Process,
    /// The database answers.
    Database,
    /// Its schema is that of this program.
    Schema,
    /// The photo store takes and gives photos.
    PhotoStore,
    /// There is a grid mesh.
    Mesh,
}

impl Part {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Part::Process => "process",
            Part::Database => "database",
            Part::Schema => "schema",
            Part::PhotoStore => "photo_store",
            Part::Mesh => "mesh",
        }
    }

    /// Whether nothing should be sent to a server without it. All servers share one photo store: were it needed, its
    /// outage would stop what works without photos too.
    pub const fn is_needed(self) -> bool {
        !matches!(self, Part::PhotoStore)
    }
}

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// Every part, with why it is not ready.
    pub parts: Vec<(Part, Option<&'static str>)>,
    /// Jobs that wait, and jobs that were given up.
    pub jobs: (i64, i64),
}

impl Found {
    /// Whether every part is ready that is needed.
    pub fn is_ready(&self) -> bool {
        self.parts.iter().all(|(part, problem)| problem.is_none() || !part.is_needed())
    }
}

/// The last answer of the photo store.
#[derive(Debug, Default)]
pub struct StoreAnswer(Mutex<Option<(Instant, Option<&'static str>)>>);

/// Looks at every part.
pub async fn look(services: &Services) -> Found {
    let ((database, schema, jobs), store) = tokio::join!(database(services), store(services));
    let process = services.leaving.has_begun().then_some("draining: the server is about to stop");
    let no_mesh = services.registry().mesh.cells().is_empty();
    let mesh = no_mesh.then_some("there is no grid mesh; import one with `suishoupai import grids`");
    let parts = vec![
        (Part::Process, process),
        (Part::Database, database),
        (Part::Schema, schema),
        (Part::PhotoStore, store),
        (Part::Mesh, mesh),
    ];
    Found { parts, jobs }
}

type Problem = Option<&'static str>;

async fn database(services: &Services) -> (Problem, Problem, (i64, i64)) {
    let asked = services.db.read(|conn| {
        let schema = match schema_is_current(conn) {
            Err(DbError::Refused(why)) => Some(why),
            other => other.map(|()| None)?,
        };
        // Of another schema nothing more is asked.
        let jobs = if schema.is_none() { jobs::counts(conn)? } else { (0, 0) };
        Ok::<_, DbError>((schema, jobs))
    });
    match timeout(PATIENCE, asked).await {
        Ok(Ok((None, jobs))) => (None, None, jobs),
        Ok(Ok((Some(why), jobs))) => {
            tracing::error!(why, "the schema is not that of this program");
            (None, Some("the schema of the database is not that of this program"), jobs)
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "the database is not ready");
            (Some("the database does not answer"), Some("unknown while the database does not answer"), (0, 0))
        }
        Err(_) => {
            (Some("the database does not answer"), Some("unknown while the database does not answer"), (0, 0))
        }
    }
}

async fn store(services: &Services) -> Problem {
    let mut last = services.store_answer.0.lock().await;
    if let Some((_, answer)) = last.filter(|(at, _)| at.elapsed() < STORE_ANSWER) {
        return answer;
    }
    let answer = match timeout(PATIENCE, ask_store(services)).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => {
            tracing::warn!(%error, "the photo store is not ready");
            let is_full = matches!(error, StoreError::NoSpace);
            Some(if is_full { "the photo store is full" } else { "the photo store does not answer" })
        }
        Err(_) => Some("the photo store does not answer"),
    };
    *last = Some((Instant::now(), answer));
    answer
}

/// Looks for an object, and writes a byte where uploads wait.
async fn ask_store(services: &Services) -> Result<(), StoreError> {
    if let Ok(key) = ObjectKey::original(&[0; 32], "jpg") {
        services.store.head(&key).await?;
    }
    if let Ok(incoming) = services.store.spool().begin(1).push(b"?").await? {
        incoming.finish().await?;
    }
    Ok(())
}

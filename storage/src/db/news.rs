//! What one process tells the others about the database: that the reference data has changed, that there are jobs.
//!
//! On PostgreSQL by NOTIFY, in the transaction of the change, so that nobody is told of what did not happen. It only
//! makes the others look sooner: whoever misses it, or is on SQLite, finds out when it next looks by itself.

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::conn::{Conn, Target, Use, connect};
use super::error::DbError;

/// What there is to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// The reference data has another revision.
    Reference,
    /// Jobs wait that a process cannot do alone.
    Jobs,
    /// Tickets have changed.
    Changes,
}

const CHANNEL: &str = "suishoupai";
/// The name under which the connection that listens is seen in `pg_stat_activity`.
pub const LISTENER: &str = "suishoupai listener";
/// How often the connection is looked at. That is a read of a socket which mostly has nothing; the database is not
/// asked anything.
const LOOK: Duration = Duration::from_millis(50);
/// How often the database is asked something on it, so that a connection which the other side has forgotten is noticed.
const PROBE: Duration = Duration::from_secs(15);
/// The first pause before connecting again, and the longest; each is twice the one before, and a part of it chance.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

impl News {
    const ALL: [News; 3] = [News::Reference, News::Jobs, News::Changes];

    const fn word(self) -> &'static str {
        match self {
            News::Reference => "reference",
            News::Jobs => "jobs",
            News::Changes => "changes",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|news| news.word() == word)
    }
}

/// Tells the other processes once this transaction has been committed.
///
/// # Errors
/// The database's.
pub fn tell(conn: &mut Conn, news: News) -> Result<(), DbError> {
    if let Conn::Pg(conn) = conn {
        diesel::sql_query("SELECT pg_notify($1, $2)")
            .bind::<Text, _>(CHANNEL)
            .bind::<Text, _>(news.word())
            .execute(conn)?;
    }
    Ok(())
}

/// Listens until it is dropped. Nobody waits for the thread to end: it may be on its way to a database that is away.
#[derive(Debug)]
pub struct Listener {
    _stop: Sender<()>,
}

/// Calls `hear` for what other processes (and this one) tell, on a thread and a connection of its own. A connection
/// that is lost is made anew, and `hear` is then called for the reference data, which may have changed meanwhile; jobs
/// are found by looking. None on SQLite, where nobody tells anything.
///
/// # Errors
/// When the thread cannot be started.
pub fn listen(target: &Target, hear: impl Fn(News) + Send + 'static) -> Result<Option<Listener>, DbError> {
    if matches!(target, Target::Sqlite(_)) {
        return Ok(None);
    }
    let (stop, stopped) = channel();
    let target = target.clone();
    std::thread::Builder::new()
        .name("listener".to_owned())
        .spawn(move || keep_listening(&target, &stopped, &hear))
        .map_err(|error| DbError::Unavailable(error.to_string()))?;
    Ok(Some(Listener { _stop: stop }))
}

/// Waits, and says whether it was told to stop meanwhile.
fn wait(stopped: &Receiver<()>, time: Duration) -> bool {
    !matches!(stopped.recv_timeout(time), Err(RecvTimeoutError::Timeout))
}

fn keep_listening(target: &Target, stopped: &Receiver<()>, hear: &impl Fn(News)) {
    let (first, longest) = PAUSES;
    let mut pause = first;
    loop {
        let heard = |news| {
            pause = first;
            hear(news);
        };
        match session(target, stopped, heard) {
            Ok(()) => return,
            Err(error) => tracing::warn!(%error, "the connection that listens was lost; it is made anew"),
        }
        if wait(stopped, pause.mul_f64(0.5 + rand::random::<f64>() / 2.0)) {
            return;
        }
        pause = (pause * 2).min(longest);
    }
}

/// Listens on one connection until it is lost; ends well when told to stop.
fn session(target: &Target, stopped: &Receiver<()>, mut hear: impl FnMut(News)) -> Result<(), DbError> {
    let Conn::Pg(mut conn) = connect(target, Use::Read)? else { return Ok(()) };
    conn.batch_execute(&format!("SET application_name = '{LISTENER}'; LISTEN {CHANNEL}"))?;
    hear(News::Reference);
    let mut asked = Instant::now();
    while !wait(stopped, LOOK) {
        if asked.elapsed() >= PROBE {
            conn.batch_execute("SELECT 1")?;
            asked = Instant::now();
        }
        // What was told several times since the last look is looked for once.
        let mut told = BTreeSet::new();
        for news in conn.notifications_iter() {
            told.extend(News::parse(&news?.payload));
        }
        told.into_iter().for_each(&mut hear);
    }
    Ok(())
}

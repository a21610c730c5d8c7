//! A made-up district lives for some days on a clock of its own, through the same functions that serve the routes:
//! people report, claim, file, dispatch, sign, give back, dispute, extend, suspend, finish, check, call and rate, and
//! every clock rings at its instant. Then everything that lies in the database is audited.
//!
//! A run depends on nothing but its options: the same seed gives the same tickets.

mod audit;
mod chance;
mod desk;
mod fill;
mod life;
mod moves;
mod people;
mod plan;
mod queue;
mod replay;
mod reporter;
mod scene;
mod tally;
#[cfg(test)]
mod tests;
mod town;
mod world;

use std::ops::Range;
use std::sync::Arc;

use suishoupai_core::time::Moment;
use suishoupai_storage::db::{Db, bulk, reference};

pub use audit::audit;
pub use fill::{Filled, Filling, fill};
pub use tally::Tally;

use crate::config::Config;
use crate::demo::{self, PASSWORD};
use crate::fail::Fail;
use crate::lang::Text;
use crate::password::Passwords;
use crate::problem::{Code, Problem};
use crate::registry::Registry;
use chance::Chance;
use people::People;
use scene::Scene;
use town::Town;
use world::World;

/// Monday, 2 March 2026, midnight in China: the calendar of the demonstration covers the months after it.
const START: Moment = Moment::from_millis(1_772_380_800_000);

/// Milliseconds.
const DAY: i64 = 86_400_000;

/// What is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many days, from the one on which every simulation begins.
    pub days: u32,
    /// How many reports come in each day.
    pub tickets_per_day: u32,
    /// From which all draws follow.
    pub seed: u64,
}

impl Options {
    /// How many reports come in at the most.
    fn total(self) -> i64 {
        i64::from(self.days) * i64::from(self.tickets_per_day)
    }

    fn residents(self) -> usize {
        (self.tickets_per_day as usize * 3).clamp(20, 3_000)
    }
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The indicators.
    pub tally: Tally,
    /// What people tried in vain: command, code of the problem, how often. Races for a claim are among them.
    pub refused: Vec<(&'static str, &'static str, u64)>,
    /// What is wrong with the database afterwards; nothing, as it should be.
    pub faults: Vec<String>,
}

impl Outcome {
    /// Lines of history that were written.
    pub fn lines(&self) -> u64 {
        self.tally.lines.values().sum()
    }
}

/// Simulates in an empty, migrated database.
///
/// # Errors
/// `not_allowed_in_state` where the database holds a district already; the database's.
pub async fn run(db: &Db, options: Options) -> Result<Outcome, Fail> {
    let scene = Arc::new(prepare(db, options).await?);
    let stage = Arc::clone(&scene);
    let world =
        db.write(move |conn| bulk::fill(conn, bulk::TICKETS, |conn| World::live(conn, &stage))).await?;
    db.settle().await?;
    let registry =
        Arc::new(Registry::build(db.read(reference::load).await?, &Config::default()).map_err(broken)?);
    let (tally, found) = audit::look(db, &registry, scene.end).await?;
    let mut faults = world.faults;
    faults.extend(found);
    let refused = world.refused.into_iter().map(|((verb, code), times)| (verb, code, times)).collect();
    Ok(Outcome { tally, refused, faults })
}

/// Looks that the database is empty, loads the demonstration's district, and staffs every unit of it.
async fn prepare(db: &Db, options: Options) -> Result<Scene, Fail> {
    if !db.read(reference::load).await?.districts.is_empty() {
        return Err(not_empty().into());
    }
    let end = START.plus_seconds(i64::from(options.days) * 86_400);
    found(db, options, START..end, options.total()).await
}

/// Loads the demonstration's district and staffs every unit of it, for `total` tickets in a span of time.
async fn found(db: &Db, options: Options, span: Range<Moment>, total: i64) -> Result<Scene, Fail> {
    let Range { start, end } = span;
    let passwords = Passwords::default();
    demo::load(db, &passwords, start).await?;
    let registry = Registry::build(db.read(reference::load).await?, &Config::default()).map_err(broken)?;
    let mut people = People::hire(&registry, options.residents());
    people.number(&db.reserve(people.keys_needed()).await?);
    let hash = passwords.hash(PASSWORD.to_owned()).await.map_err(|error| Fail::internal(&error))?;
    // Stretch 0 is the town itself; the stretches of the run count from 1.
    let town = Town::new(&registry, people, &mut Chance::new(options.seed, 0));
    let first_ticket = db.reserve(2 * total).await?.start;
    let scene = Arc::new(Scene { options, registry, town, start, end, first_ticket, total });
    let hired = Arc::clone(&scene);
    db.write(move |conn| hired.town.people.write(conn, &hash, start)).await?;
    Arc::into_inner(scene).ok_or_else(|| Code::Internal.into())
}

fn broken(error: suishoupai_core::clock::CalendarError) -> Fail {
    Fail::internal(&error)
}

fn not_empty() -> Problem {
    Problem::new(Code::NotAllowedInState).detail(Text::new(
        "数据库中已有数据；模拟只能在空的数据库中进行，请用 --data 指定另一个空目录",
        "the database holds data already; a simulation needs an empty one, so name another folder by --data",
    ))
}

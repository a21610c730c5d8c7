//! An empty installation filled with the history of a district: every ticket lives by the rules, in the mind of one of
//! several threads, and is then written down with all that happened to it.
//!
//! What is written depends on nothing but what was asked for: every ticket has draws of its own.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use suishoupai_core::flow::Command;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::tickets::{self, Rows};
use suishoupai_storage::db::{Conn, Db, DbError, bulk, reference};

use super::chance::Chance;
use super::life::Life;
use super::reporter::compose;
use super::scene::Scene;
use super::town::Town;
use super::{DAY, Options, found};
use crate::fail::Fail;
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::service::reports::Plain;

/// Tickets whose rows are made and written together; even, as pairs may be about the same thing.
const PORTION: i64 = 500;
/// Portions that a thread is ahead of the writing.
const AHEAD: usize = 2;
/// Reports on a day at the most; more tickets mean a longer history, up to [`LONGEST`] days.
const A_DAY: u32 = 1_500;
/// Two years, of which the demonstration's calendar knows the holidays.
const LONGEST: u32 = 730;
const SHORTEST: u32 = 14;
/// Of so many pairs of reports one is about the same thing.
const ALIKE: f64 = 0.03;
/// So often a place is drawn anew that lies in no cell.
const TRIES: usize = 1_000;

/// What an installation is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filling {
    /// How many tickets.
    pub tickets: u32,
    /// From which all draws follow.
    pub seed: u64,
    /// When the history ends: nothing has happened at or after this instant.
    pub until: Moment,
}

/// What has been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled {
    /// Tickets.
    pub tickets: u64,
    /// Lines of history.
    pub lines: u64,
    /// How many days back the history reaches.
    pub days: u32,
}

/// Fills an empty, migrated database with the demonstration's district and its history.
///
/// The tickets are one transaction: they are there whole or not at all.
///
/// # Errors
/// `not_allowed_in_state` where the database holds a district already; the database's.
pub async fn fill(db: &Db, filling: Filling) -> Result<Filled, Fail> {
    if !db.read(reference::load).await?.districts.is_empty() {
        return Err(not_empty().into());
    }
    let days = (filling.tickets / A_DAY).clamp(SHORTEST, LONGEST);
    let options = Options { days, tickets_per_day: filling.tickets.div_ceil(days), seed: filling.seed };
    let begin = filling.until.plus_millis(-i64::from(days) * DAY);
    let scene = found(db, options, begin..filling.until, i64::from(filling.tickets)).await?;
    let scene = Arc::new(scene);
    let lines = db
        .write(move |conn| {
            let scene = Arc::clone(&scene);
            bulk::fill(conn, bulk::ALL, move |conn| write_all(conn, &scene))
        })
        .await?;
    db.settle().await?;
    Ok(Filled { tickets: u64::from(filling.tickets), lines, days })
}

type Portion = Result<Rows, Fail>;

/// Lets some threads live the lives and writes them in their order; answers how many lines they have.
fn write_all(conn: &mut Conn, scene: &Scene) -> Result<u64, Fail> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(8);
    thread::scope(|scope| {
        let mut portions = Vec::new();
        for first in 0..threads {
            let (done, portion) = sync_channel(AHEAD);
            scope.spawn(move || live(scene, first, threads, &done));
            portions.push(portion);
        }
        write(conn, scene.total, &portions)
    })
}

/// Makes every `step`th portion from `first` on, until nobody wants more.
fn live(scene: &Scene, first: usize, step: usize, done: &SyncSender<Portion>) {
    let starts = (0..scene.total).step_by(PORTION as usize).skip(first).step_by(step);
    for start in starts {
        let portion = portion(scene, start..(start + PORTION).min(scene.total));
        if done.send(portion).is_err() {
            return;
        }
    }
}

fn write(conn: &mut Conn, total: i64, portions: &[Receiver<Portion>]) -> Result<u64, Fail> {
    let count = (total as u64).div_ceil(PORTION as u64);
    let mut lines = 0;
    // The threads take turns, as the portions do.
    for (portion, _) in portions.iter().cycle().zip(0..count) {
        let rows = portion.recv().map_err(|_| gone())??;
        lines += rows.lines() as u64;
        rows.write(conn)?;
    }
    Ok(lines)
}

fn gone() -> DbError {
    DbError::Unavailable("a thread has ended before its work".to_owned())
}

/// The lives of the tickets with these indexes.
fn portion(scene: &Scene, indexes: Range<i64>) -> Portion {
    let mut lives: Vec<tickets::Life> = Vec::with_capacity(PORTION as usize);
    let mut index = indexes.start;
    while index < indexes.end {
        let mut chance = Chance::new(scene.options.seed, index as u64 + 1);
        let (at, plain) = report(scene, &mut chance, index)?;
        let alike = index + 1 < indexes.end && chance.hit(ALIKE);
        let mut life = Life::begin(scene, chance, plain.clone(), at)?;
        index += 1;
        if alike {
            let other = same(scene, &mut life, plain, index)?;
            index += 1;
            life.go_on(scene.end)?;
            lives.extend([life.end(), other.end()]);
        } else {
            life.go_on(scene.end)?;
            lives.push(life.end());
        }
    }
    Ok(Rows::of(lives)?)
}

/// When the report with this index comes in, and what it says.
fn report(scene: &Scene, chance: &mut Chance, index: i64) -> Result<(Moment, Plain), Fail> {
    let at = opened_at(scene, chance, index);
    for _ in 0..TRIES {
        if let Some(plain) = compose(scene, chance, index, at)? {
            return Ok((at, plain));
        }
    }
    Err(Code::Internal.into())
}

/// Keys grow with time, as they do where reports come in one after the other.
fn opened_at(scene: &Scene, chance: &mut Chance, index: i64) -> Moment {
    let a_day = i64::from(scene.options.tickets_per_day);
    let part = ((index % a_day) as f64 + chance.part()) / a_day as f64;
    scene.start.plus_millis(index / a_day * DAY + Town::by_then(part))
}

/// Somebody else reports the same, and before long the centre puts it under the first ticket: where the rules let it,
/// as the first may be over by then.
fn same<'a>(scene: &'a Scene, first: &mut Life<'_>, plain: Plain, index: i64) -> Result<Life<'a>, Fail> {
    let mut chance = Chance::new(scene.options.seed, index as u64 + 1);
    let (at, mut own) = report(scene, &mut chance, index)?;
    let residents = &scene.town.people.residents;
    let who = residents.start + chance.below(residents.len());
    let person = scene.town.people.all.get(who).ok_or(Code::Internal)?;
    own.account = person.account.clone();
    own.draft.photo_ids = vec![person.photo];
    (own.draft.text, own.draft.place, own.spot) = (plain.draft.text, plain.draft.place, plain.spot);
    own.draft.category = first.ticket().category.clone();
    let seen = at.plus_millis(60_000 + (chance.wait(15.0) * 60_000.0) as i64);
    let dispatcher = chance.one(&scene.town.people.dispatchers).copied();
    let mut life = Life::begin(scene, chance, own, at)?;
    if seen < scene.end {
        first.go_on(seen)?;
        life.go_on(seen)?;
        if first.absorbs(life.ticket().id) {
            let reason = "与前一案件反映同一问题".to_owned();
            let command = Command::Merge { into: first.ticket().id, reason };
            if life.order(dispatcher, command, seen)? {
                first.absorb(life.ticket(), dispatcher, seen)?;
            }
        }
    }
    life.go_on(scene.end)?;
    Ok(life)
}

fn not_empty() -> Problem {
    Problem::new(Code::NotAllowedInState).detail(Text::new(
        "数据库中已有数据；只能向空的、已迁移的数据库中填充，请用 --data 指定另一个空目录",
        "the database holds data already; only an empty, migrated one can be filled, so name another folder by --data",
    ))
}

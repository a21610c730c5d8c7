//! What steps have left, added up as [`super::fold`] has PostgreSQL do it: by unit and by square.

use std::collections::BTreeMap;

use diesel::prelude::*;
use suishoupai_core::flow::State;
use suishoupai_core::time::Moment;

use super::cells::FINEST;
use super::fold::{NARROWED, NARROWINGS, WHOLE};

/// A change of the number of tickets, as a step has left it.
#[derive(Clone, Debug, Queryable)]
pub(super) struct Step {
    pub(super) id: i64,
    pub(super) district: i32,
    pub(super) grid: i64,
    pub(super) community: i64,
    pub(super) street: i64,
    pub(super) state: String,
    pub(super) category: Option<String>,
    pub(super) sensitive: bool,
    pub(super) created_at: i64,
    pub(super) lon: f64,
    pub(super) lat: f64,
    pub(super) n: i64,
}

/// District, unit (0 for the whole district), state, and whether it is sensitive.
pub(super) type OfUnit = (i32, i64, String, bool);

/// A square with what narrows it, in the order of the key of its row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Square {
    pub(super) district: i32,
    pub(super) level: u8,
    pub(super) month: i32,
    pub(super) y: i64,
    pub(super) x: i64,
    pub(super) category: String,
    pub(super) stage: i32,
    pub(super) sensitive: bool,
}

/// How many are in a square, and the sums of their coordinates from the lower corner of the world on, in millionths of a
/// degree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct InSquare {
    pub(super) n: i64,
    pub(super) lon_sum: i64,
    pub(super) lat_sum: i64,
}

impl InSquare {
    fn add(&mut self, other: Self) {
        self.n += other.n;
        self.lon_sum += other.lon_sum;
        self.lat_sum += other.lat_sum;
    }
}

/// By unit, without those that come to nothing.
pub(super) fn by_unit(steps: &[Step]) -> BTreeMap<OfUnit, i64> {
    let mut sums: BTreeMap<OfUnit, i64> = BTreeMap::new();
    for step in steps {
        for unit in [0, step.street, step.community, step.grid] {
            *sums.entry((step.district, unit, step.state.clone(), step.sensitive)).or_default() += step.n;
        }
    }
    sums.retain(|_, n| *n != 0);
    sums
}

/// By square, without those that come to nothing.
pub(super) fn by_square(steps: &[Step]) -> BTreeMap<Square, InSquare> {
    // First the finest squares, of which there are fewer than steps.
    let mut finest: BTreeMap<Square, InSquare> = BTreeMap::new();
    for step in steps {
        let (square, of) = lies_in(step);
        finest.entry(square).or_default().add(of);
    }
    let mut sums: BTreeMap<Square, InSquare> = BTreeMap::new();
    for (square, of) in finest {
        for (level, by_category, by_month) in kept() {
            let shift = FINEST - level;
            let whole = Square {
                level,
                month: if by_month { square.month } else { 0 },
                y: square.y >> shift,
                x: square.x >> shift,
                category: if by_category { square.category.clone() } else { "*".to_owned() },
                ..square
            };
            sums.entry(whole).or_default().add(of);
        }
    }
    sums.retain(|_, of| *of != InSquare::default());
    sums
}

/// The levels that are kept, each with whether by category and whether by month.
fn kept() -> impl Iterator<Item = (u8, bool, bool)> {
    let narrowed = NARROWED.iter().flat_map(|level| NARROWINGS.map(|(by, of)| (*level, by, of)));
    WHOLE.iter().map(|level| (*level, false, false)).chain(narrowed)
}

fn lies_in(step: &Step) -> (Square, InSquare) {
    // Coordinates are of the earth, so nothing is negative and cutting off is rounding down.
    let columns = f64::from(1_u32 << FINEST);
    let (lon, lat) = (step.lon + 180.0, step.lat + 90.0);
    let date = Moment::from_millis(step.created_at).date();
    let square = Square {
        district: step.district,
        level: FINEST,
        month: i32::from(date.year()) * 12 + i32::from(date.month()) - 1,
        y: (lat / 360.0 * columns) as i64,
        x: (lon / 360.0 * columns) as i64,
        category: step.category.clone().unwrap_or_default(),
        stage: stage_of(&step.state),
        sensitive: step.sensitive,
    };
    let millionths = |degrees: f64| step.n * (degrees * 1_000_000.0) as i64;
    (square, InSquare { n: step.n, lon_sum: millionths(lon), lat_sum: millionths(lat) })
}

/// 0 open, 1 closed, 2 ended without anything done.
fn stage_of(state: &str) -> i32 {
    if state == State::Closed.as_str() {
        1
    } else if State::UNDONE.map(State::as_str).contains(&state) {
        2
    } else {
        0
    }
}

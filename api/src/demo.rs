//! The demonstration: 思明区 with a made-up mesh and an account for every role, loaded into an empty installation.

mod people;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Range;

use suishoupai_core::demo::{CALENDAR_CSV, CATEGORIES_CSV, DUTIES_CSV, SIMING, UNITS_CSV, seeds};
use suishoupai_core::flow::{Post, Role};
use suishoupai_core::geo::{
    LonLat, Mesh, MeshCell, Seed, SynthCell, parse_area, synthesize, write_ring_geojson,
};
use suishoupai_core::import::{
    Line, Row, UnitRow, compare_units, read_calendar, read_categories, read_duties, read_units,
};
use suishoupai_core::model::{CalendarDay, Category, District, Duty, Level, UnitId};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::{self, NewAccount};
use suishoupai_storage::db::reference::{
    self, NewMesh, load_units, save_categories, save_days, save_district, save_duties, save_mesh, save_units,
};
use suishoupai_storage::db::{Conn, Db};

use crate::fail::Fail;
use crate::lang::Text;
use crate::password::Passwords;
use crate::problem::{Code, Problem};
use crate::service::imports::grid_name;
use people::{PEOPLE, Person, Seat};

/// The password of every demo account.
pub const PASSWORD: &str = "demo-Siming-2026";
/// 思明区
pub const DISTRICT: District = 350_203;
/// A point in 鸿山社区, WGS-84; `grid1` and `grid2` work in its grid.
pub const POINT: LonLat = LonLat { lon: 118.079_994_9, lat: 24.447_994_9 };

/// How many cells the made-up mesh has at least.
const TARGET_CELLS: usize = 2_000;
const NAME: &str = "思明区";

/// An account of the demonstration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoAccount {
    /// The sign-in name.
    pub login: &'static str,
    /// The password.
    pub password: &'static str,
    /// 岗位
    pub role: Role,
    /// Where the post is.
    pub unit_name: String,
    /// Who it is.
    pub description: &'static str,
}

/// Loads the demonstration if the installation is empty, and lists its accounts.
///
/// It is written in one transaction, so it is there whole or not at all, and a second call changes nothing.
///
/// # Errors
/// `not_allowed_in_state` where the installation holds a real district; the database's.
pub async fn load(db: &Db, passwords: &Passwords, now: Moment) -> Result<Vec<DemoAccount>, Fail> {
    if !is_loaded(db).await? {
        let built = tokio::task::spawn_blocking(Demo::build).await.map_err(|error| Fail::internal(&error))?;
        let mut demo = built?;
        // One hash for all, so that a trial starts at once. Real accounts each have a salt of their own.
        demo.password_hash =
            passwords.hash(PASSWORD.to_owned()).await.map_err(|error| Fail::internal(&error))?;
        let ids = db.reserve(demo.keys_needed()).await?;
        db.write(move |conn| demo.write(conn, ids.clone(), now)).await?;
    }
    db.read(list).await
}

async fn is_loaded(db: &Db) -> Result<bool, Fail> {
    let districts = db.read(|conn| reference::load(conn).map(|all| all.districts)).await?;
    if let Some(real) = districts.iter().find(|district| !district.is_demo) {
        return Err(real_district(&real.name).into());
    }
    Ok(!districts.is_empty())
}

fn real_district(name: &str) -> Problem {
    Problem::new(Code::NotAllowedInState).detail(Text::new(
        format!(
            "数据目录中已有正式的区“{name}”，不能装入演示数据；请去掉 --demo，或用 --data 指定另一个空目录"
        ),
        format!(
            "the data directory holds the real district {name}, so the demo cannot be loaded; start without \
             --demo, or name another, empty folder by --data"
        ),
    ))
}

/// Everything that is written.
struct Demo {
    units: Vec<UnitRow>,
    categories: Vec<Category>,
    duties: Vec<Duty>,
    days: Vec<CalendarDay>,
    mesh: NewMesh,
    /// The grid of [`POINT`].
    home: String,
    password_hash: String,
}

impl Demo {
    fn build() -> Result<Self, Problem> {
        // The comparison puts parents before children.
        let lines = read_units(UNITS_CSV).map_err(|error| Problem::internal(&error))?;
        let mut units = compare_units(&lines, &[]).accepted;
        let squares = squares();
        units.extend(squares.iter().map(grid_unit));
        let cells: Vec<MeshCell> = squares.iter().filter_map(mesh_cell).collect();
        let areas = cells.iter().map(|cell| (cell.code.clone(), write_ring_geojson(&cell.area))).collect();
        let home = Mesh::build(cells).locate(POINT, 0.0).cell().map(|cell| cell.code.clone());
        Ok(Self {
            units,
            categories: rows(read_categories(CATEGORIES_CSV))?,
            duties: rows(read_duties(DUTIES_CSV))?,
            days: rows(read_calendar(CALENDAR_CSV))?,
            mesh: NewMesh {
                source: "synthetic demonstration mesh".to_owned(),
                is_synthetic: true,
                cells: areas,
            },
            home: home.unwrap_or_default(),
            password_hash: String::new(),
        })
    }

    fn keys_needed(&self) -> i64 {
        (self.units.len() + 1 + self.mesh.cells.len() + PEOPLE.len()) as i64
    }

    fn write(&self, conn: &mut Conn, mut ids: Range<i64>, now: Moment) -> Result<(), Fail> {
        if !load_units(conn, Some(DISTRICT))?.is_empty() {
            // Another process that started at the same time was first.
            return Ok(());
        }
        save_district(conn, DISTRICT, NAME, true, now)?;
        save_units(conn, DISTRICT, &self.units, &mut ids)?;
        save_mesh(conn, DISTRICT, &self.mesh, &mut ids, now)?;
        save_categories(conn, DISTRICT, &self.categories)?;
        save_duties(conn, DISTRICT, &self.duties)?;
        save_days(conn, DISTRICT, &self.days)?;
        let units = load_units(conn, Some(DISTRICT))?;
        let keys: HashMap<&str, UnitId> = units.iter().map(|unit| (&*unit.code, unit.id)).collect();
        for (person, id) in PEOPLE.iter().zip(ids) {
            let posts = self.seats(person).into_iter().filter_map(|code| keys.get(code));
            let new = NewAccount {
                id,
                district: DISTRICT,
                login: Some((person.login.to_owned(), self.password_hash.clone())),
                display_name: person.name.to_owned(),
                phone: None,
                posts: posts.map(|&unit| Post { role: person.role, unit }).collect(),
            };
            accounts::insert(conn, &new, now)?;
        }
        Ok(())
    }

    /// The codes of the units in which somebody has a post.
    fn seats(&self, person: &Person) -> Vec<&str> {
        match person.seat {
            Seat::Unit(code) => vec![code],
            Seat::Home => vec![&self.home],
            Seat::GridsOf(community) => {
                let codes = self.mesh.cells.iter().map(|(code, _)| code.as_str());
                codes.filter(|code| code.starts_with(community)).collect()
            }
        }
    }
}

/// The rows of a file that is part of the program, of which a test reads every line.
fn rows<T: Row, E: std::error::Error + 'static>(lines: Result<Vec<Line<T>>, E>) -> Result<Vec<T>, Problem> {
    let lines = lines.map_err(|error| Problem::internal(&error))?;
    Ok(lines.into_iter().filter_map(|line| line.row.ok()).collect())
}

fn squares() -> Vec<SynthCell> {
    let part = |part: &&[(f64, f64)]| part.iter().map(|&(lon, lat)| LonLat { lon, lat }).collect();
    let outline: Vec<Vec<LonLat>> = SIMING.iter().map(part).collect();
    let seeds: Vec<Seed> =
        seeds().into_iter().map(|(community_code, at)| Seed { community_code, at }).collect();
    synthesize(&outline, &seeds, TARGET_CELLS)
}

fn grid_unit(cell: &SynthCell) -> UnitRow {
    UnitRow {
        code: cell.code.clone(),
        name: grid_name(&cell.code),
        level: Level::Grid,
        parent_code: Some(cell.community_code.clone()),
        phone: None,
        center: None,
    }
}

fn mesh_cell(cell: &SynthCell) -> Option<MeshCell> {
    let ring: Vec<[f64; 2]> = cell.ring.iter().map(|point| [point.lon, point.lat]).collect();
    let geometry = serde_json::json!({ "type": "Polygon", "coordinates": [ring] }).to_string();
    parse_area(&geometry).map(|area| MeshCell { code: cell.code.clone(), unit: 0, area })
}

/// The accounts of the demonstration that are there, in the order of the table. Others of the district are left out:
/// nobody knows their passwords.
fn list(conn: &mut Conn) -> Result<Vec<DemoAccount>, Fail> {
    let units = load_units(conn, Some(DISTRICT))?;
    let by_id: HashMap<UnitId, _> = units.iter().map(|unit| (unit.id, unit)).collect();
    let mut seats: HashMap<String, Vec<UnitId>> = HashMap::new();
    for (login, _, unit) in accounts::officials(conn, DISTRICT, 10_000)? {
        seats.entry(login).or_default().push(unit);
    }
    let unit_name = |seats: &[UnitId]| {
        let first = by_id.get(seats.first()?)?;
        let parent = first.parent.filter(|_| first.level == Level::Grid).and_then(|id| by_id.get(&id));
        Some(match (parent, seats) {
            (Some(community), [_]) => format!("{} {}", community.name, first.name),
            (Some(community), _) => format!("{} {} 个网格", community.name, seats.len()),
            (None, _) => first.name.to_string(),
        })
    };
    let known = PEOPLE.iter().filter_map(|person| Some((person, seats.get(person.login)?)));
    Ok(known
        .map(|(person, seats)| DemoAccount {
            login: person.login,
            password: PASSWORD,
            role: person.role,
            unit_name: unit_name(seats).unwrap_or_default(),
            description: person.description,
        })
        .collect())
}

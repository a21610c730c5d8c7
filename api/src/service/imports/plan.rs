//! What an import would do, and doing it.

use std::collections::HashSet;
use std::ops::Range;

use suishoupai_core::import::{
    Counts, FileError, ImportReport, Line, ReportLine, UnitRow, compare_calendar, compare_categories,
    compare_duties, compare_units, read_calendar, read_categories, read_duties, read_units,
};
use suishoupai_core::model::{CalendarDay, Category, District, Duty, Level};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::Conn;
use suishoupai_storage::db::reference::{
    NewMesh, revision, save_categories, save_days, save_district, save_duties, save_mesh, save_units,
};

use super::Request;
use super::grids;
use super::present::{Present, Rows, beside_demo, other_district};
use crate::fail::Fail;
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::service::alarms::enqueue_recount;

/// What an import would do.
pub(super) struct Plan {
    pub(super) district: Option<District>,
    pub(super) lines: Vec<ReportLine>,
    pub(super) counts: Counts,
    /// Codes of grids whose cell would end without another one.
    pub(super) missing: Vec<String>,
    /// What to write; none where nothing differs or a line is wrong.
    pub(super) change: Option<Change>,
}

/// Rows to write into a district.
pub(super) struct Change {
    pub(super) district: District,
    pub(super) rows: NewRows,
}

pub(super) enum NewRows {
    /// Units, and the name of the district where the file has it.
    Units(Vec<UnitRow>, Option<String>),
    /// New grid units, and code and geometry of every cell.
    Grids(Vec<UnitRow>, Vec<(String, String)>),
    Categories(Vec<Category>),
    Duties(Vec<Duty>),
    Calendar(Vec<CalendarDay>),
}

/// What is noted about data that an import makes.
pub(super) struct Origin {
    pub(super) is_demo: bool,
    pub(super) is_synthetic: bool,
    pub(super) source: String,
}

/// Compares the text with what is there.
pub(super) fn compare(request: &Request, present: &Present) -> Result<Plan, Problem> {
    let text = request.text.as_str();
    let Some(district) = present.district.filter(|_| !matches!(present.rows, Rows::Units)) else {
        return compare_tree(request, present);
    };
    match &present.rows {
        Rows::Units => compare_tree(request, present),
        Rows::Grids(areas) => grids::compare(request, present, district, areas),
        Rows::Categories(existing) => {
            let lines = read_categories(text).map_err(unreadable)?;
            Ok(Plan::of(district, compare_categories(&lines, existing), NewRows::Categories))
        }
        Rows::Duties { duties, categories } => {
            let lines = read_duties(text).map_err(unreadable)?;
            let units: HashSet<String> = present.units.iter().map(|unit| unit.code.to_string()).collect();
            Ok(Plan::of(district, compare_duties(&lines, duties, &units, categories), NewRows::Duties))
        }
        Rows::Calendar(existing) => {
            let lines = read_calendar(text).map_err(unreadable)?;
            Ok(Plan::of(district, compare_calendar(&lines, existing), NewRows::Calendar))
        }
    }
}

fn compare_tree(request: &Request, present: &Present) -> Result<Plan, Problem> {
    let lines = read_units(&request.text).map_err(unreadable)?;
    let named = district_of(&lines);
    if let Some((asked, named)) = request.district.zip(named).filter(|(asked, named)| asked != named) {
        return Err(other_district(asked, named));
    }
    let district = named.or(present.district);
    let is_new = !present.units.iter().any(|unit| Some(unit.district) == district);
    if is_new && present.has_demo && !request.is_demo {
        return Err(beside_demo());
    }
    let existing = district.map(|district| present.unit_rows(district)).unwrap_or_default();
    let report = compare_units(&lines, &existing);
    let name = report.accepted.iter().find(|row| row.level == Level::District).map(|row| row.name.clone());
    match district {
        Some(district) => Ok(Plan::of(district, report, |rows| NewRows::Units(rows, name))),
        // A file in which no line names a place is wrong line by line, or has no lines.
        None => Ok(Plan {
            district: None,
            lines: report.lines,
            counts: report.counts,
            missing: Vec::new(),
            change: None,
        }),
    }
}

/// The district that a file of units is of: that of its line of the level district, else of its first place.
fn district_of(lines: &[Line<UnitRow>]) -> Option<District> {
    let rows = || lines.iter().filter_map(|line| line.row.as_ref().ok());
    let places = rows().filter(|row| row.level != Level::Department);
    let row = rows().find(|row| row.level == Level::District).or_else(|| places.into_iter().next())?;
    row.code.get(..6)?.parse().ok().filter(|code| *code >= 100_000)
}

impl Plan {
    fn of<T>(district: District, report: ImportReport<T>, rows: impl FnOnce(Vec<T>) -> NewRows) -> Self {
        let writes = report.is_clean() && !report.accepted.is_empty();
        Self {
            district: Some(district),
            lines: report.lines,
            counts: report.counts,
            missing: Vec::new(),
            change: writes.then(|| Change { district, rows: rows(report.accepted) }),
        }
    }
}

impl Change {
    /// How many fresh keys writing takes at most.
    pub(super) fn keys_needed(&self) -> i64 {
        let rows = match &self.rows {
            NewRows::Units(units, _) => units.len(),
            NewRows::Grids(units, cells) => units.len() + cells.len() + 1,
            NewRows::Categories(_) | NewRows::Duties(_) => 0,
            // For the job that moves the open deadlines.
            NewRows::Calendar(_) => 1,
        };
        rows as i64
    }

    /// Writes everything; `seen` is the revision that the file was compared with.
    pub(super) fn write(
        &self,
        conn: &mut Conn,
        seen: i64,
        origin: &Origin,
        mut ids: Range<i64>,
        now: Moment,
    ) -> Result<(), Fail> {
        if revision(conn)? != seen {
            return Err(came_between().into());
        }
        let district = self.district;
        match &self.rows {
            NewRows::Units(rows, name) => {
                if let Some(name) = name {
                    save_district(conn, district, name, origin.is_demo, now)?;
                }
                save_units(conn, district, rows, &mut ids)?;
            }
            NewRows::Grids(units, cells) => {
                save_units(conn, district, units, &mut ids)?;
                let mesh = NewMesh {
                    source: origin.source.clone(),
                    is_synthetic: origin.is_synthetic,
                    cells: cells.clone(),
                };
                save_mesh(conn, district, &mesh, &mut ids, now)?;
            }
            NewRows::Categories(rows) => save_categories(conn, district, rows)?,
            NewRows::Duties(rows) => save_duties(conn, district, rows)?,
            NewRows::Calendar(rows) => {
                save_days(conn, district, rows)?;
                let job = ids.next().ok_or(Code::Internal)?;
                enqueue_recount(conn, job, district, now)?;
            }
        }
        Ok(())
    }
}

/// The file as a whole cannot be read.
fn unreadable(error: FileError) -> Problem {
    let message = error.message();
    Problem::new(Code::InvalidBody).detail(Text::new(message.zh, message.en))
}

fn came_between() -> Problem {
    Problem::new(Code::StaleVersion).detail(Text::new(
        "另一次导入同时修改了数据，本次未写入，请重新导入",
        "another import changed the data in the meantime; nothing was written, import again",
    ))
}

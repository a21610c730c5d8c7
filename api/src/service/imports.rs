//! Imports of a district's reference data: tree, mesh, catalogue, duties, calendar.
//!
//! An import says of every line what it would do, and writes either all new and changed rows in one transaction or,
//! while one line is wrong, nothing. What a file leaves out stays, except for the mesh, which is replaced whole.

mod grids;
mod plan;
mod present;
#[cfg(test)]
mod tests;

pub use grids::grid_name;

use serde::{Deserialize, Serialize};
use suishoupai_core::audit::AuditKind;
use suishoupai_core::flow::AccountId;
use suishoupai_core::geo::Datum;
use suishoupai_core::import::{Counts, ReportLine, Status};
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::Db;
use suishoupai_storage::db::audit::{self as audit_rows, Entry};
use utoipa::ToSchema;

use crate::audit;
use crate::fail::Fail;
use crate::lang::Text;
use crate::problem::{Code, Problem};

/// Overlaps and gaps of less than this many square metres are taken for rounding in the program that drew the mesh.
pub const TOLERANCE_M2: f64 = 1.0;
/// Most lines in an outcome.
pub const MAX_LINES_SHOWN: usize = 2_000;
/// Most codes of grids that lose their cell in an outcome.
pub const MAX_MISSING_SHOWN: usize = 100;
/// The longest description of where a mesh came from, in characters.
const MAX_SOURCE_CHARS: usize = 200;

/// What is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 单位: CSV `code,name,level,parent_code,phone,lon,lat`.
    Units,
    /// 单元网格: a GeoJSON FeatureCollection, the whole mesh of the district.
    Grids,
    /// 事项分类: CSV, one category a line.
    Categories,
    /// 权责清单: CSV `category_code,territory_code,mode,lead_unit_code,assist_unit_codes`.
    Duties,
    /// 节假日和调休: CSV `date,name,is_off_day`.
    Calendar,
}

impl Kind {
    /// All kinds, in the order in which a new district imports them.
    pub const ALL: [Kind; 5] = [Kind::Units, Kind::Grids, Kind::Categories, Kind::Duties, Kind::Calendar];

    /// The word used on the command line and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Units => "units",
            Kind::Grids => "grids",
            Kind::Categories => "categories",
            Kind::Duties => "duties",
            Kind::Calendar => "calendar",
        }
    }

    /// The kind with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What to import, and how.
#[derive(Clone, Debug)]
pub struct Request {
    /// What the text is.
    pub kind: Kind,
    /// Which district it is of; not needed where the file says so or where there is only one.
    pub district: Option<District>,
    /// The datum of the coordinates; for [`Kind::Grids`], and required there.
    pub datum: Option<Datum>,
    /// The file.
    pub text: String,
    /// Whether only to say what would be done.
    pub dry_run: bool,
    /// Whether a district that this import makes is a demonstration.
    pub is_demo: bool,
    /// Overlaps and gaps up to this many square metres are taken; see [`TOLERANCE_M2`].
    pub tolerance_m2: f64,
    /// Whether the mesh is made up.
    pub synthetic: bool,
    /// Where the mesh came from, in words; cut after 200 characters.
    pub source: String,
    /// The administrator; none at the command line.
    pub by: Option<AccountId>,
}

impl Request {
    /// An import of `text` with everything else as usual for a real district: to be applied, default tolerance.
    pub fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self {
            kind,
            district: None,
            datum: None,
            text: text.into(),
            dry_run: false,
            is_demo: false,
            tolerance_m2: TOLERANCE_M2,
            synthetic: false,
            source: String::new(),
            by: None,
        }
    }

    /// An import by a district's administrator: into their own district, never a demonstration.
    pub fn by_administrator(
        kind: Kind,
        district: District,
        datum: Option<Datum>,
        text: String,
        dry_run: bool,
        by: AccountId,
    ) -> Self {
        let (source, by) = ("imported by an administrator".to_owned(), Some(by));
        Self { district: Some(district), datum, dry_run, source, by, ..Self::new(kind, text) }
    }
}

/// What an import did, or would do.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Outcome {
    /// What was imported.
    pub kind: Kind,
    /// Into which district; none where a file of units does not tell.
    pub district: Option<District>,
    /// Whether nothing was to be written.
    pub dry_run: bool,
    /// Whether the database now holds what the file says. False for a dry run and while a line is wrong.
    pub applied: bool,
    /// How many lines are new, changed, the same and wrong.
    pub counts: Counts,
    /// What is said of each line: wrong ones first, then changed, new and same ones; at most 2,000. For a mesh the
    /// line is the place of the feature in the file, from 1, or 0 for a remark about the whole mesh.
    pub lines: Vec<ReportLine>,
    /// How many further lines there are.
    pub lines_left_out: usize,
    /// Codes of grids that have a cell now and none in the file, at most 100. The cell ends, the unit stays.
    pub missing: Vec<String>,
    /// How many further such grids there are.
    pub missing_left_out: usize,
}

/// Carries out an import.
///
/// # Errors
/// `invalid_body` for a text that cannot be read as a whole, `invalid_query` with a field for a missing datum or an
/// unclear district, `not_allowed_in_state` for a real district beside the demonstration,
/// `stale_version` when another import came in between; or the database's.
pub async fn run(db: &Db, request: Request, now: Moment) -> Result<Outcome, Fail> {
    if request.kind == Kind::Grids && request.datum.is_none() {
        return Err(no_datum().into());
    }
    let (kind, wanted) = (request.kind, request.district);
    let present = db.read(move |conn| present::Present::load(conn, kind, wanted)).await?;
    let revision = present.revision;
    // A mesh of a city takes seconds to check: too long for a thread that answers requests.
    let (request, plan) = tokio::task::spawn_blocking(move || {
        let plan = plan::compare(&request, &present);
        (request, plan)
    })
    .await
    .map_err(|error| Fail::internal(&error))?;
    let plan = plan?;
    let applied = plan.counts.wrong == 0 && !request.dry_run;
    let outcome = outcome(&request, applied, &plan);
    if applied && let Some(change) = plan.change {
        let origin = plan::Origin {
            is_demo: request.is_demo,
            is_synthetic: request.synthetic,
            source: request.source.chars().take(MAX_SOURCE_CHARS).collect(),
        };
        let ids = db.reserve(change.keys_needed()).await?;
        let line = line(&request, &outcome, now);
        db.write(move |conn| {
            change.write(conn, revision, &origin, ids.clone(), now)?;
            audit_rows::append(conn, std::slice::from_ref(&line))?;
            Ok::<_, Fail>(())
        })
        .await?;
    }
    Ok(outcome)
}

/// What the audit trail says of it.
fn line(request: &Request, outcome: &Outcome, now: Moment) -> Entry {
    let line = audit::entry(AuditKind::Import, outcome.district.unwrap_or_default(), now);
    let line = audit::with(line, "new", outcome.counts.new);
    let line = audit::with(line, "changed", outcome.counts.changed);
    let sha256 = hex::encode(super::digest(request.text.as_bytes()));
    let subject = Some(format!("import:{}", request.kind.as_str()));
    Entry { account: request.by, subject, ..audit::with(line, "file_sha256", sha256) }
}

fn outcome(request: &Request, applied: bool, plan: &plan::Plan) -> Outcome {
    let mut lines = plan.lines.clone();
    lines.sort_by_key(|line| match line.status {
        Status::Wrong => 0,
        Status::Changed => 1,
        Status::New => 2,
        Status::Same => 3,
    });
    let lines_left_out = lines.len().saturating_sub(MAX_LINES_SHOWN);
    lines.truncate(MAX_LINES_SHOWN);
    Outcome {
        kind: request.kind,
        district: plan.district,
        dry_run: request.dry_run,
        applied,
        counts: plan.counts,
        lines,
        lines_left_out,
        missing: plan.missing.iter().take(MAX_MISSING_SHOWN).cloned().collect(),
        missing_left_out: plan.missing.len().saturating_sub(MAX_MISSING_SHOWN),
    }
}

fn no_datum() -> Problem {
    let text = Text::new(
        "导入网格须注明坐标系 datum：wgs84（含 CGCS2000）、gcj02 或 bd09",
        "a mesh needs its datum: wgs84 (which includes CGCS2000), gcj02 or bd09",
    );
    Problem::new(Code::InvalidQuery).detail(text.clone()).field("datum", "missing", text)
}

//! The mesh: features of a file against the cells that are there.

use std::collections::{HashMap, HashSet};

use suishoupai_core::geo::{
    Datum, FindingKind, GridFeature, GridFileError, MeshFinding, WrongFeature, check_mesh, read_grids,
    write_ring_geojson,
};
use suishoupai_core::import::{Counts, Message, ReportLine, Status, UnitRow};
use suishoupai_core::model::{District, Level};

use super::Request;
use super::plan::{Change, NewRows, Plan};
use super::present::Present;
use crate::lang::Text;
use crate::problem::{Code, Problem};

/// What can be wrong with the rings of one cell; the reader says it in English with the place behind it.
const RING_FAULTS: [FindingKind; 9] = [
    FindingKind::TooManyPoints,
    FindingKind::NoArea,
    FindingKind::TooFewPoints,
    FindingKind::NotClosed,
    FindingKind::OutOfRange,
    FindingKind::ZeroArea,
    FindingKind::SelfIntersection,
    FindingKind::RingsCross,
    FindingKind::HoleOutside,
];

/// The name of a grid whose file gives none: 网格 and its sequence digits.
pub fn grid_name(code: &str) -> String {
    format!("网格 {}", code.get(12..).unwrap_or(code))
}

/// Compares a mesh with the cells that are there. The name of a feature is that of a new grid; a grid that is there
/// is renamed by a file of units.
pub(super) fn compare(
    request: &Request,
    present: &Present,
    district: District,
    areas: &HashMap<String, String>,
) -> Result<Plan, Problem> {
    let datum = request.datum.ok_or_else(super::no_datum)?;
    let features = read(&request.text, datum)?;
    let levels: HashMap<&str, Level> = present.units.iter().map(|unit| (&*unit.code, unit.level)).collect();
    let all_readable = features.iter().all(Result::is_ok);
    let mut sheet = Sheet { levels, areas, first: HashMap::new(), lines: Vec::new(), cells: Vec::new() };
    let mut sound = Vec::new();
    for feature in features {
        match feature {
            Ok(feature) => {
                sheet.add(&feature);
                sound.push((feature.code, feature.area));
            }
            Err(wrong) => sheet.add_unreadable(&wrong),
        }
    }
    let mut findings = check_mesh(&sound, request.tolerance_m2);
    // Duplicates are said line by line; where a feature could not be read, the hole that it leaves is no news.
    findings.retain(|finding| {
        finding.kind != FindingKind::DuplicateCode && (all_readable || finding.kind != FindingKind::Gap)
    });
    sheet.add_findings(findings);
    Ok(sheet.into_plan(district))
}

fn read(text: &str, datum: Datum) -> Result<Vec<Result<GridFeature, WrongFeature>>, Problem> {
    let bad = |zh: String, en: String| Problem::new(Code::InvalidBody).detail(Text::new(zh, en));
    let features = read_grids(text, datum).map_err(|error| bad(unreadable_zh(&error), error.to_string()))?;
    if features.is_empty() {
        // An empty list is far more likely a failed export than the wish to end every cell of the district.
        let zh = "文件中没有网格，未作任何改动".to_owned();
        return Err(bad(zh, "the file has no cells; nothing was changed".to_owned()));
    }
    Ok(features)
}

fn unreadable_zh(error: &GridFileError) -> String {
    match error {
        GridFileError::TooLarge { bytes } => format!("文件有 {bytes} 字节，超过 64 MiB，请按街道拆分"),
        GridFileError::NotGeoJson { reason } => format!("文件不是 GeoJSON FeatureCollection：{reason}"),
        GridFileError::Crs { crs, datum } => format!(
            "文件注明的坐标系 {crs} 与 {} 不符，请导出为 CRS84、EPSG:4326 或 EPSG:4490 并注明 wgs84，或去掉 crs",
            datum.as_str()
        ),
        GridFileError::TooMany => "要素超过 10 万个或坐标点超过 500 万个，请按街道拆分".to_owned(),
    }
}

/// The report and the mesh as they grow.
struct Sheet<'a> {
    /// Levels of the units that are there, by code.
    levels: HashMap<&'a str, Level>,
    /// Geometries of the current cells, by code.
    areas: &'a HashMap<String, String>,
    /// Where in `lines` each code of the file stands first.
    first: HashMap<String, usize>,
    lines: Vec<ReportLine>,
    cells: Vec<Cell>,
}

struct Cell {
    code: String,
    community: String,
    name: Option<String>,
    geometry: String,
}

impl Sheet<'_> {
    fn add(&mut self, feature: &GridFeature) {
        let geometry = write_ring_geojson(&feature.area);
        let mut messages = self.faults(feature);
        let status = match self.areas.get(&feature.code) {
            _ if !messages.is_empty() => Status::Wrong,
            Some(before) if *before == geometry => Status::Same,
            Some(_) => {
                messages.push(Message::new("area_changed", "范围有变化", "the area differs"));
                Status::Changed
            }
            None if self.levels.contains_key(feature.code.as_str()) => {
                messages.push(Message::new("area_new", "原来没有范围", "the grid had no area"));
                Status::Changed
            }
            None => Status::New,
        };
        self.first.entry(feature.code.clone()).or_insert(self.lines.len());
        self.lines.push(ReportLine { line: feature.index, key: feature.code.clone(), status, messages });
        self.cells.push(Cell {
            code: feature.code.clone(),
            community: feature.community_code.clone(),
            name: feature.name.clone(),
            geometry,
        });
    }

    fn faults(&self, feature: &GridFeature) -> Vec<Message> {
        let (code, community) = (&feature.code, &feature.community_code);
        let mut messages = Vec::new();
        if self.levels.get(community.as_str()) != Some(&Level::Community) {
            messages.push(Message::new(
                "community_unknown",
                format!("没有社区 {community}，请先导入单位"),
                format!("there is no community {community}; import the units first"),
            ));
        }
        if !code.starts_with(community.as_str()) {
            messages.push(Message::new(
                "code_not_below",
                format!("代码 {code} 应以社区代码 {community} 开头"),
                format!("the code {code} must begin with that of its community, {community}"),
            ));
        }
        if let Some(&first) = self.first.get(code) {
            let first = self.lines[first].line;
            messages.push(Message::new(
                "duplicate",
                format!("与第 {first} 个要素的代码重复"),
                format!("repeats the code of feature {first}"),
            ));
        }
        messages
    }

    fn add_unreadable(&mut self, wrong: &WrongFeature) {
        let said = |reason: &String| {
            let ring = RING_FAULTS.iter().find_map(|kind| {
                reason.strip_prefix(kind.advice()).map(|place| format!("{}{place}", kind.advice_zh()))
            });
            let zh = ring.unwrap_or_else(|| format!("要素有误：{reason}"));
            Message::new("feature_invalid", zh, reason.clone())
        };
        let key = wrong.code.clone().unwrap_or_default();
        let messages = wrong.reasons.iter().map(said).collect();
        self.lines.push(ReportLine { line: wrong.index, key, status: Status::Wrong, messages });
    }

    /// Puts each finding on the line of the first cell that it names, or on a line of its own if it names none.
    fn add_findings(&mut self, findings: Vec<MeshFinding>) {
        for finding in findings {
            let message = Message::new(word(finding.kind), finding.zh(), finding.to_string());
            let named = finding.codes.first().and_then(|code| self.first.get(code));
            match named.and_then(|&index| self.lines.get_mut(index)) {
                Some(line) => {
                    if line.status != Status::Wrong {
                        line.status = Status::Wrong;
                        line.messages.clear();
                    }
                    line.messages.push(message);
                }
                None => self.lines.push(ReportLine {
                    line: 0,
                    key: "mesh".to_owned(),
                    status: Status::Wrong,
                    messages: vec![message],
                }),
            }
        }
    }

    fn into_plan(self, district: District) -> Plan {
        let mut counts = Counts::default();
        for line in &self.lines {
            match line.status {
                Status::New => counts.new += 1,
                Status::Changed => counts.changed += 1,
                Status::Same => counts.same += 1,
                Status::Wrong => counts.wrong += 1,
            }
        }
        let in_file: HashSet<&str> = self.cells.iter().map(|cell| cell.code.as_str()).collect();
        let mut missing: Vec<String> =
            self.areas.keys().filter(|code| !in_file.contains(code.as_str())).cloned().collect();
        missing.sort_unstable();
        let writes = counts.wrong == 0 && (counts.new + counts.changed > 0 || !missing.is_empty());
        let change = writes.then(|| Change { district, rows: rows(&self.levels, self.cells) });
        Plan { district: Some(district), lines: self.lines, counts, missing, change }
    }
}

/// The units that are not there yet, and all cells.
fn rows(levels: &HashMap<&str, Level>, cells: Vec<Cell>) -> NewRows {
    let mut units = Vec::new();
    let mut areas = Vec::with_capacity(cells.len());
    for cell in cells {
        if !levels.contains_key(cell.code.as_str()) {
            units.push(UnitRow {
                name: cell.name.unwrap_or_else(|| grid_name(&cell.code)),
                code: cell.code.clone(),
                level: Level::Grid,
                parent_code: Some(cell.community),
                phone: None,
                center: None,
            });
        }
        areas.push((cell.code, cell.geometry));
    }
    NewRows::Grids(units, areas)
}

/// The stable word of a finding.
const fn word(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Overlap => "overlap",
        FindingKind::Gap => "gap",
        FindingKind::DuplicateCode => "duplicate",
        FindingKind::MeshTooLarge => "mesh_too_large",
        FindingKind::TooIntricate => "too_intricate",
        FindingKind::MoreFindings => "more_findings",
        _ => "feature_invalid",
    }
}

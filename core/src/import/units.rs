//! The tree of units: `code,name,level,parent_code,phone,lon,lat`.

use std::collections::{HashMap, HashSet};

use super::message::{FileError, Message, cut};
use super::report::{Column, ImportReport, Line, Row, compare};
use super::table::{Fields, read};
use crate::geo::LonLat;
use crate::model::Level;

/// More levels than any district has, squads and micro-grids included.
const MAX_DEPTH: usize = 16;

/// A unit by codes, as in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitRow {
    /// District, street and community: 12 digits; grid: 14 or 15; department and squad: such as `D01`.
    pub code: String,
    /// 名称
    pub name: String,
    /// 层级
    pub level: Level,
    /// Code of the unit above; none for the district.
    pub parent_code: Option<String>,
    /// A duty telephone that may be shown to the public.
    pub phone: Option<String>,
    /// A point to centre a map on, WGS-84.
    pub center: Option<LonLat>,
}

impl Row for UnitRow {
    const COLUMNS: &'static [Column] = &[
        Column { name: "code", zh: "代码" },
        Column { name: "name", zh: "名称" },
        Column { name: "level", zh: "层级" },
        Column { name: "parent_code", zh: "上级代码" },
        Column { name: "phone", zh: "电话" },
        Column { name: "lon", zh: "经度" },
        Column { name: "lat", zh: "纬度" },
    ];

    fn key(&self) -> String {
        self.code.clone()
    }

    fn fields(&self) -> Vec<String> {
        let degrees = |pick: fn(LonLat) -> f64| self.center.map(|c| pick(c).to_string()).unwrap_or_default();
        vec![
            self.code.clone(),
            self.name.clone(),
            self.level.as_str().to_owned(),
            self.parent_code.clone().unwrap_or_default(),
            self.phone.clone().unwrap_or_default(),
            degrees(|center| center.lon),
            degrees(|center| center.lat),
        ]
    }
}

/// Reads a file of units.
///
/// # Errors
/// [`FileError`] where the file as a whole cannot be read.
pub fn read_units(text: &str) -> Result<Vec<Line<UnitRow>>, FileError> {
    read(text, |fields| fields.raw("code").to_owned(), parse)
}

/// Compares units with those of the same district that are there; `accepted` has parents before children.
pub fn compare_units(lines: &[Line<UnitRow>], existing: &[UnitRow]) -> ImportReport<UnitRow> {
    let tree = Tree::new(lines, existing);
    let mut report = compare(lines, existing, |row| tree.check(row));
    report.accepted.sort_by_cached_key(|row| tree.climb(row).unwrap_or(MAX_DEPTH));
    report
}

fn parse(fields: &mut Fields<'_>) -> Option<UnitRow> {
    let code = fields.required("code");
    let name = fields.name("name");
    let level = fields.parsed("level", "district|department|street|community|grid", Level::parse);
    let parent_code = fields.optional("parent_code");
    let phone = fields.optional("phone");
    let dialled = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | ' ' | '(' | ')');
    if phone.as_ref().is_some_and(|phone| !(3..=20).contains(&phone.len()) || !phone.chars().all(dialled)) {
        fields.wrong(
            "phone_invalid",
            "phone 只能有数字、空格和 +-()，3 至 20 位",
            "phone must be 3 to 20 digits, spaces and +-()",
        );
    }
    let center = read_center(fields);
    Some(UnitRow { code, name, level: level?, parent_code, phone, center })
}

/// The centre; the box around China catches longitude and latitude in the wrong order.
fn read_center(fields: &mut Fields<'_>) -> Option<LonLat> {
    match (fields.raw("lon").is_empty(), fields.raw("lat").is_empty()) {
        (true, true) => return None,
        (false, false) => {}
        _ => {
            let (zh, en) = ("lon 和 lat 应同时填写或同时留空", "fill both lon and lat or neither");
            fields.wrong("center_half", zh, en);
            return None;
        }
    }
    let within = |low: f64, high: f64| {
        move |text: &str| text.parse().ok().filter(|degrees| (low..=high).contains(degrees))
    };
    let lon = fields.parsed("lon", "73 … 136 (WGS-84)", within(73.0, 136.0));
    let lat = fields.parsed("lat", "3 … 54 (WGS-84)", within(3.0, 54.0));
    lon.zip(lat).map(|(lon, lat)| LonLat { lon, lat })
}

/// The tree as it would be after the import: what the file says goes before what is there.
struct Tree<'a> {
    rows: HashMap<&'a str, &'a UnitRow>,
    /// Codes on lines that cannot be read; whether they fit as parents is told when they are mended.
    unread: HashSet<&'a str>,
    /// Code of the unit of the level district; one that is there goes before one in the file.
    district: Option<&'a str>,
}

impl<'a> Tree<'a> {
    fn new(lines: &'a [Line<UnitRow>], existing: &'a [UnitRow]) -> Self {
        let mut rows: HashMap<&str, &UnitRow> = existing.iter().map(|row| (row.code.as_str(), row)).collect();
        let (mut unread, mut in_file) = (HashSet::new(), HashSet::new());
        let is_district = |row: &&UnitRow| row.level == Level::District;
        let mut district = existing.iter().find(is_district).map(|row| row.code.as_str());
        for line in lines {
            match &line.row {
                // Of a code that is there twice the first line stands; the second is refused as a duplicate.
                Ok(row) if in_file.insert(row.code.as_str()) => {
                    rows.insert(&row.code, row);
                    district = district.or(is_district(&row).then_some(&row.code));
                }
                Ok(_) => {}
                Err(_) => {
                    unread.insert(line.key.as_str());
                }
            }
        }
        Self { rows, unread, district }
    }

    fn check(&self, row: &UnitRow) -> Vec<Message> {
        let mut messages = Vec::new();
        if !code_fits_level(&row.code, row.level) {
            messages.push(code_shape(row));
        }
        messages.extend(self.check_district(row));
        messages.extend(self.check_parent(row));
        messages
    }

    /// One district, and every statistical code within it.
    fn check_district(&self, row: &UnitRow) -> Option<Message> {
        let Some(district) = self.district else {
            // A district whose own line cannot be read has been told already.
            return self.unread.is_empty().then(|| {
                Message::new(
                    "district_missing",
                    "没有 level 为 district 的单位，请加一行区",
                    "there is no unit of level district; add a line for it",
                )
            });
        };
        let code = cut(&row.code);
        if row.level == Level::District && row.code != district {
            let (zh, en) = (format!("已有区 {district}"), format!("the district is {district} already"));
            return Some(Message::new("district_second", zh, en));
        }
        let inside = row.level == Level::Department || row.code.get(..6) == district.get(..6);
        (!inside).then(|| {
            Message::new(
                "district_other",
                format!("{code} 不属于区 {district}，前六位应相同"),
                format!("{code} is not of the district {district}; the first six digits must agree"),
            )
        })
    }

    fn check_parent(&self, row: &UnitRow) -> Option<Message> {
        let parent_code = match (&row.parent_code, row.level) {
            (None, Level::District) => return None,
            (None, _) => {
                return Some(Message::new(
                    "parent_missing",
                    "应填 parent_code",
                    "parent_code must be filled",
                ));
            }
            (Some(_), Level::District) => {
                let (zh, en) = ("区的 parent_code 应留空", "a district must leave parent_code empty");
                return Some(Message::new("parent_unwanted", zh, en));
            }
            (Some(code), _) => code.as_str(),
        };
        let Some(parent) = self.rows.get(parent_code) else {
            return (!self.unread.contains(parent_code)).then(|| parent_unknown(parent_code));
        };
        if !row.level.fits_below(parent.level) {
            return Some(level_misfit(row.level, parent));
        }
        if !code_fits_parent(row, parent) {
            return Some(code_not_below(row, parent));
        }
        self.climb(row).is_none().then(parent_cycle)
    }

    /// How many units stand above a row, up to where the tree ends; none where that is too many to be a tree.
    fn climb(&self, row: &UnitRow) -> Option<usize> {
        let mut above = row.parent_code.as_deref();
        for depth in 0..=MAX_DEPTH {
            match above.and_then(|code| self.rows.get(code)) {
                None => return Some(depth),
                Some(parent) => above = parent.parent_code.as_deref(),
            }
        }
        None
    }
}

/// Whether a code has the shape of its level.
fn code_fits_level(code: &str, level: Level) -> bool {
    let digits = code.bytes().all(|byte| byte.is_ascii_digit());
    let part = |range: std::ops::Range<usize>| code.get(range).unwrap_or_default();
    match level {
        Level::District => digits && code.len() == 12 && part(6..12) == "000000",
        Level::Street => digits && code.len() == 12 && part(6..9) != "000" && part(9..12) == "000",
        Level::Community => digits && code.len() == 12 && part(6..9) != "000" && part(9..12) != "000",
        Level::Grid => digits && matches!(code.len(), 14 | 15),
        Level::Department => {
            let mut bytes = code.bytes();
            bytes.next().is_some_and(|byte| byte.is_ascii_uppercase())
                && (2..=12).contains(&code.len())
                && bytes.all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        }
    }
}

/// Whether a statistical code continues that of its parent.
fn code_fits_parent(row: &UnitRow, parent: &UnitRow) -> bool {
    let shared = match row.level {
        Level::Community => 9,
        Level::Grid => 12,
        // Departments are not numbered by place; the district of a street is checked for all lines.
        Level::District | Level::Department | Level::Street => return true,
    };
    row.code.get(..shared) == parent.code.get(..shared)
}

fn code_shape(row: &UnitRow) -> Message {
    let (zh, en) = match row.level {
        Level::District => ("12 位数字，后六位为 0", "12 digits, the last six 0"),
        Level::Street => ("12 位数字，后三位为 0", "12 digits, the last three 0"),
        Level::Community => {
            ("12 位数字，街道三位和社区三位都不为 000", "12 digits, street and community not 000")
        }
        Level::Grid => {
            ("14 或 15 位数字，前 12 位为社区代码", "14 or 15 digits that begin with the community's 12")
        }
        Level::Department => {
            ("大写字母开头，2 至 12 位大写字母和数字", "2 to 12 capitals and digits, a capital first")
        }
    };
    let (code, level) = (cut(&row.code), row.level.as_str());
    let zh = format!("{level} 的代码 {code} 应为{zh}");
    Message::new("code_invalid", zh, format!("the code {code} of a {level} must be {en}"))
}

fn parent_unknown(code: &str) -> Message {
    let code = cut(code);
    Message::new(
        "parent_unknown",
        format!("上级 {code} 不在文件中，也不在库中"),
        format!("the parent {code} is neither in the file nor there already"),
    )
}

fn level_misfit(level: Level, parent: &UnitRow) -> Message {
    let (level, above, code) = (level.as_str(), parent.level.as_str(), cut(&parent.code));
    Message::new(
        "level_misfit",
        format!("{level} 不能在 {code}（{above}）之下"),
        format!("a {level} cannot stand below {code}, a {above}"),
    )
}

fn code_not_below(row: &UnitRow, parent: &UnitRow) -> Message {
    let (code, above) = (cut(&row.code), cut(&parent.code));
    Message::new(
        "code_not_below",
        format!("代码 {code} 应以上级 {above} 的代码开头"),
        format!("the code {code} must continue that of its parent {above}"),
    )
}

fn parent_cycle() -> Message {
    Message::new(
        "parent_cycle",
        format!("上级关系成环，或超过 {MAX_DEPTH} 层"),
        format!("the parents form a circle, or more than {MAX_DEPTH} levels"),
    )
}

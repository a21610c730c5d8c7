//! What is in the database before an import.

use std::collections::{BTreeSet, HashMap};

use suishoupai_core::import::UnitRow;
use suishoupai_core::model::{CalendarDay, Category, District, Duty, Unit, UnitId};
use suishoupai_storage::db::Conn;
use suishoupai_storage::db::reference::{
    load, load_areas, load_categories, load_days, load_duties, load_units, revision,
};

use super::Kind;
use crate::fail::Fail;
use crate::lang::Text;
use crate::problem::{Code, Problem};

/// The rows that a file is compared with.
pub(super) struct Present {
    /// The revision of the reference data.
    pub(super) revision: i64,
    /// The district as asked for or the only one there is; none may be known before a file of units is read.
    pub(super) district: Option<District>,
    /// The units of that district; for [`Kind::Units`] those of all districts.
    pub(super) units: Vec<Unit>,
    /// Whether the installation holds the demonstration; asked only for [`Kind::Units`].
    pub(super) has_demo: bool,
    pub(super) rows: Rows,
}

/// Rows of the kind that is imported.
pub(super) enum Rows {
    Units,
    /// Code and GeoJSON geometry of the current cells.
    Grids(HashMap<String, String>),
    Categories(Vec<Category>),
    Duties {
        duties: Vec<Duty>,
        categories: Vec<String>,
    },
    Calendar(Vec<CalendarDay>),
}

impl Present {
    /// Reads what `kind` is compared with.
    pub(super) fn load(conn: &mut Conn, kind: Kind, wanted: Option<District>) -> Result<Self, Fail> {
        // The revision first: a change that comes in between is then noticed when the import is written.
        let revision = revision(conn)?;
        let mut units = load_units(conn, None)?;
        let districts: BTreeSet<District> = units.iter().map(|unit| unit.district).collect();
        let only = districts.iter().next().copied().filter(|_| districts.len() == 1);
        if kind == Kind::Units {
            let has_demo = load(conn)?.districts.iter().any(|district| district.is_demo);
            return Ok(Self { revision, district: wanted.or(only), units, has_demo, rows: Rows::Units });
        }
        let district = wanted.or(only).ok_or_else(|| unclear(&districts))?;
        if !districts.contains(&district) {
            return Err(no_units(district).into());
        }
        units.retain(|unit| unit.district == district);
        let some = Some(district);
        let rows = match kind {
            Kind::Units => Rows::Units,
            Kind::Grids => Rows::Grids(load_areas(conn, district)?.into_iter().collect()),
            Kind::Categories => Rows::Categories(bare(load_categories(conn, some)?)),
            Kind::Duties => Rows::Duties {
                duties: bare(load_duties(conn, some)?),
                categories: load_categories(conn, some)?.into_iter().map(|(_, row)| row.code).collect(),
            },
            Kind::Calendar => Rows::Calendar(bare(load_days(conn, some)?)),
        };
        Ok(Self { revision, district: some, units, has_demo: false, rows })
    }

    /// The units of a district by codes, as in a file.
    pub(super) fn unit_rows(&self, district: District) -> Vec<UnitRow> {
        let codes: HashMap<UnitId, &str> = self.units.iter().map(|u| (u.id, &*u.code)).collect();
        let own = self.units.iter().filter(|unit| unit.district == district);
        own.map(|unit| UnitRow {
            code: unit.code.to_string(),
            name: unit.name.to_string(),
            level: unit.level,
            parent_code: unit.parent.and_then(|id| codes.get(&id)).map(|code| (*code).to_owned()),
            phone: unit.phone.clone(),
            center: unit.center,
        })
        .collect()
    }
}

fn bare<T>(rows: Vec<(District, T)>) -> Vec<T> {
    rows.into_iter().map(|(_, row)| row).collect()
}

fn district_problem(code: &'static str, text: Text) -> Problem {
    Problem::new(Code::InvalidQuery).detail(text.clone()).field("district", code, text)
}

/// The district has to be named, or there is none yet.
fn unclear(districts: &BTreeSet<District>) -> Problem {
    if districts.is_empty() {
        let zh = "还没有任何区，请先导入单位（units）";
        return district_problem(
            "no_units",
            Text::new(zh, "there is no district yet; import the units first"),
        );
    }
    let codes: Vec<String> = districts.iter().take(20).map(District::to_string).collect();
    let codes = codes.join(", ");
    let zh = format!("有多个区（{codes}），请指明 district");
    district_problem("missing", Text::new(zh, format!("there are several districts ({codes}); name one")))
}

fn no_units(district: District) -> Problem {
    let zh = format!("区 {district} 还没有单位，请先导入单位（units）");
    let en = format!("the district {district} has no units yet; import its units first");
    district_problem("no_units", Text::new(zh, en))
}

/// The file is of another district than the one asked for.
pub(super) fn other_district(asked: District, named: District) -> Problem {
    let zh = format!("文件属于区 {named}，与指明的 {asked} 不同");
    let en = format!("the file is of the district {named}, not of {asked}");
    district_problem("district_other", Text::new(zh, en))
}

/// A real district beside the demonstration, whose passwords everybody knows.
pub(super) fn beside_demo() -> Problem {
    Problem::new(Code::NotAllowedInState).detail(Text::new(
        "数据目录中是演示数据，演示账号的密码是公开的；请为正式的区使用另一个空目录",
        "the data directory holds the demonstration, whose passwords are public; use another, empty folder for a \
         real district",
    ))
}

//! The duty list: `category_code,territory_code,mode,lead_unit_code,assist_unit_codes`.

use std::collections::HashSet;

use super::message::{FileError, Message, cut};
use super::report::{Column, ImportReport, Line, Row, compare};
use super::table::{Fields, read};
use crate::model::{CategoryPattern, Duty, DutyMode};

impl Row for Duty {
    const COLUMNS: &'static [Column] = &[
        Column { name: "category_code", zh: "事项代码" },
        Column { name: "territory_code", zh: "属地代码" },
        Column { name: "mode", zh: "方式" },
        Column { name: "lead_unit_code", zh: "主办单位" },
        Column { name: "assist_unit_codes", zh: "协办单位" },
    ];

    fn key(&self) -> String {
        key(self.categories.as_str(), self.territory.as_deref().unwrap_or_default())
    }

    fn fields(&self) -> Vec<String> {
        vec![
            self.categories.to_string(),
            self.territory.clone().unwrap_or_default(),
            self.mode.as_str().to_owned(),
            self.lead.clone().unwrap_or_default(),
            self.assist.join(";"),
        ]
    }
}

/// `E0102` for the whole district, `E0102@350203012000` within a territory.
fn key(pattern: &str, territory: &str) -> String {
    if territory.is_empty() { pattern.to_owned() } else { format!("{pattern}@{territory}") }
}

/// Reads a duty list; `category_code` is a [`CategoryPattern`], assisting units are separated by `;`.
///
/// # Errors
/// [`FileError`] where the file as a whole cannot be read.
pub fn read_duties(text: &str) -> Result<Vec<Line<Duty>>, FileError> {
    read(text, |fields| key(fields.raw("category_code"), fields.raw("territory_code")), parse)
}

/// Compares a duty list with the duties that are there, the units and the categories that exist.
pub fn compare_duties(
    lines: &[Line<Duty>],
    existing: &[Duty],
    known_units: &HashSet<String>,
    known_category_codes: &[String],
) -> ImportReport<Duty> {
    let coverable = coverable(known_category_codes);
    compare(lines, existing, |duty| {
        let mut messages = Vec::new();
        if !coverable.contains(duty.categories.as_str()) {
            messages.push(Message::new(
                "category_unknown",
                format!("没有代码符合 {} 的事项分类，请先导入分类", duty.categories),
                format!("no category matches {}; import the catalogue first", duty.categories),
            ));
        }
        let named = [("territory_code", duty.territory.as_ref()), ("lead_unit_code", duty.lead.as_ref())];
        let assisting = duty.assist.iter().map(|code| ("assist_unit_codes", Some(code)));
        for (column, code) in named.into_iter().chain(assisting) {
            if let Some(code) = code.filter(|code| !known_units.contains(*code)) {
                messages.push(unit_unknown(column, code));
            }
        }
        messages
    })
}

/// Every pattern that covers a known category, so that a line is checked without going through the catalogue.
fn coverable(codes: &[String]) -> HashSet<String> {
    let mut patterns = HashSet::new();
    for code in codes {
        let prefixes = [0, 1, 3].into_iter().filter_map(|length| code.get(..length));
        patterns.extend(prefixes.map(|prefix| format!("{prefix}*")));
        patterns.insert(code.clone());
    }
    patterns
}

fn unit_unknown(column: &str, code: &str) -> Message {
    let code = cut(code);
    let (name, label) =
        if column == "territory_code" { ("territory_unknown", "属地") } else { ("unit_unknown", "单位") };
    Message::new(
        name,
        format!("{label} {code} 不存在（{column}），请先导入单位"),
        format!("{column}: there is no unit {code}; import the units first"),
    )
}

fn parse(fields: &mut Fields<'_>) -> Option<Duty> {
    let categories = fields.parsed("category_code", "E0102, E01*, E*, *", CategoryPattern::parse);
    let territory = fields.optional("territory_code");
    if territory.as_ref().is_some_and(|code| !code.bytes().all(|byte| byte.is_ascii_digit())) {
        fields.wrong(
            "territory_invalid",
            "territory_code 应为区、街道、社区或网格的数字代码，全区则留空",
            "territory_code must be the digits of a district, street, community or grid; empty for all",
        );
    }
    let mode = fields.parsed("mode", "unit|grid_first", DutyMode::parse);
    let lead = fields.optional("lead_unit_code");
    match (mode, &lead) {
        (Some(DutyMode::Unit), None) => fields.wrong(
            "lead_missing",
            "mode 为 unit 时应填 lead_unit_code",
            "mode unit needs a lead_unit_code",
        ),
        (Some(DutyMode::GridFirst), Some(_)) => fields.wrong(
            "lead_unwanted",
            "mode 为 grid_first 时 lead_unit_code 应留空",
            "mode grid_first must leave lead_unit_code empty",
        ),
        _ => {}
    }
    let assist = read_assist(fields, lead.as_deref());
    Some(Duty { categories: categories?, territory, mode: mode?, lead, assist })
}

fn read_assist(fields: &mut Fields<'_>, lead: Option<&str>) -> Vec<String> {
    // A Chinese keyboard makes the full-width semicolon.
    let codes = fields.raw("assist_unit_codes").split([';', '；']).map(str::trim);
    let mut seen = HashSet::new();
    let mut assist = Vec::new();
    for code in codes.filter(|code| !code.is_empty()) {
        let shown = cut(code);
        if Some(code) == lead {
            fields.wrong(
                "assist_is_lead",
                format!("{shown} 已是主办单位，不应再列为协办"),
                format!("{shown} is the lead unit; take it out of assist_unit_codes"),
            );
        } else if seen.insert(code) {
            assist.push(code.to_owned());
        } else {
            fields.wrong(
                "assist_repeated",
                format!("协办单位 {shown} 重复"),
                format!("assist_unit_codes names {shown} twice"),
            );
        }
    }
    assist
}

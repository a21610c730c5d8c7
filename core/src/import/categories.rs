//! The catalogue of categories.

use super::message::{FileError, Message};
use super::report::{Column, ImportReport, Line, Row, compare};
use super::table::{Fields, read};
use crate::model::{Category, CategoryKind, Limit, LimitUnit};

impl Row for Category {
    const COLUMNS: &'static [Column] = &[
        Column { name: "code", zh: "代码" },
        Column { name: "kind", zh: "类别" },
        Column { name: "major_code", zh: "大类代码" },
        Column { name: "major_name", zh: "大类名称" },
        Column { name: "minor_code", zh: "小类代码" },
        Column { name: "minor_name", zh: "小类名称" },
        Column { name: "urgent", zh: "紧急" },
        Column { name: "filing_condition", zh: "立案条件" },
        Column { name: "limit", zh: "处置时限" },
        Column { name: "limit_unit", zh: "时限单位" },
        Column { name: "closing_condition", zh: "结案条件" },
        Column { name: "anonymous_allowed", zh: "可匿名" },
        Column { name: "sensitive", zh: "敏感" },
        Column { name: "must_report", zh: "必报" },
    ];
    const MAY_LACK: &'static [&'static str] = &["must_report"];

    fn key(&self) -> String {
        self.code.clone()
    }

    fn fields(&self) -> Vec<String> {
        vec![
            self.code.clone(),
            self.kind.as_str().to_owned(),
            self.major_code.clone(),
            self.major_name.clone(),
            self.minor_code.clone(),
            self.minor_name.to_string(),
            self.urgent.to_string(),
            self.filing_condition.clone(),
            self.limit.amount.to_string(),
            self.limit.unit.as_str().to_owned(),
            self.closing_condition.clone(),
            self.anonymous_allowed.to_string(),
            self.sensitive.to_string(),
            self.must_report.to_string(),
        ]
    }
}

/// Reads a catalogue.
///
/// # Errors
/// [`FileError`] where the file as a whole cannot be read.
pub fn read_categories(text: &str) -> Result<Vec<Line<Category>>, FileError> {
    read(text, |fields| fields.raw("code").to_owned(), parse)
}

/// Compares a catalogue with the categories that are there.
pub fn compare_categories(lines: &[Line<Category>], existing: &[Category]) -> ImportReport<Category> {
    compare(lines, existing, code_agrees)
}

fn parse(fields: &mut Fields<'_>) -> Option<Category> {
    let code = fields.required("code");
    let kind = fields.parsed("kind", "component|event", CategoryKind::parse);
    let major_code = fields.parsed("major_code", "01 … 99", two_digits);
    let major_name = fields.name("major_name");
    let minor_code = fields.parsed("minor_code", "01 … 99", two_digits);
    let minor_name = fields.name("minor_name");
    let urgent = fields.boolean("urgent");
    let filing_condition = fields.required("filing_condition");
    let amount = fields.parsed("limit", "1 … 10000", |text| {
        text.parse().ok().filter(|amount| (1..=10_000).contains(amount))
    });
    let units = "urgent_minutes|working_minutes|urgent_hours|working_hours|working_days|days";
    let unit = fields.parsed("limit_unit", units, LimitUnit::parse);
    let closing_condition = fields.required("closing_condition");
    let anonymous_allowed = fields.boolean("anonymous_allowed");
    let sensitive = fields.boolean("sensitive");
    let must_report =
        if fields.raw("must_report").is_empty() { Some(false) } else { fields.boolean("must_report") };
    Some(Category {
        code,
        kind: kind?,
        major_code: major_code?,
        major_name,
        minor_code: minor_code?,
        minor_name: minor_name.into(),
        urgent: urgent?,
        filing_condition,
        limit: Limit { amount: amount?, unit: unit? },
        closing_condition,
        anonymous_allowed: anonymous_allowed?,
        sensitive: sensitive?,
        must_report: must_report?,
    })
}

fn two_digits(text: &str) -> Option<String> {
    (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.to_owned())
}

/// The code is the letter of the kind with both class codes behind it.
fn code_agrees(row: &Category) -> Vec<Message> {
    let expected = format!("{}{}{}", row.kind.letter(), row.major_code, row.minor_code);
    if row.code == expected {
        return Vec::new();
    }
    vec![Message::new(
        "code_disagrees",
        format!("代码应为 {expected}（类别字母、大类代码、小类代码）"),
        format!("the code must be {expected}: letter of the kind, major code, minor code"),
    )]
}

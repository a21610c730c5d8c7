//! 事项分类: what a ticket is about, in the style of GB/T 30428.2, with its filing and closing conditions.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// 部件 or 事件.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CategoryKind {
    /// 部件: a thing that stands there (a manhole cover, a lamp).
    Component,
    /// 事件: something that happens (exposed rubbish, street trading).
    Event,
}

impl CategoryKind {
    /// The word used in files and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            CategoryKind::Component => "component",
            CategoryKind::Event => "event",
        }
    }

    /// The kind with this word.
    pub fn parse(word: &str) -> Option<Self> {
        [CategoryKind::Component, CategoryKind::Event].into_iter().find(|kind| kind.as_str() == word)
    }

    /// The first letter of a category's code: `P` 部件, `E` 事件.
    pub const fn letter(self) -> char {
        match self {
            CategoryKind::Component => 'P',
            CategoryKind::Event => 'E',
        }
    }
}

/// What a limit is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LimitUnit {
    /// 紧急工作分钟: minutes round the clock.
    UrgentMinutes,
    /// 工作分钟: minutes of the working calendar.
    WorkingMinutes,
    /// 紧急工作时: hours round the clock.
    UrgentHours,
    /// 工作时: hours of the working calendar.
    WorkingHours,
    /// 工作日: days of the working calendar.
    WorkingDays,
    /// 自然日: days of 24 hours.
    Days,
}

impl LimitUnit {
    /// All units of limits.
    pub const ALL: [LimitUnit; 6] = [
        LimitUnit::UrgentMinutes,
        LimitUnit::WorkingMinutes,
        LimitUnit::UrgentHours,
        LimitUnit::WorkingHours,
        LimitUnit::WorkingDays,
        LimitUnit::Days,
    ];

    /// The word used in files and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            LimitUnit::UrgentMinutes => "urgent_minutes",
            LimitUnit::WorkingMinutes => "working_minutes",
            LimitUnit::UrgentHours => "urgent_hours",
            LimitUnit::WorkingHours => "working_hours",
            LimitUnit::WorkingDays => "working_days",
            LimitUnit::Days => "days",
        }
    }

    /// 中文
    pub const fn zh(self) -> &'static str {
        match self {
            LimitUnit::UrgentMinutes => "紧急工作分钟",
            LimitUnit::WorkingMinutes => "工作分钟",
            LimitUnit::UrgentHours => "紧急工作时",
            LimitUnit::WorkingHours => "工作时",
            LimitUnit::WorkingDays => "工作日",
            LimitUnit::Days => "自然日",
        }
    }

    /// English
    pub const fn en(self) -> &'static str {
        match self {
            LimitUnit::UrgentMinutes => "minutes round the clock",
            LimitUnit::WorkingMinutes => "working minutes",
            LimitUnit::UrgentHours => "hours round the clock",
            LimitUnit::WorkingHours => "working hours",
            LimitUnit::WorkingDays => "working days",
            LimitUnit::Days => "natural days",
        }
    }

    /// Whether it is counted in open time of the working calendar.
    pub const fn is_working(self) -> bool {
        matches!(self, LimitUnit::WorkingMinutes | LimitUnit::WorkingHours | LimitUnit::WorkingDays)
    }

    /// The unit with this word.
    pub fn parse(word: &str) -> Option<Self> {
        LimitUnit::ALL.into_iter().find(|unit| unit.as_str() == word)
    }
}

/// A 时限: a number with a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// How many; at least 1, at most 10,000.
    #[schema(minimum = 1, maximum = 10000)]
    pub amount: u32,
    /// Of what.
    pub unit: LimitUnit,
}

impl Limit {
    /// A limit of `amount` in `unit`.
    pub const fn new(amount: u32, unit: LimitUnit) -> Self {
        Self { amount, unit }
    }

    /// 中文
    pub fn zh(self) -> String {
        format!("{}{}", self.amount, self.unit.zh())
    }

    /// English
    pub fn en(self) -> String {
        format!("{} {}", self.amount, self.unit.en())
    }
}

/// One row of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    /// Kind letter, two digits major, two digits minor: `E0102`.
    pub code: String,
    /// 部件 or 事件.
    pub kind: CategoryKind,
    /// 大类代码, two digits.
    pub major_code: String,
    /// 大类名称
    pub major_name: String,
    /// 小类代码, two digits.
    pub minor_code: String,
    /// 小类名称
    pub minor_name: Arc<str>,
    /// Dangerous to life or traffic: shown first everywhere.
    pub urgent: bool,
    /// 立案条件
    pub filing_condition: String,
    /// 处置时限
    pub limit: Limit,
    /// 结案条件
    pub closing_condition: String,
    /// Whether a resident may report it without being named to the handlers.
    pub anonymous_allowed: bool,
    /// Visible only to named roles.
    pub sensitive: bool,
    /// 必到必报: must be reported up at once, and somebody must be on the spot soon.
    pub must_report: bool,
}

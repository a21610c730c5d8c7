//! The commands with what each needs, and the reasons for which one is refused.

use super::state::{RefuseReason, ReturnReason, State, Verb};
use super::ticket::AccountId;
use crate::model::UnitId;
use crate::time::Moment;

/// A sentence in both languages.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Said {
    /// 中文
    pub zh: String,
    /// English
    pub en: String,
}

impl Said {
    /// A sentence in both languages.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }
}

/// What is to be done with a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the words of the command itself, explained once per variant")]
pub enum Command {
    /// 认领: take it from the pool.
    Claim,
    /// 释放: put it back into the pool.
    Release { reason: Option<String> },
    /// The lease ran out.
    Lapse,
    /// 随手解决: solved by the holder on the spot, with a photo.
    Solve { category: String, answer: String, note: Option<String> },
    /// 立案 under a category; the duty list then decides who handles it.
    File { category: String, note: Option<String> },
    /// 不予立案; the words are told to the reporter.
    Refuse { reason: RefuseReason, words: String },
    /// 派遣 by the centre, to units of its choice.
    Dispatch { lead: UnitId, assist: Vec<UnitId>, reason: String },
    /// 签收
    Accept,
    /// 退回
    Return { reason: ReturnReason, words: String },
    /// 下派 to a unit below.
    Delegate { to: UnitId, reason: Option<String> },
    /// 上报上级
    Escalate { reason: String },
    /// 解除协办
    ReleaseAssist { unit: UnitId, reason: String },
    /// 处置完成: what the public reads, and what stays inside.
    Finish { answer: String, note: Option<String> },
    /// 核查结案
    Close { note: Option<String> },
    /// 返工
    Rework { reason: String },
    /// 未解决, said by the reporter.
    NotFixed { words: String },
    /// 撤回
    Withdraw { words: Option<String> },
    /// 补充
    Supplement { words: String },
    /// 评价: solved or not, 1 to 5.
    Rate { solved: bool, stars: u8, words: Option<String> },
}

impl Command {
    /// The command's name.
    pub const fn verb(&self) -> Verb {
        match self {
            Command::Claim => Verb::Claim,
            Command::Release { .. } => Verb::Release,
            Command::Lapse => Verb::Lapse,
            Command::Solve { .. } => Verb::Solve,
            Command::File { .. } => Verb::File,
            Command::Refuse { .. } => Verb::Refuse,
            Command::Dispatch { .. } => Verb::Dispatch,
            Command::Accept => Verb::Accept,
            Command::Return { .. } => Verb::Return,
            Command::Delegate { .. } => Verb::Delegate,
            Command::Escalate { .. } => Verb::Escalate,
            Command::ReleaseAssist { .. } => Verb::ReleaseAssist,
            Command::Finish { .. } => Verb::Finish,
            Command::Close { .. } => Verb::Close,
            Command::Rework { .. } => Verb::Rework,
            Command::NotFixed { .. } => Verb::NotFixed,
            Command::Withdraw { .. } => Verb::Withdraw,
            Command::Supplement { .. } => Verb::Supplement,
            Command::Rate { .. } => Verb::Rate,
        }
    }
}

/// Why a command was not carried out. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The table has no row for this verb from this state.
    WrongState {
        /// Where the ticket stands.
        state: State,
        /// What was asked.
        verb: Verb,
    },
    /// There is a row, but not for the caller.
    NotYours {
        /// What was asked.
        verb: Verb,
    },
    /// The handler may not check the own work.
    OwnWork,
    /// Somebody else holds the claim.
    HeldBy {
        /// Who.
        account: AccountId,
        /// Until when.
        until: Moment,
    },
    /// The caller's claim has run out.
    LeaseOver,
    /// A photo of the result is needed.
    NeedsPhoto,
    /// The catalogue has no such category.
    UnknownCategory(String),
    /// The district has no such unit.
    UnknownUnit(UnitId),
    /// Work cannot be given to this unit.
    CannotHandle(UnitId),
    /// The unit does not stand below the responsible one.
    NotBelow(UnitId),
    /// The unit is named twice, or as lead and assistant.
    NamedTwice(UnitId),
    /// The unit has no open assisting order.
    NotAssisting(UnitId),
    /// There is nobody above.
    NobodyAbove,
    /// Assisting units have not finished.
    AssistsOpen(usize),
    /// The window for "not fixed" is over.
    WindowOver {
        /// Its length.
        days: u32,
    },
    /// This closing has been rated.
    AlreadyRated,
}

impl Refusal {
    /// A stable word for clients.
    pub const fn code(&self) -> &'static str {
        match self {
            Refusal::WrongState { .. } => "wrong_state",
            Refusal::NotYours { .. } => "not_yours",
            Refusal::OwnWork => "own_work",
            Refusal::HeldBy { .. } => "held_by",
            Refusal::LeaseOver => "lease_over",
            Refusal::NeedsPhoto => "needs_photo",
            Refusal::UnknownCategory(_) => "unknown_category",
            Refusal::UnknownUnit(_) => "unknown_unit",
            Refusal::CannotHandle(_) => "cannot_handle",
            Refusal::NotBelow(_) => "not_below",
            Refusal::NamedTwice(_) => "named_twice",
            Refusal::NotAssisting(_) => "not_assisting",
            Refusal::NobodyAbove => "nobody_above",
            Refusal::AssistsOpen(_) => "assists_open",
            Refusal::WindowOver { .. } => "window_over",
            Refusal::AlreadyRated => "already_rated",
        }
    }

    /// The refusal in words, saying what to do instead.
    pub fn said(&self) -> Said {
        match self {
            Refusal::WrongState { state, verb } => Said::new(
                format!("案件当前为“{}”，不能{}。请刷新后按可用操作办理。", state.zh(), verb.zh()),
                format!(
                    "The ticket is {}; it cannot {}. Refresh and use an allowed action.",
                    state.en(),
                    verb.en()
                ),
            ),
            Refusal::NotYours { verb } => Said::new(
                format!("您的岗位不能对此案件执行“{}”。", verb.zh()),
                format!("None of your posts may {} this ticket.", verb.en()),
            ),
            Refusal::OwnWork => Said::new(
                "处置人不能核查自己的处置结果，请由他人核查。",
                "Whoever handled it cannot check it; somebody else must.",
            ),
            Refusal::HeldBy { .. } => {
                Said::new("该案件已被他人认领。", "Somebody else has claimed the ticket.")
            }
            Refusal::LeaseOver => {
                Said::new("您的认领已超时，请重新认领。", "Your claim has run out; claim the ticket again.")
            }
            Refusal::NeedsPhoto => Said::new("请附上处置后的照片。", "Add a photo taken after the work."),
            Refusal::UnknownCategory(code) => Said::new(
                format!("没有代码为 {code} 的事项分类。"),
                format!("There is no category {code}; see GET /api/v1/categories."),
            ),
            Refusal::UnknownUnit(id) => {
                Said::new(format!("本区没有单位 {id}。"), format!("The district has no unit {id}."))
            }
            Refusal::CannotHandle(id) => Said::new(
                format!("不能派遣给单位 {id}，请选择部门、街道、社区或网格。"),
                format!("Unit {id} cannot be given work; choose a department, street, community or grid."),
            ),
            Refusal::NotBelow(id) => Said::new(
                format!("单位 {id} 不是本单位的下级。"),
                format!("Unit {id} does not stand below the responsible unit."),
            ),
            Refusal::NamedTwice(id) => {
                Said::new(format!("单位 {id} 被重复指定。"), format!("Unit {id} is named twice."))
            }
            Refusal::NotAssisting(id) => Said::new(
                format!("单位 {id} 没有未完成的协办任务。"),
                format!("Unit {id} has no open assisting order."),
            ),
            Refusal::NobodyAbove => {
                Said::new("没有上级单位可上报。", "There is no unit above to escalate to.")
            }
            Refusal::AssistsOpen(n) => Said::new(
                format!("还有 {n} 个协办单位未完成，请等待或解除协办。"),
                format!("{n} assisting units have not finished; wait, or release them."),
            ),
            Refusal::WindowOver { days } => Said::new(
                format!("结案已超过 {days} 天，请重新上报。"),
                format!("It was closed more than {days} days ago; send a new report."),
            ),
            Refusal::AlreadyRated => Said::new("本次办理已评价过。", "This closing has been rated already."),
        }
    }
}

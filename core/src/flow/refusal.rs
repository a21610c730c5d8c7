//! The reasons for which a command is refused, in words that say what to do instead.

use super::order_words::RequestKind;
use super::state::State;
use super::ticket::AccountId;
use super::verb::Verb;
use crate::model::{Limit, UnitId};
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
    /// The district has decided that this unit handles it.
    Bound,
    /// It waits for the centre's look, as suspected spam.
    Held,
    /// Something else has been asked for and is not decided yet.
    RequestOpen(RequestKind),
    /// Nothing waits for a decision.
    NoRequest,
    /// An extension is longer than the handling limit.
    ExtensionTooLong(Limit),
    /// A second extension needs the duty chief's review first.
    NeedsEndorsement,
    /// The decision is the head's of the centre.
    NeedsHead,
    /// The day of review lies in the past or too far ahead.
    BadReviewDay {
        /// How far ahead it may lie at most, natural days.
        days: u32,
    },
    /// It waits for its reporter already.
    AlreadyWaiting,
    /// No clock is stopped.
    NotStopped,
    /// A whistle is open already.
    WhistleOpen,
    /// No whistle is open.
    NoWhistle,
    /// The meeting lies in the past.
    MeetingPast,
    /// The unit has answered or signed in already.
    AlreadyDone,
    /// Done away from the place, or the phone sent no (fresh) position: a reason is needed.
    NeedsReason {
        /// Within which distance no reason is needed, metres.
        metres: u32,
    },
    /// The reporter has been called back, or is not to be.
    NoCallBackDue,
    /// There is no call-back of this round to decide about.
    NoCallBack,
    /// Whoever called may not decide whether it counts.
    OwnCall,
    /// Nothing follows from the change.
    NothingToDo,
    /// A reporter urges once on a day.
    UrgedToday,
    /// Other reports were merged into the ticket; one reporter cannot take it back for all.
    OthersReported,
    /// A ticket cannot be merged into itself.
    MergedWithItself,
    /// Other tickets were merged into this one, which therefore cannot be merged itself.
    HasMerged,
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
            Refusal::Bound => "bound",
            Refusal::Held => "held",
            Refusal::RequestOpen(_) => "request_open",
            Refusal::NoRequest => "no_request",
            Refusal::ExtensionTooLong(_) => "extension_too_long",
            Refusal::NeedsEndorsement => "needs_endorsement",
            Refusal::NeedsHead => "needs_head",
            Refusal::BadReviewDay { .. } => "bad_review_day",
            Refusal::AlreadyWaiting => "already_waiting",
            Refusal::NotStopped => "not_stopped",
            Refusal::WhistleOpen => "whistle_open",
            Refusal::NoWhistle => "no_whistle",
            Refusal::MeetingPast => "meeting_past",
            Refusal::AlreadyDone => "already_done",
            Refusal::NeedsReason { .. } => "needs_reason",
            Refusal::NoCallBackDue => "no_call_back_due",
            Refusal::NoCallBack => "no_call_back",
            Refusal::OwnCall => "own_call",
            Refusal::NothingToDo => "nothing_to_do",
            Refusal::UrgedToday => "urged_today",
            Refusal::OthersReported => "others_reported",
            Refusal::MergedWithItself => "merged_with_itself",
            Refusal::HasMerged => "has_merged",
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
            Refusal::Held => Said::new(
                "该上报待区指挥中心审核，审核通过后才能办理。",
                "The report is held for a review by the district centre; it goes on once it has passed.",
            ),
            Refusal::OwnWork => Said::new(
                "处置人不能核查自己的处置结果，申请人不能审批自己的申请，请由他人办理。",
                "Nobody checks the own work or decides the own request; somebody else must.",
            ),
            Refusal::HeldBy { .. } => {
                Said::new("该案件已被他人认领。", "Somebody else has claimed the ticket.")
            }
            Refusal::LeaseOver => {
                Said::new("您的认领已超时，请重新认领。", "Your claim has run out; claim the ticket again.")
            }
            Refusal::NeedsPhoto => Said::new(
                "请附上照片：处置完成附处置后的照片，核查附核查照片。",
                "Add a photo: of the result to finish, of the check to close or send back.",
            ),
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
            Refusal::Bound => Said::new(
                "区里已裁决由本单位处置，不能再退回；可申请延期、挂账或请求协办。",
                "The district has decided that your unit handles it; ask for an extension, a suspension or help.",
            ),
            Refusal::RequestOpen(kind) => Said::new(
                format!("已有待审批的{}申请，请等待审批结果。", kind.zh()),
                format!("An {} has been asked for; wait for its decision.", kind.en()),
            ),
            Refusal::NoRequest => Said::new("没有待审批的申请。", "Nothing waits for a decision."),
            Refusal::ExtensionTooLong(limit) => Said::new(
                format!("延期不能超过规定的处置时限（{}）。", limit.zh()),
                format!("An extension is at most the handling limit itself ({}).", limit.en()),
            ),
            Refusal::NeedsEndorsement => Said::new(
                "再次延期须先由值班长初审。",
                "A further extension needs the duty chief's review first.",
            ),
            Refusal::NeedsHead => {
                Said::new("该申请须由中心主任审批。", "The head of the centre decides this request.")
            }
            Refusal::BadReviewDay { days } => Said::new(
                format!("复核日期须在今天之后、{days} 天之内。"),
                format!("The day of review must lie ahead, at most {days} days."),
            ),
            Refusal::AlreadyWaiting => {
                Said::new("已在等待上报人补充。", "The ticket waits for its reporter already.")
            }
            Refusal::NotStopped => Said::new("当前没有暂停计时。", "No clock is stopped."),
            Refusal::WhistleOpen => Said::new("已有未办结的吹哨。", "A whistle is open already."),
            Refusal::NoWhistle => Said::new("没有未办结的吹哨。", "No whistle is open."),
            Refusal::MeetingPast => Said::new("集合时间已过。", "The time of the meeting has passed."),
            Refusal::AlreadyDone => Said::new("本单位已办理过这一步。", "Your unit has done this already."),
            Refusal::NeedsReason { metres } => Said::new(
                format!("不在现场 {metres} 米以内或没有有效定位，请说明原因。"),
                format!("Not within {metres} m of the place, or without a fresh position: give a reason."),
            ),
            Refusal::NoCallBackDue => {
                Said::new("该案件无需回访或已回访。", "No call-back is due for this ticket.")
            }
            Refusal::NoCallBack => {
                Said::new("本次结案没有回访记录。", "There is no call-back of this closing.")
            }
            Refusal::OwnCall => Said::new(
                "回访人不能认定自己的回访是否计入考核。",
                "Whoever called back cannot decide whether it counts; somebody else must.",
            ),
            Refusal::UrgedToday => Said::new(
                "您今天已催办过，请明天再催办。",
                "You have urged today; you may urge again tomorrow.",
            ),
            Refusal::OthersReported => Said::new(
                "其他居民也上报了同一问题，案件已合并办理，不能撤回。",
                "Others have reported the same, and the ticket goes on for all; it cannot be withdrawn.",
            ),
            Refusal::MergedWithItself => {
                Said::new("不能并入案件自身。", "A ticket cannot be merged into itself; name another one.")
            }
            Refusal::HasMerged => Said::new(
                "已有其他案件并入本案，请将另一案件并入本案，或先撤销并案。",
                "Other tickets were merged into this one; merge the other way round, or unmerge them first.",
            ),
            Refusal::NothingToDo => Said::new("没有需要变更的内容。", "There is nothing to change."),
        }
    }
}

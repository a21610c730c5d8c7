//! The commands with what each needs.

use super::order_words::{RefuseReason, ReturnReason, Satisfaction, Solved};
use super::ticket::TicketId;
use super::verb::Verb;
use crate::model::{Limit, UnitId};
use crate::time::Moment;

/// Where somebody stood who says to be on the spot, worked out from the position that the phone sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OnSpot {
    /// How far from the ticket's place, metres; none where the phone sent no position.
    pub distance_m: Option<u32>,
    /// How old the position was, seconds.
    pub age_s: Option<u32>,
    /// Why it was done from elsewhere.
    pub reason: Option<String>,
}

/// A unit that gets a work order beside the lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assist {
    /// Which.
    pub unit: UnitId,
    /// Its own limit; the category's where none is given.
    pub limit: Option<Limit>,
}

impl From<UnitId> for Assist {
    fn from(unit: UnitId) -> Self {
        Self { unit, limit: None }
    }
}

/// A typed quantity of a result: 12 m2, 3.5 t, 4 pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// Of what, a word of the district's choice.
    pub kind: String,
    /// How much, in thousandths.
    pub thousandths: i64,
    /// In which unit.
    pub unit: String,
}

/// What a unit hands in besides words: quantities, and what was enforced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Typed quantities.
    pub quantities: Vec<Quantity>,
    /// 执法结果: warning, fine, seizure; a word of the district's choice.
    pub enforcement: Option<String>,
    /// 文书号
    pub document: Option<String>,
}

/// What a call-back brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Nobody answered.
    NotReached,
    /// The reporter answered.
    Reached {
        /// Whether the problem is gone.
        solved: Solved,
        /// With the result.
        result: Satisfaction,
        /// With the way to it.
        process: Satisfaction,
        /// Whether the ticket goes back to its handler.
        reopen: bool,
    },
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
    /// 到场: somebody is on the spot.
    Arrive { spot: OnSpot, words: Option<String> },
    /// 核实: the holder has seen it and leaves the filing to the centre.
    Verify { category: Option<String>, note: Option<String> },
    /// 随手解决: solved by the holder on the spot, with a photo.
    Solve { category: String, answer: String, note: Option<String>, outcome: Outcome },
    /// 立案 under a category; the duty list then decides who handles it.
    File { category: String, note: Option<String> },
    /// 不予立案; the words are told to the reporter.
    Refuse { reason: RefuseReason, words: String },
    /// 审核通过: what was held back goes to the pool of its grid.
    Pass { words: Option<String> },
    /// 派遣 by the centre, to units of its choice.
    Dispatch { lead: UnitId, assist: Vec<Assist>, reason: String },
    /// 裁决 by the district, which binds.
    Arbitrate { lead: UnitId, assist: Vec<Assist>, reason: String },
    /// 签收
    Accept,
    /// 退回
    Return { reason: ReturnReason, words: String },
    /// 下派 to a unit below.
    Delegate { to: UnitId, reason: Option<String> },
    /// 上报上级
    Escalate { reason: String },
    /// 加派协办
    AddAssist { assist: Assist, reason: String },
    /// 解除协办
    ReleaseAssist { unit: UnitId, reason: String },
    /// 吹哨: summon units to a place and time.
    Whistle { units: Vec<UnitId>, place: String, meet_at: Moment, words: String },
    /// 应哨: the summoned unit says that it comes.
    Answer { words: Option<String> },
    /// 报到: somebody of the summoned unit is there.
    SignIn { spot: OnSpot },
    /// The meeting is over; what came of it becomes work orders.
    EndWhistle { words: String, lead: Option<UnitId>, assist: Vec<Assist> },
    /// 请补充: no clock runs until the reporter has answered.
    AskReporter { words: String },
    /// 恢复办理: the clock runs again.
    Resume { reason: Option<String> },
    /// 申请延期
    AskExtension { limit: Limit, reason: String },
    /// 申请挂账
    AskSuspension { review_at: Moment, reason: String },
    /// 申请缓办
    AskDeferral { review_at: Moment, reason: String },
    /// 申请作废
    AskVoid { reason: String },
    /// 初审同意
    Endorse { words: String },
    /// 批准
    Grant { words: String },
    /// 驳回
    Deny { words: String },
    /// 处置完成: what the public reads, what stays inside, and what was done in figures.
    Finish { answer: String, note: Option<String>, outcome: Outcome },
    /// 核查结案
    Close { note: Option<String>, spot: OnSpot },
    /// 返工
    Rework { reason: String, spot: OnSpot },
    /// 回访
    CallBack { call: Call, words: Option<String> },
    /// 认定: whether the call-back counts in scoring.
    Count { counted: bool, reason: String },
    /// 拆分: tickets of their own were split off.
    Split { children: Vec<TicketId>, reason: String },
    /// 催办, by a reporter or by the centre.
    Urge { words: Option<String> },
    /// 并案 under another ticket.
    Merge { into: TicketId, reason: String },
    /// 并入: another ticket was merged into this one.
    Absorb { ticket: TicketId },
    /// 撤销并案: it goes back to its pool.
    Unmerge { reason: String },
    /// 并入撤销: a ticket that was merged into this one was taken out again.
    Detach { ticket: TicketId },
    /// 未解决, said by the reporter.
    NotFixed { words: String },
    /// 撤回
    Withdraw { words: Option<String> },
    /// 补充
    Supplement { words: String },
    /// 评价: solved or not, 1 to 5.
    Rate { solved: bool, stars: u8, words: Option<String> },
    /// A clock of the ticket calls the server.
    Alarm(super::alarm::Alarm),
    /// The calendar was changed.
    Recount,
    /// 调取联系方式: the contacts of its reporters leave the installation in clear.
    Reveal { reason: String },
}

impl Command {
    /// The command's name.
    pub const fn verb(&self) -> Verb {
        match self {
            Command::Claim => Verb::Claim,
            Command::Release { .. } => Verb::Release,
            Command::Lapse => Verb::Lapse,
            Command::Arrive { .. } => Verb::Arrive,
            Command::Verify { .. } => Verb::Verify,
            Command::Solve { .. } => Verb::Solve,
            Command::File { .. } => Verb::File,
            Command::Refuse { .. } => Verb::Refuse,
            Command::Pass { .. } => Verb::Pass,
            Command::Dispatch { .. } => Verb::Dispatch,
            Command::Arbitrate { .. } => Verb::Arbitrate,
            Command::Accept => Verb::Accept,
            Command::Return { .. } => Verb::Return,
            Command::Delegate { .. } => Verb::Delegate,
            Command::Escalate { .. } => Verb::Escalate,
            Command::AddAssist { .. } => Verb::AddAssist,
            Command::ReleaseAssist { .. } => Verb::ReleaseAssist,
            Command::Whistle { .. } => Verb::Whistle,
            Command::Answer { .. } => Verb::Answer,
            Command::SignIn { .. } => Verb::SignIn,
            Command::EndWhistle { .. } => Verb::EndWhistle,
            Command::AskReporter { .. } => Verb::AskReporter,
            Command::Resume { .. } => Verb::Resume,
            Command::AskExtension { .. } => Verb::AskExtension,
            Command::AskSuspension { .. } => Verb::AskSuspension,
            Command::AskDeferral { .. } => Verb::AskDeferral,
            Command::AskVoid { .. } => Verb::AskVoid,
            Command::Endorse { .. } => Verb::Endorse,
            Command::Grant { .. } => Verb::Grant,
            Command::Deny { .. } => Verb::Deny,
            Command::Finish { .. } => Verb::Finish,
            Command::Close { .. } => Verb::Close,
            Command::Rework { .. } => Verb::Rework,
            Command::CallBack { .. } => Verb::CallBack,
            Command::Count { .. } => Verb::Count,
            Command::Split { .. } => Verb::Split,
            Command::Urge { .. } => Verb::Urge,
            Command::Merge { .. } => Verb::Merge,
            Command::Absorb { .. } => Verb::Absorb,
            Command::Unmerge { .. } => Verb::Unmerge,
            Command::Detach { .. } => Verb::Detach,
            Command::NotFixed { .. } => Verb::NotFixed,
            Command::Withdraw { .. } => Verb::Withdraw,
            Command::Supplement { .. } => Verb::Supplement,
            Command::Rate { .. } => Verb::Rate,
            Command::Alarm(alarm) => alarm.verb(),
            Command::Recount => Verb::Recount,
            Command::Reveal { .. } => Verb::Reveal,
        }
    }
}

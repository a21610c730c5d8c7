//! The reasons for which something is refused, in words that say what to do instead.

use super::words::{SupervisionState, SupervisionVerb};
use crate::flow::refusal::Said;
use crate::model::UnitId;

/// Why nothing was done. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SupervisionRefusal {
    /// The order does not stand where this can be done.
    WrongState {
        /// Where it stands.
        state: SupervisionState,
        /// What was asked.
        verb: SupervisionVerb,
    },
    /// None of the caller's posts may do this.
    NotYours {
        /// What was asked.
        verb: SupervisionVerb,
    },
    /// Whoever replied does not decide about the reply.
    OwnReply,
    /// Neither tickets nor a text.
    Empty,
    /// More tickets than one order takes.
    TooManyTickets {
        /// How many it takes.
        most: usize,
    },
    /// The unit is not one of the district that can be supervised.
    CannotReceive(UnitId),
    /// The deadline lies in the past or too far ahead.
    BadDeadline {
        /// How far ahead it may lie, natural days.
        days: i64,
    },
}

impl SupervisionRefusal {
    /// A stable word for clients.
    pub const fn code(&self) -> &'static str {
        match self {
            SupervisionRefusal::WrongState { .. } => "wrong_state",
            SupervisionRefusal::NotYours { .. } => "not_yours",
            SupervisionRefusal::OwnReply => "own_reply",
            SupervisionRefusal::Empty => "nothing_to_supervise",
            SupervisionRefusal::TooManyTickets { .. } => "too_many_tickets",
            SupervisionRefusal::CannotReceive(_) => "cannot_receive",
            SupervisionRefusal::BadDeadline { .. } => "bad_deadline",
        }
    }

    /// The refusal in words, saying what to do instead.
    pub fn said(&self) -> Said {
        match self {
            SupervisionRefusal::WrongState { state, verb } => Said::new(
                format!("督办单当前为“{}”，不能{}。请刷新后按可用操作办理。", state.zh(), verb.zh()),
                format!(
                    "The supervision order is {}; \"{}\" is not possible now. Refresh and use an allowed action.",
                    state.en(),
                    verb.en()
                ),
            ),
            SupervisionRefusal::NotYours { verb } => Said::new(
                format!("您的岗位不能对此督办单执行“{}”。", verb.zh()),
                format!("None of your posts may do \"{}\" with this supervision order.", verb.en()),
            ),
            SupervisionRefusal::OwnReply => Said::new(
                "回复人不能审定自己的回复，请由他人办理。",
                "Nobody decides about the own reply; somebody else must.",
            ),
            SupervisionRefusal::Empty => {
                Said::new("请指定案件或填写督办内容。", "Name tickets, or say in words what is to be done.")
            }
            SupervisionRefusal::TooManyTickets { most } => Said::new(
                format!("一份督办单最多 {most} 个案件。"),
                format!("A supervision order takes at most {most} tickets."),
            ),
            SupervisionRefusal::CannotReceive(id) => Said::new(
                format!("不能向单位 {id} 下发督办单，请选择本区的部门、街道、社区或网格。"),
                format!(
                    "Unit {id} cannot be supervised; choose a department, street, community or grid of the district."
                ),
            ),
            SupervisionRefusal::BadDeadline { days } => Said::new(
                format!("回复期限须在现在之后、{days} 天之内。"),
                format!("The deadline must lie ahead, at most {days} days."),
            ),
        }
    }
}

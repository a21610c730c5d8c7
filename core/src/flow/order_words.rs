//! The words of work orders, requests and opinions.

use serde::{Deserialize, Serialize};

use super::words::words;

words! {
    /// Where a work order stands.
    OrderState {
        /// Given, not signed for.
        Pending = "pending", "待签收", "waiting to be accepted";
        /// Signed for.
        Accepted = "accepted", "处置中", "accepted";
        /// Result handed in.
        Done = "done", "已完成", "done";
        /// Given back.
        Returned = "returned", "已退回", "returned";
        /// Taken off the unit, or ended with the ticket.
        Released = "released", "已解除", "released";
    }
}

impl OrderState {
    /// Whether the unit still owes something.
    pub const fn is_open(self) -> bool {
        matches!(self, OrderState::Pending | OrderState::Accepted)
    }
}

words! {
    /// 主办 or 协办.
    OrderKind {
        /// 主办
        Lead = "lead", "主办", "lead";
        /// 协办
        Assist = "assist", "协办", "assist";
    }
}

words! {
    /// Why a unit gives a ticket back.
    ReturnReason {
        /// 非本单位职责
        NotOurDuty = "not_our_duty", "非本单位职责", "not our duty";
        /// 地点不符
        WrongPlace = "wrong_place", "地点不符", "wrong place";
        /// 证据不足
        InsufficientEvidence = "insufficient_evidence", "证据不足", "insufficient evidence";
        /// 重复
        Duplicate = "duplicate", "重复案件", "duplicate";
        /// 其他
        Other = "other", "其他", "other";
    }
}

words! {
    /// Why a report is not filed.
    RefuseReason {
        /// 现场不存在
        NothingThere = "nothing_there", "现场不存在该问题", "nothing there";
        /// 不符合立案条件
        BelowCondition = "below_condition", "不符合立案条件", "below the filing condition";
        /// 重复
        Duplicate = "duplicate", "重复上报", "duplicate";
        /// 虚假
        FalseReport = "false_report", "虚假上报", "false report";
        /// 垃圾信息
        Spam = "spam", "垃圾信息或广告", "spam";
        /// 不属受理范围
        OutOfScope = "out_of_scope", "不属于受理范围", "out of scope";
        /// 其他
        Other = "other", "其他", "other";
    }
}

words! {
    /// What a unit or the centre may ask for, to be decided by somebody else.
    RequestKind {
        /// 延期
        Extension = "extension", "延期", "extension";
        /// 挂账
        Suspension = "suspension", "挂账", "suspension";
        /// 缓办
        Deferral = "deferral", "缓办", "deferral";
        /// 作废
        Void = "void", "作废", "voiding";
    }
}

words! {
    /// Where a request stands.
    RequestState {
        /// Waiting for a decision.
        Asked = "asked", "待审批", "waiting for a decision";
        /// Reviewed; waiting for the head of the centre.
        Endorsed = "endorsed", "待主任审批", "endorsed, waiting for the head of the centre";
        /// 批准
        Granted = "granted", "已批准", "granted";
        /// 驳回
        Denied = "denied", "已驳回", "denied";
        /// The ticket moved on before it was decided.
        Lapsed = "lapsed", "已失效", "lapsed";
    }
}

impl RequestState {
    /// Whether somebody still has to decide.
    pub const fn is_open(self) -> bool {
        matches!(self, RequestState::Asked | RequestState::Endorsed)
    }
}

words! {
    /// What a reporter says of the result or of the way to it.
    Satisfaction {
        /// 满意
        Satisfied = "satisfied", "满意", "satisfied";
        /// 基本满意
        Partly = "partly", "基本满意", "partly satisfied";
        /// 不满意
        Dissatisfied = "dissatisfied", "不满意", "dissatisfied";
    }
}

words! {
    /// Whether the problem is gone, as the reporter sees it.
    Solved {
        /// 已解决
        Yes = "yes", "已解决", "solved";
        /// 基本解决
        Partly = "partly", "基本解决", "partly solved";
        /// 未解决
        No = "no", "未解决", "not solved";
    }
}

words! {
    /// Whether time presses.
    Pressure {
        /// 正常
        Normal = "normal", "正常", "in time";
        /// 临期
        DueSoon = "due_soon", "临期", "due soon";
        /// 超期
        Overdue = "overdue", "超期", "overdue";
    }
}

words! {
    /// How hard a unit is urged 催办, one step after the other.
    Urging {
        /// 提醒: who has the ticket is reminded.
        Reminder = "reminder", "提醒", "reminder";
        /// 通知: the unit above is told as well.
        Notice = "notice", "催办通知", "notice";
        /// 通报: all units up to the district are told.
        Published = "published", "通报", "published";
    }
}

//! States of a ticket and of a work order, roles, and the names of the commands: each with its stable word and
//! its Chinese and English name.

use serde::{Deserialize, Serialize};

/// Declares an enum of words: a variant, its stable word, its Chinese and its English name.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal, $zh:literal, $en:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The stable word used in the database, the API and files.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }

            /// The value with this word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }

            /// 中文名称
            pub const fn zh(self) -> &'static str {
                match self { $($name::$variant => $zh,)+ }
            }

            /// English name.
            pub const fn en(self) -> &'static str {
                match self { $($name::$variant => $en,)+ }
            }
        }
    };
}

words! {
    /// Where a ticket stands in the closed loop.
    State {
        /// In the pool of its grid, waiting to be claimed.
        Received = "received", "待认领", "received";
        /// Held by one worker, who verifies it on the spot.
        Claimed = "claimed", "核实中", "being verified";
        /// Filed, on the desk of the district centre, waiting to be dispatched.
        Filed = "filed", "待派遣", "waiting for dispatch";
        /// Given to a unit, which has not signed for it yet.
        Dispatched = "dispatched", "待签收", "dispatched";
        /// Signed for; the responsible unit works on it.
        Handling = "handling", "处置中", "being handled";
        /// Handled; somebody else checks it.
        Checking = "checking", "待核查", "waiting for the check";
        /// Done.
        Closed = "closed", "已结案", "closed";
        /// Not filed, with a reason.
        Refused = "refused", "不予立案", "not filed";
        /// Taken back by the reporter.
        Withdrawn = "withdrawn", "已撤回", "withdrawn";
    }
}

impl State {
    /// Whether nothing more is expected of anybody.
    pub const fn is_final(self) -> bool {
        matches!(self, State::Closed | State::Refused | State::Withdrawn)
    }
}

words! {
    /// What a person (or the server) may be to a ticket. One person can hold several posts.
    Role {
        /// 居民
        Resident = "resident", "居民", "resident";
        /// 网格员
        GridWorker = "grid_worker", "网格员", "grid worker";
        /// 社区工作人员
        CommunityOfficer = "community_officer", "社区工作人员", "community officer";
        /// 街道工作人员
        StreetOfficer = "street_officer", "街道工作人员", "street officer";
        /// 部门(中队)经办人
        DepartmentOfficer = "department_officer", "部门经办人", "department officer";
        /// 派遣员
        Dispatcher = "dispatcher", "派遣员", "dispatcher";
        /// 核查员
        Inspector = "inspector", "核查员", "inspector";
        /// 观察员 (人大, 政协): reads only.
        Observer = "observer", "观察员", "observer";
        /// 管理员
        Administrator = "administrator", "管理员", "administrator";
        /// The server itself.
        System = "system", "系统", "system";
    }
}

words! {
    /// The commands that change or add to a ticket.
    Verb {
        /// 上报: the ticket is opened from a report.
        Open = "open", "上报", "report";
        /// 认领
        Claim = "claim", "认领", "claim";
        /// 释放
        Release = "release", "释放", "release";
        /// 认领超时
        Lapse = "lapse", "认领超时", "claim ran out";
        /// 随手解决
        Solve = "solve", "随手解决", "solve on the spot";
        /// 立案
        File = "file", "立案", "file";
        /// 不予立案
        Refuse = "refuse", "不予立案", "refuse";
        /// 派遣
        Dispatch = "dispatch", "派遣", "dispatch";
        /// 签收
        Accept = "accept", "签收", "accept";
        /// 退回
        Return = "return", "退回", "return";
        /// 下派
        Delegate = "delegate", "下派", "delegate";
        /// 上报上级
        Escalate = "escalate", "上报上级", "escalate";
        /// 解除协办
        ReleaseAssist = "release_assist", "解除协办", "release an assisting unit";
        /// 处置完成
        Finish = "finish", "处置完成", "finish";
        /// 核查结案
        Close = "close", "核查结案", "close";
        /// 返工
        Rework = "rework", "返工", "rework";
        /// 未解决
        NotFixed = "not_fixed", "反映未解决", "say it is not fixed";
        /// 撤回
        Withdraw = "withdraw", "撤回", "withdraw";
        /// 补充
        Supplement = "supplement", "补充", "supplement";
        /// 评价
        Rate = "rate", "评价", "rate";
    }
}

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
        /// 不属受理范围
        OutOfScope = "out_of_scope", "不属于受理范围", "out of scope";
        /// 其他
        Other = "other", "其他", "other";
    }
}

words! {
    /// How a report came in.
    Channel {
        /// 居民上报
        Resident = "resident", "居民上报", "resident";
        /// 网格员自行发现
        GridWorker = "grid_worker", "网格员巡查发现", "grid worker's own find";
    }
}

words! {
    /// At which stage a photo was taken.
    Stage {
        /// 处置前
        Before = "before", "处置前", "before";
        /// 处置后
        After = "after", "处置后", "after";
        /// 核查
        Check = "check", "核查", "check";
    }
}

//! States of a ticket, roles, phases and channels: each with its stable word and its Chinese and English name.

use serde::{Deserialize, Serialize};

use super::words::words;

words! {
    /// Where a ticket stands in the closed loop.
    State {
        /// In the pool of its grid, waiting to be claimed.
        Received = "received", "待认领", "received";
        /// Held by one worker, who verifies it on the spot.
        Claimed = "claimed", "核实中", "being verified";
        /// Verified on the spot, on the desk of the district centre, waiting to be filed.
        Verified = "verified", "待立案", "waiting to be filed";
        /// Filed, on the desk of the district centre, waiting to be dispatched.
        Filed = "filed", "待派遣", "waiting for dispatch";
        /// Given back too often: the district decides, and its decision binds.
        Arbitrating = "arbitrating", "待裁决", "waiting for the district's decision";
        /// Given to a unit, which has not signed for it yet.
        Dispatched = "dispatched", "待签收", "dispatched";
        /// Signed for; the responsible unit works on it.
        Handling = "handling", "处置中", "being handled";
        /// 挂账: season, funds or conditions are missing; no clock runs, and a day of review is set.
        Suspended = "suspended", "挂账", "suspended";
        /// 缓办: put off by decision of the centre; no clock runs, and a day of review is set.
        Deferred = "deferred", "缓办", "deferred";
        /// Handled; somebody else checks it.
        Checking = "checking", "待核查", "waiting for the check";
        /// Done.
        Closed = "closed", "已结案", "closed";
        /// Not filed, with a reason.
        Refused = "refused", "不予立案", "not filed";
        /// Taken back by the reporter.
        Withdrawn = "withdrawn", "已撤回", "withdrawn";
        /// 作废: found to be no case, confirmed by a second person.
        Voided = "voided", "已作废", "voided";
        /// 并案: found to be the same as another ticket, which goes on for both.
        Merged = "merged", "已并案", "merged";
    }
}

impl State {
    /// Those of a ticket that stands for nothing that goes on or was done: it was taken back, found to be nothing, or goes on
    /// as another one.
    pub const UNDONE: [Self; 4] = [Self::Refused, Self::Withdrawn, Self::Voided, Self::Merged];

    /// Whether nothing more is expected of anybody.
    pub const fn is_final(self) -> bool {
        matches!(self, State::Closed | State::Refused | State::Withdrawn | State::Voided | State::Merged)
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
        /// 值班长: decides disputes and first extensions.
        DutyChief = "duty_chief", "值班长", "duty chief";
        /// 中心主任: decides what goes beyond the duty chief.
        CentreHead = "centre_head", "中心主任", "head of the centre";
        /// 派遣员
        Dispatcher = "dispatcher", "派遣员", "dispatcher";
        /// 核查员
        Inspector = "inspector", "核查员", "inspector";
        /// 观察员 (人大, 政协): reads only.
        Observer = "observer", "观察员", "observer";
        /// 管理员
        Administrator = "administrator", "管理员", "administrator";
        /// 审计员: searches the audit trail, and sees nothing else.
        Auditor = "auditor", "审计员", "auditor";
        /// The server itself.
        System = "system", "系统", "system";
    }
}

words! {
    /// The stages of the loop that have a limit and a clock of their own.
    Phase {
        /// 受理: until somebody claims it from the pool.
        Accept = "accept", "受理", "acceptance";
        /// 核实: until the claim has an outcome.
        Verify = "verify", "核实", "verification";
        /// 立案: until the centre has filed what was verified.
        File = "file", "立案", "filing";
        /// 派遣: until the centre has given it to a unit.
        Dispatch = "dispatch", "派遣", "dispatch";
        /// 裁决: until the district has decided.
        Arbitrate = "arbitrate", "裁决", "arbitration";
        /// 签收: until the unit has signed.
        Sign = "sign", "签收", "signing";
        /// 处置: until the unit hands in its result; the category's limit.
        Handle = "handle", "处置", "handling";
        /// 核查: until somebody else has checked.
        Check = "check", "核查", "check";
        /// 回访: until the reporter has been called back.
        CallBack = "call_back", "回访", "call-back";
        /// 到场: until somebody is on the spot, for must-attend kinds.
        Arrive = "arrive", "到场", "arrival";
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

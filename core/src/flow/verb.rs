//! The names of the commands.

use serde::{Deserialize, Serialize};

use super::words::words;

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
        /// 到场
        Arrive = "arrive", "到场", "arrive";
        /// 核实
        Verify = "verify", "核实", "verify";
        /// 立案
        File = "file", "立案", "file";
        /// 不予立案
        Refuse = "refuse", "不予立案", "refuse";
        /// 审核通过: what was held back is a case like any other.
        Pass = "pass", "审核通过", "pass";
        /// 派遣
        Dispatch = "dispatch", "派遣", "dispatch";
        /// 裁决
        Arbitrate = "arbitrate", "裁决", "arbitrate";
        /// 签收
        Accept = "accept", "签收", "accept";
        /// 退回
        Return = "return", "退回", "return";
        /// 下派
        Delegate = "delegate", "下派", "delegate";
        /// 上报上级
        Escalate = "escalate", "上报上级", "escalate";
        /// 加派协办
        AddAssist = "add_assist", "加派协办", "add an assisting unit";
        /// 解除协办
        ReleaseAssist = "release_assist", "解除协办", "release an assisting unit";
        /// 吹哨
        Whistle = "whistle", "吹哨", "whistle";
        /// 应哨
        Answer = "answer", "应哨", "answer the whistle";
        /// 报到
        SignIn = "sign_in", "报到", "sign in on the spot";
        /// 散哨
        EndWhistle = "end_whistle", "吹哨办结", "end the whistle";
        /// 请补充
        AskReporter = "ask_reporter", "请上报人补充", "ask the reporter";
        /// 恢复计时
        Resume = "resume", "恢复办理", "resume";
        /// 申请延期
        AskExtension = "ask_extension", "申请延期", "ask for an extension";
        /// 申请挂账
        AskSuspension = "ask_suspension", "申请挂账", "ask for a suspension";
        /// 申请缓办
        AskDeferral = "ask_deferral", "申请缓办", "ask for a deferral";
        /// 申请作废
        AskVoid = "ask_void", "申请作废", "ask to void";
        /// 初审
        Endorse = "endorse", "初审同意", "endorse the request";
        /// 批准
        Grant = "grant", "批准", "grant the request";
        /// 驳回
        Deny = "deny", "驳回", "deny the request";
        /// 处置完成
        Finish = "finish", "处置完成", "finish";
        /// 核查结案
        Close = "close", "核查结案", "close";
        /// 返工
        Rework = "rework", "返工", "rework";
        /// 回访
        CallBack = "call_back", "回访", "call back";
        /// 考核认定
        Count = "count", "认定是否计入考核", "decide whether it counts";
        /// 拆分
        Split = "split", "拆分", "split";
        /// 催办
        Urge = "urge", "催办", "urge";
        /// 并案: it is the same as another ticket, which goes on for both.
        Merge = "merge", "并案", "merge into another";
        /// 并入: another ticket was merged into this one.
        Absorb = "absorb", "并入他案", "take in another";
        /// 撤销并案
        Unmerge = "unmerge", "撤销并案", "take out of the other";
        /// 并入撤销: what was merged into this one is a case of its own again.
        Detach = "detach", "并入撤销", "let go another";
        /// 未解决
        NotFixed = "not_fixed", "反映未解决", "say it is not fixed";
        /// 撤回
        Withdraw = "withdraw", "撤回", "withdraw";
        /// 补充
        Supplement = "supplement", "补充", "supplement";
        /// 评价
        Rate = "rate", "评价", "rate";
        /// 临期预警
        Warn = "warn", "临期预警", "warn that it is due soon";
        /// 超期上提: a limit was broken, and the next level above is told.
        Breach = "breach", "超期上提", "note that it is overdue";
        /// 协办超期
        AssistLate = "assist_late", "协办超期", "note that an assisting unit is late";
        /// 到期复核: the day of review of a suspension or deferral has come.
        Review = "review", "到期复核", "recall for review";
        /// 时限重算: the calendar was changed.
        Recount = "recount", "时限重算", "compute the deadlines anew";
        /// 调取联系方式: contacts were exported in clear, with the reason.
        Reveal = "reveal", "调取联系方式", "note that contacts were exported";
    }
}

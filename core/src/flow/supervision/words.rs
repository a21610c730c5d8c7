//! The words of supervision orders.

use serde::{Deserialize, Serialize};

use crate::flow::words::words;

words! {
    /// Where a supervision order stands.
    SupervisionState {
        /// Given to a unit, which owes a reply.
        Issued = "issued", "已下发", "issued";
        /// The unit has replied; the centre decides about the reply.
        Replied = "replied", "已回复", "replied";
        /// Sent back for another reply.
        Reinspecting = "reinspecting", "复查中", "sent back for another reply";
        /// The reply was accepted.
        Accepted = "accepted", "已办结", "accepted";
    }
}

impl SupervisionState {
    /// Whether the unit owes a reply.
    pub const fn awaits_reply(self) -> bool {
        matches!(self, SupervisionState::Issued | SupervisionState::Reinspecting)
    }
}

words! {
    /// What is done with a supervision order.
    SupervisionVerb {
        /// 下发
        Issue = "issue", "下发", "issue";
        /// 回复
        Reply = "reply", "回复", "reply";
        /// 办结: the reply is good.
        Accept = "accept", "办结", "accept";
        /// 复查: the reply does not do; another one is due.
        Reinspect = "reinspect", "复查", "send back";
        /// 重启: what was accepted proved wrong.
        Reopen = "reopen", "重启", "reopen";
    }
}

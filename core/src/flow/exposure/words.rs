//! The words of the exposure board.

use serde::{Deserialize, Serialize};

use crate::flow::words::words;

words! {
    /// Where an entry of the exposure board stands.
    ExposureState {
        /// Waits for a second person.
        Proposed = "proposed", "待审核", "proposed";
        /// Anybody can see it.
        Published = "published", "已曝光", "published";
        /// The second person has refused it.
        Refused = "refused", "未通过", "refused";
        /// It was published, and is so no more.
        TakenDown = "taken_down", "已撤下", "taken down";
    }
}

impl ExposureState {
    /// Whether the picture may still come to be seen, or is.
    pub const fn is_open(self) -> bool {
        matches!(self, ExposureState::Proposed | ExposureState::Published)
    }
}

words! {
    /// What is done with an entry of the exposure board.
    ExposureVerb {
        /// 申报
        Propose = "propose", "申报曝光", "propose";
        /// 通过: it is published.
        Approve = "approve", "审核通过", "approve";
        /// 驳回
        Refuse = "refuse", "审核驳回", "refuse";
        /// 撤下
        TakeDown = "take_down", "撤下", "take down";
    }
}

//! The reasons for which something is refused, in words that say what to do instead.

use super::words::{ExposureState, ExposureVerb};
use crate::flow::refusal::Said;

/// Why nothing was done. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExposureRefusal {
    /// The entry does not stand where this can be done.
    WrongState {
        /// Where it stands.
        state: ExposureState,
        /// What was asked.
        verb: ExposureVerb,
    },
    /// None of the caller's posts may do this.
    NotYours {
        /// What was asked.
        verb: ExposureVerb,
    },
    /// Whoever proposed it does not decide about it.
    OwnProposal,
    /// The picture is neither masked nor said to need no mask.
    NotMasked,
    /// The picture is masked otherwise than when it was proposed.
    PictureChanged,
    /// Its ticket is of a sensitive kind.
    Sensitive,
    /// The picture is proposed or published already.
    OnTheBoard,
    /// The renditions of the picture are being made, or cannot be made.
    NotReady,
}

impl ExposureRefusal {
    /// A stable word for clients.
    pub const fn code(&self) -> &'static str {
        match self {
            ExposureRefusal::WrongState { .. } => "wrong_state",
            ExposureRefusal::NotYours { .. } => "not_yours",
            ExposureRefusal::OwnProposal => "own_proposal",
            ExposureRefusal::NotMasked => "not_masked",
            ExposureRefusal::PictureChanged => "picture_changed",
            ExposureRefusal::Sensitive => "sensitive",
            ExposureRefusal::OnTheBoard => "on_the_board",
            ExposureRefusal::NotReady => "picture_not_ready",
        }
    }

    /// The refusal in words, saying what to do instead.
    pub fn said(&self) -> Said {
        match self {
            ExposureRefusal::WrongState { state, verb } => Said::new(
                format!("曝光条目当前为“{}”，不能{}。请刷新后按可用操作办理。", state.zh(), verb.zh()),
                format!(
                    "The entry is {}; \"{}\" is not possible now. Refresh and use an allowed action.",
                    state.en(),
                    verb.en()
                ),
            ),
            ExposureRefusal::NotYours { verb } => Said::new(
                format!("您的岗位不能对此照片执行“{}”。", verb.zh()),
                format!("None of your posts may do \"{}\" with this picture.", verb.en()),
            ),
            ExposureRefusal::OwnProposal => Said::new(
                "申报人不能审核自己的申报，请由他人办理。",
                "Nobody decides about the own proposal; somebody else must.",
            ),
            ExposureRefusal::NotMasked => Said::new(
                "照片未打码。请先遮盖人脸和车牌，或确认无需打码。",
                "The picture is not masked: mask faces and plates first, or declare that nothing needs a mask.",
            ),
            ExposureRefusal::PictureChanged => Said::new(
                "申报后照片的打码已变更，请驳回并重新申报。",
                "The picture has been masked anew since it was proposed; refuse it and have it proposed again.",
            ),
            ExposureRefusal::Sensitive => {
                Said::new("敏感事项的照片不能曝光。", "Pictures of sensitive tickets are not published.")
            }
            ExposureRefusal::OnTheBoard => {
                Said::new("该照片已申报或已曝光。", "The picture has been proposed or published already.")
            }
            ExposureRefusal::NotReady => Said::new(
                "照片正在处理或无法显示，请稍后再试。",
                "The picture is still being made, or cannot be shown; try again later.",
            ),
        }
    }
}

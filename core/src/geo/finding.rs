//! What can be wrong with a mesh of cells, and how it is said.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::coordinate::LonLat;

/// What is wrong.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// The mesh is larger than can be checked; nothing was checked.
    MeshTooLarge,
    /// The cell has more points than can be checked.
    TooManyPoints,
    /// The cell has no polygon.
    NoArea,
    /// A ring of fewer than 4 points (the first repeated as the last).
    TooFewPoints,
    /// A ring whose last point is not its first.
    NotClosed,
    /// A coordinate that is not a finite number.
    NotFinite,
    /// A coordinate beyond 180 degrees of longitude or 90 degrees of latitude.
    OutOfRange,
    /// A ring that encloses nothing.
    ZeroArea,
    /// A ring that crosses or touches itself.
    SelfIntersection,
    /// Two rings of one cell that cross.
    RingsCross,
    /// A hole outside its polygon.
    HoleOutside,
    /// Two cells of one code.
    DuplicateCode,
    /// Land that two cells claim.
    Overlap,
    /// Land enclosed by cells that no cell claims.
    Gap,
    /// Outlines so entangled that the check was broken off there.
    TooIntricate,
    /// More findings than are listed; the check was broken off.
    MoreFindings,
}

/// One thing to mend in a mesh.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MeshFinding {
    /// What is wrong.
    pub kind: FindingKind,
    /// The codes of the cells concerned, ascending; for a gap those around it (at most ten).
    pub codes: Vec<String>,
    /// The land concerned, square metres; 0 where the finding is not about land.
    pub area_m2: f64,
    /// A place to look at, WGS-84.
    pub at: Option<LonLat>,
}

impl FindingKind {
    /// What to mend, in English, with neither the cell nor the place.
    pub const fn advice(self) -> &'static str {
        match self {
            FindingKind::MeshTooLarge => {
                "the mesh has over 100,000 cells or 5,000,000 points; check it in parts or simplify the outlines"
            }
            FindingKind::TooManyPoints => "the cell has over 20,000 points; simplify its outline",
            FindingKind::NoArea => "the cell has no polygon; draw one",
            FindingKind::TooFewPoints => {
                "a ring has fewer than 4 points; give at least three corners and repeat the first one at the end"
            }
            FindingKind::NotClosed => "a ring is not closed; repeat its first point at the end",
            FindingKind::NotFinite => "a coordinate is not a finite number; export the cell again",
            FindingKind::OutOfRange => {
                "a coordinate is out of range; give degrees, the longitude first and the latitude second"
            }
            FindingKind::ZeroArea => "a ring encloses no land; delete or redraw it",
            FindingKind::SelfIntersection => {
                "a ring crosses or touches itself; redraw it there, or split it into parts"
            }
            FindingKind::RingsCross => "two rings of the cell cross; redraw them so that they at most touch",
            FindingKind::HoleOutside => {
                "a hole lies outside its polygon; delete it or make it a part of its own"
            }
            FindingKind::DuplicateCode => "the code is used more than once; give every cell its own",
            FindingKind::Overlap => {
                "the cells overlap; move their common border so that the land belongs to one"
            }
            FindingKind::Gap => "the cells leave a gap between them; give this land to one of them",
            FindingKind::TooIntricate => {
                "the outlines are too entangled to check; simplify them, mend the other findings, and check again"
            }
            FindingKind::MoreFindings => {
                "there are more findings than are listed; mend these and check again"
            }
        }
    }

    /// What to mend, in Chinese, with neither the cell nor the place.
    pub const fn advice_zh(self) -> &'static str {
        match self {
            FindingKind::MeshTooLarge => "网格超过10万个或坐标点超过500万个，请分批检查或简化边界",
            FindingKind::TooManyPoints => "网格坐标点超过2万个，请简化边界",
            FindingKind::NoArea => "网格没有多边形，请补绘边界",
            FindingKind::TooFewPoints => "边界环少于4个点，请至少给出3个角点并在末尾重复首点",
            FindingKind::NotClosed => "边界环未闭合，请在末尾重复首点",
            FindingKind::NotFinite => "坐标不是有限数值，请重新导出该网格",
            FindingKind::OutOfRange => "坐标超出范围，请使用度为单位，经度在前、纬度在后",
            FindingKind::ZeroArea => "边界环面积为零，请删除或重绘",
            FindingKind::SelfIntersection => "边界环自相交或自相接，请在该处重绘或拆分",
            FindingKind::RingsCross => "同一网格的两个边界环相交，请重绘使其至多相接",
            FindingKind::HoleOutside => "内环位于多边形之外，请删除或改为独立部分",
            FindingKind::DuplicateCode => "编码重复，请为每个网格使用唯一编码",
            FindingKind::Overlap => "网格重叠，请调整公共边界，使该处只属于一个网格",
            FindingKind::Gap => "网格之间有空隙，请将该处划入其中一个网格",
            FindingKind::TooIntricate => "边界过于复杂，检查在此中止，请简化边界并处理其他问题后重新检查",
            FindingKind::MoreFindings => "问题过多未全部列出，请先处理已列出的问题再检查",
        }
    }
}

impl MeshFinding {
    /// The sentence in Chinese: what to mend and where.
    pub fn zh(&self) -> String {
        let mut text = String::new();
        if !self.codes.is_empty() {
            text = format!("网格{}：", self.codes.join("、"));
        }
        text.push_str(self.kind.advice_zh());
        if self.area_m2 > 0.0 {
            text.push_str(&format!("（{:.1}平方米）", self.area_m2));
        }
        if let Some(at) = self.at {
            text.push_str(&format!("，位置：东经{:.6}，北纬{:.6}", at.lon, at.lat));
        }
        text + "。"
    }
}

impl fmt::Display for MeshFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.codes.as_slice() {
            [] => {}
            [code] => write!(f, "cell {code}: ")?,
            codes => write!(f, "cells {}: ", codes.join(", "))?,
        }
        f.write_str(self.kind.advice())?;
        if self.area_m2 > 0.0 {
            write!(f, " ({:.1} m2)", self.area_m2)?;
        }
        if let Some(at) = self.at {
            write!(f, ", near longitude {:.6}, latitude {:.6}", at.lon, at.lat)?;
        }
        f.write_str(".")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences() {
        let overlap = MeshFinding {
            kind: FindingKind::Overlap,
            codes: vec!["A".into(), "B".into()],
            area_m2: 12.34,
            at: Some(LonLat { lon: 118.1, lat: 24.45 }),
        };
        assert_eq!(
            overlap.to_string(),
            "cells A, B: the cells overlap; move their common border so that the land belongs to one (12.3 m2), \
             near longitude 118.100000, latitude 24.450000."
        );
        assert_eq!(
            overlap.zh(),
            "网格A、B：网格重叠，请调整公共边界，使该处只属于一个网格（12.3平方米），位置：东经118.100000，北纬24.450000。"
        );
        let bare = MeshFinding { kind: FindingKind::MoreFindings, codes: vec![], area_m2: 0.0, at: None };
        assert_eq!(bare.to_string(), "there are more findings than are listed; mend these and check again.");
        assert_eq!(bare.zh(), "问题过多未全部列出，请先处理已列出的问题再检查。");
    }
}

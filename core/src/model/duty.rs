//! 权责清单: which unit leads and which assist, by category and territory.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DutyMode {
    /// A named lead unit 主办, with assisting units 协办.
    Unit,
    /// 网格自办: the grid that holds it handles it itself.
    GridFirst,
}

impl DutyMode {
    /// The word used in files and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            DutyMode::Unit => "unit",
            DutyMode::GridFirst => "grid_first",
        }
    }

    /// The mode with this word.
    pub fn parse(word: &str) -> Option<Self> {
        [DutyMode::Unit, DutyMode::GridFirst].into_iter().find(|mode| mode.as_str() == word)
    }
}

/// Which categories a duty covers: one (`E0102`), a major class (`E01*`), a kind (`E*`) or all (`*`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CategoryPattern(String);

impl CategoryPattern {
    /// Reads a pattern; `None` where it is neither a code, a prefix of one with `*`, nor `*`.
    pub fn parse(text: &str) -> Option<Self> {
        let prefix = text.strip_suffix('*').unwrap_or(text);
        let mut rest = prefix.chars();
        let well_formed = match rest.next() {
            None => text == "*",
            Some(letter) => matches!(letter, 'P' | 'E') && rest.all(|c| c.is_ascii_digit()),
        };
        let length_fits =
            if text.ends_with('*') { matches!(prefix.len(), 0 | 1 | 3) } else { prefix.len() == 5 };
        (well_formed && length_fits).then(|| Self(text.to_owned()))
    }

    /// Whether this pattern covers the category with this code.
    pub fn covers(&self, code: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => code.starts_with(prefix),
            None => self.0 == code,
        }
    }

    /// How narrow the pattern is: a larger number is narrower and wins.
    pub fn narrowness(&self) -> usize {
        self.0.trim_end_matches('*').len()
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CategoryPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One row of the duty list, by codes as in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duty {
    /// Which categories.
    pub categories: CategoryPattern,
    /// Within which territory (code of a district, street, community or grid); none means the whole district.
    pub territory: Option<String>,
    /// Who does the work.
    pub mode: DutyMode,
    /// Code of the lead unit 主办; set exactly when `mode` is [`DutyMode::Unit`].
    pub lead: Option<String>,
    /// Codes of the assisting units 协办, without the lead, without repetition.
    pub assist: Vec<String>,
}

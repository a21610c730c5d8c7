//! What is said about a file or a line, in both languages.

use serde::Serialize;

use super::table::{MAX_BYTES, MAX_LINES};

/// One remark about a line: a stable code for programs, a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Message {
    /// Never changes its meaning, such as `parent_unknown`.
    pub code: &'static str,
    /// The remark in Chinese.
    pub zh: String,
    /// The remark in English.
    pub en: String,
}

impl Message {
    /// A remark with this code.
    pub fn new(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { code, zh: zh.into(), en: en.into() }
    }

    /// The sentence in one of the languages.
    pub fn text(&self, english: bool) -> &str {
        if english { &self.en } else { &self.zh }
    }
}

/// The start of a text on one line, so that a sentence that quotes a field stays readable and a terminal that
/// shows it is not steered by it.
pub(super) fn cut(text: &str) -> String {
    const SHOWN: usize = 60;
    let mut shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// The file as a whole cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// More bytes than [`MAX_BYTES`].
    #[error("the file has {0} bytes, more than {max}; split it", max = MAX_BYTES)]
    TooLarge(usize),
    /// More records than [`MAX_LINES`].
    #[error("the file has more than {max} lines; split it", max = MAX_LINES)]
    TooManyLines,
    /// Not UTF-8 from this line on; spreadsheets in China often save GBK.
    #[error("line {0} is not UTF-8; save the file as \"CSV UTF-8\"")]
    NotUtf8(usize),
    /// No header row.
    #[error("the file is empty; its first line must name the columns {0}")]
    Empty(String),
    /// The header lacks a column.
    #[error("the header lacks the column {0}")]
    MissingColumn(&'static str),
    /// The header names a column that this kind of file does not have.
    #[error("the header names an unknown column {0:?}")]
    UnknownColumn(String),
    /// The header names a column twice.
    #[error("the header names the column {0} twice")]
    RepeatedColumn(&'static str),
    /// The reader of CSV gives up.
    #[error("the file is not CSV: {0}")]
    NotCsv(String),
}

impl FileError {
    /// The error as a message with a stable code.
    pub fn message(&self) -> Message {
        let (code, zh) = match self {
            Self::TooLarge(bytes) => {
                ("file_too_large", format!("文件有 {bytes} 字节，超过 {MAX_BYTES}，请拆分"))
            }
            Self::TooManyLines => ("too_many_lines", format!("文件超过 {MAX_LINES} 行，请拆分")),
            Self::NotUtf8(line) => ("not_utf8", format!("第 {line} 行不是 UTF-8 编码，请另存为“CSV UTF-8”")),
            Self::Empty(columns) => ("file_empty", format!("文件为空，首行应为列名 {columns}")),
            Self::MissingColumn(name) => ("column_missing", format!("表头缺少列 {name}")),
            Self::UnknownColumn(name) => ("column_unknown", format!("表头有未知的列“{name}”")),
            Self::RepeatedColumn(name) => ("column_repeated", format!("表头的列 {name} 重复")),
            Self::NotCsv(detail) => ("not_csv", format!("文件不是 CSV：{detail}")),
        };
        Message::new(code, zh, self.to_string())
    }
}

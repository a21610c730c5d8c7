//! The line-by-line report of an import, the same for every kind of file.

use std::collections::HashMap;

use serde::Serialize;

use super::message::{Message, cut};

/// A column of a file: its name in the header and its label in Chinese.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name in the header row.
    pub name: &'static str,
    /// The label in Chinese messages.
    pub zh: &'static str,
}

/// A row that can be written to a file and compared field by field.
pub trait Row: Clone {
    /// The columns of the file, in the order in which they are written.
    const COLUMNS: &'static [Column];

    /// The columns that a file may leave out, as those written before the column was introduced do.
    const MAY_LACK: &'static [&'static str] = &[];

    /// What tells this row from others of its kind.
    fn key(&self) -> String;

    /// The texts of the fields, one per column.
    fn fields(&self) -> Vec<String>;
}

/// One line of a file after reading.
#[derive(Clone, Debug, PartialEq)]
pub struct Line<T> {
    /// The line of the file on which the record begins; the header is usually line 1.
    pub number: usize,
    /// What tells the row from others, as written; also there where the row is wrong.
    pub key: String,
    /// The row, or what is wrong with it.
    pub row: Result<T, Vec<Message>>,
}

/// What an import would do with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The row is not there yet.
    New,
    /// The row is there with other content.
    Changed,
    /// The row is there as written.
    Same,
    /// The line cannot be accepted.
    Wrong,
}

impl Status {
    /// The word for people.
    pub const fn word(self, english: bool) -> &'static str {
        match (self, english) {
            (Status::New, true) => "new",
            (Status::New, false) => "新增",
            (Status::Changed, true) => "changed",
            (Status::Changed, false) => "变更",
            (Status::Same, true) => "same",
            (Status::Same, false) => "相同",
            (Status::Wrong, true) => "wrong",
            (Status::Wrong, false) => "错误",
        }
    }
}

/// What the report says of one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ReportLine {
    /// The line of the file.
    pub line: usize,
    /// What tells the row from others, cut where it is long.
    pub key: String,
    /// What would be done.
    pub status: Status,
    /// For a changed line: which field from what to what. For a wrong line: what to mend.
    pub messages: Vec<Message>,
}

impl ReportLine {
    /// The line for a terminal: `line 12 D01 wrong: …; …`.
    pub fn to_line(&self, english: bool) -> String {
        let word = self.status.word(english);
        let texts: Vec<&str> = self.messages.iter().map(|message| message.text(english)).collect();
        let (head, colon, semicolon) = if english {
            (format!("line {} {} {word}", self.line, self.key), ": ", "; ")
        } else {
            (format!("第 {} 行 {} {word}", self.line, self.key), "：", "；")
        };
        if texts.is_empty() { head } else { format!("{head}{colon}{}", texts.join(semicolon)) }
    }
}

/// How many lines have each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Counts {
    /// Lines with [`Status::New`].
    pub new: usize,
    /// Lines with [`Status::Changed`].
    pub changed: usize,
    /// Lines with [`Status::Same`].
    pub same: usize,
    /// Lines with [`Status::Wrong`].
    pub wrong: usize,
}

/// What an import would do, line by line.
#[derive(Clone, Debug, PartialEq)]
pub struct ImportReport<T> {
    /// One entry per line, in the order of the file.
    pub lines: Vec<ReportLine>,
    /// The new and changed rows, in the order in which to store them.
    pub accepted: Vec<T>,
    /// The sums.
    pub counts: Counts,
}

impl<T> Default for ImportReport<T> {
    fn default() -> Self {
        Self { lines: Vec::new(), accepted: Vec::new(), counts: Counts::default() }
    }
}

impl<T> ImportReport<T> {
    /// Adds a line and, where it is new or changed, its row; keeps the counts.
    pub fn push(&mut self, line: ReportLine, row: T) {
        match line.status {
            Status::New => self.counts.new += 1,
            Status::Changed => self.counts.changed += 1,
            Status::Same => self.counts.same += 1,
            Status::Wrong => self.counts.wrong += 1,
        }
        if matches!(line.status, Status::New | Status::Changed) {
            self.accepted.push(row);
        }
        self.lines.push(line);
    }

    /// Adds a line that cannot be accepted.
    pub fn push_wrong(&mut self, line: usize, key: &str, messages: Vec<Message>) {
        self.counts.wrong += 1;
        self.lines.push(ReportLine { line, key: cut(key), status: Status::Wrong, messages });
    }

    /// Whether no line is wrong; an import with a wrong line is refused as a whole.
    pub fn is_clean(&self) -> bool {
        self.counts.wrong == 0
    }
}

/// Compares lines with the existing rows; `check` adds what a row alone cannot know.
pub(super) fn compare<T: Row>(
    lines: &[Line<T>],
    existing: &[T],
    check: impl Fn(&T) -> Vec<Message>,
) -> ImportReport<T> {
    let existing: HashMap<String, &T> = existing.iter().map(|row| (row.key(), row)).collect();
    let mut first: HashMap<&str, usize> = HashMap::new();
    let mut report = ImportReport::default();
    for line in lines {
        let row = match &line.row {
            Ok(row) => row,
            Err(messages) => {
                first.entry(&line.key).or_insert(line.number);
                report.push_wrong(line.number, &line.key, messages.clone());
                continue;
            }
        };
        let mut messages = check(row);
        let before = *first.entry(&line.key).or_insert(line.number);
        if before != line.number {
            messages.insert(0, duplicate(before));
        }
        if !messages.is_empty() {
            report.push_wrong(line.number, &line.key, messages);
            continue;
        }
        let (status, messages) = match existing.get(&line.key).map(|old| changes(*old, row)) {
            None => (Status::New, Vec::new()),
            Some(changes) if changes.is_empty() => (Status::Same, changes),
            Some(changes) => (Status::Changed, changes),
        };
        report.push(ReportLine { line: line.number, key: cut(&line.key), status, messages }, row.clone());
    }
    report
}

fn duplicate(first: usize) -> Message {
    Message::new(
        "duplicate",
        format!("与第 {first} 行重复，请删去一行"),
        format!("repeats line {first}; delete one of them"),
    )
}

/// Which fields differ, from what to what.
fn changes<T: Row>(old: &T, new: &T) -> Vec<Message> {
    let pairs = old.fields().into_iter().zip(new.fields());
    let differing = T::COLUMNS.iter().zip(pairs).filter(|(_, (old, new))| old != new);
    let message = |(column, (old, new)): (&Column, (String, String))| {
        let (old, new) = (cut(&old), cut(&new));
        Message::new(
            "field_changed",
            format!("{}：由“{old}”改为“{new}”", column.zh),
            format!("{}: from \"{old}\" to \"{new}\"", column.name),
        )
    };
    differing.map(message).collect()
}

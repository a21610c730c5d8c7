//! Bounded reading and writing of CSV.

use super::message::{FileError, Message, cut};
use super::report::{Column, Line, Row};

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The largest number of records in one file, the header not counted.
pub const MAX_LINES: usize = 200_000;

/// The longest field, in characters.
pub const MAX_FIELD_CHARS: usize = 4_000;

/// The longest name, in characters.
const MAX_NAME_CHARS: usize = 100;

/// The text of a file.
///
/// # Errors
/// [`FileError::TooLarge`] and [`FileError::NotUtf8`] with the first line that is not UTF-8.
pub fn decode(bytes: &[u8]) -> Result<&str, FileError> {
    if bytes.len() > MAX_BYTES {
        return Err(FileError::TooLarge(bytes.len()));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        FileError::NotUtf8(1 + bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count())
    })
}

/// The texts of one line by the name of the column, and what is wrong with them.
pub(super) struct Fields<'a> {
    columns: &'static [Column],
    values: Vec<&'a str>,
    messages: Vec<Message>,
}

impl<'a> Fields<'a> {
    /// The text of a column without surrounding white space; empty where there is none.
    pub(super) fn raw(&self, name: &str) -> &'a str {
        let index = self.columns.iter().position(|column| column.name == name);
        index.and_then(|index| self.values.get(index)).copied().unwrap_or_default()
    }

    /// Notes what is wrong with this line.
    pub(super) fn wrong(&mut self, code: &'static str, zh: impl Into<String>, en: impl Into<String>) {
        self.messages.push(Message::new(code, zh, en));
    }

    /// The text of a column that must not be empty.
    pub(super) fn required(&mut self, name: &'static str) -> String {
        let text = self.raw(name);
        if text.is_empty() {
            self.wrong("field_empty", format!("{name} 不能为空"), format!("{name} must not be empty"));
        }
        text.to_owned()
    }

    /// The text of a column that may be empty.
    pub(super) fn optional(&self, name: &str) -> Option<String> {
        Some(self.raw(name)).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// The value of a column, by a reader that refuses with nothing; `expected` says what would be right.
    pub(super) fn parsed<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.raw(name);
        let value = read(text);
        if value.is_none() {
            let text = cut(text);
            self.wrong(
                "field_invalid",
                format!("{name} 的值“{text}”无效，应为 {expected}"),
                format!("{name} is \"{text}\", expected {expected}"),
            );
        }
        value
    }

    /// A name: not empty, short, on one line.
    pub(super) fn name(&mut self, name: &'static str) -> String {
        let text = self.required(name);
        if text.chars().count() > MAX_NAME_CHARS || text.chars().any(char::is_control) {
            self.wrong(
                "name_invalid",
                format!("{name} 应在一行之内，不超过 {MAX_NAME_CHARS} 字"),
                format!("{name} must stand on one line of at most {MAX_NAME_CHARS} characters"),
            );
        }
        text
    }

    /// `true` or `false` in any case, as spreadsheets write it, also `1` and `0`.
    pub(super) fn boolean(&mut self, name: &'static str) -> Option<bool> {
        self.parsed(name, "true|false|1|0", |text| match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        })
    }

    /// Refuses what no column may hold: over-long text, and control characters, which PostgreSQL (NUL) or a
    /// reader of the exported file would stumble over. A line break inside quotes is fine.
    fn check_texts(&mut self) {
        for (column, text) in self.columns.iter().zip(self.values.clone()) {
            let name = column.name;
            // Bytes first: counting the characters of every field would cost more than reading them.
            if text.len() > MAX_FIELD_CHARS && text.chars().count() > MAX_FIELD_CHARS {
                self.wrong(
                    "field_too_long",
                    format!("{name} 超过 {MAX_FIELD_CHARS} 字，请检查引号是否成对"),
                    format!("{name} is longer than {MAX_FIELD_CHARS} characters; is a quote left open?"),
                );
            }
            if text.chars().any(|c| c.is_control() && c != '\n' && c != '\r' && c != '\t') {
                self.wrong(
                    "control_character",
                    format!("{name} 含控制字符，请删去"),
                    format!("{name} holds a control character; delete it"),
                );
            }
        }
    }
}

/// Reads a file: `key` names a line even where it is wrong, `parse` makes the row or notes what is wrong.
pub(super) fn read<T: Row>(
    text: &str,
    key: fn(&Fields<'_>) -> String,
    parse: fn(&mut Fields<'_>) -> Option<T>,
) -> Result<Vec<Line<T>>, FileError> {
    let text = decode(text.as_bytes())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut numbers = LineNumbers { text, seen: 0, line: 1 };
    let mut order: Option<Vec<Option<usize>>> = None;
    let mut lines = Vec::new();
    let mut record = csv::StringRecord::new();
    loop {
        let start = reader.position().byte();
        if !reader.read_record(&mut record).map_err(|error| FileError::NotCsv(error.to_string()))? {
            break;
        }
        // A spreadsheet leaves rows of empty cells behind; they are blank lines.
        if record.iter().all(|field| field.trim().is_empty()) {
            continue;
        }
        let Some(order) = &order else {
            order = Some(read_header::<T>(&record)?);
            continue;
        };
        if lines.len() == MAX_LINES {
            return Err(FileError::TooManyLines);
        }
        let number = numbers.of_record_after(start);
        let text = |place: &Option<usize>| place.and_then(|i| record.get(i)).unwrap_or_default().trim();
        let values = order.iter().map(text).collect();
        let mut fields = Fields { columns: T::COLUMNS, values, messages: Vec::new() };
        let widths = (record.len(), order.iter().flatten().count());
        lines.push(read_line(&mut fields, number, widths, key, parse));
    }
    if order.is_none() {
        let names: Vec<&str> = T::COLUMNS.iter().map(|column| column.name).collect();
        return Err(FileError::Empty(names.join(",")));
    }
    Ok(lines)
}

fn read_line<T: Row>(
    fields: &mut Fields<'_>,
    number: usize,
    (width, expected): (usize, usize),
    key: fn(&Fields<'_>) -> String,
    parse: fn(&mut Fields<'_>) -> Option<T>,
) -> Line<T> {
    let key = key(fields);
    fields.check_texts();
    if width != expected {
        fields.wrong(
            "field_count",
            format!("有 {width} 个字段，应为 {expected} 个，请检查逗号和引号"),
            format!("has {width} fields, expected {expected}; check the commas and quotes"),
        );
    }
    // The fields of a broken line cannot be trusted; further complaints would only mislead.
    if !fields.messages.is_empty() {
        return Line { number, key, row: Err(std::mem::take(&mut fields.messages)) };
    }
    let row = parse(fields);
    let messages = std::mem::take(&mut fields.messages);
    Line { number, key, row: row.filter(|_| messages.is_empty()).ok_or(messages) }
}

/// Where each column of the kind stands in the file; nowhere for one that the file leaves out and may.
fn read_header<T: Row>(record: &csv::StringRecord) -> Result<Vec<Option<usize>>, FileError> {
    let names: Vec<&str> = record.iter().map(str::trim).collect();
    if let Some(unknown) = names.iter().find(|name| T::COLUMNS.iter().all(|column| column.name != **name)) {
        return Err(FileError::UnknownColumn(cut(unknown)));
    }
    let place = |column: &Column| {
        let mut places = names.iter().enumerate().filter(|(_, name)| **name == column.name);
        match (places.next(), places.next()) {
            (None, _) if T::MAY_LACK.contains(&column.name) => Ok(None),
            (None, _) => Err(FileError::MissingColumn(column.name)),
            (Some(_), Some(_)) => Err(FileError::RepeatedColumn(column.name)),
            (Some((index, _)), None) => Ok(Some(index)),
        }
    };
    T::COLUMNS.iter().map(place).collect()
}

/// Counts line breaks up to a record. The reader's own count leaves out a lone CR and stops before the blank
/// lines that it skips.
struct LineNumbers<'a> {
    text: &'a str,
    seen: usize,
    line: usize,
}

impl LineNumbers<'_> {
    /// The line of the first record at or after byte `start`.
    fn of_record_after(&mut self, start: u64) -> usize {
        let bytes = self.text.as_bytes();
        let start = usize::try_from(start).unwrap_or(usize::MAX).min(bytes.len());
        let blank = bytes[start..].iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        let end = start + blank;
        while self.seen < end {
            let ends_line = match bytes[self.seen] {
                b'\n' => true,
                b'\r' => bytes.get(self.seen + 1) != Some(&b'\n'),
                _ => false,
            };
            self.line += usize::from(ends_line);
            self.seen += 1;
        }
        self.line
    }
}

/// The rows as a file that reads back to the same rows; UTF-8 without BOM, lines end with LF.
pub fn write_rows<T: Row>(rows: &[T]) -> String {
    let mut text = T::COLUMNS.iter().map(|column| column.name).collect::<Vec<_>>().join(",");
    text.push('\n');
    for row in rows {
        let fields: Vec<String> = row.fields().iter().map(|field| quoted(field)).collect();
        text.push_str(&fields.join(","));
        text.push('\n');
    }
    text
}

/// A field as RFC 4180 wants it.
fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

//! Turns the sentences of serde, written for programmers, into what a client has to mend.

use serde_path_to_error::{Path, Segment};

use crate::lang::Text;
use crate::problem::FieldProblem;

/// Longest text of the input that is repeated, in characters.
const MAX_CHARS: usize = 200;

/// How a place in the input is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// As a JSON pointer (RFC 6901).
    Pointer,
    /// As the name of a parameter.
    Name,
}

/// One mistake: where serde stood, and what it said.
pub(super) fn explain(path: &Path, message: &str, style: Style) -> FieldProblem {
    let mut names: Vec<String> = path.iter().filter_map(name_of).collect();
    let message: String = message.chars().take(MAX_CHARS).collect();
    let (code, field, text) = classify(&message);
    // serde stands at the object when a field of it is missing, twice there, or not known.
    if let Some(field) = field
        && names.last().map(String::as_str) != Some(field)
    {
        names.push(field.to_owned());
    }
    FieldProblem { pointer: join(&names, style), code, message: text }
}

/// A place in the input as text.
pub(super) fn join(names: &[String], style: Style) -> String {
    match style {
        Style::Pointer => names.iter().map(|name| format!("/{}", escape(name))).collect(),
        Style::Name => names.join("."),
    }
}

/// `~` and `/` within a name are written `~0` and `~1` (RFC 6901, section 3).
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn name_of(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { variant } => Some(variant.clone()),
        Segment::Unknown => None,
    }
}

/// The code of the mistake, the field it is about if the sentence names one, and what to mend.
fn classify(message: &str) -> (&'static str, Option<&str>, Text) {
    if let Some((field, _)) = quoted(message, "missing field ") {
        return ("missing", Some(field), Text::new("必填", "is required"));
    }
    if let Some((field, _)) = quoted(message, "duplicate field ") {
        return ("repeated", Some(field), Text::new("重复出现", "is given more than once"));
    }
    if let Some((field, rest)) = quoted(message, "unknown field ") {
        let (zh, en) = choices(rest);
        return ("unknown", Some(field), Text::new(format!("没有这个字段{zh}"), format!("is not known{en}")));
    }
    if let Some((value, rest)) = quoted(message, "unknown variant ") {
        let (zh, en) = choices(rest);
        return (
            "unknown_value",
            None,
            Text::new(format!("不认识的值 {value}{zh}"), format!("{value} is not known{en}")),
        );
    }
    for (start, code) in [
        ("invalid type: ", "wrong_type"),
        ("invalid value: ", "wrong_value"),
        ("invalid length ", "wrong_length"),
    ] {
        if let Some((found, wanted)) =
            message.strip_prefix(start).and_then(|rest| rest.rsplit_once(", expected "))
        {
            let (zh, en) = wanted_type(wanted);
            return (
                code,
                None,
                Text::new(format!("收到 {found}，应为{zh}"), format!("is {found}, must be {en}")),
            );
        }
    }
    match parse_failure(message) {
        Some(text) => ("wrong_type", None, text),
        // A type of this server refused the value in its own words.
        None => ("wrong_value", None, Text::new(format!("值不合要求：{message}"), message.to_owned())),
    }
}

/// The name between backquotes after `start`, and what follows it.
fn quoted<'a>(message: &'a str, start: &str) -> Option<(&'a str, &'a str)> {
    message.strip_prefix(start)?.strip_prefix('`')?.split_once('`')
}

/// The accepted names out of ``, expected one of `a`, `b` ``, as the end of a sentence.
fn choices(rest: &str) -> (String, String) {
    let names: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
    if names.is_empty() {
        return (String::new(), String::new());
    }
    (format!("；可用：{}", names.join("、")), format!("; known are {}", names.join(", ")))
}

/// What serde calls a type, in words for people.
fn wanted_type(wanted: &str) -> (String, String) {
    let known = match wanted {
        "i8" | "i16" | "i32" | "i64" => Some(("整数", "a whole number")),
        "u8" | "u16" | "u32" | "u64" | "usize" => Some(("非负整数", "a whole number that is not negative")),
        "f32" | "f64" => Some(("数字", "a number")),
        "a string" | "a borrowed string" => Some(("字符串", "a string")),
        "a boolean" => Some(("true 或 false", "true or false")),
        "a sequence" => Some(("数组", "an array")),
        "a map" => Some(("对象", "an object")),
        _ if wanted.starts_with("struct ") || wanted.starts_with("internally tagged enum ") => {
            Some(("对象", "an object"))
        }
        _ => None,
    };
    known.map_or_else(|| (format!(" {wanted}"), wanted.to_owned()), |(zh, en)| (zh.to_owned(), en.to_owned()))
}

/// What the standard library says when the text of a parameter is not a number or a truth value.
fn parse_failure(message: &str) -> Option<Text> {
    // The path's reader says: can not parse "x" to a i64.
    let kind = message
        .strip_prefix("can not parse ")
        .and_then(|rest| rest.rsplit_once("\" to a "))
        .map(|(_, kind)| kind);
    if let Some(kind) = kind {
        let (zh, en) = wanted_type(kind.trim_matches('"'));
        return Some(Text::new(format!("应为{zh}"), format!("must be {en}")));
    }
    let (zh, en) = match message {
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            ("应为整数", "must be a whole number")
        }
        "number too large to fit in target type" => ("数字过大", "is too large"),
        "number too small to fit in target type" => ("数字过小", "is too small"),
        "invalid float literal" | "cannot parse float from empty string" => ("应为数字", "must be a number"),
        "provided string was not `true` or `false`" => ("应为 true 或 false", "must be true or false"),
        _ => return None,
    };
    Some(Text::new(zh, en))
}

//! What clients and the server told each other in confidence during the tests, and what the server logged meanwhile: both
//! are written into the folder that `SSP_TEST_LOGS` names, where `log-search` looks for the one in the other once all
//! tests have ended.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::Value;
use suishoupai_api::service::service_keys;

/// Members of bodies, of both directions, that no log may repeat.
const SECRET: [&str; 14] = [
    "access_token",
    "contact_name",
    "contact_phone",
    "display_name",
    "new_password",
    "password",
    "phone",
    "query_code",
    "recovery_code",
    "recovery_codes",
    "refresh_token",
    "secret",
    "ticket_token",
    "token",
];
/// What is shorter could be a part of anything.
const SHORTEST: usize = 6;
/// Names have two or three characters of three bytes; what is not ASCII is said by chance less easily.
const SHORTEST_WORD: usize = 2;

/// The folder, where the tests are to be searched.
fn folder() -> Option<&'static Path> {
    static FOLDER: LazyLock<Option<PathBuf>> =
        LazyLock::new(|| std::env::var_os("SSP_TEST_LOGS").map(PathBuf::from));
    FOLDER.as_deref()
}

/// A file of this process in the folder, to which lines are added.
pub(crate) fn file(name: &str) -> Option<File> {
    let path = folder()?.join(format!("{name}-{}", std::process::id()));
    Some(OpenOptions::new().create(true).append(true).open(path).unwrap())
}

static SECRETS: LazyLock<Option<Mutex<File>>> = LazyLock::new(|| file("secrets").map(Mutex::new));
static PROGRAMS: LazyLock<Option<Mutex<File>>> = LazyLock::new(|| file("programs").map(Mutex::new));

fn add(to: &LazyLock<Option<Mutex<File>>>, line: &str) {
    let Some(file) = &**to else { return };
    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// Notes a line that a program of its own logged.
pub(crate) fn logged(line: &str) {
    add(&PROGRAMS, line);
}

/// Notes a code that was sent to a phone.
pub(crate) fn code(code: &str) {
    add(&SECRETS, &format!("code\t{code}"));
}

/// Notes a number that servers log by right, and which a code may happen to be.
pub(crate) fn public(number: i32) {
    add(&SECRETS, &format!("public\t{number:06}"));
}

/// Notes what must not be logged of a header or a body.
pub(crate) fn told(authorization: Option<&[u8]>, body: &[u8]) {
    if SECRETS.is_none() {
        return;
    }
    if let Some(token) = authorization.and_then(|header| header.strip_prefix(b"Bearer ")) {
        secret(&String::from_utf8_lossy(token));
    }
    // What is not JSON has pictures in it, or is for the import of units.
    if let Ok(body) = serde_json::from_slice::<Value>(body) {
        walk(&body);
    }
}

fn walk(value: &Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let is_key = value.as_str().is_some_and(|text| text.starts_with(service_keys::PREFIX));
                if is_key || SECRET.contains(&name.as_str()) {
                    texts(value);
                } else {
                    walk(value);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(walk),
        _ => {}
    }
}

fn texts(value: &Value) {
    match value {
        Value::String(text) => secret(text),
        Value::Array(values) => values.iter().for_each(texts),
        other => walk(other),
    }
}

fn secret(text: &str) {
    let is_long =
        if text.is_ascii() { text.len() >= SHORTEST } else { text.chars().count() >= SHORTEST_WORD };
    // Already masked ones are what the server may say.
    if is_long && !text.contains('*') && !text.contains(['\n', '\t']) {
        add(&SECRETS, &format!("text\t{text}"));
    }
}

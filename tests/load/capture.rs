//! The statements of one request, as PostgreSQL logs them, to be carried out again by pgbench for other tickets.

use std::collections::BTreeMap;
use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use serde_json::Value;

use crate::fault::{Outcome, fault};
use crate::script::Script;

/// A statement with what was bound to it; none is NULL.
#[derive(Debug)]
pub(crate) struct Said {
    text: String,
    bound: Vec<Option<String>>,
}

/// Numbers of the sample, and what stands in their place for each ticket that pgbench works on.
pub(crate) type Stands = BTreeMap<i64, String>;

/// Lets PostgreSQL log every statement, or none.
pub(crate) fn log_statements(url: &str, on: bool) -> Outcome<()> {
    let how = if on { "all" } else { "none" };
    let mut conn = PgConnection::establish(url)?;
    conn.batch_execute(&format!("ALTER SYSTEM SET log_statement = '{how}'"))?;
    Ok(conn.batch_execute("SELECT pg_reload_conf()")?)
}

/// The bytes of the log so far.
pub(crate) fn length(log: &Path) -> Outcome<u64> {
    Ok(std::fs::metadata(log).map(|found| found.len()).unwrap_or_default())
}

/// Of statements that servers send by themselves, now and then, something that no other has.
const BY_ITSELF: [&str; 10] = [
    "\"jobs\"",
    "\"registry_revision\"",
    "evidence_waiting AS",
    "\"compared_at\" IS NULL",
    "\"photo_hashes\".\"hashed_at\"",
    "\"photo_hashes\".\"has_near\" IS NULL",
    "ticket_deltas",
    "\"holder_until\" <=",
    "\"alarm_at\" <=",
    "pg_notify",
];

/// What a request sent, among what was logged from `from` on: the transaction that wrote the next line of a ticket's
/// history, and what was read besides.
pub(crate) struct Request {
    pub(crate) transaction: Vec<Said>,
    pub(crate) besides: Vec<Said>,
}

pub(crate) fn request(log: &Path, from: u64, ticket: i64) -> Outcome<Request> {
    let bytes = std::fs::read(log)?;
    let fresh = bytes.get(usize::try_from(from)?..).unwrap_or_default();
    let mut open: BTreeMap<i64, Vec<Said>> = BTreeMap::new();
    let (mut transaction, mut besides) = (None, Vec::new());
    for line in String::from_utf8_lossy(fresh).lines() {
        let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
        let (Some(pid), Some(message)) = (line["pid"].as_i64(), line["message"].as_str()) else { continue };
        if let Some(text) = message.strip_prefix("statement: ") {
            if text.starts_with("BEGIN") {
                open.insert(pid, Vec::new());
            } else if text.starts_with("COMMIT") {
                let said = open.remove(&pid).unwrap_or_default();
                if said.iter().any(|one| one.writes_history_of(ticket)) {
                    transaction = Some(said);
                }
            }
        } else if let Some((_, text)) =
            message.strip_prefix("execute ").and_then(|rest| rest.split_once(": "))
        {
            let bound = line["detail"].as_str().map(parameters).unwrap_or_default();
            let said = Said { text: text.to_owned(), bound };
            match open.get_mut(&pid) {
                Some(all) => all.push(said),
                None if BY_ITSELF.iter().any(|part| text.contains(part)) => {}
                None => besides.push(said),
            }
        }
    }
    let transaction = transaction.ok_or_else(|| {
        fault(format!("the log has no transaction that wrote the history of ticket {ticket}"))
    })?;
    Ok(Request { transaction, besides })
}

/// `parameters: $1 = '5', $2 = NULL, …`, where a quote within is doubled.
fn parameters(detail: &str) -> Vec<Option<String>> {
    let mut rest = detail.strip_prefix("parameters: ").unwrap_or_default();
    let mut all = Vec::new();
    while let Some((_, value)) = rest.split_once(" = ") {
        let Some(quoted) = value.strip_prefix('\'') else {
            all.push(None);
            rest = value.strip_prefix("NULL").unwrap_or_default();
            continue;
        };
        let mut text = String::new();
        let mut letters = quoted.char_indices().peekable();
        let mut end = quoted.len();
        while let Some((at, letter)) = letters.next() {
            if letter == '\'' && letters.next_if(|(_, next)| *next == '\'').is_none() {
                end = at + 1;
                break;
            }
            text.push(letter);
        }
        all.push(Some(text));
        rest = quoted.get(end..).unwrap_or_default();
    }
    all
}

impl Said {
    fn writes_history_of(&self, ticket: i64) -> bool {
        let ticket = ticket.to_string();
        let is_of = |value: &Option<String>| {
            let value = value.as_deref().unwrap_or_default();
            value.trim_matches(['{', '}']).split(',').any(|part| part == ticket)
        };
        self.text.contains("INSERT INTO events (") && self.bound.iter().any(is_of)
    }

    /// The values of a column in an INSERT of many rows: `INSERT INTO table (names) SELECT * FROM unnest($5::bigint[], …)`,
    /// which may stand among others.
    fn column(&self, table: &str, column: &str) -> Vec<i64> {
        let into = format!("INSERT INTO {table} (");
        let values = || -> Option<&str> {
            let (names, rest) = self.text.split_once(&into)?.1.split_once(')')?;
            let first: usize = rest.split_once('$')?.1.split_once(':')?.0.parse().ok()?;
            let at = names.split(", ").position(|name| name == column)?;
            self.bound.get((first + at).checked_sub(1)?)?.as_deref()
        };
        let values = values().unwrap_or_default();
        values.trim_matches(['{', '}']).split(',').filter_map(|part| part.parse().ok()).collect()
    }
}

/// The keys that the statements give to new rows of these tables.
pub(crate) fn new_keys(said: &[Said], tables: &[&str]) -> Vec<i64> {
    let of = |one: &Said| tables.iter().flat_map(|table| one.column(table, "id")).collect::<Vec<_>>();
    said.iter().flat_map(of).collect()
}

impl Script {
    /// One transaction of these statements for another ticket each time: the `n`-th of each client.
    pub(crate) fn again<'a>(said: impl Iterator<Item = &'a Said>, stands: &Stands, base: i64) -> Self {
        let mut script = Self::default();
        script.set("base", base);
        script.set("n", 0);
        script.text += "\\set n :n + 1\n\\set id :base + :client_id * 100000000 + :n\nBEGIN;\n";
        for one in said {
            let mut text = one.text.replace(['\n', '\r'], " ");
            // The highest first, so that $1 does not stand in $10.
            for (nth, value) in one.bound.iter().enumerate().rev() {
                let put = script.put(value.as_deref(), stands);
                text = text.replace(&format!("${}", nth + 1), &put);
            }
            script.text += &text;
            script.text += ";\n";
        }
        script.text += "COMMIT;\n";
        script
    }

    /// What stands in the place of a parameter: the server's value, or that of the ticket in hand.
    fn put(&mut self, value: Option<&str>, stands: &Stands) -> String {
        let Some(value) = value else { return "NULL".to_owned() };
        let stand = |part: &str| part.parse().ok().and_then(|number: i64| stands.get(&number));
        if let Some(found) = stand(value) {
            return found.clone();
        }
        let parts = value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        if let Some(parts) = parts
            && parts.split(',').any(|part| stand(part).is_some())
        {
            let all: Vec<String> = parts
                .split(',')
                .map(|part| stand(part).cloned().unwrap_or_else(|| part.to_owned()))
                .collect();
            return format!("ARRAY[{}]::bigint[]", all.join(", "));
        }
        let name = format!("v{}", self.variables.len());
        self.set(&name, value);
        format!(":{name}")
    }
}

//! The SQL of a request for pgbench: the server's statements, with the server's values as parameters.

use serde_json::Value;
use suishoupai_api::demo;

use crate::fault::{Outcome, fault};
use crate::sql::PAGE;

/// Statements, and the variables in them.
///
/// With `-M prepared` a variable becomes a parameter, as every value of the server is one. No value may stand in the
/// text itself: pgbench takes a colon before a letter for a variable even between quotes, and the JSON of an event is
/// full of `:null` and `:true`.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) text: String,
    pub(crate) variables: Vec<(String, String)>,
}

/// A row as the server wrote it.
pub(crate) type Row = serde_json::Map<String, Value>;

/// The rows that a report of the server wrote, by table, in the order in which it writes them.
pub(crate) type Written = Vec<(&'static str, Vec<Row>)>;

/// The tables into which a report is written, with the column that names its ticket and how the statement ends.
pub(crate) const TABLES: [(&str, &str, &str); 6] = [
    ("tickets", "id", ""),
    ("events", "ticket_id", ""),
    ("evidence", "ticket_id", " ON CONFLICT DO NOTHING"),
    ("notices", "ticket_id", ""),
    ("reports", "ticket_id", ""),
    ("ticket_texts", "ticket_id", " ON CONFLICT DO NOTHING"),
];

/// What the server reads before it writes a report: the caller, the photos and their hashes, and where they were used.
const READS: &str = "\
SELECT id FROM sessions WHERE id = ANY(ARRAY[:session::bigint]) AND ended_at IS NOT NULL;
SELECT a.id, a.district, a.kind, a.login, a.display_name, a.password_hash, a.phone_sealed, a.is_active, a.tokens_from, \
p.role, p.unit_id FROM accounts a LEFT JOIN posts p ON p.account_id = a.id \
WHERE a.id = ANY(ARRAY[(CAST(:accounts AS BIGINT[]))[:client_id + 1]]) ORDER BY a.id, p.role, p.unit_id;
SELECT id, account_id, sha256, taken_at, gps_lon, gps_lat FROM photos WHERE id = ANY(ARRAY[\
(CAST(:photos0 AS BIGINT[]))[:client_id + 1], (CAST(:photos1 AS BIGINT[]))[:client_id + 1]]);
SELECT photo_id, hash FROM photo_hashes WHERE photo_id = ANY(ARRAY[\
(CAST(:photos0 AS BIGINT[]))[:client_id + 1], (CAST(:photos1 AS BIGINT[]))[:client_id + 1]]);
SELECT p.id FROM photos s CROSS JOIN LATERAL (SELECT id FROM photos WHERE photos.sha256 = s.sha256 ORDER BY id LIMIT 8) p \
WHERE s.id = ANY(ARRAY[(CAST(:photos0 AS BIGINT[]))[:client_id + 1], (CAST(:photos1 AS BIGINT[]))[:client_id + 1]]);
SELECT used.district, used.ticket_id, t.parent_id, used.photo_id, used.stage, used.created_at \
FROM unnest(ARRAY[(CAST(:photos0 AS BIGINT[]))[:client_id + 1], (CAST(:photos1 AS BIGINT[]))[:client_id + 1]]) s(photo) \
CROSS JOIN LATERAL (SELECT * FROM evidence WHERE evidence.photo_id = s.photo \
ORDER BY evidence.created_at, evidence.ticket_id LIMIT 8) used JOIN tickets t ON t.id = used.ticket_id;
";

impl Script {
    pub(crate) fn set(&mut self, name: &str, value: impl ToString) {
        self.variables.push((name.to_owned(), value.to_string()));
    }

    /// Stores a report like the first sample, in one transaction: the rows that the server wrote, with all of their
    /// columns, in one statement, as the server does.
    ///
    /// Each client writes for the account and the photos of another sample, as each of the server's callers does:
    /// were they the same, all clients would share the locks that the foreign keys take on three rows, which costs.
    ///
    /// `reads` puts before them what the server reads for a report.
    pub(crate) fn intake(samples: &[Written], base: i64, reads: bool) -> Outcome<Self> {
        let mut script = Self::default();
        script.set("base", base);
        script.set("n", 0);
        script.set("district", demo::DISTRICT);
        script.text += "\\set n :n + 1\n\\set id :base + :client_id * 100000000 + :n\nBEGIN;\n";
        if reads {
            script.reads(samples)?;
        }
        let mut inserts = Vec::with_capacity(TABLES.len());
        for (nth, (table, _, ending)) in TABLES.into_iter().enumerate() {
            let of_all: Option<Vec<&Vec<Row>>> =
                samples.iter().map(|sample| sample.get(nth).map(|(_, rows)| rows)).collect();
            let of_all = of_all.ok_or_else(|| fault("a sample lacks a table"))?;
            inserts.push(script.insert(table, &of_all, ending)?);
        }
        let last = inserts.pop().unwrap_or_default();
        let before: Vec<String> =
            inserts.iter().enumerate().map(|(nth, one)| format!("w{nth} AS ({one})")).collect();
        script.text += &format!("WITH {} {last};\nCOMMIT;\n", before.join(", "));
        Ok(script)
    }

    fn reads(&mut self, samples: &[Written]) -> Outcome<()> {
        let of = |table: &str, nth: usize, column: &str| -> Outcome<String> {
            let key = |sample: &Written| -> Option<String> {
                let (_, rows) = sample.iter().find(|(name, _)| *name == table)?;
                Some(rows.get(nth)?.get(column)?.as_i64()?.to_string())
            };
            let all: Option<Vec<String>> = samples.iter().map(key).collect();
            Ok(format!(
                "{{{}}}",
                all.ok_or_else(|| fault(format!("a sample lacks {table}.{column}")))?.join(",")
            ))
        };
        self.set("session", 0);
        self.set("accounts", of("reports", 0, "account_id")?);
        self.set("photos0", of("evidence", 0, "photo_id")?);
        self.set("photos1", of("evidence", 1, "photo_id")?);
        self.text += READS;
        Ok(())
    }

    fn insert(&mut self, table: &str, samples: &[&Vec<Row>], ending: &str) -> Outcome<String> {
        let rows = samples.first().filter(|rows| !rows.is_empty());
        let rows = rows.ok_or_else(|| fault(format!("the server wrote nothing into {table}")))?;
        let mut values = Vec::new();
        for (nth, row) in rows.iter().enumerate() {
            let row: Outcome<Vec<String>> =
                row.iter().map(|(column, value)| self.value(column, value, nth, samples)).collect();
            values.push(format!("({})", row?.join(", ")));
        }
        let names: Vec<&str> = rows.iter().take(1).flat_map(|row| row.keys()).map(String::as_str).collect();
        let (names, values) = (names.join(", "), values.join(", "));
        Ok(format!("INSERT INTO {table} ({names}) VALUES {values}{ending}"))
    }

    /// What stands in a column of the `nth` row: a key of its own where the server gave one, else the server's value.
    fn value(&mut self, column: &str, value: &Value, nth: usize, samples: &[&Vec<Row>]) -> Outcome<String> {
        let bound = match (column, value) {
            // As if it had been compared: else the server would compare it while the limit is measured.
            ("compared_at", _) => return Ok("0".to_owned()),
            (_, Value::Null) => return Ok("NULL".to_owned()),
            ("id" | "ticket_id", _) => return Ok(":id".to_owned()),
            ("number" | "receipt", _) => return Ok(":district || '-' || :id".to_owned()),
            ("account_id" | "photo_id", _) => {
                let of_each: Vec<String> = samples
                    .iter()
                    .filter_map(|rows| rows.get(nth)?.get(column)?.as_i64())
                    .map(|key| key.to_string())
                    .collect();
                let name = format!("{column}{nth}");
                self.set(&name, format!("{{{}}}", of_each.join(",")));
                return Ok(format!("(CAST(:{name} AS BIGINT[]))[:client_id + 1]"));
            }
            (_, Value::String(text)) => text.clone(),
            // As PostgreSQL writes it.
            (_, Value::Array(_)) => value.to_string().replace('[', "{").replace(']', "}"),
            (_, other) => other.to_string(),
        };
        let name = format!("v{}", self.variables.len());
        self.set(&name, bound);
        Ok(format!(":{name}"))
    }

    /// Reads the first page of a district: the statement that diesel makes of `lists::page`.
    pub(crate) fn page(district: i32) -> Self {
        let columns = [
            "id",
            "number",
            "state",
            "version",
            "grid_id",
            "category",
            "urgent",
            "responsible_id",
            "holder_account",
            "title",
            "lon",
            "lat",
            "created_at",
            "updated_at",
            "due_at",
            "closed_at",
        ];
        let columns = columns.map(|name| format!("\"tickets\".\"{name}\"")).join(", ");
        let mut script = Self::default();
        script.set("district", district);
        script.set("page", PAGE);
        script.text = format!(
            "SELECT {columns} FROM \"tickets\" WHERE (\"tickets\".\"district\" = :district) \
             ORDER BY \"tickets\".\"id\" DESC LIMIT :page;\n"
        );
        script
    }
}

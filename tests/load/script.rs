//! The SQL of a request for pgbench: the server's statements, with the server's values as parameters.

use std::borrow::Cow;

use crate::fault::Outcome;
use crate::sql::{PAGE, Sample};

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

/// What stands in one column of a new row.
enum Value {
    /// A parameter.
    Bound(String),
    /// An expression of SQL.
    Sql(Cow<'static, str>),
}

use Value::Sql;

const ID: Value = Sql(Cow::Borrowed(":id"));
const NULL: Value = Sql(Cow::Borrowed("NULL"));
const NUMBER: Value = Sql(Cow::Borrowed(":district || '-' || :id"));
const ACCOUNT: Value = Sql(Cow::Borrowed("(CAST(:accounts AS BIGINT[]))[:client_id + 1]"));

fn bound(value: impl ToString) -> Value {
    Value::Bound(value.to_string())
}

fn maybe(value: Option<&String>) -> Value {
    value.map_or(NULL, bound)
}

fn bytes(value: &[u8]) -> Value {
    let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
    Value::Bound(format!("\\x{hex}"))
}

/// An array with the key of each client.
fn keys<'a>(samples: &'a [Sample], key: impl Fn(&'a Sample) -> Option<i64>) -> String {
    let all: Vec<String> = samples.iter().filter_map(key).map(|key| key.to_string()).collect();
    format!("{{{}}}", all.join(","))
}

impl Script {
    fn set(&mut self, name: &str, value: impl ToString) {
        self.variables.push((name.to_owned(), value.to_string()));
    }

    fn insert(&mut self, table: &str, row: impl IntoIterator<Item = Value>, ending: &str) {
        let mut values = Vec::new();
        for value in row {
            values.push(match value {
                Value::Bound(value) => {
                    let name = format!("v{}", self.variables.len());
                    self.set(&name, value);
                    format!(":{name}")
                }
                Sql(words) => words.into_owned(),
            });
        }
        self.text += &format!("INSERT INTO {table} VALUES ({}){ending};\n", values.join(", "));
    }

    /// Stores a report like the first sample, in one transaction.
    ///
    /// Each client writes for the account and the photos of another sample, as each of the server's callers does:
    /// were they the same, all clients would share the locks that the foreign keys take on three rows, which costs.
    pub(crate) fn intake(samples: &[Sample], base: i64) -> Outcome<Self> {
        let mut script = Self::default();
        let Some(sample) = samples.first() else { return Ok(script) };
        script.set("base", base);
        script.set("n", 0);
        script.set("district", sample.step.ticket.district);
        script.set("accounts", keys(samples, |sample| Some(sample.report.account)));
        script.text += "\\set n :n + 1\n\\set id :base + :client_id * 100000000 + :n\nBEGIN;\n";
        script.ticket(sample);
        script.event(sample, samples)?;
        script.report(sample);
        script.text += "COMMIT;\n";
        Ok(script)
    }

    fn ticket(&mut self, Sample { step, place, .. }: &Sample) {
        let ticket = &step.ticket;
        let head = [ID, bound(ticket.district), NUMBER, bound(ticket.state.as_str()), bound(ticket.version)];
        let units = [ticket.grid, place.community, place.street].map(bound);
        let kind = [maybe(ticket.category.as_ref()), bound(ticket.urgent), bound(ticket.responsible)];
        let hands = [NULL; 5];
        let rounds = [bound(0), bound(0), bound(0), NULL];
        let seen = [bound(&place.title), bound(place.lon), bound(place.lat)];
        let times = [ticket.created_at, ticket.updated_at].map(|at| bound(at.millis()));
        let tail = [NULL, NULL, NULL, bytes(&[7; 32])];
        let row = head.into_iter().chain(units).chain(kind).chain(hands).chain(rounds);
        self.insert("tickets", row.chain(seen).chain(times).chain(tail), "");
    }

    fn event(&mut self, Sample { step, .. }: &Sample, samples: &[Sample]) -> Outcome<()> {
        let (district, event) = (step.ticket.district, &step.event);
        let row = [ID, bound(event.seq), bound(district), bound(event.at), bound(event.verb.as_str())];
        let rest = [bound(event.public), bound(event.content()?), bytes(&[7; 32])];
        self.insert("events", row.into_iter().chain(rest), "");
        for (n, photo) in event.photos.iter().enumerate() {
            let name = format!("photos{n}");
            self.set(&name, keys(samples, |sample| Some(sample.step.event.photos.get(n)?.id)));
            let key = Sql(format!("(CAST(:{name} AS BIGINT[]))[:client_id + 1]").into());
            let row = [ID, key, bound(photo.stage.as_str()), bound(district), NULL, bound(event.seq)];
            let row = row.into_iter().chain([bound(event.at)]);
            self.insert("evidence", row, " ON CONFLICT DO NOTHING");
        }
        Ok(())
    }

    fn report(&mut self, Sample { report, .. }: &Sample) {
        let head = [ID, bound(report.district), NUMBER, bytes(&report.query_code_hash), ACCOUNT];
        let who = [bound(report.anonymous), NULL, bound(report.channel.as_str())];
        let what = [bound(&report.text), maybe(report.category.as_ref()), bound(&report.datum)];
        let at = [report.sent.0, report.sent.1, report.place.lon, report.place.lat].map(bound);
        let words = [maybe(report.address.as_ref()), maybe(report.landmark.as_ref())];
        let cell = [bound(report.cell), bound(report.grid), bound(report.distance_m)];
        let row = head.into_iter().chain(who).chain(what).chain(at).chain(words).chain(cell);
        self.insert("reports", row.chain([ID, bound(report.created_at.millis())]), "");
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

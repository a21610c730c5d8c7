//! The search in the texts of reports. The words are made by the program, alike for both engines (`core::search`): SQLite
//! keeps them in an index of FTS5, PostgreSQL in arrays with an inverted index. Both go from the newest ticket on and
//! stop when a page is full.

use diesel::QueryResult;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::sqlite::Sqlite;
use suishoupai_core::flow::{State, TicketId};
use suishoupai_core::model::{District, UnitId};
use suishoupai_core::search::{Sought, words};

use super::conn::Conn;
use super::error::DbError;
use super::lists::{self, Filter, Scope, Summary};
use super::schema::reports;
use super::unnest::{Insert, Rows, together};

/// What is kept of a report's texts.
#[derive(Debug)]
pub(super) struct Texts {
    ticket: TicketId,
    words: String,
}

/// The statement that keeps it on SQLite: its text is always the same, so it is prepared once.
struct Keep<'t>(&'t Texts);

impl QueryId for Keep<'_> {
    type QueryId = Keep<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Sqlite> for Keep<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("INSERT OR REPLACE INTO ticket_texts (rowid, words) VALUES (");
        out.push_bind_param::<BigInt, _>(&self.0.ticket)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&self.0.words)?;
        out.push_sql(")");
        Ok(())
    }
}

impl RunQueryDsl<SqliteConnection> for Keep<'_> {}

/// A word that no text has, by which the index knows what lies in a unit.
fn of_district(district: District) -> String {
    format!("zzd{district}")
}

fn of_grid(grid: UnitId) -> String {
    format!("zzg{grid}")
}

impl Texts {
    pub(super) fn of<'a>(
        (ticket, district, grid): (TicketId, District, UnitId),
        texts: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self { ticket, words: words(texts, &[of_district(district), of_grid(grid)]) }
    }
}

/// Keeps what can be sought; a ticket whose texts are kept already is left as it is.
pub(super) fn keep(conn: &mut Conn, texts: Vec<Texts>) -> Result<(), DbError> {
    together(conn, |rows| put(rows, texts.iter()))
}

/// Puts what can be sought to what is written together.
pub(super) fn put<'t>(rows: &mut Rows<'_>, texts: impl Iterator<Item = &'t Texts>) -> Result<(), DbError> {
    let mut texts = texts.peekable();
    match &mut *rows.conn {
        Conn::Pg(_) if texts.peek().is_none() => {}
        Conn::Pg(_) => {
            let (tickets, words): (Vec<i64>, Vec<String>) =
                texts.map(|one| (one.ticket, one.words.clone())).unzip();
            rows.inserts.push(Insert {
                head: "INSERT INTO ticket_texts (ticket_id, words) SELECT id, string_to_array(words, ' ') FROM unnest(",
                columns: vec![tickets.into(), words.into()],
                ending: ") AS fresh (id, words) ON CONFLICT DO NOTHING",
            });
        }
        Conn::Sqlite(conn) => {
            for one in texts {
                Keep(one).execute(conn)?;
            }
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Key {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Keeps the texts of a portion of tickets that were there before texts were kept, by key after `after`; answers the
/// last one, or none where there are no more.
///
/// # Errors
/// The database's.
pub fn keep_old(conn: &mut Conn, after: TicketId, limit: i64) -> Result<Option<TicketId>, DbError> {
    type Row = (i64, i32, i64, String, Option<String>, Option<String>);
    let rows: Vec<Row> = reports::table
        .filter(reports::ticket_id.gt(after))
        .select((
            reports::ticket_id,
            reports::district,
            reports::grid_id,
            reports::text,
            reports::address,
            reports::landmark,
        ))
        .order(reports::ticket_id)
        .limit(limit)
        .load(conn)?;
    let last = rows.last().map(|row| row.0);
    let texts = rows.iter().map(|(ticket, district, grid, text, address, landmark)| {
        let parts = [Some(text), address.as_ref(), landmark.as_ref()].into_iter().flatten();
        Texts::of((*ticket, *district, *grid), parts.map(String::as_str))
    });
    let texts = texts.collect();
    keep(conn, texts)?;
    Ok(last)
}

/// The tickets of a scope in whose reports something stands, the newest first. Of the filter counts what lists by age have.
///
/// # Errors
/// The database's.
pub fn page(
    conn: &mut Conn,
    district: District,
    scope: &Scope,
    sought: &Sought,
    filter: &Filter,
) -> Result<Vec<Summary>, DbError> {
    let sql = statement(conn, district, scope, sought, filter);
    let found: Vec<Key> =
        diesel::sql_query(sql).bind::<Nullable<Text>, _>(filter.category.clone()).load(conn)?;
    lists::these(conn, found.into_iter().map(|key| key.id).collect())
}

/// The statement, with one parameter: the category, or NULL. All else in it are numbers, words of the program and
/// letters.
fn statement(conn: &Conn, district: District, scope: &Scope, sought: &Sought, filter: &Filter) -> String {
    let is_pg = matches!(conn, Conn::Pg(_));
    let mut words = sought.tokens.clone();
    let lies_in = match scope {
        Scope::Street(unit) => format!(" AND tickets.street_id = {unit}"),
        Scope::Community(unit) => format!(" AND tickets.community_id = {unit}"),
        Scope::Grid(unit) => {
            words.push(of_grid(*unit));
            format!(" AND tickets.grid_id = {unit}")
        }
        Scope::District(_) => String::new(),
        Scope::Orders(units) => {
            let units: Vec<String> = units.iter().map(UnitId::to_string).collect();
            format!(
                " AND EXISTS (SELECT 1 FROM work_orders WHERE work_orders.ticket_id = tickets.id \
                 AND work_orders.unit_id IN ({}))",
                units.join(", ")
            )
        }
    };
    words.push(of_district(district));
    let (source, key, matches, category) = if is_pg {
        let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        let all = format!("ticket_texts.words @> ARRAY[{}]::text[]", words.join(", "));
        ("ticket_texts", "ticket_texts.ticket_id", all, "$1::text")
    } else {
        let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
        let all = format!("ticket_texts MATCH {}", quoted(&words.join(" AND ")));
        ("ticket_texts", "ticket_texts.rowid", all, "?1")
    };
    // The index first, in its order: what it finds is then looked at one by one until there is enough.
    let join = if is_pg { "JOIN" } else { "CROSS JOIN" };
    let mut sql = format!(
        "SELECT tickets.id AS id FROM {source} {join} tickets ON tickets.id = {key} \
         WHERE {matches} AND tickets.district = {district}{lies_in} \
         AND ({category} IS NULL OR tickets.category = {category})"
    );
    if let Some(before) = filter.before {
        sql += &format!(" AND {key} < {before}");
    }
    if let Some(state) = filter.state {
        sql += &format!(" AND tickets.state = {}", quoted(State::as_str(state)));
    }
    if !filter.sensitive && !matches!(scope, Scope::Orders(_)) {
        sql += " AND NOT tickets.sensitive";
    }
    if !matches!(scope, Scope::District(_)) {
        sql += " AND NOT tickets.held";
    }
    for phrase in &sought.phrases {
        let phrase = quoted(&format!("%{phrase}%"));
        sql += &format!(
            " AND EXISTS (SELECT 1 FROM reports WHERE reports.ticket_id = tickets.id AND (reports.text LIKE {phrase} \
             OR reports.address LIKE {phrase} OR reports.landmark LIKE {phrase}))"
        );
    }
    format!("{sql} ORDER BY {key} DESC LIMIT {}", filter.limit)
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "''"))
}

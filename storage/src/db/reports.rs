//! Reports: what one person sent. They are inserted and read, never altered.

use diesel::prelude::*;
use suishoupai_core::flow::{AccountId, Channel, TicketId};
use suishoupai_core::geo::LonLat;
use suishoupai_core::model::{District, UnitId};
use suishoupai_core::time::Moment;

use super::conn::{Conn, pour_rows};
use super::error::DbError;
use super::schema::{ratings, reports};
use super::search::{self, Texts};
use super::unnest::{Rows, insert_rows};
use super::word::Word;

/// A report as stored.
#[derive(Clone, Debug)]
pub struct Report {
    /// The key.
    pub id: i64,
    /// The district of the place.
    pub district: District,
    /// 流水号
    pub receipt: String,
    /// Keyed hash of the 查询码.
    pub query_code_hash: Vec<u8>,
    /// Who sent it.
    pub account: AccountId,
    /// Whether the reporter is hidden from the handlers.
    pub anonymous: bool,
    /// Name and contact, sealed.
    pub contact_sealed: Option<Vec<u8>>,
    /// How it came in.
    pub channel: Channel,
    /// The words.
    pub text: String,
    /// The category that the reporter chose.
    pub category: Option<String>,
    /// The datum in which the place was sent.
    pub datum: String,
    /// The place as sent.
    pub sent: (f64, f64),
    /// The place in WGS-84.
    pub place: LonLat,
    /// Address in words.
    pub address: Option<String>,
    /// Landmark in words.
    pub landmark: Option<String>,
    /// The cell as it was then.
    pub cell: i64,
    /// The grid of that cell.
    pub grid: UnitId,
    /// Distance to the cell in metres; 0 inside.
    pub distance_m: f64,
    /// The ticket that it opened.
    pub ticket: TicketId,
    /// When it came in.
    pub created_at: Moment,
    /// The version of the notice on personal data that the reporter agreed to.
    pub consent_version: Option<String>,
}

#[derive(Queryable, Insertable, Debug)]
#[diesel(table_name = reports, treat_none_as_default_value = false)]
struct Record {
    id: i64,
    district: i32,
    receipt: String,
    query_code_hash: Vec<u8>,
    account_id: i64,
    anonymous: bool,
    contact_sealed: Option<Vec<u8>>,
    channel: String,
    text: String,
    category: Option<String>,
    datum: String,
    lon_sent: f64,
    lat_sent: f64,
    lon: f64,
    lat: f64,
    address: Option<String>,
    landmark: Option<String>,
    cell_id: i64,
    grid_id: i64,
    distance_m: f64,
    ticket_id: i64,
    created_at: i64,
    consent_version: Option<String>,
}

impl Record {
    fn of(report: Report) -> Self {
        Self {
            id: report.id,
            district: report.district,
            receipt: report.receipt,
            query_code_hash: report.query_code_hash,
            account_id: report.account,
            anonymous: report.anonymous,
            contact_sealed: report.contact_sealed,
            channel: report.channel.as_str().to_owned(),
            text: report.text,
            category: report.category,
            datum: report.datum,
            lon_sent: report.sent.0,
            lat_sent: report.sent.1,
            lon: report.place.lon,
            lat: report.place.lat,
            address: report.address,
            landmark: report.landmark,
            cell_id: report.cell,
            grid_id: report.grid,
            distance_m: report.distance_m,
            ticket_id: report.ticket,
            created_at: report.created_at.millis(),
            consent_version: report.consent_version,
        }
    }

    fn read(self) -> Result<Report, DbError> {
        Ok(Report {
            id: self.id,
            district: self.district,
            receipt: self.receipt,
            query_code_hash: self.query_code_hash,
            account: self.account_id,
            anonymous: self.anonymous,
            contact_sealed: self.contact_sealed,
            channel: Channel::stored(&self.channel)?,
            text: self.text,
            category: self.category,
            datum: self.datum,
            sent: (self.lon_sent, self.lat_sent),
            place: LonLat { lon: self.lon, lat: self.lat },
            address: self.address,
            landmark: self.landmark,
            cell: self.cell_id,
            grid: self.grid_id,
            distance_m: self.distance_m,
            ticket: self.ticket_id,
            created_at: Moment::from_millis(self.created_at),
            consent_version: self.consent_version,
        })
    }
}

/// The text whose SHA-256 the first event of a ticket carries: a report altered afterwards no longer agrees with it.
pub fn fingerprint(report: &Report) -> String {
    format!(
        "{}\n{}\n{} {} {}\n{}\n{}",
        report.receipt,
        report.text,
        report.datum,
        report.sent.0,
        report.sent.1,
        report.address.as_deref().unwrap_or_default(),
        report.landmark.as_deref().unwrap_or_default(),
    )
}

/// What can be sought in a report.
pub(super) fn texts(report: &Report) -> Texts {
    let parts = [Some(&report.text), report.address.as_ref(), report.landmark.as_ref()];
    let parts = parts.into_iter().flatten().map(String::as_str);
    Texts::of((report.ticket, report.district, report.grid), parts)
}

/// A report as the rows that are to be written.
#[derive(Debug)]
pub(super) struct Fresh {
    report: Record,
    texts: Texts,
}

impl Fresh {
    pub(super) fn of(report: Report) -> Self {
        let texts = texts(&report);
        Self { report: Record::of(report), texts }
    }
}

/// Puts reports to what is written together; their tickets have been put there before.
pub(super) fn put<'f>(
    rows: &mut Rows<'_>,
    fresh: impl Iterator<Item = &'f Fresh> + Clone,
) -> Result<(), DbError> {
    insert_rows!(
        rows,
        reports,
        fresh.clone().map(|one| &one.report),
        Record {
            id,
            district,
            receipt,
            query_code_hash,
            account_id,
            anonymous,
            contact_sealed,
            channel,
            text,
            category,
            datum,
            lon_sent,
            lat_sent,
            lon,
            lat,
            address,
            landmark,
            cell_id,
            grid_id,
            distance_m,
            ticket_id,
            created_at,
            consent_version,
        }
    );
    search::put(rows, fresh.map(|one| &one.texts))
}

/// Writes very many reports and ratings at once; their tickets have been written before.
///
/// # Errors
/// The database's.
pub(super) fn pour(
    conn: &mut Conn,
    reports: Vec<Report>,
    texts: Vec<Texts>,
    ratings: Vec<RatingRecord>,
) -> Result<(), DbError> {
    let rows: Vec<Record> = reports.into_iter().map(Record::of).collect();
    pour_rows!(conn, reports::table, rows);
    pour_rows!(conn, ratings::table, ratings);
    search::keep(conn, texts)
}

/// The report with this key.
///
/// # Errors
/// The database's.
pub fn find(conn: &mut Conn, id: i64) -> Result<Option<Report>, DbError> {
    reports::table.find(id).first::<Record>(conn).optional()?.map(Record::read).transpose()
}

/// The report with this receipt number.
///
/// # Errors
/// The database's.
pub fn find_by_receipt(conn: &mut Conn, receipt: &str) -> Result<Option<Report>, DbError> {
    reports::table
        .filter(reports::receipt.eq(receipt))
        .first::<Record>(conn)
        .optional()?
        .map(Record::read)
        .transpose()
}

/// The reports of tickets, oldest first; at most 100.
///
/// # Errors
/// The database's.
pub fn of_any(conn: &mut Conn, tickets: &[TicketId]) -> Result<Vec<Report>, DbError> {
    let of = reports::ticket_id.eq_any(tickets.to_vec());
    let rows: Vec<Record> = reports::table.filter(of).order(reports::id).limit(100).load(conn)?;
    rows.into_iter().map(Record::read).collect()
}

/// All reports of the tickets with keys in a range.
///
/// # Errors
/// The database's.
pub(super) fn of_tickets(
    conn: &mut Conn,
    keys: std::ops::RangeInclusive<TicketId>,
) -> Result<Vec<Report>, DbError> {
    let rows: Vec<Record> =
        reports::table.filter(reports::ticket_id.between(*keys.start(), *keys.end())).load(conn)?;
    rows.into_iter().map(Record::read).collect()
}

/// One line of a resident's own reports.
#[derive(Clone, Debug, Queryable)]
pub struct Line {
    /// The key.
    pub id: i64,
    /// 流水号
    pub receipt: String,
    /// The words.
    pub text: String,
    /// The ticket.
    pub ticket: TicketId,
    /// State of the ticket, as its word.
    pub state: String,
    /// When it came in.
    pub created_at: i64,
    /// When its ticket last changed.
    pub updated_at: i64,
    /// The ticket that goes on for it, whose state and change the two before are then.
    pub merged_into: Option<TicketId>,
    /// Whether it waits for the centre's look.
    pub held: bool,
}

/// The reports of an account, newest first.
///
/// # Errors
/// The database's.
pub fn mine(
    conn: &mut Conn,
    account: AccountId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Line>, DbError> {
    use super::schema::tickets;
    let mut query = reports::table
        .inner_join(tickets::table.on(tickets::id.eq(reports::ticket_id)))
        .filter(reports::account_id.eq(account))
        .select((
            reports::id,
            reports::receipt,
            reports::text,
            reports::ticket_id,
            tickets::state,
            reports::created_at,
            tickets::updated_at,
            tickets::merged_into_id,
            tickets::held,
        ))
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(reports::id.lt(before));
    }
    let mut lines: Vec<Line> = query.order(reports::id.desc()).limit(limit).load(conn)?;
    let merged: Vec<TicketId> = lines.iter().filter_map(|line| line.merged_into).collect();
    if merged.is_empty() {
        return Ok(lines);
    }
    let others: Vec<(TicketId, String, i64)> = tickets::table
        .filter(tickets::id.eq_any(merged))
        .select((tickets::id, tickets::state, tickets::updated_at))
        .load(conn)?;
    for line in &mut lines {
        let other = others.iter().find(|(id, _, _)| Some(*id) == line.merged_into);
        if let Some((_, state, updated_at)) = other {
            line.state.clone_from(state);
            line.updated_at = *updated_at;
        }
    }
    Ok(lines)
}

/// A 评价 as stored.
#[derive(Clone, Debug, Queryable)]
pub struct Rating {
    /// Which closing it is about: 0 for the first.
    pub round: i32,
    /// Solved or not.
    pub solved: bool,
    /// 1 to 5.
    pub stars: i32,
    /// Words.
    pub words: Option<String>,
    /// When.
    pub created_at: i64,
}

/// Writes a rating.
///
/// # Errors
/// The database's.
pub fn insert_rating(
    conn: &mut Conn,
    ticket: TicketId,
    district: District,
    account: AccountId,
    rating: &Rating,
) -> Result<(), DbError> {
    let row = RatingRecord::of(ticket, district, account, rating);
    diesel::insert_into(ratings::table).values(row).execute(conn)?;
    Ok(())
}

/// A rating as a row.
#[derive(Insertable)]
#[diesel(table_name = ratings, treat_none_as_default_value = false)]
pub(super) struct RatingRecord {
    ticket_id: i64,
    round: i32,
    account_id: i64,
    district: i32,
    solved: bool,
    stars: i32,
    words: Option<String>,
    created_at: i64,
}

impl RatingRecord {
    pub(super) fn of(ticket: TicketId, district: District, account: AccountId, rating: &Rating) -> Self {
        Self {
            ticket_id: ticket,
            round: rating.round,
            account_id: account,
            district,
            solved: rating.solved,
            stars: rating.stars,
            words: rating.words.clone(),
            created_at: rating.created_at,
        }
    }
}

/// The ratings of a ticket, oldest first.
///
/// # Errors
/// The database's.
pub fn ratings_of(conn: &mut Conn, ticket: TicketId) -> Result<Vec<Rating>, DbError> {
    Ok(ratings::table
        .filter(ratings::ticket_id.eq(ticket))
        .select((ratings::round, ratings::solved, ratings::stars, ratings::words, ratings::created_at))
        .order((ratings::round, ratings::created_at))
        .limit(100)
        .load(conn)?)
}

//! The audit trail: appended inside the writes that it tells of, searched, verified.

use std::collections::BTreeMap;

use diesel::prelude::*;
use suishoupai_core::audit::{AuditKind, AuditLine, Private, private_digest};
use suishoupai_core::flow::{AccountId, GENESIS, link};
use suishoupai_core::model::District;
use suishoupai_core::time::Moment;

use super::chain::{ChainBreak, Chains};
use super::conn::{Conn, each_backend};
use super::error::DbError;
use super::history::{MOST_BREAKS, next_link};
use super::schema::audit_lines;
use super::turn::wait_for_trail;

/// Lines verified with one connection before others get their turn.
const PAGE: i64 = 2000;

/// What is to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Of which district; 0 where there is none yet.
    pub district: District,
    /// What was done.
    pub kind: AuditKind,
    /// Who.
    pub account: Option<AccountId>,
    /// On what, such as `ticket:1042`.
    pub subject: Option<String>,
    /// Facts by name; no personal data.
    pub facts: BTreeMap<String, String>,
    /// The address of the caller.
    pub from: Option<String>,
    /// The reason that was given.
    pub why: Option<String>,
    /// The request, as in the log.
    pub request_id: Option<String>,
    /// When.
    pub at: Moment,
}

/// A line with what is private of it, as far as that is still kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The line.
    pub line: AuditLine,
    /// Address and reason.
    pub private: Option<Private>,
    /// Its link of the chain.
    pub hash: Vec<u8>,
}

#[derive(Insertable, Queryable)]
#[diesel(table_name = audit_lines, treat_none_as_default_value = false)]
struct Record {
    seq: i64,
    district: i32,
    at: i64,
    kind: String,
    account_id: Option<i64>,
    subject: Option<String>,
    private: Option<String>,
    content: String,
    hash: Vec<u8>,
}

impl Record {
    fn read(self) -> Result<Kept, DbError> {
        let line =
            AuditLine::parse(&self.content).map_err(|error| DbError::corrupt("line of the trail", error))?;
        let private = self.private.as_deref().map(serde_json::from_str).transpose();
        let private = private.map_err(|error| DbError::corrupt("private part of the trail", error))?;
        Ok(Kept { line, private, hash: self.hash })
    }
}

/// Appends lines to the trail, in this write. It should be the last thing that the write does: on PostgreSQL others that
/// append wait for its end, so that every line hangs on the one before.
///
/// # Errors
/// The database's.
pub fn append(conn: &mut Conn, entries: &[Entry]) -> Result<Vec<i64>, DbError> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    wait_for_trail(conn)?;
    let last: Option<(i64, i64, Vec<u8>)> = audit_lines::table
        .select((audit_lines::seq, audit_lines::at, audit_lines::hash))
        .order(audit_lines::seq.desc())
        .first(conn)
        .optional()?;
    let (mut seq, mut at, mut hash) = match last {
        None => (0, i64::MIN, GENESIS),
        Some((seq, at, hash)) => {
            let hash = hash.try_into().map_err(|_| DbError::corrupt("hash of the audit trail", seq))?;
            (seq, at, hash)
        }
    };
    let mut written = Vec::with_capacity(entries.len());
    for entry in entries {
        (seq, at) = (seq + 1, at.max(entry.at.millis()));
        let record = record(entry, seq, at, &hash)?;
        hash =
            record.hash.clone().try_into().map_err(|_| DbError::corrupt("hash of the audit trail", seq))?;
        each_backend!(&mut *conn, conn => diesel::insert_into(audit_lines::table).values(record).execute(conn))?;
        written.push(seq);
    }
    Ok(written)
}

fn record(entry: &Entry, seq: i64, at: i64, previous: &[u8; 32]) -> Result<Record, DbError> {
    let unreadable = |error: serde_json::Error| DbError::corrupt("line of the trail", error);
    let private = match (&entry.from, &entry.why) {
        (None, None) => None,
        (from, why) => {
            let salt = hex::encode(rand::random::<[u8; 16]>());
            let private = Private { from: from.clone(), why: why.clone(), salt };
            Some(serde_json::to_string(&private).map_err(unreadable)?)
        }
    };
    let line = AuditLine {
        seq,
        at,
        district: entry.district,
        kind: entry.kind,
        account: entry.account,
        subject: entry.subject.clone(),
        facts: entry.facts.clone(),
        request_id: entry.request_id.clone(),
        private_sha256: private.as_deref().map(private_digest),
    };
    let content = line.content().map_err(unreadable)?;
    let hash = link(previous, &content).to_vec();
    Ok(Record {
        seq,
        district: line.district,
        at,
        kind: line.kind.as_str().to_owned(),
        account_id: line.account,
        subject: line.subject,
        private,
        content,
        hash,
    })
}

/// What narrows a search of the trail.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only of this kind.
    pub kind: Option<AuditKind>,
    /// Only by this account.
    pub account: Option<AccountId>,
    /// Only on this.
    pub subject: Option<String>,
    /// Not before this instant.
    pub from: Option<Moment>,
    /// Before this instant.
    pub to: Option<Moment>,
    /// Only with a smaller number: the cursor.
    pub before: Option<i64>,
    /// At most so many lines.
    pub limit: i64,
}

/// The lines of a district, the newest first.
///
/// # Errors
/// The database's.
pub fn page(conn: &mut Conn, district: District, filter: &Filter) -> Result<Vec<Kept>, DbError> {
    let mut query = audit_lines::table.filter(audit_lines::district.eq(district)).into_boxed();
    if let Some(kind) = filter.kind {
        query = query.filter(audit_lines::kind.eq(kind.as_str()));
    }
    if let Some(account) = filter.account {
        query = query.filter(audit_lines::account_id.eq(account));
    }
    if let Some(subject) = &filter.subject {
        query = query.filter(audit_lines::subject.eq(subject.clone()));
    }
    // Numbers grow with time, so that an interval of time is one of numbers, by which every index is in order.
    if let Some(from) = filter.from {
        let Some(first) = first_since(conn, from)? else { return Ok(Vec::new()) };
        query = query.filter(audit_lines::seq.ge(first));
    }
    if let Some(to) = filter.to
        && let Some(end) = first_since(conn, to)?
    {
        query = query.filter(audit_lines::seq.lt(end));
    }
    if let Some(before) = filter.before {
        query = query.filter(audit_lines::seq.lt(before));
    }
    let rows: Vec<Record> = query.order(audit_lines::seq.desc()).limit(filter.limit).load(conn)?;
    rows.into_iter().map(Record::read).collect()
}

fn first_since(conn: &mut Conn, at: Moment) -> Result<Option<i64>, DbError> {
    Ok(audit_lines::table
        .filter(audit_lines::at.ge(at.millis()))
        .select(audit_lines::seq)
        .order((audit_lines::at, audit_lines::seq))
        .first(conn)
        .optional()?)
}

/// Those of the lines `seqs` that there are, by number.
///
/// # Errors
/// The database's, or [`DbError::Corrupt`] for a line that cannot be read.
pub(super) fn lines(conn: &mut Conn, seqs: &[i64]) -> Result<BTreeMap<i64, AuditLine>, DbError> {
    let rows: Vec<Record> = audit_lines::table.filter(audit_lines::seq.eq_any(seqs.to_vec())).load(conn)?;
    rows.into_iter().map(|row| Ok((row.seq, row.read()?.line))).collect()
}

/// Whether there is something private of lines from before an instant.
///
/// # Errors
/// The database's.
pub fn any_to_let_go(conn: &mut Conn, before: Moment) -> Result<bool, DbError> {
    let first: Option<i64> = audit_lines::table
        .filter(audit_lines::at.lt(before.millis()).and(audit_lines::private.is_not_null()))
        .select(audit_lines::seq)
        .first(conn)
        .optional()?;
    Ok(first.is_some())
}

/// Lets go what is private of lines from before an instant, of at most `limit` of them; how many.
///
/// # Errors
/// The database's.
pub fn let_go(conn: &mut Conn, before: Moment, limit: i64) -> Result<usize, DbError> {
    let old: Vec<i64> = audit_lines::table
        .filter(audit_lines::at.lt(before.millis()).and(audit_lines::private.is_not_null()))
        .select(audit_lines::seq)
        .order((audit_lines::at, audit_lines::seq))
        .limit(limit)
        .load(conn)?;
    if old.is_empty() {
        return Ok(0);
    }
    let gone = diesel::update(audit_lines::table.filter(audit_lines::seq.eq_any(old)))
        .set(audit_lines::private.eq(None::<String>));
    Ok(each_backend!(conn, conn => gone.execute(conn))?)
}

/// Verifies the next lines of the trail, those with numbers above `after`, and answers the last number, or `None` when
/// there are no more.
///
/// # Errors
/// The database's.
pub fn verify_page(conn: &mut Conn, after: i64, seen: &mut Chains) -> Result<Option<i64>, DbError> {
    let rows: Vec<Record> = audit_lines::table
        .filter(audit_lines::seq.gt(after))
        .order(audit_lines::seq)
        .limit(PAGE)
        .load(conn)?;
    let Some(last) = rows.last().map(|row| row.seq) else { return Ok(None) };
    // The page before has been verified up to its last line, on which this one hangs.
    let (mut previous, mut before) = match after {
        i64::MIN => (GENESIS, (0, i64::MIN)),
        _ => {
            let (at, hash): (i64, Vec<u8>) =
                audit_lines::table.find(after).select((audit_lines::at, audit_lines::hash)).first(conn)?;
            (hash.try_into().unwrap_or(GENESIS), (after, at))
        }
    };
    if after == i64::MIN {
        seen.chains += 1;
    }
    seen.lines += rows.len() as u64;
    for row in rows {
        let seq = before.0 + 1;
        before = (row.seq, row.at.max(before.1));
        let hash = next_link(&previous, seq, (row.seq, &row.content, &row.hash));
        let what = match &hash {
            Err(what) => Some(what.clone()),
            Ok(_) => wrong(&row, before.1),
        };
        // After a break the chain is taken up again behind it, so that every altered line is named.
        previous = row.hash.clone().try_into().unwrap_or(GENESIS);
        if let Some(what) = what
            && seen.breaks.len() < MOST_BREAKS
        {
            seen.breaks.push(ChainBreak { of: "the audit trail".to_owned(), id: 0, seq, what });
        }
    }
    Ok(Some(last))
}

/// What the columns of a row say that its hashed text does not; `latest` is the latest instant so far.
fn wrong(row: &Record, latest: i64) -> Option<String> {
    let line = match AuditLine::parse(&row.content) {
        Ok(line) => line,
        Err(error) => return Some(format!("the content cannot be read: {error}")),
    };
    let columns_agree = line.seq == row.seq
        && line.district == row.district
        && line.at == row.at
        && line.kind.as_str() == row.kind
        && line.account == row.account_id
        && line.subject == row.subject;
    if !columns_agree {
        return Some("the columns do not agree with the hashed content".to_owned());
    }
    if row.at < latest {
        return Some("it is older than the line before".to_owned());
    }
    // What has been let go is not there to be compared.
    let private = row.private.as_deref().map(private_digest);
    if private.is_some() && private != line.private_sha256 {
        return Some("the address or reason is not the one that was hashed".to_owned());
    }
    None
}

/// The last line and its hash, by which somebody outside can hold the whole trail to what it is now.
///
/// # Errors
/// The database's.
pub fn head(conn: &mut Conn) -> Result<Option<(i64, String)>, DbError> {
    let last: Option<(i64, Vec<u8>)> = audit_lines::table
        .select((audit_lines::seq, audit_lines::hash))
        .order(audit_lines::seq.desc())
        .first(conn)
        .optional()?;
    Ok(last.map(|(seq, hash)| (seq, hex::encode(hash))))
}

//! Lines of histories as rows.

use suishoupai_core::flow::Event;
use suishoupai_core::model::UnitId;

use super::records::{ChangeRecord, EventRecord, EvidenceRecord, NoticeRecord, WaitingRecord};
use crate::db::conn::Conn;
use crate::db::error::DbError;
use crate::db::unnest::{Rows, insert_rows};

/// Lines of histories, with the photos that they name and the units that are told of them.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) events: Vec<EventRecord>,
    pub(super) evidence: Vec<EvidenceRecord>,
    pub(super) notices: Vec<NoticeRecord>,
}

impl Lines {
    /// Adds a line, its stored text and its hash; `told` are the units that get a notice.
    pub(super) fn add(
        &mut self,
        district: i32,
        event: &Event,
        content: String,
        hash: [u8; 32],
        told: &[UnitId],
    ) {
        let (ticket_id, verb) = (event.ticket, event.verb.as_str());
        self.events.push(EventRecord {
            ticket_id,
            seq: event.seq,
            district,
            at: event.at,
            verb,
            public: event.public,
            content,
            hash: hash.to_vec(),
        });
        self.evidence.extend(event.photos.iter().map(|photo| EvidenceRecord {
            ticket_id,
            photo_id: photo.id,
            stage: photo.stage.as_str(),
            district,
            event_seq: event.seq,
            created_at: event.at,
            compared_at: event.at,
        }));
        self.notices.extend(told.iter().map(|unit| NoticeRecord {
            district,
            unit_id: *unit,
            ticket_id,
            event_seq: event.seq,
            verb,
            at: event.at,
        }));
    }

    /// Puts them to what is written together.
    pub(super) fn put<'l>(
        all: impl Iterator<Item = &'l Self> + Clone,
        rows: &mut Rows<'_>,
    ) -> Result<(), DbError> {
        insert_rows!(
            rows,
            events,
            all.clone().flat_map(|lines| &lines.events),
            EventRecord { ticket_id, seq, district, at, verb, public, content, hash }
        );
        put_changes(rows, all.clone().flat_map(|lines| &lines.events))?;
        let wait = |row: &EvidenceRecord| WaitingRecord {
            ticket_id: row.ticket_id,
            photo_id: row.photo_id,
            stage: row.stage,
        };
        let evidence = all.clone().flat_map(|lines| &lines.evidence);
        let waiting: Vec<_> = evidence.clone().map(wait).collect();
        // The same photo may be named again at the same stage; the first naming counts.
        insert_rows!(
            rows,
            evidence,
            evidence,
            EvidenceRecord { ticket_id, photo_id, stage, district, event_seq, created_at, compared_at },
            " ON CONFLICT DO NOTHING"
        );
        insert_rows!(
            rows,
            evidence_waiting,
            &waiting,
            WaitingRecord { ticket_id, photo_id, stage },
            " ON CONFLICT DO NOTHING"
        );
        insert_rows!(
            rows,
            notices,
            all.flat_map(|lines| &lines.notices),
            NoticeRecord { district, unit_id, ticket_id, event_seq, verb, at }
        );
        Ok(())
    }
}

/// Notes lines for those who follow changes as they happen, on SQLite; on PostgreSQL a trigger does. Whoever writes on SQLite is
/// alone, and so the turn of all of them is 0.
fn put_changes<'e>(
    rows: &mut Rows<'_>,
    events: impl Iterator<Item = &'e EventRecord>,
) -> Result<(), DbError> {
    if matches!(rows.conn, Conn::Pg(_)) {
        return Ok(());
    }
    let change = |event: &EventRecord| ChangeRecord {
        turn: 0,
        district: event.district,
        ticket_id: event.ticket_id,
        seq: event.seq,
        at: event.at,
    };
    let changes: Vec<_> = events.map(change).collect();
    insert_rows!(rows, ticket_changes, &changes, ChangeRecord { turn, district, ticket_id, seq, at });
    Ok(())
}

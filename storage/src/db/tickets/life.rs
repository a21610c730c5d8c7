//! Whole lives of tickets written at once, for filling an installation.

use std::collections::HashSet;

use diesel::prelude::*;
use suishoupai_core::flow::{AccountId, Event, GENESIS, Ticket, link};
use suishoupai_core::model::UnitId;

use super::Place;
use super::lines::Lines;
use super::projections::Courses;
use super::records::{OrderRecord, Record};
use super::save::{content, order_record, record};
use crate::db::conn::{Conn, pour_rows};
use crate::db::error::DbError;
use crate::db::reports::{self, Rating, RatingRecord, Report};
use crate::db::schema::{events, evidence, notices, tickets, work_orders};
use crate::db::search::Texts;

/// A ticket with everything that has happened to it.
#[derive(Debug)]
pub struct Life {
    /// As it stands in the end.
    pub ticket: Ticket,
    /// Where it lies.
    pub place: Place,
    /// The report that opened it.
    pub report: Report,
    /// Its history from the first line on, with the units that were told of each.
    pub lines: Vec<(Event, Vec<UnitId>)>,
    /// What reporters said of it.
    pub ratings: Vec<(AccountId, Rating)>,
}

/// The rows of some lives: made by any thread, written by the one that has the connection.
#[derive(Default)]
pub struct Rows {
    tickets: Vec<Record>,
    orders: Vec<OrderRecord>,
    lines: Lines,
    courses: Courses,
    reports: Vec<Report>,
    texts: Vec<Texts>,
    ratings: Vec<RatingRecord>,
}

impl Rows {
    /// The rows of these lives, with the hashes of their histories.
    ///
    /// # Errors
    /// [`DbError::Corrupt`] for what has no JSON form, so never.
    pub fn of(lives: Vec<Life>) -> Result<Self, DbError> {
        let mut rows = Self::default();
        for life in lives {
            rows.add(life)?;
        }
        Ok(rows)
    }

    fn add(&mut self, life: Life) -> Result<(), DbError> {
        let Life { ticket, place, report, lines, ratings } = life;
        let mut hash = GENESIS;
        for (event, told) in &lines {
            let content = content(event)?;
            hash = link(&hash, &content);
            self.lines.add(ticket.district, event, content, hash, told);
        }
        self.tickets.push(record(&ticket, &place, hash)?);
        for order in &ticket.orders {
            self.orders.push(order_record(&ticket, order)?);
        }
        self.courses.add(&ticket);
        self.texts.push(reports::texts(&report));
        self.reports.push(report);
        let rated = ratings.iter();
        self.ratings.extend(
            rated.map(|(account, rating)| RatingRecord::of(ticket.id, ticket.district, *account, rating)),
        );
        Ok(())
    }

    /// How many lines of history they have.
    pub fn lines(&self) -> usize {
        self.lines.events.len()
    }

    /// Writes them.
    ///
    /// # Errors
    /// The database's.
    pub fn write(mut self, conn: &mut Conn) -> Result<(), DbError> {
        // The same photo may be named again at the same stage; the first naming counts.
        let mut named = HashSet::new();
        self.lines.evidence.retain(|row| named.insert((row.ticket_id, row.photo_id, row.stage)));
        // None of it waits to be compared: filled tickets share a few photos, of which every one would be said to have been
        // seen before.
        pour_rows!(conn, tickets::table, self.tickets);
        pour_rows!(conn, work_orders::table, self.orders);
        pour_rows!(conn, events::table, self.lines.events);
        pour_rows!(conn, evidence::table, self.lines.evidence);
        pour_rows!(conn, notices::table, self.lines.notices);
        self.courses.write(conn)?;
        reports::pour(conn, self.reports, self.texts, self.ratings)
    }
}

//! What a server does by itself now and then, done when a test asks for it.

use std::time::{Duration, Instant};

use diesel::prelude::*;
use suishoupai_api::jobs;
use suishoupai_api::service::{alarms, pictures, resumable, search, uploads};
use suishoupai_storage::db::jobs as queue;
use suishoupai_storage::db::schema::jobs as rows;

use crate::server::{Server, block_on};

impl Server {
    /// Writes down everything that the clocks call for by now; how many lines.
    pub fn ring(&self) -> usize {
        block_on(alarms::sweep(self.services())).unwrap()
    }

    /// Does all jobs that are due, and waits for those that the server itself is about.
    ///
    /// # Panics
    /// When a job takes a minute.
    pub fn drain(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            block_on(jobs::drain(self.services())).unwrap();
            if self.services().held.is_empty() && !self.is_about_jobs() {
                return;
            }
            assert!(Instant::now() < deadline, "a job is under way for a minute");
            std::thread::yield_now();
        }
    }

    /// Whether jobs are due that somebody is just taking, or that the server has taken and does not know of yet.
    fn is_about_jobs(&self) -> bool {
        let (now, holder) = (self.services().now(), self.services().held.holder);
        self.read(move |conn| {
            let taken = rows::table.filter(rows::lease.eq(holder)).count().get_result::<i64>(conn)?;
            Ok(taken > 0 || queue::any_due(conn, now)?)
        })
    }

    /// As [`Server::drain`], and goes on with jobs that are tried again after a pause, until none waits any more.
    ///
    /// # Panics
    /// When a job fails again and again: says which.
    pub fn drain_all(&self) {
        for _ in 0..10 {
            self.drain();
            let left = self.read(|conn| queue::list(conn, false, 20));
            if left.is_empty() {
                return;
            }
            eprintln!("tried again: {left:?}");
            self.advance_seconds(180);
        }
        panic!("jobs are left after ten tries");
    }

    /// Compares the evidence that waits for it with what was sent before; how many pieces.
    pub fn compare(&self) -> usize {
        block_on(pictures::compare(self.services())).unwrap()
    }

    /// Reads all hashes of photos, as the server does by itself after its start.
    pub fn know_pictures(&self) {
        block_on(pictures::catch_up(self.services())).unwrap();
    }

    /// Looks at the pictures near to those that have come since, as the server does by itself soon after; how many.
    pub fn look_around(&self) -> usize {
        block_on(pictures::look_around(self.services())).unwrap()
    }

    /// Looks at photos that have no hash yet, as the job after an upgrade does.
    pub fn look_at_old_photos(&self) {
        block_on(pictures::hash_old(self.services(), 0)).unwrap();
    }

    /// Begins to look at the texts of reports that were there before texts could be sought.
    pub fn look_at_old_texts(&self) {
        block_on(search::index_old(self.services(), 0)).unwrap();
    }

    /// Forgets uploads whose time is over; how many.
    pub fn sweep_uploads(&self) -> usize {
        block_on(uploads::sweep(self.services())).unwrap()
    }

    /// Forgets resumable uploads whose time is over; how many.
    pub fn sweep_resumable(&self) -> usize {
        block_on(resumable::sweep(self.services())).unwrap()
    }

    /// Writes down which claims have run out; how many.
    pub fn lapse_claims(&self) -> usize {
        block_on(jobs::lapse_claims(self.services())).unwrap()
    }
}

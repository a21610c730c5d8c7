//! Photos that are up already: so many that each report names two that no other one named, as phones do. Pictures sent
//! again and again are another case, whose rows would be read and written with each report.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use sha2::{Digest, Sha256};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::{Conn, hashes, photos as rows};

use crate::arguments::Arguments;
use crate::fault::{Outcome, fault};
use crate::people::Resident;
use crate::server::Server;
use crate::site::Site;
use crate::sql::open_sqlite;

/// More reports in a second of a round than are taken in, also where one server is measured after the other.
const REPORTS: u64 = 10_000;
/// Keys far above those that a server gives out, and below those of the limits.
const FIRST: i64 = 500_000_000;

/// Milliseconds between the hashes of two of them. Had they all come at once, they would all lie in the time that the
/// server reads again each time.
const APART: i64 = 1_000;
/// So long a server may take to look at them.
const PATIENCE: Duration = Duration::from_secs(300);

/// Gives each resident photos for all reports of the measurements, and starts the server anew, which reads their hashes.
pub(crate) async fn up(
    arguments: &Arguments,
    site: &Site,
    server: Server,
    residents: Vec<Resident>,
) -> Outcome<(Server, Vec<Resident>)> {
    server.stop().await?;
    let seconds = (arguments.length().as_secs() + 1) * u64::from(arguments.repeat);
    let people = residents.len().max(1);
    let each = usize::try_from(REPORTS * seconds)? / people;
    let mut stocked = Vec::with_capacity(people);
    for (first, resident) in (FIRST..).step_by(2).zip(residents) {
        let template = *resident.photos.first().ok_or_else(|| fault("a resident has no photo"))?;
        // Pairs in turn with those of the others, since phones send photos right before the report that names them: what
        // is reported at the same time names photos that came at the same time.
        let pairs = (first..).step_by(2 * people).take(each);
        let photos: Vec<i64> = pairs.flat_map(|id| [id, id + 1]).collect();
        match site.url() {
            Some(url) => on_postgres(url, template, &photos)?,
            None => on_sqlite(&site.sqlite_file(), template, &photos)?,
        }
        stocked.push((resident, photos));
    }
    if let Some(url) = site.url() {
        // Not the other tables: told that they are empty, PostgreSQL would read all of a table for each foreign key, by
        // plans that it keeps, until autovacuum has looked at them.
        PgConnection::establish(url)?.batch_execute("ANALYZE photos, photo_hashes")?;
    }
    let server = site.start().await?;
    server.until_pictures_are_known().await?;
    looked_at(site).await?;
    let mut all = Vec::with_capacity(stocked.len());
    for (resident, photos) in stocked {
        all.push(resident.at(server.address, photos).await?);
    }
    Ok((server, all))
}

/// Waits until the server has looked at the pictures near to each of them, as it does soon after a photo has come.
async fn looked_at(site: &Site) -> Outcome<()> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let left = match site.url() {
            Some(url) => unlooked(&mut Conn::Pg(PgConnection::establish(url)?))?,
            None => unlooked(&mut open_sqlite(&site.sqlite_file())?)?,
        };
        if left == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err(fault("the server has not looked at all photos"))
}

fn unlooked(conn: &mut Conn) -> Outcome<usize> {
    Ok(hashes::unlooked(conn, 1)?.len())
}

/// Copies a photo under other keys, each with bytes and a hash of its own.
fn on_postgres(url: &str, template: i64, photos: &[i64]) -> Outcome<()> {
    let photos = photos.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    Ok(PgConnection::establish(url)?.batch_execute(&format!(
        "INSERT INTO photos SELECT (json_populate_record(p, json_build_object(\
             'id', n, 'sha256', '\\x' || encode(sha256(int8send(n)), 'hex')))).* \
         FROM photos p, unnest('{{{photos}}}'::bigint[]) n WHERE p.id = {template}; \
         INSERT INTO photo_hashes (photo_id, hash, hashed_at) \
         SELECT n, ('x' || substr(md5(n::text), 1, 16))::bit(64)::bigint, (n - {FIRST}) * {APART} \
         FROM unnest('{{{photos}}}'::bigint[]) n;"
    ))?)
}

fn on_sqlite(file: &str, template: i64, photos: &[i64]) -> Outcome<()> {
    let mut conn = open_sqlite(file)?;
    let template = rows::find(&mut conn, template)?.ok_or_else(|| fault("a photo is gone"))?;
    conn.batch_execute("BEGIN IMMEDIATE")?;
    for &id in photos {
        let sha256: [u8; 32] = Sha256::digest(id.to_be_bytes()).into();
        let [a, b, c, d, e, f, g, h, ..] = sha256;
        rows::insert(&mut conn, &rows::Photo { id, sha256, ..template.clone() })?;
        let hash = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        hashes::save(&mut conn, id, Some(hash), Moment::from_millis((id - FIRST) * APART))?;
    }
    Ok(conn.batch_execute("COMMIT")?)
}

//! What large uploads take of the server's memory: one of 20 MB, and a hundred at once.

use std::time::Duration;

use futures_util::future::try_join_all;
use hyper::body::Bytes;

use crate::arguments::Arguments;
use crate::client::Parts;
use crate::fault::{Fault, Outcome, fault};
use crate::people::{self, Resident};
use crate::photos::{made, numbered};
use crate::server::Server;
use crate::site::Site;
use crate::table::range;

/// Bytes of each upload.
const SIZE: usize = 20_000_000;
/// How many come at once.
const AT_ONCE: usize = 100;
/// MiB by which one upload may let the server grow until it is answered.
const ONE_BAR: f64 = 8.0;
/// MiB by which all at once may, with the renditions that are made meanwhile.
const ALL_BAR: f64 = 200.0;
/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(1);
/// A comment of a JPEG as long as one can be.
const COMMENT: [u8; 4] = [0xff, 0xfe, 0xff, 0xff];
/// How long the renditions of all may take.
const RENDERED: Duration = Duration::from_secs(120);

/// Each is measured at a server that has just been started: one that has rendered keeps memory in which an upload could hide.
pub(crate) async fn uploads(arguments: &Arguments, site: &Site) -> Outcome<()> {
    let photo = Bytes::from(padded(made()?)?);
    println!("each photo has {} KiB", photo.len() >> 10);
    let mut server = site.start().await?;
    let mut residents = people::residents(&mut server, AT_ONCE, false).await?;
    let mut number = 0;
    let mut next = || {
        number += 1;
        numbered(&photo, number)
    };
    let (mut one, mut all) = (Vec::new(), Vec::new());
    for _ in 0..arguments.repeat {
        server = anew(server, site, &mut residents).await?;
        let resident = residents.first_mut().ok_or_else(|| fault("there is no resident"))?;
        one.push(grown(&server, send(resident, next())).await?);
        people::idle_within(&server, RENDERED).await?;
        server = anew(server, site, &mut residents).await?;
        let sent = residents.iter_mut().map(|resident| send(resident, next()));
        let together = async {
            try_join_all(sent.collect::<Vec<_>>()).await?;
            people::idle_within(&server, RENDERED).await
        };
        all.push(grown(&server, together).await?);
    }
    server.stop().await?;
    let first = below("one upload of 20 MB until its answer", &one, ONE_BAR);
    let second = below("100 at once until their renditions are ready", &all, ALL_BAR);
    first.and(second)
}

/// Starts the server anew, and lets each resident ask something of it, so that their connections are there.
async fn anew(server: Server, site: &Site, residents: &mut [Resident]) -> Outcome<Server> {
    server.stop().await?;
    let server = site.start().await?;
    for resident in residents {
        resident.client.go_to(server.address).await?;
        resident.client.get("/api/v1/reports").await?;
    }
    Ok(server)
}

/// The photo with comments up to the size.
fn padded(photo: Vec<u8>) -> Outcome<Vec<u8>> {
    let (start, rest) = photo.split_at_checked(2).ok_or_else(|| fault("there is no photo"))?;
    let comment = [&COMMENT[..], &[b' '; 0xffff - 2]].concat();
    let count = SIZE.saturating_sub(photo.len()) / comment.len();
    Ok([start, &comment.repeat(count), rest].concat())
}

async fn send(resident: &mut Resident, photo: Parts) -> Outcome<()> {
    let answer = resident.client.upload("/api/v1/photos", photo).await?;
    answer.expect(201).map(drop)
}

/// By how many MiB the resident memory grew, at the most, while something was done.
async fn grown(server: &Server, work: impl Future<Output = Result<(), Fault>>) -> Outcome<f64> {
    let before = server.memory_mib("VmRSS")?;
    let mut most = before;
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            () = tokio::time::sleep(LOOK) => most = most.max(server.memory_mib("VmRSS")?),
            outcome = &mut work => {
                outcome?;
                return Ok(most.max(server.memory_mib("VmRSS")?) - before);
            }
        }
    }
}

fn below(what: &str, grown: &[f64], bar: f64) -> Outcome<()> {
    println!("{what}: {} MiB more (bar: under {bar} MiB)", range(grown));
    if grown.iter().all(|grown| *grown < bar) {
        return Ok(());
    }
    Err(fault(format!("{what} is over the bar")))
}

//! The commands that everybody waits for, from the report to the closing, each beside pgbench with one transaction of the
//! same statements: those of its own transaction, and what it reads before and after that.
//!
//! The statements are those that PostgreSQL logs while the server carries out each command once. pgbench gives the same
//! commands to tickets of its own, which it has opened itself, one after the other as the server does.

use std::time::Instant;

use futures_util::future::try_join_all;
use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::capture::{self, Request, Stands};
use crate::client::Client;
use crate::drive::Figures;
use crate::fault::{Outcome, fault};
use crate::people::{self, Resident};
use crate::postgres::{self, Amount, pgbench};
use crate::script::Script;
use crate::server::Server;
use crate::site::Site;
use crate::{sql, table};

/// Each command of the server reaches at least so much of what its statements alone do.
const BAR: f64 = 0.7;
/// Tickets that go through all of them where nothing else is said.
const TICKETS: usize = 3_200;
/// Keys of rows that belong to a ticket of pgbench lie so far behind its own.
const APART: i64 = 100_000_000_000;

/// Tables whose rows are given keys by the server when a command is carried out.
const TABLES_WITH_KEYS: [&str; 4] = ["work_orders", "requests", "summons", "jobs"];

/// A command, and who gives it.
struct Command {
    verb: &'static str,
    who: &'static str,
    /// Whether it comes with a photo.
    photo: bool,
    body: fn(i64, Option<i64>) -> Value,
}

const COMMANDS: [Command; 5] = [
    Command { verb: "claim", who: "grid1", photo: false, body: |version, _| json!({ "version": version }) },
    Command {
        verb: "file",
        who: "grid1",
        photo: false,
        body: |version, _| json!({ "version": version, "category": "P0201" }),
    },
    Command {
        verb: "accept",
        who: "shizheng",
        photo: false,
        body: |version, _| json!({ "version": version }),
    },
    Command {
        verb: "finish",
        who: "shizheng",
        photo: true,
        body: |version, photo| json!({ "version": version, "answer": "路面已修补。", "photo_ids": [photo] }),
    },
    Command {
        verb: "close",
        who: "inspector",
        photo: true,
        body: |version, photo| json!({ "version": version, "photo_ids": [photo], "off_spot_reason": "视频核查" }),
    },
];

/// A ticket on its way.
#[derive(Clone, Copy, Debug)]
struct Underway {
    ticket: i64,
    version: i64,
    /// Of the finish and of the check.
    photos: [i64; 2],
}

impl Command {
    /// Gives the command for one ticket.
    async fn give(&self, client: &mut Client, at: &mut Underway) -> Outcome<()> {
        let photo = at.photos[usize::from(self.verb == "close")];
        let body = (self.body)(at.version, self.photo.then_some(photo));
        let path = format!("/api/v1/tickets/{}/{}", at.ticket, self.verb);
        let answer = client.post(&path, &body).await?.expect(200)?;
        at.version = answer["version"].as_i64().ok_or_else(|| fault("an answer has no version"))?;
        Ok(())
    }

    /// Gives the command for all tickets of each client, one after the other.
    async fn give_all(&self, server: &Server, shares: &mut [Vec<Underway>]) -> Outcome<Figures> {
        let token = people::official(server, self.who).await?;
        let mut clients = Vec::with_capacity(shares.len());
        for _ in 0..shares.len() {
            clients.push(Client::connect(server.address, Some(&token)).await?);
        }
        let (begun, before) = (Instant::now(), server.cpu_seconds()?);
        let walks = clients.iter_mut().zip(shares).map(|(client, share)| async move {
            let mut micros = Vec::with_capacity(share.len());
            for one in share {
                let sent = Instant::now();
                self.give(client, one).await?;
                micros.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
            }
            Ok::<_, crate::fault::Fault>(micros)
        });
        let micros = try_join_all(walks).await?.concat();
        let figures = Figures::new(begun.elapsed().as_secs_f64(), micros);
        Ok(Figures { cpu: Some(server.cpu_seconds()? - before), ..figures })
    }
}

/// Photos of their own for the finish and the check of each ticket.
async fn photograph(server: &Server, shares: &mut [Vec<Underway>], next: &mut u32) -> Outcome<()> {
    for (nth, who) in ["shizheng", "inspector"].into_iter().enumerate() {
        let token = people::official(server, who).await?;
        let first = *next;
        let (mut numbered, mut begins) = (Vec::new(), first);
        for share in shares.iter_mut() {
            numbered.push((begins, share));
            begins += numbered.last().map_or(0, |(_, share)| share.len() as u32);
        }
        let all = numbered.into_iter().map(|(begins, share)| {
            let token = token.clone();
            async move {
                let mut client = Client::connect(server.address, Some(&token)).await?;
                for (number, one) in (begins..).zip(share) {
                    let bytes = people::numbered_picture(number)?;
                    let answer = client.upload("/api/v1/photos", bytes).await?.expect(201)?;
                    one.photos[nth] = answer["id"].as_i64().unwrap_or_default();
                }
                Ok::<_, crate::fault::Fault>(())
            }
        });
        try_join_all(all).await?;
        *next = begins;
    }
    people::idle_within(server, std::time::Duration::from_secs(300)).await
}

/// New tickets, shared among as many clients as there are residents.
async fn opened(residents: &mut [Resident], each: usize) -> Outcome<Vec<Vec<Underway>>> {
    let all = residents.iter_mut().map(|resident| async move {
        let mut share = Vec::with_capacity(each);
        for _ in 0..each {
            let ticket = resident.report(true).await?["ticket_id"].as_i64().unwrap_or_default();
            share.push(Underway { ticket, version: 1, photos: [0, 0] });
        }
        Ok::<_, crate::fault::Fault>(share)
    });
    try_join_all(all).await
}

/// What one ticket's command is made of, and what stands for its keys in the tickets of pgbench.
async fn captured(
    site: &Site,
    server: &Server,
    (command, one): (&Command, &mut Underway),
    stands: &mut Stands,
) -> Outcome<Request> {
    let (url, log) =
        site.logged().ok_or_else(|| fault("the statements are only logged by a private PostgreSQL"))?;
    let token = people::official(server, command.who).await?;
    let mut client = Client::connect(server.address, Some(&token)).await?;
    people::idle(server).await?;
    capture::log_statements(url, true)?;
    // Every session of the server has been told by then.
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let from = capture::length(&log)?;
    command.give(&mut client, one).await?;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let sent = capture::request(&log, from, one.ticket)?;
    capture::log_statements(url, false)?;
    for key in capture::new_keys(&sent.transaction, &TABLES_WITH_KEYS) {
        let nth = i64::try_from(stands.len())?;
        stands.entry(key).or_insert_with(|| format!("(CAST(:id AS BIGINT) + {})", nth * APART));
    }
    Ok(sent)
}

pub(crate) async fn commands(arguments: &Arguments, site: &Site) -> Outcome<()> {
    let mut server = site.start().await?;
    let url =
        site.url().ok_or_else(|| fault("commands are measured on PostgreSQL: --engine postgres"))?.to_owned();
    let mut residents = people::residents(&mut server, arguments.connections, false).await?;
    let (mut rounds, mut pictures) = (Vec::new(), 0);
    for resident in &mut residents {
        // Of their own: what others have sent as well would be suspected.
        for _ in 0..2 {
            let answer =
                resident.client.upload("/api/v1/photos", people::numbered_picture(pictures)?).await?;
            resident.photos.extend(answer.expect(201)?["id"].as_i64());
            pictures += 1;
        }
    }
    let each = arguments.tickets.unwrap_or(TICKETS).div_ceil(arguments.connections);
    table::head();
    for round in 0..arguments.repeat {
        let mut shares = opened(&mut residents, each).await?;
        let mut sample = opened(&mut residents[..1], 1).await?;
        photograph(&server, &mut sample, &mut pictures).await?;
        photograph(&server, &mut shares, &mut pictures).await?;
        postgres::analyze(&url)?;
        let one = sample.first_mut().and_then(|share| share.first_mut()).ok_or_else(|| fault("no sample"))?;
        let base = sql::BASE * i64::from(round + 1);
        // They are as each client's first one is, which nobody has touched yet.
        let firsts = shares.iter().filter_map(|share| share.first());
        let samples: Vec<_> =
            firsts.map(|first| postgres::written(&url, first.ticket)).collect::<Outcome<_>>()?;
        let count = Amount::Each(each);
        let opening = Script::intake(&samples, base, false)?;
        pgbench(&url, &opening, arguments.connections, count).await?;
        let mut stands = Stands::from([(one.ticket, ":id".to_owned())]);
        for (nth, command) in COMMANDS.iter().enumerate() {
            let sent = captured(site, &server, (command, one), &mut stands).await?;
            photos_of_many(&mut stands, one, &shares);
            let figures = command.give_all(&server, &mut shares).await?;
            table::line(command.verb, &figures);
            // What it reads before and after its transaction goes first here, and so sees the ticket as it was.
            let all = sent.besides.iter().chain(&sent.transaction);
            let number = all.clone().count() + 2;
            let limit =
                pgbench(&url, &Script::again(all, &stands, base), arguments.connections, count).await?;
            table::line(&format!("  limit: its {number} statements alone"), &limit);
            rounds.push((nth, figures, limit));
        }
    }
    finish(&rounds)
}

/// Each client of pgbench hands in a photo of its own, as each ticket of the server has one: were it the same, all would
/// wait for the lock on its row.
fn photos_of_many(stands: &mut Stands, one: &Underway, shares: &[Vec<Underway>]) {
    for nth in 0..one.photos.len() {
        let all: Vec<String> = shares
            .iter()
            .filter_map(|share| share.first())
            .map(|underway| underway.photos[nth].to_string())
            .collect();
        let one_of = format!("(CAST('{{{}}}' AS BIGINT[]))[:client_id + 1]", all.join(","));
        stands.insert(one.photos[nth], one_of);
    }
}

fn finish(rounds: &[(usize, Figures, Figures)]) -> Outcome<()> {
    let mut under = Vec::new();
    for (nth, command) in COMMANDS.iter().enumerate() {
        let of = rounds.iter().filter(|(at, ..)| *at == nth);
        let ratios: Vec<f64> =
            of.map(|(_, server, limit)| server.per_second() / limit.per_second().max(1e-9)).collect();
        println!("{}: server / limit {} (bar: {BAR})", command.verb, table::range(&ratios));
        if ratios.iter().any(|ratio| *ratio < BAR) {
            under.push(command.verb);
        }
    }
    if under.is_empty() { Ok(()) } else { Err(fault(format!("under the bar: {}", under.join(", ")))) }
}

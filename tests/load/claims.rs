//! Many phones claim the same tickets at once: each ticket goes to one worker, and the other one is told so.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures_util::future::{join_all, try_join_all};
use serde_json::json;

use crate::arguments::Arguments;
use crate::client::Client;
use crate::drive::Figures;
use crate::fault::{Fault, Outcome, fault};
use crate::people;
use crate::server::Server;
use crate::site::Site;
use crate::table;

/// Two workers of the same grid.
const WORKERS: [&str; 2] = ["grid1", "grid2"];

/// Answers to the claims of one ticket.
#[derive(Default)]
struct Answers {
    /// 200 for each worker. A repeated claim of the holder's own is answered so too.
    granted: [AtomicU64; 2],
    /// 409
    refused: [AtomicU64; 2],
}

pub(crate) async fn race(arguments: &Arguments, site: &Site) -> Outcome<()> {
    let mut server = site.start().await?;
    let mut residents = people::residents(&mut server, 8, false).await?;
    let tickets = people::fill(&mut residents, arguments.tickets.unwrap_or(1000)).await?;
    drop(residents);
    let mut phones = Vec::new();
    let tokens = [people::official(&server, WORKERS[0]).await?, people::official(&server, WORKERS[1]).await?];
    for n in 0..arguments.connections.max(2) {
        let worker = n % WORKERS.len();
        phones.push((worker, Client::connect(server.address, tokens.get(worker).map(String::as_str)).await?));
    }
    let answers: Vec<Answers> = tickets.iter().map(|_| Answers::default()).collect();
    let begun = Instant::now();
    let walks = phones.iter_mut().map(|(worker, client)| walk(*worker, client, &tickets, &answers));
    let micros = try_join_all(walks).await?.concat();
    let figures = Figures::new(begun.elapsed().as_secs_f64(), micros);
    table::head();
    table::line("claim of a contested ticket", &figures);
    let wins = verify(&server, &tokens[0], &tickets, &answers).await?;
    let refused: u64 =
        answers.iter().flat_map(|one| &one.refused).map(|count| count.load(Ordering::Relaxed)).sum();
    println!(
        "{} tickets, {} claims: each ticket claimed exactly once ({} by {}, {} by {}), {refused} answers 409",
        tickets.len(),
        figures.done,
        wins[0],
        WORKERS[0],
        wins[1],
        WORKERS[1],
    );
    Ok(())
}

/// Claims every ticket in the same order as all the others do, so that they meet at each.
async fn walk(worker: usize, client: &mut Client, tickets: &[i64], answers: &[Answers]) -> Outcome<Vec<u32>> {
    let mut micros = Vec::with_capacity(tickets.len());
    for (ticket, answers) in tickets.iter().zip(answers) {
        let sent = Instant::now();
        let answer = client.post(&format!("/api/v1/tickets/{ticket}/claim"), &json!({})).await?;
        micros.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
        match answer.status {
            200 => answers.granted[worker].fetch_add(1, Ordering::Relaxed),
            409 => answers.refused[worker].fetch_add(1, Ordering::Relaxed),
            _ => return Err(answer.expect(200).err().unwrap_or_else(|| fault("a claim failed"))),
        };
    }
    Ok(micros)
}

/// Looks at every ticket through the API, and at what the phones were told. Gives how many each worker has.
async fn verify(server: &Server, token: &str, tickets: &[i64], answers: &[Answers]) -> Outcome<[u64; 2]> {
    const READERS: usize = 8;
    let pairs: Vec<_> = tickets.iter().zip(answers).collect();
    let parts = pairs.chunks(pairs.len().div_ceil(READERS).max(1)).map(|part| async move {
        let mut client = Client::connect(server.address, Some(token)).await?;
        let mut wins = [0, 0];
        for (ticket, answers) in part {
            wins[winner(&mut client, **ticket, answers).await?] += 1;
        }
        Ok::<_, Fault>(wins)
    });
    let mut total = [0, 0];
    for wins in join_all(parts).await {
        let [first, second] = wins?;
        total = [total[0] + first, total[1] + second];
    }
    Ok(total)
}

async fn winner(client: &mut Client, ticket: i64, answers: &Answers) -> Outcome<usize> {
    let view = client.get(&format!("/api/v1/tickets/{ticket}")).await?.expect(200)?;
    let wrong = |what: &str| fault(format!("WRONG: ticket {ticket} {what}: {view}"));
    let claims: Vec<_> =
        view["events"].as_array().into_iter().flatten().filter(|event| event["action"] == "claim").collect();
    let [claim] = claims.as_slice() else { return Err(wrong("was not claimed exactly once")) };
    if view["state"] != "claimed" || view["version"] != 2 || claim["actor_name"] != view["holder"]["name"] {
        return Err(wrong("is not in the hands of who claimed it"));
    }
    let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
    let granted = answers.granted.each_ref().map(count);
    let refused = answers.refused.each_ref().map(count);
    let won = usize::from(granted[1] > 0);
    if granted[won] == 0 || granted[1 - won] > 0 || refused[won] > 0 || refused[1 - won] == 0 {
        return Err(wrong(&format!("was answered {granted:?} times with 200 and {refused:?} with 409")));
    }
    Ok(won)
}

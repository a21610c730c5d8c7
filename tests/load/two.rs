//! Two servers over one PostgreSQL beside one: no throughput is lost, and no job is done twice.

use futures_util::future::try_join_all;

use crate::arguments::Arguments;
use crate::drive::Figures;
use crate::fault::{Fault, Outcome, fault};
use crate::flow::measured;
use crate::people::{self, Resident};
use crate::site::Site;
use crate::{postgres, stock, table};

/// Photos of each resident, uploaded to both servers at once.
const PHOTOS: u32 = 12;

pub(crate) async fn two(arguments: &Arguments, site: &Site) -> Outcome<()> {
    let url = site.url().ok_or_else(|| fault("two servers are for --engine postgres"))?;
    let mut first = site.start().await?;
    let residents = people::residents(&mut first, arguments.connections, true).await?;
    let (first, mut at_one) = stock::up(arguments, site, first, residents).await?;
    let second = site.start().await?;
    let mut at_both = Vec::new();
    for (n, resident) in at_one.iter_mut().enumerate() {
        let other_half = resident.photos.split_off(resident.photos.len() / 2);
        let address = if n % 2 == 0 { first.address } else { second.address };
        at_both.push(resident.at(address, other_half).await?);
    }
    table::head();
    let mut rounds = Vec::new();
    for _ in 0..arguments.repeat {
        let one = async |resident: &mut Resident| resident.reported(true).await;
        let alone = measured(&first, &mut at_one, arguments.length(), one).await?;
        table::line("reports at one server", &alone);
        let before = second.cpu_seconds()?;
        let mut both = measured(&first, &mut at_both, arguments.length(), one).await?;
        both.cpu = both.cpu.map(|cpu| cpu + second.cpu_seconds().unwrap_or(before) - before);
        table::line("reports at two servers", &both);
        rounds.push((both, alone));
    }
    let ratios: Vec<f64> = rounds.iter().map(|(both, one)| both.per_second() / one.per_second()).collect();
    println!("two servers / one: {}", table::range(&ratios));
    let errors = rounds.iter().map(|(both, one): &(Figures, Figures)| both.errors + one.errors).sum::<u64>();
    if errors > 0 {
        return Err(fault(format!("{errors} requests failed")));
    }
    postgres::watch_jobs(url)?;
    try_join_all(at_both.iter_mut().enumerate().map(|(n, resident)| async move {
        for photo in 0..PHOTOS {
            resident.photograph(u32::try_from(n)? * PHOTOS + photo).await?;
        }
        Ok::<_, Fault>(())
    }))
    .await?;
    people::idle(&first).await?;
    let (done, twice) = postgres::jobs_done(url)?;
    let sent = i64::from(PHOTOS) * i64::try_from(at_both.len())?;
    println!("{sent} photos sent to both, {done} renditions made, {twice} of them taken more than once");
    if (done, twice) == (sent, 0) { Ok(()) } else { Err(fault("WRONG: a job was not done exactly once")) }
}

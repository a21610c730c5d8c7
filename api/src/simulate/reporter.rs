//! What somebody reports, and who.

use suishoupai_core::geo::Datum;
use suishoupai_core::time::Moment;

use super::chance::Chance;
use super::scene::Scene;
use crate::fail::Fail;
use crate::problem::Code;
use crate::service::places::locate;
use crate::service::reports::{Draft, Plain};

/// How far from its cell a place may lie, metres.
const REACH_M: f64 = 200.0;

/// The report with this index, from a worker on the round or a resident; nothing, where the place that was drawn
/// lies in no cell.
pub(super) fn compose(
    scene: &Scene,
    chance: &mut Chance,
    index: i64,
    now: Moment,
) -> Result<Option<Plain>, Fail> {
    let town = &scene.town;
    let Some(at) = town.place(chance) else { return Ok(None) };
    let place = at.in_datum(Datum::Wgs84);
    let Ok(spot) = locate(&scene.registry, &place, REACH_M) else { return Ok(None) };
    let code = town.category(chance);
    let data = scene.data().ok_or(Code::Internal)?;
    let Some(category) = data.catalogue.get(&code) else { return Ok(None) };
    let worker = town.people.workers.get(&spot.grid).map(|workers| workers[0]);
    let own_find = worker.filter(|_| data.calendar.is_open(now) && chance.hit(0.35));
    let residents = &town.people.residents;
    let who = own_find.unwrap_or_else(|| residents.start + chance.below(residents.len()));
    let person = town.people.all.get(who).ok_or(Code::Internal)?;
    let draft = Draft {
        text: format!("{}：{}", category.minor_name, category.filing_condition),
        place,
        address: None,
        landmark: None,
        category: (own_find.is_some() || chance.hit(0.6)).then_some(code),
        photo_ids: if own_find.is_some() || chance.hit(0.7) { vec![person.photo] } else { Vec::new() },
        position: None,
        anonymous: false,
        contact: None,
        consent_version: None,
    };
    let ticket = scene.first_ticket + index;
    let keys = [ticket + scene.total, ticket];
    Ok(Some(Plain { account: person.account.clone(), draft, spot, keys, query_code: format!("{index:08}") }))
}

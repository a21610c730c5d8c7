//! 附议: following a ticket that somebody else reported, and ending that.

use suishoupai_core::flow::{AccountId, Following, TicketId, follow as rule, is_public};
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::tickets::Loaded;
use suishoupai_storage::db::{Conn, followers, tickets};

use crate::fail::Fail;
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::registry::Registry;
use crate::services::Services;

/// The ticket that goes on for this one, where everybody may know of it.
///
/// # Errors
/// 404 where there is none, or not for everybody.
pub(super) fn public_ticket(conn: &mut Conn, registry: &Registry, id: TicketId) -> Result<Loaded, Fail> {
    let main = tickets::goes_on_as(conn, id)?;
    let loaded = tickets::find(conn, main)?.ok_or(Code::TicketNotFound)?;
    if is_open_to_all(registry, &loaded) { Ok(loaded) } else { Err(Code::TicketNotFound.into()) }
}

fn is_open_to_all(registry: &Registry, loaded: &Loaded) -> bool {
    let ticket = &loaded.ticket;
    let catalogue = registry.districts.get(&ticket.district).map(|data| &data.catalogue);
    let kind = catalogue.zip(ticket.category.as_ref()).and_then(|(all, code)| all.get(code));
    is_public(ticket.state, ticket.sensitive, kind.is_some_and(|kind| kind.sensitive))
}

/// Lets a resident follow a ticket, durably. Doing it again changes nothing; whoever reported it is told anyway.
///
/// # Errors
/// 404 for a ticket that is not open to everybody, 409 for one that is over.
pub async fn follow(services: &Services, account: &Account, ticket: TicketId) -> Result<(), Fail> {
    let (registry, now) = (services.registry(), services.now());
    let ([id], who): ([i64; 1], AccountId) = (services.db.ids().await?, account.id);
    services
        .db
        .write(move |conn| {
            let loaded = public_ticket(conn, &registry, ticket)?;
            let follows = followers::find(conn, loaded.ticket.id, who)?.is_some();
            match rule(&loaded.ticket, who, follows) {
                Following::Already => Ok(()),
                Following::Over => Err(over().into()),
                Following::New => {
                    let row = (loaded.ticket.id, who);
                    Ok(followers::add(conn, id, row, loaded.ticket.district, now)?)
                }
            }
        })
        .await
}

/// Ends it, durably; also where it had not begun.
///
/// # Errors
/// The database's.
pub async fn unfollow(services: &Services, account: &Account, ticket: TicketId) -> Result<(), Fail> {
    let who = account.id;
    services
        .db
        .write(move |conn| {
            let main = tickets::goes_on_as(conn, ticket)?;
            Ok(followers::remove(conn, main, who)?)
        })
        .await
}

fn over() -> Problem {
    Problem::new(Code::NotAllowedInState).detail(Text::new(
        "该案件已办结；如问题仍在或再次出现，请重新上报。",
        "It has been dealt with. If it is there still or again, report it.",
    ))
}

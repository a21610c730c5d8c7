//! 标准答复: which texts fit a ticket, with their placeholders filled in.

use suishoupai_core::flow::{Verb, may_see};
use suishoupai_core::model::{CategoryPattern, Level};
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::texts::{self, StandardText};
use suishoupai_storage::db::tickets::{self, Loaded};

use super::once::once;
use super::reports::Repeat;
use crate::auth::actor;
use crate::fail::Fail;
use crate::lang::{Lang, Text};
use crate::problem::{Code, Problem};
use crate::registry::Registry;
use crate::services::Services;

/// A district keeps so many texts at the most.
const MOST: i64 = 500;
/// What can be filled in.
const PLACEHOLDERS: [&str; 7] =
    ["{number}", "{category}", "{street}", "{community}", "{unit}", "{due}", "{today}"];

/// The texts of a district for a command; with a ticket only those for its category, filled in.
///
/// # Errors
/// 404 for a ticket that the caller may not see.
pub async fn fitting(
    services: &Services,
    account: &Account,
    verb: Option<Verb>,
    ticket: Option<i64>,
    lang: Lang,
) -> Result<Vec<StandardText>, Fail> {
    let (registry, now, caller) = (services.registry(), services.now(), actor(account));
    let district = account.district;
    services
        .db
        .read(move |conn| {
            let mut found = texts::of_district(conn, district, MOST)?;
            found.retain(|text| verb.is_none_or(|verb| text.verb == verb));
            let Some(ticket) = ticket else { return Ok(found) };
            let loaded = tickets::find(conn, ticket)?.ok_or(Code::TicketNotFound)?;
            let roles = registry.sensitive_roles(loaded.ticket.district, now);
            if !may_see(&loaded.ticket, &caller, &registry.tree, roles) {
                return Err(Fail::from(Code::TicketNotFound));
            }
            let category = loaded.ticket.category.clone();
            found.retain(|text| match &category {
                Some(code) => text.categories.covers(code),
                None => text.categories.as_str() == "*",
            });
            for text in &mut found {
                text.body = fill(&text.body, &registry, &loaded, now, lang);
            }
            Ok(found)
        })
        .await
}

fn fill(
    body: &str,
    registry: &Registry,
    loaded: &Loaded,
    now: suishoupai_core::time::Moment,
    lang: Lang,
) -> String {
    let ticket = &loaded.ticket;
    let unit = |found: Option<&suishoupai_core::model::Unit>| {
        found.map(|unit| unit.name.to_string()).unwrap_or_default()
    };
    let date = |at: suishoupai_core::time::Moment| at.civil().strftime("%Y-%m-%d %H:%M").to_string();
    let catalogue = registry.districts.get(&ticket.district).map(|data| &data.catalogue);
    let category = ticket.category.as_ref().and_then(|code| catalogue?.get(code));
    let unknown = match lang {
        Lang::Zh => "未定",
        Lang::En => "not set",
    };
    let values = [
        loaded.number.clone(),
        category.map_or_else(|| unknown.to_owned(), |found| found.minor_name.to_string()),
        unit(registry.above(ticket.grid, Level::Street)),
        unit(registry.above(ticket.grid, Level::Community)),
        unit(registry.tree.get(ticket.desk(&registry.tree))),
        ticket.due_at.map_or_else(|| unknown.to_owned(), date),
        now.date().to_string(),
    ];
    // In one pass, so that a name with a brace in it is not filled in again.
    let mut text = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('{') {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        match PLACEHOLDERS.iter().position(|name| rest.starts_with(name)) {
            Some(index) => {
                text.push_str(&values[index]);
                rest = &rest[PLACEHOLDERS[index].len()..];
            }
            None => {
                text.push('{');
                rest = &rest[1..];
            }
        }
    }
    text.push_str(rest);
    text
}

/// Writes a text down: title, command, categories, body.
///
/// # Errors
/// 422 for a placeholder that is not known, or when the district has too many texts.
pub async fn add(
    services: &Services,
    account: &Account,
    (title, verb, categories, body): (String, Verb, CategoryPattern, String),
    repeat: Option<Repeat>,
) -> Result<StandardText, Fail> {
    if let Some(unknown) = unknown_placeholder(&body) {
        let message = Text::new(
            format!("没有占位符 {unknown}，可用：{}", PLACEHOLDERS.join(" ")),
            format!("{unknown} is no placeholder; there are {}", PLACEHOLDERS.join(" ")),
        );
        return Err(Problem::new(Code::RefusedByRule).field("/text", "unknown_placeholder", message).into());
    }
    let [id] = services.db.ids::<1>().await?;
    let now = services.now();
    let (district, by) = (account.district, account.id);
    let text = StandardText { id, title, verb, categories, body };
    services
        .db
        .write(move |conn| {
            let made = once(conn, by, repeat.as_ref(), now, |conn| {
                if texts::of_district(conn, district, MOST)?.len() as i64 >= MOST {
                    let message = Text::new("标准答复已满", "there is no room for another text");
                    return Err(Problem::new(Code::RefusedByRule).detail(message).into());
                }
                texts::insert(conn, district, &text, now)?;
                Ok(text.id)
            })?;
            // The same request has the same words.
            Ok(StandardText { id: made, ..text.clone() })
        })
        .await
}

/// The first `{word}` that is not a placeholder.
fn unknown_placeholder(body: &str) -> Option<String> {
    body.match_indices('{').find_map(|(at, _)| {
        let rest = &body[at..];
        let end = rest.find('}')?;
        let word = &rest[..=end];
        (!PLACEHOLDERS.contains(&word)).then(|| word.chars().take(40).collect())
    })
}

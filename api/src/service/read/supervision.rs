//! Supervision orders, as officials see them: one with its history, and lists.

use std::collections::{BTreeSet, HashMap};

use suishoupai_core::flow::supervision::{
    SupervisionEvent, SupervisionId, allowed_supervision, may_see_order,
};
use suishoupai_core::flow::{AccountId, Actor, Role, Stage, may_see};
use suishoupai_core::model::{Level, UnitId};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::photos::{self, Photo};
use suishoupai_storage::db::supervision::{self as rows, Filter, Loaded, Scope, Summary};
use suishoupai_storage::db::{Conn, tickets};

use super::{names, next_cursor, scene};
use crate::auth::actor;
use crate::fail::Fail;
use crate::lang::{Lang, Text};
use crate::problem::{Code, Problem};
use crate::registry::Registry;
use crate::services::Services;
use crate::view::{
    EvidenceView, Scene, SupervisedTicket, SupervisionEventView, SupervisionLine, SupervisionPage,
    SupervisionView,
};

/// Everything about an order, as rows.
struct File {
    loaded: Loaded,
    /// The tickets that the caller may see.
    tickets: Vec<tickets::Loaded>,
    history: Vec<(SupervisionEvent, String)>,
    photos: Vec<(i64, Photo)>,
    names: HashMap<AccountId, (String, bool)>,
}

/// An order with its history and its tickets.
///
/// # Errors
/// 404 for one that the caller may not see.
pub async fn supervision_order(
    services: &Services,
    account: &Account,
    id: SupervisionId,
    lang: Lang,
) -> Result<SupervisionView, Fail> {
    let registry = services.registry();
    let caller = actor(account);
    let file = {
        let (registry, caller, now) = (registry.clone(), caller.clone(), services.now());
        services.db.read(move |conn| load(conn, &registry, &caller, id, now)).await?
    };
    let scene = scene(services, &registry, lang, file.names.clone());
    let allowed_actions = allowed_supervision(&file.loaded.order, &caller, &registry.tree);
    Ok(SupervisionView { allowed_actions, ..view(&scene, &file) })
}

fn load(
    conn: &mut Conn,
    registry: &Registry,
    caller: &Actor,
    id: SupervisionId,
    now: Moment,
) -> Result<File, Fail> {
    let found = rows::find(conn, id)?;
    let seen = found.filter(|found| may_see_order(&found.order, caller, &registry.tree));
    let loaded = seen.ok_or(Code::SupervisionOrderNotFound)?;
    let sensitive_roles = registry.sensitive_roles(loaded.order.district, now);
    let mut about = Vec::with_capacity(loaded.order.tickets.len());
    for ticket in &loaded.order.tickets {
        let found = tickets::find(conn, *ticket)?;
        about.extend(found.filter(|it| may_see(&it.ticket, caller, &registry.tree, sensitive_roles)));
    }
    let history = rows::history(conn, id)?;
    let accounts: BTreeSet<AccountId> = history.iter().map(|(line, _)| line.actor).collect();
    let (photos, names) = (photos::of_supervision(conn, id)?, names(conn, accounts)?);
    Ok(File { loaded, tickets: about, history, photos, names })
}

fn view(scene: &Scene<'_>, file: &File) -> SupervisionView {
    let order = &file.loaded.order;
    let line = Summary {
        id: order.id,
        number: file.loaded.number.clone(),
        recipient: order.recipient,
        text: order.text.clone(),
        state: order.state,
        version: order.version,
        due_at: order.due_at,
        soon_at: order.soon_at,
        pressing_at: order.pressing_at(),
        issued_at: order.issued_at,
        replied_at: order.replied_at,
        accepted_at: order.accepted_at,
        rounds: order.rounds,
    };
    let evidence = |(seq, photo): &(i64, Photo)| EvidenceView {
        taken_at: photo.taken_at,
        ..EvidenceView::public(scene, &(Stage::After, *seq, photo.clone()))
    };
    SupervisionView {
        order: SupervisionLine::of(scene, &line),
        tickets: file.tickets.iter().map(|ticket| SupervisedTicket::of(scene, ticket)).collect(),
        further_tickets: order.tickets.len() - file.tickets.len(),
        events: file.history.iter().map(|line| SupervisionEventView::of(scene, line)).collect(),
        photos: file.photos.iter().map(evidence).collect(),
        allowed_actions: Vec::new(),
    }
}

/// Whose orders the caller asks for: those of a unit and what stands below it, without a unit those of all the
/// caller's posts.
///
/// # Errors
/// 404 for a unit that no post of the caller stands over.
fn scope(registry: &Registry, account: &Account, unit: Option<UnitId>) -> Result<Scope, Problem> {
    let posts = account.posts.iter().filter(|post| !matches!(post.role, Role::Resident | Role::System));
    let own = posts.map(|post| post.unit);
    let tops: BTreeSet<UnitId> = match unit {
        Some(unit) => own.filter(|own| registry.tree.is_within(unit, *own)).map(|_| unit).collect(),
        None => own.collect(),
    };
    if tops.is_empty() {
        let message = Text::new("不是您所在单位或其下级", "must be a unit of one of your posts, or below it");
        return Err(Problem::new(Code::UnitNotFound).field("unit", "not_yours", message));
    }
    let units = || tops.iter().filter_map(|id| registry.tree.get(*id));
    if let Some(district) = units().find(|unit| unit.level == Level::District) {
        return Ok(Scope::District(district.district));
    }
    let all: BTreeSet<UnitId> = tops.iter().flat_map(|top| registry.subtree(*top)).collect();
    Ok(Scope::Units(all.into_iter().collect()))
}

/// A page of orders, newest or most urgent first.
///
/// # Errors
/// 404 for a unit that is not the caller's.
pub async fn supervision_orders(
    services: &Services,
    account: &Account,
    unit: Option<UnitId>,
    filter: Filter,
    lang: Lang,
) -> Result<SupervisionPage, Fail> {
    let registry = services.registry();
    let scope = scope(&registry, account, unit)?;
    let (limit, by_urgency) = (filter.limit, filter.urgency.is_some());
    let found = services.db.read(move |conn| rows::page(conn, &scope, &filter).map_err(Fail::from)).await?;
    let scene = scene(services, &registry, lang, HashMap::new());
    let last = found.last().filter(|_| found.len() as i64 == limit);
    let urgency = |row: &Summary| Some(format!("{}.{}", row.pressing_at?.millis(), row.id));
    Ok(SupervisionPage {
        next_cursor: match by_urgency {
            true => last.and_then(urgency),
            false => next_cursor(found.len(), limit, last.map(|row| row.id)),
        },
        items: found.iter().map(|row| SupervisionLine::of(&scene, row)).collect(),
    })
}

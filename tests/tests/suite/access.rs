//! The whole matrix: every route, in every role, of the own unit, of another one, and of another district.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use suishoupai_api::access::{ROUTES, Reach, Route, Who};
use suishoupai_core::flow::{Post, Role};
use suishoupai_core::import::UnitRow;
use suishoupai_core::model::Level;
use suishoupai_storage::db::accounts::{self, NewAccount};
use suishoupai_storage::db::reference::{save_district, save_units};
use suishoupai_tests::{Caller, Engine, Reply, Server, both, jpeg, wait_for};

use crate::asking::{ask, contract};
use crate::common::{COMMUNITY, STREET, handled_by};

both!(every_route_answers_every_role_as_the_table_says);

pub(crate) const ELSEWHERE: i32 = 350_205;

#[test]
fn every_operation_of_the_contract_has_a_row_and_no_other_has() {
    let contract = contract();
    let mut known = BTreeSet::new();
    for (path, item) in contract["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "patch", "delete", "options"] {
            if item.get(method).is_some() {
                known.insert((path.as_str(), method));
            }
        }
    }
    let rows: BTreeSet<_> = ROUTES.iter().map(|route| (route.path, route.method)).collect();
    assert_eq!(rows.len(), ROUTES.len(), "a row stands twice");
    let missing: Vec<_> = known.difference(&rows).collect();
    let dead: Vec<_> = rows.difference(&known).collect();
    assert!(missing.is_empty() && dead.is_empty(), "without a row: {missing:?}; without a route: {dead:?}");
    for route in ROUTES {
        // An empty one says that the route is open.
        let schemes = contract["paths"][route.path][route.method]["security"].as_array();
        let secured = schemes.is_some_and(|all| all.iter().all(|scheme| scheme.get("token").is_some()));
        assert_eq!(secured, matches!(route.who, Who::Roles(_)), "{route:?}");
        assert_eq!(route.path.contains("{id}"), route.reach != Reach::Nothing, "{route:?}");
    }
}

#[test]
fn observers_only_read() {
    for route in ROUTES {
        let Who::Roles(roles) = route.who else { continue };
        if roles.contains(&Role::Observer) && route.method != "get" {
            // Of one's own sign-in only.
            assert!(route.path.starts_with("/api/v1/me/"), "{route:?}");
        }
    }
}

/// Where somebody stands to the rows that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Own,
    Other,
    Elsewhere,
}

/// Somebody who asks.
pub(crate) struct Asker {
    pub(crate) role: Role,
    pub(crate) place: Place,
    pub(crate) caller: Caller,
}

/// The rows that are asked for.
pub(crate) struct Rows {
    pub(crate) ticket: i64,
    pub(crate) order: i64,
    pub(crate) exposure: i64,
    pub(crate) photo: i64,
    pub(crate) report: Value,
    pub(crate) export: i64,
    pub(crate) district: Vec<(&'static str, i64)>,
}

/// Another district with one unit of each level.
pub(crate) fn add_district(server: &Server) {
    let unit = |code: &str, level: Level, parent: Option<&str>| UnitRow {
        code: code.to_owned(),
        name: format!("外区 {code}"),
        level,
        parent_code: parent.map(str::to_owned),
        phone: None,
        center: None,
    };
    let units = vec![
        unit("350205000000", Level::District, None),
        unit("D03", Level::Department, Some("350205000000")),
        unit("350205001000", Level::Street, Some("350205000000")),
        unit("350205001001", Level::Community, Some("350205001000")),
        unit("35020500100101", Level::Grid, Some("350205001001")),
    ];
    let (services, now) = (server.services(), server.now());
    let ids = wait_for(services.db.reserve(10)).unwrap();
    let write = move |conn: &mut suishoupai_storage::db::Conn| {
        save_district(conn, ELSEWHERE, "外区", true, now)?;
        save_units(conn, ELSEWHERE, &units, &mut ids.clone())
    };
    wait_for(services.db.write(write)).unwrap();
    wait_for(services.refresh_registry()).unwrap();
}

/// An account with a post, signed in.
fn hire(server: &Server, district: i32, role: Role, unit_code: &str) -> Caller {
    let services = server.services();
    let unit = services.registry().tree.by_code(district, unit_code).unwrap().id;
    let [id] = wait_for(services.db.ids::<1>()).unwrap();
    let now = server.now();
    let new = NewAccount {
        id,
        district,
        login: Some((format!("asker{id}"), services.passwords.of_nobody())),
        display_name: role.zh().to_owned(),
        phone: None,
        posts: vec![Post { role, unit }],
    };
    wait_for(services.db.write(move |conn| accounts::insert(conn, &new, now))).unwrap();
    server.nobody().with_token(&services.tokens.issue(id, None, now).unwrap().0)
}

/// The codes of the units in which a role stands in the three places; none where a role is of the whole district.
fn seats<'a>(role: Role, (grid, other): (&'a str, &'a str)) -> (&'a str, Option<&'a str>, &'a str) {
    let all = |own, other, elsewhere| (own, other, elsewhere);
    match role {
        Role::GridWorker => all(grid, Some(other), "35020500100101"),
        Role::CommunityOfficer => all(COMMUNITY, Some("350203001004"), "350205001001"),
        Role::StreetOfficer => all(STREET, Some("350203003000"), "350205001000"),
        Role::DepartmentOfficer => all("D03", Some("D09"), "D03"),
        _ => all("350203000000", None, "350205000000"),
    }
}

pub(crate) fn askers(server: &Server, owner: &Caller) -> Vec<Asker> {
    let registry = server.services().registry();
    let code = |unit: i64| registry.tree.get(unit).unwrap().code.as_ref();
    let other = server.read(|conn| accounts::find_by_login(conn, "grid3")).unwrap().posts[0].unit;
    let grids = (code(server.grid_of_the_point()), code(other));
    let mut all = Vec::new();
    for role in Role::ALL.iter().copied().filter(|role| *role != Role::System) {
        let mut add = |place, caller| all.push(Asker { role, place, caller });
        if role == Role::Resident {
            add(Place::Other, Caller::clone(&server.resident()));
            add(Place::Own, owner.clone());
            continue;
        }
        let (own, other, elsewhere) = seats(role, grids);
        add(Place::Elsewhere, hire(server, ELSEWHERE, role, elsewhere));
        if let Some(other) = other {
            add(Place::Other, hire(server, suishoupai_api::demo::DISTRICT, role, other));
        }
        add(Place::Own, hire(server, suishoupai_api::demo::DISTRICT, role, own));
    }
    all
}

/// What an answer means to who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// Sign in first.
    Unknown,
    /// Not in this role.
    Forbidden,
    /// There is no such row.
    Hidden,
    /// The request was looked at, whatever came of it.
    Reached,
}

fn meaning(route: &Route, reply: &Reply) -> Meaning {
    let problem = if reply.status >= 400 && !reply.body.is_empty() { reply.json() } else { Value::Null };
    match (reply.status, problem["code"].as_str()) {
        (401, Some("unauthenticated" | "token_invalid" | "token_expired")) => Meaning::Unknown,
        // A refusal by the rules says which one it was.
        (403, Some("forbidden")) if problem.get("rule").is_none() => Meaning::Forbidden,
        // A member of the body that names nothing has its pointer.
        (404, _) if problem.get("errors").is_none() && route.reach != Reach::Nothing => Meaning::Hidden,
        (500, Some(code)) => panic!("{route:?}: {code}"),
        _ => Meaning::Reached,
    }
}

pub(crate) fn rows(server: &Server) -> (Rows, Caller) {
    let shizheng = server.official("shizheng");
    let (resident, report, ticket) = handled_by(server, &shizheng, "P0201");
    let photo = resident.upload_any();
    resident.say(&report, "supplements", &json!({ "words": "又一张", "photo_ids": [photo] })).expect(200);
    server.drain();
    let due = json!("2026-03-13T09:30:00+08:00");
    let order = json!({ "unit_code": "D03", "tickets": [ticket], "due_at": due });
    let order = server.chief().post("supervision-orders", &order).expect(201);
    let draft = json!({ "ticket_id": ticket, "photo_id": photo, "declared_clean": true, "text": "路面坑洞" });
    let exposure = server.official("dispatcher").post("exposures", &draft).expect(201);
    let admin = server.official("admin");
    let key = |value: &Value| value["id"].as_i64().unwrap();
    let text = json!({ "title": "井盖", "action": "finish", "categories": "P0101", "text": "井盖已复位" });
    let text = admin.post("admin/standard-texts", &text).expect(201);
    let (from, to) = ("2026-03-05T09:30:00+08:00", "2026-03-06T09:30:00+08:00");
    let leave = json!({ "login": "grid1", "substitute": "grid2", "from": from, "to": to, "reason": "病假" });
    let leave = admin.post("admin/absences", &leave).expect(201);
    let shift = json!({ "login": "grid1", "unit": server.grid_of_the_point(), "from": from, "to": to });
    let shift = admin.post("admin/shifts", &shift).expect(201);
    let posts = json!([{ "role": "observer", "unit_code": "350203000000" }]);
    let official = json!({ "login": "opfer", "name": "某人", "posts": posts });
    let official = admin.post("admin/officials", &official).expect(201);
    let service_key = json!({ "name": "热线", "scopes": ["read"], "posts": [], "days": 1 });
    let service_key = admin.post("admin/service-keys", &service_key).expect(201);
    let other = server.resident().report("又是虚假上报");
    let limit = json!({ "receipt_number": other["receipt_number"], "reason": "多次虚假上报", "days": 30 });
    let restriction = admin.post("admin/restrictions", &limit).expect(201);
    let district = vec![
        ("restrictions", key(&restriction)),
        ("standard-texts", key(&text)),
        ("absences", key(&leave)),
        ("shifts", key(&shift)),
        ("officials", key(&official["official"]["account"])),
        ("service-keys", key(&service_key["service_key"])),
    ];
    let export = resident.post("me/privacy-requests", &json!({ "kind": "export" })).expect(202);
    server.drain();
    let (order, exposure, export) = (key(&order), key(&exposure), key(&export));
    let rows = Rows { ticket, order, exposure, photo, report, export, district };
    (rows, Caller::clone(&resident))
}

/// The key of the row that a route is asked for, if the test has one.
fn key_of(rows: &Rows, route: &Route, owner: &Caller) -> Option<i64> {
    match route.reach {
        Reach::Nothing => None,
        Reach::Ticket if route.path.contains("/exposures/") => Some(rows.exposure),
        Reach::Ticket | Reach::Public => Some(rows.ticket),
        Reach::Own if route.path.contains("/follows/") => Some(rows.ticket),
        Reach::Order => Some(rows.order),
        Reach::Photo => Some(rows.photo),
        Reach::Own if route.path.contains("/reports/") => rows.report["id"].as_i64(),
        Reach::Own if route.path.contains("/privacy-requests/") => Some(rows.export),
        Reach::Own if route.path.contains("/photos/uploads/") => {
            let upload = owner.try_announce("image/jpeg", &jpeg(41, 31));
            Some(upload.json()["id"].as_i64().unwrap_or(1))
        }
        Reach::Own if route.path.contains("/uploads/") => {
            let path = owner.create(5, "");
            path.rsplit('/').next().and_then(|key| key.parse().ok())
        }
        // Sessions are asked for in a test of their own.
        Reach::Own => Some(1),
        Reach::District => {
            let found = rows.district.iter().find(|(part, _)| route.path.contains(part));
            found.map(|(_, key)| *key)
        }
    }
}

/// Whether somebody whose role a route is for reaches the row.
fn reaches(route: &Route, asker: &Asker) -> bool {
    let official = asker.role != Role::Resident;
    match route.reach {
        Reach::Nothing | Reach::Public => true,
        Reach::Own => !official && asker.place == Place::Own && !route.path.contains("/me/devices"),
        Reach::Photo if route.path.ends_with("/mask") || route.path.ends_with("/unmask") => {
            official && asker.place == Place::Own
        }
        Reach::Order => {
            let of_territory = [Role::GridWorker, Role::CommunityOfficer, Role::StreetOfficer];
            asker.place == Place::Own && !of_territory.contains(&asker.role)
        }
        Reach::Ticket | Reach::Photo | Reach::District => asker.place == Place::Own,
    }
}

fn every_route_answers_every_role_as_the_table_says(engine: Engine) {
    let server = Server::start(engine);
    add_district(&server);
    let contract = contract();
    let (rows, owner) = rows(&server);
    let askers = askers(&server, &owner);
    let known = [("receipt_number", rows.report["receipt_number"].clone())];
    let mut wrong = Vec::new();
    let mut asked = 0;
    // What takes rows away comes last.
    let mut routes: Vec<&Route> = ROUTES.iter().collect();
    routes.sort_by_key(|route| match (route.method, route.path) {
        ("delete", "/api/v1/me/devices") => 4,
        ("delete", path) if path.contains("/me/devices/") => 3,
        ("delete", path) if path.contains("calendar") => 2,
        ("delete", _) => 1,
        _ => 0,
    });
    for route in routes {
        let key = key_of(&rows, route, &owner);
        let mut expect = |who: &str, expected: &[Meaning], reply: Reply| {
            asked += 1;
            let found = meaning(route, &reply);
            if !expected.contains(&found) {
                let text = reply.text();
                let text: String = text.chars().take(200).collect();
                wrong.push(format!(
                    "{} {} as {who}: {found:?} instead of {expected:?}: {} {text}",
                    route.method, route.path, reply.status
                ));
            }
        };
        let nobody = ask(&contract, route, &server.nobody(), key, &known);
        let Who::Roles(roles) = route.who else {
            if route.who == Who::Open {
                expect("nobody", &[Meaning::Reached], nobody);
            } else {
                let refused = [Meaning::Unknown, Meaning::Hidden];
                assert!(refused.contains(&meaning(route, &nobody)), "{route:?}: {}", nobody.text());
            }
            continue;
        };
        expect("nobody", &[Meaning::Unknown], nobody);
        for asker in &askers {
            let who = format!("{:?} {:?}", asker.role, asker.place);
            let expected: &[Meaning] = match roles.is_empty() || roles.contains(&asker.role) {
                false => &[Meaning::Forbidden],
                true if reaches(route, asker) => &[Meaning::Reached],
                true => &[Meaning::Hidden],
            };
            expect(&who, expected, ask(&contract, route, &asker.caller, key, &known));
        }
    }
    assert!(asked > 2500, "{asked}");
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
}

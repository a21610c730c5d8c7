//! Keys in bodies and queries: whoever names a row that is not for them is answered as if there were none. The keys are
//! found by walking the contract, so that a new one has to be given a kind here.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use suishoupai_api::access::{ROUTES, Route, Who};
use suishoupai_tests::{Caller, Engine, Reply, Server, both};

use crate::access::{Asker, ELSEWHERE, Place, Rows, add_district, askers, rows};
use crate::asking::{body_of, contract};
use crate::common::reported;

both!(a_foreign_key_in_a_body_or_query_is_answered_like_one_that_is_not_there);

/// Which rows a key is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Photo,
    Ticket,
    Unit,
    Account,
}

/// The members and parameters that name rows.
const KEYS: [(&str, Kind); 13] = [
    ("photo_ids", Kind::Photo),
    ("photo_id", Kind::Photo),
    ("ticket", Kind::Ticket),
    ("ticket_id", Kind::Ticket),
    ("tickets", Kind::Ticket),
    ("into", Kind::Ticket),
    ("unit", Kind::Unit),
    ("units", Kind::Unit),
    ("lead", Kind::Unit),
    ("assist", Kind::Unit),
    ("to", Kind::Unit),
    ("parent", Kind::Unit),
    ("account", Kind::Account),
];

/// Numbers that name none; districts are known to everybody.
const NUMBERS: [&str; 9] =
    ["amount", "bytes", "days", "district", "expires", "limit", "stars", "version", "zoom"];
/// Whose body is rules, full of numbers.
const RULES: &str = "/api/v1/admin/policies";
/// No row has this key.
const MISSING: i64 = 9_007_199_254_740_000;

/// The schema behind references and choices.
fn behind<'a>(contract: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(target) = schema["$ref"].as_str() {
        return behind(contract, contract.pointer(target.trim_start_matches('#')).unwrap());
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(last) = schema[choice].as_array().and_then(|all| all.last()) {
            return behind(contract, last);
        }
    }
    schema
}

/// All whole numbers in a schema, each by the members that lead to it; `[]` is a list's.
fn numbers(contract: &Value, schema: &Value, trail: &[String], found: &mut Vec<Vec<String>>) {
    let schema = behind(contract, schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        numbers(contract, part, trail, found);
    }
    let with = |name: &str| [trail, &[name.to_owned()]].concat();
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        numbers(contract, member, &with(name), found);
    }
    if schema["items"].is_object() {
        numbers(contract, &schema["items"], &with("[]"), found);
    }
    if schema["type"] == "integer" || schema["type"][0] == "integer" {
        found.push(trail.to_vec());
    }
}

/// A body that is complete, with a key in its place.
fn placed(contract: &Value, schema: &Value, trail: &[String], key: i64) -> Value {
    let Some((first, rest)) = trail.split_first() else { return json!(key) };
    let schema = behind(contract, schema);
    if first == "[]" {
        return json!([placed(contract, &schema["items"], rest, key)]);
    }
    let mut body = body_of(contract, schema, "");
    let parts = schema["allOf"].as_array().map_or(std::slice::from_ref(schema), Vec::as_slice);
    let part =
        parts.iter().map(|part| behind(contract, part)).find(|part| part["properties"][first].is_object());
    body[first] = placed(contract, &part.unwrap()["properties"][first], rest, key);
    body
}

/// Where a request of a route names a row.
struct Named {
    route: &'static Route,
    trail: Vec<String>,
    in_query: bool,
    kind: Kind,
}

/// All keys of the contract; those that have no kind are told.
fn named(contract: &Value) -> (Vec<Named>, BTreeSet<String>) {
    let (mut all, mut unknown) = (Vec::new(), BTreeSet::new());
    for route in ROUTES.iter().filter(|route| route.path != RULES) {
        let operation = &contract["paths"][route.path][route.method];
        let mut add = |trail: Vec<String>, in_query: bool| {
            let name = trail.iter().rev().find(|name| *name != "[]").unwrap().clone();
            match KEYS.iter().find(|(key, _)| *key == name) {
                Some((_, kind)) => all.push(Named { route, trail, in_query, kind: *kind }),
                None if NUMBERS.contains(&name.as_str()) => {}
                None => drop(unknown.insert(format!("{} {} {trail:?}", route.method, route.path))),
            }
        };
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let mut found = Vec::new();
            numbers(contract, &parameter["schema"], &[], &mut found);
            if parameter["in"] == "query" && !found.is_empty() {
                add(vec![parameter["name"].as_str().unwrap().to_owned()], true);
            }
        }
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        if schema.is_object() {
            let mut found = Vec::new();
            numbers(contract, schema, &[], &mut found);
            found.into_iter().for_each(|trail| add(trail, false));
        }
    }
    (all, unknown)
}

#[test]
fn every_key_of_the_contract_has_a_kind() {
    let (all, unknown) = named(&contract());
    assert!(unknown.is_empty(), "{unknown:?}");
    assert!(all.len() > 35, "{}", all.len());
}

/// What an answer tells, without what differs from one request to the next.
fn told(reply: &Reply, key: i64) -> Value {
    let mut body: Value = serde_json::from_slice(&reply.body).unwrap_or(Value::Null);
    if let Some(problem) = body.as_object_mut() {
        problem.remove("request_id");
    }
    // A message may repeat what was sent.
    let text = body.to_string().replace(&key.to_string(), "KEY");
    json!({ "status": reply.status, "body": text })
}

struct Scene<'a> {
    contract: &'a Value,
    rows: &'a Rows,
    version: i64,
}

impl Scene<'_> {
    fn ask(&self, named: &Named, caller: &Caller, key: i64) -> Reply {
        let Named { route, trail, in_query, .. } = named;
        let row = match route.path {
            path if path.contains("/reports/") => self.rows.report["id"].as_i64().unwrap(),
            path if path.contains("/supervision-orders/") => self.rows.order,
            path if path.contains("/exposures/") => self.rows.exposure,
            _ => self.rows.ticket,
        };
        let path = route.path.replace("{id}", &row.to_string());
        let method = Method::from_bytes(route.method.to_uppercase().as_bytes()).unwrap();
        if *in_query {
            return Caller::send(caller.request(method, &format!("{path}?{}={key}", trail[0])));
        }
        let schema = &self.contract["paths"][route.path][route.method]["requestBody"]["content"];
        let mut body = placed(self.contract, &schema["application/json"]["schema"], trail, key);
        if body.get("version").is_some() {
            body["version"] = json!(self.version);
        }
        // A ticket of the caller's own, where the photo is what is asked about, and the other way round.
        for (name, own) in [("ticket_id", self.rows.ticket), ("photo_id", self.rows.photo)] {
            if body.get(name).is_some() && trail[0] != name {
                body[name] = json!(own);
            }
        }
        Caller::send(caller.request(method, &path).json(&body))
    }
}

/// Rows that nobody who is asked for has anything to do with: somebody's photo that was not handed in, and a ticket and a
/// unit of another district.
fn foreign(server: &Server) -> (i64, i64, i64) {
    let photo = server.resident().upload_any();
    let (_, _, ticket) = reported(server, "别处的事");
    let registry = server.services().registry();
    let unit = |code: &str| registry.tree.by_code(ELSEWHERE, code).unwrap().id;
    let (street, community, grid) = (unit("350205001000"), unit("350205001001"), unit("35020500100101"));
    let moved = format!(
        "UPDATE tickets SET district = {ELSEWHERE}, grid_id = {grid}, community_id = {community}, \
         street_id = {street}, responsible_id = {grid} WHERE id = {ticket}"
    );
    server.execute(&moved).unwrap();
    (photo, ticket, unit("350205000000"))
}

fn a_foreign_key_in_a_body_or_query_is_answered_like_one_that_is_not_there(engine: Engine) {
    let server = Server::start(engine);
    add_district(&server);
    let contract = contract();
    let (rows, owner) = rows(&server);
    let askers = askers(&server, &owner);
    let (photo, ticket, unit) = foreign(&server);
    let version = server.official("shizheng").ticket(rows.ticket)["version"].as_i64().unwrap();
    let scene = Scene { contract: &contract, rows: &rows, version };
    let (mut wrong, mut asked) = (Vec::new(), 0);
    for named in named(&contract).0 {
        let Who::Roles(roles) = named.route.who else { continue };
        let may =
            |asker: &&Asker| asker.place == Place::Own && (roles.is_empty() || roles.contains(&asker.role));
        let foreign = match named.kind {
            Kind::Photo => photo,
            Kind::Ticket => ticket,
            Kind::Unit => unit,
            Kind::Account => continue,
        };
        for asker in askers.iter().filter(may) {
            asked += 1;
            let there = scene.ask(&named, &asker.caller, foreign);
            let not = scene.ask(&named, &asker.caller, MISSING);
            let (there, not) = (told(&there, foreign), told(&not, MISSING));
            let is_done =
                named.route.method != "get" && there["status"].as_u64().is_some_and(|status| status < 300);
            // Which units there are is no secret; that of another district is still none to be given work.
            let differs = named.kind != Kind::Unit && there != not;
            if differs || (is_done && there != not) {
                let Named { route, trail, .. } = &named;
                wrong.push(format!(
                    "{} {} {trail:?} as {:?}: {there}\nbut {not}",
                    route.method, route.path, asker.role
                ));
            }
        }
    }
    assert!(asked > 60, "{asked}");
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
}

//! What is sent to do harm: members that nobody asked for, statements in texts, names that lead elsewhere, photos that
//! are pages as well.

use reqwest::Method;
use reqwest::blocking::multipart::{Form, Part};
use serde_json::json;
use suishoupai_api::access::{ROUTES, Reach, Who};
use suishoupai_api::demo::POINT;
use suishoupai_tests::{Caller, Engine, Line, Resident, Server, both, jpeg};

use crate::asking::{body_of, contract, has_member};
use crate::common::{rendered, reported};

both!(
    members_that_no_route_asks_for_are_refused,
    texts_stay_texts_whatever_they_say,
    names_of_files_and_paths_lead_nowhere,
    a_photo_that_is_a_page_as_well_is_given_as_a_photo,
);

fn members_that_no_route_asks_for_are_refused(engine: Engine) {
    let server = Server::start(engine);
    let contract = contract();
    let (_, _, ticket) = reported(&server, "路灯不亮");
    let callers =
        ["admin", "grid1", "street", "shizheng", "dispatcher", "chief", "head", "inspector", "auditor"];
    let officials = callers.map(|login| server.official(login));
    let roles = |caller: &Caller| -> Vec<String> {
        let posts = caller.get("me").expect(200)["posts"].as_array().unwrap().clone();
        posts.iter().map(|post| post["role"].as_str().unwrap().to_owned()).collect()
    };
    let known: Vec<(Vec<String>, Caller)> =
        officials.iter().map(|official| (roles(official), Caller::clone(official))).collect();
    let (resident, nobody) = (server.resident(), server.nobody());
    let mut asked = 0;
    for route in ROUTES {
        let content = &contract["paths"][route.path][route.method]["requestBody"]["content"];
        let schema = &content["application/json"]["schema"];
        // Rows of their own are asked for elsewhere; what is refused here is the body, before any row is looked for.
        if !schema.is_object() || !matches!(route.reach, Reach::Nothing | Reach::Ticket | Reach::Public) {
            continue;
        }
        let caller: &Caller = match route.who {
            Who::Open | Who::Signed => &nobody,
            Who::Roles([]) => &resident,
            Who::Roles(roles) => {
                let may = |held: &&(Vec<String>, Caller)| {
                    roles.iter().any(|role| held.0.iter().any(|held| held == role.as_str()))
                };
                known.iter().find(may).map_or(&resident, |(_, caller)| caller)
            }
        };
        let path = route.path.replace("{id}", &ticket.to_string()).replace("{date}", "2031-05-06");
        let method = Method::from_bytes(route.method.to_uppercase().as_bytes()).unwrap();
        for member in ["is_admin", "district", "account_id"] {
            let mut body = body_of(&contract, schema, "");
            if has_member(&contract, schema, member) {
                continue;
            }
            body[member] = json!(1);
            let reply = Caller::send(caller.request(method.clone(), &path).json(&body));
            let problem = reply.problem(400, "invalid_body");
            assert!(problem.to_string().contains(member), "{} {path}: {problem}", route.method);
            asked += 1;
        }
    }
    assert!(asked > 150, "{asked}");
}

/// Texts that are more than that to whoever puts them together.
const STATEMENTS: [&str; 5] = [
    "'; DROP TABLE tickets; --",
    "1 OR 1=1",
    "\\'; SELECT pg_sleep(60); --",
    "%' UNION SELECT password_hash FROM accounts --",
    "${jndi:ldap://127.0.0.1/a}<script>alert(1)</script>",
];

fn texts_stay_texts_whatever_they_say(engine: Engine) {
    let server = Server::start(engine);
    let (resident, dispatcher) = (server.resident(), server.official("dispatcher"));
    for words in STATEMENTS {
        let report = resident.report(words);
        assert_eq!(resident.own(&report)["text"], words, "as it was sent");
        let ticket = report["ticket_id"].as_i64().unwrap();
        assert_eq!(dispatcher.ticket(ticket)["reports"][0]["text"], words);
        let coded = |name: &str| {
            let pairs = [(name, words)];
            reqwest::Url::parse_with_params("http://x/", pairs).unwrap().query().unwrap().to_owned()
        };
        for path in ["tickets", "notices", "work-orders", "audit"] {
            for name in ["category", "state", "cursor", "unit", "subject"] {
                let caller =
                    if path == "audit" { server.official("auditor") } else { server.official("shizheng") };
                let reply = caller.get(&format!("{path}?{}", coded(name)));
                assert!(matches!(reply.status, 200 | 400 | 404 | 422), "{path} {name}: {}", reply.text());
                assert!(!reply.text().contains("argon2"));
            }
        }
        let segment = coded("x").replacen("x=", "", 1).replace('+', "%20");
        let reply = dispatcher.get(&format!("tickets/{segment}"));
        assert!(matches!(reply.status, 400 | 404), "{segment}: {}", reply.text());
        let guess = json!({ "name": words, "password": words });
        server.nobody().post("auth/password", &guess).problem(401, "login_failed");
    }
    // A line of a header cannot be begun by what is sent in another one or in the address.
    let mut line = Line::default();
    for head in
        ["x-request-id: abcdefgh%0d%0aset-cookie: a=b\r\n", "accept-language: en\x0bset-cookie:a=b\r\n"]
    {
        let answer = line
            .ask(server.base(), "GET", "/api/v1/units?parent=1%0d%0aset-cookie:%20a=b", head, "")
            .unwrap();
        assert!(answer.status >= 400, "{}", answer.status);
        line = Line::default();
    }
    let reply = server.nobody().get("units?parent=1%0d%0aset-cookie:%20a=b");
    assert!(reply.headers.get("set-cookie").is_none() && reply.status == 400, "{}", reply.text());
    assert!(server.verify().breaks.is_empty());
}

fn names_of_files_and_paths_lead_nowhere(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    for name in ["../../../etc/passwd", "..\\..\\keys\\token.key", "/etc/passwd", "照片.jpg.php"] {
        let photo = Part::bytes(jpeg(40, 30)).file_name(name).mime_str("image/jpeg").unwrap();
        let form = Form::new()
            .text("text", "路灯不亮")
            .text("lon", POINT.lon.to_string())
            .text("lat", POINT.lat.to_string())
            .text("datum", "wgs84")
            .part("photos", photo);
        let reply = Caller::send(resident.request(Method::POST, "reports/form").multipart(form));
        // The name is not looked at, whatever it is.
        assert_eq!(reply.status, 201, "{name}: {}", reply.text());
        assert!(!reply.text().contains("passwd") && !reply.text().contains("php"), "{}", reply.text());
    }
    let mut line = Line::default();
    for path in [
        "/api/v1/photos/..%2f..%2fkeys%2ftoken.key",
        "/api/v1/photos/%2e%2e/%2e%2e/keys/token.key",
        "/api/v1/photos/../../keys/token.key",
        "/../../../../etc/passwd",
        "/docs/..%2f..%2fetc%2fpasswd",
        "/api/v1/photos/1%00/original",
    ] {
        let answer = line.ask(server.base(), "GET", path, "", "").unwrap();
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(answer.status >= 400 && !text.contains("root:"), "{path}: {text}");
        line = Line::default();
    }
}

fn a_photo_that_is_a_page_as_well_is_given_as_a_photo(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let page = b"<html><script>alert(document.domain)</script></html>";
    let plain = jpeg(64, 48);
    // A comment, right behind the beginning of the picture.
    let length = u16::try_from(page.len() + 2).unwrap().to_be_bytes();
    let both = [&plain[..2], &[0xff, 0xfe], &length, page, &plain[2..], page].concat();
    let photo = resident.upload(&both);
    let draft = json!({ "photo_ids": [photo] });
    let mut report = Resident::draft("路灯不亮");
    report.as_object_mut().unwrap().extend(draft.as_object().unwrap().clone());
    resident.post("reports", &report).expect(201);
    let seen = rendered(&server, &resident, photo);
    let original = resident.get(&format!("photos/{photo}/original"));
    assert_eq!(
        (original.header("content-type"), original.header("x-content-type-options")),
        ("image/jpeg", "nosniff")
    );
    for name in ["display_url", "thumbnail_url"] {
        let address = seen[name].as_str().unwrap();
        let shown = server.nobody().get(address.trim_start_matches("/api/v1/"));
        assert_eq!((shown.status, shown.header("x-content-type-options")), (200, "nosniff"), "{address}");
        assert!(shown.header("content-type").starts_with("image/"), "{}", shown.header("content-type"));
        assert!(!shown.body.windows(7).any(|part| part == b"<script"), "{name} is made anew");
    }
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    let bomb = b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><svg>&b;</svg>";
    for (media_type, bytes) in [
        ("image/svg+xml", svg.as_slice()),
        ("image/jpeg", svg.as_slice()),
        ("image/jpeg", bomb.as_slice()),
        ("text/html", page.as_slice()),
        ("image/jpeg", page.as_slice()),
    ] {
        let reply = resident.post_bytes("photos", media_type, bytes);
        assert!(matches!(reply.status, 400 | 415 | 422), "{media_type}: {} {}", reply.status, reply.text());
    }
    // No route reads XML.
    resident.post_bytes("reports", "application/xml", bomb).problem(415, "unsupported_media_type");
}

//! Single sign-on, at a small identity provider that is played here.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{LazyLock, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use suishoupai_api::config::Secret;
use suishoupai_tests::{Engine, Server, both};

both!(
    an_official_signs_in_by_the_provider_and_stays_who_it_was,
    what_does_not_belong_to_the_attempt_is_refused,
    roles_that_need_a_second_factor_need_one_at_the_provider,
    without_a_provider_nobody_signs_in_by_one
);

const CLIENT: &str = "ssp client";
const SECRET: &str = "geheim&nis";
const REDIRECT: &str = "https://paizhao.example.cn/back";

/// A code that the provider has given out: what the address said that led to it, and what it will say of the person.
struct Given {
    challenge: String,
    claims: Value,
}

struct Provider {
    base: String,
    codes: Mutex<HashMap<String, Given>>,
}

fn key() -> EncodingKey {
    let head =
        [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    EncodingKey::from_ed_der(&[head.as_slice(), &[9; 32]].concat())
}

/// The provider of all tests, because settings cannot say what a test knows only when it runs.
static PROVIDER: LazyLock<Provider> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            std::thread::spawn(|| answer(stream));
        }
    });
    Provider { base, codes: Mutex::default() }
});

fn answer(mut stream: TcpStream) {
    let mut reader = BufReader::new(&mut stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut heads = HashMap::new();
    loop {
        let mut head = String::new();
        if reader.read_line(&mut head).unwrap() == 0 || head == "\r\n" {
            break;
        }
        let (name, value) = head.trim().split_once(": ").unwrap();
        heads.insert(name.to_lowercase(), value.to_owned());
    }
    let length = heads.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let (status, body) = match line.split(' ').nth(1).unwrap() {
        "/.well-known/openid-configuration" => ("200 OK", place()),
        "/keys" => {
            let mut jwk = Jwk::from_encoding_key(&key(), Algorithm::EdDSA).unwrap();
            jwk.common.key_id = Some("k1".to_owned());
            ("200 OK", json!({ "keys": [jwk] }))
        }
        "/token" => token(&heads["authorization"], &String::from_utf8(body).unwrap()),
        _ => ("404 Not Found", json!({})),
    };
    let body = body.to_string();
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    drop(stream.write_all(answer.as_bytes()));
}

fn place() -> Value {
    let base = &PROVIDER.base;
    json!({ "issuer": base, "authorization_endpoint": format!("{base}/authorize?tenant=1"),
        "token_endpoint": format!("{base}/token"), "jwks_uri": format!("{base}/keys") })
}

fn pairs(text: &str) -> HashMap<String, String> {
    reqwest::Url::parse(&format!("http://x/?{text}")).unwrap().query_pairs().into_owned().collect()
}

fn token(authorization: &str, body: &str) -> (&'static str, Value) {
    let expected = format!("Basic {}", STANDARD.encode("ssp+client:geheim%26nis"));
    assert_eq!(authorization, expected);
    let form = pairs(body);
    assert_eq!(
        (form["grant_type"].as_str(), form["redirect_uri"].as_str()),
        ("authorization_code", REDIRECT)
    );
    let given = PROVIDER.codes.lock().unwrap().remove(&form["code"]);
    let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    let Some(given) = given.filter(|given| given.challenge == digest) else {
        return ("400 Bad Request", json!({ "error": "invalid_grant" }));
    };
    let header = Header { kid: Some("k1".to_owned()), ..Header::new(Algorithm::EdDSA) };
    let token = jsonwebtoken::encode(&header, &given.claims, &key()).unwrap();
    ("200 OK", json!({ "id_token": token, "access_token": "x", "token_type": "Bearer" }))
}

fn started(engine: Engine) -> Server {
    Server::start_with(engine, |config| {
        config.auth.oidc_issuer = Some(PROVIDER.base.clone());
        config.auth.oidc_client_id = Some(CLIENT.to_owned());
        config.auth.oidc_client_secret = Some(Secret::new(SECRET));
        config.auth.oidc_redirect_url = Some(REDIRECT.to_owned());
        config.auth.second_factor_roles = Some("duty_chief".to_owned());
    })
}

/// Begins at the server and signs in at the provider as somebody; what the browser comes back with.
fn gone_and_back(server: &Server, person: &Value) -> Value {
    let begun = server.nobody().post("auth/sso", &json!({})).expect(200);
    let url = reqwest::Url::parse(begun["authorization_url"].as_str().unwrap()).unwrap();
    let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
    for (name, value) in [
        ("tenant", "1"),
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("scope", "openid profile"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(asked[name], value);
    }
    let now = server.now().millis() / 1000;
    let mut claims = json!({ "iss": PROVIDER.base, "aud": CLIENT, "iat": now, "exp": now + 300,
        "nonce": asked["nonce"] });
    claims.as_object_mut().unwrap().extend(person.as_object().unwrap().clone());
    let code = format!("code-{}", asked["state"]);
    let given = Given { challenge: asked["code_challenge"].clone(), claims };
    PROVIDER.codes.lock().unwrap().insert(code.clone(), given);
    json!({ "attempt": begun["attempt"], "state": asked["state"], "code": code })
}

fn an_official_signs_in_by_the_provider_and_stays_who_it_was(engine: Engine) {
    let server = started(engine);
    let sign_in = |person: &Value| {
        let back = gone_and_back(&server, person);
        server.nobody().post("auth/sso/finish", &back)
    };
    let session = sign_in(&json!({ "sub": "0042", "preferred_username": "grid1" })).expect(200);
    let grid1 = server.official("grid1").get("me").expect(200);
    assert_eq!(
        (&session["account"]["id"], &session["account"]["display_name"]),
        (&grid1["id"], &json!("林网格"))
    );
    let caller = server.nobody().with_token(session["access_token"].as_str().unwrap());
    assert_eq!(caller.get("me/devices").expect(200)["items"][1]["means"], "sso");
    let refresh = json!({ "refresh_token": session["refresh_token"] });
    server.nobody().post("auth/refresh", &refresh).expect(200);

    // The name may change at the provider; the person is known by its key there.
    let renamed = sign_in(&json!({ "sub": "0042", "preferred_username": "grid2" })).expect(200);
    assert_eq!(renamed["account"]["id"], grid1["id"]);
    for stranger in [
        json!({ "sub": "0043", "preferred_username": "grid1" }),
        json!({ "sub": "0044", "preferred_username": "nobody" }),
        json!({ "sub": "0045", "preferred_username": "key 1" }),
        json!({ "sub": "0046" }),
    ] {
        sign_in(&stranger).problem(403, "forbidden");
    }
    let admin = server.official("admin");
    let disable = format!("admin/officials/{}/disable", grid1["id"]);
    admin.post(&disable, &json!({})).expect(200);
    caller.get("me").problem(401, "token_invalid");
    sign_in(&json!({ "sub": "0042", "preferred_username": "grid1" })).problem(403, "forbidden");
    let auditor = server.official("auditor");
    let kinds = auditor.get(&format!("audit?account={}", grid1["id"])).expect(200)["items"].clone();
    let told: Vec<(&Value, &Value)> =
        kinds.as_array().unwrap().iter().map(|line| (&line["kind"], &line["facts"]["means"])).collect();
    assert_eq!(
        told[told.len() - 2..],
        [(&json!("sign_in"), &json!("sso")), (&json!("account_change"), &Value::Null)]
    );
}

fn what_does_not_belong_to_the_attempt_is_refused(engine: Engine) {
    let server = started(engine);
    let person = json!({ "sub": "0050", "preferred_username": "grid2" });
    let finish = |body: &Value| server.nobody().post("auth/sso/finish", body);
    let mine = gone_and_back(&server, &person);
    let other = gone_and_back(&server, &person);
    // A code or an answer of another attempt, as it would be slipped to somebody to sign them in as somebody else.
    for name in ["code", "state", "attempt"] {
        let mut mixed = mine.clone();
        mixed[name] = other[name].clone();
        finish(&mixed).problem(401, "code_wrong");
    }
    let again = gone_and_back(&server, &person);
    finish(&again).expect(200);
    finish(&again).problem(401, "code_wrong");
    let now = server.now().millis() / 1000;
    for (name, value) in [
        ("nonce", json!("another")),
        ("aud", json!("another")),
        ("iss", json!("http://127.0.0.1:9")),
        ("exp", json!(now - 3600)),
        ("iat", json!(now + 3600)),
    ] {
        let mut wrong = person.clone();
        wrong[name] = value;
        finish(&gone_and_back(&server, &wrong)).problem(401, "code_wrong");
    }
    let late = gone_and_back(&server, &person);
    server.advance_seconds(601);
    finish(&late).problem(401, "code_wrong");
    for bad in [json!({}), json!({ "attempt": "x", "state": "y", "code": "z", "iss": "w" })] {
        finish(&bad).problem(400, "invalid_body");
    }
    finish(&json!({ "attempt": "x", "state": "y", "code": "z" })).problem(401, "code_wrong");
}

fn roles_that_need_a_second_factor_need_one_at_the_provider(engine: Engine) {
    let server = started(engine);
    let finish = |person: &Value| {
        let back = gone_and_back(&server, person);
        server.nobody().post("auth/sso/finish", &back)
    };
    let mut chief = json!({ "sub": "0060", "preferred_username": "chief", "amr": ["pwd"] });
    finish(&chief).problem(403, "forbidden");
    chief["amr"] = json!(["pwd", "otp", "mfa"]);
    assert_eq!(finish(&chief).expect(200)["account"]["posts"][0]["role"], "duty_chief");
}

fn without_a_provider_nobody_signs_in_by_one(engine: Engine) {
    let server = Server::start(engine);
    server.nobody().post("auth/sso", &json!({})).problem(503, "unavailable");
    let back = json!({ "attempt": "x", "state": "y", "code": "z" });
    server.nobody().post("auth/sso/finish", &back).problem(503, "unavailable");
}

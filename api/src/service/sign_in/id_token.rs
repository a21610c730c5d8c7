//! What an identity provider says of who has signed in: its ID token (OpenID Connect Core 1.0, section 3.1.3.7), believed
//! only with one of its published keys, for this client, for this attempt, and in its time.

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};
use suishoupai_core::time::Moment;

/// Signatures by keys of which the public half is published; never one that a public key could be the secret of.
const ALGORITHMS: [Algorithm; 8] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// How far the provider's clock may be off, in seconds.
const SKEW: i64 = 60;
/// Methods of authentication (RFC 8176) that are a second factor, or more than one.
const SECOND_FACTORS: [&str; 4] = ["mfa", "otp", "hwk", "sc"];

/// What a token has to say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    /// In which claim the sign-in name stands.
    pub(super) login_claim: &'a str,
}

/// Who has signed in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// The provider's key of the person.
    pub(super) subject: String,
    /// The sign-in name, if it gives one.
    pub(super) login: Option<String>,
    /// Whether a second factor was shown to the provider.
    pub(super) by_second_factor: bool,
}

/// A token that is not believed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// None of the keys that are known signed it; the provider may have a new one.
    UnknownKey,
    /// It says something else than it has to.
    Invalid(&'static str),
}

#[derive(Deserialize)]
struct Wire {
    sub: String,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    nonce: Option<String>,
    azp: Option<String>,
    #[serde(default)]
    amr: Vec<String>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

fn key_of<'a>(keys: &'a JwkSet, kid: Option<&str>) -> Option<&'a Jwk> {
    match (kid, keys.keys.as_slice()) {
        (Some(kid), _) => keys.find(kid),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

/// Who the token says has signed in.
pub(super) fn read(
    token: &str,
    keys: &JwkSet,
    expected: &Expected<'_>,
    now: Moment,
) -> Result<Identity, Refused> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| Refused::Invalid("it is no token"))?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(Refused::Invalid("its algorithm is not allowed"));
    }
    let key = key_of(keys, header.kid.as_deref()).ok_or(Refused::UnknownKey)?;
    let key = DecodingKey::from_jwk(key).map_err(|_| Refused::Invalid("its key cannot be used"))?;
    let mut validation = Validation::new(header.alg);
    validation.set_required_spec_claims(&["aud", "iss", "sub"]);
    validation.set_audience(&[expected.client_id]);
    validation.set_issuer(&[expected.issuer]);
    // The library would ask the clock of the system.
    validation.validate_exp = false;
    let wire = jsonwebtoken::decode::<Wire>(token, &key, &validation)
        .map_err(|_| Refused::Invalid("its signature, issuer or audience is wrong"))?
        .claims;
    let seconds = now.millis().div_euclid(1000);
    let good_from = wire.iat.max(wire.nbf.unwrap_or(i64::MIN)).saturating_sub(SKEW);
    if seconds < good_from || wire.exp.saturating_add(SKEW) <= seconds {
        return Err(Refused::Invalid("it is not good now"));
    }
    if wire.nonce.as_deref() != Some(expected.nonce) {
        return Err(Refused::Invalid("it is of another attempt"));
    }
    if wire.azp.as_deref().is_some_and(|client| client != expected.client_id) {
        return Err(Refused::Invalid("it was given to another client"));
    }
    if wire.sub.is_empty() || wire.sub.len() > 255 {
        return Err(Refused::Invalid("it names nobody"));
    }
    let login = match expected.login_claim {
        "sub" => Some(wire.sub.clone()),
        claim => wire.more.get(claim).and_then(Value::as_str).map(str::to_owned),
    };
    let by_second_factor = wire.amr.iter().any(|method| SECOND_FACTORS.contains(&method.as_str()));
    Ok(Identity { subject: wire.sub, login, by_second_factor })
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::json;

    use super::*;

    const EXPECTED: Expected<'_> = Expected {
        issuer: "https://sso.example.cn",
        client_id: "suishoupai",
        nonce: "n-1",
        login_claim: "preferred_username",
    };
    const NOW: i64 = 1_772_588_000;

    fn key(seed: u8) -> EncodingKey {
        let head =
            [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
        EncodingKey::from_ed_der(&[head.as_slice(), &[seed; 32]].concat())
    }

    fn keys(seed: u8) -> JwkSet {
        let mut jwk = Jwk::from_encoding_key(&key(seed), Algorithm::EdDSA).unwrap();
        jwk.common.key_id = Some("k1".to_owned());
        JwkSet { keys: vec![jwk] }
    }

    fn claims() -> Value {
        json!({ "iss": EXPECTED.issuer, "aud": "suishoupai", "sub": "0042", "exp": NOW + 300, "iat": NOW,
            "nonce": "n-1", "preferred_username": "grid1", "amr": ["pwd", "otp"] })
    }

    fn signed(claims: &Value, kid: &str) -> String {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &key(7)).unwrap()
    }

    fn read_at(token: &str, seconds: i64) -> Result<Identity, Refused> {
        read(token, &keys(7), &EXPECTED, Moment::from_millis(seconds * 1000))
    }

    #[test]
    fn what_is_right_is_believed_in_its_time() {
        let token = signed(&claims(), "k1");
        let identity =
            Identity { subject: "0042".to_owned(), login: Some("grid1".to_owned()), by_second_factor: true };
        for seconds in [NOW - 60, NOW, NOW + 359] {
            assert_eq!(read_at(&token, seconds), Ok(Identity { ..read_at(&token, NOW).unwrap() }));
        }
        assert_eq!(read_at(&token, NOW).unwrap(), identity);
        for seconds in [NOW - 61, NOW + 360] {
            assert_eq!(read_at(&token, seconds), Err(Refused::Invalid("it is not good now")));
        }
    }

    #[test]
    fn whatever_else_it_says_is_not_believed() {
        let rows = [
            ("iss", json!("https://other.example.cn")),
            ("aud", json!("another-client")),
            ("aud", Value::Null),
            ("nonce", json!("n-2")),
            ("nonce", Value::Null),
            ("azp", json!("another-client")),
            ("sub", json!("")),
            ("exp", Value::Null),
        ];
        for (name, value) in rows {
            let mut claims = claims();
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value,
            }
            assert!(matches!(read_at(&signed(&claims, "k1"), NOW), Err(Refused::Invalid(_))), "{name}");
        }
        assert_eq!(read_at(&signed(&claims(), "k2"), NOW), Err(Refused::UnknownKey));
        let token = signed(&claims(), "k1");
        let other = read(&token, &keys(8), &EXPECTED, Moment::from_millis(NOW * 1000));
        assert!(matches!(other, Err(Refused::Invalid(_))));
    }

    #[test]
    fn a_public_key_is_no_secret_and_no_signature_is_none() {
        let public = match &keys(7).keys[0].algorithm {
            jsonwebtoken::jwk::AlgorithmParameters::OctetKeyPair(pair) => pair.x.clone(),
            other => panic!("{other:?}"),
        };
        let header = Header { kid: Some("k1".to_owned()), ..Header::new(Algorithm::HS256) };
        for secret in [public.as_bytes(), b"k1"] {
            let token = jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(secret)).unwrap();
            assert_eq!(read_at(&token, NOW), Err(Refused::Invalid("its algorithm is not allowed")));
        }
        let token = signed(&claims(), "k1");
        let body = token.split('.').nth(1).unwrap();
        // {"alg":"none","kid":"k1"}
        for forged in [
            format!("eyJhbGciOiJub25lIiwia2lkIjoiazEifQ.{body}."),
            format!("{}.{body}.", token.split('.').next().unwrap()),
            String::new(),
            "a.b.c".to_owned(),
        ] {
            assert!(matches!(read_at(&forged, NOW), Err(Refused::Invalid(_))), "{forged}");
        }
    }
}

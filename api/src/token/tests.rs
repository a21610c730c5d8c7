//! Genuine tokens are read; forgeries of every known kind are not.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::config::Secret;

const SEED: KeyBytes = [7; 32];
const NOW: Moment = Moment::from_millis(1_800_000_000_500);

fn keys() -> TokenKeys {
    TokenKeys::from_seed(&SEED, &Auth::default()).unwrap()
}

fn claims() -> Value {
    let now = NOW.millis() / 1000;
    json!({"sub": "5", "iss": ISSUER, "aud": AUDIENCE, "iat": now, "exp": now + 60, "sid": "s"})
}

/// A token signed by the right key with other claims.
fn signed(claims: &Value) -> String {
    let keys = keys();
    jsonwebtoken::encode(&keys.header, claims, &keys.signing).unwrap()
}

#[test]
fn an_issued_token_is_read_until_it_expires() {
    let keys = keys();
    let (token, expires) = keys.issue(42, None, NOW).unwrap();
    assert_eq!(expires, Moment::from_millis(1_800_000_000_000).plus_seconds(15 * 60));
    let claims = keys.verify(&token, NOW).unwrap();
    assert_eq!((claims.account_id, claims.expires), (42, expires));
    assert_eq!(claims.session, None);
    let (of_session, _) = keys.issue(42, Some(7), NOW).unwrap();
    assert_eq!(keys.verify(&of_session, NOW).unwrap().session, Some(7));
    assert!(keys.verify(&token, expires.plus_millis(-1)).is_ok());
    assert_eq!(keys.verify(&token, expires), Err(TokenError::Expired));
    assert_ne!(keys.issue(42, None, NOW).unwrap().0, token, "each sign-in is a session of its own");
}

#[test]
fn the_key_outlives_a_restart_and_may_come_from_the_settings() {
    let dir = tempfile::tempdir().unwrap();
    let config = Auth::default();
    let (token, _) = TokenKeys::load_or_create(dir.path(), &config).unwrap().issue(1, None, NOW).unwrap();
    assert!(TokenKeys::load_or_create(dir.path(), &config).unwrap().verify(&token, NOW).is_ok());

    let other = Auth { token_key: Some(Secret::new(STANDARD.encode(SEED))), ..config.clone() };
    let other = TokenKeys::load_or_create(dir.path(), &other).unwrap();
    assert_eq!(other.verify(&token, NOW), Err(TokenError::Invalid));
    assert!(keys().verify(&other.issue(1, None, NOW).unwrap().0, NOW).is_ok());

    let bad = Auth { token_key: Some(Secret::new("x")), ..config };
    assert!(TokenKeys::load_or_create(dir.path(), &bad).unwrap_err().to_string().contains("auth.token_key"));
}

#[test]
fn keys_are_exchanged_while_tokens_of_before_are_good() {
    let dir = tempfile::tempdir().unwrap();
    let config = Auth::default();
    let load = |config: &Auth| TokenKeys::load_or_create(dir.path(), config).unwrap();
    let first = load(&config);
    let (old, _) = first.issue(1, None, NOW).unwrap();
    assert_eq!(first.published().count(), 1);

    let kept = crate::keys::set_aside(dir.path(), "token").unwrap();
    assert!(kept.file_name().unwrap().to_str().unwrap().starts_with("token-"), "{kept:?}");
    let second = load(&config);
    let (new, _) = second.issue(1, None, NOW).unwrap();
    assert!(second.verify(&old, NOW).is_ok() && second.verify(&new, NOW).is_ok());
    assert_eq!(first.verify(&new, NOW), Err(TokenError::Invalid), "not before it was told");
    assert_eq!(second.published().count(), 2);
    assert_eq!(
        second.published().next().map(|(kid, _)| kid),
        second.header.kid,
        "the one that signs comes first"
    );
    assert!(second.published().all(|(kid, x)| kid.len() == 43 && x.len() == 43));

    std::fs::remove_file(kept).unwrap();
    assert_eq!(load(&config).verify(&old, NOW), Err(TokenError::Invalid));

    // By settings: the next key is told to all before one signs with it.
    let (one, two) = (STANDARD.encode([1; 32]), STANDARD.encode([2; 32]));
    let by = |now: &str, also: &str| Auth {
        token_key: Some(Secret::new(now)),
        token_keys_also: Some(Secret::new(also)),
        ..config.clone()
    };
    let (before, after) = (load(&by(&one, &two)), load(&by(&two, &format!("{one}, {two}"))));
    assert!(before.verify(&after.issue(1, None, NOW).unwrap().0, NOW).is_ok());
    assert!(after.verify(&before.issue(1, None, NOW).unwrap().0, NOW).is_ok());
    assert_eq!(after.published().count(), 2, "a key that is named twice is one");
}

#[test]
fn the_signature_is_that_of_rfc_8037() {
    // Appendix A.4: the key, the header and the payload are those of the example.
    let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let keys = TokenKeys::from_seed(&seed.try_into().unwrap(), &Auth::default()).unwrap();
    assert_eq!(keys.header.kid.as_deref(), Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
    let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = jsonwebtoken::crypto::sign(message, &keys.signing, Algorithm::EdDSA).unwrap();
    let expected = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert_eq!(signature, expected);
}

#[test]
fn another_algorithm_is_refused() {
    let keys = keys();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let kid = keys.header.kid.clone();
    for alg in ["none", "None", "NONE", ""] {
        let unsigned = format!("{}.{}.", part(&json!({"alg": alg, "kid": kid})), part(&claims()));
        assert_eq!(keys.verify(&unsigned, NOW), Err(TokenError::Invalid), "{alg}");
    }
    // The public key is no secret, so it must not serve as one.
    let public = Jwk::from_encoding_key(&keys.signing, Algorithm::EdDSA).unwrap();
    let jsonwebtoken::jwk::AlgorithmParameters::OctetKeyPair(pair) = &public.algorithm else {
        panic!("not Ed25519")
    };
    for secret in [URL_SAFE_NO_PAD.decode(&pair.x).unwrap(), pair.x.clone().into_bytes()] {
        for alg in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let header = Header { kid: kid.clone(), ..Header::new(alg) };
            let forged =
                jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(&secret)).unwrap();
            assert_eq!(keys.verify(&forged, NOW), Err(TokenError::Invalid));
        }
    }
}

#[test]
fn claims_that_this_server_does_not_issue_are_refused() {
    let now = NOW.millis() / 1000;
    let rows = [
        ("aud", json!("another"), Err(TokenError::Invalid)),
        ("aud", json!(null), Err(TokenError::Invalid)),
        ("iss", json!("another"), Err(TokenError::Invalid)),
        ("sub", json!("five"), Err(TokenError::Invalid)),
        ("sub", json!(5), Err(TokenError::Invalid)),
        ("exp", json!(null), Err(TokenError::Invalid)),
        ("exp", json!("soon"), Err(TokenError::Invalid)),
        ("exp", json!(now), Err(TokenError::Expired)),
        ("exp", json!(i64::MIN), Err(TokenError::Expired)),
        ("iat", json!(now + 86_401), Err(TokenError::Invalid)),
        ("iat", json!(now + 86_400), Ok(())),
        ("nbf", json!(now + 60), Ok(())),
        ("nbf", json!(now + 61), Err(TokenError::Invalid)),
        ("nbf", json!(now), Ok(())),
        ("exp", json!(i64::MAX), Ok(())),
    ];
    for (name, value, expected) in rows {
        let mut claims = claims();
        claims[name] = value;
        assert_eq!(keys().verify(&signed(&claims), NOW).map(|_| ()), expected, "{claims}");
    }
    for name in ["sub", "iss", "aud", "iat", "exp", "sid"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        assert_eq!(keys().verify(&signed(&claims), NOW), Err(TokenError::Invalid), "without {name}");
    }
}

#[test]
fn another_key_or_key_id_is_refused() {
    let other = TokenKeys::from_seed(&[8; 32], &Auth::default()).unwrap();
    assert_eq!(keys().verify(&other.issue(5, None, NOW).unwrap().0, NOW), Err(TokenError::Invalid));
    let header = Header { kid: other.header.kid, ..keys().header };
    let token = jsonwebtoken::encode(&header, &claims(), &keys().signing).unwrap();
    assert_eq!(keys().verify(&token, NOW), Err(TokenError::Invalid));
}

#[test]
fn a_long_text_is_refused_unread() {
    let mut claims = claims();
    claims["sid"] = json!("s".repeat(MAX_BYTES));
    assert_eq!(keys().verify(&signed(&claims), NOW), Err(TokenError::Invalid));
    assert!(!format!("{:?}", keys()).contains("signing"), "the key is not printed");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_altered_byte_is_noticed(place in any::<prop::sample::Index>(), bit in 0..7u8) {
        let keys = keys();
        let (token, _) = keys.issue(42, None, NOW).unwrap();
        let mut bytes = token.into_bytes();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let altered = String::from_utf8(bytes).unwrap();
        prop_assert_eq!(keys.verify(&altered, NOW), Err(TokenError::Invalid));
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,60}", dots in "[a-zA-Z0-9_-]{0,20}(\\.[a-zA-Z0-9_-]{0,20}){0,3}") {
        prop_assert!(keys().verify(&text, NOW).is_err());
        prop_assert!(keys().verify(&dots, NOW).is_err());
    }
}

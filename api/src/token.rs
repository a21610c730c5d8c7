//! Access tokens: JSON web tokens (RFC 7519) signed with Ed25519 (RFC 8037).

mod seen;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use seen::Seen;
use serde::{Deserialize, Serialize};
use suishoupai_core::time::Moment;

use crate::config::{Auth, BadKey, Secret};
use crate::keys::{self, KeyBytes, KeyError};

const ISSUER: &str = "suishoupai";
const AUDIENCE: &str = "suishoupai";
/// A longer text is no token of this server: its own have about 300 bytes.
const MAX_BYTES: usize = 4096;
/// How far the clocks of two processes may be apart, in seconds.
const SKEW_SECONDS: i64 = 60;
/// How far back the clock of a server may be set before those who signed in by the later time have to do so again. Only
/// this installation signs its tokens, so one from the future tells of its clocks and of nothing else.
const STEP_SECONDS: i64 = 24 * 3600;
/// What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410, section 7).
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// Issues and verifies access tokens.
#[derive(Clone)]
pub struct TokenKeys {
    header: Header,
    signing: EncodingKey,
    /// The key that signs, and those that did or will: so keys are exchanged while tokens of before are still good.
    verifying: Arc<[(String, DecodingKey)]>,
    /// The names of the keys with their public halves in base64, as they are published.
    published: Arc<[(String, String)]>,
    validation: Validation,
    lifetime_seconds: i64,
    /// Tokens whose signature is known to be good: a phone sends the same one with every request.
    seen: Arc<Seen>,
}

/// What a token says, once its signature and times are verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The account that signed in.
    pub account_id: i64,
    /// The session of the database that it ends with; none for a token that was given without one.
    pub session: Option<i64>,
    /// When it was issued.
    pub issued: Moment,
    /// From when on it is refused.
    pub expires: Moment,
}

/// What a token says, once its signature is verified.
#[derive(Clone, Debug)]
struct Signed {
    claims: Claims,
    /// From when on it is good, in seconds.
    soonest: i64,
}

/// A token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is not a token of this server, or was altered.
    #[error("the access token is not valid")]
    Invalid,
    /// It was good once.
    #[error("the access token has expired")]
    Expired,
}

/// The keys for tokens cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum TokenKeyError {
    /// The key file.
    #[error(transparent)]
    File(#[from] KeyError),
    /// The setting `auth.token_key` or `auth.token_keys_also`.
    #[error("auth.token_key {0}")]
    Setting(#[from] BadKey),
    /// The signature library refuses the key, or fails.
    #[error("cannot sign access tokens: {0}")]
    Library(#[from] jsonwebtoken::errors::Error),
}

/// The claims as written (RFC 7519, section 4.1); times in seconds.
#[derive(Serialize, Deserialize)]
struct Wire {
    sub: String,
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    sid: String,
}

impl TokenKeys {
    /// The key of the setting `auth.token_key`, else that of `DIR/keys/token.key`, which is made on the first start. The
    /// tokens of the keys of `auth.token_keys_also` and of the files `DIR/keys/token-*.key` are good too.
    ///
    /// # Errors
    /// [`TokenKeyError`] when a setting or file is not a key, or the file cannot be made.
    pub fn load_or_create(data_dir: &Path, config: &Auth) -> Result<Self, TokenKeyError> {
        let seed = match &config.token_key {
            Some(key) => key.key_bytes()?,
            None => keys::read_or_create(data_dir, "token")?,
        };
        let mut others = keys::others(data_dir, "token")?;
        for key in config.token_keys_also.iter().flat_map(Secret::parts) {
            others.push(key.key_bytes()?);
        }
        Self::from_seeds(&seed, &others, config)
    }

    #[cfg(test)]
    fn from_seed(seed: &KeyBytes, config: &Auth) -> Result<Self, TokenKeyError> {
        Self::from_seeds(seed, &[], config)
    }

    fn from_seeds(seed: &KeyBytes, others: &[KeyBytes], config: &Auth) -> Result<Self, TokenKeyError> {
        let mut published = Vec::new();
        let mut verifying = Vec::new();
        for seed in std::iter::once(seed).chain(others) {
            let public = Jwk::from_encoding_key(&signing_key(seed), Algorithm::EdDSA)?;
            let kid = public.thumbprint(ThumbprintHash::SHA256)?;
            if verifying.iter().any(|(known, _)| *known == kid) {
                continue;
            }
            verifying.push((kid.clone(), DecodingKey::from_jwk(&public)?));
            if let AlgorithmParameters::OctetKeyPair(pair) = public.algorithm {
                published.push((kid, pair.x));
            }
        }
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = verifying.first().map(|(kid, _)| kid.clone());
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_required_spec_claims(&["aud", "iss", "sub"]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[ISSUER]);
        // The library would ask the clock of the system; `verify` is told the time instead.
        validation.validate_exp = false;
        let lifetime_seconds = i64::from(config.token_minutes) * 60;
        let (signing, verifying, published) = (signing_key(seed), verifying.into(), published.into());
        let seen = Arc::default();
        Ok(Self { header, signing, verifying, published, validation, lifetime_seconds, seen })
    }

    /// The names and public halves of all keys, the one that signs first.
    pub fn published(&self) -> impl Iterator<Item = (String, String)> + '_ {
        self.published.iter().cloned()
    }

    /// A new token for the account, and from when on it is refused. It ends with the session before; without one, only by
    /// its time and with the account.
    ///
    /// # Errors
    /// Only when the signature library fails.
    pub fn issue(
        &self,
        account_id: i64,
        session: Option<i64>,
        now: Moment,
    ) -> Result<(String, Moment), TokenKeyError> {
        let issued = now.millis().div_euclid(1000);
        let expires = issued.saturating_add(self.lifetime_seconds);
        let wire = Wire {
            sub: account_id.to_string(),
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            iat: issued,
            exp: expires,
            nbf: None,
            sid: session.map_or_else(|| hex::encode(rand::random::<[u8; 16]>()), |id| id.to_string()),
        };
        Ok((jsonwebtoken::encode(&self.header, &wire, &self.signing)?, at(expires)))
    }

    /// What the token says, if this server issued it and it is good at `now`.
    ///
    /// # Errors
    /// [`TokenError::Expired`] for a genuine token that is too old, [`TokenError::Invalid`] for anything else.
    pub fn verify(&self, token: &str, now: Moment) -> Result<Claims, TokenError> {
        if token.len() > MAX_BYTES {
            return Err(TokenError::Invalid);
        }
        let signed = self.seen.get_or(token, || self.read(token))?;
        let seconds = now.millis().div_euclid(1000);
        if signed.soonest > seconds {
            return Err(TokenError::Invalid);
        }
        if signed.claims.expires.millis().div_euclid(1000) <= seconds {
            return Err(TokenError::Expired);
        }
        Ok(signed.claims)
    }

    /// What the token says, if this server signed it, whatever the time.
    fn read(&self, token: &str) -> Result<Signed, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
        let key = self.verifying.iter().find(|(kid, _)| header.kid.as_deref() == Some(kid));
        let (_, key) = key.ok_or(TokenError::Invalid)?;
        let read = jsonwebtoken::decode::<Wire>(token, key, &self.validation);
        let wire = read.map_err(|_| TokenError::Invalid)?.claims;
        let account_id = wire.sub.parse().map_err(|_| TokenError::Invalid)?;
        let claims = Claims {
            account_id,
            session: wire.sid.parse().ok(),
            issued: at(wire.iat),
            expires: at(wire.exp),
        };
        let not_before = wire.nbf.map_or(i64::MIN, |soonest| soonest.saturating_sub(SKEW_SECONDS));
        Ok(Signed { claims, soonest: not_before.max(wire.iat.saturating_sub(STEP_SECONDS)) })
    }
}

impl fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenKeys").field("kid", &self.header.kid).finish_non_exhaustive()
    }
}

fn signing_key(seed: &KeyBytes) -> EncodingKey {
    EncodingKey::from_ed_der(&[PKCS8_PREFIX.as_slice(), seed].concat())
}

fn at(seconds: i64) -> Moment {
    Moment::from_millis(seconds.saturating_mul(1000))
}

#[cfg(test)]
mod tests;

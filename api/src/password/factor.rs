//! The second factor: codes by time (RFC 6238, with the SHA-1, 30 seconds and six digits that every application for
//! phones has), and recovery codes for when the phone is lost.

use hmac::digest::KeyInit as _;
use hmac::{Hmac, Mac as _};
use rand::RngExt as _;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use suishoupai_core::time::Moment;

/// How long a code is shown, milliseconds.
const STEP_MILLIS: i64 = 30_000;
/// A code of so many steps before or after is taken too, for clocks that are not quite right.
const DRIFT: i64 = 1;
const MODULUS: u32 = 1_000_000;
/// RFC 4648, section 6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// How many recovery codes are given at once.
pub const RECOVERY_CODES: usize = 10;
/// Their letters: none that is taken for another one.
const READABLE: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
const RECOVERY_GROUPS: usize = 4;

/// The secret that server and phone share: 160 bits, as RFC 4226 recommends.
#[derive(Clone, PartialEq, Eq)]
pub struct FactorSecret([u8; 20]);

impl std::fmt::Debug for FactorSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FactorSecret([redacted])")
    }
}

impl FactorSecret {
    /// A new one, by lot.
    pub fn draw() -> Self {
        Self(rand::random())
    }

    /// As it is kept before it is sealed, and typed where no picture can be scanned: 32 letters and digits.
    pub fn to_text(&self) -> String {
        // 20 bytes are 32 groups of five bits.
        let bit = |at: usize| self.0.get(at / 8).map_or(0, |byte| usize::from(byte >> (7 - at % 8) & 1));
        let letter = |group: usize| (0..5).fold(0, |value, at| value * 2 + bit(group * 5 + at));
        (0..32).map(|group| char::from(BASE32[letter(group) % 32])).collect()
    }

    /// Reads [`FactorSecret::to_text`].
    pub fn from_text(text: &str) -> Option<Self> {
        let mut bytes = [0u8; 20];
        if text.len() != 32 {
            return None;
        }
        for (group, letter) in text.bytes().enumerate() {
            let value = BASE32.iter().position(|known| *known == letter)?;
            for at in 0..5 {
                let place = group * 5 + at;
                bytes[place / 8] |= u8::from(value >> (4 - at) & 1 == 1) << (7 - place % 8);
            }
        }
        Some(Self(bytes))
    }

    /// What a phone scans, by the form that applications agree on. `issuer` and `account` say which entry it is.
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let part = |text: &str| {
            form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
        };
        let (issuer, account) = (part(issuer), part(account));
        format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits=6&period=30",
            self.to_text()
        )
    }

    /// The code that a phone shows at an instant.
    pub fn code_at(&self, now: Moment) -> String {
        format!("{:06}", self.code(now.millis().div_euclid(STEP_MILLIS)))
    }

    /// The step of the clock to which a code belongs, if it is one of about now.
    pub fn step_of(&self, code: &str, now: Moment) -> Option<i64> {
        let present = now.millis().div_euclid(STEP_MILLIS);
        // All are compared, so that the time taken does not tell which one it was.
        (present - DRIFT..=present + DRIFT).fold(None, |found, step| {
            let equal = bool::from(format!("{:06}", self.code(step)).as_bytes().ct_eq(code.as_bytes()));
            if equal { Some(step) } else { found }
        })
    }

    /// RFC 4226, section 5.3.
    fn code(&self, step: i64) -> u32 {
        let mut block = [0u8; 64];
        block[..20].copy_from_slice(&self.0);
        let mut hmac = Hmac::<Sha1>::new(&block.into());
        hmac.update(&step.to_be_bytes());
        let digest = hmac.finalize().into_bytes();
        let at = usize::from(digest[19] & 0x0f);
        let part = digest.iter().skip(at).take(4).fold(0u32, |value, byte| value << 8 | u32::from(*byte));
        (part & 0x7fff_ffff) % MODULUS
    }
}

/// New recovery codes, to be shown once: four groups of four, 79 bits each.
pub fn draw_recovery() -> Vec<String> {
    let mut random = rand::rng();
    let mut group = || (0..4).map(|_| char::from(READABLE[random.random_range(0..READABLE.len())])).collect();
    (0..RECOVERY_CODES)
        .map(|_| (0..RECOVERY_GROUPS).map(|_| group()).collect::<Vec<String>>().join("-"))
        .collect()
}

/// The digest by which a recovery code is kept, blanks, hyphens and capitals not minded. They are long enough by lot that
/// nobody finds one by trying, so a digest needs no salt and no slowness.
pub fn recovery_hash(code: &str) -> Vec<u8> {
    let letters: String = code.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect();
    Sha256::digest(letters.to_lowercase().as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238, appendix B.
    const SECRET: FactorSecret = FactorSecret(*b"12345678901234567890");

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        let rows = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ];
        for (second, code) in rows {
            assert_eq!(SECRET.code_at(Moment::from_millis(second * 1000)), code, "{second}");
        }
    }

    #[test]
    fn a_code_is_taken_in_its_step_and_those_beside_it() {
        let at = |seconds: i64| Moment::from_millis(seconds * 1000);
        let code = SECRET.code_at(at(1_234_567_890));
        let step = 1_234_567_890 / 30;
        for (shift, expected) in
            [(-60, None), (-30, Some(step)), (0, Some(step)), (59, Some(step)), (60, None)]
        {
            assert_eq!(SECRET.step_of(&code, at(1_234_567_890 + shift)), expected, "{shift}");
        }
        for wrong in ["", "5924", "0059240", "００５９２４"] {
            assert_eq!(SECRET.step_of(wrong, at(1_234_567_890)), None, "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_written_by_rfc_4648_and_read_again() {
        assert_eq!(SECRET.to_text(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let drawn = FactorSecret::draw();
        assert_eq!(FactorSecret::from_text(&drawn.to_text()), Some(drawn));
        assert_eq!(FactorSecret::from_text("GEZDGNBVGY3TQOJQ"), None);
        assert_eq!(FactorSecret::from_text(&"1".repeat(32)), None);
        let uri = SECRET.uri("随手拍 思明", "zhang san");
        assert!(uri.starts_with("otpauth://totp/%E9%9A%8F"), "{uri}");
        assert!(
            uri.contains("%20") && !uri.contains('+') && uri.contains(":zhang%20san?secret=GEZD"),
            "{uri}"
        );
    }

    #[test]
    fn recovery_codes_are_many_different_and_forgiving_to_type() {
        let codes = draw_recovery();
        assert_eq!(codes.len(), RECOVERY_CODES);
        for (at, code) in codes.iter().enumerate() {
            assert_eq!(code.len(), 19, "{code}");
            assert!(!codes[..at].contains(code));
            let typed = code.replace('-', " ").to_uppercase();
            assert_eq!(recovery_hash(&typed), recovery_hash(code));
        }
        assert_ne!(recovery_hash(&codes[0]), recovery_hash(&codes[1]));
    }
}

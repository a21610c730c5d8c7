//! Personal data at rest: sealed with XChaCha20-Poly1305 under a versioned key, and found again by a keyed index.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use rand::Rng;
use sha2::Sha256;

/// The version byte that stands before everything sealed with the present key.
const VERSION: u8 = 1;
const NONCE: usize = 24;

/// Seals and opens personal data.
#[derive(Clone)]
pub struct Sealer {
    cipher: XChaCha20Poly1305,
    index_key: [u8; 32],
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer([redacted])")
    }
}

/// Sealed data cannot be opened: wrong key, wrong column, or altered.
#[derive(Debug, thiserror::Error)]
#[error("sealed data cannot be opened with the present key")]
pub struct CannotOpen;

impl Sealer {
    /// A sealer with this master key; the keys for sealing and for the index are derived from it.
    pub fn new(master: &[u8; 32]) -> Self {
        let seal_key = mac(master, b"suishoupai seal v1");
        Self {
            cipher: XChaCha20Poly1305::new(&seal_key.into()),
            index_key: mac(master, b"suishoupai blind index v1"),
        }
    }

    /// Seals a text for one column; sealed for one, it does not open for another.
    ///
    /// # Errors
    /// Never for texts of a bearable size.
    pub fn seal(&self, column: &str, text: &str) -> Result<Vec<u8>, CannotOpen> {
        let mut nonce = [0u8; NONCE];
        rand::rng().fill_bytes(&mut nonce);
        let payload = Payload { msg: text.as_bytes(), aad: column.as_bytes() };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| CannotOpen)?;
        Ok([&[VERSION][..], &nonce, &sealed].concat())
    }

    /// Opens what was sealed for this column.
    ///
    /// # Errors
    /// [`CannotOpen`].
    pub fn open(&self, column: &str, sealed: &[u8]) -> Result<String, CannotOpen> {
        let rest = sealed.strip_prefix(&[VERSION]).ok_or(CannotOpen)?;
        let (nonce, body) = rest.split_at_checked(NONCE).ok_or(CannotOpen)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| CannotOpen)?;
        let payload = Payload { msg: body, aad: column.as_bytes() };
        let text = self.cipher.decrypt(&XNonce::from(nonce), payload).map_err(|_| CannotOpen)?;
        String::from_utf8(text).map_err(|_| CannotOpen)
    }

    /// The blind index of a value: equal values have equal indexes, and nothing can be read from one without the
    /// key. `kind` keeps the indexes of different kinds of values apart.
    pub fn index(&self, kind: &str, value: &str) -> Vec<u8> {
        mac(&self.index_key, format!("{kind}\0{value}").as_bytes()).to_vec()
    }
}

fn mac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    // HMAC pads a short key with zeros to its block of 64 bytes; doing it here keeps the length right by type.
    let mut block = [0u8; 64];
    block[..32].copy_from_slice(key);
    let mut hmac = <Hmac<Sha256> as hmac::digest::KeyInit>::new(&block.into());
    hmac.update(message);
    hmac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_with_its_key_and_for_its_column() {
        let sealer = Sealer::new(&[7; 32]);
        let sealed = sealer.seal("phone", "13800000013").unwrap();
        assert_eq!(sealer.open("phone", &sealed).unwrap(), "13800000013");
        assert!(sealer.open("contact", &sealed).is_err());
        assert!(Sealer::new(&[8; 32]).open("phone", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(sealer.open("phone", &altered).is_err(), "byte {at}");
        }
        assert!(sealer.open("phone", &[]).is_err());
    }

    #[test]
    fn the_same_text_is_sealed_differently_and_indexed_equally() {
        let sealer = Sealer::new(&[7; 32]);
        assert_ne!(sealer.seal("phone", "1").unwrap(), sealer.seal("phone", "1").unwrap());
        assert_eq!(sealer.index("phone", "1"), sealer.index("phone", "1"));
        assert_ne!(sealer.index("phone", "1"), sealer.index("receipt", "1"));
    }
}

//! Personal data at rest: sealed with XChaCha20-Poly1305 under a versioned key, and found again by a keyed index.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use rand::Rng;
use sha2::Sha256;

/// Bytes of a nonce.
const NONCE: usize = 24;

/// The keys of an installation: the oldest first, each known by its place from 1 on. The newest seals, unless another one
/// is named; the oldest also gives the keys of the blind indexes, which stay as they are when keys are exchanged.
#[derive(Clone)]
pub struct KeyRing {
    keys: Vec<Option<[u8; 32]>>,
    seals: usize,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyRing({} keys, [redacted])", self.keys.len())
    }
}

/// The keys make no ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRing {
    /// There is none, or too many.
    #[error("a key ring has 1 to 255 keys")]
    Count,
    /// The oldest or the sealing one was taken out.
    #[error("the oldest key and the one that seals cannot be taken out of the ring")]
    Missing,
}

impl KeyRing {
    /// A ring of these keys, oldest first; `None` for one that was taken out. `seals` is the place of the key that seals,
    /// from 1 on, or 0 for the newest.
    ///
    /// # Errors
    /// [`BadRing`].
    pub fn new(keys: Vec<Option<[u8; 32]>>, seals: usize) -> Result<Self, BadRing> {
        if keys.is_empty() || keys.len() > usize::from(u8::MAX) {
            return Err(BadRing::Count);
        }
        let seals = if seals == 0 { keys.len() } else { seals };
        if keys[0].is_none() || keys.get(seals - 1).is_none_or(Option::is_none) {
            return Err(BadRing::Missing);
        }
        Ok(Self { keys, seals })
    }

    /// A ring of one key.
    pub fn of(key: [u8; 32]) -> Self {
        Self { keys: vec![Some(key)], seals: 1 }
    }

    /// The oldest key, of which the indexes and the keys for signed links are made.
    pub fn oldest(&self) -> [u8; 32] {
        self.keys.first().copied().flatten().unwrap_or_default()
    }
}

/// Seals and opens personal data. Cheap to clone.
#[derive(Clone)]
pub struct Sealer {
    ciphers: std::sync::Arc<[Option<XChaCha20Poly1305>]>,
    seals: u8,
    index_key: [u8; 32],
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer([redacted])")
    }
}

/// Sealed data cannot be opened: wrong key, wrong column, or altered.
#[derive(Debug, thiserror::Error)]
#[error("sealed data cannot be opened with the keys of the ring")]
pub struct CannotOpen;

impl Sealer {
    /// A sealer with this ring; the keys for sealing and for the index are derived from its keys.
    pub fn new(ring: &KeyRing) -> Self {
        let cipher = |key: &[u8; 32]| XChaCha20Poly1305::new(&mac(key, b"suishoupai seal v1").into());
        Self {
            ciphers: ring.keys.iter().map(|key| key.as_ref().map(cipher)).collect(),
            seals: u8::try_from(ring.seals).unwrap_or(u8::MAX),
            index_key: mac(&ring.oldest(), b"suishoupai blind index v1"),
        }
    }

    /// The place in the ring of the key that seals.
    pub fn version(&self) -> u8 {
        self.seals
    }

    fn cipher(&self, version: u8) -> Result<&XChaCha20Poly1305, CannotOpen> {
        let at = usize::from(version).checked_sub(1).ok_or(CannotOpen)?;
        self.ciphers.get(at).and_then(Option::as_ref).ok_or(CannotOpen)
    }

    /// Seals a text for one column; sealed for one, it does not open for another.
    ///
    /// # Errors
    /// Never for texts of a bearable size.
    pub fn seal(&self, column: &str, text: &str) -> Result<Vec<u8>, CannotOpen> {
        let mut nonce = [0u8; NONCE];
        rand::rng().fill_bytes(&mut nonce);
        let payload = Payload { msg: text.as_bytes(), aad: column.as_bytes() };
        let cipher = self.cipher(self.seals)?;
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| CannotOpen)?;
        Ok([&[self.seals][..], &nonce, &sealed].concat())
    }

    /// Opens what was sealed for this column, with whichever key of the ring.
    ///
    /// # Errors
    /// [`CannotOpen`].
    pub fn open(&self, column: &str, sealed: &[u8]) -> Result<String, CannotOpen> {
        let (version, rest) = sealed.split_first().ok_or(CannotOpen)?;
        let (nonce, body) = rest.split_at_checked(NONCE).ok_or(CannotOpen)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| CannotOpen)?;
        let payload = Payload { msg: body, aad: column.as_bytes() };
        let cipher = self.cipher(*version)?;
        let text = cipher.decrypt(&XNonce::from(nonce), payload).map_err(|_| CannotOpen)?;
        String::from_utf8(text).map_err(|_| CannotOpen)
    }

    /// Seals anew what an older key has sealed; `None` for what the present one has.
    ///
    /// # Errors
    /// [`CannotOpen`].
    pub fn reseal(&self, column: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, CannotOpen> {
        if sealed.first() == Some(&self.seals) {
            return Ok(None);
        }
        self.seal(column, &self.open(column, sealed)?).map(Some)
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

    fn sealer(key: u8) -> Sealer {
        Sealer::new(&KeyRing::of([key; 32]))
    }

    #[test]
    fn opens_only_with_its_key_and_for_its_column() {
        let sealer = sealer(7);
        let sealed = sealer.seal("phone", "13800000013").unwrap();
        assert_eq!(sealer.open("phone", &sealed).unwrap(), "13800000013");
        assert!(sealer.open("contact", &sealed).is_err());
        assert!(self::sealer(8).open("phone", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(sealer.open("phone", &altered).is_err(), "byte {at}");
        }
        assert!(sealer.open("phone", &[]).is_err());
    }

    #[test]
    fn the_same_text_is_sealed_differently_and_indexed_equally() {
        let sealer = sealer(7);
        assert_ne!(sealer.seal("phone", "1").unwrap(), sealer.seal("phone", "1").unwrap());
        assert_eq!(sealer.index("phone", "1"), sealer.index("phone", "1"));
        assert_ne!(sealer.index("phone", "1"), sealer.index("receipt", "1"));
    }

    #[test]
    fn a_newer_key_seals_and_older_ones_still_open() {
        let old = sealer(7);
        let sealed = old.seal("phone", "13800000013").unwrap();
        let ring = |seals| KeyRing::new(vec![Some([7; 32]), Some([8; 32])], seals).unwrap();
        let new = Sealer::new(&ring(0));
        assert_eq!(new.open("phone", &sealed).unwrap(), "13800000013");
        assert_eq!(new.index("phone", "1"), old.index("phone", "1"), "what is indexed is found as before");
        let again = new.reseal("phone", &sealed).unwrap().unwrap();
        assert_eq!(new.reseal("phone", &again).unwrap(), None);
        assert!(old.open("phone", &again).is_err(), "the old key does not open it any more");
        // A process that was not told to use the new key yet opens what the others have sealed with it.
        let waiting = Sealer::new(&ring(1));
        assert_eq!(waiting.open("phone", &again).unwrap(), "13800000013");
        assert_eq!((waiting.version(), new.version()), (1, 2));
    }

    #[test]
    fn a_ring_keeps_its_oldest_key_and_the_one_that_seals() {
        let key = Some([7; 32]);
        assert!(KeyRing::new(vec![key, None, key], 0).is_ok());
        assert_eq!(KeyRing::new(vec![], 0).unwrap_err(), BadRing::Count);
        assert_eq!(KeyRing::new(vec![key; 256], 0).unwrap_err(), BadRing::Count);
        for (keys, seals) in
            [(vec![None, key], 0), (vec![key, None], 0), (vec![key, None, key], 2), (vec![key], 2)]
        {
            assert_eq!(KeyRing::new(keys, seals).unwrap_err(), BadRing::Missing);
        }
        assert!(!format!("{:?}", KeyRing::of([7; 32])).contains('7'));
    }
}

//! The key with which packages of evidence are signed: Ed25519, and nothing else is done with it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};

use crate::app::StartError;
use crate::config::Config;
use crate::keys;

/// What stands before the 32 bytes of a public Ed25519 key in its DER form (RFC 8410, section 4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// The name of the algorithm in keys of OpenSSH (RFC 8709).
const OPENSSH: &str = "ssh-ed25519";

/// The installation's key for evidence.
pub struct EvidenceKey {
    signing: SigningKey,
}

impl std::fmt::Debug for EvidenceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EvidenceKey({})", self.id())
    }
}

impl EvidenceKey {
    /// The key of the setting `auth.evidence_key`, else that of `DIR/keys/evidence.key`, which is made on the first use.
    ///
    /// # Errors
    /// When the setting or the file is not a key, or the file cannot be made.
    pub fn load_or_create(config: &Config) -> Result<Self, StartError> {
        let seed = match &config.auth.evidence_key {
            Some(key) => {
                key.key_bytes().map_err(|error| StartError::Setting(format!("auth.evidence_key {error}")))?
            }
            None => keys::read_or_create(&config.data.dir, "evidence")?,
        };
        Ok(Self { signing: SigningKey::from_bytes(&seed) })
    }

    fn public(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }

    fn der(&self) -> Vec<u8> {
        [SPKI_PREFIX.as_slice(), &self.public()].concat()
    }

    /// SHA-256 of the public key's DER form, in hexadecimal: what `openssl pkey -pubin -outform DER | sha256sum` says.
    pub fn id(&self) -> String {
        hex::encode(Sha256::digest(self.der()))
    }

    /// The public key as PEM.
    pub fn pem(&self) -> String {
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(self.der()))
    }

    /// The public key as OpenSSH writes it.
    pub fn openssh(&self) -> String {
        let part = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes(), bytes].concat();
        let blob = [part(OPENSSH.as_bytes()), part(&self.public())].concat();
        format!("{OPENSSH} {} suishoupai-evidence", STANDARD.encode(blob))
    }

    /// The signature of a text, 64 bytes.
    pub fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.signing.sign(text).to_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_key_is_that_of_the_standard_and_the_signature_too() {
        // RFC 8032, section 7.1, test 1.
        let seed = hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        let key = EvidenceKey { signing: SigningKey::from_bytes(&seed.try_into().unwrap()) };
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(hex::encode(key.public()), public);
        assert!(hex::encode(key.sign(b"")).starts_with("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974"));
        assert!(key.pem().contains("MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="));
        assert!(key.openssh().starts_with("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"));
        assert!(!format!("{key:?}").contains("9d61"));
    }
}

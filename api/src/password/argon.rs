//! argon2id as PHC strings, in memory that goes back to the system at once.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq as _;

use super::PasswordError;

/// Memory of one computation, in KiB: 19 MiB, with [`PASSES`] and [`LANES`] as OWASP's Password Storage Cheat Sheet has
/// it. The same everywhere, so that a hash made in a trial is as strong as any.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// Bytes that are asked for in one piece, of which only what a computation uses is ever backed by memory. The malloc of
/// glibc hands back what is larger than 32 MiB (`DEFAULT_MMAP_THRESHOLD_MAX` in mallopt(3)) whenever it is freed; of smaller
/// pieces it learns to keep one for each thread that once computed a hash.
const PIECE: usize = 33 << 20;

fn failed(error: impl std::fmt::Display) -> PasswordError {
    PasswordError::Failed(error.to_string())
}

/// The hash of a password, with a salt of its own.
pub(super) fn hash(password: &str) -> Result<String, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_BYTES)).map_err(failed)?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let (salt, mut out) = (rand::random::<[u8; SALT_BYTES]>(), [0; HASH_BYTES]);
    compute(&argon, password, &salt, &mut out)?;
    Ok(phc(&salt, &out))
}

/// Whether a password is that of a hash.
pub(super) fn verify(password: &str, stored: &str) -> Result<bool, PasswordError> {
    let stored = PasswordHash::new(stored).map_err(failed)?;
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else {
        return Err(failed("what is stored has no hash in it"));
    };
    let algorithm = Algorithm::try_from(stored.algorithm.as_str()).map_err(failed)?;
    let version = stored.version.map(Version::try_from).transpose().map_err(failed)?.unwrap_or_default();
    let params = Params::try_from(&stored).map_err(failed)?;
    let mut out = vec![0; expected.len()];
    compute(&Argon2::new(algorithm, version, params), password, salt.as_ref(), &mut out)?;
    Ok(out.ct_eq(expected.as_ref()).into())
}

/// A hash drawn by lot: no password is known for it, and comparing takes as long as with any other.
pub(super) fn of_nobody() -> String {
    phc(&rand::random::<[u8; SALT_BYTES]>(), &rand::random::<[u8; HASH_BYTES]>())
}

fn phc(salt: &[u8], hash: &[u8]) -> String {
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${hash}")
}

fn compute(argon: &Argon2<'_>, password: &str, salt: &[u8], out: &mut [u8]) -> Result<(), PasswordError> {
    let count = argon.params().block_count();
    let mut blocks = Vec::with_capacity(count.max(PIECE / Block::SIZE));
    blocks.resize(count, Block::new());
    argon.hash_password_into_with_memory(password.as_bytes(), salt, out, &mut blocks).map_err(failed)
}

#[cfg(test)]
mod tests {
    use argon2::PasswordHasher as _;

    use super::*;

    #[test]
    fn hashes_are_those_of_the_algorithm() {
        let argon = Argon2::default();
        let theirs = argon.hash_password_with_salt(b"the password", b"a salt of bytes!").unwrap();
        assert!(verify("the password", &theirs.to_string()).unwrap());
        assert!(!verify("another one", &theirs.to_string()).unwrap());
        let params = Params::new(64, 3, 2, Some(24)).unwrap();
        let other = Argon2::new(Algorithm::Argon2i, Version::V0x10, params);
        let theirs = other.hash_password_with_salt(b"the password", b"a salt of bytes!").unwrap();
        assert!(verify("the password", &theirs.to_string()).unwrap(), "parameters are those that are stored");
        let ours = hash("the password").unwrap();
        assert_eq!(PasswordHash::new(&ours).unwrap().to_string(), ours);
    }
}

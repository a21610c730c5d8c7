//! Passwords: argon2id hashes, made and compared off the threads that answer requests.

pub mod factor;
pub mod rules;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tokio::sync::Semaphore;

/// Memory of one computation, in KiB: 19 MiB, with [`PASSES`] and [`LANES`] as OWASP's Password Storage Cheat Sheet has
/// it. The same everywhere, so that a hash made in a trial is as strong as any.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Computations at once: together they take 38 MiB, and never all cores.
const AT_ONCE: usize = 2;
/// Computations under way and waiting; one more is refused, rather than answered after the client gave up.
const MAX_WAITING: usize = 64;
/// Longest password, in bytes.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// Hashes and verifies passwords. Clones share the bound on computations at once.
#[derive(Clone, Debug)]
pub struct Passwords {
    waiting: Arc<Semaphore>,
    computing: Arc<Semaphore>,
    /// The hash of a random password that nobody knows, to be compared when there is no account.
    nobody: Arc<str>,
    computed: Arc<AtomicU64>,
}

/// A password cannot be hashed or compared.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The password is empty or longer than [`MAX_PASSWORD_BYTES`].
    #[error("a password has 1 to {MAX_PASSWORD_BYTES} bytes")]
    BadLength,
    /// Too many sign-ins at once; try again in a second.
    #[error("too many sign-ins at once")]
    Busy,
    /// A stored hash is not one, or the computation failed.
    #[error("the password hash cannot be computed: {0}")]
    Failed(String),
}

impl Passwords {
    /// Nothing is computed yet.
    ///
    /// # Errors
    /// Only when the bounds of this module are not those of the algorithm.
    pub fn new() -> Result<Self, PasswordError> {
        hasher()?;
        Ok(Self {
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
            computing: Arc::new(Semaphore::new(AT_ONCE)),
            nobody: nobody().into(),
            computed: Arc::default(),
        })
    }

    /// The hash of a password, as a PHC string with a salt of its own.
    ///
    /// # Errors
    /// [`PasswordError::BadLength`], [`PasswordError::Busy`].
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        if !acceptable(&password) {
            return Err(PasswordError::BadLength);
        }
        self.compute(move || hash_now(&password)).await
    }

    /// Whether the password is the one of the stored hash.
    ///
    /// Without a stored hash (no such account) the answer is `false`, after as much work as ever, so that the time
    /// taken does not tell which names exist.
    ///
    /// # Errors
    /// [`PasswordError::Busy`]; [`PasswordError::Failed`] when what is stored is no hash.
    pub async fn verify(&self, password: String, stored: Option<String>) -> Result<bool, PasswordError> {
        if !acceptable(&password) {
            return Ok(false);
        }
        let nobody = Arc::clone(&self.nobody);
        self.compute(move || match stored {
            Some(stored) => verify_now(&password, &stored),
            None => verify_now(&password, &nobody).map(|_| false),
        })
        .await
    }

    /// The hash of a password that nobody knows, for an account by which nobody signs in.
    pub fn of_nobody(&self) -> String {
        nobody()
    }

    /// How many hashes have been computed, whatever came of them.
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let failed = |error: String| PasswordError::Failed(error);
        let place = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let turn =
            Arc::clone(&self.computing).acquire_owned().await.map_err(|error| failed(error.to_string()))?;
        let counted = Arc::clone(&self.computed);
        let done = tokio::task::spawn_blocking(move || {
            // Held until the work is done, even if the client is gone by then.
            let _held = (place, turn);
            counted.fetch_add(1, Ordering::Relaxed);
            work()
        });
        done.await.map_err(|error| failed(error.to_string()))?
    }
}

fn acceptable(password: &str) -> bool {
    (1..=MAX_PASSWORD_BYTES).contains(&password.len())
}

/// A hash drawn by lot: no password is known for it, and comparing takes as long as with any other. To compute one
/// would keep the memory of the computation for the life of the process.
fn nobody() -> String {
    let salt = STANDARD_NO_PAD.encode(rand::random::<[u8; 16]>());
    let hash = STANDARD_NO_PAD.encode(rand::random::<[u8; 32]>());
    format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${hash}")
}

fn hasher() -> Result<Argon2<'static>, PasswordError> {
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|e| PasswordError::Failed(e.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &str) -> Result<String, PasswordError> {
    let hash =
        hasher()?.hash_password(password.as_bytes()).map_err(|e| PasswordError::Failed(e.to_string()))?;
    Ok(hash.to_string())
}

fn verify_now(password: &str, stored: &str) -> Result<bool, PasswordError> {
    let hash = PasswordHash::new(stored).map_err(|e| PasswordError::Failed(e.to_string()))?;
    if hash.hash.is_none() {
        return Err(PasswordError::Failed("what is stored has no hash in it".to_owned()));
    }
    match hasher()?.verify_password(password.as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(PasswordError::Failed(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_right_password_is_told_from_a_wrong_one_and_from_no_account() {
        let passwords = Passwords::new().unwrap();
        let stored = passwords.hash("正确的密码".to_owned()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let verify = |password: &str, stored: Option<&str>| {
            passwords.verify(password.to_owned(), stored.map(str::to_owned))
        };
        assert!(verify("正确的密码", Some(&stored)).await.unwrap());
        assert!(!verify("错误的密码", Some(&stored)).await.unwrap());
        assert!(!verify("正确的密码", None).await.unwrap());
        assert!(!verify("", Some(&stored)).await.unwrap());
        assert_ne!(
            passwords.hash("正确的密码".to_owned()).await.unwrap(),
            stored,
            "each hash has its own salt"
        );
    }

    #[tokio::test]
    async fn lengths_are_bounded_and_a_damaged_hash_is_an_error() {
        let passwords = Passwords::new().unwrap();
        for password in [String::new(), "a".repeat(MAX_PASSWORD_BYTES + 1)] {
            assert!(matches!(passwords.hash(password.clone()).await, Err(PasswordError::BadLength)));
            assert!(!passwords.verify(password, None).await.unwrap());
        }
        for stored in ["", "plain", "$argon2id$v=19$m=1"] {
            let outcome = passwords.verify("a".to_owned(), Some(stored.to_owned())).await;
            assert!(matches!(outcome, Err(PasswordError::Failed(_))), "{stored}");
        }
    }

    #[tokio::test]
    async fn a_crowd_is_refused_rather_than_queued_without_end() {
        let passwords = Passwords::new().unwrap();
        let crowd = Arc::clone(&passwords.waiting).try_acquire_many_owned(MAX_WAITING as u32).unwrap();
        assert!(matches!(passwords.hash("a".to_owned()).await, Err(PasswordError::Busy)));
        drop(crowd);
        assert!(passwords.hash("a".to_owned()).await.is_ok());
        assert_eq!(passwords.waiting.available_permits(), MAX_WAITING, "places are given back");
        assert_eq!(passwords.computing.available_permits(), AT_ONCE);
    }
}

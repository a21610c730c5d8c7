//! Passwords: argon2id hashes, made and compared off the threads that answer requests.

mod argon;
pub mod factor;
pub mod rules;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Semaphore;

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

impl Default for Passwords {
    /// Nothing is computed yet.
    fn default() -> Self {
        Self {
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
            computing: Arc::new(Semaphore::new(AT_ONCE)),
            nobody: argon::of_nobody().into(),
            computed: Arc::default(),
        }
    }
}

impl Passwords {
    /// The hash of a password, as a PHC string with a salt of its own.
    ///
    /// # Errors
    /// [`PasswordError::BadLength`], [`PasswordError::Busy`].
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        if !acceptable(&password) {
            return Err(PasswordError::BadLength);
        }
        self.compute(move || argon::hash(&password)).await
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
            Some(stored) => argon::verify(&password, &stored),
            None => argon::verify(&password, &nobody).map(|_| false),
        })
        .await
    }

    /// The hash of a password that nobody knows, for an account by which nobody signs in.
    pub fn of_nobody(&self) -> String {
        argon::of_nobody()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_right_password_is_told_from_a_wrong_one_and_from_no_account() {
        let passwords = Passwords::default();
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
        let passwords = Passwords::default();
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
        let passwords = Passwords::default();
        let crowd = Arc::clone(&passwords.waiting).try_acquire_many_owned(MAX_WAITING as u32).unwrap();
        assert!(matches!(passwords.hash("a".to_owned()).await, Err(PasswordError::Busy)));
        drop(crowd);
        assert!(passwords.hash("a".to_owned()).await.is_ok());
        assert_eq!(passwords.waiting.available_permits(), MAX_WAITING, "places are given back");
        assert_eq!(passwords.computing.available_permits(), AT_ONCE);
    }
}

//! Passwords: argon2id in a bounded pool, off the network's threads.
//!
//! Parameters are OWASP's second choice for argon2id (19 MiB, 2 passes, 1 lane), the `argon2`
//! crate's default: about 20 ms of a core.

use std::sync::Arc;

use argon2::Argon2;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier, SaltString};
use quorate_core::PasswordHash;
use thiserror::Error;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Bytes in a password at the most.
const PASSWORD_BYTES_MAX: usize = 1024;
/// Bytes of salt (RFC 9106, section 3.1).
const SALT_BYTES: usize = 16;
/// Hashes that may wait for a place; more are told to come back later.
const WAITING_MAX: usize = 256;

/// Why a password was neither hashed nor proven.
#[derive(Debug, Error)]
pub enum PasswordError {
    /// Empty, or over the limit.
    #[error("a password has 1 to {PASSWORD_BYTES_MAX} bytes")]
    Length,
    /// It is not the account's.
    #[error("the user name or the password is wrong")]
    Wrong,
    /// Too many logins are waiting.
    #[error("too many logins at once")]
    Busy,
}

/// The pool.
#[derive(Clone, Debug)]
pub struct Passwords {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// Proven against when there is no such account, so that the answer takes as long.
    nobody: Arc<str>,
}

impl Passwords {
    /// A pool of so many threads at once.
    #[must_use]
    pub fn new(threads: usize) -> Self {
        let nobody = hash(b"nobody");
        Self {
            running: Arc::new(Semaphore::new(threads)),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            nobody: nobody.as_str().into(),
        }
    }

    /// Hashes a new password under a fresh salt.
    ///
    /// # Errors
    /// Its length is out of bounds, or the pool is full.
    pub async fn hash(&self, password: String) -> Result<PasswordHash, PasswordError> {
        let password = Zeroizing::new(password);
        check_length(&password)?;
        self.run(move || hash(password.as_bytes())).await
    }

    /// Proves a password against an account's hash; without an account it is wrong, after the same
    /// time.
    ///
    /// # Errors
    /// It is wrong, or the pool is full.
    pub async fn prove(&self, password: String, account: Option<&PasswordHash>) -> Result<(), PasswordError> {
        let password = Zeroizing::new(password);
        let exists = account.is_some();
        let expected: Box<str> = account.map_or_else(|| self.nobody.as_ref().into(), |hash| hash.as_str().into());
        let is_right = self.run(move || verify(password.as_bytes(), &expected)).await?;
        if exists && is_right {
            Ok(())
        } else {
            Err(PasswordError::Wrong)
        }
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, PasswordError> {
        let _waiting = self.waiting.try_acquire().map_err(|_| PasswordError::Busy)?;
        let place = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .expect("the pool is never closed");
        let done = tokio::task::spawn_blocking(move || {
            // Held by the thread: a caller that goes away does not free a place that is in use.
            let _place = place;
            work()
        });
        Ok(done.await.expect("hashing does not panic"))
    }
}

fn check_length(password: &str) -> Result<(), PasswordError> {
    let is_ok = (1..=PASSWORD_BYTES_MAX).contains(&password.len());
    is_ok.then_some(()).ok_or(PasswordError::Length)
}

fn hash(password: &[u8]) -> PasswordHash {
    let salt: [u8; SALT_BYTES] = rand::random();
    let salt = SaltString::encode_b64(&salt).expect("16 bytes are a valid salt");
    let hash = Argon2::default()
        .hash_password(password, &salt)
        .expect("the parameters and the length are valid");
    PasswordHash::parse(&hash.to_string()).expect("a PHC string of argon2id is under the limit")
}

fn verify(password: &[u8], expected: &str) -> bool {
    let Ok(expected) = password_hash::PasswordHash::new(expected) else {
        return false;
    };
    Argon2::default().verify_password(password, &expected).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_right_password_is_proven_and_a_wrong_one_is_not() {
        let passwords = Passwords::new(1);
        let hash = passwords.hash("secret".into()).await.unwrap();
        assert!(passwords.prove("secret".into(), Some(&hash)).await.is_ok());
        assert!(matches!(
            passwords.prove("Secret".into(), Some(&hash)).await,
            Err(PasswordError::Wrong)
        ));
    }

    #[tokio::test]
    async fn nobody_has_no_password() {
        let passwords = Passwords::new(1);
        assert!(matches!(
            passwords.prove("nobody".into(), None).await,
            Err(PasswordError::Wrong)
        ));
    }

    #[tokio::test]
    async fn a_password_is_salted() {
        let passwords = Passwords::new(1);
        let (one, other) = (
            passwords.hash("secret".into()).await.unwrap(),
            passwords.hash("secret".into()).await.unwrap(),
        );
        assert_ne!(one, other);
    }

    #[tokio::test]
    async fn an_empty_password_is_refused() {
        assert!(matches!(
            Passwords::new(1).hash(String::new()).await,
            Err(PasswordError::Length)
        ));
    }
}

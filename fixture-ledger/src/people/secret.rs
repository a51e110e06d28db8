//! What people know or carry, and what is drawn for browsers and machines.

use core::fmt::{self, Write as _};
use core::ops::RangeInclusive;

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use sha2::{Digest as _, Sha256};

use super::PeopleError;

/// How many letters a password has.
pub const PASSWORD_LETTERS: RangeInclusive<usize> = 10..=200;

/// How many digits a PIN has.
pub const PIN_DIGITS: RangeInclusive<usize> = 4..=12;

/// How many letters a badge has.
const BADGE_LETTERS: RangeInclusive<usize> = 4..=200;

/// Bytes that are drawn for what must not be guessed.
const DRAWN: usize = 32;

/// Something secret: never shown by accident, and only compared by its digest.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// A secret that somebody has told.
    pub fn told(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A secret that nobody can guess: 256 bits of the system's randomness in hexadecimal.
    ///
    /// # Errors
    /// The system gives none.
    pub fn drawn() -> Result<Self, PeopleError> {
        Ok(Self(hexadecimal(&random::<DRAWN>()?)))
    }

    /// The secret in the open, for whom it is meant.
    pub fn tell(&self) -> &str {
        &self.0
    }

    /// What is stored of a secret that was drawn: its SHA-256.
    pub(super) fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// What a form carries that was made for whoever holds this secret: so that no other page can send it.
    pub fn of_form(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"form of ");
        hash.update(self.0.as_bytes());
        hexadecimal(&hash.finalize())
    }

    /// The same, where it can be a password of `name`.
    pub(super) fn as_password(&self, name: &str) -> Result<&Self, PeopleError> {
        let letters = self.0.chars().count();
        if !PASSWORD_LETTERS.contains(&letters) {
            return Err(PeopleError::Unfit(format!(
                "password: expected {} to {} characters, found {letters}",
                PASSWORD_LETTERS.start(),
                PASSWORD_LETTERS.end()
            )));
        }
        let distinct: std::collections::BTreeSet<char> = self.0.chars().collect();
        if distinct.len() < 5 || self.0.to_lowercase().contains(&name.to_lowercase()) {
            return Err(PeopleError::Unfit(
                "password: expected at least five different characters, and not the name in it".to_owned(),
            ));
        }
        Ok(self)
    }

    /// The same, where it can be a PIN.
    pub(super) fn as_pin(&self) -> Result<&Self, PeopleError> {
        let digits = self.0.bytes().all(|digit| digit.is_ascii_digit());
        if !digits || !PIN_DIGITS.contains(&self.0.len()) {
            return Err(PeopleError::Unfit(format!(
                "PIN: expected {} to {} digits",
                PIN_DIGITS.start(),
                PIN_DIGITS.end()
            )));
        }
        Ok(self)
    }

    /// The same, where it can be a badge.
    pub(super) fn as_badge(&self) -> Result<&Self, PeopleError> {
        let printable = !self.0.chars().any(char::is_control) && self.0.trim() == self.0;
        if !printable || !BADGE_LETTERS.contains(&self.0.chars().count()) {
            return Err(PeopleError::Unfit(format!(
                "badge: expected {} to {} printable characters",
                BADGE_LETTERS.start(),
                BADGE_LETTERS.end()
            )));
        }
        Ok(self)
    }
}

/// What is stored of a secret that a person chose or carries.
pub(super) trait Digest {
    /// Argon2id with a salt of its own, in its own notation.
    async fn hashed(&self) -> Result<String, PeopleError>;
    /// Argon2id with a salt that is given, 32 bytes.
    async fn hashed_with(&self, salt: Vec<u8>) -> Result<Vec<u8>, PeopleError>;
    /// Whether it is the secret of a digest; takes as long where there is none.
    async fn fits(&self, digest: Option<String>) -> Result<bool, PeopleError>;
}

impl Digest for Secret {
    async fn hashed(&self) -> Result<String, PeopleError> {
        let salt = SaltString::encode_b64(&random::<16>()?).map_err(|error| broken(&error))?;
        let secret = self.clone();
        away(move || {
            argon2()?
                .hash_password(secret.0.as_bytes(), &salt)
                .map(|hash| hash.to_string())
                .map_err(|error| broken(&error))
        })
        .await
    }

    async fn hashed_with(&self, salt: Vec<u8>) -> Result<Vec<u8>, PeopleError> {
        let secret = self.clone();
        away(move || {
            let mut hash = vec![0; 32];
            argon2()?
                .hash_password_into(secret.0.as_bytes(), &salt, &mut hash)
                .map_err(|error| broken(&error))?;
            Ok(hash)
        })
        .await
    }

    async fn fits(&self, digest: Option<String>) -> Result<bool, PeopleError> {
        let secret = self.clone();
        let Some(digest) = digest else {
            secret.hashed_with(vec![0; 16]).await?;
            return Ok(false);
        };
        away(move || {
            let hash = PasswordHash::new(&digest).map_err(|error| broken(&error))?;
            Ok(argon2()?.verify_password(secret.0.as_bytes(), &hash).is_ok())
        })
        .await
    }
}

/// 19 MiB, two passes, one lane: what OWASP's Password Storage Cheat Sheet asks of Argon2id at least.
fn argon2() -> Result<Argon2<'static>, PeopleError> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|error| broken(&error))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Hashing takes long and is meant to: away from what answers requests.
async fn away<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PeopleError> + Send + 'static,
) -> Result<T, PeopleError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| broken(&error))?
}

fn random<const N: usize>() -> Result<[u8; N], PeopleError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| broken(&error))?;
    Ok(bytes)
}

fn broken(error: &dyn fmt::Display) -> PeopleError {
    PeopleError::Broken(error.to_string())
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _written = write!(text, "{byte:02x}");
    }
    text
}

/// A code of eight digits for the first administrator, as `1234-5678`.
///
/// # Errors
/// The system gives no randomness.
pub fn setup_code() -> Result<Secret, PeopleError> {
    let number = u64::from_be_bytes(random::<8>()?) % 100_000_000;
    Ok(Secret(format!("{:04}-{:04}", number / 10_000, number % 10_000)))
}

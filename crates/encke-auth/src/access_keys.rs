use std::fmt;

use aws_lc_rs::{
    constant_time,
    digest::{Digest, SHA256, digest},
};
use encke_hub::{Access, Answer, Ask, Asker, Authorizer, Denied};

/// Bytes of a key, at least: few enough to type, too many to guess.
const SHORTEST: usize = 20;
/// Bytes of a key, at most.
const LONGEST: usize = 512;
/// Keys, at most: each of them is compared.
const KEYS: usize = 1_000;

/// Decides by keys that servers bring as their token: `Authorization: Bearer <key>`.
///
/// Of a key its digest is kept. The name of a key is the name of the token: by it what was granted can be taken back.
///
/// ```
/// use encke_auth::AccessKeys;
/// use encke_hub::Access;
///
/// let keys = AccessKeys::new().with("shop", "kZ3rUq0v9xW7tYb2LmNc", Access::everything())?;
/// # Ok::<(), encke_auth::AccessKeyError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct AccessKeys {
    keys: Vec<(Digest, Access)>,
}

impl AccessKeys {
    /// No keys: whoever asks is refused.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// These, and one more that is called `name`, with what its bearer may.
    ///
    /// # Errors
    /// [`AccessKeyError`] if the key has fewer than 20 bytes or more than 512, is there already, or is one too many.
    pub fn with(mut self, name: &str, key: &str, access: Access) -> Result<Self, AccessKeyError> {
        if !(SHORTEST..=LONGEST).contains(&key.len()) {
            return Err(AccessKeyError::Length);
        }
        if self.find(key).is_some() {
            return Err(AccessKeyError::Twice);
        }
        if self.keys.len() == KEYS {
            return Err(AccessKeyError::TooMany);
        }
        self.keys.push((digest(&SHA256, key.as_bytes()), access.by_token(name)));
        Ok(self)
    }

    /// Compares with every key, and the digests, so that the time that it takes says nothing about a key.
    fn find(&self, key: &str) -> Option<&Access> {
        let wanted = digest(&SHA256, key.as_bytes());
        let is =
            |known: &Digest| constant_time::verify_slices_are_equal(known.as_ref(), wanted.as_ref()).is_ok();
        self.keys.iter().fold(None, |found, (known, access)| if is(known) { Some(access) } else { found })
    }
}

impl Authorizer for AccessKeys {
    fn authorize(&self, ask: &Ask) -> Answer<Result<Access, Denied>> {
        let token = ask.asker.token.as_deref().filter(|token| token.len() <= LONGEST);
        Answer::now(token.and_then(|token| self.find(token)).cloned().ok_or(Denied::Unauthenticated))
    }

    fn presented(&self, asker: &Asker) -> bool {
        asker.token.is_some()
    }
}

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessKeyError {
    /// It has fewer than 20 bytes, or more than 512.
    Length,
    /// It is there already.
    Twice,
    /// There are 1,000 keys already.
    TooMany,
}

impl fmt::Display for AccessKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => write!(f, "an access key has {SHORTEST} to {LONGEST} bytes"),
            Self::Twice => f.write_str("two access keys are the same"),
            Self::TooMany => write!(f, "there are {KEYS} access keys already"),
        }
    }
}

impl std::error::Error for AccessKeyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_long_different_and_not_too_many() {
        let with = |key: &str| AccessKeys::new().with("a", key, Access::open()).map(drop);
        assert_eq!(with(&"k".repeat(19)), Err(AccessKeyError::Length));
        assert_eq!(with(&"k".repeat(20)), Ok(()));
        assert_eq!(with(&"k".repeat(513)), Err(AccessKeyError::Length));

        let key = |number: usize| format!("{number:020}");
        let full = (0..KEYS).try_fold(AccessKeys::new(), |keys, at| keys.with("a", &key(at), Access::open()));
        let full = full.unwrap();
        let twice = full.clone().with("b", &key(1), Access::everything());
        assert_eq!(twice.map(drop), Err(AccessKeyError::Twice));
        assert_eq!(full.with("b", &key(KEYS), Access::open()).map(drop), Err(AccessKeyError::TooMany));
    }
}

use std::fmt;

use aws_lc_rs::hmac;
use encke_core::Timestamp;
use http::HeaderName;

/// The header that a request's signature is in: `t=<seconds since 1970>,v1=<HMAC-SHA256 in hexadecimal>`.
///
/// What is signed is the digits of `t`, a full stop, and the body. Digits end at the first full stop, so no two pairs of
/// a time and a body are signed as the same bytes.
pub const SIGNATURE: HeaderName = HeaderName::from_static("encke-signature");

/// What sender and receiver of a webhook share. It is never shown.
#[derive(Clone)]
pub struct Secret(hmac::Key);

impl Secret {
    /// The shortest, in bytes.
    pub const MIN_LEN: usize = 16;

    /// Checks `secret` and keeps it.
    ///
    /// # Errors
    /// [`WeakSecret`] if it is shorter than [`Secret::MIN_LEN`].
    pub fn new(secret: &[u8]) -> Result<Self, WeakSecret> {
        if secret.len() < Self::MIN_LEN {
            return Err(WeakSecret);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// The value of the header for a request that is sent at `now`.
    pub(crate) fn sign(&self, now: Timestamp, body: &[u8]) -> String {
        let seconds = now.as_millis() / 1_000;
        let mut context = hmac::Context::with_key(&self.0);
        context.update(format!("{seconds}.").as_bytes());
        context.update(body);
        let hex: String = context.sign().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("t={seconds},v1={hex}")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A secret that is too short to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeakSecret;

impl fmt::Display for WeakSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a secret has at least {} bytes", Secret::MIN_LEN)
    }
}

impl std::error::Error for WeakSecret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_secret_is_refused() {
        assert!(Secret::new(&[7; 15]).is_err());
        assert!(Secret::new(&[7; 16]).is_ok());
        assert_eq!(format!("{:?}", Secret::new(b"not to be shown!").unwrap()), "Secret");
    }

    #[test]
    fn a_signature_depends_on_all_of_it() {
        let sign = |secret: &[u8], millis, body: &str| {
            Secret::new(secret).unwrap().sign(Timestamp::from_millis(millis), body.as_bytes())
        };
        let known = sign(b"0123456789abcdef", 1_700_000_000_999, "{}");
        assert_eq!(known, "t=1700000000,v1=e4f8e2ecae2295b2ddb2f0b5584c8275e226c0ebe9b3b819e70156bb67122e3e");
        for other in [
            sign(b"0123456789abcdeF", 1_700_000_000_999, "{}"),
            sign(b"0123456789abcdef", 1_700_000_001_000, "{}"),
            sign(b"0123456789abcdef", 1_700_000_000_999, "{ }"),
        ] {
            assert_ne!(known, other);
        }
    }
}

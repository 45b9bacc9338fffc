use std::fmt;

use aws_lc_rs::{
    rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, ParsedPublicKey, VerificationAlgorithm,
    },
};
use bytes::Bytes;
use encke_fetch::{TrustError, Url, UrlError};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind,
    crypto::aws_lc::DEFAULT_PROVIDER,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};

use super::{Head, key_set::KeySet};

/// Bytes of an RSA modulus, at least (RFC 7518, section 3.3) and at most, which bounds the work.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=1024;

/// What tokens are verified with: one key, or the set behind a URL. A key is bound to one algorithm, so that a token has
/// no say in it.
#[derive(Debug)]
pub struct JwtKey(pub(super) Source);

#[derive(Debug)]
pub(super) enum Source {
    One(VerifyingKey),
    Set(Box<KeySet>),
}

impl JwtKey {
    /// A secret that the issuer shares, for `HS256`.
    ///
    /// # Errors
    /// [`JwtKeyError::WeakSecret`] if it has fewer than 32 bytes (RFC 7518, section 3.2).
    pub fn hmac(secret: &[u8]) -> Result<Self, JwtKeyError> {
        VerifyingKey::new(DecodingKey::from_secret(secret), Algorithm::HS256).map(Source::One).map(Self)
    }

    /// The issuer's public key as PEM (`PUBLIC KEY` or `RSA PUBLIC KEY`). RSA is for `RS256`, P-256 for `ES256`, P-384 for
    /// `ES384`, Ed25519 for `EdDSA`.
    ///
    /// # Errors
    /// [`JwtKeyError`] if it is none of these, or is private.
    pub fn pem(pem: &str) -> Result<Self, JwtKeyError> {
        if pem.contains("PRIVATE KEY") {
            return Err(JwtKeyError::Private);
        }
        // A certificate vouches for a name, and nobody looks at that here.
        if !pem.contains("PUBLIC KEY") {
            return Err(JwtKeyError::NoPublicKey);
        }
        let pem = pem.as_bytes();
        let readers = [DecodingKey::from_rsa_pem, DecodingKey::from_ec_pem, DecodingKey::from_ed_pem];
        let key = readers.iter().find_map(|read| read(pem).ok()).ok_or(JwtKeyError::NoPublicKey)?;
        let algorithm = match (key.family(), key.try_get_as_bytes().map(<[u8]>::len)) {
            (AlgorithmFamily::Rsa, _) => Algorithm::RS256,
            (AlgorithmFamily::Ec, Ok(65)) => Algorithm::ES256,
            (AlgorithmFamily::Ec, Ok(97)) => Algorithm::ES384,
            (AlgorithmFamily::Ed, Ok(32)) => Algorithm::EdDSA,
            _ => return Err(JwtKeyError::NoPublicKey),
        };
        VerifyingKey::new(key, algorithm).map(Source::One).map(Self)
    }

    /// The issuer's key set (RFC 7517) at a URL: `https`, or `http` on this machine. It is fetched when a token needs it,
    /// and kept; `trusted` are certificates, as PEM, that are trusted beside those of the system.
    ///
    /// # Errors
    /// [`JwtKeyError`] if the URL or the certificates cannot be used.
    pub fn jwks(url: &str, trusted: Option<Bytes>) -> Result<Self, JwtKeyError> {
        let url: Url = url.parse().map_err(JwtKeyError::Url)?;
        KeySet::new(url, trusted).map(Box::new).map(Source::Set).map(Self)
    }

    /// The algorithm that the key is for, by its name (RFC 7518, section 3.1), where that is not the plain one.
    ///
    /// # Errors
    /// [`JwtKeyError::Algorithm`] if it is not for such a key. The keys of a set name their own.
    pub fn algorithm(self, name: &str) -> Result<Self, JwtKeyError> {
        match self.0 {
            Source::One(VerifyingKey { key, algorithm, .. }) => {
                let named: Algorithm = name.parse().map_err(|_| JwtKeyError::Algorithm)?;
                if !fits(algorithm, named) {
                    return Err(JwtKeyError::Algorithm);
                }
                VerifyingKey::new(key, named).map(Source::One).map(Self)
            }
            Source::Set(_) => Err(JwtKeyError::Algorithm),
        }
    }
}

/// Whether a key that is for `plain` may be used for `named`: a curve has one algorithm, RSA and secrets have several.
fn fits(plain: Algorithm, named: Algorithm) -> bool {
    let several = matches!(plain.family(), AlgorithmFamily::Rsa | AlgorithmFamily::Hmac);
    plain == named || several && plain.family() == named.family()
}

/// A key and the one algorithm that it is for.
#[derive(Debug, Clone)]
pub(super) struct VerifyingKey {
    /// Its name in a set.
    id: Option<Box<str>>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl VerifyingKey {
    fn new(key: DecodingKey, algorithm: Algorithm) -> Result<Self, JwtKeyError> {
        let bytes = key.try_get_as_bytes().unwrap_or_default();
        let point: Option<&'static dyn VerificationAlgorithm> = match algorithm {
            Algorithm::ES256 => Some(&ECDSA_P256_SHA256_FIXED),
            Algorithm::ES384 => Some(&ECDSA_P384_SHA384_FIXED),
            Algorithm::EdDSA => Some(&ED25519),
            _ => None,
        };
        match (key.family(), point) {
            (AlgorithmFamily::Hmac, _) => {
                let needed = match algorithm {
                    Algorithm::HS384 => 48,
                    Algorithm::HS512 => 64,
                    _ => 32,
                };
                if bytes.len() < needed {
                    return Err(JwtKeyError::WeakSecret { needed });
                }
            }
            (AlgorithmFamily::Rsa, _) => {
                let modulus = match key.kind() {
                    DecodingKeyKind::SecretOrDer(der) => {
                        rsa::PublicKey::from_der(der).map_err(|_| JwtKeyError::NoPublicKey)?.modulus_len()
                    }
                    DecodingKeyKind::RsaModulusExponent { n, .. } => {
                        n.iter().skip_while(|byte| **byte == 0).count()
                    }
                };
                if !MODULUS.contains(&modulus) {
                    return Err(JwtKeyError::WeakRsa);
                }
            }
            (_, Some(curve)) => {
                ParsedPublicKey::new(curve, bytes).map_err(|_| JwtKeyError::NoPublicKey)?;
            }
            (_, None) => return Err(JwtKeyError::Algorithm),
        }
        Ok(Self { id: None, algorithm, key })
    }

    /// A key of a set; none if it is not for verifying signatures, or not with what we know.
    pub(super) fn from_jwk(jwk: &Jwk) -> Option<Self> {
        let common = &jwk.common;
        let verifies = common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature)
            && common.key_operations.as_ref().is_none_or(|known| known.contains(&KeyOperations::Verify));
        let plain = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => Algorithm::RS256,
            AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P256 => {
                Algorithm::ES256
            }
            AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P384 => {
                Algorithm::ES384
            }
            AlgorithmParameters::OctetKeyPair(point) if point.curve == EllipticCurve::Ed25519 => {
                Algorithm::EdDSA
            }
            // A secret that everybody can fetch is none.
            _ => return None,
        };
        let named = match common.key_algorithm {
            Some(named) => Algorithm::try_from(named).ok()?,
            None => plain,
        };
        if !(verifies && fits(plain, named)) {
            return None;
        }
        let key = Self::new(DecodingKey::from_jwk(jwk).ok()?, named).ok()?;
        Some(Self { id: common.key_id.as_deref().map(Box::from), ..key })
    }

    /// Whether it may have signed a token. Where one of them has no name, the signature alone says whether they belong
    /// together.
    pub(super) fn is_for(&self, head: &Head) -> bool {
        self.algorithm == head.algorithm && (self.id.is_none() || head.id.is_none() || self.id == head.id)
    }

    /// Whether it signed `message`.
    pub(super) fn verifies(&self, message: &[u8], signature: &Vec<u8>) -> bool {
        // By its name: which provider is the process's default is not for a library to say, or to rely on.
        let verifier = (DEFAULT_PROVIDER.verifier_factory)(&self.algorithm, &self.key);
        verifier.is_ok_and(|verifier| verifier.verify(message, signature).is_ok())
    }
}

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum JwtKeyError {
    /// The secret is shorter than what it would sign.
    WeakSecret {
        /// Bytes that are needed.
        needed: usize,
    },
    /// The RSA key has fewer than 2048 bits, or more than 8192.
    WeakRsa,
    /// The text is not a public key of a known kind.
    NoPublicKey,
    /// The text is a private key.
    Private,
    /// The algorithm is unknown, or not for such a key.
    Algorithm,
    /// The URL is none to fetch keys from.
    Url(UrlError),
    /// Whoever listens could change the keys: `http` to another machine.
    Insecure,
    /// The certificates to trust cannot be used.
    Trust(TrustError),
}

impl fmt::Display for JwtKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WeakSecret { needed } => write!(f, "the secret has fewer than {needed} bytes"),
            Self::WeakRsa => f.write_str("an RSA key has 2048 to 8192 bits"),
            Self::NoPublicKey => f.write_str("this is no public key in PEM, of RSA, P-256, P-384 or Ed25519"),
            Self::Private => f.write_str("this is a private key: it belongs to whoever issues tokens"),
            Self::Algorithm => f.write_str("this is no algorithm for such a key"),
            Self::Url(error) => error.fmt(f),
            Self::Insecure => f.write_str("keys are fetched by https, or by http from this machine"),
            Self::Trust(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for JwtKeyError {}

use aws_lc_rs::{
    encoding::AsDer as _,
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
        Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding,
        RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Broken, encode};

/// Whoever signs tokens, with a fresh key of one kind.
#[derive(Debug)]
pub struct Issuer(Key);

#[derive(Debug)]
enum Key {
    Secret(Vec<u8>),
    Rsa(RsaKeyPair),
    P256(Vec<u8>),
    Ed25519(Ed25519KeyPair),
}

impl Issuer {
    /// By a secret of 32 bytes.
    ///
    /// # Panics
    /// If the system gives no random bits; so do the others.
    #[must_use]
    pub fn hs256() -> Self {
        let mut secret = vec![0; 32];
        aws_lc_rs::rand::fill(&mut secret).expect("random bits");
        Self(Key::Secret(secret))
    }

    /// By an RSA key of 2048 bits.
    ///
    /// # Panics
    /// As [`Issuer::hs256`].
    #[must_use]
    pub fn rs256() -> Self {
        Self(Key::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key")))
    }

    /// By a key on P-256.
    ///
    /// # Panics
    /// As [`Issuer::hs256`].
    #[must_use]
    pub fn es256() -> Self {
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        Self(Key::P256(key.expect("a key").as_ref().to_vec()))
    }

    /// By a key on Ed25519.
    ///
    /// # Panics
    /// As [`Issuer::hs256`].
    #[must_use]
    pub fn eddsa() -> Self {
        Self(Key::Ed25519(Ed25519KeyPair::generate().expect("a key")))
    }

    /// One of each kind.
    #[must_use]
    pub fn of_each_kind() -> [Self; 4] {
        [Self::hs256(), Self::rs256(), Self::es256(), Self::eddsa()]
    }

    /// Another one of the same kind.
    #[must_use]
    pub fn another(&self) -> Self {
        match &self.0 {
            Key::Secret(_) => Self::hs256(),
            Key::Rsa(_) => Self::rs256(),
            Key::P256(_) => Self::es256(),
            Key::Ed25519(_) => Self::eddsa(),
        }
    }

    /// The name of its algorithm.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        match &self.0 {
            Key::Secret(_) => "HS256",
            Key::Rsa(_) => "RS256",
            Key::P256(_) => "ES256",
            Key::Ed25519(_) => "EdDSA",
        }
    }

    /// Its secret, if it is one.
    #[must_use]
    pub fn secret(&self) -> Option<&[u8]> {
        match &self.0 {
            Key::Secret(secret) => Some(secret),
            _ => None,
        }
    }

    /// Its public key as PEM, if it has one.
    ///
    /// # Panics
    /// Never: it has made the key itself.
    #[must_use]
    pub fn public_key(&self) -> Option<String> {
        let der = match &self.0 {
            Key::Secret(_) => return None,
            Key::Rsa(pair) => pair.public_key().as_der(),
            Key::P256(_) => self.p256(&ECDSA_P256_SHA256_FIXED_SIGNING).public_key().as_der(),
            Key::Ed25519(pair) => pair.public_key().as_der(),
        };
        let text = STANDARD.encode(der.expect("a public key").as_ref());
        Some(format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n"))
    }

    /// Its public key as one of a key set (RFC 7517); its secret, if that is what it has.
    ///
    /// # Panics
    /// Never: it has made the key itself.
    #[must_use]
    pub fn jwk(&self) -> Value {
        match &self.0 {
            Key::Secret(secret) => json!({ "kty": "oct", "k": encode(secret) }),
            Key::Rsa(pair) => {
                let public = pair.public_key();
                let number = |number: &[u8]| encode(number);
                json!({
                    "kty": "RSA",
                    "n": number(public.modulus().big_endian_without_leading_zero()),
                    "e": number(public.exponent().big_endian_without_leading_zero()),
                })
            }
            Key::P256(_) => {
                let pair = self.p256(&ECDSA_P256_SHA256_FIXED_SIGNING);
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) })
            }
            Key::Ed25519(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key()) }),
        }
    }

    fn p256(&self, algorithm: &'static EcdsaSigningAlgorithm) -> EcdsaKeyPair {
        let Key::P256(key) = &self.0 else { unreachable!("only for a key on P-256") };
        EcdsaKeyPair::from_pkcs8(algorithm, key).expect("the key that it has made")
    }

    fn rsa(pair: &RsaKeyPair, padding: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(padding, &SystemRandom::new(), message, &mut signature).expect("a signature");
        signature
    }

    /// A signature.
    ///
    /// # Panics
    /// If the system gives no random bits.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.0 {
            Key::Secret(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, message).as_ref().to_vec()
            }
            Key::Rsa(pair) => Self::rsa(pair, &RSA_PKCS1_SHA256, message),
            Key::P256(_) => {
                let pair = self.p256(&ECDSA_P256_SHA256_FIXED_SIGNING);
                pair.sign(&SystemRandom::new(), message).expect("a signature").as_ref().to_vec()
            }
            Key::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// Tokens that the same key signed as it must not: for the algorithms of these names.
    pub(super) fn sign_otherwise(&self, header: impl Fn(&str) -> String, claims: &str) -> Vec<Broken> {
        let random = SystemRandom::new();
        let token = |name: &str, sign: &dyn Fn(&[u8]) -> Vec<u8>| {
            let message = format!("{}.{}", encode(header(name)), encode(claims));
            let signature = sign(message.as_bytes());
            (name.to_owned(), format!("{message}.{}", encode(signature)))
        };
        match &self.0 {
            Key::Secret(secret) => {
                let sign = |algorithm, message: &[u8]| {
                    hmac::sign(&hmac::Key::new(algorithm, secret), message).as_ref().to_vec()
                };
                vec![
                    token("HS384", &|message| sign(hmac::HMAC_SHA384, message)),
                    token("HS512", &|message| sign(hmac::HMAC_SHA512, message)),
                ]
            }
            Key::Rsa(pair) => vec![
                token("RS512", &|message| Self::rsa(pair, &RSA_PKCS1_SHA512, message)),
                token("PS256", &|message| Self::rsa(pair, &RSA_PSS_SHA256, message)),
                token("RS256", &|message| Self::rsa(pair, &RSA_PSS_SHA256, message)),
            ],
            Key::P256(_) => {
                let pair = self.p256(&ECDSA_P256_SHA256_ASN1_SIGNING);
                let sign =
                    |message: &[u8]| pair.sign(&random, message).expect("a signature").as_ref().to_vec();
                vec![token("ES256", &sign), token("ES384", &|message| self.sign(message))]
            }
            Key::Ed25519(_) => Vec::new(),
        }
    }

    /// A token of this header and these claims, whatever they are.
    ///
    /// # Panics
    /// As [`Issuer::sign`].
    #[must_use]
    pub fn token(&self, header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
        self.finish(&format!("{}.{}", encode(header), encode(claims)))
    }

    /// A token of these parts, with its signature.
    pub(super) fn finish(&self, message: &str) -> String {
        format!("{message}.{}", encode(self.sign(message.as_bytes())))
    }
}

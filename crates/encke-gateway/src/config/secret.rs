//! Values that nobody may see: named in the file or kept in files of their own, and never shown.

use std::fmt;

use super::{
    scalar::{Scalar, quoted},
    section::Section,
};

/// A secret text. Neither `Debug` nor `config show` tells it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Reads it from `key`, or from the file that `file_key` names, without its last line break. Exactly one of them must
    /// be set, and it must have `least` bytes.
    pub(super) fn read(
        s: &mut Section<'_>,
        key: &'static str,
        file_key: &'static str,
        least: usize,
    ) -> Option<Self> {
        let at = if s.has(file_key) { s.place(file_key) } else { s.place(key) };
        let secret = match (s.has(key), s.has(file_key)) {
            (true, false) => {
                s.also_known(&[file_key]);
                s.optional::<Self>(key)?
            }
            (false, true) => {
                s.also_known(&[key]);
                Self(read_file(s, file_key)?.trim_end_matches(['\r', '\n']).to_owned())
            }
            _ => {
                s.also_known(&[key, file_key]);
                s.wrong(at, format!("exactly one of `{key}` and `{file_key}` must be set"), RIGHT);
                s.forget_the_rest();
                return None;
            }
        };
        if secret.0.len() < least {
            s.wrong(at, format!("the secret has fewer than {least} bytes"), "openssl rand -hex 32 makes one");
            return None;
        }
        Some(secret)
    }
}

const RIGHT: &str = "name a file that only the gateway's user may read";

/// The text of the file that `key` names, if it is set and can be read.
pub(super) fn read_file(s: &mut Section<'_>, key: &'static str) -> Option<String> {
    let at = s.place(key);
    let FilePath(path) = s.optional(key)?;
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) => {
            s.wrong(at, format!("`{path}` cannot be read: {error}"), "the path of a text file");
            None
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Scalar for Secret {
    fn right() -> String {
        "a secret text".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        Ok(Self(text.to_owned()))
    }

    fn show(&self) -> String {
        quoted("***")
    }
}

/// The path of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePath(pub String);

impl Scalar for FilePath {
    fn right() -> String {
        "the path of a file".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Option<String>> {
        if text.is_empty() { Err(None) } else { Ok(Self(text.to_owned())) }
    }

    fn show(&self) -> String {
        quoted(&self.0)
    }
}

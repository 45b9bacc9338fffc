use encke_wire::Problem;

/// The longest callback name, in bytes.
const MAX_LEN: usize = 64;

/// The name of a JavaScript function that a page wants called: `[A-Za-z_$][\w$.]{0,63}`, nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback(String);

impl Callback {
    /// Checks a name.
    ///
    /// # Errors
    /// [`Problem`] if it could be anything but a name.
    pub fn new(name: &str) -> Result<Self, Problem> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$');
        let begins = name.bytes().next().is_some_and(|byte| good(byte) && !byte.is_ascii_digit());
        if begins && name.len() <= MAX_LEN && name.bytes().all(|byte| good(byte) || byte == b'.') {
            Ok(Self(name.to_owned()))
        } else {
            Err(Problem::bad_request(
                "a callback is a letter, _ or $, then up to 63 letters, digits, _, $ and dots",
            ))
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

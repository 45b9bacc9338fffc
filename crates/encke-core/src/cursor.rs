use std::{fmt, str::FromStr};

/// The digits of an epoch on the wire: no letters that are mistaken for others (i, l, o, u).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const EPOCH_DIGITS: usize = 8;
const EPOCH_BITS: usize = 5 * EPOCH_DIGITS;
/// Digits of `u64::MAX`.
const SEQ_DIGITS: usize = 20;

/// The name of one life of a log: 40 random bits, eight characters on the wire.
///
/// It changes exactly when acknowledged messages may have been lost or numbers could be issued again, so a
/// seq means something only together with its epoch.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// The epoch named by the low 40 bits of `bits`, which should be random.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits & ((1 << EPOCH_BITS) - 1))
    }

    /// The 40 bits of the name.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    fn digits(self) -> [u8; EPOCH_DIGITS] {
        std::array::from_fn(|i| {
            let digit = (self.0 >> (EPOCH_BITS - 5 * (i + 1))) & 31;
            ALPHABET[usize::try_from(digit).unwrap_or_default()]
        })
    }

    fn parse(digits: &[u8]) -> Option<Self> {
        let digits: &[u8; EPOCH_DIGITS] = digits.try_into().ok()?;
        let bits = digits.iter().try_fold(0u64, |bits, digit| {
            let value = ALPHABET.iter().position(|known| known == digit)?;
            Some(bits << 5 | value as u64)
        })?;
        Some(Self(bits))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.digits().iter().try_for_each(|digit| fmt::Write::write_char(f, char::from(*digit)))
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A place in the log: everything up to and including `seq` has been seen.
///
/// It is valid for any set of channels, on any transport, on any node. On the wire it is one token:
///
/// ```
/// use encke_core::{Cursor, Epoch};
///
/// let cursor: Cursor = "7f3k2q9x-42".parse()?;
/// assert_eq!(cursor.seq, 42);
/// assert_eq!(cursor.to_string(), "7f3k2q9x-42");
/// # Ok::<(), encke_core::CursorError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The life of the log that `seq` counts in.
    pub epoch: Epoch,
    /// The number of the last message seen; 0 is before the first.
    pub seq: u64,
}

impl Cursor {
    /// The longest token: an epoch, a hyphen and a 64-bit number.
    pub const MAX_LEN: usize = EPOCH_DIGITS + 1 + SEQ_DIGITS;

    /// Appends the token to `out`, without going through `fmt`.
    pub fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.epoch.digits());
        out.push(b'-');
        let mut digits = [0; SEQ_DIGITS];
        let mut first = SEQ_DIGITS;
        let mut rest = self.seq;
        loop {
            first -= 1;
            digits[first] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        out.extend_from_slice(&digits[first..]);
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(token: &str) -> Result<Self, CursorError> {
        let (epoch, seq) = token.split_once('-').ok_or(CursorError)?;
        let epoch = Epoch::parse(epoch.as_bytes()).ok_or(CursorError)?;
        // One spelling for each number: no sign, no leading zero.
        let canonical = seq == "0" || (!seq.starts_with('0') && seq.len() <= SEQ_DIGITS);
        if !canonical || !seq.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CursorError);
        }
        let seq = seq.parse().map_err(|_| CursorError)?;
        Ok(Self { epoch, seq })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.seq)
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a cursor: eight characters of an epoch, a hyphen, a 64-bit decimal number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CursorError;

impl fmt::Display for CursorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a cursor; one looks like 7f3k2q9x-42")
    }
}

impl std::error::Error for CursorError {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn tokens_round_trip(bits: u64, seq: u64) {
            let cursor = Cursor { epoch: Epoch::from_bits(bits), seq };
            let token = cursor.to_string();
            prop_assert!(token.len() <= Cursor::MAX_LEN);
            prop_assert_eq!(token.parse::<Cursor>(), Ok(cursor));
            let mut written = Vec::new();
            cursor.write(&mut written);
            prop_assert_eq!(written, token.into_bytes());
        }

        #[test]
        fn any_text_is_refused_or_the_only_spelling(text in "\\PC{0,40}") {
            if let Ok(cursor) = text.parse::<Cursor>() {
                prop_assert_eq!(cursor.to_string(), text);
            }
        }
    }

    #[test]
    fn number_edges_are_refused() {
        let edges = ["-1", "1e3", "+1", "01", "", " 1", "18446744073709551616", "99999999999999999999999"];
        for edge in edges {
            assert_eq!(format!("7f3k2q9x-{edge}").parse::<Cursor>(), Err(CursorError), "{edge:?}");
        }
        assert_eq!("7f3k2q9x-18446744073709551615".parse::<Cursor>().map(|c| c.seq), Ok(u64::MAX));
        for epoch in ["7f3k2q9", "7f3k2q9xx", "7F3K2Q9X", "7f3k2q9i", "", "äääää"] {
            assert_eq!(format!("{epoch}-1").parse::<Cursor>(), Err(CursorError), "{epoch:?}");
        }
    }
}

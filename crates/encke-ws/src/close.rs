//! The close codes that encke sends.

/// Why the server closes, and by that what the client does next (RFC 6455 7.4.1, the IANA registry, and one code
/// from the range 4000-4999 that is the application's own).
///
/// | code | meaning | the client |
/// |---|---|---|
/// | 1000 | done, as asked | stays away |
/// | 1001 | going away | reconnects |
/// | 1002 | broke the protocol | is faulty |
/// | 1003 | a kind of message that is not understood here | is faulty |
/// | 1007 | text that is not UTF-8 | is faulty |
/// | 1008 | forbidden, or beyond a limit | stays away, or gets a new grant |
/// | 1009 | a message larger than allowed | is faulty |
/// | 1011 | the server's own fault | reconnects |
/// | 1012 | restart or drain | reconnects after a random wait |
/// | 1013 | overload | reconnects later |
/// | 4408 | nothing was heard in time | reconnects |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u16)]
pub enum CloseCode {
    /// 1000: the connection has done what it was for.
    Normal = 1000,
    /// 1001: the server ends it for a reason of its own.
    GoingAway = 1001,
    /// 1002: the peer broke RFC 6455.
    Protocol = 1002,
    /// 1003: a kind of message that is not understood here, such as binary where commands are text.
    Unsupported = 1003,
    /// 1007: text that is not UTF-8.
    BadData = 1007,
    /// 1008: forbidden, or beyond a limit that honest clients do not reach.
    Policy = 1008,
    /// 1009: a message larger than allowed.
    TooBig = 1009,
    /// 1011: the server's own fault.
    Internal = 1011,
    /// 1012: the server restarts or drains.
    Restart = 1012,
    /// 1013: overload.
    TryAgain = 1013,
    /// 4408: nothing, or not all of a message, was heard in time. The number is HTTP's 408.
    TimedOut = 4408,
}

impl CloseCode {
    /// The number on the wire.
    pub fn code(self) -> u16 {
        self as u16
    }
}

/// The longest start of `reason` that fits a close frame: 125 bytes less two for the code (RFC 6455 5.5).
pub(crate) fn fitting(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(123)]
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn a_reason_is_cut_between_characters() {
        assert_eq!(fitting("drain"), "drain");
        assert_eq!(fitting(&"x".repeat(200)).len(), 123);
        assert_eq!(fitting(&"\u{e9}".repeat(100)).len(), 122);
    }
}

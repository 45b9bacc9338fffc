//! Which HTTP a client speaks, by its first bytes.

use std::io;

use crate::stream::Stream;

/// How every HTTP/2 connection begins, and no HTTP/1 request (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The version of a connection's protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Http {
    One,
    Two,
}

/// Reads only until it is certain. The first byte decides for most methods.
///
/// # Errors
/// If the stream ends before.
pub(crate) async fn http_of(stream: &mut Stream) -> io::Result<Http> {
    loop {
        let seen = &stream.ahead()[..stream.ahead().len().min(PREFACE.len())];
        if !PREFACE.starts_with(seen) {
            return Ok(Http::One);
        }
        if seen.len() == PREFACE.len() {
            return Ok(Http::Two);
        }
        stream.read_ahead(PREFACE.len()).await?;
    }
}

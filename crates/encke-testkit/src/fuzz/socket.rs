use encke::ws::{
    SocketLimits,
    frame::{FrameCutter, FrameHeader, Piece},
    handshake::accept,
    watch::Watch,
};
use http::{HeaderName, HeaderValue, Request, StatusCode, header};
use tokio::time::Instant;

use super::{pieces, split_line};

/// Sizes of pieces, a line end, and the bytes that a WebSocket's peer sends.
///
/// # Panics
/// If the bytes are cut or judged otherwise when they come in pieces than when they come at once.
pub fn frames(data: &[u8]) {
    let (sizes, bytes) = split_line(data);
    assert_eq!(cut(pieces(sizes, bytes)), cut([bytes].into_iter()));

    let now = Instant::now();
    let limits = SocketLimits::default().fragments(4).control_frames(1, 3);
    let (mut whole, mut split) = (Watch::new(&limits, now), Watch::new(&limits, now));
    let at_once = whole.inspect(bytes, now);
    let in_pieces = pieces(sizes, bytes).try_for_each(|piece| split.inspect(piece, now));
    let violation =
        |result: Result<(), encke::ws::watch::Breach>| result.err().map(|breach| breach.violation);
    if let Err(breach) = at_once {
        // An empty payload breaks a rule with the last byte of its header.
        let clean = Watch::new(&limits, now).inspect(&bytes[..breach.clean], now);
        assert!(clean.is_ok() || clean == Err(breach), "{clean:?} before {breach:?}");
    }
    assert_eq!(violation(at_once), violation(in_pieces));
    if at_once.is_ok() {
        assert_eq!(whole.deadline(), split.deadline());
    }
}

/// Each frame with its payload, and whether all of it has come.
fn cut<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<(FrameHeader, Vec<u8>, bool)> {
    let mut cutter = FrameCutter::default();
    let mut frames: Vec<(FrameHeader, Vec<u8>, bool)> = Vec::new();
    for mut bytes in pieces {
        while let Some(piece) = cutter.cut(&mut bytes) {
            match piece {
                Piece::Header(header) => frames.push((header, Vec::new(), false)),
                Piece::Payload { header, bytes, at, last } => {
                    let (current, payload, ended) = frames.last_mut().expect("a header comes first");
                    assert_eq!((*current, payload.len() as u64, *ended), (header, at, false));
                    payload.extend_from_slice(bytes);
                    *ended = last;
                    assert_eq!(last, payload.len() as u64 == header.length);
                }
            }
        }
        assert!(bytes.is_empty(), "all of a piece is taken");
    }
    frames
}

/// Header lines of an upgrade.
///
/// # Panics
/// If a request is accepted that lacks something, or refused without a status that says so.
pub fn handshake(data: &[u8]) {
    let mut request = Request::get("/ws").body(()).expect("a request");
    for line in data.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            request.headers_mut().append(name, value);
        }
    }
    let ours = ["encke.v1", "plain"];
    match accept(&request, &ours) {
        Ok(accepted) => {
            let protocol = accepted.protocol();
            assert!(protocol.is_none_or(|protocol| ours.contains(&protocol)));
            let names = |name: &HeaderName, word: &str| {
                let lines = request.headers().get_all(name).iter().map(HeaderValue::as_bytes);
                lines
                    .map(|line| String::from_utf8_lossy(line).to_ascii_lowercase())
                    .any(|line| line.contains(word))
            };
            assert!(names(&header::CONNECTION, "upgrade") && names(&header::UPGRADE, "websocket"));
            assert!(names(&header::SEC_WEBSOCKET_VERSION, "13") && names(&header::SEC_WEBSOCKET_KEY, "=="));
            assert!(protocol.is_none_or(|protocol| names(&header::SEC_WEBSOCKET_PROTOCOL, protocol)));
            let response = accepted.into_response();
            assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
            assert_eq!(response.headers()[header::SEC_WEBSOCKET_ACCEPT].len(), 28);
        }
        Err(error) => {
            let status = error.response().status();
            assert!(matches!(status, StatusCode::BAD_REQUEST | StatusCode::UPGRADE_REQUIRED), "{status}");
        }
    }
}

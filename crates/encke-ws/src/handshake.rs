//! The server's side of the opening handshake (RFC 6455 4.2), without IO.
//!
//! [`accept`] judges a request. What it gives is the subprotocol and the head of the answer; once that is sent, the
//! byte stream is a [`Socket`](crate::Socket)'s. The bootstrap over HTTP/2 (RFC 8441) differs in these two only: another
//! judgement, and 200 instead of 101. It needs the feature `http2`.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version,
    header::{
        ALLOW, CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
        SEC_WEBSOCKET_VERSION, UPGRADE,
    },
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// A request that may become a WebSocket connection.
#[derive(Debug)]
pub struct Accepted<'p> {
    protocol: Option<&'p str>,
    response: Response<()>,
}

impl<'p> Accepted<'p> {
    /// The subprotocol that both sides speak, if any.
    pub fn protocol(&self) -> Option<&'p str> {
        self.protocol
    }

    /// The answer, after which the stream carries frames.
    pub fn into_response(self) -> Response<()> {
        self.response
    }
}

/// Why a request cannot become a WebSocket connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The method is not GET.
    Method,
    /// The request is neither HTTP/1.1 nor HTTP/2.
    HttpVersion,
    /// It does not ask for an upgrade to `websocket`: by both `Connection` and `Upgrade`, or by CONNECT and `:protocol`.
    NoUpgrade,
    /// `Sec-WebSocket-Version` is not 13.
    Version,
    /// `Sec-WebSocket-Key` is not one value of 16 bytes in base64.
    Key,
    /// `Sec-WebSocket-Protocol` is not a list of tokens.
    Protocols,
}

impl HandshakeError {
    /// The head of the refusal: 405, 426 or 400, with the headers that say what would have been right.
    pub fn response(self) -> Response<()> {
        let (status, header) = match self {
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, Some((ALLOW, "GET"))),
            Self::NoUpgrade => (StatusCode::UPGRADE_REQUIRED, Some((UPGRADE, "websocket"))),
            Self::Version => (StatusCode::UPGRADE_REQUIRED, Some((SEC_WEBSOCKET_VERSION, "13"))),
            Self::HttpVersion | Self::Key | Self::Protocols => (StatusCode::BAD_REQUEST, None),
        };
        let mut response = Response::new(());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        if let Some((name, value)) = header {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if status == StatusCode::UPGRADE_REQUIRED {
            // A 426 names what to upgrade to (RFC 9110 15.5.22), and `Upgrade` belongs to this connection only.
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        }
        response
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Method => "a WebSocket is opened by GET",
            Self::HttpVersion => "a WebSocket is opened over HTTP/1.1 or HTTP/2",
            Self::NoUpgrade => "the request does not ask for an upgrade to websocket",
            Self::Version => "Sec-WebSocket-Version is not 13",
            Self::Key => "Sec-WebSocket-Key is not 16 bytes in base64",
            Self::Protocols => "Sec-WebSocket-Protocol is not a list of tokens",
        })
    }
}

impl std::error::Error for HandshakeError {}

/// Judges an opening handshake. `protocols` are the subprotocols that the server speaks, the best first; where the
/// client offers none of them, the answer names none and it is the client's to accept that. No extension is accepted.
///
/// The request's origin is not judged here.
pub fn accept<'p, B>(request: &Request<B>, protocols: &[&'p str]) -> Result<Accepted<'p>, HandshakeError> {
    match request.version() {
        Version::HTTP_11 => accept_upgrade(request, protocols),
        #[cfg(feature = "http2")]
        Version::HTTP_2 => accept_connect(request, protocols),
        _ => Err(HandshakeError::HttpVersion),
    }
}

fn accept_upgrade<'p, B>(
    request: &Request<B>,
    protocols: &[&'p str],
) -> Result<Accepted<'p>, HandshakeError> {
    let headers = request.headers();
    if request.method() != Method::GET {
        return Err(HandshakeError::Method);
    }
    let asks =
        |name, token: &str| list(headers, name).any(|item| item.eq_ignore_ascii_case(token.as_bytes()));
    if !asks(&CONNECTION, "upgrade") || !asks(&UPGRADE, "websocket") {
        return Err(HandshakeError::NoUpgrade);
    }
    check_version(headers)?;
    let key = only(headers, &SEC_WEBSOCKET_KEY).filter(|key| is_key(key)).ok_or(HandshakeError::Key)?;
    let protocol = choose(headers, protocols)?;

    let mut accepted = answer(StatusCode::SWITCHING_PROTOCOLS, protocol)?;
    let head = accepted.response.headers_mut();
    head.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    head.insert(UPGRADE, HeaderValue::from_static("websocket"));
    head.insert(SEC_WEBSOCKET_ACCEPT, value(&derive_accept_key(key)).ok_or(HandshakeError::Key)?);
    Ok(accepted)
}

/// RFC 8441, section 5: no key, because nothing is upgraded.
#[cfg(feature = "http2")]
fn accept_connect<'p, B>(
    request: &Request<B>,
    protocols: &[&'p str],
) -> Result<Accepted<'p>, HandshakeError> {
    let asked = request.extensions().get::<hyper::ext::Protocol>();
    if request.method() != Method::CONNECT || asked.map(hyper::ext::Protocol::as_str) != Some("websocket") {
        return Err(HandshakeError::NoUpgrade);
    }
    check_version(request.headers())?;
    answer(StatusCode::OK, choose(request.headers(), protocols)?)
}

fn check_version(headers: &HeaderMap) -> Result<(), HandshakeError> {
    match only(headers, &SEC_WEBSOCKET_VERSION) {
        Some(b"13") => Ok(()),
        _ => Err(HandshakeError::Version),
    }
}

fn answer(status: StatusCode, protocol: Option<&str>) -> Result<Accepted<'_>, HandshakeError> {
    let mut response = Response::new(());
    *response.status_mut() = status;
    if let Some(protocol) = protocol {
        let protocol = value(protocol).ok_or(HandshakeError::Protocols)?;
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
    }
    Ok(Accepted { protocol, response })
}

fn value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(text).ok()
}

/// The value of a header that came exactly once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h [u8]> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then(|| first.as_bytes().trim_ascii())
}

/// The items of a comma-separated header, over all its lines; empty items are none (RFC 9110 5.6.1).
fn list<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h [u8]> {
    let lines = headers.get_all(name).into_iter();
    lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|item| !item.is_empty())
}

/// Sixteen bytes, and no other number, take 24 characters; a buffer of 18 is what decoding those asks for.
fn is_key(key: &[u8]) -> bool {
    STANDARD.decode_slice(key, &mut [0; 18]) == Ok(16)
}

/// The first of ours that is among theirs.
fn choose<'p>(headers: &HeaderMap, ours: &[&'p str]) -> Result<Option<&'p str>, HandshakeError> {
    if !list(headers, &SEC_WEBSOCKET_PROTOCOL).all(is_token) {
        return Err(HandshakeError::Protocols);
    }
    let theirs = |name: &&&str| list(headers, &SEC_WEBSOCKET_PROTOCOL).any(|item| item == name.as_bytes());
    Ok(ours.iter().find(theirs).copied())
}

/// RFC 9110 5.6.2.
fn is_token(item: &[u8]) -> bool {
    item.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

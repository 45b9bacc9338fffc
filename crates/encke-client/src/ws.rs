//! WebSocket (RFC 6455), the client's side.

use std::collections::VecDeque;

use encke_wire::{Received, Reply};
use futures_util::StreamExt;
use http::{HeaderValue, StatusCode, header};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        handshake::{client::generate_key, derive_accept_key},
        protocol::{CloseFrame, Role, WebSocketConfig},
    },
};

use crate::{
    ClientError,
    ask::{Ask, Heard},
    http1::cut,
    limits::{HEAD_TIME, ITEM_BYTES},
    stream::Stream,
};

const PROTOCOL: &str = "encke.v1";
/// Eagerly allocated for each socket; a client has few, and reads bursts.
const READ_BUFFER: usize = 16 << 10;
/// Nothing is written but pongs and the closing frame.
const WRITE_BUFFER: usize = 1 << 10;
const MAX_WRITE_BUFFER: usize = 64 << 10;

/// The close codes after which a client comes back: going away, internal, restart, try again later, and timed out.
const COME_BACK: [u16; 5] = [1001, 1011, 1012, 1013, 4408];

pub(crate) struct Socket {
    stream: WebSocketStream<TokioIo<Upgraded>>,
}

/// Opens a socket that follows the channels from the start. The handshake goes the way of every other request, so
/// that a refusal is read like every other.
pub(crate) async fn open(ask: &Ask) -> Result<Stream, ClientError> {
    let key = generate_key();
    let request = ask
        .get(&[])
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL)
        .header(header::SEC_WEBSOCKET_KEY, &key);
    let exchange = ask.send_request(request, HEAD_TIME).await?;
    let exchange = exchange.expect(StatusCode::SWITCHING_PROTOCOLS).await?;
    let accept = exchange.response.headers().get(header::SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
    if accept != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
        return Err(ClientError::Malformed("the upgrade to WebSocket was answered wrongly".to_owned()));
    }
    let upgraded = hyper::upgrade::on(exchange.response).await.map_err(|error| cut(&error))?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(MAX_WRITE_BUFFER)
        .max_message_size(Some(ITEM_BYTES))
        .max_frame_size(Some(ITEM_BYTES));
    let stream = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, Some(config)).await;
    Ok(Stream::Socket(Socket { stream }))
}

impl Socket {
    /// Waits for the next frame, and adds what it says to `heard`. False at an end after which one comes back.
    pub(crate) async fn read(&mut self, heard: &mut VecDeque<Heard>) -> Result<bool, ClientError> {
        match self.stream.next().await {
            Some(Ok(Message::Text(text))) => {
                heard.extend(read(&text)?);
                Ok(true)
            }
            Some(Ok(Message::Binary(_))) => {
                Err(ClientError::Malformed("a binary frame; the route sends the data alone".to_owned()))
            }
            // tungstenite answers pings by itself.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(true),
            Some(Ok(Message::Close(frame))) => closed(frame, heard),
            Some(Err(Error::Capacity(_))) => Err(ClientError::TooLarge(ITEM_BYTES)),
            Some(Err(error)) => Err(ClientError::Cut(error.to_string())),
            None => Err(ClientError::Cut("the socket ended without a word".to_owned())),
        }
    }
}

fn read(text: &str) -> Result<Option<Heard>, ClientError> {
    // Replies are rare, and their types are none of the items'; an item is looked into where it is taken.
    let is_item = ["{\"type\":\"message\"", "{\"type\":\"gap\""].iter().any(|begin| text.starts_with(begin));
    if is_item {
        return Ok(Some(Heard::Item(text.to_owned())));
    }
    let reply = match Received::parse(text) {
        Ok(Received::Unknown) => serde_json::from_str(text).ok(),
        // The first frame is like a change of what is followed, but for the channel.
        Err(_) => serde_json::from_str(text).ok().filter(|reply| matches!(reply, Reply::Subscribed { .. })),
        Ok(_) => None,
    };
    match reply {
        Some(Reply::Subscribed { cursor: Some(cursor), .. } | Reply::Pong { cursor: Some(cursor), .. }) => {
            Heard::place(&cursor).map(Some)
        }
        Some(Reply::Error { problem, .. }) => Ok(Some(Heard::Problem(problem))),
        Some(_) => Ok(None),
        None => Ok(Some(Heard::Item(text.to_owned()))),
    }
}

fn closed(frame: Option<CloseFrame>, heard: &mut VecDeque<Heard>) -> Result<bool, ClientError> {
    let Some(frame) = frame else {
        return Err(ClientError::Cut("the socket was closed without a reason".to_owned()));
    };
    let code = u16::from(frame.code);
    if COME_BACK.contains(&code) {
        return Ok(false);
    }
    let reason = frame.reason.as_str();
    heard.push_back(Heard::Closed(format!("WebSocket close code {code} {reason}").trim_end().to_owned()));
    Ok(true)
}

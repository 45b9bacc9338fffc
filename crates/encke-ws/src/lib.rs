//! WebSocket (RFC 6455) over the log of encke.
//!
//! One connection, both ways: whatever it follows arrives as frames, and commands follow more, unfollow and publish.
//! It costs least for each message. Server-sent events do the same one way, through more proxies.
//!
//! ```
//! use encke_hub::Hub;
//! use encke_ws::{Ws, WsConfig};
//!
//! # fn main() -> Result<(), encke_hub::RandomError> {
//! let hub = Hub::builder().build()?;
//! let service = Ws::service(hub, WsConfig::default());
//! # Ok(())
//! # }
//! ```
//!
//! # The wire
//!
//! `GET /ws` with an upgrade, subprotocol `encke.v1` if one is asked for. Text frames carry commands up and messages
//! down, all JSON: see [`encke_wire::Command`] and [`encke_wire::Reply`]. `GET /ws?channel=news[&since=..]` follows from the
//! start: the first frame then is `{"type":"subscribed","cursor":".."}`. A route can also take frames as data to publish, and
//! send the data alone; or it speaks the [`Dialect`] of EventTube. Close codes: [`CloseCode`].
//!
//! # Below the hub
//!
//! The connection's own code needs no hub:
//!
//! - [`handshake`] judges an upgrade request and gives the head of the answer;
//! - [`Socket`] is the connection after it: whole messages in, frames out, heartbeat, deadlines, the closing handshake;
//! - [`meter`] is what stands between the byte stream and the codec, and enforces what the codec cannot see;
//! - [`frame`] and [`watch`] are the parts of the meter that need neither IO nor a clock.
//!
//! Every bound has its name and its default in [`SocketLimits`].
//!
//! ```
//! # async fn serve<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(stream: S) {
//! use encke_ws::{CloseCode, Frame, Incoming, Socket, SocketLimits};
//!
//! let mut socket = Socket::new(stream, Default::default(), &SocketLimits::default()).await;
//! while let Some(Ok(Incoming::Text(text))) = socket.recv().await {
//!     if socket.send(Frame::Text(text)).await.is_err() {
//!         break;
//!     }
//! }
//! socket.finish(CloseCode::Normal, "").await;
//! # }
//! ```

mod admission;
mod close;
mod commands;
mod config;
mod connection;
mod error;
mod eventtube;
pub mod frame;
mod framing;
pub mod handshake;
mod heartbeat;
mod limits;
pub mod meter;
mod request;
mod service;
mod socket;
pub mod watch;

pub use close::CloseCode;
pub use config::{Dialect, Input, WsConfig};
pub use error::SocketError;
pub use limits::SocketLimits;
pub use service::{PROTOCOL, Ws, WsService};
pub use socket::{Frame, Incoming, Socket};

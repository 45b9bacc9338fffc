//! WebSocket (RFC 6455) over the log of encke.
//!
//! What exists is the connection below the hub:
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

mod close;
mod error;
pub mod frame;
pub mod handshake;
mod heartbeat;
mod limits;
pub mod meter;
mod socket;
pub mod watch;

pub use close::CloseCode;
pub use error::SocketError;
pub use limits::SocketLimits;
pub use socket::{Frame, Incoming, Socket};

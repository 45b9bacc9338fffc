//! A small client of encke: publish, and subscribe over any transport.
//!
//! A [`Subscription`] yields the same messages, gaps and checkpoints whatever it goes over, resumes by itself from its
//! cursor, and can [change its transport](Subscription::switch) in between.
//!
//! ```no_run
//! use encke_client::{Client, Received, SubscribeOptions, Transport};
//! use encke_core::{ChannelName, Message};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new("http://127.0.0.1:8000")?;
//! let mut news = client.subscribe(Transport::Sse, SubscribeOptions::new(["news"]).since("-20"));
//!
//! client.publish(&[ChannelName::new("news")?], &Message::json(r#"{"text":"hello"}"#)).await?;
//!
//! while let Some(item) = news.next().await {
//!     match item?.received {
//!         Received::Message(message) => println!("{}: {}", message.channel, message.data),
//!         Received::Gap(gap) => println!("missing from {} to {}: {}", gap.from, gap.to, gap.reason),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! It speaks plain HTTP/1.1, and needs a tokio runtime with time and IO.
//!
//! # Limits
//!
//! Each has its name in [`limits`]. What is read from a stream and not yielded yet is one read of the connection; a
//! subscription that nobody asks for its next item leaves the rest to the network and, when that is full, to the
//! gateway, which keeps no queue for it either: it then gets a gap, or is cut and comes back.

mod answer;
mod ask;
mod backoff;
mod client;
mod continuity;
mod error;
mod http1;
pub mod iframe;
mod item;
pub mod limits;
mod options;
mod pull;
pub mod sse;
mod stream;
mod subscription;
mod transport;
mod url;
mod ws;

pub use client::Client;
pub use continuity::LOST;
pub use encke_wire::{
    Json, Member, MemberList, Problem, Receipt, Received, ReceivedGap, ReceivedMessage, Remedy,
};
pub use error::{ClientError, TooLarge};
pub use item::Item;
pub use options::{Resume, SubscribeOptions};
pub use subscription::Subscription;
pub use transport::{Transport, UnknownTransport};
pub use url::UrlError;

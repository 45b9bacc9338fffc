//! encke for embedders: realtime delivery in a hyper, axum or tower service of your own.
//!
//! There is one append-only log. A message is published once and arrives over whichever transport a client speaks;
//! a client that was away presents its cursor and gets what it missed, or is told that it cannot. Each transport is
//! a `tower` service: mount the ones you want, with your own layers in front.
//!
//! ```
//! use encke::{Action, Ask, ChannelName, Hub, Message, Publish, sse::{Sse, SseConfig}};
//! use http::Request;
//! use http_body_util::{BodyExt, Empty};
//! use tower_service::Service;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let hub = Hub::builder().build()?;
//! let mut events = Sse::service(hub.clone(), SseConfig::default());
//!
//! // Wherever your service routes requests:
//! let request = Request::get("/events?channel=news").body(Empty::<&[u8]>::new())?;
//! let mut response = events.call(request).await?;
//!
//! // Wherever something happens:
//! let news = ChannelName::new("news")?;
//! let grant = hub.authorize(&Ask::new(Action::Publish, vec![news.clone().into()])).await?;
//! hub.publish(&grant, Publish::new(news, Message::text("hello"))).await?;
//!
//! let opening = response.body_mut().frame().await;
//! assert!(opening.is_some());
//! # Ok(())
//! # }
//! ```
//!
//! Run [`Hub::maintain`] in a task of yours for as long as the hub lives, and [`Hub::drain`] before your server stops.
//!
//! # Features
//!
//! `publish` and `sse` by default; `poll`, `longpoll`, `iframe`, `ws` and `sdk` on demand. Beside the transports: the engines
//! `disk` and `redis`, `queue`, `auth` (with `auth-redis`), `admin` and `notices`; `full` for all.

pub use encke_core::*;
pub use encke_hub::*;

/// What the transports share: origins, channel sources, streams and their limits.
pub mod http {
    pub use encke_http::*;
}

#[cfg(feature = "admin")]
pub use encke_admin as admin;
#[cfg(feature = "auth")]
pub use encke_auth as auth;
#[cfg(feature = "disk")]
pub use encke_disk as disk;
#[cfg(feature = "iframe")]
pub use encke_iframe as iframe;
#[cfg(feature = "longpoll")]
pub use encke_longpoll as longpoll;
#[cfg(feature = "notices")]
pub use encke_notices as notices;
#[cfg(feature = "poll")]
pub use encke_poll as poll;
#[cfg(feature = "publish")]
pub use encke_publish as publish;
#[cfg(feature = "queue")]
pub use encke_queue as queue;
#[cfg(feature = "redis")]
pub use encke_redis as redis;
#[cfg(feature = "sdk")]
pub use encke_sdk as sdk;
#[cfg(feature = "sse")]
pub use encke_sse as sse;
#[cfg(feature = "ws")]
pub use encke_ws as ws;

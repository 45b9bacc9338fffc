//! The running hub: who may, who follows, and where messages are ordered.
//!
//! A [`Hub`] joins an [`Engine`], which feeds a log, with an [`Authorizer`], which decides. Publishing and
//! subscribing take a [`Grant`], and only [`Hub::authorize`] makes one. A [`Subscription`] is driven by whoever
//! holds it; the hub has no task and no queue for it, and never calls a transport.
//!
//! ```
//! use encke_core::{ChannelName, Limit, Message, Publish, Since};
//! use encke_hub::{Action, Ask, Hub};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let hub = Hub::builder().build()?;
//! let news = ChannelName::new("news")?;
//!
//! let grant = hub.authorize(&Ask::new(Action::Subscribe, vec![news.clone().into()])).await?;
//! let mut subscription = hub.subscribe(&grant, "example", vec![news.clone().into()], Since::Latest).await?;
//!
//! hub.publish(&grant, Publish::new(news, Message::text("hello"))).await?;
//! let batch = subscription.next(Limit::default()).await.map_err(|end| format!("{end:?}"))?;
//! assert_eq!(batch.messages[0].message().as_text(), Some("hello"));
//! # Ok(())
//! # }
//! ```
//!
//! Two futures are the host's to run: [`Hub::maintain`] (ageing and expiry) for as long as the hub lives, and
//! [`Hub::drain`] at the end.

mod access;
mod answer;
mod ask;
mod ban;
mod builder;
mod counters;
mod engine;
mod error;
mod hub;
mod live;
mod node;
mod notice;
mod notice_kind;
mod orders;
mod own;
mod peers;
mod presence;
mod quota;
mod refusal;
mod registry;
mod reserved;
mod subscription;
mod survey;

pub use access::{Access, Authorizer, Denied, Grant, Open, Trusted};
pub use answer::Answer;
pub use ask::{Action, Ask, Asker, Reads};
pub use ban::{Ban, BanId, BanInfo, Banned, TooManyBans, Whom};
pub use builder::{HubBuilder, HubConfig, RandomError};
pub use counters::Counts;
pub use engine::{Durability, Engine, EngineError, Health, MemoryEngine};
pub use error::{PublishError, SubscribeError};
pub use hub::Hub;
pub use live::{SubscriptionInfo, Wanted};
pub use node::Node;
pub use notice::{Identity, Notice, Noticed, What};
pub use notice_kind::{NoticeKind, UnknownNoticeKind};
pub use orders::BanError;
pub use peers::{Joint, NodeId, NodeInfo, NodeState, Peers};
pub use presence::{Member, MemberKey, MemberKeyError, Members, PresenceConfig, PresenceCounts};
pub use quota::{Rate, network};
pub use refusal::Refusal;
pub use registry::SubscriptionId;
pub use reserved::presence_channel;
pub use subscription::{Change, End, Subscription};
pub use survey::{ChannelSurvey, Rank};

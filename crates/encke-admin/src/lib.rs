//! Administration over HTTP: what there is on a node, why it is so, and what can be done about it.
//!
//! [`Admin::service`] is one service for a whole tree of paths. Mount it below a prefix, behind an authorizer that grants
//! [`Administer`](encke_hub::Action::Administer) to those who run the node and to nobody else.
//!
//! ```
//! use encke_admin::{Admin, AdminConfig};
//! use encke_hub::{Access, Ask, Denied, Hub};
//!
//! # fn main() -> Result<(), encke_hub::RandomError> {
//! let hub = Hub::builder().build()?;
//! let with_key = hub.with_authorizer(|ask: &Ask| match ask.asker.token.as_deref() {
//!     Some("a long secret") => Ok(Access::everything()),
//!     Some(_) => Err(Denied::Forbidden),
//!     None => Err(Denied::Unauthenticated),
//! });
//! let service = Admin::service(with_key, AdminConfig::default().prefix("/admin/api"));
//! # Ok(())
//! # }
//! ```
//!
//! # The wire
//!
//! JSON in and out, problems as `application/problem+json`. `GET openapi.json` describes every operation (OpenAPI 3.1); it
//! comes from the same table that the requests are routed by. A parameter or field that there is not is an error that
//! names the nearest one.
//!
//! # Limits
//!
//! | what | limit |
//! |---|---|
//! | items of a page | 1,000 |
//! | messages of a publish | [`AdminConfig::batch`] |
//! | a body | [`encke_hub::HubConfig::message_bytes`] for each of them, and 64 KiB |
//! | time for a body | [`AdminConfig::body`] |
//! | refusals that each node remembers | 1,000 |
//! | time for other nodes to answer | 1 s |

mod bans;
mod call;
mod channels;
mod clients;
mod config;
mod explain;
mod input;
mod node;
mod nodes;
mod openapi;
mod orders;
mod publish;
mod service;
mod table;
mod values;

pub use config::{AdminConfig, Fact};
pub use service::{Admin, AdminService};

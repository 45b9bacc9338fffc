//! What happens in a hub, as messages of system channels and as webhooks.
//!
//! [`Notices`] publishes what the hub notices: all of it to `$notices`, and who comes to `chat` and goes also to
//! `$presence.chat`. They are messages like any other, so an application follows them by any transport, resumes by its
//! cursor after an outage of its own, and is told of a gap where retention was faster.
//!
//! A [`Webhook`] is a reader of the log too: it sends what it reads to a URL, in order and signed, and moves on when
//! that was answered.
//!
//! Both are futures for tasks of the host's, beside [`Hub::maintain`].

mod backoff;
mod json;
mod notices;
mod place;
mod post;
mod sign;
mod webhook;

use encke_hub::{Action, Ask, Denied, Grant, Hub, Trusted};

pub use encke_hub::{NoticeKind, UnknownNoticeKind};
pub use notices::{NOTICES, Notices, NoticesConfig, NoticesCounts};
pub use sign::{SIGNATURE, Secret, WeakSecret};
pub use webhook::{Webhook, WebhookConfig, WebhookState};

/// The hub as whoever runs the node has it, and the grant for all of it.
async fn trusted(hub: &Hub) -> Result<(Hub, Grant), Denied> {
    let hub = hub.with_authorizer(Trusted);
    let grant = hub.authorize(&Ask::new(Action::Administer, Vec::new())).await?;
    Ok((hub, grant))
}

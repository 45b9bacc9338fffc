use std::{borrow::Cow, time::Duration};

use serde::{Deserialize, Serialize};

/// What a client does about a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Remedy {
    /// The same request can succeed now or soon.
    Retry,
    /// Get new credentials, then repeat.
    Reauthenticate,
    /// The request itself is wrong; repeating it is useless.
    GiveUp,
    /// Come back after `retry_after` seconds, perhaps to another node.
    ComeBackLater,
}

/// A problem as RFC 9457 has it, in answers as `application/problem+json` and on WebSocket in an `error` frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `urn:encke:problem:` and the problem's name.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// The problem in a few words, the same for each of its kind.
    pub title: Cow<'static, str>,
    /// The HTTP status.
    pub status: u16,
    /// What was wrong here, and what would be right.
    pub detail: String,
    /// What to do.
    pub remedy: Remedy,
    /// Seconds after which to come back.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_after: Option<u64>,
}

impl Problem {
    /// The media type (RFC 9457, section 3).
    pub const CONTENT_TYPE: &'static str = "application/problem+json";

    fn new(
        kind: &'static str,
        title: &'static str,
        status: u16,
        remedy: Remedy,
        detail: impl Into<String>,
    ) -> Self {
        let (kind, title) = (Cow::Borrowed(kind), Cow::Borrowed(title));
        Self { kind, title, status, remedy, detail: detail.into(), retry_after: None }
    }

    /// The same, to come back after `delay`, which is rounded up to whole seconds.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay.as_secs() + u64::from(delay.subsec_nanos() > 0));
        self
    }

    /// The problem as JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident: $kind:literal, $title:literal, $status:literal, $remedy:ident;)*) => {
        /// The problems that there are.
        impl Problem {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(detail: impl Into<String>) -> Self {
                    let kind = concat!("urn:encke:problem:", $kind);
                    Self::new(kind, $title, $status, Remedy::$remedy, detail)
                }
            )*
        }
    };
}

problems! {
    /// A parameter, header or command is malformed or missing.
    bad_request: "bad-request", "The request is malformed", 400, GiveUp;
    /// A cursor or another `since` is malformed.
    bad_since: "bad-since", "The place to begin at is malformed", 400, GiveUp;
    /// A channel's name or a pattern is malformed.
    bad_channel: "bad-channel", "The channel name is malformed", 400, GiveUp;
    /// The data is not what its type says.
    bad_content: "bad-content", "The data is not what its type says", 400, GiveUp;
    /// Credentials are missing or have expired.
    unauthenticated: "unauthenticated", "Credentials are needed", 401, Reauthenticate;
    /// Not allowed.
    forbidden: "forbidden", "Not allowed", 403, GiveUp;
    /// Not allowed from this origin.
    bad_origin: "bad-origin", "Not allowed from this origin", 403, GiveUp;
    /// There is nothing here.
    not_found: "not-found", "There is nothing here", 404, GiveUp;
    /// The method is not one of this route's.
    method_not_allowed: "method-not-allowed", "The method is not one of this route's", 405, GiveUp;
    /// None of the accepted media types is on offer.
    not_acceptable: "not-acceptable", "No accepted media type is on offer", 406, GiveUp;
    /// The body did not come in time.
    body_timeout: "body-timeout", "The body did not come in time", 408, Retry;
    /// The idempotency key was used for another message.
    key_conflict: "key-conflict", "The key was used for another message", 409, GiveUp;
    /// The body or message is too large.
    too_large: "too-large", "Too large", 413, GiveUp;
    /// The media type cannot be published.
    unsupported_type: "unsupported-type", "The media type is not supported", 415, GiveUp;
    /// The request must be upgraded to WebSocket.
    upgrade_required: "upgrade-required", "This route speaks WebSocket", 426, GiveUp;
    /// Too much from this client.
    too_many: "too-many", "Too much from this client", 429, ComeBackLater;
    /// Something here is broken.
    internal: "internal", "Something here is broken", 500, Retry;
    /// A limit of this node is reached.
    overloaded: "overloaded", "A limit of this node is reached", 503, ComeBackLater;
    /// The node is being drained.
    draining: "draining", "This node is being drained", 503, ComeBackLater;
    /// Messages cannot be stored, or cannot be read, now.
    unavailable: "unavailable", "The engine is not available now", 503, ComeBackLater;
    /// The log retains as much as it may.
    full: "full", "The log is full", 507, ComeBackLater;
}

use std::{fmt, net::IpAddr, sync::Arc};

use encke_core::{ChannelName, Selector, Timestamp};

use crate::Answer;

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Append messages.
    Publish,
    /// Read messages, old and new.
    Subscribe,
    /// See which channels there are and what they hold.
    Inspect,
    /// Remove a channel's messages.
    Delete,
}

/// Who asks for what. An [`Authorizer`] answers it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Ask {
    /// What for.
    pub action: Action,
    /// On which channels.
    pub selectors: Vec<Selector>,
    /// From where, if that is known.
    pub address: Option<IpAddr>,
    /// The bearer token that came with it.
    pub token: Option<Arc<str>>,
}

impl Ask {
    /// To do `action` on `selectors`.
    #[must_use]
    pub fn new(action: Action, selectors: Vec<Selector>) -> Self {
        Self { action, selectors, address: None, token: None }
    }

    /// From `address`.
    #[must_use]
    pub fn from_address(mut self, address: Option<IpAddr>) -> Self {
        self.address = address;
        self
    }

    /// With a token.
    #[must_use]
    pub fn with_token(mut self, token: Option<Arc<str>>) -> Self {
        self.token = token;
        self
    }
}

/// What an [`Authorizer`] allows.
#[derive(Debug, Clone)]
pub struct Access {
    scope: Scope,
    subject: Option<Arc<str>>,
    expires: Option<Timestamp>,
}

#[derive(Debug, Clone)]
enum Scope {
    Everything,
    Only(Vec<(Action, Selector)>),
}

impl Access {
    /// Every action on every channel.
    #[must_use]
    pub fn everything() -> Self {
        Self { scope: Scope::Everything, subject: None, expires: None }
    }

    /// Each action on its selector and nothing else.
    #[must_use]
    pub fn only(allowed: impl IntoIterator<Item = (Action, Selector)>) -> Self {
        Self { scope: Scope::Only(allowed.into_iter().collect()), subject: None, expires: None }
    }

    /// For whom.
    #[must_use]
    pub fn for_subject(mut self, subject: &str) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Until when. What was opened with it ends then.
    #[must_use]
    pub fn until(mut self, expires: Timestamp) -> Self {
        self.expires = Some(expires);
        self
    }

    fn allows(&self, action: Action, wanted: &Selector) -> bool {
        match &self.scope {
            Scope::Everything => true,
            Scope::Only(allowed) => {
                allowed.iter().filter(|(known, _)| *known == action).any(|(_, selector)| {
                    selector == wanted || selector.as_str() == "**" || covers(selector, wanted)
                })
            }
        }
    }
}

fn covers(selector: &Selector, wanted: &Selector) -> bool {
    matches!(wanted, Selector::Channel(name) if selector.matches(name))
}

/// Decides who may do what.
pub trait Authorizer: Send + Sync + 'static {
    /// Answers `ask`, with exactly what is allowed or with a refusal. Whoever cannot decide refuses.
    fn authorize(&self, ask: &Ask) -> Answer<Result<Access, Denied>>;
}

/// Allows everything to everybody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Open;

impl Authorizer for Open {
    fn authorize(&self, _: &Ask) -> Answer<Result<Access, Denied>> {
        Answer::now(Ok(Access::everything()))
    }
}

/// The proof that somebody was allowed something. Only [`Hub::authorize`](crate::Hub::authorize) makes one, so
/// forgetting to ask does not compile.
#[derive(Debug, Clone)]
pub struct Grant(Arc<Access>);

impl Grant {
    pub(crate) fn new(access: Access) -> Self {
        Self(Arc::new(access))
    }

    /// Who it was given to, if that is known.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// When it ends, if it does by itself.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        self.0.expires
    }

    pub(crate) fn check(&self, action: Action, wanted: &Selector, now: Timestamp) -> Result<(), Denied> {
        if self.0.expires.is_some_and(|expires| expires <= now) {
            Err(Denied::Expired)
        } else if self.0.allows(action, wanted) {
            Ok(())
        } else {
            Err(Denied::Forbidden)
        }
    }

    pub(crate) fn check_channel(
        &self,
        action: Action,
        channel: &ChannelName,
        now: Timestamp,
    ) -> Result<(), Denied> {
        self.check(action, &Selector::Channel(channel.clone()), now)
    }
}

/// Why somebody may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denied {
    /// It is not known who asks.
    Unauthenticated,
    /// Who asks may not do this.
    Forbidden,
    /// What he was allowed has ended.
    Expired,
    /// The question could not be decided, which is a refusal.
    Undecided,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unauthenticated => "credentials are needed",
            Self::Forbidden => "the credentials do not allow this",
            Self::Expired => "the credentials have expired",
            Self::Undecided => "access could not be decided just now",
        })
    }
}

impl std::error::Error for Denied {}

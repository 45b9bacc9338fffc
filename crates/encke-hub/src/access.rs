use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use encke_core::{Selector, Timestamp};

use crate::{
    Action, Answer, Ask, Asker, Reads,
    reserved::{self, Reserved},
};

/// What an [`Authorizer`] allows.
#[derive(Debug, Clone)]
pub struct Access {
    scope: Scope,
    subject: Option<Arc<str>>,
    token_id: Option<Arc<str>>,
    issued: Option<Timestamp>,
    expires: Option<Timestamp>,
    info: Option<Bytes>,
    history: Option<Duration>,
    follows: Vec<Selector>,
}

#[derive(Debug, Clone)]
enum Scope {
    /// Whoever runs the node, or publishes for it.
    Trusted,
    /// Everybody, where everything is open.
    Open,
    Only(Vec<(Action, Selector)>),
}

impl Access {
    fn new(scope: Scope) -> Self {
        Self {
            scope,
            subject: None,
            token_id: None,
            issued: None,
            expires: None,
            info: None,
            history: None,
            follows: Vec::new(),
        }
    }

    /// Every action on every channel, the personal ones and those of the system too: for whoever runs the node.
    #[must_use]
    pub fn everything() -> Self {
        Self::new(Scope::Trusted)
    }

    /// Every action but [`Action::Administer`] on every channel that nobody owns.
    #[must_use]
    pub fn open() -> Self {
        Self::new(Scope::Open)
    }

    /// Each action on its selector, and nothing else but what the subject owns.
    #[must_use]
    pub fn only(allowed: impl IntoIterator<Item = (Action, Selector)>) -> Self {
        Self::new(Scope::Only(allowed.into_iter().collect()))
    }

    /// For whom: he owns the channel `@subject`.
    #[must_use]
    pub fn for_subject(mut self, subject: &str) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// By which token, so that it can be taken back.
    #[must_use]
    pub fn by_token(mut self, id: &str) -> Self {
        self.token_id = Some(id.into());
        self
    }

    /// Since when. What was issued before its subject was revoked is refused; without it, everything is.
    #[must_use]
    pub fn issued(mut self, issued: Timestamp) -> Self {
        self.issued = Some(issued);
        self
    }

    /// Until when. What was opened with it ends then.
    #[must_use]
    pub fn until(mut self, expires: Timestamp) -> Self {
        self.expires = Some(expires);
        self
    }

    /// What others see of him where he is a member: one JSON value.
    #[must_use]
    pub fn info(mut self, json: Bytes) -> Self {
        self.info = Some(json);
        self
    }

    /// How far back he may read.
    #[must_use]
    pub fn history(mut self, age: Duration) -> Self {
        self.history = Some(age);
        self
    }

    /// What he follows without asking for it. He may, whatever else he may.
    #[must_use]
    pub fn follows(mut self, selectors: impl IntoIterator<Item = Selector>) -> Self {
        self.follows.extend(selectors);
        self
    }

    /// The same for whom it is and until when, but for exactly this: each action on its selector, and of what he follows
    /// what `keeps` keeps.
    #[must_use]
    pub fn limited(
        mut self,
        allowed: impl IntoIterator<Item = (Action, Selector)>,
        keeps: impl FnMut(&Selector) -> bool,
    ) -> Self {
        self.scope = Scope::Only(allowed.into_iter().collect());
        self.follows.retain(keeps);
        self
    }

    /// For whom it is, if that is known.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Whether it is for whoever runs the node.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        matches!(self.scope, Scope::Trusted)
    }

    /// Whether it is enough to do `action` on all of `wanted`.
    #[must_use]
    pub fn allows(&self, action: Action, wanted: &Selector) -> bool {
        let explicit = |known: &[(Action, Selector)]| {
            known.iter().any(|(own, selector)| *own == action && selector.covers(wanted))
        };
        if self.is_trusted() || action == Action::Subscribe && self.follows.contains(wanted) {
            return true;
        }
        match (reserved::kind(wanted), &self.scope) {
            (Some(Reserved::Own(owner)), _) => {
                self.subject.as_deref() == Some(owner)
                    && matches!(action, Action::Subscribe | Action::Presence)
            }
            (Some(Reserved::Presence(of)), _) => {
                action == Action::Subscribe && self.allows(Action::Presence, &of.into())
            }
            (Some(Reserved::System), Scope::Only(known)) => action == Action::Subscribe && explicit(known),
            (Some(Reserved::System), _) => false,
            (None, Scope::Only(known)) => explicit(known),
            (None, Scope::Trusted | Scope::Open) => action != Action::Administer,
        }
    }
}

/// Decides who may do what.
pub trait Authorizer: Send + Sync + 'static {
    /// Answers `ask`, with exactly what is allowed or with a refusal. Whoever cannot decide refuses.
    fn authorize(&self, ask: &Ask) -> Answer<Result<Access, Denied>>;

    /// What it looks at of a request. What is not named here is not kept for it.
    fn reads(&self) -> Reads {
        Reads::nothing()
    }

    /// Whether `asker` has brought what it decides by, such as a token, be it right or wrong. One that decides by
    /// something else says no.
    fn presented(&self, _: &Asker) -> bool {
        false
    }
}

impl Authorizer for Arc<dyn Authorizer> {
    fn authorize(&self, ask: &Ask) -> Answer<Result<Access, Denied>> {
        (**self).authorize(ask)
    }

    fn reads(&self) -> Reads {
        (**self).reads()
    }

    fn presented(&self, asker: &Asker) -> bool {
        (**self).presented(asker)
    }
}

/// Allows everything that nobody owns to everybody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Open;

impl Authorizer for Open {
    fn authorize(&self, _: &Ask) -> Answer<Result<Access, Denied>> {
        Answer::now(Ok(Access::open()))
    }
}

/// Allows everything: for what only those can reach who run the node.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trusted;

impl Authorizer for Trusted {
    fn authorize(&self, _: &Ask) -> Answer<Result<Access, Denied>> {
        Answer::now(Ok(Access::everything()))
    }
}

/// A function that decides at once, from all that is known of the request.
impl<F: Fn(&Ask) -> Result<Access, Denied> + Send + Sync + 'static> Authorizer for F {
    fn authorize(&self, ask: &Ask) -> Answer<Result<Access, Denied>> {
        Answer::now(self(ask))
    }

    fn reads(&self) -> Reads {
        Reads::nothing().query().extensions()
    }
}

/// The proof that somebody was allowed something. Only [`Hub::authorize`](crate::Hub::authorize) makes one, so
/// forgetting to ask does not compile.
#[derive(Debug, Clone)]
pub struct Grant(Arc<Granted>);

#[derive(Debug)]
struct Granted {
    access: Access,
    asker: Arc<Asker>,
}

impl Grant {
    pub(crate) fn new(access: Access, asker: Arc<Asker>) -> Self {
        Self(Arc::new(Granted { access, asker }))
    }

    /// Who it was given to, if that is known.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.0.access.subject.as_deref()
    }

    /// The token by which it was given, if it has a name.
    #[must_use]
    pub fn token_id(&self) -> Option<&str> {
        self.0.access.token_id.as_deref()
    }

    /// When it ends, if it does by itself.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        self.0.access.expires
    }

    /// What he follows without asking for it.
    #[must_use]
    pub fn follows(&self) -> &[Selector] {
        &self.0.access.follows
    }

    /// Who asked for it.
    #[must_use]
    pub fn asker(&self) -> &Asker {
        &self.0.asker
    }

    /// Whether it is for whoever runs the node.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.0.access.is_trusted()
    }

    pub(crate) fn subject_arc(&self) -> Option<&Arc<str>> {
        self.0.access.subject.as_ref()
    }

    pub(crate) fn issued(&self) -> Option<Timestamp> {
        self.0.access.issued
    }

    pub(crate) fn info(&self) -> Option<&Bytes> {
        self.0.access.info.as_ref()
    }

    pub(crate) fn history(&self) -> Option<Duration> {
        self.0.access.history
    }

    pub(crate) fn check(&self, action: Action, wanted: &Selector, now: Timestamp) -> Result<(), Denied> {
        if self.expires().is_some_and(|expires| expires <= now) {
            Err(Denied::Expired)
        } else if self.0.access.allows(action, wanted) {
            Ok(())
        } else {
            Err(Denied::Forbidden)
        }
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
    /// What he was allowed was taken back.
    Revoked,
    /// The question could not be decided, which is a refusal.
    Undecided,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unauthenticated => "credentials are needed",
            Self::Forbidden => "the credentials do not allow this",
            Self::Expired => "the credentials have expired",
            Self::Revoked => "the credentials have been revoked",
            Self::Undecided => "access could not be decided just now",
        })
    }
}

impl std::error::Error for Denied {}

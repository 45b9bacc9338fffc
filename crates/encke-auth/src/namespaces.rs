use std::{fmt, sync::Arc};

use encke_core::{ChannelName, NameError, Selector};
use encke_hub::{Access, Action, Answer, Ask, Asker, Authorizer, Denied, Reads};

/// Who may do something in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Who {
    /// Everybody, also without credentials. Credentials that are wrong are refused here too.
    Anyone,
    /// Every verified subject, and whoever is granted it.
    Known,
    /// Whoever is granted it.
    #[default]
    Granted,
    /// Nobody but those who run the node.
    Nobody,
}

/// Channels, and what of them is open to whom. What it does not say is for whoever is granted it.
#[derive(Debug, Clone)]
pub struct Namespace {
    selector: Selector,
    rules: Vec<(Action, Who)>,
}

impl Namespace {
    /// The channels that a name or pattern selects.
    ///
    /// # Errors
    /// [`NamespaceError`] if it is malformed, or begins with `@` or `$`: such channels are never opened by a rule.
    pub fn new(selector: &str) -> Result<Self, NamespaceError> {
        if selector.starts_with(['@', '$']) {
            return Err(NamespaceError::Reserved);
        }
        let selector = Selector::new(selector).map_err(NamespaceError::Name)?;
        Ok(Self { selector, rules: Vec::new() })
    }

    /// The same, where `who` may do `action`.
    #[must_use]
    pub fn may(mut self, who: Who, action: Action) -> Self {
        self.rules.retain(|(known, _)| *known != action);
        self.rules.push((action, who));
        self
    }

    fn who(&self, action: Action) -> Who {
        self.rules.iter().find(|(known, _)| *known == action).map_or(Who::Granted, |(_, who)| *who)
    }
}

/// Decides by namespaces what is open, and leaves the rest to another authorizer, which also says who somebody is.
///
/// The first namespace that has a channel decides about it. A pattern must be allowed by each one that has some of its
/// channels, down to the first that has them all. Personal channels and those of the system are never in a namespace, but
/// `$presence.news` is open where presence on `news` is.
///
/// ```
/// use encke_auth::{AccessKeys, Namespace, Namespaces, Who};
/// use encke_hub::Action::{Publish, Subscribe};
///
/// let chat = Namespace::new("chat.**")?.may(Who::Known, Subscribe).may(Who::Known, Publish);
/// let news = Namespace::new("news.**")?.may(Who::Anyone, Subscribe);
/// let authorizer = Namespaces::new(AccessKeys::new(), [chat, news]);
/// # Ok::<(), encke_auth::NamespaceError>(())
/// ```
#[derive(Clone)]
pub struct Namespaces {
    inner: Arc<dyn Authorizer>,
    rules: Arc<[Namespace]>,
}

impl Namespaces {
    /// These namespaces, where `inner` knows who is granted what.
    #[must_use]
    pub fn new(inner: impl Authorizer, namespaces: impl IntoIterator<Item = Namespace>) -> Self {
        Self { inner: Arc::new(inner), rules: namespaces.into_iter().collect() }
    }
}

impl Authorizer for Namespaces {
    fn authorize(&self, ask: &Ask) -> Answer<Result<Access, Denied>> {
        let rules = Rules(Arc::clone(&self.rules));
        let presented = self.inner.presented(&ask.asker);
        let (action, selectors) = (ask.action, ask.selectors.clone());
        self.inner.authorize(ask).map(move |decided| match decided {
            Ok(access) => Ok(rules.apply(access, action, &selectors)),
            Err(Denied::Unauthenticated) if !presented => rules.for_anyone(action, &selectors),
            Err(denied) => Err(denied),
        })
    }

    fn reads(&self) -> Reads {
        self.inner.reads()
    }

    fn presented(&self, asker: &Asker) -> bool {
        self.inner.presented(asker)
    }
}

struct Rules(Arc<[Namespace]>);

impl Rules {
    /// What is left of `access`, and added to it, for what is asked.
    fn apply(&self, access: Access, action: Action, asked: &[Selector]) -> Access {
        if access.is_trusted() {
            return access;
        }
        let asked = asked.iter().map(|selector| meant(action, selector));
        let allowed: Vec<_> =
            asked.filter(|(action, selector)| self.allows(&access, *action, selector)).collect();
        let whole = access.clone();
        access.limited(allowed, |followed| self.allows(&whole, Action::Subscribe, followed))
    }

    fn for_anyone(&self, action: Action, asked: &[Selector]) -> Result<Access, Denied> {
        let nothing = Access::only([]);
        let open = |selector| {
            let (action, selector) = meant(action, selector);
            self.allows(&nothing, action, &selector)
        };
        // A connection that asks for nothing yet is let in where there is something to ask for.
        let some = || self.0.iter().any(|rule| rule.who(action) == Who::Anyone);
        let admitted = if asked.is_empty() { some() } else { asked.iter().all(open) };
        if admitted { Ok(self.apply(nothing, action, asked)) } else { Err(Denied::Unauthenticated) }
    }

    /// Whether all rules that have a say in it allow it.
    fn allows(&self, access: &Access, action: Action, wanted: &Selector) -> bool {
        let allowed = |who| match who {
            // No rule makes somebody one of those who run the node.
            _ if action == Action::Administer => access.allows(action, wanted),
            Who::Anyone => true,
            Who::Known => access.subject().is_some() || access.allows(action, wanted),
            Who::Granted => access.allows(action, wanted),
            Who::Nobody => false,
        };
        for rule in self.0.iter().filter(|rule| rule.selector.overlaps(wanted)) {
            if !allowed(rule.who(action)) {
                return false;
            }
            if rule.selector.covers(wanted) {
                return true;
            }
        }
        allowed(Who::Granted)
    }
}

/// Following who comes to a channel and goes is presence on that channel.
pub(crate) fn meant(action: Action, selector: &Selector) -> (Action, Selector) {
    let of = match selector {
        Selector::Channel(name) if action == Action::Subscribe => name.as_str().strip_prefix("$presence."),
        _ => None,
    };
    match of.map(ChannelName::new) {
        Some(Ok(of)) => (Action::Presence, of.into()),
        _ => (action, selector.clone()),
    }
}

/// Why a namespace cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NamespaceError {
    /// It is malformed.
    Name(NameError),
    /// It begins with `@` or `$`.
    Reserved,
}

impl fmt::Display for NamespaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => error.fmt(f),
            Self::Reserved => {
                f.write_str("channels that begin with @ or $ belong to somebody; no rule opens them")
            }
        }
    }
}

impl std::error::Error for NamespaceError {}

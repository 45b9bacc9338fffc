use std::{net::IpAddr, sync::Arc};

use encke_core::Selector;
use http::{Extensions, HeaderMap, HeaderName};

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Append messages.
    Publish,
    /// Read messages, old and new.
    Subscribe,
    /// See who is there, and follow who comes and goes.
    Presence,
    /// See which channels there are and what they hold.
    Inspect,
    /// Remove a channel's messages.
    Delete,
    /// See and end what others do.
    Administer,
}

/// Who asks, as far as it is known. Whoever holds a connection keeps it, so it is small: of the request it has only what
/// the authorizer [`reads`](crate::Authorizer::reads).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Asker {
    /// From where.
    pub address: Option<IpAddr>,
    /// By which name his client calls itself, on whatever transport it comes. It proves nothing.
    pub client: Option<Arc<str>>,
    /// The bearer token.
    pub token: Option<Arc<str>>,
    /// The query of his request, as it came.
    pub query: Option<Arc<str>>,
    /// Headers of his request.
    pub headers: HeaderMap,
    /// What layers above have put into his request.
    pub extensions: Extensions,
}

impl Asker {
    /// The same, with a token.
    #[must_use]
    pub fn with_token(mut self, token: impl Into<Arc<str>>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// The same, whose client calls itself so.
    #[must_use]
    pub fn with_client(mut self, client: impl Into<Arc<str>>) -> Self {
        self.client = Some(client.into());
        self
    }

    /// The same, from `address`.
    #[must_use]
    pub fn from_address(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }
}

/// What of a request an [`Authorizer`](crate::Authorizer) looks at, beside the address, the client and the token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reads {
    /// These headers.
    pub headers: Vec<HeaderName>,
    /// The query.
    pub query: bool,
    /// The extensions.
    pub extensions: bool,
}

impl Reads {
    /// Nothing.
    #[must_use]
    pub fn nothing() -> Self {
        Self::default()
    }

    /// These headers too.
    #[must_use]
    pub fn headers(mut self, headers: impl IntoIterator<Item = HeaderName>) -> Self {
        self.headers.extend(headers);
        self
    }

    /// The query too.
    #[must_use]
    pub fn query(mut self) -> Self {
        self.query = true;
        self
    }

    /// The extensions too.
    #[must_use]
    pub fn extensions(mut self) -> Self {
        self.extensions = true;
        self
    }
}

/// Who asks for what. An [`Authorizer`](crate::Authorizer) answers it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Ask {
    /// What for.
    pub action: Action,
    /// On which channels.
    pub selectors: Vec<Selector>,
    /// Who.
    pub asker: Arc<Asker>,
}

impl Ask {
    /// To do `action` on `selectors`, from nobody known.
    #[must_use]
    pub fn new(action: Action, selectors: Vec<Selector>) -> Self {
        Self::from_asker(Arc::default(), action, selectors)
    }

    /// To do `action` on `selectors`.
    #[must_use]
    pub fn from_asker(asker: Arc<Asker>, action: Action, selectors: Vec<Selector>) -> Self {
        Self { action, selectors, asker }
    }
}

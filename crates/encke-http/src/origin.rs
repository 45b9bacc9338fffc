use encke_wire::Problem;
use http::{HeaderMap, HeaderValue, header, request::Parts};

/// By which scheme a request was made, as whoever accepted it knows: an extension of the request. Where it is missing, a
/// proxy that speaks TLS may stand before the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
}

/// The origins whose pages may use a route: exact matches of scheme, host and port.
///
/// A request without `Origin` is allowed (it does not come from a page's script), and so is one of the page's
/// own origin; its scheme is compared where the request's [`Scheme`] is known. The opaque origin `null` must be listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    allowed: Vec<String>,
    any: bool,
}

/// What an origin check found, to be put into the answer.
#[derive(Debug, Clone, Default)]
pub struct Cors {
    origin: Option<HeaderValue>,
}

impl Origins {
    /// Only pages of the gateway's own origin.
    #[must_use]
    pub fn same() -> Self {
        Self::default()
    }

    /// These origins besides the own one: `https://app.example`, no path, no trailing slash; `*` for any.
    #[must_use]
    pub fn allow(origins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut allowed: Vec<String> = origins.into_iter().map(Into::into).collect();
        let any = allowed.iter().any(|origin| origin == "*");
        allowed.retain(|origin| origin != "*");
        Self { allowed, any }
    }

    /// The origins that are listed.
    #[must_use]
    pub fn listed(&self) -> &[String] {
        &self.allowed
    }

    /// Whether any origin is allowed.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.any
    }

    /// Checks a request.
    ///
    /// # Errors
    /// [`Problem`] (403) if its origin is not allowed.
    pub fn check(&self, parts: &Parts) -> Result<Cors, Problem> {
        let mut sent = parts.headers.get_all(header::ORIGIN).iter();
        let Some(origin) = sent.next() else { return Ok(Cors::default()) };
        let refused = || Problem::bad_origin("pages of this origin may not use this route");
        if sent.next().is_some() {
            return Err(refused());
        }
        let text = origin.to_str().map_err(|_| refused())?;
        let listed = self.allowed.iter().any(|allowed| allowed == text);
        if listed || self.any && text != "null" || is_same(text, parts) {
            Ok(Cors { origin: Some(origin.clone()) })
        } else {
            Err(refused())
        }
    }
}

fn is_same(origin: &str, parts: &Parts) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| parts.uri.authority().map(http::uri::Authority::as_str));
    let (scheme, port) = match scheme {
        "http" => (Scheme::Http, ":80"),
        "https" => (Scheme::Https, ":443"),
        _ => return false,
    };
    if parts.extensions.get::<Scheme>().is_some_and(|known| *known != scheme) {
        return false;
    }
    let bare = |authority: &str| authority.strip_suffix(port).unwrap_or(authority).to_ascii_lowercase();
    host.is_some_and(|host| bare(host) == bare(authority))
}

impl Cors {
    /// Puts what browsers need into an answer, unless that says that it is for all.
    pub fn apply(self, headers: &mut HeaderMap) {
        if let Some(origin) = self.origin {
            headers.entry(header::ACCESS_CONTROL_ALLOW_ORIGIN).or_insert(origin);
            let exposed = HeaderValue::from_static("etag, retry-after, encke-cursor, encke-gap");
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
    }

    /// Answers a preflight (Fetch standard, CORS protocol).
    pub fn apply_preflight(self, methods: HeaderValue, headers: &mut HeaderMap) {
        if self.origin.is_some() {
            let allowed =
                "content-type, last-event-id, if-none-match, idempotency-key, encke-name, authorization";
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(allowed));
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        }
        self.apply(headers);
    }
}

use std::time::Duration;

use encke_http::{Body, Endpoint, Origins, Stream, follow};
use encke_hub::Hub;
use encke_wire::Problem;
use http::{HeaderName, HeaderValue, Method, Response, header, request::Parts};

use crate::{IframeConfig, framing::IframeFraming, request::IframeRequest};

/// The word by which its readers are counted.
const LABEL: &str = "iframe";

/// How late a heartbeat may be on a slow line. Two of them and this, and the frame takes its stream for cut.
const LATE: Duration = Duration::from_secs(5);

/// The forever-iframe as a service.
pub type IframeService = encke_http::Service<Iframe>;

/// Holds a request for ever and streams scripts into the page that frames it.
#[derive(Debug)]
pub struct Iframe {
    hub: Hub,
    config: IframeConfig,
}

impl Iframe {
    /// The service that streams from `hub`.
    #[must_use]
    pub fn service(hub: Hub, config: IframeConfig) -> IframeService {
        IframeService::new(Self { hub, config })
    }

    /// Nothing in the document runs but what carries the nonce, and nobody else may frame it.
    fn policy(&self, nonce: &str) -> Result<HeaderValue, Problem> {
        let origins = &self.config.origins;
        let ancestors = if origins.is_any() {
            "*".to_owned()
        } else {
            // A policy cannot name the opaque origin.
            let others =
                origins.listed().iter().chain(&self.config.parents).filter(|origin| *origin != "null");
            others.fold("'self'".to_owned(), |list, origin| list + " " + origin)
        };
        let policy = format!(
            "default-src 'none'; script-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; \
             frame-ancestors {ancestors}"
        );
        HeaderValue::try_from(policy)
            .map_err(|_| Problem::internal("an origin of this route is no header text"))
    }
}

fn nonce() -> Result<String, Problem> {
    let random = || getrandom::u64().map_err(|_| Problem::internal("the system gave no random bits"));
    Ok(format!("{:016x}{:016x}", random()?, random()?))
}

impl Endpoint for Iframe {
    const METHODS: &'static [Method] = &[Method::GET];

    fn origins(&self) -> &Origins {
        &self.config.origins
    }

    async fn answer<B: Send>(&self, parts: Parts, _: B) -> Result<Response<Body>, Problem> {
        let IframeRequest { selectors, since, target } = IframeRequest::read(&self.config, &parts)?;
        let subscription = follow(&self.hub, &parts, LABEL, &self.config.channels, selectors, since).await?;
        let nonce = nonce()?;
        let policy = self.policy(&nonce)?;
        let script = format!("<script nonce=\"{nonce}\">");
        let silence = 2 * self.config.stream.heartbeat + LATE;
        let framing = IframeFraming { payload: self.config.payload, target, script, silence };
        let mut response =
            Response::new(Body::stream(Stream::new(subscription, framing, self.config.stream)));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        Ok(response)
    }
}

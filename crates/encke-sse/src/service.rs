use encke_http::{Body, Endpoint, Origins, Stream, follow};
use encke_hub::Hub;
use encke_wire::Problem;
use http::{HeaderName, HeaderValue, Method, Response, header, request::Parts};

use crate::{SseConfig, framing::SseFraming, request::SseRequest};

/// The word by which its readers are counted.
const LABEL: &str = "sse";

/// Server-sent events as a service.
pub type SseService = encke_http::Service<Sse>;

/// Holds a request for ever and streams events.
#[derive(Debug)]
pub struct Sse {
    hub: Hub,
    config: SseConfig,
}

impl Sse {
    /// The service that streams from `hub`.
    #[must_use]
    pub fn service(hub: Hub, config: SseConfig) -> SseService {
        SseService::new(Self { hub, config })
    }
}

impl Endpoint for Sse {
    const METHODS: &'static [Method] = &[Method::GET];

    fn origins(&self) -> &Origins {
        &self.config.origins
    }

    async fn answer<B: Send>(&self, parts: Parts, _: B) -> Result<Response<Body>, Problem> {
        let SseRequest { selectors, since } = SseRequest::read(&self.config, &parts)?;
        let framing = SseFraming { payload: self.config.payload, retry: self.config.retry };
        let subscription = follow(&self.hub, &parts, LABEL, &self.config.channels, selectors, since).await?;
        let mut response =
            Response::new(Body::stream(Stream::new(subscription, framing, self.config.stream)));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        // Or nginx gathers the events before it passes them on.
        headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        Ok(response)
    }
}

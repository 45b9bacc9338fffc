use encke_core::{Selector, Since};
use encke_http::{Params, accepts, header, since};
use encke_wire::Problem;
use http::request::Parts;

use crate::SseConfig;

/// What a request for a stream asks for.
pub(crate) struct SseRequest {
    pub(crate) selectors: Vec<Selector>,
    pub(crate) since: Since,
}

impl SseRequest {
    pub(crate) fn read(config: &SseConfig, parts: &Parts) -> Result<Self, Problem> {
        if !accepts(&parts.headers, "text/event-stream") {
            return Err(Problem::not_acceptable("this route answers with text/event-stream"));
        }
        let params = Params::parse(parts.uri.query())?;
        let selectors = config.channels.selectors(parts, &params)?;
        // A browser that reconnects repeats the URL and adds the header, which is the newer of the two.
        let last = header(&parts.headers, "last-event-id")?.or(params.get("last_event_id"));
        let since = last.map(since).transpose()?.or(params.since()?).unwrap_or(Since::Latest);
        Ok(Self { selectors, since })
    }
}

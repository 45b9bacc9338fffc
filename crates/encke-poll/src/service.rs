use encke_core::Since;
use encke_http::{Body, Endpoint, Origins, end_problem, follow};
use encke_hub::Hub;
use encke_wire::Problem;
use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};

use crate::{
    PollConfig,
    framing::tag,
    request::{PollRequest, has},
};

/// The word by which its readers are counted.
const LABEL: &str = "poll";

/// Polling as a service.
pub type PollService = encke_http::Service<Poll>;

/// Answers at once, with what there is.
#[derive(Debug)]
pub struct Poll {
    hub: Hub,
    config: PollConfig,
}

impl Poll {
    /// The service that polls `hub`.
    #[must_use]
    pub fn service(hub: Hub, config: PollConfig) -> PollService {
        PollService::new(Self { hub, config })
    }
}

impl Endpoint for Poll {
    const METHODS: &'static [Method] = &[Method::GET];

    fn origins(&self) -> &Origins {
        &self.config.origins
    }

    async fn answer<B: Send>(&self, mut parts: Parts, _: B) -> Result<Response<Body>, Problem> {
        let request = PollRequest::read(&self.config, &parts)?;
        let pull = &request.pull;
        pull.distrust(&mut parts);
        let since = pull.since.unwrap_or(Since::Earliest);
        let source = self.config.pull.source();
        let mut subscription =
            follow(&self.hub, &parts, LABEL, source, pull.selectors.clone(), since).await?;
        subscription.keep_lease();
        let presented = subscription.cursor();
        let batch = subscription.read(pull.limit).await.map_err(end_problem)?;
        let tag = tag(&batch, presented);
        let mut response = if has(&parts.headers, &tag) {
            let mut unchanged = Response::new(Body::empty());
            *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
            pull.keep(batch.cursor, unchanged.headers_mut());
            unchanged
        } else {
            pull.answer(&batch, request.newest_first)
        };
        let tag = HeaderValue::try_from(tag).map_err(|_| Problem::internal("the tag is no header"))?;
        response.headers_mut().insert(header::ETAG, tag);
        Ok(response)
    }
}

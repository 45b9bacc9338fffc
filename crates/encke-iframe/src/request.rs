use encke_core::{Selector, Since};
use encke_http::{Callback, Params, accepts};
use encke_wire::Problem;
use http::request::Parts;

use crate::IframeConfig;

/// What a request for a frame asks for.
pub(crate) struct IframeRequest {
    pub(crate) selectors: Vec<Selector>,
    pub(crate) since: Since,
    pub(crate) target: Target,
}

/// How the parent is told.
pub(crate) enum Target {
    /// By a call of its function, which works for the same origin.
    Call(Callback),
    /// By `postMessage` to exactly this origin: what is posted to `*` is posted to anybody.
    Post(String),
}

impl IframeRequest {
    pub(crate) fn read(config: &IframeConfig, parts: &Parts) -> Result<Self, Problem> {
        if !accepts(&parts.headers, "text/html") {
            return Err(Problem::not_acceptable("this route answers with text/html"));
        }
        let params = Params::parse(parts.uri.query())?;
        let selectors = config.channels.selectors(parts, &params)?;
        let since = params.since()?.unwrap_or(Since::Latest);
        Ok(Self { selectors, since, target: Target::read(config, &params)? })
    }
}

impl Target {
    fn read(config: &IframeConfig, params: &Params<'_>) -> Result<Self, Problem> {
        let callback = params.get("callback").map(Callback::new).transpose()?;
        match (params.get("origin"), callback.or_else(|| config.callback.clone())) {
            (Some(origin), _) if config.parents.iter().any(|parent| parent == origin) => {
                Ok(Self::Post(origin.to_owned()))
            }
            (Some(_), _) => Err(Problem::bad_origin("pages of this origin may not use this route")),
            (None, Some(callback)) => Ok(Self::Call(callback)),
            (None, None) => Err(Problem::bad_request(
                "name a function of the parent page, ?callback=handle, or its origin, ?origin=https://app.example",
            )),
        }
    }
}

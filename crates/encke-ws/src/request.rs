use encke_core::{Selector, Since};
use encke_http::Params;
use encke_wire::Problem;
use http::request::Parts;

use crate::{Input, WsConfig};

/// What an upgrade asks to follow from the start; nothing, if commands are to say it.
pub(crate) struct WsRequest {
    pub(crate) selectors: Vec<Selector>,
    pub(crate) since: Since,
}

impl WsRequest {
    pub(crate) fn read(config: &WsConfig, parts: &Parts) -> Result<Self, Problem> {
        let params = Params::parse(parts.uri.query())?;
        let selectors = config.channels.selectors(parts, &params)?;
        if selectors.is_empty() && !matches!(config.input, Input::Commands { .. }) {
            return Err(Problem::bad_request(config.channels.hint()));
        }
        Ok(Self { selectors, since: params.since()?.unwrap_or(Since::Latest) })
    }
}

use encke_core::{Selector, Since};
use encke_http::Params;
use encke_wire::Problem;
use http::request::Parts;

use crate::{Dialect, Input};

/// What an upgrade asks to follow from the start; nothing, if commands are to say it.
pub(crate) struct WsRequest {
    pub(crate) selectors: Vec<Selector>,
    pub(crate) since: Since,
}

impl WsRequest {
    pub(crate) fn read(dialect: &Dialect, parts: &Parts) -> Result<Self, Problem> {
        let (channels, input) = match dialect {
            Dialect::Native { channels, input, .. } => (channels, input),
            Dialect::EventTube { broadcast, .. } => {
                return Ok(Self { selectors: vec![broadcast.clone().into()], since: Since::Latest });
            }
        };
        let params = Params::parse(parts.uri.query())?;
        let selectors = channels.selectors(parts, &params)?;
        if selectors.is_empty() && !matches!(input, Input::Commands { .. }) {
            return Err(Problem::bad_request(channels.hint()));
        }
        Ok(Self { selectors, since: params.since()?.unwrap_or(Since::Latest) })
    }
}

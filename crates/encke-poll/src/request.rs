use encke_http::{Params, Pull};
use encke_wire::Problem;
use http::{HeaderMap, header, request::Parts};

use crate::PollConfig;

/// A poll: a pull, and the order of its answer.
pub(crate) struct PollRequest<'a> {
    pub(crate) pull: Pull<'a>,
    pub(crate) newest_first: bool,
}

impl<'a> PollRequest<'a> {
    pub(crate) fn read(config: &'a PollConfig, parts: &Parts) -> Result<Self, Problem> {
        let params = Params::parse(parts.uri.query())?;
        let newest_first = match params.get("order") {
            None => config.newest_first,
            Some("asc") => false,
            Some("desc") => true,
            Some(_) => return Err(Problem::bad_request("order is asc, oldest first, or desc, newest first")),
        };
        Ok(Self { pull: Pull::read(&config.pull, parts, &params)?, newest_first })
    }
}

/// Whether the client has the answer with this tag already (RFC 9110, section 13.1.2).
pub(crate) fn has(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|known| known.strip_prefix("W/").unwrap_or(known) == tag.strip_prefix("W/").unwrap_or(tag))
}

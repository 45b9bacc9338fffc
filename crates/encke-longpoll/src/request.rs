use std::time::Duration;

use encke_http::{Params, Pull, header};
use encke_wire::Problem;
use http::{Method, request::Parts};

use crate::{LongPollConfig, MAX_LINGER, MAX_WAIT};

/// A long poll: a pull, and how long it may take.
pub(crate) struct LongPollRequest<'a> {
    pub(crate) pull: Pull<'a>,
    pub(crate) wait: Duration,
    pub(crate) linger: Duration,
}

impl<'a> LongPollRequest<'a> {
    pub(crate) fn read(config: &'a LongPollConfig, parts: &Parts) -> Result<Self, Problem> {
        let params = Params::parse(parts.uri.query())?;
        let pull = Pull::read(&config.pull, parts, &params)?;
        let wait = params.number("wait", 0, MAX_WAIT.as_secs())?.map(Duration::from_secs);
        let wait = wait.or(preferred_wait(parts)?).unwrap_or(config.wait);
        // Nobody reads the body of a HEAD, so there is nothing to wait for.
        let wait = if parts.method == Method::HEAD { Duration::ZERO } else { wait };
        let max_linger = u64::try_from(MAX_LINGER.as_millis()).unwrap_or(u64::MAX);
        let linger = params.number("linger", 0, max_linger)?.map_or(config.linger, Duration::from_millis);
        Ok(Self { pull, wait, linger })
    }
}

/// `Prefer: wait=10` (RFC 7240, section 4.3). A preference that is too large or odd is ignored, as it says.
fn preferred_wait(parts: &Parts) -> Result<Option<Duration>, Problem> {
    let prefer = header(&parts.headers, "prefer")?.unwrap_or_default();
    let mut preferences = prefer.split([',', ';']).filter_map(|preference| preference.trim().split_once('='));
    let seconds = preferences.find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"));
    let seconds = seconds.and_then(|(_, value)| value.trim().parse().ok());
    Ok(seconds.map(Duration::from_secs).map(|wait| wait.min(MAX_WAIT)))
}

use bytes::Bytes;
use encke_core::{ChannelName, Publish, Selector};
use encke_http::{Body, ChannelSource, Params, header};
use encke_wire::{ContentError, Problem, message_of, own_channel, publish};
use http::{HeaderMap, HeaderValue, Response, header::CONTENT_TYPE, request::Parts};

use crate::PublishConfig;

/// Where a publish goes, and what it is beside its body.
pub(crate) struct PublishRequest {
    pub(crate) channels: Vec<ChannelName>,
    name: Option<String>,
    key: Option<String>,
}

impl PublishRequest {
    pub(crate) fn read(config: &PublishConfig, parts: &Parts) -> Result<Self, Problem> {
        let params = Params::parse(parts.uri.query())?;
        let channels = config.channels.selectors(parts, &params)?.into_iter().map(name_of);
        // A route with channels of its own publishes to no others.
        let users = params.all("user").filter(|_| !matches!(config.channels, ChannelSource::Fixed(_)));
        let channels = channels.chain(users.map(own_channel));
        let own = |parameter: &str, name: &str| -> Result<_, Problem> {
            let value = header(&parts.headers, name)?.or(params.get(parameter));
            Ok(value.map(str::to_owned))
        };
        // The header is a structured string, which has quotes; the draft's examples are read without them too.
        let key = own("key", "idempotency-key")?.map(|key| key.trim_matches('"').to_owned());
        Ok(Self { channels: channels.collect::<Result<_, _>>()?, name: own("name", "encke-name")?, key })
    }

    /// The message; `untyped` is the media type of a body that comes without one.
    pub(crate) fn message(
        &self,
        headers: &HeaderMap,
        untyped: Option<&str>,
        body: Bytes,
    ) -> Result<Publish, Problem> {
        let content_type = header(headers, CONTENT_TYPE.as_str())?.or(untyped);
        let message = message_of(content_type, body).map_err(|error| match error {
            ContentError::Unsupported => Problem::unsupported_type(error.to_string()),
            _ => Problem::bad_content(error.to_string()),
        })?;
        publish(&self.channels, message, self.name.as_deref(), self.key.as_deref())
    }
}

pub(crate) fn name_of(selector: Selector) -> Result<ChannelName, Problem> {
    match selector {
        Selector::Channel(name) => Ok(name),
        Selector::Pattern(_) => Err(Problem::bad_channel("a message goes to channels, not to a pattern")),
    }
}

/// Whether the body is a batch: one JSON object a line.
pub(crate) fn is_batch(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-ndjson")
}

/// The lines of a batch, of which there are 1 to `limit`.
pub(crate) fn lines(body: &[u8], limit: usize) -> Result<Vec<&[u8]>, Problem> {
    let lines = body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    // One more tells that there are too many; how many need not be known.
    let lines: Vec<_> = lines.take(limit.saturating_add(1)).collect();
    if lines.is_empty() || lines.len() > limit {
        return Err(Problem::bad_request(format!("a batch has 1 to {limit} lines, each a JSON object")));
    }
    Ok(lines)
}

/// The answer to a batch: what came of each line, in order.
pub(crate) fn batch_of(results: &[Vec<u8>]) -> Vec<u8> {
    [&b"{\"results\":["[..], &results.join(&b','), b"]}"].concat()
}

/// An answer of JSON.
pub(crate) fn json(json: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(json));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

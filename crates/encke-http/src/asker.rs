use std::{net::IpAddr, sync::Arc};

use encke_core::{Selector, Since};
use encke_hub::{Action, Ask, Asker, Grant, Hub, Reads, Subscription};
use encke_wire::Problem;
use http::{HeaderMap, header, request::Parts};

use crate::{ChannelSource, Params, denied, subscribe_problem};

/// Bytes of the name that a client calls itself, at most.
const CLIENT: usize = 64;

/// Where a request comes from, as whoever accepted it knows: an extension of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Who sent a request, with what the hub's authorizer reads of it.
///
/// The token is that of `Authorization: Bearer` (RFC 6750, section 2.1), or of the query parameter `token` where a client
/// can set no header. A client calls itself by the header `Encke-Client` or the query parameter `client`.
///
/// # Errors
/// [`Problem`] if the client's name has no 1 to 64 visible ASCII characters.
pub fn asker(hub: &Hub, parts: &Parts) -> Result<Asker, Problem> {
    let Reads { headers, query, extensions, .. } = hub.reads();
    let text = parts.uri.query().unwrap_or_default();
    // Most queries have neither, and are not taken apart for it.
    let named = text.contains("token=") || text.contains("client=");
    let params = if named { Params::parse(Some(text))? } else { Params::default() };
    let bearer = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.split_once(' '));
    let bearer =
        bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    let client = crate::header(&parts.headers, "encke-client")?.or(params.get("client"));
    if client.is_some_and(|name| name.len() > CLIENT || !name.bytes().all(|byte| byte.is_ascii_graphic())) {
        return Err(Problem::bad_request(format!(
            "a client's name has 1 to {CLIENT} visible ASCII characters"
        )));
    }

    let mut asker = Asker::default();
    asker.address = parts.extensions.get::<Peer>().map(|peer| peer.0);
    asker.client = client.map(Arc::from);
    asker.token = bearer.or(params.get("token")).map(Arc::from);
    asker.query = (query && !text.is_empty()).then(|| text.into());
    asker.headers = pick(&parts.headers, &headers);
    if extensions {
        asker.extensions = parts.extensions.clone();
    }
    Ok(asker)
}

fn pick(from: &HeaderMap, names: &[http::HeaderName]) -> HeaderMap {
    let values = names.iter().flat_map(|name| from.get_all(name).iter().map(move |value| (name, value)));
    // A copy of its own: the one that came keeps the whole buffer alive that it was read into.
    let copy = |value: &http::HeaderValue| http::HeaderValue::from_bytes(value.as_bytes()).ok();
    values.filter_map(|(name, value)| Some((name.clone(), copy(value)?))).collect()
}

/// Asks the hub whether `asker` may do `action` on `selectors`.
///
/// # Errors
/// [`Problem`] if not.
pub async fn ask(
    hub: &Hub,
    asker: &Arc<Asker>,
    action: Action,
    selectors: Vec<Selector>,
) -> Result<Grant, Problem> {
    hub.authorize(&Ask::from_asker(Arc::clone(asker), action, selectors)).await.map_err(denied)
}

/// Asks the hub whether whoever sent a request may do `action` on `selectors`.
///
/// # Errors
/// [`Problem`] if not.
pub async fn authorize(
    hub: &Hub,
    parts: &Parts,
    action: Action,
    selectors: Vec<Selector>,
) -> Result<Grant, Problem> {
    ask(hub, &Arc::new(asker(hub, parts)?), action, selectors).await
}

/// Opens a subscription for whoever sent a request, if he may, to what he asks for and to what he gets without asking.
///
/// # Errors
/// [`Problem`] if not, or if that is nothing.
pub async fn follow(
    hub: &Hub,
    parts: &Parts,
    label: &'static str,
    source: &ChannelSource,
    selectors: Vec<Selector>,
    since: Since,
) -> Result<Subscription, Problem> {
    let grant = authorize(hub, parts, Action::Subscribe, selectors.clone()).await?;
    let selectors = with_own(selectors, &grant);
    if selectors.is_empty() {
        return Err(Problem::bad_request(source.hint()));
    }
    hub.subscribe(&grant, label, selectors, since).await.map_err(subscribe_problem)
}

/// What was asked for, and what the grant gives without asking.
#[must_use]
pub fn with_own(mut selectors: Vec<Selector>, grant: &Grant) -> Vec<Selector> {
    for own in grant.follows() {
        if !selectors.contains(own) {
            selectors.push(own.clone());
        }
    }
    selectors
}

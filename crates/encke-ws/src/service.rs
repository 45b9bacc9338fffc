use std::sync::Arc;

use bytes::Bytes;
use encke_http::{Body, Endpoint, Keep, Origins, Pulse, ask, asker, subscribe_problem, with_own};
use encke_hub::{Action, Asker, Hub};
use encke_wire::Problem;
use http::{HeaderMap, Method, Request, Response, header, request::Parts};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crate::{
    Socket, WsConfig,
    commands::{Commands, Meter},
    connection::Connection,
    handshake::{HandshakeError, accept},
    request::WsRequest,
};

/// The word by which its readers are counted.
pub(crate) const LABEL: &str = "ws";

/// The native dialect, as a subprotocol.
pub const PROTOCOL: &str = "encke.v1";

/// What goes before a token that comes as a subprotocol, beside the dialect's.
const TOKEN: &str = "encke.token.";

/// A frame is at most so many times as large as its data (each byte as `\u0000`), with room for its fields: the names of
/// all channels of a message, each byte escaped, are less than 36 KiB.
const ENVELOPE: (usize, usize) = (6, 40 << 10);

/// WebSocket as a service.
pub type WsService = encke_http::Service<Ws>;

/// Upgrades requests, and follows the hub for them.
///
/// It spawns one task for each connection on the runtime that it is called in, because an upgraded connection
/// outlives its request.
#[derive(Debug)]
pub struct Ws {
    hub: Hub,
    config: WsConfig,
}

impl Ws {
    /// The service that connects to `hub`.
    #[must_use]
    pub fn service(hub: Hub, mut config: WsConfig) -> WsService {
        let (times, fields) = ENVELOPE;
        let largest = hub.config().message_bytes.saturating_mul(times).saturating_add(fields);
        config.limits = config.limits.sent_frame(largest);
        WsService::new(Self { hub, config })
    }
}

impl Endpoint for Ws {
    const METHODS: &'static [Method] = &[Method::GET];
    const TUNNELS: bool = true;

    fn origins(&self) -> &Origins {
        &self.config.origins
    }

    async fn answer<B: Send>(&self, mut parts: Parts, _: B) -> Result<Response<Body>, Problem> {
        let upgrade = parts.extensions.remove::<OnUpgrade>();
        let keep = parts.extensions.remove::<Keep>();
        let request = WsRequest::read(&self.config.dialect, &parts);
        let asker = asker(&self.hub, &parts).map(|asker| token_of(asker, &parts.headers));
        let handshake = Request::from_parts(parts, ());
        let accepted = match accept(&handshake, self.config.dialect.protocols()) {
            Ok(accepted) => accepted.into_response(),
            Err(error) => return Ok(refuse(error)),
        };
        let Some(upgrade) = upgrade else {
            return Err(Problem::upgrade_required("what serves this route cannot upgrade connections"));
        };
        let WsRequest { selectors, since } = request?;
        let asker = Arc::new(asker?);
        let granted = ask(&self.hub, &asker, Action::Subscribe, selectors.clone()).await;
        let WsConfig { dialect, limits, heartbeat, age, authenticate, rate, .. } = self.config.clone();
        let mut commands =
            Commands { hub: self.hub.clone(), asker, dialect, selectors, meter: Meter::new(rate) };
        let admitted = match granted {
            Ok(grant) => {
                let followed = with_own(commands.selectors.clone(), &grant);
                let subscription = self.hub.subscribe(&grant, LABEL, followed, since).await;
                let subscription = subscription.map_err(subscribe_problem)?;
                let greeting = commands.dialect.greeting(&subscription)?;
                Some((subscription, greeting))
            }
            Err(problem) if commands.may_authenticate(&problem) => None,
            Err(problem) => return Err(problem),
        };
        tokio::spawn(async move {
            // The client went away before its upgrade was answered.
            let Ok(stream) = upgrade.await else { return };
            let mut socket = Socket::new(TokioIo::new(stream), Bytes::new(), &limits).await;
            let admitted = match admitted {
                Some(admitted) => Ok(admitted),
                None => commands.admit(&mut socket, authenticate).await,
            };
            let (subscription, greeting) = match admitted {
                Ok(admitted) => admitted,
                Err((code, reason)) => return socket.finish(code, reason).await,
            };
            let pulse = Pulse::new(heartbeat, age);
            Connection::new(socket, subscription, commands, pulse).run(greeting).await;
            drop(keep);
        });
        Ok(accepted.map(|()| Body::empty()))
    }
}

/// The asker with the token that came as a subprotocol, if none came otherwise: a page can set no header here.
fn token_of(mut asker: Asker, headers: &HeaderMap) -> Asker {
    let asked =
        headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|names| names.to_str().ok());
    let mut names = asked.flat_map(|names| names.split(',')).map(str::trim);
    asker.token = asker.token.or_else(|| names.find_map(|name| name.strip_prefix(TOKEN)).map(Arc::from));
    asker
}

/// The refusal of a handshake, with the headers that say what would have been right.
fn refuse(error: HandshakeError) -> Response<Body> {
    let head = error.response();
    let detail = format!("{error}; this route speaks WebSocket (RFC 6455)");
    let problem = match head.status().as_u16() {
        405 => Problem::method_not_allowed(detail),
        426 => Problem::upgrade_required(detail),
        _ => Problem::bad_request(detail),
    };
    let mut response = encke_http::problem_response(&problem);
    let headers: HeaderMap = head.into_parts().0.headers;
    response.headers_mut().extend(headers);
    response
}

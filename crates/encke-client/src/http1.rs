use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, header};
use http_body_util::Full;
use hyper::{
    body::Incoming,
    client::conn::http1::{Builder, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

use crate::{
    ClientError,
    limits::{CONNECT_TIME, IDLE_CONNECTIONS},
    url::Url,
};

/// What of a connection is read ahead, at most: 64 KiB, enough to read what is there in one go.
const READ_AHEAD: usize = 64 << 10;
/// By what name a client calls itself.
const CLIENT: HeaderName = HeaderName::from_static("encke-client");
/// A gateway sends about ten.
const MAX_HEADERS: usize = 64;

/// Sends requests to one gateway, over connections that it keeps.
#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) url: Url,
    /// Neither is ever locked while something is awaited.
    idle: Mutex<Vec<Connection>>,
    identity: Mutex<Identity>,
}

/// Who the client is, as every request says.
#[derive(Debug, Default)]
pub(crate) struct Identity {
    pub(crate) token: Option<HeaderValue>,
    pub(crate) name: Option<HeaderValue>,
}

/// A connection that a request can be sent on.
pub(crate) type Connection = SendRequest<Full<Bytes>>;

/// The head of an answer, its body to come, and the connection that it comes by.
pub(crate) struct Exchange {
    pub(crate) response: Response<Incoming>,
    pub(crate) connection: Connection,
}

impl Http {
    pub(crate) fn new(url: Url) -> Self {
        Self { url, idle: Mutex::default(), identity: Mutex::default() }
    }

    pub(crate) fn identity(&self) -> MutexGuard<'_, Identity> {
        self.identity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request; the head of its answer comes within `time`, the connection aside.
    pub(crate) async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
        time: Duration,
    ) -> Result<Exchange, ClientError> {
        let host = HeaderValue::from_str(self.url.authority());
        let host = host.map_err(|_| ClientError::Malformed("a host cannot be named so".to_owned()))?;
        request.headers_mut().insert(header::HOST, host);
        let user_agent = concat!("encke-client/", env!("CARGO_PKG_VERSION"));
        request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static(user_agent));
        {
            let identity = self.identity();
            let token = identity.token.iter().map(|token| (header::AUTHORIZATION, token.clone()));
            let name = identity.name.iter().map(|name| (CLIENT, name.clone()));
            request.headers_mut().extend(token.chain(name));
        }
        loop {
            let kept = self.take_idle();
            let was_kept = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            let sent = timeout(time, async {
                match connection.ready().await {
                    Ok(()) => connection
                        .try_send_request(request)
                        .await
                        .map_err(|mut error| (error.take_message(), error.into_error())),
                    Err(error) => Err((Some(request), error)),
                }
            });
            match sent.await.map_err(|_| ClientError::Silent(time))? {
                Ok(response) => return Ok(Exchange { response, connection }),
                // A kept connection may have been closed meanwhile; nothing was sent, so another takes over.
                Err((Some(unsent), _)) if was_kept => request = unsent,
                Err((_, error)) => return Err(cut(&error)),
            }
        }
    }

    /// Keeps a connection whose last answer has been read to its end.
    pub(crate) fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_CONNECTIONS && !connection.is_closed() {
            idle.push(connection);
        }
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(connection) = idle.pop() {
            if !connection.is_closed() {
                return Some(connection);
            }
        }
        None
    }

    async fn connect(&self) -> Result<Connection, ClientError> {
        let (host, port) = self.url.address();
        let unreachable = |error| ClientError::Unreachable { address: format!("{host}:{port}"), error };
        let stream = timeout(CONNECT_TIME, TcpStream::connect((host, port))).await;
        let stream =
            stream.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())).map_err(unreachable)?;
        // Requests are small and each waits for its answer.
        stream.set_nodelay(true).map_err(unreachable)?;
        let handshake = Builder::new()
            .max_buf_size(READ_AHEAD)
            .max_headers(MAX_HEADERS)
            .handshake(TokioIo::new(stream))
            .await;
        let (sender, connection) = handshake.map_err(|error| cut(&error))?;
        // Ends when the sender and the body that it gave are dropped. What goes wrong is seen by those, too.
        tokio::spawn(connection.with_upgrades());
        Ok(sender)
    }
}

/// What hyper says, down to the cause: its own words alone are "connection error".
pub(crate) fn cut(error: &hyper::Error) -> ClientError {
    let cause = std::error::Error::source(error);
    ClientError::Cut(cause.map_or_else(|| error.to_string(), ToString::to_string))
}

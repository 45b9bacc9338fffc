//! An HTTP/2 client that decides itself what it reads.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use encke_testkit::PATIENCE;
use h2::{
    RecvStream,
    client::{self, SendRequest},
};
use http::{Method, Request, Response};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};

/// One connection.
pub(crate) struct Client {
    pub(crate) requests: SendRequest<Bytes>,
    pub(crate) running: JoinHandle<Result<(), h2::Error>>,
    authority: String,
}

/// A held answer, and what came of it.
pub(crate) struct Held {
    pub(crate) body: RecvStream,
    pub(crate) seen: String,
}

/// Lets nothing wait for ever.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("still waiting for {what}"))
}

impl Client {
    /// With prior knowledge, in clear text.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self::over(stream, &address.to_string(), &client::Builder::new()).await
    }

    /// Over a stream, as `builder` says.
    pub(crate) async fn over<S>(stream: S, authority: &str, builder: &client::Builder) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (requests, connection) = builder.handshake(stream).await.unwrap();
        let running = tokio::spawn(connection);
        Self { requests, running, authority: authority.to_owned() }
    }

    /// A request for `target`, such as `GET /poll?channel=a`.
    pub(crate) fn request(&self, target: &str) -> http::request::Builder {
        let (method, path) = target.split_once(' ').unwrap();
        let uri = format!("http://{}{path}", self.authority);
        Request::builder().method(method.parse::<Method>().unwrap()).uri(uri)
    }

    /// Sends a request; its answer is read to the head.
    pub(crate) async fn try_send(
        &mut self,
        request: Request<()>,
        body: &[u8],
    ) -> Result<Response<RecvStream>, h2::Error> {
        let mut ready = soon("a place for a request", self.requests.clone().ready()).await?;
        let (answer, mut stream) = ready.send_request(request, body.is_empty())?;
        if !body.is_empty() {
            stream.send_data(Bytes::copy_from_slice(body), true)?;
        }
        soon("an answer", answer).await
    }

    /// The same, where nothing else may happen.
    pub(crate) async fn send(&mut self, request: Request<()>, body: &[u8]) -> Response<RecvStream> {
        self.try_send(request, body).await.unwrap()
    }

    /// The status and the whole body.
    pub(crate) async fn ask(&mut self, target: &str, body: &[u8]) -> (u16, String) {
        let request = self.request(target).body(()).unwrap();
        let response = self.send(request, body).await;
        let status = response.status().as_u16();
        let mut held = Held::of(response);
        while held.more().await {}
        (status, held.seen)
    }

    /// An answer that goes on.
    pub(crate) async fn hold(&mut self, target: &str) -> Held {
        let request = self.request(target).body(()).unwrap();
        let response = self.send(request, b"").await;
        assert_eq!(response.status(), 200, "{target}");
        Held::of(response)
    }

    /// Waits for the end of the connection.
    pub(crate) async fn ended(self) -> Result<(), h2::Error> {
        drop(self.requests);
        soon("the end of the connection", self.running).await.unwrap()
    }

    /// Waits for the end of the connection, while requests could still be made.
    pub(crate) async fn closed(&mut self) {
        let closed = async {
            while !self.running.is_finished() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        soon("the end of the connection", closed).await;
    }
}

impl Held {
    pub(crate) fn of(response: Response<RecvStream>) -> Self {
        Self { body: response.into_body(), seen: String::new() }
    }

    /// Reads more; false at the end.
    pub(crate) async fn more(&mut self) -> bool {
        match self.try_more().await {
            Some(read) => {
                read.unwrap();
                true
            }
            None => false,
        }
    }

    pub(crate) async fn try_more(&mut self) -> Option<Result<(), h2::Error>> {
        let data = match soon("more of an answer", self.body.data()).await? {
            Ok(data) => data,
            Err(error) => return Some(Err(error)),
        };
        self.body.flow_control().release_capacity(data.len()).unwrap();
        self.seen.push_str(&String::from_utf8_lossy(&data));
        Some(Ok(()))
    }

    pub(crate) async fn read_to(&mut self, text: &str) {
        let read = async {
            while !self.seen.contains(text) {
                assert!(self.more().await, "ended before {text:?}, after {:?}", self.seen);
            }
        };
        soon(text, read).await;
    }
}

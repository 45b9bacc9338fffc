//! A WebSocket echo server on the connection code of encke-ws, for conformance suites.

use std::{convert::Infallible, io, time::Duration};

use bytes::Bytes;
use encke_ws::{CloseCode, Frame, Incoming, Socket, SocketLimits, handshake};
use http_body_util::Empty;
use hyper::{
    Request, Response, StatusCode, body::Incoming as Body, server::conn::http1, service::service_fn,
    upgrade::Upgraded,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

/// The size that Autobahn goes up to.
const LARGEST: usize = 16 << 20;

/// Autobahn sends 16 MiB in one frame, and 4 MiB in 65,537 fragments.
fn limits() -> SocketLimits {
    SocketLimits::default()
        .message(LARGEST)
        .sent_frame(LARGEST)
        .fragments(1 << 17)
        .message_time(Duration::from_secs(100))
}

/// Serves `/echo` on every connection, until the listener fails.
pub async fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            // A connection that fails concerns nobody but its peer.
            let _ = stream.set_nodelay(true);
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(10))
                .max_buf_size(16 << 10)
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .with_upgrades()
                .await;
        });
    }
}

async fn answer(mut request: Request<Body>) -> Result<Response<Empty<Bytes>>, Infallible> {
    if request.uri().path() != "/echo" {
        let mut response = Response::new(Empty::new());
        *response.status_mut() = StatusCode::NOT_FOUND;
        return Ok(response);
    }
    let response = match handshake::accept(&request, &[]) {
        Ok(accepted) => {
            let upgrade = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                if let Ok(upgraded) = upgrade.await {
                    echo(upgraded).await;
                }
            });
            accepted.into_response()
        }
        Err(error) => error.response(),
    };
    Ok(response.map(|()| Empty::new()))
}

async fn echo(upgraded: Upgraded) {
    // The bare stream is smaller than hyper's box around it.
    match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => talk(Socket::new(parts.io.into_inner(), parts.read_buf, &limits()).await).await,
        Err(upgraded) => talk(Socket::new(TokioIo::new(upgraded), Bytes::new(), &limits()).await).await,
    }
}

async fn talk<S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(mut socket: Socket<S>) {
    while let Some(Ok(incoming)) = socket.recv().await {
        let frame = match incoming {
            Incoming::Text(bytes) => Frame::Text(bytes),
            Incoming::Binary(bytes) => Frame::Binary(bytes),
        };
        if socket.send(frame).await.is_err() {
            break;
        }
    }
    socket.finish(CloseCode::Normal, "").await;
}

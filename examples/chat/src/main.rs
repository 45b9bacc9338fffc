//! A chat: encke in a hyper service of one's own. `cargo run -p chat`, then open what it prints.
//!
//! `plug.rs` is for the demonstration only.

mod hub;
mod page;
mod plug;

use std::{error::Error, net::Ipv4Addr, pin::pin, time::Duration};

use clap::Parser;
use encke::{
    Hub,
    http::{Body, Peer, StallGuard},
    longpoll::{LongPoll, LongPollService},
    poll::{Poll, PollService},
    publish::{Publish, PublishService},
    sdk::{Sdk, SdkService},
    sse::{Sse, SseService},
    ws::{Ws, WsService},
};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use plug::{Plug, Wire};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_service::Service;

/// A chat on 127.0.0.1.
#[derive(Parser)]
struct Args {
    /// Where to listen; 0 takes a free port.
    #[arg(long, env = "PORT", default_value_t = 8010)]
    port: u16,
}

/// How long a client may take for its request, for reading an answer, and for leaving at the end.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, Args::parse().port)).await?;
    println!("http://{}/", listener.local_addr()?);
    let hub = hub::open()?;
    let chat = Chat::new(&hub);
    let ageing = hub.clone();
    tokio::spawn(async move { ageing.maintain().await });

    let (connections, closing) = (TaskTracker::new(), CancellationToken::new());
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => drop(connections.spawn(serve(stream, Peer(peer.ip()), chat.clone(), closing.clone()))),
                // No more files, mostly: connections that end will free some.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            },
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    // Those who follow are told to come back with their cursor; what they were promised is written before they go.
    let leave = async {
        hub.drain().await;
        closing.cancel();
        connections.close();
        connections.wait().await;
        // WebSockets have left their connections.
        while !hub.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    Ok(tokio::time::timeout(PATIENCE, leave).await?)
}

/// The chosen transports over one hub. Each is a `tower` service: put your own layers in front.
#[derive(Clone)]
struct Chat {
    poll: PollService,
    longpoll: LongPollService,
    sse: SseService,
    ws: WsService,
    sdk: SdkService,
    publish: PublishService,
    plug: Plug,
}

impl Chat {
    fn new(hub: &Hub) -> Self {
        Self {
            poll: Poll::service(hub.clone(), Default::default()),
            longpoll: LongPoll::service(hub.clone(), Default::default()),
            sse: Sse::service(hub.clone(), Default::default()),
            ws: Ws::service(hub.clone(), Default::default()),
            sdk: Sdk::service(),
            publish: Publish::service(hub.clone(), Default::default()),
            plug: Plug::default(),
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let Ok(response) = match request.uri().path() {
            "/poll" => self.poll.clone().call(request).await,
            "/longpoll" => self.longpoll.clone().call(request).await,
            "/sse" => self.sse.clone().call(request).await,
            "/ws" => self.ws.clone().call(request).await,
            "/publish" => self.publish.clone().call(request).await,
            path if path.starts_with("/sdk/") => self.sdk.clone().call(request).await,
            path => Ok(page::file(path)),
        };
        response
    }
}

async fn serve(stream: TcpStream, peer: Peer, chat: Chat, closing: CancellationToken) {
    // A connection that fails concerns nobody but its peer.
    let _ = stream.set_nodelay(true);
    let wire = Wire::new(StallGuard::new(stream, PATIENCE));
    let token = wire.token();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        let (chat, token) = (chat.clone(), token.clone());
        // Without the plug: `async move { Ok::<_, Infallible>(chat.answer(request).await) }`.
        async move { chat.plug.carry(request, &token, |request| chat.answer(request)).await }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .max_buf_size(16 << 10)
            .serve_connection(TokioIo::new(wire), service)
            .with_upgrades()
    );
    tokio::select! {
        _ = connection.as_mut() => {}
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

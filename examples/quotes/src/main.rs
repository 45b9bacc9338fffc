//! A ticker: encke in a hyper service of one's own, fed by a task of its own. `cargo run -p quotes`, then open what it prints.

mod feed;
mod page;

use std::{convert::Infallible, error::Error, net::Ipv4Addr, pin::pin, time::Duration};

use clap::Parser;
use encke::{
    Hub, HubConfig, LogConfig, Retention,
    http::{Body, Peer, StallGuard},
    longpoll::{LongPoll, LongPollService},
    poll::{Poll, PollService},
    sdk::{Sdk, SdkService},
    sse::{Sse, SseService},
    ws::{Dialect, Input, Ws, WsConfig, WsService},
};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_service::Service;

/// A ticker on 127.0.0.1.
#[derive(Parser)]
struct Args {
    /// Where to listen; 0 takes a free port.
    #[arg(long, env = "PORT", default_value_t = 8020)]
    port: u16,
    /// Updates a second of each of the two hundred instruments.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rate: u32,
}

/// How long a client may take for its request, for reading an answer, and for leaving at the end.
const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await?;
    println!("http://{}/", listener.local_addr()?);
    let hub = hub()?;
    let quotes = Quotes::new(&hub);
    let ageing = hub.clone();
    tokio::spawn(async move { ageing.maintain().await });

    let mut feed = pin!(feed::run(hub.clone(), args.rate));
    let (connections, closing) = (TaskTracker::new(), CancellationToken::new());
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => drop(connections.spawn(serve(stream, Peer(peer.ip()), quotes.clone(), closing.clone()))),
                // No more files, mostly: connections that end will free some.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            },
            // A feed that ends says why.
            ended = feed.as_mut() => return ended,
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

/// What an instrument keeps is what a client may be away for without losing anything: ten seconds at fifty updates.
fn hub() -> Result<Hub, Box<dyn Error>> {
    let retention = Retention { count: 500, age: Duration::from_secs(60), ..Retention::default() };
    // Those who follow all instruments read one row of the newest messages, instead of two hundred.
    let log = LogConfig { retention, pattern_window: 20_000, channels: 1_000, ..LogConfig::default() };
    let config = HubConfig { drain_window: Duration::from_secs(1), ..HubConfig::default() };
    Ok(Hub::builder().log(log).config(config).build()?)
}

/// The chosen transports over one hub. Each is a `tower` service: put your own layers in front.
#[derive(Clone)]
struct Quotes {
    poll: PollService,
    longpoll: LongPollService,
    sse: SseService,
    ws: WsService,
    sdk: SdkService,
}

impl Quotes {
    fn new(hub: &Hub) -> Self {
        // Pages listen; only the feed publishes.
        let listen = Dialect::Native {
            channels: Default::default(),
            payload: Default::default(),
            input: Input::Commands { publish: false },
        };
        Self {
            poll: Poll::service(hub.clone(), Default::default()),
            longpoll: LongPoll::service(hub.clone(), Default::default()),
            sse: Sse::service(hub.clone(), Default::default()),
            ws: Ws::service(hub.clone(), WsConfig::default().dialect(listen)),
            sdk: Sdk::service(),
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let Ok(response) = match request.uri().path() {
            "/poll" => self.poll.clone().call(request).await,
            "/longpoll" => self.longpoll.clone().call(request).await,
            "/sse" => self.sse.clone().call(request).await,
            "/ws" => self.ws.clone().call(request).await,
            path if path.starts_with("/sdk/") => self.sdk.clone().call(request).await,
            path => Ok(page::file(path)),
        };
        response
    }
}

async fn serve(stream: TcpStream, peer: Peer, quotes: Quotes, closing: CancellationToken) {
    // A connection that fails concerns nobody but its peer.
    let _ = stream.set_nodelay(true);
    let stream = StallGuard::new(stream, PATIENCE);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        let quotes = quotes.clone();
        async move { Ok::<_, Infallible>(quotes.answer(request).await) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .max_buf_size(16 << 10)
            .serve_connection(TokioIo::new(stream), service)
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

//! A hub behind all that publishes and delivers, on a port of its own, whose time is the test's.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use encke_client::{Client, Item, SubscribeOptions, Subscription, Transport};
use encke_core::{Pattern, Selector, Timestamp};
use encke_http::{Body, problem_response};
use encke_hub::{Access, Action, Ask, Denied, Hub, HubConfig, PresenceConfig};
use encke_longpoll::{LongPoll, LongPollConfig, LongPollService};
use encke_poll::{Poll, PollConfig, PollService};
use encke_publish::{Commands, CommandsConfig, CommandsService, Publish, PublishConfig, PublishService};
use encke_sse::{Sse, SseConfig, SseService};
use encke_wire::Problem;
use encke_ws::{Ws, WsConfig, WsService};
use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tower_service::Service;

/// How long anything may take before the test fails. Nothing waits for it that succeeds.
const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) struct Served {
    address: SocketAddr,
    now: Arc<AtomicU64>,
}

#[derive(Clone)]
struct Routes {
    ws: WsService,
    sse: SseService,
    longpoll: LongPollService,
    poll: PollService,
    publish: PublishService,
    command: CommandsService,
    listen: CommandsService,
}

/// Takes a token for what its bearer may, and until when: `anna_1000_news_chat`; `app` runs the node, and `-` as a subject is
/// nobody.
fn by_token(ask: &Ask) -> Result<Access, Denied> {
    let mut words = ask.asker.token.as_deref().ok_or(Denied::Unauthenticated)?.split('_');
    let subject = words.next().ok_or(Denied::Unauthenticated)?;
    match subject {
        "busy" => return Err(Denied::Undecided),
        "app" => return Ok(Access::everything()),
        _ => {}
    }
    let expires = words.next().and_then(|word| word.parse().ok()).ok_or(Denied::Unauthenticated)?;
    let actions = [Action::Subscribe, Action::Publish, Action::Presence];
    let all = |word| actions.map(|action| (action, Selector::new(word).unwrap()));
    let access = Access::only(words.flat_map(all)).until(Timestamp::from_millis(expires));
    Ok(if subject == "-" { access } else { access.for_subject(subject) })
}

impl Served {
    pub(crate) async fn start() -> Self {
        let now = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&now);
        let clock = move || Timestamp::from_millis(clock.load(Ordering::SeqCst));
        let presence =
            PresenceConfig { channels: vec![Pattern::new("chat.*").unwrap()], ..PresenceConfig::default() };
        let config = HubConfig { presence, selectors: 8, ..HubConfig::default() };
        let hub = Hub::builder().authorizer(by_token).clock(clock).config(config).build().unwrap();
        let maintained = hub.clone();
        tokio::spawn(async move { maintained.maintain().await });
        let commands = CommandsConfig::default().batch(4);
        let routes = Routes {
            ws: Ws::service(hub.clone(), WsConfig::default()),
            sse: Sse::service(hub.clone(), SseConfig::default()),
            longpoll: LongPoll::service(hub.clone(), LongPollConfig::default()),
            poll: Poll::service(hub.clone(), PollConfig::default()),
            publish: Publish::service(hub.clone(), PublishConfig::default()),
            command: Commands::service(hub.clone(), commands.clone()),
            listen: Commands::service(hub, commands.publish(false)),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let routes = routes.clone();
                let answer = service_fn(move |request| {
                    let routes = routes.clone();
                    async move { routes.answer(request).await }
                });
                let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
                tokio::spawn(connection.with_upgrades());
            }
        });
        Self { address, now }
    }

    pub(crate) fn set_time(&self, now: u64) {
        self.now.store(now, Ordering::SeqCst);
    }

    pub(crate) fn pass(&self, millis: u64) {
        self.now.fetch_add(millis, Ordering::SeqCst);
    }

    /// A client with this name and token.
    pub(crate) fn client(&self, name: &str, token: &str) -> Client {
        let client = Client::new(&format!("http://{}", self.address)).unwrap();
        client.set_token(token).unwrap();
        client.set_name(name).unwrap();
        client
    }

    /// Posts a body with these headers, each with its line end; the status and the answer.
    pub(crate) async fn post(&self, target: &str, headers: &str, body: &str) -> (u16, String) {
        self.request("POST", target, headers, body).await
    }

    pub(crate) async fn request(
        &self,
        method: &str,
        target: &str,
        headers: &str,
        body: &str,
    ) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
            self.address,
            body.len()
        );
        // Who is refused early does not read it all.
        let _ = stream.write_all([head.as_bytes(), body.as_bytes()].concat().as_slice()).await;
        let mut answer = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("an answer").unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    /// Publishes for whoever runs the node; the receipt.
    pub(crate) async fn publish(&self, target: &str, body: &str) -> String {
        let (status, receipt) = self.post(target, "Authorization: Bearer app\r\n", body).await;
        assert_eq!(status, 200, "{receipt}");
        receipt
    }
}

impl Routes {
    async fn answer(
        mut self,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, std::convert::Infallible> {
        match request.uri().path() {
            "/ws" => self.ws.call(request).await,
            "/sse" => self.sse.call(request).await,
            "/longpoll" => self.longpoll.call(request).await,
            "/poll" => self.poll.call(request).await,
            "/publish" => self.publish.call(request).await,
            "/command" => self.command.call(request).await,
            "/listen" => self.listen.call(request).await,
            _ => Ok(problem_response(&Problem::not_found("nothing"))),
        }
    }
}

/// A subscription that has begun.
pub(crate) async fn follow(client: &Client, transport: Transport, channels: &[&str]) -> Subscription {
    let options = SubscribeOptions::new(channels.iter().copied()).wait(Duration::from_secs(5));
    let mut subscription = client.subscribe(transport, options);
    next(&mut subscription).await;
    assert!(subscription.cursor().is_some());
    subscription
}

pub(crate) async fn next(subscription: &mut Subscription) -> Item {
    timeout(PATIENCE, subscription.next()).await.expect("something").expect("no end").unwrap()
}

/// The data of the next message; what else comes is passed over.
pub(crate) async fn message(subscription: &mut Subscription) -> String {
    loop {
        if let Some(message) = next(subscription).await.message() {
            return message.data.to_string();
        }
    }
}

/// Waits until something is so.
pub(crate) async fn wait_for(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let begin = Instant::now();
    while !done().await {
        assert!(begin.elapsed() < PATIENCE, "still waiting for {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

use std::{
    fmt,
    ops::ControlFlow,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use encke_core::{Batch, ChannelName, Cursor, Delivery, Selector, Since, Timestamp};
use encke_fetch::{FetchConfig, Fetcher, TrustError, Url};
use encke_hub::{Grant, Hub, NoticeKind, Subscription};
use http::{HeaderValue, Method, Request, StatusCode, header};

use crate::{
    NOTICES, SIGNATURE, Secret,
    backoff::Backoff,
    place,
    post::{self, Post},
    trusted,
};

/// How often it is looked whose turn it is to send.
const TURN: Duration = Duration::from_secs(1);

/// Where a webhook sends what.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WebhookConfig {
    /// What people call it: the URL without its query, unless another name is given.
    pub name: String,
    /// Where it sends.
    pub url: Url,
    /// By which the receiver knows that it was encke.
    pub secret: Secret,
    /// What it sends: channels and patterns. Of [`NOTICES`] by default, of others the messages themselves.
    pub channels: Vec<Selector>,
    /// Of [`NOTICES`] only these kinds, and what was lost; `None`: whatever is there.
    pub kinds: Option<Vec<NoticeKind>>,
    /// Where it begins, if its place is not known.
    pub since: Since,
    /// The channel that its place is written down in, of which the newest message must be kept. Without one it is kept by
    /// the node, for as long as that lives.
    pub place: Option<ChannelName>,
    /// The limits of its requests. It has a fetcher of its own, so that it never waits for others.
    pub fetch: FetchConfig,
    /// Before a request that failed is sent again it waits at random, at first up to this.
    pub retry: Duration,
    /// The bound doubles with each failure, up to this.
    pub retry_most: Duration,
}

impl WebhookConfig {
    /// Sends to `url` what comes to [`NOTICES`] from now on.
    #[must_use]
    pub fn new(url: Url, secret: Secret) -> Self {
        let deadline = Duration::from_secs(10);
        let host = url.uri().authority().map_or("", |authority| authority.as_str());
        Self {
            name: format!("{host}{}", url.uri().path()),
            url,
            secret,
            channels: Selector::new(NOTICES).into_iter().collect(),
            kinds: None,
            since: Since::Latest,
            place: None,
            fetch: FetchConfig { deadline, requests: 1, kept: 1, ..FetchConfig::default() },
            retry: Duration::from_millis(500),
            retry_most: Duration::from_secs(60),
        }
    }
}

/// A reader that sends what it reads to a URL: in order, one request at a time, each until it is answered with 2xx.
pub struct Webhook {
    hub: Hub,
    config: WebhookConfig,
    fetcher: Fetcher,
    state: Mutex<State>,
}

/// How a webhook is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebhookState {
    /// Messages that were taken.
    pub delivered: u64,
    /// Since when no request has succeeded, if the last one has not.
    pub failing_since: Option<Timestamp>,
    /// Why the last request that failed did.
    pub last_error: Option<String>,
    /// Everything up to here was taken, or was not for it. None before it runs.
    pub cursor: Option<Cursor>,
    /// Retained messages of its channels that come after that.
    pub lag: usize,
    /// Whether its receiver has answered that it is gone, which ends it.
    pub gone: bool,
}

#[derive(Default)]
struct State {
    delivered: u64,
    failing_since: Option<Timestamp>,
    last_error: Option<String>,
    cursor: Option<Cursor>,
    gone: bool,
}

impl Webhook {
    /// Of what is published in `hub`.
    ///
    /// # Errors
    /// [`TrustError`] if the certificates that it is to trust cannot be.
    pub fn new(hub: &Hub, config: WebhookConfig) -> Result<Self, TrustError> {
        let fetcher = Fetcher::new(config.fetch.clone())?;
        Ok(Self { hub: hub.clone(), config, fetcher, state: Mutex::default() })
    }

    /// What it was made with.
    #[must_use]
    pub fn config(&self) -> &WebhookConfig {
        &self.config
    }

    /// How it is doing.
    #[must_use]
    pub fn state(&self) -> WebhookState {
        let state = self.lock();
        let waiting = |cursor: Cursor| {
            let selectors = self.config.channels.iter();
            selectors.map(|selector| self.hub.waiting(selector, cursor.seq)).sum()
        };
        WebhookState {
            delivered: state.delivered,
            failing_since: state.failing_since,
            last_error: state.last_error.clone(),
            cursor: state.cursor,
            lag: state.cursor.map_or(0, waiting),
            gone: state.gone,
        }
    }

    /// Sends for as long as its receiver is not gone: for a task of the host's.
    ///
    /// Of several nodes over one log one sends, and another goes on when that goes. It ends when it was answered 410, and
    /// whenever it is dropped. What was not taken by then was not moved past: run
    /// again, it goes on from its place.
    pub async fn run(&self) {
        let (hub, grant) = match trusted(&self.hub).await {
            Ok(trusted) => trusted,
            Err(denied) => {
                return tracing::error!(%denied, webhook = self.config.name, "a webhook is refused");
            }
        };
        let mut backoff = self.backoff();
        while !self.lock().gone {
            if !hub.leads() {
                // Whoever sends meanwhile writes the place down.
                self.lock().cursor = None;
                tokio::time::sleep(TURN).await;
                continue;
            }
            if let Ok(mut subscription) = self.open(&hub, &grant).await {
                // So it is nobody's member: nobody is there.
                subscription.keep_lease();
                backoff = self.backoff();
                self.follow(subscription, &hub, &grant).await;
            }
            // There is no space just now, or whoever runs the node ended it, or drains: then there may still be more.
            tokio::time::sleep(backoff.wait()).await;
        }
    }

    /// Reads on from its place, and sends. Returns when there is no more to be read, its receiver is gone, or it is another
    /// node's turn.
    async fn follow(&self, mut subscription: Subscription, hub: &Hub, grant: &Grant) {
        let first = self.lock().cursor.is_none();
        self.lock().cursor.get_or_insert(subscription.cursor());
        if first {
            self.write_place(hub, grant).await;
        }
        let mut turn = tokio::time::interval(TURN);
        loop {
            let next = tokio::select! {
                next = subscription.next(post::LIMIT) => next,
                _ = turn.tick() => {
                    if hub.leads() {
                        continue;
                    }
                    return;
                }
            };
            // What others have ordered it to follow is not what it was configured to: it begins anew.
            let ordered = !subscription.take_changes().is_empty();
            let Ok(batch) = next else { return };
            let sent = self.send_all(&batch).await;
            if !batch.messages.is_empty() {
                self.write_place(hub, grant).await;
            }
            if sent.is_break() || ordered {
                return;
            }
        }
    }

    async fn open(&self, hub: &Hub, grant: &Grant) -> Result<Subscription, ()> {
        let cursor = self.lock().cursor;
        if let (None, Some(channel)) = (cursor, &self.config.place) {
            let known = place::read(hub, grant, channel).await;
            self.lock().cursor = known.map_err(|place::Unreadable| ())?;
        }
        let since = self.lock().cursor.map_or(self.config.since, Since::After);
        let opened = hub.subscribe(grant, "webhook", self.config.channels.clone(), since).await;
        opened.map_err(|error| {
            tracing::warn!(%error, webhook = self.config.name, "a webhook cannot read");
        })
    }

    async fn write_place(&self, hub: &Hub, grant: &Grant) {
        let cursor = self.lock().cursor;
        if let (Some(channel), Some(cursor)) = (&self.config.place, cursor) {
            place::write(hub, grant, channel, cursor).await;
        }
    }

    async fn send_all(&self, batch: &Batch) -> ControlFlow<()> {
        for post in post::posts(batch, post::LIMIT, |message| self.wants(message)) {
            self.send(&post).await?;
        }
        self.lock().cursor = Some(batch.cursor);
        ControlFlow::Continue(())
    }

    /// Sends one request until it is taken.
    async fn send(&self, post: &Post) -> ControlFlow<()> {
        let mut backoff = self.backoff();
        loop {
            let error = match self.fetcher.fetch(self.request(&post.body)).await {
                Ok(answer) if answer.status().is_success() => {
                    self.note_taken(post);
                    return ControlFlow::Continue(());
                }
                Ok(answer) if answer.status() == StatusCode::GONE => {
                    tracing::error!(
                        webhook = self.config.name,
                        "the receiver of a webhook is gone; it stops"
                    );
                    self.note_failed("the answer was 410".into());
                    self.lock().gone = true;
                    return ControlFlow::Break(());
                }
                Ok(answer) => format!("the answer was {}", answer.status().as_u16()),
                Err(error) => error.to_string(),
            };
            self.note_failed(error);
            tokio::time::sleep(backoff.wait()).await;
        }
    }

    fn request(&self, body: &Bytes) -> Request<Bytes> {
        let mut request = Request::new(body.clone());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.config.url.uri().clone();
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let signature = self.config.secret.sign(self.hub.now(), body);
        headers.extend(HeaderValue::try_from(signature).ok().map(|value| (SIGNATURE, value)));
        request
    }

    /// Whether a message is of a kind that it sends.
    fn wants(&self, message: &Delivery) -> bool {
        let Some(kinds) = &self.config.kinds else { return true };
        let by_others = message.channel().as_str() != NOTICES || message.also().next().is_some();
        let kind = message.message().name().and_then(|name| name.parse().ok());
        by_others || kind.is_none_or(|kind| kinds.contains(&kind))
    }

    fn note_taken(&self, post: &Post) {
        let mut state = self.lock();
        state.delivered += post.messages as u64;
        state.cursor = Some(post.cursor);
        if state.failing_since.take().is_some() {
            tracing::info!(webhook = self.config.name, "a webhook succeeds again");
        }
    }

    fn note_failed(&self, error: String) {
        let mut state = self.lock();
        if state.failing_since.is_none() {
            tracing::warn!(webhook = self.config.name, error, "a webhook fails");
            state.failing_since = Some(self.hub.now());
        }
        state.last_error = Some(error);
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(self.config.retry, self.config.retry_most)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("config", &self.config).field("state", &self.state()).finish()
    }
}

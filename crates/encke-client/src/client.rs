use std::sync::Arc;

use encke_core::{ChannelName, Key, Message};
use encke_wire::Receipt;
use http::{Request, header};
use http_body_util::Full;

use crate::{
    ClientError, SubscribeOptions, Subscription, Transport, UrlError, http1::Http, limits::HEAD_TIME,
};

/// A client of one gateway. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: Arc<Http>,
}

impl Client {
    /// A client of the gateway at `url`: `http://host[:port]`, and the path before `/publish`, `/sse` and so on, if
    /// there is one. Nothing is sent yet.
    ///
    /// # Errors
    /// [`UrlError`] says what the URL is not.
    pub fn new(url: &str) -> Result<Self, UrlError> {
        Ok(Self { http: Arc::new(Http::new(url.parse()?)) })
    }

    /// Publishes a message to channels. The receipt is a promise: every read begun after it finds the message.
    ///
    /// # Errors
    /// [`ClientError`]. Only after [`Problem`](ClientError::Problem), [`Refused`](ClientError::Refused) and
    /// [`Unreachable`](ClientError::Unreachable) is it sure that nothing was stored.
    pub async fn publish(&self, channels: &[ChannelName], message: &Message) -> Result<Receipt, ClientError> {
        self.post(channels, message, None).await
    }

    /// Publishes a message under an idempotency key: after any error the same can be repeated, and is stored once.
    ///
    /// # Errors
    /// [`ClientError`], as with [`publish`](Self::publish). The key of another message is a problem.
    pub async fn publish_once(
        &self,
        channels: &[ChannelName],
        message: &Message,
        key: &Key,
    ) -> Result<Receipt, ClientError> {
        self.post(channels, message, Some(key)).await
    }

    async fn post(
        &self,
        channels: &[ChannelName],
        message: &Message,
        key: Option<&Key>,
    ) -> Result<Receipt, ClientError> {
        // In the query, not in headers: names and keys may be any UTF-8.
        let channels = channels.iter().map(|channel| ("channel", channel.as_str()));
        let name = message.name().map(|name| ("name", name));
        let key = key.map(|key| ("key", key.as_str()));
        let target = self.http.url.target("/publish", channels.chain(name).chain(key));
        let malformed = |what: &str| ClientError::Malformed(what.to_owned());
        let request = Request::post(target)
            .header(header::CONTENT_TYPE, message.content_type())
            .body(Full::new(message.data().clone()))
            .map_err(|_| malformed("the media type or the channels cannot be sent"))?;
        let exchange = self.http.send(request, HEAD_TIME).await?;
        let body = exchange.expect_type("application/json").await?.read(&self.http).await?;
        serde_json::from_slice(&body).map_err(|_| malformed("the answer is no receipt"))
    }

    /// Follows channels over `transport`. Nothing is sent before the first [`Subscription::next`].
    #[must_use]
    pub fn subscribe(&self, transport: Transport, options: SubscribeOptions) -> Subscription {
        Subscription::new(Arc::clone(&self.http), transport, options)
    }
}

use std::sync::Arc;

use encke_core::{ChannelName, Key, Message};
use encke_wire::{MemberList, Receipt, Reply};
use http::{HeaderValue, Request, header};
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

    /// Shows a bearer token with every request from now on, whatever the transport; clones do too. Streams that live
    /// go on as they were opened; [`authenticate`](Self::authenticate) renews them.
    ///
    /// # Errors
    /// [`ClientError::Malformed`] if the token has characters that no token has.
    pub fn set_token(&self, token: &str) -> Result<(), ClientError> {
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| malformed("the token has control characters"))?;
        value.set_sensitive(true);
        self.http.identity().token = Some(value);
        Ok(())
    }

    /// Calls itself by this name from now on, 1 to 64 visible ASCII characters; clones do too. By the name and the token's
    /// subject a gateway knows which streams are the same client's.
    ///
    /// # Errors
    /// [`ClientError::Malformed`] if it is no such name.
    pub fn set_name(&self, name: &str) -> Result<(), ClientError> {
        let value = HeaderValue::try_from(name).ok();
        let value = value.filter(|value| (1..=64).contains(&value.len()) && value.to_str().is_ok());
        let unfit = || malformed("a client's name has 1 to 64 visible ASCII characters");
        self.http.identity().name = Some(value.ok_or_else(unfit)?);
        Ok(())
    }

    /// Shows a new token of the same subject from now on, and has the live streams of this client and subject go on by
    /// it. Returns how many.
    ///
    /// # Errors
    /// [`ClientError`]; the old token is then kept.
    pub async fn authenticate(&self, token: &str) -> Result<usize, ClientError> {
        let command = serde_json::json!({ "type": "authenticate", "token": token });
        let Reply::Authenticated { streams, .. } = self.command(&command).await? else {
            return Err(malformed("the answer is about something else"));
        };
        self.set_token(token)?;
        Ok(streams.unwrap_or_default())
    }

    /// A page of those who are on a channel, after `next` of the page before.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn presence(
        &self,
        channel: &ChannelName,
        after: Option<&str>,
    ) -> Result<MemberList, ClientError> {
        let mut command =
            serde_json::json!({ "type": "presence", "channel": channel.as_str(), "limit": 1_000 });
        if let Some(after) = after {
            command["after"] = after.into();
        }
        match self.command(&command).await? {
            Reply::Presence { members, .. } => Ok(members),
            _ => Err(malformed("the answer is about something else")),
        }
    }

    async fn command(&self, command: &serde_json::Value) -> Result<Reply, ClientError> {
        let request = Request::post(self.http.url.target("/command", []))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(command.to_string().into()))
            .map_err(|_| malformed("the command cannot be sent"))?;
        let exchange = self.http.send(request, HEAD_TIME).await?;
        let body = exchange.expect_type("application/json").await?.read(&self.http).await?;
        serde_json::from_slice(&body).map_err(|_| malformed("the answer is no reply to a command"))
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

fn malformed(what: &str) -> ClientError {
    ClientError::Malformed(what.to_owned())
}

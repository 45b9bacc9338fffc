//! One request of a subscription, and what its answer is: a batch, or a stream.

use std::{collections::VecDeque, future::Future, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use encke_core::Cursor;
use encke_wire::Problem;
use http::{Request, header, request::Builder};
use http_body_util::Full;

use crate::{
    ClientError, SubscribeOptions, Transport,
    http1::{Exchange, Http},
    limits::{HEAD_TIME, ITEM_BYTES},
    pull,
    stream::Stream,
    ws,
};

/// What a transport's answer says, whatever it looks like there.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A message or gap, as JSON.
    Item(String),
    /// The place, without a message.
    Place(Cursor),
    /// When to come back.
    Retry(Duration),
    /// What is wrong.
    Problem(Box<Problem>),
    /// It is over, and not to be taken up again.
    Closed(String),
}

impl Heard {
    pub(crate) fn place(token: &str) -> Result<Self, ClientError> {
        token
            .parse()
            .map(Self::Place)
            .map_err(|_| ClientError::Malformed(format!("`{token:.40}` is no cursor")))
    }
}

/// What a request came to.
pub(crate) enum Answer {
    /// All that there is now.
    Batch {
        /// What it says.
        heard: VecDeque<Heard>,
        /// How long to wait before the next request.
        pause: Duration,
    },
    /// What there is, and what comes.
    Stream(Box<Stream>),
}

/// A request on its way.
pub(crate) type Asking = Pin<Box<dyn Future<Output = Result<Answer, ClientError>> + Send>>;

/// What is asked for.
pub(crate) struct Ask {
    pub(crate) http: Arc<Http>,
    pub(crate) transport: Transport,
    pub(crate) options: Arc<SubscribeOptions>,
    /// The place reached; the options say where to begin without one.
    pub(crate) place: Option<Cursor>,
}

impl Ask {
    pub(crate) fn send(self) -> Asking {
        Box::pin(async move {
            match self.transport {
                Transport::Poll => pull::poll(&self).await,
                Transport::LongPoll => pull::long_poll(&self).await,
                Transport::Sse => self.stream(Stream::events, &[], "text/event-stream").await,
                Transport::Iframe => self.stream(Stream::pushes, &[("callback", "encke")], "text/html").await,
                Transport::Ws => ws::open(&self).await.map(|socket| Answer::Stream(Box::new(socket))),
            }
        })
    }

    async fn stream(
        &self,
        stream: fn(Exchange, usize) -> Stream,
        parameters: &[(&str, &str)],
        media_type: &str,
    ) -> Result<Answer, ClientError> {
        let request = self.get(parameters).header(header::ACCEPT, media_type);
        let exchange = self.send_request(request, HEAD_TIME).await?;
        let exchange = exchange.expect_type(media_type).await?;
        Ok(Answer::Stream(Box::new(stream(exchange, ITEM_BYTES))))
    }

    /// The request, with the channels and the place in its query.
    pub(crate) fn get(&self, parameters: &[(&str, &str)]) -> Builder {
        let channels = self.options.channels.iter().map(|channel| ("channel", channel.as_str()));
        let place = self.place.map(|place| place.to_string());
        let since = ("since", place.as_deref().unwrap_or(&self.options.since));
        let parameters = channels.chain([since]).chain(parameters.iter().copied());
        let request = Request::get(self.http.url.target(&format!("/{}", self.transport), parameters));
        match &place {
            // A proxy or a route of its own may know only the header, as browsers do.
            Some(place) if self.transport == Transport::Sse => request.header("last-event-id", place),
            _ => request,
        }
    }

    pub(crate) async fn send_request(
        &self,
        request: Builder,
        time: Duration,
    ) -> Result<Exchange, ClientError> {
        let request = request.body(Full::new(Bytes::new()));
        let request =
            request.map_err(|_| ClientError::Malformed("the request cannot be written".to_owned()))?;
        self.http.send(request, time).await
    }
}

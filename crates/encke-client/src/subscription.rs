use std::{collections::VecDeque, fmt, pin::Pin, sync::Arc, time::Duration};

use encke_core::Cursor;
use encke_wire::{Problem, Received};
use tokio::time::{Sleep, sleep};

use crate::{
    ClientError, Item, Resume, SubscribeOptions, Transport,
    ask::{Answer, Ask, Asking, Heard},
    backoff::Backoff,
    continuity::Continuity,
    http1::Http,
    limits::MAX_RETRY,
    stream::Stream,
};

/// Channels that are followed, over whatever transport.
///
/// It is a cursor and what it takes to go on from there: when a stream is cut or a poll is answered, it comes back by
/// itself, with its cursor, and nothing is lost or told twice. How it comes back: at random within a bound that
/// doubles from half a second to 30 s, and never earlier than the gateway asks for (`retry:`, `Retry-After`, the
/// problem of a drain), for up to [`MAX_RETRY`].
///
/// A subscription that has never been answered does not try for ever: that there is no gateway is an error.
pub struct Subscription {
    http: Arc<Http>,
    transport: Transport,
    options: Arc<SubscribeOptions>,
    /// Of the last item that was yielded.
    place: Option<Cursor>,
    continuity: Continuity,
    state: State,
    /// What was read and not yielded yet: at most what one read or one answer holds.
    heard: VecDeque<Heard>,
    backoff: Backoff,
    /// When the gateway wants it back, as said since the last request.
    hint: Option<Duration>,
    /// Whether a gateway has ever answered.
    reached: bool,
}

enum State {
    Resting(Pin<Box<Sleep>>),
    Asking(Asking),
    Reading(Box<Stream>),
    Ended,
}

impl Subscription {
    pub(crate) fn new(http: Arc<Http>, transport: Transport, options: SubscribeOptions) -> Self {
        let mut subscription = Self {
            http,
            transport,
            options: Arc::new(options),
            place: None,
            continuity: Continuity::default(),
            state: State::Ended,
            heard: VecDeque::new(),
            backoff: Backoff::default(),
            hint: None,
            reached: false,
        };
        if let Ok(place) = subscription.options.since.parse() {
            subscription.continuity.begin(place);
        }
        subscription.ask();
        subscription
    }

    /// The place reached: that of the last item. `None` before the first.
    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        self.place
    }

    /// The transport that it goes over.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// Goes on over another transport from the place reached, also after an end.
    pub fn switch(&mut self, transport: Transport) {
        self.transport = transport;
        // What was read and not yielded comes again.
        self.heard.clear();
        self.backoff.reset();
        self.ask();
    }

    /// The next item: a message, a gap, a checkpoint where the place moved without a message, or what somebody else has
    /// ordered to be followed or not. What is followed no longer is not asked for again; without anything left it ends
    /// with [`ClientError::Closed`].
    ///
    /// After an error, and after the end that [`Resume::Never`] asks for, it is over: `None`. Dropping the future
    /// loses nothing.
    ///
    /// A gap that no gateway told of, but that the client found, has the reason [`LOST`](crate::LOST).
    pub async fn next(&mut self) -> Option<Result<Item, ClientError>> {
        loop {
            while let Some(heard) = self.heard.pop_front() {
                match self.take(heard) {
                    Ok(Some(item)) => return Some(Ok(item)),
                    Ok(None) => {}
                    Err(error) => return Some(Err(self.end(error))),
                }
            }
            match self.advance().await {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(self.end(error))),
            }
        }
    }

    fn end(&mut self, error: ClientError) -> ClientError {
        self.state = State::Ended;
        self.heard.clear();
        error
    }

    /// One step; false at the end.
    async fn advance(&mut self) -> Result<bool, ClientError> {
        match &mut self.state {
            State::Ended => return Ok(false),
            State::Resting(timer) => {
                timer.as_mut().await;
                self.ask();
            }
            State::Asking(asking) => match asking.as_mut().await {
                Ok(Answer::Batch { heard, pause }) => {
                    self.reached = true;
                    self.heard = heard;
                    self.rest(pause);
                }
                Ok(Answer::Stream(stream)) => {
                    self.reached = true;
                    self.state = State::Reading(stream);
                }
                Err(error) => self.failed(error)?,
            },
            State::Reading(stream) => match stream.read(self.options.silence, &mut self.heard).await {
                Ok(true) => {}
                Ok(false) => {
                    let pause = self.backoff.ended(self.hint);
                    self.rest(pause);
                }
                Err(error) => self.failed(error)?,
            },
        }
        Ok(true)
    }

    fn ask(&mut self) {
        self.hint = None;
        if let Some(place) = self.place {
            self.continuity.begin(place);
        }
        let ask = Ask {
            http: Arc::clone(&self.http),
            transport: self.transport,
            options: Arc::clone(&self.options),
            place: self.place,
        };
        self.state = State::Asking(ask.send());
    }

    fn rest(&mut self, pause: Duration) {
        self.state = match self.options.resume {
            Resume::Never => State::Ended,
            Resume::Always | Resume::Attempts(_) => State::Resting(Box::pin(sleep(pause))),
        };
    }

    /// Comes back later, if that can help.
    fn failed(&mut self, error: ClientError) -> Result<(), ClientError> {
        self.reached |= error.is_answer();
        let pause = self.backoff.failed(error.retry_after().or(self.hint));
        let gives_up = match self.options.resume {
            Resume::Never => true,
            Resume::Attempts(attempts) => self.backoff.failures() > attempts,
            Resume::Always => false,
        };
        if gives_up || !self.reached || !error.is_transient() {
            return Err(error);
        }
        self.rest(pause);
        Ok(())
    }

    /// Takes what was heard in; returns what of it is the caller's.
    fn take(&mut self, heard: Heard) -> Result<Option<Item>, ClientError> {
        let item = match heard {
            Heard::Item(json) => self.item(json)?,
            Heard::Place(place) => self.checkpoint(place),
            Heard::Retry(retry) => {
                self.hint = Some(retry.min(MAX_RETRY));
                None
            }
            Heard::Problem(problem) => {
                self.problem(problem)?;
                None
            }
            Heard::Closed(why) => return Err(ClientError::Closed(why)),
        };
        if item.is_some() {
            self.backoff.reset();
        }
        Ok(item)
    }

    fn item(&mut self, json: String) -> Result<Option<Item>, ClientError> {
        let malformed = |_| ClientError::Malformed(format!("`{json:.60}` is no message"));
        let received = Received::parse(&json).map_err(malformed)?;
        match &received {
            Received::Message(message) => {
                let place = cursor(&message.cursor)?;
                if let Some(gap) = self.continuity.judge(message, place) {
                    // The gap goes first; the message is read again after it.
                    self.heard.push_front(Heard::Item(json));
                    return Ok(Some(Item::found(gap)));
                }
                self.place = Some(place);
            }
            // It moves no cursor: until something does, a reconnect is told of it again.
            Received::Gap(gap) => self.continuity.tell(gap),
            Received::Checkpoint { cursor: place } => return Ok(self.checkpoint(cursor(place)?)),
            Received::Subscribed { channel, cursor: place } => {
                self.continuity.followed(channel, cursor(place)?);
            }
            Received::Unsubscribed { channel } => self.let_go(channel),
            _ => return Ok(None),
        }
        Ok(Some(Item { received, json }))
    }

    /// What is followed no longer is not asked for again, and without anything else it is over.
    fn let_go(&mut self, channel: &str) {
        let channels = &mut Arc::make_mut(&mut self.options).channels;
        channels.retain(|known| known != channel);
        if channels.is_empty() {
            let why = "what was followed may not be followed any longer";
            self.heard.push_back(Heard::Closed(why.to_owned()));
        }
    }

    fn checkpoint(&mut self, place: Cursor) -> Option<Item> {
        if self.place == Some(place) {
            return None;
        }
        if self.place.is_none() && self.options.since == "latest" {
            self.continuity.begin(place);
        }
        self.place = Some(place);
        Some(Item::checkpoint(place))
    }

    /// A word before the end: when to come back, or why not to.
    fn problem(&mut self, problem: Box<Problem>) -> Result<(), ClientError> {
        let error = ClientError::Problem(problem);
        if !error.is_transient() {
            return Err(error);
        }
        self.hint = error.retry_after().or(self.hint);
        Ok(())
    }
}

fn cursor(token: &str) -> Result<Cursor, ClientError> {
    token.parse().map_err(|_| ClientError::Malformed(format!("`{token:.40}` is no cursor")))
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("transport", &self.transport)
            .field("channels", &self.options.channels)
            .field("cursor", &self.place)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscription() -> Subscription {
        let http = Arc::new(Http::new("http://127.0.0.1:1".parse().unwrap()));
        let mut subscription = Subscription::new(http, Transport::Sse, SubscribeOptions::new(["news"]));
        subscription.reached = true;
        subscription
    }

    /// How long it rests.
    fn pause(subscription: &Subscription) -> Duration {
        match &subscription.state {
            State::Resting(timer) => timer.deadline() - tokio::time::Instant::now(),
            _ => panic!("it does not rest"),
        }
    }

    #[tokio::test]
    async fn it_can_be_followed_in_any_task() {
        fn send(_: impl Send) {}
        let mut subscription = subscription();
        send(subscription.next());
        send(subscription);
    }

    #[tokio::test(start_paused = true)]
    async fn s4_it_comes_back_no_earlier_than_asked() {
        let retry = Duration::from_secs(7);
        let mut after_retry = subscription();
        assert!(after_retry.take(Heard::Retry(retry)).unwrap().is_none());
        after_retry.failed(ClientError::Cut(String::new())).unwrap();
        assert!(pause(&after_retry) >= retry);

        let mut after_problem = subscription();
        after_problem.take(Heard::Problem(Box::new(Problem::draining("").after(retry)))).unwrap();
        after_problem.failed(ClientError::Cut(String::new())).unwrap();
        assert!(pause(&after_problem) >= retry);

        let mut after_answer = subscription();
        let refused = ClientError::Refused { status: 503, retry_after: Some(retry) };
        after_answer.failed(refused).unwrap();
        assert!(pause(&after_answer) >= retry);
        // What was asked for then is not asked for now.
        after_answer.ask();
        after_answer.failed(ClientError::Cut(String::new())).unwrap();
        assert!(pause(&after_answer) < retry);
    }
}

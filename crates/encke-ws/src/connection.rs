use std::{
    future::poll_fn,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use encke_core::{Batch, Limit};
use encke_http::{Beat, Payload, Pulse, StreamEnd};
use encke_hub::{End, Subscription};
use encke_wire::{Problem, Reply};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{CloseCode, Frame, Incoming, Socket, SocketError, commands::Commands, framing};

/// What one look takes from the log at most. A slow peer then holds no more than this.
const WRITE_LIMIT: Limit = Limit { messages: 256, bytes: 64 << 10 };

/// One client: its socket, what it follows, and what it may ask for. No task but its own, and no queue.
pub(crate) struct Connection<S> {
    pub(crate) socket: Socket<S>,
    pub(crate) subscription: Subscription,
    pub(crate) commands: Commands,
    pub(crate) payload: Payload,
    pub(crate) pulse: Pulse,
    outgoing: Outgoing,
}

/// What was read from the log and is not fed yet.
struct Outgoing {
    batch: Batch,
    gaps: usize,
    messages: usize,
    unflushed: bool,
}

/// What a connection has to act on.
enum Event {
    Incoming(Incoming),
    Closed,
    Ended(StreamEnd),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(crate) fn new(
        socket: Socket<S>,
        subscription: Subscription,
        commands: Commands,
        payload: Payload,
        pulse: Pulse,
    ) -> Self {
        let batch = subscription.empty_batch();
        let outgoing = Outgoing { batch, gaps: 0, messages: 0, unflushed: false };
        Self { socket, subscription, commands, payload, pulse, outgoing }
    }

    /// Drives the connection to its end.
    pub(crate) async fn run(mut self) {
        let (code, reason) = match self.follow().await {
            Ok(Some(StreamEnd::Ended(End::Drained { retry }))) => {
                let problem = Problem::draining("this node is being drained; come back with the cursor");
                self.say(Reply::Error { id: None, problem: Box::new(problem.after(retry)) }).await;
                (CloseCode::Restart, "drained")
            }
            Ok(Some(StreamEnd::Ended(_))) => {
                let problem = Problem::unauthenticated("what you were allowed has ended");
                self.say(Reply::Error { id: None, problem: Box::new(problem) }).await;
                (CloseCode::Policy, "the grant has ended")
            }
            Ok(Some(StreamEnd::Recycled)) => {
                (CloseCode::Restart, "the connection is old; come back with the cursor")
            }
            // The socket has begun to close with the right code.
            Ok(None) | Err(_) => (CloseCode::Normal, ""),
        };
        // The subscription is held until the peer has closed too, so that a drain waits for it.
        self.socket.finish(code, reason).await;
    }

    /// Delivers and obeys until one side ends it.
    async fn follow(&mut self) -> Result<Option<StreamEnd>, SocketError> {
        if self.payload == Payload::Envelope && !self.subscription.is_empty() {
            let cursor = self.subscription.cursor().to_string();
            self.reply(Reply::Subscribed { id: None, cursor }).await?;
        }
        loop {
            match poll_fn(|cx| self.poll_event(cx)).await? {
                Event::Incoming(incoming) => {
                    if let Some(reply) = self.commands.take(incoming, &mut self.subscription).await {
                        self.reply(reply).await?;
                    }
                }
                Event::Closed => return Ok(None),
                Event::Ended(end) => return Ok(Some(end)),
            }
        }
    }

    /// Answers a command. What is missing goes before the place that the answer tells: a client that is cut in between
    /// must not have the place without the gaps.
    async fn reply(&mut self, reply: Reply) -> Result<(), SocketError> {
        for gap in self.subscription.take_gaps() {
            self.send(framing::gap(&gap)).await?;
        }
        self.send(Frame::Text(Bytes::from(reply.to_json()))).await
    }

    async fn send(&mut self, frame: Frame) -> Result<(), SocketError> {
        poll_fn(|cx| self.socket.poll_ready(cx)).await?;
        self.socket.feed(frame)?;
        self.outgoing.unflushed = true;
        Ok(())
    }

    /// Last words; if they do not get through, the close code says it all.
    async fn say(&mut self, reply: Reply) {
        let _ = self.socket.send(Frame::Text(Bytes::from(reply.to_json()))).await;
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, SocketError>> {
        match self.socket.poll_recv(cx)? {
            Poll::Ready(Some(incoming)) => return Poll::Ready(Ok(Event::Incoming(incoming))),
            Poll::Ready(None) => return Poll::Ready(Ok(Event::Closed)),
            Poll::Pending => {}
        }
        loop {
            ready!(self.poll_feed(cx))?;
            match self.subscription.poll_read(cx, WRITE_LIMIT, &mut self.outgoing.batch) {
                Poll::Ready(Ok(())) => {
                    self.outgoing.gaps = 0;
                    self.outgoing.messages = 0;
                }
                Poll::Ready(Err(end)) => return Poll::Ready(Ok(Event::Ended(StreamEnd::Ended(end)))),
                Poll::Pending => {
                    self.outgoing.batch.messages = Vec::new();
                    if self.outgoing.unflushed {
                        ready!(self.socket.poll_flush(cx))?;
                        self.outgoing.unflushed = false;
                        self.pulse.touch();
                    }
                    match ready!(self.pulse.poll(cx)) {
                        Beat::Quiet => self.feed_checkpoint(cx)?,
                        Beat::Old => return Poll::Ready(Ok(Event::Ended(StreamEnd::Recycled))),
                    }
                }
            }
        }
    }

    /// The place, also when no message came; but not where frames are data alone, or nothing is followed.
    fn feed_checkpoint(&mut self, cx: &mut Context<'_>) -> Result<(), SocketError> {
        let wanted = self.payload == Payload::Envelope && !self.subscription.is_empty();
        // The peer that is not ready for it has other things to read.
        if wanted && self.socket.poll_ready(cx)?.is_ready() {
            self.socket.feed(framing::checkpoint(self.subscription.cursor()))?;
            self.outgoing.unflushed = true;
        }
        Ok(())
    }

    /// Feeds what was read, as fast as the peer takes it. Ready when all of it is fed.
    fn poll_feed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        let outgoing = &mut self.outgoing;
        loop {
            let frame = if let Some(gap) = outgoing.batch.gaps.get(outgoing.gaps) {
                framing::gap(gap)
            } else if let Some(message) = outgoing.batch.messages.get(outgoing.messages) {
                framing::message(message, self.payload)
            } else {
                return Poll::Ready(Ok(()));
            };
            ready!(self.socket.poll_ready(cx))?;
            self.socket.feed(frame)?;
            outgoing.unflushed = true;
            if outgoing.gaps < outgoing.batch.gaps.len() {
                outgoing.gaps += 1;
            } else {
                outgoing.messages += 1;
            }
        }
    }
}

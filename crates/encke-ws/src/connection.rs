use std::{
    collections::VecDeque,
    future::poll_fn,
    task::{Context, Poll, ready},
};

use encke_core::{Batch, Limit};
use encke_http::{Beat, Pulse, StreamEnd, end_problem};
use encke_hub::{End, Subscription};
use encke_wire::Problem;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{CloseCode, Frame, Incoming, Socket, SocketError, commands::Commands};

/// What one look takes from the log at most. A slow peer then holds no more than this.
const WRITE_LIMIT: Limit = Limit { messages: 256, bytes: 64 << 10 };

/// One client: its socket, what it follows, and what it may ask for. No task but its own, and no queue.
pub(crate) struct Connection<S> {
    pub(crate) socket: Socket<S>,
    pub(crate) subscription: Subscription,
    pub(crate) commands: Commands,
    pub(crate) pulse: Pulse,
    outgoing: Outgoing,
}

/// What was read from the log and is not fed yet.
struct Outgoing {
    /// What others have ordered, which comes before what was read.
    changes: VecDeque<Frame>,
    batch: Batch,
    gaps: usize,
    messages: usize,
    /// Frames of the next message.
    frames: usize,
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
        pulse: Pulse,
    ) -> Self {
        let batch = subscription.empty_batch();
        let outgoing =
            Outgoing { changes: VecDeque::new(), batch, gaps: 0, messages: 0, frames: 0, unflushed: false };
        Self { socket, subscription, commands, pulse, outgoing }
    }

    /// Drives the connection to its end, after the first frame, if there is one.
    pub(crate) async fn run(mut self, greeting: Option<Frame>) {
        let come_back = self.commands.dialect.come_back();
        let (code, reason) = match self.follow(greeting).await {
            Ok(Some(StreamEnd::Ended(End::Drained { retry }))) => {
                let problem = Problem::draining(format!("this node is being drained; {come_back}"));
                self.say(problem.after(retry)).await;
                (CloseCode::Restart, "drained".to_owned())
            }
            Ok(Some(StreamEnd::Ended(end @ End::Unavailable { .. }))) => {
                self.say(end_problem(end)).await;
                (CloseCode::TryAgain, "the engine is unavailable".to_owned())
            }
            Ok(Some(StreamEnd::Ended(end))) => {
                self.say(end_problem(end)).await;
                (CloseCode::Policy, "the grant has ended".to_owned())
            }
            Ok(Some(StreamEnd::Recycled)) => {
                (CloseCode::Restart, format!("the connection is old; {come_back}"))
            }
            // The socket has begun to close with the right code.
            Ok(None) | Err(_) => (CloseCode::Normal, String::new()),
        };
        // The subscription is held until the peer has closed too, so that a drain waits for it.
        self.socket.finish(code, &reason).await;
    }

    /// Delivers and obeys until one side ends it.
    async fn follow(&mut self, greeting: Option<Frame>) -> Result<Option<StreamEnd>, SocketError> {
        if let Some(greeting) = greeting {
            self.reply(greeting).await?;
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

    /// Answers a command. What was read and what is missing go before the place that the answer tells: a client that is
    /// cut in between must not have the place without them.
    async fn reply(&mut self, reply: Frame) -> Result<(), SocketError> {
        poll_fn(|cx| self.poll_feed(cx)).await?;
        for gap in self.subscription.take_gaps() {
            self.send(self.commands.dialect.gap(&gap)).await?;
        }
        self.send(reply).await
    }

    async fn send(&mut self, frame: Frame) -> Result<(), SocketError> {
        poll_fn(|cx| self.socket.poll_ready(cx)).await?;
        self.socket.feed(frame)?;
        self.outgoing.unflushed = true;
        Ok(())
    }

    /// Last words; if they do not get through, the close code says it all.
    async fn say(&mut self, problem: Problem) {
        let _ = self.socket.send(self.commands.dialect.problem(problem)).await;
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
                    let changes = self.subscription.take_changes();
                    let dialect = &self.commands.dialect;
                    self.outgoing.changes =
                        changes.iter().filter_map(|change| dialect.change(change)).collect();
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

    /// The place, also when no message came; but not where the dialect tells none, or nothing is followed.
    fn feed_checkpoint(&mut self, cx: &mut Context<'_>) -> Result<(), SocketError> {
        let checkpoint = self.commands.dialect.checkpoint(self.subscription.cursor());
        let Some(checkpoint) = checkpoint.filter(|_| !self.subscription.is_empty()) else { return Ok(()) };
        // The peer that is not ready for it has other things to read.
        if self.socket.poll_ready(cx)?.is_ready() {
            self.socket.feed(checkpoint)?;
            self.outgoing.unflushed = true;
        }
        Ok(())
    }

    /// Feeds what was read, as fast as the peer takes it. Ready when all of it is fed.
    fn poll_feed(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SocketError>> {
        let (outgoing, dialect) = (&mut self.outgoing, &self.commands.dialect);
        while !outgoing.changes.is_empty() {
            ready!(self.socket.poll_ready(cx))?;
            let Some(frame) = outgoing.changes.pop_front() else { break };
            self.socket.feed(frame)?;
            outgoing.unflushed = true;
        }
        loop {
            let (frame, fed) = if let Some(gap) = outgoing.batch.gaps.get(outgoing.gaps) {
                (dialect.gap(gap), &mut outgoing.gaps)
            } else if let Some(message) = outgoing.batch.messages.get(outgoing.messages) {
                let Some(frame) = dialect.message(message, outgoing.frames) else {
                    outgoing.messages += 1;
                    outgoing.frames = 0;
                    continue;
                };
                (frame, &mut outgoing.frames)
            } else {
                return Poll::Ready(Ok(()));
            };
            ready!(self.socket.poll_ready(cx))?;
            self.socket.feed(frame)?;
            *fed += 1;
            outgoing.unflushed = true;
        }
    }
}

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use encke_core::{Batch, Limit};
use encke_hub::{End, Subscription};
use http_body::{Body as HttpBody, Frame};

use crate::{Beat, Chunk, Framing, Pulse, StreamEnd};

/// What one write takes from the log at most. A slow peer then holds no more than this.
const WRITE_LIMIT: Limit = Limit { messages: 256, bytes: 64 << 10 };

/// The limits of a stream that is held for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamConfig {
    /// How long nothing may be sent before a heartbeat is. Proxies commonly cut at 30 or 60 s.
    pub heartbeat: Duration,
    /// The age at which a stream ends; the client comes back with its cursor.
    pub age: Duration,
    /// The bytes after which a stream ends. Browsers keep what an iframe got for as long as it lives.
    pub bytes: u64,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self { heartbeat: Duration::from_secs(15), age: Duration::from_secs(3_600), bytes: 64 << 20 }
    }
}

/// A held request: drives a subscription and frames what it reads.
///
/// There is one read path: the first poll takes what the log has, the later ones what has come since.
pub struct Stream<F> {
    subscription: Subscription,
    framing: F,
    config: StreamConfig,
    batch: Batch,
    chunk: Chunk,
    written: u64,
    pulse: Pulse,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    Opening,
    Following,
    Ended,
}

impl<F: Framing> Stream<F> {
    /// The body of an answer that follows `subscription`.
    #[must_use]
    pub fn new(subscription: Subscription, framing: F, config: StreamConfig) -> Self {
        Self {
            batch: subscription.empty_batch(),
            subscription,
            framing,
            config,
            chunk: Chunk::default(),
            written: 0,
            pulse: Pulse::new(config.heartbeat, config.age),
            state: State::Opening,
        }
    }

    /// Frames what comes next; pending if there is nothing to say yet.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.state {
            State::Ended => return Poll::Ready(()),
            State::Opening => {
                let gaps = self.subscription.take_gaps();
                self.framing.open(&gaps, self.subscription.cursor(), &mut self.chunk);
                self.state = State::Following;
                // What the log has already goes out with the opening, in one write.
                if let Poll::Ready(Err(end)) = self.poll_batch(cx) {
                    self.end(StreamEnd::Ended(end));
                }
                return Poll::Ready(());
            }
            State::Following => {}
        }
        match self.poll_batch(cx) {
            Poll::Ready(Ok(())) => {
                if self.written >= self.config.bytes {
                    self.end(StreamEnd::Recycled);
                }
                Poll::Ready(())
            }
            Poll::Ready(Err(end)) => {
                self.end(StreamEnd::Ended(end));
                Poll::Ready(())
            }
            Poll::Pending => {
                match ready!(self.pulse.poll(cx)) {
                    Beat::Quiet => self.framing.checkpoint(self.subscription.cursor(), &mut self.chunk),
                    Beat::Old => self.end(StreamEnd::Recycled),
                }
                Poll::Ready(())
            }
        }
    }

    fn poll_batch(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        let result = self.subscription.poll_read(cx, WRITE_LIMIT, &mut self.batch);
        if let Poll::Ready(Ok(())) = result {
            let changes = self.subscription.take_changes();
            changes.iter().for_each(|change| self.framing.change(change, &mut self.chunk));
            if !changes.is_empty() && self.subscription.is_empty() {
                return Poll::Ready(Err(End::Revoked));
            }
            self.batch.gaps.iter().for_each(|gap| self.framing.gap(gap, &mut self.chunk));
            self.batch.messages.iter().for_each(|message| self.framing.message(message, &mut self.chunk));
            // What is framed needs no longer be held in the log's memory.
            self.batch.messages.clear();
        }
        result
    }

    fn end(&mut self, why: StreamEnd) {
        self.framing.end(why, self.subscription.cursor(), &mut self.chunk);
        self.state = State::Ended;
    }
}

impl<F: Framing> HttpBody for Stream<F> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        loop {
            if let Some(bytes) = this.chunk.pop() {
                this.written += bytes.len() as u64;
                this.pulse.touch();
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            if this.state == State::Ended {
                return Poll::Ready(None);
            }
            if this.poll_fill(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

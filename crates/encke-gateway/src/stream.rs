//! The byte stream of one connection.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::BufMut;
use encke_http::StallGuard;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

use crate::{
    admission::{Admitted, Counted},
    config::Limits,
};

/// How long a peer may go on sending after the last answer.
const LINGER_TIME: Duration = Duration::from_secs(1);
/// How much of that is read past.
const LINGER_BYTES: usize = 256 << 10;

/// A stream that stalls, counts and ends as it should, whoever holds it: TLS is above it, and after an upgrade it is not
/// hyper that holds it any more.
///
/// It counts as a connection for as long as it lives. When our side ends it, what the peer still sends is read past
/// for a while: to close over unread bytes would reset the connection, and the peer might lose the answer that says
/// why its body was not wanted.
pub(crate) struct Stream {
    stream: StallGuard<TcpStream>,
    /// What was read to see what it is. Whoever reads gets it first.
    ahead: Vec<u8>,
    linger: Option<Linger>,
    counted: Option<Counted>,
    _admitted: Admitted,
}

struct Linger {
    time: Pin<Box<Sleep>>,
    left: usize,
}

impl Stream {
    pub(crate) fn new(
        stream: TcpStream,
        admitted: Admitted,
        counted: Option<Counted>,
        limits: &Limits,
    ) -> Self {
        let stream = StallGuard::new(stream, limits.write_stall);
        Self { stream, ahead: Vec::new(), linger: None, counted, _admitted: admitted }
    }

    /// It counts for this address from now on.
    pub(crate) fn count(&mut self, counted: Counted) {
        self.counted = Some(counted);
    }

    /// What was read ahead.
    pub(crate) fn ahead(&self) -> &[u8] {
        &self.ahead
    }

    /// Reads more ahead, as long as that is less than `most` bytes.
    ///
    /// # Errors
    /// If there is no more.
    pub(crate) async fn read_ahead(&mut self, most: usize) -> io::Result<()> {
        let space = most.saturating_sub(self.ahead.len());
        match self.stream.read_buf(&mut (&mut self.ahead).limit(space)).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Forgets the first `length` bytes of what was read ahead.
    pub(crate) fn skip(&mut self, length: usize) {
        self.ahead.drain(..length.min(self.ahead.len()));
        if self.ahead.is_empty() {
            self.ahead = Vec::new();
        }
    }

    /// Ready when the peer has ended its side too, or has had its time.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let new = || Linger { time: Box::pin(sleep(LINGER_TIME)), left: LINGER_BYTES };
        let linger = self.linger.get_or_insert_with(new);
        let mut scratch = [0; 4 << 10];
        while linger.left > 0 {
            let mut buf = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {
                    linger.left = linger.left.saturating_sub(buf.filled().len());
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return linger.time.as_mut().poll(cx),
            }
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let length = self.ahead.len().min(buf.remaining());
        buf.put_slice(&self.ahead[..length]);
        self.skip(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        self.poll_linger(cx).map(Ok)
    }
}

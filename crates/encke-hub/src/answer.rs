use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

/// A result that is there at once, or comes later. What is there costs no allocation.
pub enum Answer<T> {
    /// Taken by the first poll.
    Now(Option<T>),
    /// Comes later.
    Later(Pin<Box<dyn Future<Output = T> + Send>>),
}

impl<T> Answer<T> {
    /// The result, at once.
    pub fn now(result: T) -> Self {
        Self::Now(Some(result))
    }

    /// The result of a future.
    pub fn later(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self::Later(Box::pin(future))
    }

    /// What `change` makes of the result.
    pub fn map<U>(self, change: impl FnOnce(T) -> U + Send + 'static) -> Answer<U>
    where
        T: 'static,
    {
        match self {
            Self::Now(result) => Answer::Now(result.map(change)),
            Self::Later(future) => Answer::later(async move { change(future.await) }),
        }
    }
}

impl<T> Unpin for Answer<T> {}

impl<T> Future for Answer<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match self.get_mut() {
            // Polled again after it was ready, which no caller may do: there is nothing to come.
            Self::Now(result) => result.take().map_or(Poll::Pending, Poll::Ready),
            Self::Later(future) => future.as_mut().poll(cx),
        }
    }
}

impl<T> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Now(_) => "Answer::Now",
            Self::Later(_) => "Answer::Later",
        })
    }
}

use std::{fmt, time::Duration};

use crate::Job;

/// What holds jobs until they are published: at least once each, in its order.
///
/// The seam for other queues. One that acknowledges (NATS, AMQP) does so in `done`; one that counts (Kafka) commits there;
/// a table in a database marks or deletes its rows. A job that is neither done nor buried when the queue is
/// dropped must be fetched again by whoever comes next, under the same id.
pub trait Queue: Send {
    /// The next jobs, oldest first: as many as the queue gives at a time, none if there are none for `wait`.
    ///
    /// Until all of them are done or buried it is not called again, unless whoever fetched them is stopped.
    ///
    /// # Errors
    /// [`QueueError`] if the queue cannot be asked now. The next call tries again, and reconnects if it must.
    fn fetch(&mut self, wait: Duration) -> impl Future<Output = Result<Vec<Job>, QueueError>> + Send;

    /// These are published, and need not be fetched again.
    ///
    /// # Errors
    /// [`QueueError`] if the queue cannot be told now; telling it twice does no harm.
    fn done(&mut self, ids: &[String]) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// This one can never be published, for this reason: it is put aside for people to look at.
    ///
    /// # Errors
    /// [`QueueError`] if the queue cannot be told now; telling it twice does no harm.
    fn bury(&mut self, id: &str, reason: &str) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Is called at the end, when nothing more will be fetched.
    fn leave(&mut self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Why a queue does not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueError {
    reason: String,
}

impl QueueError {
    /// For this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

impl fmt::Display for QueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for QueueError {}

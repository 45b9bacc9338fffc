use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use redis::{PushInfo, PushKind, Value};
use tokio::sync::{Notify, Semaphore, mpsc};

use super::{
    BridgeConfig,
    counts::{Counters, add},
};
use crate::redis::Glob;

/// A message as Redis has it.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) channel: Bytes,
    pub(super) data: Bytes,
}

/// Takes what one connection pushes, at once and without waiting.
pub(super) struct Intake {
    patterns: Vec<(String, Glob)>,
    largest: usize,
    counters: Arc<Counters>,
    sender: mpsc::Sender<Incoming>,
    /// Bytes that wait.
    waiting: AtomicUsize,
    waiting_most: usize,
    /// What this connection publishes itself and so gets back, with how often.
    ///
    /// Publishing and being told go over one connection: so it is known when the last of them is back, and if the
    /// connection breaks, none comes later.
    expected: Mutex<HashMap<(Bytes, Bytes), usize>>,
    closed: Notify,
}

impl Intake {
    pub(super) fn new(
        config: &BridgeConfig,
        largest: usize,
        counters: &Arc<Counters>,
    ) -> (Self, mpsc::Receiver<Incoming>) {
        let (sender, receiver) = mpsc::channel(config.waiting.clamp(1, Semaphore::MAX_PERMITS));
        let pattern = |pattern: &String| (pattern.clone(), Glob::new(pattern));
        let intake = Self {
            patterns: config.patterns.iter().map(pattern).collect(),
            largest,
            counters: Arc::clone(counters),
            sender,
            waiting: AtomicUsize::new(0),
            waiting_most: config.waiting_bytes,
            expected: Mutex::default(),
            closed: Notify::new(),
        };
        (intake, receiver)
    }

    pub(super) fn take(&self, info: PushInfo) {
        match info.kind {
            PushKind::Disconnection => self.closed.notify_one(),
            PushKind::PMessage => {
                let mut parts = info.data.into_iter().map(bytes);
                if let (Some(pattern), Some(channel), Some(data)) =
                    (parts.next().flatten(), parts.next().flatten(), parts.next().flatten())
                {
                    self.take_message(&pattern, Incoming { channel, data });
                }
            }
            _ => {}
        }
    }

    fn take_message(&self, pattern: &[u8], message: Incoming) {
        // Redis sends a message once for each pattern that matches: the first one counts.
        let others = self.patterns.iter().take_while(|(own, _)| own.as_bytes() != pattern);
        if others.into_iter().any(|(_, glob)| glob.matches(&message.channel)) || self.is_expected(&message) {
            return;
        }
        add(&self.counters.received, 1);
        let size = message.data.len();
        if size > self.largest {
            add(&self.counters.refused, 1);
        } else if self.waiting.load(Ordering::Relaxed).saturating_add(size) > self.waiting_most {
            add(&self.counters.dropped, 1);
        } else {
            self.waiting.fetch_add(size, Ordering::Relaxed);
            if let Err(error) = self.sender.try_send(message) {
                self.taken(&error.into_inner());
                add(&self.counters.dropped, 1);
            }
        }
    }

    /// That one does not wait any longer.
    pub(super) fn taken(&self, message: &Incoming) {
        self.waiting.fetch_sub(message.data.len(), Ordering::Relaxed);
    }

    /// What is going to be published over this connection comes back, if a pattern matches.
    pub(super) fn expect(&self, channel: &str, data: &Bytes) {
        if self.patterns.iter().any(|(_, glob)| glob.matches(channel.as_bytes())) {
            let key = (Bytes::copy_from_slice(channel.as_bytes()), data.clone());
            *self.lock().entry(key).or_default() += 1;
        }
    }

    /// All that was published has come back.
    pub(super) fn expect_no_more(&self) {
        self.lock().clear();
    }

    fn is_expected(&self, message: &Incoming) -> bool {
        let mut expected = self.lock();
        let key = (message.channel.clone(), message.data.clone());
        let Some(times) = expected.get_mut(&key) else { return false };
        *times -= 1;
        if *times == 0 {
            expected.remove(&key);
        }
        true
    }

    pub(super) async fn is_closed(&self) {
        self.closed.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Bytes, Bytes), usize>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn bytes(value: Value) -> Option<Bytes> {
    match value {
        Value::BulkString(bytes) => Some(bytes.into()),
        Value::SimpleString(text) => Some(text.into()),
        _ => None,
    }
}

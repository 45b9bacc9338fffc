//! An engine that may refuse, and takes its time.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use encke_core::{Appended, ChannelName, Epoch, Keep, Log, LogConfig, Publish, Retention, Timestamp, Wakes};
use encke_hub::{Answer, Durability, Engine, EngineError, MemoryEngine};

#[derive(Clone)]
pub(crate) struct Moody {
    inner: MemoryEngine,
    refuses: Arc<Mutex<Option<EngineError>>>,
    slow: bool,
    durability: Durability,
}

impl Moody {
    pub(crate) fn with(config: LogConfig) -> Self {
        let log = Log::new(Epoch::from_bits(fastrand::u64(..)), config);
        let inner = MemoryEngine::new(log);
        Self { inner, refuses: Arc::default(), slow: false, durability: Durability::Memory }
    }

    pub(crate) fn new() -> Self {
        let retention = Retention { count: 100_000, bytes: 256 << 20, ..Retention::default() };
        Self::with(LogConfig { retention, ..LogConfig::default() })
    }

    /// Each publish takes a while, at random.
    pub(crate) fn slow(mut self) -> Self {
        self.slow = true;
        self
    }

    /// It says that other nodes are over the same engine.
    pub(crate) fn shared(mut self) -> Self {
        self.durability = Durability::Remote;
        self
    }

    pub(crate) fn refuse(&self, error: Option<EngineError>) {
        *self.refuses.lock().unwrap() = error;
    }
}

impl Engine for Moody {
    fn log(&self) -> Log {
        self.inner.log()
    }

    fn publish(&self, publish: Publish, now: Timestamp) -> Answer<Result<(Appended, Wakes), EngineError>> {
        if let Some(error) = *self.refuses.lock().unwrap() {
            return Answer::now(Err(error));
        }
        if !self.slow {
            return self.inner.publish(publish, now);
        }
        let (before, after) = (fastrand::u64(0..2_000), fastrand::u64(0..2_000));
        let inner = self.inner.clone();
        Answer::later(async move {
            tokio::time::sleep(Duration::from_micros(before)).await;
            let answer = inner.publish(publish, now).await;
            // What happens now happens to a message that is stored and not acknowledged.
            tokio::time::sleep(Duration::from_micros(after)).await;
            answer
        })
    }

    fn delete(&self, channel: &ChannelName) -> Answer<Result<bool, EngineError>> {
        self.inner.delete(channel)
    }

    fn trim(&self, channel: &ChannelName, keep: Keep) -> Answer<Result<Option<usize>, EngineError>> {
        self.inner.trim(channel, keep)
    }

    fn expire(&self, now: Timestamp) -> Answer<bool> {
        self.inner.expire(now)
    }

    fn durability(&self) -> Durability {
        self.durability
    }
}

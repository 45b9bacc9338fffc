use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use encke_core::{Epoch, Log, LogConfig, Resident, Timestamp};
use encke_hub::{Engine, MemoryEngine};

use super::Node;

/// A place where a log can live, as the list needs it: for a log on disk its folder, for one on a server that server.
/// It is a new one each time, and gone when it is dropped.
pub trait EngineUnderTest: Send + Sync + 'static {
    /// The engine.
    type Engine: Engine;

    /// A new place.
    fn new() -> impl Future<Output = Self> + Send;

    /// Opens the log that lives there, the first time an empty one. The engines that were opened before are dropped,
    /// but for those of which several feed one log.
    fn open(&self, limits: LogConfig) -> impl Future<Output = Self::Engine> + Send;
}

/// The engine that keeps its log in memory.
pub struct Memory;

impl EngineUnderTest for Memory {
    type Engine = MemoryEngine;

    async fn new() -> Self {
        Self
    }

    async fn open(&self, limits: LogConfig) -> MemoryEngine {
        MemoryEngine::new(Log::new(Epoch::from_bits(fastrand::u64(..)), limits))
    }
}

/// The clock of a case: it stands still unless it is moved.
#[derive(Clone)]
pub(super) struct Clock(Arc<AtomicU64>);

impl Clock {
    /// It shows full seconds, so that the same takes place at the same time elsewhere.
    fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock that is set");
        Self(Arc::new(AtomicU64::new(since.as_secs() * 1_000)))
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// A place, the limits of its log, and the clock by which it lives.
pub struct Place<E> {
    under_test: Arc<E>,
    limits: LogConfig,
    clock: Clock,
}

impl<E: EngineUnderTest> Place<E> {
    /// A new place for a log of which next to nothing stays in memory.
    pub(super) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// The same, with other limits.
    pub(super) async fn with(change: impl FnOnce(&mut LogConfig)) -> Self {
        let resident = Resident { count: 3, bytes: 2_000, total: 10_000 };
        let mut limits = LogConfig { resident, pattern_window: 5, ..LogConfig::default() };
        change(&mut limits);
        Self { under_test: Arc::new(E::new().await), limits, clock: Clock::new() }
    }

    /// A node over its log.
    pub(super) async fn open(&self) -> Node<E::Engine> {
        let engine = self.under_test.open(self.limits.clone()).await;
        Node::new(engine, self.clock.clone(), Arc::clone(&self.under_test) as _)
    }

    /// The same log in memory, by the same clock.
    pub(super) async fn in_memory(&self) -> Node<MemoryEngine> {
        Node::new(Memory.open(self.limits.clone()).await, self.clock.clone(), Arc::new(Memory))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the clock.
    pub(super) fn pass(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).expect("a short time");
        self.clock.0.fetch_add(millis, Ordering::Relaxed);
    }

    /// Sets the clock back.
    pub(super) fn set_back(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).expect("a short time");
        self.clock.0.fetch_sub(millis, Ordering::Relaxed);
    }
}

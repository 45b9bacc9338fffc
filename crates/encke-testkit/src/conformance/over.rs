use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use tempfile::TempDir;

use crate::{RedisServer, TestGateway};

/// Where the gateway of a case has its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// In memory.
    Memory,
    /// In a folder.
    Disk,
    /// In Redis.
    Redis,
}

/// A gateway of a case, and where its log lives.
pub(super) struct Served {
    gateway: TestGateway,
    _home: Home,
}

/// What is gone with the gateway.
enum Home {
    None,
    Folder { _folder: TempDir },
    Redis { _server: Arc<RedisServer> },
}

/// So little of it is in memory that nearly all is read from the engine.
const LITTLE: &str = "log.memory = { count = 2, bytes = \"1KiB\", total = \"4KiB\" }";

impl Over {
    /// Starts a gateway with this configuration beside that of its log.
    pub(super) async fn start(self, toml: &str) -> Served {
        let (own, home) = match self {
            Self::Memory => (String::new(), Home::None),
            Self::Disk => {
                let folder = TempDir::new().expect("a folder for temporary files");
                let own = format!("engine.data = '{}'\n{LITTLE}", folder.path().display());
                (own, Home::Folder { _folder: folder })
            }
            Self::Redis => {
                static LOGS: AtomicU64 = AtomicU64::new(0);
                let server = tokio::task::spawn_blocking(redis).await.expect("a Redis");
                let log = LOGS.fetch_add(1, Ordering::Relaxed);
                let own = format!("engine = {{ url = '{}', name = 'log-{log}' }}\n{LITTLE}", server.url());
                (own, Home::Redis { _server: server })
            }
        };
        Served { gateway: TestGateway::over(&format!("{own}\n{toml}")).await, _home: home }
    }
}

/// The Redis of all cases that run now: each has a log of its own there.
fn redis() -> Arc<RedisServer> {
    static RUNNING: Mutex<Weak<RedisServer>> = Mutex::new(Weak::new());
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    running.upgrade().unwrap_or_else(|| {
        let server = Arc::new(RedisServer::start());
        *running = Arc::downgrade(&server);
        server
    })
}

impl Served {
    /// Drains it and waits for the end.
    pub(super) async fn stop(self) {
        self.gateway.stop().await;
    }
}

impl Deref for Served {
    type Target = TestGateway;

    fn deref(&self) -> &TestGateway {
        &self.gateway
    }
}

impl DerefMut for Served {
    fn deref_mut(&mut self) -> &mut TestGateway {
        &mut self.gateway
    }
}

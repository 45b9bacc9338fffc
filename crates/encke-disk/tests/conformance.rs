//! The engine keeps the promises of every engine.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use encke_core::LogConfig;
use encke_disk::{DiskConfig, DiskEngine};
use encke_testkit::engine::EngineUnderTest;
use tempfile::TempDir;

struct Disk(TempDir);

impl EngineUnderTest for Disk {
    type Engine = DiskEngine;

    async fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    async fn open(&self, limits: LogConfig) -> DiskEngine {
        DiskEngine::open(self.0.path(), DiskConfig::default(), limits).unwrap()
    }
}

encke_testkit::engine_conformance!(Disk: outlives);

//! What the engine, its writer and its readers have in common.

use std::{
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard},
};

use encke_core::Log;
use encke_hub::EngineError;

use crate::{
    DiskConfig, DiskError,
    index::Index,
    store::{Failure, Store, StoreError},
};

pub(crate) struct Shared {
    pub(crate) config: DiskConfig,
    /// For those who must be told which file it is.
    pub(crate) file: PathBuf,
    pub(crate) index: Index,
    pub(crate) log: Log,
    /// None when it is closed.
    pub(crate) store: RwLock<Option<Store>>,
    trouble: Mutex<Option<Trouble>>,
}

/// Why nothing is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// There is no space. It is tried again.
    NoSpace,
    /// The file has failed or is damaged. It must be opened anew.
    Broken(String),
}

impl Trouble {
    pub(crate) fn refusal(&self) -> EngineError {
        match self {
            Self::NoSpace => EngineError::NoSpace,
            Self::Broken(_) => EngineError::Unavailable,
        }
    }
}

impl Shared {
    pub(crate) fn new(config: DiskConfig, file: PathBuf, index: Index, log: Log, store: Store) -> Self {
        Self { config, file, index, log, store: RwLock::new(Some(store)), trouble: Mutex::new(None) }
    }

    pub(crate) fn store(&self) -> RwLockReadGuard<'_, Option<Store>> {
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Trouble>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.lock().clone()
    }

    /// Notes that nothing is stored any more.
    pub(crate) fn fail(&self, error: &StoreError) {
        let mut known = self.lock();
        // What is broken stays so.
        if matches!(*known, Some(Trouble::Broken(_))) {
            return;
        }
        *known = Some(match error {
            StoreError::Failed(Failure::NoSpace) => {
                tracing::warn!(file = %self.file.display(), "no space is left for the log");
                Trouble::NoSpace
            }
            other => {
                let error = disk_error(&self.file, other);
                tracing::error!(%error, "the log does not store any more");
                Trouble::Broken(error.to_string())
            }
        });
    }

    /// There is space again.
    pub(crate) fn recover(&self) {
        let mut known = self.lock();
        if *known == Some(Trouble::NoSpace) {
            tracing::info!(file = %self.file.display(), "there is space for the log again");
            *known = None;
        }
    }
}

/// How it is told outside.
pub(crate) fn disk_error(file: &std::path::Path, error: &StoreError) -> DiskError {
    let file = file.to_owned();
    match error {
        StoreError::Damaged(what) => DiskError::Damaged { file, what: what.clone() },
        StoreError::Foreign => DiskError::Foreign { path: file, what: "it holds other tables".into() },
        StoreError::Version(found) => {
            DiskError::Version { file, found: *found, supported: crate::row::FORMAT }
        }
        StoreError::Failed(Failure::NoSpace) => DiskError::NoSpace { path: file },
        StoreError::Failed(Failure::Other(what)) => {
            DiskError::Io { path: file, error: std::io::Error::other(what.clone()) }
        }
    }
}

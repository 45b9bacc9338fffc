//! What can go wrong, and panics among it.

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use redb::{DatabaseError, StorageError, TableError};

use super::Failure;

/// Why the store did not do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoreError {
    /// The file is not what was written.
    Damaged(String),
    /// It holds something else than a log.
    Foreign,
    /// It is of another version.
    Version(u32),
    /// It does not take any more.
    Failed(Failure),
}

impl StoreError {
    pub(crate) fn damaged(what: impl fmt::Display) -> Self {
        Self::Damaged(what.to_string())
    }
}

impl From<StorageError> for StoreError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Corrupted(what) => Self::Damaged(what),
            StorageError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Self::damaged("it ends too early")
            }
            StorageError::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                Self::Damaged(error.to_string())
            }
            StorageError::LockPoisoned(_) => Self::damaged("the store has panicked"),
            other => Self::Failed(Failure::Other(other.to_string())),
        }
    }
}

impl From<redb::TransactionError> for StoreError {
    fn from(error: redb::TransactionError) -> Self {
        match error {
            redb::TransactionError::Storage(error) => error.into(),
            other => Self::Failed(Failure::Other(other.to_string())),
        }
    }
}

impl From<redb::CommitError> for StoreError {
    fn from(error: redb::CommitError) -> Self {
        match error {
            redb::CommitError::Storage(error) => error.into(),
            other => Self::damaged(other),
        }
    }
}

impl From<DatabaseError> for StoreError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Storage(error) => error.into(),
            DatabaseError::RepairAborted => Self::damaged("it could not be repaired"),
            DatabaseError::UpgradeRequired(version) => Self::Version(version.into()),
            other => Self::Failed(Failure::Other(other.to_string())),
        }
    }
}

impl From<TableError> for StoreError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Storage(error) => error.into(),
            other => Self::damaged(other),
        }
    }
}

/// Runs `work`; a panic in it is damage.
///
/// The store trusts a file that it has closed well: what it finds in one that was changed since may break what it
/// takes for granted.
pub(crate) fn contained<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let panic = |panic: Box<dyn Any + Send>| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        StoreError::damaged(text.unwrap_or_else(|| "the store has panicked".into()))
    };
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|caught| Err(panic(caught)))
}

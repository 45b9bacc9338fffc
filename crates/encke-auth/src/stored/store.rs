use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use redis::{
    Client, ErrorKind, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::{sync::Semaphore, time::timeout};

use super::{StoredKeyConfig, StoredKeyError};

/// Bytes of a value, at most.
const VALUE: usize = 16 << 10;

/// Redis, by one connection that is made again when it broke.
pub(super) struct Store {
    client: Client,
    field: Option<String>,
    deadline: Duration,
    free: Semaphore,
    manager: Mutex<Option<Arc<ConnectionManager>>>,
}

/// Why there is no value, and not even none.
#[derive(Debug)]
pub(super) enum StoreError {
    Busy,
    Deadline,
    TooLarge,
    Redis(RedisError),
}

impl Store {
    pub(super) fn new(config: &StoredKeyConfig) -> Result<Self, StoredKeyError> {
        // Why not, it might say with the password in it.
        let client = Client::open(config.url.as_str()).map_err(|_| StoredKeyError::Url)?;
        // Others in the process may have brought TLS into the client; here it is not spoken.
        if matches!(client.get_connection_info().addr(), redis::ConnectionAddr::TcpTls { .. }) {
            return Err(StoredKeyError::Url);
        }
        Ok(Self {
            client,
            field: config.field.clone(),
            deadline: config.deadline,
            free: Semaphore::new(config.requests.min(Semaphore::MAX_PERMITS)),
            manager: Mutex::new(None),
        })
    }

    /// What is stored under `key`, if anything is.
    pub(super) async fn value(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let _permit = self.free.try_acquire().map_err(|_| StoreError::Busy)?;
        let manager = self.manager()?;
        let found = timeout(self.deadline, self.find(&manager, key)).await;
        // Whoever hangs may be gone without a word, and a connection that was refused once is not tried again.
        match &found {
            Err(_) => self.forget(&manager),
            Ok(Err(StoreError::Redis(error))) if error.kind() == ErrorKind::AuthenticationFailed => {
                self.forget(&manager);
            }
            Ok(_) => {}
        }
        found.map_err(|_| StoreError::Deadline)?
    }

    /// Asks for the length first, or for no more than a value may have: what is stored may be anything.
    async fn find(&self, manager: &ConnectionManager, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut manager = manager.clone();
        let Some(field) = &self.field else {
            let value: Vec<u8> =
                redis::cmd("GETRANGE").arg(key).arg(0).arg(VALUE).query_async(&mut manager).await?;
            return if value.len() > VALUE { Err(StoreError::TooLarge) } else { Ok(filled(value)) };
        };
        let length: usize = redis::cmd("HSTRLEN").arg(key).arg(field).query_async(&mut manager).await?;
        if length > VALUE {
            return Err(StoreError::TooLarge);
        }
        let value: Option<Vec<u8>> = redis::cmd("HGET").arg(key).arg(field).query_async(&mut manager).await?;
        Ok(value.and_then(filled))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<ConnectionManager>>> {
        self.manager.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn manager(&self) -> Result<Arc<ConnectionManager>, StoreError> {
        let mut known = self.lock();
        if let Some(manager) = &*known {
            return Ok(Arc::clone(manager));
        }
        // Two more tries, so that a restart is not noticed, and few, so that an outage is soon.
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(self.deadline))
            .set_response_timeout(Some(self.deadline))
            .set_number_of_retries(2)
            .set_min_delay(Duration::from_millis(50))
            .set_max_delay(Duration::from_millis(200));
        let manager = Arc::new(ConnectionManager::new_lazy_with_config(self.client.clone(), config)?);
        *known = Some(Arc::clone(&manager));
        Ok(manager)
    }

    fn forget(&self, manager: &Arc<ConnectionManager>) {
        self.lock().take_if(|known| Arc::ptr_eq(known, manager));
    }
}

fn filled(value: Vec<u8>) -> Option<Vec<u8>> {
    (!value.is_empty()).then_some(value)
}

impl From<RedisError> for StoreError {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("too many look-ups at a time"),
            Self::Deadline => f.write_str("no answer before the deadline"),
            Self::TooLarge => write!(f, "the value is larger than {VALUE} bytes"),
            Self::Redis(error) => error.fmt(f),
        }
    }
}

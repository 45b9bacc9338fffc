use std::{sync::Arc, time::Duration};

use encke_core::{
    Appended, ChannelName, Keep, Log, LogConfig, Older, Page, Publish, Seek, Sought, Timestamp, Wakes,
};
use encke_hub::{Answer, Durability, Engine, EngineError, Health, Node};
use tokio::{task::AbortHandle, time::timeout};

use crate::{
    RedisConfig, RedisError, connect::Connector, follow, keys::Keys, link::Link, load::load, node::Inner,
    older, publish, remove,
};

/// Order and history in Redis, for several nodes; see the [crate's documentation](crate).
///
/// Dropping it ends its task and its connections.
pub struct RedisEngine {
    inner: Arc<Inner>,
    follower: AbortHandle,
}

impl RedisEngine {
    /// Connects, and loads what there is to know of the log. From then on a task on the current runtime follows it.
    ///
    /// # Errors
    /// [`RedisError`] says why this Redis cannot be used. With [`RedisConfig::wait`] one that cannot be reached is waited
    /// for.
    pub async fn connect(config: RedisConfig, limits: LogConfig) -> Result<Self, RedisError> {
        const PAUSE: Duration = Duration::from_secs(1);
        let connector = Connector::new(&config)?;
        let keys = Arc::new(Keys::new(config.checked_name()?));
        let begin = async || {
            let (link, _) = Link::open(&connector, &keys, None).await?;
            let fed = load(&link, &limits).await?;
            Ok((Arc::new(link), fed))
        };
        let (link, fed) = loop {
            match begin().await {
                Ok(begun) => break begun,
                Err(error @ (RedisError::Unreachable(_) | RedisError::NotPrimary(_))) if config.wait => {
                    tracing::warn!(%error, "waiting for Redis");
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        };
        let inner = Arc::new(Inner::new(config, limits, connector, Arc::clone(&link), fed));
        let follower = tokio::spawn(follow::run(Arc::clone(&inner), link)).abort_handle();
        Ok(Self { inner, follower })
    }

    /// What `work` comes to within the time limit.
    fn answer<T, F>(&self, work: impl FnOnce(Arc<Inner>) -> F) -> Answer<Result<T, EngineError>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, EngineError>> + Send + 'static,
    {
        let limit = self.inner.time_limit();
        let work = work(Arc::clone(&self.inner));
        Answer::later(async move { timeout(limit, work).await.unwrap_or(Err(EngineError::Unavailable)) })
    }
}

impl Engine for RedisEngine {
    fn log(&self) -> Log {
        self.inner.fed().log.clone()
    }

    fn publish(&self, publish: Publish, now: Timestamp) -> Answer<Result<(Appended, Wakes), EngineError>> {
        self.answer(|inner| async move {
            let appended = publish::store(&inner, publish, now).await?;
            // The follower has woken those who wait for it.
            Ok((appended, Wakes::default()))
        })
    }

    fn delete(&self, channel: &ChannelName) -> Answer<Result<bool, EngineError>> {
        let channel = channel.clone();
        self.answer(
            |inner| async move { Ok(remove::trim(&inner, &channel, Keep::Newest(0)).await?.is_some()) },
        )
    }

    fn trim(&self, channel: &ChannelName, keep: Keep) -> Answer<Result<Option<usize>, EngineError>> {
        let channel = channel.clone();
        self.answer(|inner| async move { remove::trim(&inner, &channel, keep).await })
    }

    fn expire(&self, now: Timestamp) -> Answer<bool> {
        // What is not done now is done next time.
        self.answer(|inner| async move { remove::expire(&inner, now).await })
            .map(|more| more.unwrap_or(false))
    }

    fn seek(&self, seek: Seek) -> Answer<Result<Sought, EngineError>> {
        self.answer(|inner| async move { older::seek(&inner, seek).await })
    }

    fn older(&self, older: Older) -> Answer<Result<Page, EngineError>> {
        self.answer(|inner| async move { older::page(&inner, older).await })
    }

    fn attach(&self, node: Node) {
        self.inner.attach(node);
    }

    fn health(&self) -> Health {
        self.inner.health()
    }

    fn durability(&self) -> Durability {
        Durability::Remote
    }
}

impl Drop for RedisEngine {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

impl std::fmt::Debug for RedisEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisEngine")
            .field("config", &self.inner.config)
            .field("health", &self.health())
            .finish()
    }
}

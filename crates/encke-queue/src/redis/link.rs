use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Cmd, FromRedisValue, Pipeline, PushInfo, RedisError, RedisResult, Value,
    aio::MultiplexedConnection,
};
use tokio::time::timeout;

use super::RedisUrl;

/// How long a Redis may take to answer, beside what a command asks it to wait.
const PATIENCE: Duration = Duration::from_secs(3);

/// One connection to a Redis. After an error it is not used again: whoever has it makes a new one.
#[derive(Debug)]
pub(crate) struct Link(MultiplexedConnection);

impl Link {
    pub(crate) async fn open(url: &RedisUrl) -> RedisResult<Self> {
        let connect = url.client().get_multiplexed_async_connection_with_config(&config()).await;
        connect.map(Self)
    }

    /// With a function that gets what is pushed; it must not block.
    pub(crate) async fn open_for_push(
        url: &RedisUrl,
        push: impl Fn(PushInfo) + Send + Sync + 'static,
    ) -> RedisResult<Self> {
        let config = config().set_push_sender(move |info| {
            push(info);
            Ok::<_, RedisError>(())
        });
        let client = url.client_for_push()?;
        client.get_multiplexed_async_connection_with_config(&config).await.map(Self)
    }

    pub(crate) async fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> RedisResult<T> {
        self.ask_for(command, Duration::ZERO).await
    }

    /// Asks for something that it may wait for.
    pub(crate) async fn ask_for<T: FromRedisValue>(
        &mut self,
        command: &Cmd,
        wait: Duration,
    ) -> RedisResult<T> {
        timeout(PATIENCE + wait, command.query_async(&mut self.0)).await.unwrap_or_else(|_| Err(late()))
    }

    /// Says all of it at once.
    pub(crate) async fn say(&mut self, commands: &Pipeline) -> RedisResult<()> {
        let answers = commands.query_async::<Value>(&mut self.0);
        timeout(PATIENCE, answers).await.unwrap_or_else(|_| Err(late())).map(drop)
    }

    pub(crate) async fn follow(&mut self, patterns: &[String]) -> RedisResult<()> {
        timeout(PATIENCE, self.0.psubscribe(patterns)).await.unwrap_or_else(|_| Err(late()))
    }
}

fn config() -> AsyncConnectionConfig {
    // Each call has a time limit of its own.
    AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(None)
}

fn late() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

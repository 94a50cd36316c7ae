//! The connection of all short commands, replaced when it stays silent.

use std::sync::{Arc, Mutex, PoisonError};

use redis::{
    Client, Cmd, Pipeline, RedisError, RedisResult, Value,
    aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig},
};
use tokio::sync::watch;

/// A manager connects again when its connection breaks, but not when it is silent: one that is half open would take commands
/// and answer none until the system gives it up, which takes a quarter of an hour, or for ever behind a proxy. So the first
/// answer that does not come in time ends the use of a connection. Clones are the same.
#[derive(Clone)]
pub(crate) struct SharedConnection(Arc<Inner>);

struct Inner {
    client: Client,
    config: ConnectionManagerConfig,
    current: Mutex<Current>,
    /// Counts commands that were not answered, so connections that broke at the least.
    breaks: watch::Sender<u64>,
}

#[derive(Clone)]
struct Current {
    manager: ConnectionManager,
    /// Tells this one from those before it: many commands time out together, and replace it once.
    number: u64,
}

impl SharedConnection {
    /// Connects at its first use.
    pub(super) fn new(client: Client, config: ConnectionManagerConfig) -> RedisResult<Self> {
        let manager = client.get_connection_manager_lazy(config.clone())?;
        let current = Mutex::new(Current { manager, number: 0 });
        Ok(Self(Arc::new(Inner { client, config, current, breaks: watch::Sender::default() })))
    }

    pub(super) async fn command(&self, command: &Cmd) -> RedisResult<Value> {
        let Current { mut manager, number } = self.current();
        let result = manager.req_packed_command(command).await;
        self.settle(number, result.as_ref().err());
        result
    }

    pub(super) async fn commands(&self, pipeline: &Pipeline, offset: usize, count: usize) -> RedisResult<Vec<Value>> {
        let Current { mut manager, number } = self.current();
        let result = manager.req_packed_commands(pipeline, offset, count).await;
        self.settle(number, result.as_ref().err());
        result
    }

    fn current(&self) -> Current {
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes when the connection broke: the next one may be to another server.
    pub(super) fn breaks(&self) -> watch::Receiver<u64> {
        self.0.breaks.subscribe()
    }

    fn settle(&self, number: u64, error: Option<&RedisError>) {
        if error.is_some_and(|error| error.is_io_error() || error.is_connection_dropped()) {
            self.0.breaks.send_modify(|breaks| *breaks += 1);
        }
        if !error.is_some_and(RedisError::is_timeout) {
            return;
        }
        let mut current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.number == number
            && let Ok(manager) = self.0.client.get_connection_manager_lazy(self.0.config.clone())
        {
            tracing::warn!("redis did not answer in time, trying another connection");
            *current = Current { manager, number: number + 1 };
        }
    }
}

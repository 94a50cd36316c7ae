//! One connection, to Redis or to what stands in for it.

use std::{fmt, io, sync::Arc};

use futures_util::{FutureExt, future::BoxFuture};
use redis::{
    Arg, Cmd, Pipeline, RedisError, RedisFuture, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};
use tokio::sync::Mutex;

use super::shared::SharedConnection;

/// A server that is no Redis: the seam of simulations, in which this crate's own commands and scripts run against a log in
/// memory. It has to answer as Redis does (RESP2), which the conformance tests hold it to.
pub trait Server: fmt::Debug + Send + Sync {
    /// A connection. One that cannot be had fails at its first call.
    fn connect(&self) -> Box<dyn Session>;

    /// A connection that may subscribe to channels; what is published there goes to `push`. When it breaks, nothing comes any
    /// more.
    fn connect_pushed(&self, push: PushTo) -> Box<dyn Session>;
}

/// Where a message of a channel goes, as (channel, payload). It does not wait.
pub type PushTo = Box<dyn Fn(&str, &[u8]) + Send + Sync>;

/// A connection to a [`Server`].
pub trait Session: Send {
    /// Sends one command, and waits for its reply. Commands of a flush come one after the other.
    ///
    /// # Errors
    /// When the connection broke; whether the command was done is then unknown, and every later call fails as well.
    fn call(&mut self, command: Vec<Vec<u8>>) -> BoxFuture<'_, io::Result<Value>>;
}

/// What commands are sent by. Clones share one connection.
#[derive(Clone)]
pub(crate) enum Connection {
    /// Of the short commands; comes back by itself.
    Shared(SharedConnection),
    /// One reader's own; never repeats anything.
    Dedicated(MultiplexedConnection),
    /// To a server that is no Redis.
    Simulated(Arc<Mutex<Box<dyn Session>>>),
}

impl Connection {
    pub(super) fn simulated(server: &dyn Server) -> Self {
        Self::Simulated(Arc::new(Mutex::new(server.connect())))
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Shared(connection) => connection.command(command).boxed(),
            Self::Dedicated(connection) => connection.req_packed_command(command),
            Self::Simulated(session) => async move {
                match session.lock().await.call(parts(command)).await? {
                    Value::ServerError(error) => Err(RedisError::from(error)),
                    value => Ok(value),
                }
            }
            .boxed(),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Shared(connection) => connection.commands(pipeline, offset, count).boxed(),
            Self::Dedicated(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Simulated(session) => async move {
                // Held for the whole flush: on the wire nothing comes between its commands either.
                let mut session = session.lock().await;
                let mut replies = Vec::new();
                for command in pipeline.cmd_iter() {
                    replies.push(session.call(parts(command)).await?);
                }
                Ok(replies.into_iter().skip(offset).take(count).collect())
            }
            .boxed(),
        }
    }

    fn get_db(&self) -> i64 {
        0
    }
}

fn parts(command: &Cmd) -> Vec<Vec<u8>> {
    let part = |argument| match argument {
        Arg::Simple(bytes) => Vec::from(bytes),
        _ => b"0".to_vec(),
    };
    command.args_iter().map(part).collect()
}

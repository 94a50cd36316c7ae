//! The connections of one process to Redis.
//!
//! One shared, pipelined connection carries every short command; each blocking reader and each subscriber has its own, since
//! a blocked command would hold up whatever is queued behind it.

mod barrier;
mod connection;
mod keeping;
mod line;
mod shared;
mod subscribe;

use std::{sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, IntoConnectionInfo, ProtocolVersion, aio::ConnectionManagerConfig,
    io::tcp::TcpSettings,
};

use tokio::sync::watch;

use crate::{Error, Names};

pub use barrier::Durability;
pub(crate) use connection::Connection;
pub use connection::{PushTo, Server, Session};
pub use keeping::Keeping;
pub(crate) use keeping::field;
use shared::SharedConnection;
pub use subscribe::{Push, Subscription};

/// How long a connection attempt may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a short command may wait for its answer before its fate counts as unknown. Well above a fork or a slow disk.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
/// Attempts of the shared connection to come back before the waiting commands are told. They are repeated by their callers.
const RECONNECT_ATTEMPTS: usize = 1;
/// Longest pause between two attempts.
const RECONNECT_PAUSE_MAX: Duration = Duration::from_millis(250);

/// Where Redis is and how things are named there.
#[derive(Debug, Clone)]
pub struct BusConfig {
    /// `redis://[user:password@]host:port/db` or `unix:///path/to/socket`.
    pub url: String,
    /// Names and number of shards.
    pub names: Names,
}

/// Whether an address can be used, as far as that can be told without connecting.
///
/// # Errors
/// [`Error::Setting`] with what is wrong.
pub fn check_url(url: &str) -> Result<(), Error> {
    url.into_connection_info().map(drop).map_err(|error| unusable(&error))
}

fn unusable(error: &redis::RedisError) -> Error {
    // Not the address itself: it may hold a password.
    Error::Setting(format!("is no address of a Redis: {error}; write redis://host:port or unix:///path/to/socket"))
}

/// A cheap handle to the log and the records beside it. Clones share one connection.
#[derive(Clone)]
pub struct Bus {
    link: Link,
    names: Arc<Names>,
    barrier: Option<Arc<barrier::Barrier>>,
}

/// Where connections come from.
#[derive(Clone)]
enum Link {
    Redis(Arc<Clients>),
    Simulated(Arc<dyn Server>),
}

struct Clients {
    resp2: Client,
    /// For pub/sub, which RESP2 would mix with replies.
    resp3: Client,
    shared: SharedConnection,
}

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the client: its address may hold a password.
        f.debug_struct("Bus").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Bus {
    /// Connects and asks Redis for a sign of life.
    ///
    /// # Errors
    /// [`Error::Setting`] when the address cannot be read, [`Error::Unreachable`] or [`Error::Refused`] when Redis does not
    /// answer the ping.
    pub async fn connect(config: BusConfig) -> Result<Self, Error> {
        let setting = |error: redis::RedisError| unusable(&error);
        let info = config.url.as_str().into_connection_info().map_err(setting)?;
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let resp3 = Client::open(info.clone().set_redis_settings(settings)).map_err(setting)?;
        let resp2 = Client::open(info).map_err(setting)?;

        let mut probe = resp2.get_multiplexed_async_connection_with_config(&connection(Some(RESPONSE_TIMEOUT))).await?;
        redis::cmd("PING").query_async::<()>(&mut probe).await?;

        let manager = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_number_of_retries(RECONNECT_ATTEMPTS)
            .set_max_delay(RECONNECT_PAUSE_MAX);
        let shared = SharedConnection::new(resp2.clone(), manager)?;
        let clients = Clients { resp2, resp3, shared };
        Ok(Self { link: Link::Redis(Arc::new(clients)), names: Arc::new(config.names), barrier: None })
    }

    /// A bus on a server that is no Redis.
    #[must_use]
    pub fn simulated(server: Arc<dyn Server>, names: Names) -> Self {
        Self { link: Link::Simulated(server), names: Arc::new(names), barrier: None }
    }

    /// The names that this deployment uses.
    #[must_use]
    pub fn names(&self) -> &Arc<Names> {
        &self.names
    }

    /// A sign of life.
    ///
    /// # Errors
    /// When Redis does not answer in time.
    pub async fn ping(&self) -> Result<(), Error> {
        Ok(redis::cmd("PING").query_async(&mut self.shared()).await?)
    }

    /// Writes the number of shards where it is not known yet, and refuses to work with another one.
    ///
    /// # Errors
    /// [`Error::Topology`] when the deployment was laid out for another number.
    pub async fn check_topology(&self) -> Result<(), Error> {
        let configured = self.names.shards.count();
        let (_, stored): (i64, String) = redis::pipe()
            .cmd("HSETNX")
            .arg(Names::TOPOLOGY)
            .arg("shards")
            .arg(configured)
            .cmd("HGET")
            .arg(Names::TOPOLOGY)
            .arg("shards")
            .query_async(&mut self.shared())
            .await?;
        if stored == configured.to_string() {
            Ok(())
        } else {
            Err(Error::Topology { key: Names::TOPOLOGY.into(), stored, configured })
        }
    }

    /// The number of shards that this deployment was laid out for, as it is written; `None` where no process has started yet.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn topology(&self) -> Result<Option<String>, Error> {
        Ok(redis::cmd("HGET").arg(Names::TOPOLOGY).arg("shards").query_async(&mut self.shared()).await?)
    }

    /// Changes when the connection of short commands broke: the next one may be to another server. A simulated one says nothing.
    #[must_use]
    pub fn breaks(&self) -> watch::Receiver<u64> {
        match &self.link {
            Link::Redis(clients) => clients.shared.breaks(),
            Link::Simulated(_) => watch::Sender::default().subscribe(),
        }
    }

    /// The connection of short commands.
    pub(crate) fn shared(&self) -> Connection {
        match &self.link {
            Link::Redis(clients) => Connection::Shared(clients.shared.clone()),
            Link::Simulated(server) => Connection::simulated(server.as_ref()),
        }
    }

    /// A connection of its own for a reader whose commands block for up to `block`. It never repeats a command by itself.
    pub(crate) async fn dedicated(&self, block: Duration) -> Result<Connection, Error> {
        match &self.link {
            Link::Redis(clients) => {
                // The margin turns a half-open socket into an error instead of a reader that waits for ever.
                let config = connection(Some(block + RESPONSE_TIMEOUT));
                Ok(Connection::Dedicated(clients.resp2.get_multiplexed_async_connection_with_config(&config).await?))
            }
            Link::Simulated(server) => Ok(Connection::simulated(server.as_ref())),
        }
    }
}

fn connection(response_timeout: Option<Duration>) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT_TIMEOUT)).set_response_timeout(response_timeout)
}

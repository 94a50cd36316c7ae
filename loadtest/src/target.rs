//! The Redis that is under load, and what it says of itself.

use std::time::Duration;

use bus::{Bus, BusConfig, Names, Shards};
use redis::{AsyncConnectionConfig, Client, aio::MultiplexedConnection};
use tests::RedisServer;

use crate::Result;

/// A Redis of our own, which ends with this value, or one that was named.
pub(crate) struct Target {
    url: String,
    client: Client,
    _own: Option<RedisServer>,
}

/// What Redis had spent by a moment, in microseconds of its main thread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spent(f64);

impl Target {
    pub(crate) async fn open(url: Option<&str>) -> Result<Self> {
        let own = if url.is_none() { Some(RedisServer::in_memory().await) } else { None };
        let url = own.as_ref().map_or_else(|| url.unwrap_or_default().to_owned(), RedisServer::url);
        let target = Self { client: Client::open(url.as_str())?, url, _own: own };
        let keys: u64 = redis::cmd("DBSIZE").query_async(&mut target.connection().await?).await?;
        if keys > 0 {
            return Err(format!(
                "this Redis holds {keys} keys, and a load would delete them: name an empty database, or leave --redis away"
            )
            .into());
        }
        Ok(target)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A connection of its own, which waits as long as a command blocks.
    pub(crate) async fn connection(&self) -> Result<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(2)))
            .set_response_timeout(None);
        Ok(self.client.get_multiplexed_async_connection_with_config(&config).await?)
    }

    pub(crate) async fn bus(&self, shards: u16) -> Result<Bus> {
        let names = Names { shards: Shards::new(shards)?, ..Names::default() };
        Ok(Bus::connect(BusConfig { url: self.url.clone(), names }).await?)
    }

    pub(crate) async fn empty(&self) -> Result<()> {
        Ok(redis::cmd("FLUSHDB").query_async(&mut self.connection().await?).await?)
    }

    async fn info(&self, section: &str) -> Result<String> {
        Ok(redis::cmd("INFO").arg(section).query_async(&mut self.connection().await?).await?)
    }

    /// What the main thread has spent, all of the process where an older server does not tell them apart.
    pub(crate) async fn spent(&self) -> Result<Spent> {
        let info = self.info("cpu").await?;
        let field = |name: &str| -> Option<f64> {
            info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.trim().parse().ok())
        };
        let sum = |user, system| Some(field(user)? + field(system)?);
        let seconds = sum("used_cpu_user_main_thread", "used_cpu_sys_main_thread")
            .or_else(|| sum("used_cpu_user", "used_cpu_sys"))
            .ok_or("INFO cpu of this Redis has no used_cpu_user")?;
        Ok(Spent(seconds * 1e6))
    }

    /// Calls of a command so far, and the microseconds that they took.
    pub(crate) async fn command(&self, name: &str) -> Result<(f64, f64)> {
        let info = self.info("commandstats").await?;
        let line = info.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{name}:")));
        let part = |part: &str| {
            line.and_then(|line| line.split(',').find_map(|one| one.strip_prefix(part)?.trim().parse().ok()))
        };
        Ok((part("calls=").unwrap_or(0.0), part("usec=").unwrap_or(0.0)))
    }

    pub(crate) async fn version(&self) -> Result<String> {
        let info = self.info("server").await?;
        let version = info.lines().find_map(|line| line.strip_prefix("redis_version:"));
        Ok(version.unwrap_or("unknown").trim().to_owned())
    }
}

impl Spent {
    /// Microseconds since then.
    pub(crate) fn since(self, before: Self) -> f64 {
        self.0 - before.0
    }
}

/// CPU that this process has spent, in microseconds; to a hundredth of a second.
pub(crate) fn own_cpu_us() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let times = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    times.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * 10_000.0
}

/// A line of `/proc/self/status`, in KiB: `VmRSS` or `VmHWM`.
pub(crate) fn own_memory_kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = |line: &str| line.strip_prefix(name)?.strip_prefix(':')?.split_whitespace().next()?.parse().ok();
    status.lines().find_map(value).unwrap_or(0)
}

/// From here on `VmHWM` is that of what follows.
pub(crate) fn forget_memory_peak() {
    // Where this is not allowed, the peak is that of all before.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

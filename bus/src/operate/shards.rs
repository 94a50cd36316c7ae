//! Who owns which shard, how far behind it is, and what is stuck on it.

use std::{collections::BTreeMap, time::Duration};

use redis::Value;

use crate::{Bus, EntryId, Error, Role, Shard};

/// Entries of one shard that are looked at as candidates for being stuck.
const STUCK_MAX: usize = 20;

/// One shard in one role, as Redis knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// What is done with it.
    pub role: Role,
    /// Which one.
    pub shard: Shard,
    /// Who owns it.
    pub owner: Ownership,
    /// What waits on it.
    pub lag: Lag,
    /// What does not get on, the oldest first; at most 20.
    pub stuck: Vec<Stuck>,
}

/// Who owns a shard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ownership {
    /// The process that took it last.
    pub instance: Option<String>,
    /// When it took it, in ms since the epoch by Redis' clock.
    pub since_ms: Option<u64>,
    /// What is left of its lease; `None` when that has ended, or it gave the shard up.
    pub lease: Option<Duration>,
}

/// What waits in a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    /// Entries that nobody has read; `None` while Redis does not know.
    pub unread: Option<u64>,
    /// Entries that were read and are not finished.
    pub pending: u64,
    /// Age of the oldest entry that is not finished.
    pub oldest: Option<Duration>,
    /// Entries in the stream, finished ones that are not trimmed yet among them.
    pub length: u64,
}

/// An entry that failed, or whose owner died while it ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// Which one.
    pub entry: EntryId,
    /// How often its turn failed.
    pub failures: u32,
    /// How often its owner died while it ran.
    pub deaths: u32,
    /// Until the next try; `None` when it runs, or may.
    pub waits: Option<Duration>,
}

impl Bus {
    /// Looks at every shard in this role. Several round trips for each; for people, not for a loop.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn survey(&self, role: &Role) -> Result<Vec<Survey>, Error> {
        let now_ms = self.time_ms().await?;
        let mut all = Vec::new();
        for shard in self.names().shards_of(role) {
            all.push(Survey {
                owner: self.ownership(role, shard).await?,
                lag: self.lag(role, shard, now_ms).await?,
                stuck: self.stuck(role, shard, now_ms).await?,
                role: role.clone(),
                shard,
            });
        }
        Ok(all)
    }

    /// Names of the members of a role's spread that are alive.
    ///
    /// # Errors
    /// When Redis did not answer.
    pub async fn members(&self, role: &Role) -> Result<Vec<String>, Error> {
        let mut range = redis::cmd("ZRANGE");
        range.arg(self.names().members(role)).arg(self.time_ms().await?).arg("+inf").arg("BYSCORE");
        Ok(range.query_async(&mut self.shared()).await?)
    }

    /// Redis' clock, in ms since the epoch.
    pub(crate) async fn time_ms(&self) -> Result<u64, Error> {
        let (seconds, micros): (u64, u64) = redis::cmd("TIME").query_async(&mut self.shared()).await?;
        Ok(seconds * 1000 + micros / 1000)
    }

    /// Dead letters that lie on a shard.
    pub(crate) async fn dead_letters_on(&self, role: &Role, shard: Shard) -> Result<u64, Error> {
        let key = self.names().dead_letters(role, shard);
        Ok(redis::cmd("XLEN").arg(key).query_async(&mut self.shared()).await?)
    }

    async fn ownership(&self, role: &Role, shard: Shard) -> Result<Ownership, Error> {
        let (token, left): (Option<String>, i64) = redis::pipe()
            .cmd("GET")
            .arg(self.names().fence(role, shard))
            .cmd("PTTL")
            .arg(self.names().lock(role, shard))
            .query_async(&mut self.shared())
            .await?;
        let token = token.unwrap_or_default();
        let mut parts = token.split(':');
        let instance = parts.next().filter(|instance| !instance.is_empty()).map(str::to_owned);
        let since_ms = parts.next().and_then(|epoch| epoch.parse().ok());
        let lease = u64::try_from(left).ok().map(Duration::from_millis);
        Ok(Ownership { instance, since_ms, lease })
    }

    /// What waits on one shard.
    pub(crate) async fn lag(&self, role: &Role, shard: Shard, now_ms: u64) -> Result<Lag, Error> {
        let (stream, group) = (self.names().stream(role, shard), self.names().group(role));
        let length: u64 = redis::cmd("XLEN").arg(&stream).query_async(&mut self.shared()).await?;
        if length == 0 {
            return Ok(Lag { unread: Some(0), ..Lag::default() });
        }
        let groups: Vec<BTreeMap<String, Value>> =
            redis::cmd("XINFO").arg("GROUPS").arg(&stream).query_async(&mut self.shared()).await?;
        let number = |state: &BTreeMap<String, Value>, name: &str| match state.get(name) {
            Some(Value::Int(number)) => u64::try_from(*number).ok(),
            _ => None,
        };
        let text = |state: &BTreeMap<String, Value>, name: &str| match state.get(name) {
            Some(Value::BulkString(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            Some(Value::SimpleString(text)) => text.clone(),
            _ => String::new(),
        };
        let Some(state) = groups.into_iter().find(|state| text(state, "name") == group) else {
            // Nobody has ever read it.
            let oldest = self.first_after(&stream, "-").await?;
            return Ok(Lag { unread: Some(length), oldest: oldest.map(|id| age(id, now_ms)), pending: 0, length });
        };
        let pending = number(&state, "pending").unwrap_or(0);
        let oldest = if pending > 0 {
            let summary: (u64, Option<String>, Value, Value) =
                redis::cmd("XPENDING").arg(&stream).arg(&group).query_async(&mut self.shared()).await?;
            summary.1.and_then(|id| id.parse().ok())
        } else {
            self.first_after(&stream, &format!("({}", text(&state, "last-delivered-id"))).await?
        };
        Ok(Lag { unread: number(&state, "lag"), pending, oldest: oldest.map(|id| age(id, now_ms)), length })
    }

    async fn first_after(&self, stream: &str, from: &str) -> Result<Option<EntryId>, Error> {
        let mut range = redis::cmd("XRANGE");
        range.arg(stream).arg(from).arg("+").arg("COUNT").arg(1);
        let found = crate::reply::entries(range.query_async(&mut self.shared()).await?)?;
        Ok(found.first().map(|entry| entry.id))
    }

    async fn stuck(&self, role: &Role, shard: Shard, now_ms: u64) -> Result<Vec<Stuck>, Error> {
        let key = self.names().attempts(role, shard);
        let fields: Vec<(String, String)> = redis::cmd("HGETALL").arg(key).query_async(&mut self.shared()).await?;
        let mut stuck: Vec<_> = fields.iter().filter_map(|(entry, record)| parse(entry, record, now_ms)).collect();
        stuck.sort_by_key(|one| one.entry);
        stuck.truncate(STUCK_MAX);
        Ok(stuck)
    }
}

/// An id's time is that of Redis when it was appended.
fn age(id: EntryId, now_ms: u64) -> Duration {
    Duration::from_millis(now_ms.saturating_sub(id.ms))
}

/// A record is `failures deaths not-before-ms owner`. One without a fault is a turn that runs.
fn parse(entry: &str, record: &str, now_ms: u64) -> Option<Stuck> {
    let mut parts = record.split(' ');
    let failures = parts.next()?.parse().ok()?;
    let deaths = parts.next()?.parse().ok()?;
    let not_before: u64 = parts.next()?.parse().ok()?;
    let waits = not_before.checked_sub(now_ms).filter(|left| *left > 0).map(Duration::from_millis);
    (failures + deaths > 0).then_some(Stuck { entry: entry.parse().ok()?, failures, deaths, waits })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_attempts_are_read() {
        let stuck = |record| parse("5-1", record, 1000);
        assert_eq!(stuck("0 0 0 worker-1:7:x"), None, "it runs, and nothing is wrong with it");
        let entry = EntryId { ms: 5, seq: 1 };
        let waits = Some(Duration::from_millis(500));
        assert_eq!(stuck("2 1 1500 -"), Some(Stuck { entry, failures: 2, deaths: 1, waits }));
        assert_eq!(stuck("1 0 900 worker-1:7:x"), Some(Stuck { entry, failures: 1, deaths: 0, waits: None }));
        assert_eq!(stuck("nonsense"), None);
    }
}

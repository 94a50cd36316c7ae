//! One round of the reader: `MULTI, claims, XREADGROUP, EXEC, WATCH fences, MGET fences` in one flush.
//!
//! The WATCH of the round before makes the EXEC fail once any fence moved; the MGET after the WATCH tells, before the next
//! round is sent, whether the fences were still ours when they began to be watched.

use std::collections::HashMap;

use redis::Value;

use super::feed::{Feeds, Phase};
use crate::{
    EntryId, Error, Shard,
    link::Connection,
    reply::{self, Claimed, RawEntry},
};

/// Pending entries that one page claims at most.
const PAGE_MAX: usize = 1000;

/// As long as much is pending, so many entries are claimed at once of few shards, rather than few of all: claimed one by one,
/// an entry costs Redis ten times as much.
const PAGE_MIN: usize = 64;

/// What one flush asks for.
pub(super) struct Round {
    claims: Vec<(Shard, EntryId)>,
    reads: Vec<Shard>,
    /// Entries by claim and by stream.
    count: usize,
}

/// What one flush brought.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) claimed: Vec<(Shard, Claimed)>,
    pub(super) read: Vec<(Shard, Vec<RawEntry>)>,
    /// A fence had moved, so nothing was read.
    pub(super) refused: bool,
    pub(super) group_is_gone: bool,
    /// What the fences hold now, in the order of the feeds.
    pub(super) tokens: Vec<Option<String>>,
}

impl Round {
    /// Spreads `room` over the shards that are claimed or read. Each shard gets its first page at once, so that what little is
    /// pending of a shard waits for no other; who has more takes turns, by `number`, the number of this round.
    pub(super) fn plan(feeds: &Feeds, room: usize, number: usize) -> Self {
        let mut round = Self { claims: Vec::new(), reads: Vec::new(), count: 0 };
        let mut further = Vec::new();
        if room > 0 {
            for feed in feeds.iter() {
                match feed.phase {
                    Phase::Unwatched => {}
                    Phase::Claiming(cursor) if cursor == EntryId::default() => {
                        round.claims.push((feed.tenure.shard(), cursor));
                    }
                    Phase::Claiming(cursor) => further.push((feed.tenure.shard(), cursor)),
                    Phase::Reading => round.reads.push(feed.tenure.shard()),
                }
            }
        }
        if round.claims.is_empty() && !further.is_empty() {
            let at_once = (room / PAGE_MIN).clamp(1, further.len());
            let first = number.wrapping_mul(at_once) % further.len();
            further.rotate_left(first);
            further.truncate(at_once);
            round.claims = further;
        }
        let shares = (round.claims.len() + round.reads.len()).max(1);
        round.count = (room / shares).clamp(1, PAGE_MAX);
        round
    }

    pub(super) fn is_reading(&self) -> bool {
        !self.reads.is_empty() && self.claims.is_empty()
    }

    pub(super) async fn send(
        &self,
        feeds: &Feeds,
        connection: &mut Connection,
        group: &str,
        consumer: &str,
    ) -> Result<Answer, Error> {
        let mut pipe = redis::pipe();
        let has_reads = !self.claims.is_empty() || !self.reads.is_empty();
        if has_reads {
            pipe.cmd("MULTI").ignore();
            for (shard, cursor) in &self.claims {
                let Some(feed) = feeds.get(*shard) else { continue };
                pipe.cmd("XAUTOCLAIM").arg(&feed.stream).arg(group).arg(consumer).arg(0).arg(cursor.to_string());
                pipe.arg("COUNT").arg(self.count).ignore();
            }
            if !self.reads.is_empty() {
                pipe.cmd("XREADGROUP")
                    .arg("GROUP")
                    .arg(group)
                    .arg(consumer)
                    .arg("COUNT")
                    .arg(self.count)
                    .arg("STREAMS");
                for feed in self.reads.iter().filter_map(|shard| feeds.get(*shard)) {
                    pipe.arg(&feed.stream);
                }
                for _ in &self.reads {
                    pipe.arg(">");
                }
                pipe.ignore();
            }
            pipe.cmd("EXEC");
        }
        let fences: Vec<&str> = feeds.iter().map(|feed| feed.fence.as_str()).collect();
        pipe.cmd("WATCH").arg(&fences).ignore().cmd("MGET").arg(&fences);
        pipe.ignore_errors();

        let replies: Vec<Value> = pipe.query_async(connection).await?;
        let mut replies = replies.into_iter();
        let mut answer = Answer::default();
        if has_reads {
            let executed = replies.next().ok_or(Error::Reply { step: "a read" })?;
            self.sort_out(executed, feeds, &mut answer)?;
        }
        let tokens = replies.next().ok_or(Error::Reply { step: "the fences" })?;
        answer.tokens = redis::from_redis_value(tokens).map_err(|_| Error::Reply { step: "the fences" })?;
        Ok(answer)
    }

    fn sort_out(&self, executed: Value, feeds: &Feeds, answer: &mut Answer) -> Result<(), Error> {
        let results = match executed {
            Value::Nil => {
                answer.refused = true;
                return Ok(());
            }
            Value::Array(results) => results,
            Value::ServerError(error) => return Err(redis::RedisError::from(error).into()),
            _ => return Err(Error::Reply { step: "a read" }),
        };
        let mut results = results.into_iter();
        for (shard, _) in &self.claims {
            match results.next().ok_or(Error::Reply { step: "a claim" })? {
                Value::ServerError(error) => answer.note(error)?,
                result => answer.claimed.push((*shard, reply::claimed(result)?)),
            }
        }
        if self.reads.is_empty() {
            return Ok(());
        }
        match results.next().ok_or(Error::Reply { step: "a read" })? {
            Value::ServerError(error) => answer.note(error)?,
            result => {
                let shards: HashMap<&[u8], Shard> = (self.reads.iter())
                    .filter_map(|shard| Some((feeds.get(*shard)?.stream.as_bytes(), *shard)))
                    .collect();
                for (stream, entries) in reply::streams(result)? {
                    let shard = shards.get(stream.as_ref()).ok_or(Error::Reply { step: "a read" })?;
                    answer.read.push((*shard, entries));
                }
            }
        }
        Ok(())
    }
}

impl Answer {
    /// A missing group can be mended; any other refusal is the caller's to handle.
    fn note(&mut self, error: redis::ServerError) -> Result<(), Error> {
        if error.code() == "NOGROUP" {
            self.group_is_gone = true;
            Ok(())
        } else {
            Err(redis::RedisError::from(error).into())
        }
    }
}

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

/// As long as there is much, so many entries are taken at once of few shards, rather than few of all: claimed one by one, an
/// entry costs Redis ten times as much, and settled one by one, twice as much.
pub(super) const PAGE_MIN: usize = 128;

/// What one flush asks for.
#[derive(Default)]
pub(super) struct Round {
    claims: Vec<(Shard, EntryId)>,
    /// Entries by claim.
    page: usize,
    reads: Vec<Read>,
    /// The last shard of those that take turns.
    pub(super) turn: Option<Shard>,
}

/// A read of several streams, and how many entries it takes of each.
struct Read {
    shards: Vec<Shard>,
    count: usize,
}

/// What one flush brought.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) claimed: Vec<(Shard, Claimed)>,
    /// What was asked for and found of each shard that was read.
    pub(super) read: Vec<(Shard, usize, Vec<RawEntry>)>,
    /// A fence had moved, so nothing was read.
    pub(super) refused: bool,
    pub(super) group_is_gone: bool,
    /// What the fences hold now, in the order of the feeds.
    pub(super) tokens: Vec<Option<String>>,
}

impl Round {
    /// Spreads `room` over the shards that are claimed or read. Each shard gets its first page at once, so that what little is
    /// pending of a shard waits for no other; who has more takes turns, those first that come behind `turn`. So it is with reads:
    /// those with much to read take turns, since what is read together is settled together.
    pub(super) fn plan(feeds: &Feeds, room: usize, turn: Option<Shard>) -> Self {
        let mut round = Self { turn, ..Self::default() };
        if room == 0 {
            return round;
        }
        let (mut further, mut shallow, mut deep) = (Vec::new(), Vec::new(), Vec::new());
        for feed in feeds.iter() {
            let shard = feed.tenure.shard();
            match feed.phase {
                Phase::Unwatched => {}
                Phase::Claiming(cursor) if cursor == EntryId::default() => round.claims.push((shard, cursor)),
                Phase::Claiming(cursor) => further.push((shard, cursor)),
                Phase::Reading if feed.is_deep => deep.push(shard),
                Phase::Reading => shallow.push(shard),
            }
        }
        if round.claims.is_empty() && !further.is_empty() {
            round.take_turns(&mut further, |(shard, _)| *shard, room);
            round.claims = further;
        }
        if !round.claims.is_empty() {
            shallow.append(&mut deep);
        }
        let share = room / (round.claims.len() + shallow.len() + deep.len()).max(1);
        round.page = share.clamp(1, PAGE_MAX);
        let left = room - share * (round.claims.len() + shallow.len());
        round.take_turns(&mut deep, |shard| *shard, left);
        let count = left / deep.len().max(1);
        for (shards, count) in [(shallow, share), (deep, count)] {
            if !shards.is_empty() {
                round.reads.push(Read { shards, count: count.max(1) });
            }
        }
        round
    }

    /// Leaves as many as `room` is enough for.
    fn take_turns<T>(&mut self, all: &mut Vec<T>, shard: impl Fn(&T) -> Shard, room: usize) {
        let first = all.iter().position(|one| self.turn.is_none_or(|turn| shard(one) > turn)).unwrap_or(0);
        all.rotate_left(first);
        all.truncate((room / PAGE_MIN).max(1));
        self.turn = all.last().map(shard).or(self.turn);
    }

    /// Nothing is left to claim, and something is read.
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
                pipe.arg("COUNT").arg(self.page).ignore();
            }
            for read in &self.reads {
                pipe.cmd("XREADGROUP").arg("GROUP").arg(group).arg(consumer);
                pipe.arg("COUNT").arg(read.count).arg("STREAMS");
                for feed in read.shards.iter().filter_map(|shard| feeds.get(*shard)) {
                    pipe.arg(&feed.stream);
                }
                for _ in &read.shards {
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
        for read in &self.reads {
            match results.next().ok_or(Error::Reply { step: "a read" })? {
                Value::ServerError(error) => answer.note(error)?,
                result => read.sort_out(result, feeds, answer)?,
            }
        }
        Ok(())
    }
}

impl Read {
    /// Streams without anything new are missing in the reply.
    fn sort_out(&self, result: Value, feeds: &Feeds, answer: &mut Answer) -> Result<(), Error> {
        let mut shards: HashMap<&[u8], Shard> =
            (self.shards.iter()).filter_map(|shard| Some((feeds.get(*shard)?.stream.as_bytes(), *shard))).collect();
        for (stream, entries) in reply::streams(result)? {
            let shard = shards.remove(stream.as_ref()).ok_or(Error::Reply { step: "a read" })?;
            answer.read.push((shard, self.count, entries));
        }
        answer.read.extend(shards.into_values().map(|shard| (shard, self.count, Vec::new())));
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

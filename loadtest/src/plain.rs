//! The rival: a consumer of a group without lanes, leases and fences, as well as it can be written with `redis`. It leaves
//! marks of what is done, as ours does, or none.
//!
//! It acknowledges a batch in the flush that reads the next, reads large batches, parses them as ours does, and trims behind
//! itself; all of that was measured to be the cheapest way. Dying, it loses nothing but order: somebody has to claim.

use std::{sync::LazyLock, time::Duration};

use bus::{EntryId, reply};
use redis::{Pipeline, Script, Value, aio::MultiplexedConnection};
use tokio_util::sync::CancellationToken;

use crate::{
    Result,
    message::{now_us, parse},
    sink::Sink,
};

/// The group that it reads by.
pub(crate) const GROUP: &str = "plain";
const CONSUMER: &str = "plain-1";
/// How long a read waits for something new; after that a stop is seen.
const BLOCK_MS: u64 = 50;
/// Entries after which a stream is trimmed, as ours does.
const TRIM_EVERY: usize = 1000;

static SETTLE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("settle.lua")));
/// As long as ours.
const MARKS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How an entry ends, by the place of its stream.
#[derive(Debug, Clone)]
pub(crate) enum Ending {
    /// It is acknowledged.
    Ack,
    /// It leaves a mark in one of these sets, if it was not done before.
    Marks(Vec<[String; 2]>),
    /// An answer goes to this stream, in one transaction with its acknowledgement.
    Answers(Vec<String>),
}

/// What it reads, and what it does with it.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Streams to read.
    pub(crate) streams: Vec<String>,
    pub(crate) ending: Ending,
    /// Entries that one read takes of each stream.
    pub(crate) count: usize,
}

/// What is left to do for one stream.
#[derive(Default)]
struct Done {
    entries: Vec<reply::RawEntry>,
    since_trim: usize,
}

/// Makes the group on every stream.
pub(crate) async fn make_groups(connection: &mut MultiplexedConnection, streams: &[String]) -> Result<()> {
    for stream in streams {
        let mut create = redis::cmd("XGROUP");
        create.arg("CREATE").arg(stream).arg(GROUP).arg("0").arg("MKSTREAM").exec_async(connection).await?;
    }
    Ok(())
}

/// Reads until `stop`.
pub(crate) async fn consume(
    mut connection: MultiplexedConnection,
    plan: Plan,
    sink: &Sink,
    stop: CancellationToken,
) -> Result<()> {
    let mut done: Vec<Done> = plan.streams.iter().map(|_| Done::default()).collect();
    // A pipeline names a script by its digest.
    SETTLE.load_async(&mut connection).await?;
    loop {
        let mut pipe = redis::pipe();
        for (place, done) in done.iter_mut().enumerate() {
            settle(&mut pipe, &plan, place, done);
        }
        pipe.cmd("XREADGROUP").arg("GROUP").arg(GROUP).arg(CONSUMER).arg("COUNT").arg(plan.count);
        pipe.arg("BLOCK").arg(BLOCK_MS).arg("STREAMS").arg(&plan.streams);
        for _ in &plan.streams {
            pipe.arg(">");
        }
        let (read,): (Value,) = pipe.query_async(&mut connection).await?;
        let read = reply::streams(read)?;
        if read.is_empty() && stop.is_cancelled() {
            return Ok(());
        }
        for (stream, entries) in read {
            entries.iter().for_each(|entry| sink.take(&entry.data));
            let place = plan.streams.iter().position(|name| name.as_bytes() == stream);
            let done =
                place.and_then(|place| done.get_mut(place)).ok_or("an entry of a stream that was not asked for")?;
            done.entries.extend(entries);
        }
    }
}

/// Acknowledges what was handled, with its answers where there are any.
fn settle(pipe: &mut Pipeline, plan: &Plan, place: usize, done: &mut Done) {
    let (Some(stream), Some(last)) = (plan.streams.get(place), done.entries.last().map(|entry| entry.id)) else {
        return;
    };
    let ids = || done.entries.iter().map(|entry| EntryId::to_string(&entry.id));
    match &plan.ending {
        Ending::Ack => {
            pipe.cmd("XACK").arg(stream).arg(GROUP).arg(ids().collect::<Vec<_>>()).ignore();
        }
        Ending::Marks(sets) => {
            let Some([even, odd]) = sets.get(place) else { return };
            let mut script = SETTLE.key(stream);
            script.key(even).key(odd).arg(GROUP).arg(MARKS_KEPT.as_secs()).arg(done.entries.len());
            ids().for_each(|id| _ = script.arg(id));
            let causes = done.entries.iter().filter_map(|entry| Some(parse(&entry.data)?.cause));
            causes.for_each(|cause| _ = script.arg(cause));
            pipe.invoke_script(&script).ignore();
        }
        Ending::Answers(answers) => {
            let Some(answers) = answers.get(place) else { return };
            let now = now_us() / 1000;
            for entry in &done.entries {
                pipe.cmd("MULTI").ignore();
                pipe.cmd("XADD").arg(answers).arg("*").arg("data").arg(entry.data.as_ref()).arg("ts").arg(now);
                pipe.arg("trace_id").arg(entry.trace_id.as_ref()).ignore();
                pipe.cmd("XACK").arg(stream).arg(GROUP).arg(entry.id.to_string()).ignore();
                pipe.cmd("EXEC").ignore();
            }
        }
    }
    done.since_trim += done.entries.len();
    if done.since_trim >= TRIM_EVERY {
        // All before the last one is done, since it takes them in order.
        pipe.cmd("XTRIM").arg(stream).arg("MINID").arg("~").arg(last.to_string()).ignore();
        done.since_trim = 0;
    }
    done.entries.clear();
}

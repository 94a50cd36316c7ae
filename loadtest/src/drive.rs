//! One contender's turn: a backlog that it works off, or messages that it takes while they are appended.

use std::{sync::Arc, time::Instant};

use bus::{Bus, Entry, Names, Producer, Role};
use redis::aio::MultiplexedConnection;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    Result,
    message::{self, Kind, lane, now_us},
    ours::{NoOp, PLATFORM, Running},
    plain::{self, Ending, Plan},
    sink::Sink,
    target::{Target, own_cpu_us},
};

/// Lanes that messages go to.
const LANES: u64 = 256;
/// Messages that may be on their way while they are appended.
const AHEAD: u64 = 4096;
/// Entries that one read takes over all streams, as ours does.
const READ: usize = 256;

/// Who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// [`plain`]; `read`: entries of one read over all streams.
    Plain { settling: Settling, read: usize },
    /// A consumer of the bus, with turns or without.
    Ours { turns: bool },
}

/// What the plain reader does with what it has handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settling {
    Acks,
    Marks,
    Answers,
}

/// Who appends while they are read.
pub(crate) enum Appender {
    Plain(MultiplexedConnection),
    Ours(Producer),
}

impl Appender {
    async fn append(&mut self, entries: &[Entry]) -> Result<()> {
        match self {
            Self::Ours(producer) => _ = producer.append(entries).await?,
            Self::Plain(connection) => {
                let (mut pipe, ts) = (redis::pipe(), now_us() / 1000);
                for entry in entries {
                    pipe.cmd("XADD").arg(&entry.stream).arg("*").arg("data").arg(entry.data.as_ref());
                    pipe.arg("ts").arg(ts).arg("trace_id").arg(&entry.trace_id).ignore();
                }
                pipe.exec_async(connection).await?;
            }
        }
        Ok(())
    }
}

impl Reader {
    /// The plain one as fast as it goes.
    pub(crate) const fn plain(settling: Settling) -> Self {
        Self::Plain { settling, read: READ }
    }

    fn group(self, names: &Names) -> String {
        match self {
            Self::Plain { .. } => plain::GROUP.to_owned(),
            Self::Ours { .. } => names.group(&Role::Inbound),
        }
    }
}

/// A reader at work.
pub(crate) enum Reading {
    Plain(CancellationToken, JoinSet<Result<()>>),
    Ours(Running),
}

impl Reading {
    /// Starts to read what is there and what comes.
    pub(crate) async fn start(target: &Target, bus: &Bus, reader: Reader, sink: &Arc<Sink>) -> Result<Self> {
        match reader {
            Reader::Ours { turns } => {
                Ok(Self::Ours(Running::start(bus.clone(), NoOp { sink: Arc::clone(sink), turns })))
            }
            Reader::Plain { settling, read } => {
                let (names, shards) = (bus.names(), bus.names().shards);
                let of = |role: Role| shards.all().map(|shard| names.stream(&role, shard)).collect::<Vec<_>>();
                let streams = of(Role::Inbound);
                let count = (read / streams.len()).max(1);
                let ending = match settling {
                    Settling::Acks => Ending::Ack,
                    Settling::Marks => {
                        Ending::Marks(shards.all().map(|shard| names.done(&Role::Inbound, shard)).collect())
                    }
                    Settling::Answers => Ending::Answers(of(Role::Outbound(PLATFORM.into()))),
                };
                let mut connection = target.connection().await?;
                plain::make_groups(&mut connection, &streams).await?;
                let (stop, mut task, sink) = (CancellationToken::new(), JoinSet::new(), Arc::clone(sink));
                let (plan, stopped) = (Plan { streams, ending, count }, stop.clone());
                task.spawn(async move { plain::consume(connection, plan, &sink, stopped).await });
                Ok(Self::Plain(stop, task))
            }
        }
    }

    /// Ends it, and tells what went wrong meanwhile.
    pub(crate) async fn stop(self) -> Result<()> {
        match self {
            Self::Ours(running) => running.stop().await,
            Self::Plain(stop, mut task) => {
                stop.cancel();
                while let Some(ended) = task.join_next().await {
                    ended??;
                }
                Ok(())
            }
        }
    }
}

/// What one turn of a contender came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Messages a second.
    pub(crate) rate: f64,
    /// CPU of Redis for one, in microseconds.
    pub(crate) redis_us: f64,
    /// CPU of this process for one, in microseconds.
    pub(crate) own_us: f64,
}

/// Entries `range` as they come one after another over all lanes.
pub(crate) fn entries(names: &Names, range: std::ops::Range<u64>) -> Vec<Entry> {
    range.map(|number| message::entry(names, &lane(number % LANES), number, Kind::Plain)).collect()
}

/// Appends so many before anybody reads.
pub(crate) async fn fill(bus: &Bus, count: u64) -> Result<()> {
    let producer = Producer::new(bus.clone());
    for start in (0..count).step_by(READ) {
        producer.append(&entries(bus.names(), start..count.min(start + READ as u64))).await?;
    }
    Ok(())
}

/// Waits until nothing of a group is pending any more.
pub(crate) async fn settled(target: &Target, names: &Names, group: &str) -> Result<()> {
    let mut connection = target.connection().await?;
    loop {
        let mut pipe = redis::pipe();
        for shard in names.shards.all() {
            pipe.cmd("XPENDING").arg(names.stream(&Role::Inbound, shard)).arg(group);
        }
        let pending: Vec<(u64, redis::Value, redis::Value, redis::Value)> = pipe.query_async(&mut connection).await?;
        if pending.iter().all(|(count, ..)| *count == 0) {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

/// A backlog of `count` is worked off: full load for the reader, and nothing else is measured.
pub(crate) async fn drain(target: &Target, shards: u16, reader: Reader, count: u64) -> Result<Sample> {
    target.empty().await?;
    let bus = target.bus(shards).await?;
    fill(&bus, count).await?;
    let (sink, spent, own) = (Arc::new(Sink::new(false)), target.spent().await?, own_cpu_us());
    let reading = Reading::start(target, &bus, reader, &sink).await?;
    sink.reach(count).await?;
    settled(target, bus.names(), &reader.group(bus.names())).await?;
    // Leases and groups are there by the first message; they are not what is measured.
    let took = sink.began().map_or(f64::NAN, |began| began.elapsed().as_secs_f64());
    let (own, redis) = (own_cpu_us() - own, target.spent().await?.since(spent));
    reading.stop().await?;
    counted(&sink, count)?;
    Ok(Sample { rate: count as f64 / took, redis_us: redis / count as f64, own_us: own / count as f64 })
}

/// Messages are appended, `batch` at a time, while they are read.
pub(crate) async fn cycle(target: &Target, shards: u16, reader: Reader, batch: u64, count: u64) -> Result<Sample> {
    target.empty().await?;
    let bus = target.bus(shards).await?;
    let sink = Arc::new(Sink::new(false));
    let reading = Reading::start(target, &bus, reader, &sink).await?;
    let mut appender = match reader {
        Reader::Plain { .. } => Appender::Plain(target.connection().await?),
        Reader::Ours { .. } => Appender::Ours(Producer::new(bus.clone())),
    };
    // Until every stream is read.
    let warm = LANES;
    appender.append(&entries(bus.names(), 0..warm)).await?;
    sink.reach(warm).await?;
    let (spent, own, began) = (target.spent().await?, own_cpu_us(), Instant::now());
    let total = warm + count;
    for start in (warm..total).step_by(batch as usize) {
        if start > AHEAD {
            sink.reach(start - AHEAD).await?;
        }
        appender.append(&entries(bus.names(), start..total.min(start + batch))).await?;
    }
    sink.reach(total).await?;
    settled(target, bus.names(), &reader.group(bus.names())).await?;
    let took = began.elapsed().as_secs_f64();
    let (own, redis) = (own_cpu_us() - own, target.spent().await?.since(spent));
    reading.stop().await?;
    counted(&sink, total)?;
    Ok(Sample { rate: count as f64 / took, redis_us: redis / count as f64, own_us: own / count as f64 })
}

/// Every message came, and none came twice: without that a rate says nothing.
fn counted(sink: &Sink, count: u64) -> Result<()> {
    if sink.handled() == count { Ok(()) } else { Err(format!("{} of {count} were handled", sink.handled()).into()) }
}

//! What a dead consumer had read and not finished is taken over: what Redis spends on it.

use std::sync::Arc;

use bus::{Names, Role};
use redis::Value;

use crate::{
    Result, Scale,
    drive::{Reader, Reading, fill, settled},
    report::{Report, median},
    sink::Sink,
    target::Target,
};

/// What the goal allows, for 50,000.
const CLAIM_US: f64 = 200_000.0;
const OF: f64 = 50_000.0;

/// One take-over.
struct Sample {
    /// Time in XAUTOCLAIM.
    claim_us: f64,
    calls: f64,
    /// All that the main thread spent until everything was settled.
    redis_us: f64,
    seconds: f64,
}

pub(crate) async fn run(target: &Target, scale: Scale, report: &mut Report) -> Result<()> {
    let mut rows = Vec::new();
    let mut all = Vec::new();
    for (name, turns, count) in
        [("without turns", false, scale.pending), ("with a turn and an action each", true, scale.pending)]
    {
        let mut samples = Vec::new();
        for _ in 0..scale.rounds {
            samples.push(measure(target, turns, count).await?);
        }
        let of = |figure: fn(&Sample) -> f64| median(samples.iter().map(figure));
        rows.push([
            format!("{count} entries {name}"),
            format!("{:.0}", of(|sample| sample.claim_us) / 1000.0),
            format!("{:.0}", samples.iter().map(|sample| sample.claim_us).fold(0.0, f64::max) / 1000.0),
            format!("{:.0}", of(|sample| sample.calls)),
            format!("{:.0}", of(|sample| sample.redis_us) / 1000.0),
            format!("{:.2}", of(|sample| sample.seconds)),
        ]);
        all.push((of(|sample| sample.claim_us) / count as f64 * OF, of(|sample| sample.redis_us)));
    }
    report.table(
        "Everything pending of a dead consumer is taken over and settled",
        ["what", "XAUTOCLAIM ms, median", "worst", "calls", "all of Redis ms", "seconds"],
        rows,
    );
    if let [(plain, spent), (turns, _)] = all[..] {
        report.goal(
            "50,000 pending entries taken over",
            "0.2 s of Redis time",
            format!(
                "{:.0} ms claiming ({:.0} ms where each has a turn), {:.0} ms with settling",
                plain / 1000.0,
                turns / 1000.0,
                spent / 1000.0
            ),
            plain.max(turns) <= CLAIM_US,
        );
    }
    Ok(())
}

async fn measure(target: &Target, turns: bool, count: u64) -> Result<Sample> {
    target.empty().await?;
    let bus = target.bus(16).await?;
    fill(&bus, count).await?;
    die_with_everything(target, bus.names(), count).await?;
    let (calls, claim) = target.command("xautoclaim").await?;
    let (sink, spent) = (Arc::new(Sink::new(false)), target.spent().await?);
    let reading = Reading::start(target, &bus, Reader::Ours { turns }, &sink).await?;
    sink.reach(count).await?;
    settled(target, bus.names(), &bus.names().group(&Role::Inbound)).await?;
    let seconds = sink.began().map_or(f64::NAN, |began| began.elapsed().as_secs_f64());
    let redis_us = target.spent().await?.since(spent);
    let (calls_after, claim_after) = target.command("xautoclaim").await?;
    reading.stop().await?;
    if sink.handled() != count {
        return Err(format!("{} of {count} pending entries were handled", sink.handled()).into());
    }
    Ok(Sample { claim_us: claim_after - claim, calls: calls_after - calls, redis_us, seconds })
}

/// A consumer reads all that there is, and is gone.
async fn die_with_everything(target: &Target, names: &Names, count: u64) -> Result<()> {
    let mut connection = target.connection().await?;
    let group = names.group(&Role::Inbound);
    let mut taken = 0;
    for shard in names.shards.all() {
        let stream = names.stream(&Role::Inbound, shard);
        let mut create = redis::cmd("XGROUP");
        create.arg("CREATE").arg(&stream).arg(&group).arg("0").arg("MKSTREAM").exec_async(&mut connection).await?;
        loop {
            let mut read = redis::cmd("XREADGROUP");
            read.arg("GROUP").arg(&group).arg("dead").arg("COUNT").arg(1000).arg("STREAMS").arg(&stream).arg(">");
            let read: Value = read.query_async(&mut connection).await?;
            let entries: usize = bus::reply::streams(read)?.iter().map(|(_, entries)| entries.len()).sum();
            if entries == 0 {
                break;
            }
            taken += entries as u64;
        }
    }
    if taken == count { Ok(()) } else { Err(format!("{taken} of {count} entries were read").into()) }
}

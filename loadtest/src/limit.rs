//! `limit`: what Redis and its client can do, with nothing between them. R, which everything else is a fraction of.

use crate::{
    Result, Scale,
    drive::{Reader, Sample, Settling, cycle},
    report::{Report, median},
    target::Target,
};

/// Messages of one append and of one read.
const BATCHES: [u64; 3] = [1, 16, 64];

pub(crate) async fn run(target: &Target, scale: Scale, report: &mut Report) -> Result<()> {
    let mut samples: [Vec<Sample>; 3] = Default::default();
    for _ in 0..scale.rounds {
        for (batch, samples) in BATCHES.into_iter().zip(&mut samples) {
            // One at a time is slower by so much.
            let count = if batch == 1 { scale.records / 4 } else { scale.records };
            let reader = Reader::Plain { settling: Settling::Acks, read: batch as usize };
            samples.push(cycle(target, 1, reader, batch, count).await?);
        }
    }
    let rows = BATCHES.iter().zip(&samples).map(|(batch, samples)| {
        let best = samples.iter().map(|sample| sample.rate).fold(0.0, f64::max);
        [
            batch.to_string(),
            format!("{:.0}", median(samples.iter().map(|sample| sample.rate))),
            format!("{best:.0}"),
            format!("{:.1}", median(samples.iter().map(|sample| sample.redis_us))),
            format!("{:.1}", median(samples.iter().map(|sample| sample.own_us))),
        ]
    });
    report.table(
        "Redis alone: XADD, XREADGROUP, XACK of 1 KiB through one stream, producer and consumer in one process",
        ["batch", "messages/s, median", "best", "Redis us", "our us, both sides"],
        rows.collect(),
    );
    Ok(())
}

//! How long a message is on its way at a modest rate: from its append to its handler.

use std::{sync::Arc, time::Duration};

use bus::Producer;

use crate::{
    Result, Scale,
    drive::{Reader, Reading, Settling, entries},
    report::{Report, median, ratio},
    sink::{Latency, Sink},
    target::Target,
};

/// Time between two messages: 500 a second.
const EVERY: Duration = Duration::from_millis(2);
/// Messages before it counts, for which leases are taken and connections made.
const WARM: u64 = 300;

const CONTENDERS: [(&str, u16, Reader); 4] = [
    ("Redis alone, 1 stream, blocked read", 1, Reader::Plain { settling: Settling::Acks, read: 64 }),
    ("unordered, 16 streams, blocked read", 16, Reader::plain(Settling::Acks)),
    ("ours, 16 shards, no turn", 16, Reader::Ours { turns: false }),
    ("ours, 16 shards, to the turn's begin", 16, Reader::Ours { turns: true }),
];

pub(crate) async fn run(target: &Target, scale: Scale, report: &mut Report) -> Result<()> {
    let mut latencies: [Vec<Latency>; CONTENDERS.len()] = Default::default();
    for _ in 0..scale.rounds {
        for ((_, shards, reader), latencies) in CONTENDERS.into_iter().zip(&mut latencies) {
            latencies.push(measure(target, shards, reader, scale.seconds).await?);
        }
    }
    let of = |place: usize, quantile: f64| latencies[place].iter().map(move |latency| latency.quantile(quantile));
    let rows = CONTENDERS.iter().enumerate().map(|(place, (name, ..))| {
        [
            (*name).to_owned(),
            format!("{:.0}", median(of(place, 0.5))),
            format!("{:.2}", ratio(of(place, 0.5), of(0, 0.5))),
            format!("{:.0}", median(of(place, 0.99))),
            format!("{:.2}", ratio(of(place, 0.99), of(0, 0.99))),
        ]
    });
    report.table(
        "500 messages a second, from append to handler",
        ["who", "p50 us", "x", "p99 us", "x"],
        rows.collect(),
    );
    Ok(())
}

async fn measure(target: &Target, shards: u16, reader: Reader, seconds: f64) -> Result<Latency> {
    target.empty().await?;
    let bus = target.bus(shards).await?;
    let producer = Producer::new(bus.clone());
    let sink = Arc::new(Sink::new(true));
    let reading = Reading::start(target, &bus, reader, &sink).await?;
    producer.append(&entries(bus.names(), 0..WARM)).await?;
    sink.reach(WARM).await?;
    sink.restart();
    let mut ticks = tokio::time::interval(EVERY);
    let count = (seconds / EVERY.as_secs_f64()) as u64;
    for number in WARM..WARM + count {
        ticks.tick().await;
        producer.append(&entries(bus.names(), number..number + 1)).await?;
    }
    sink.reach(WARM + count).await?;
    reading.stop().await?;
    Ok(sink.latency())
}

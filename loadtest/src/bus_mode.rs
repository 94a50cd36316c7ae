//! `bus`: one hop through our code beside consumers without order and fencing.

use crate::{
    Result, Scale,
    drive::{Reader, Sample, Settling, cycle, drain},
    report::{Report, median, ratio},
    target::Target,
};

/// What is compared: name, shards, reader, by how many a smaller load is enough.
struct Contender {
    name: &'static str,
    shards: u16,
    reader: Reader,
    samples: Vec<Sample>,
}

impl Contender {
    const fn new(name: &'static str, shards: u16, reader: Reader) -> Self {
        Self { name, shards, reader, samples: Vec::new() }
    }

    fn rates(&self) -> impl Iterator<Item = f64> {
        self.samples.iter().map(|sample| sample.rate)
    }

    fn redis(&self) -> impl Iterator<Item = f64> {
        self.samples.iter().map(|sample| sample.redis_us)
    }

    /// A row of the table, beside the rival.
    fn row(&self, rival: &Self) -> [String; 6] {
        [
            self.name.to_owned(),
            format!("{:.0}", median(self.rates())),
            format!("{:.2}", ratio(self.rates(), rival.rates())),
            format!("{:.1}", median(self.redis())),
            format!("{:.2}", ratio(self.redis(), rival.redis())),
            format!("{:.1}", median(self.samples.iter().map(|sample| sample.own_us))),
        ]
    }
}

const HEAD: [&str; 6] = ["who", "messages/s", "x", "Redis us", "x", "our us"];

fn rows(contenders: &[Contender]) -> Vec<[String; 6]> {
    contenders.iter().map(|contender| contender.row(&contenders[0])).collect()
}

pub(crate) async fn run(target: &Target, scale: Scale, report: &mut Report) -> Result<()> {
    let ours = Reader::Ours { turns: false };
    let mut records = [
        Contender::new("unordered, marks, 16 streams", 16, Reader::plain(Settling::Marks)),
        Contender::new("ours, 16 shards", 16, ours),
        Contender::new("ours, 1 shard", 1, ours),
        Contender::new("unordered, no marks, 16 streams", 16, Reader::plain(Settling::Acks)),
        Contender::new("unordered, no marks, 1 stream", 1, Reader::plain(Settling::Acks)),
    ];
    let mut turns = [
        Contender::new("unordered, MULTI of XADD and XACK each", 16, Reader::plain(Settling::Answers)),
        Contender::new("ours, a turn and a commit each", 16, Reader::Ours { turns: true }),
    ];
    let mut cycles = [
        Contender::new("R: Redis alone, 1 stream", 1, Reader::Plain { settling: Settling::Acks, read: 64 }),
        Contender::new("unordered, no marks, 16 streams", 16, Reader::plain(Settling::Acks)),
        Contender::new("ours, 16 shards", 16, ours),
    ];
    for _ in 0..scale.rounds {
        for contender in &mut records {
            let sample = drain(target, contender.shards, contender.reader, scale.records).await?;
            contender.samples.push(sample);
        }
        for contender in &mut turns {
            contender.samples.push(drain(target, contender.shards, contender.reader, scale.turns).await?);
        }
        for contender in &mut cycles {
            let sample = cycle(target, contender.shards, contender.reader, 64, scale.records).await?;
            contender.samples.push(sample);
        }
    }
    report.table("A backlog of entries that need no turn is worked off", HEAD, rows(&records));
    report.table("A backlog of entries with a turn and one action each is worked off", HEAD, rows(&turns));
    report.table("Appended 64 at a time while they are read; no turns", HEAD, rows(&cycles));

    let [unordered, ordered, ..] = &records;
    let share = ratio(ordered.rates(), unordered.rates());
    report.goal(
        "order and fencing against our own unordered mode, full load, no turns",
        "at most 15 % of throughput",
        format!("{:.0} %; Redis CPU {:.2} x", 100.0 * (1.0 - share), ratio(ordered.redis(), unordered.redis())),
        share >= 0.85,
    );
    Ok(())
}

//! A planned hand-over: a worker stops, another joins, and turns go on meanwhile.

use std::collections::{BTreeMap, HashMap};

use bus::Shard;

use super::{Scene, worker::Began};
use crate::{
    Result, Scale,
    report::{Report, median},
    target::Target,
};

/// What the goal allows.
const GAP_MS: f64 = 50.0;

/// What the workers' words come to.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    /// Between the last turn of one owner and the first of the next, of each shard that moved, in ms.
    gaps: Vec<f64>,
    /// The longest between two turns of one owner, in ms: what the machine does by itself.
    longest_within: f64,
    /// Turns that began more than once.
    repeated: usize,
    /// Turns that began before an earlier one of their lane had.
    overtaken: usize,
}

fn seen(mut told: Vec<Began>, shard: impl Fn(&Began) -> Shard) -> Seen {
    let mut seen = Seen::default();
    told.sort_by_key(|began| began.at_us);
    let mut last: BTreeMap<Shard, &Began> = BTreeMap::new();
    let mut times: HashMap<&str, u32> = HashMap::new();
    let mut newest: HashMap<&str, u64> = HashMap::new();
    for began in &told {
        if let Some(before) = last.insert(shard(began), began) {
            let gap = (began.at_us - before.at_us) as f64 / 1000.0;
            if before.instance == began.instance {
                seen.longest_within = seen.longest_within.max(gap);
            } else {
                seen.gaps.push(gap);
            }
        }
        *times.entry(&began.cause).or_default() += 1;
        let number = began.cause.rsplit(':').next().and_then(|number| number.parse().ok()).unwrap_or(0);
        let newest = newest.entry(&began.lane).or_default();
        seen.overtaken += usize::from(number < *newest);
        *newest = number.max(*newest);
    }
    seen.repeated = times.values().filter(|times| **times > 1).count();
    seen
}

pub(crate) async fn run(target: &Target, scale: Scale, report: &mut Report) -> Result<()> {
    let mut scene = Scene::open(target).await?;
    let mut old = scene.worker()?;
    scene.spread_over(&[&old]).await?;
    scene.begin_traffic();
    for _ in 0..scale.rounds {
        // One joins, which moves half of the shards, and the other stops, which moves its half.
        let new = scene.worker()?;
        scene.spread_over(&[&old, &new]).await?;
        old.terminate()?;
        old.ended().await?;
        scene.spread_over(&[&new]).await?;
        old = new;
    }
    let sent = scene.rest().await?;
    let seen = seen(scene.told(), |began| scene.shard(began));
    let worst = seen.gaps.iter().copied().fold(0.0, f64::max);
    report.table(
        &format!("A worker joins and another stops, {} times, with 1000 turns a second over 16 shards", scale.rounds),
        ["moves of a shard", "gap ms, median", "worst", "longest without a move", "repeated", "overtaken", "of turns"],
        vec![[
            seen.gaps.len().to_string(),
            format!("{:.1}", median(seen.gaps.iter().copied())),
            format!("{worst:.1}"),
            format!("{:.1}", seen.longest_within),
            seen.repeated.to_string(),
            seen.overtaken.to_string(),
            sent.to_string(),
        ]],
    );
    report.goal(
        "planned hand-over of lanes without a running turn",
        "50 ms gap, no turn repeated",
        format!("{worst:.0} ms at most, {} repeated, {} overtaken", seen.repeated, seen.overtaken),
        worst <= GAP_MS && seen.repeated == 0 && seen.overtaken == 0,
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use bus::Shards;

    use super::*;

    #[test]
    fn gaps_are_between_owners() {
        let began = |at_us, cause: &str, instance: &str| Began {
            at_us,
            cause: cause.into(),
            lane: cause.split(':').next().unwrap().into(),
            instance: instance.into(),
        };
        let told = vec![
            began(9_000, "a:3", "two"),
            began(1_000, "a:1", "one"),
            began(4_000, "a:2", "one"),
            began(9_500, "a:2", "two"),
        ];
        let one = Shards::DEFAULT.get(0).unwrap();
        let expected = Seen { gaps: vec![5.0], longest_within: 3.0, repeated: 1, overtaken: 1 };
        assert_eq!(seen(told, |_| one), expected);
    }
}

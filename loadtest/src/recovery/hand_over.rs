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
    /// How long the first message that the next owner runs had waited, of each shard that moved, in ms.
    held_up: Vec<f64>,
    /// The longest that any other had waited: what the machine does by itself.
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
            let waited = began.at_us.saturating_sub(began.sent_us) as f64 / 1000.0;
            if before.instance == began.instance {
                seen.longest_within = seen.longest_within.max(waited);
            } else {
                seen.held_up.push(waited);
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
    let worst = seen.held_up.iter().copied().fold(0.0, f64::max);
    report.table(
        &format!("A worker joins and another stops, {} times, with 1000 turns a second over 16 shards", scale.rounds),
        ["moves of a shard", "held up ms, median", "worst", "worst of the others", "repeated", "overtaken", "of turns"],
        vec![[
            seen.held_up.len().to_string(),
            format!("{:.1}", median(seen.held_up.iter().copied())),
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
    fn the_first_message_of_a_new_owner_was_held_up() {
        let began = |at_us, sent_us, cause: &str, instance: &str| Began {
            at_us,
            sent_us,
            cause: cause.into(),
            lane: cause.split(':').next().unwrap().into(),
            instance: instance.into(),
        };
        let told = vec![
            began(9_000, 4_000, "a:3", "two"),
            began(1_000, 500, "a:1", "one"),
            began(4_000, 1_000, "a:2", "one"),
            began(9_500, 8_500, "a:2", "two"),
        ];
        let one = Shards::DEFAULT.get(0).unwrap();
        let expected = Seen { held_up: vec![5.0], longest_within: 3.0, repeated: 1, overtaken: 1 };
        assert_eq!(seen(told, |_| one), expected);
    }
}

//! SIGKILL of an owner: how long its lanes stand still.

use std::{collections::BTreeMap, time::Duration};

use bus::{LeaseConfig, Role, Shard};

use super::{Scene, worker::Began};
use crate::{
    Result, Scale,
    message::now_us,
    report::{Report, median},
    target::Target,
};

/// What the goal allows beyond the lease.
const MARGIN: Duration = Duration::from_millis(50);

/// One shard of an owner that was killed.
struct Recovered {
    /// From the kill to the shard's next turn, in ms.
    after_ms: f64,
    /// The same, beyond what the lease still had to live when its owner was killed.
    late_ms: f64,
}

pub(crate) async fn run(target: &Target, scale: Scale, report: &mut Report) -> Result<()> {
    let mut scene = Scene::open(target).await?;
    let mut recovered = Vec::new();
    let mut old = scene.worker()?;
    scene.spread_over(&[&old]).await?;
    scene.begin_traffic();
    for _ in 0..scale.rounds {
        let new = scene.worker()?;
        let owners = scene.spread_over(&[&old, &new]).await?;
        let shards: Vec<Shard> =
            owners.into_iter().filter(|(_, owner)| *owner == old.instance).map(|(shard, _)| shard).collect();
        let names = scene.bus.names();
        let mut pipe = redis::pipe();
        for shard in &shards {
            pipe.cmd("PTTL").arg(names.lock(&Role::Inbound, *shard));
        }
        let mut connection = target.connection().await?;
        let asked_us = now_us();
        let remaining: Vec<i64> = pipe.query_async(&mut connection).await?;
        old.kill()?;
        let killed_us = now_us();
        old.ended().await?;
        let by_new = |began: &Began| began.instance == new.instance && began.at_us >= killed_us;
        let first = |shard: Shard| {
            let told = scene.told();
            let turns = told.iter().filter(|began| by_new(began) && scene.shard(began) == shard);
            turns.map(|began| began.at_us).min()
        };
        scene.wait("every shard to run again", || Ok(shards.iter().all(|shard| first(*shard).is_some()))).await?;
        let firsts: BTreeMap<Shard, u64> = shards.iter().filter_map(|shard| Some((*shard, first(*shard)?))).collect();
        for (at_us, remaining) in firsts.values().zip(remaining) {
            let after_ms = (at_us - killed_us) as f64 / 1000.0;
            let late_ms = (*at_us as f64 - asked_us as f64) / 1000.0 - remaining as f64;
            recovered.push(Recovered { after_ms, late_ms });
        }
        old = new;
    }
    let sent = scene.rest().await?;

    let lease_ms = LeaseConfig::default().ttl.as_secs_f64() * 1000.0;
    let worst = recovered.iter().map(|one| one.after_ms).fold(0.0, f64::max);
    let worst_late = recovered.iter().map(|one| one.late_ms).fold(f64::MIN, f64::max);
    report.table(
        &format!("An owner is killed, {} times, with half of the 16 shards and 1000 turns a second", scale.rounds),
        ["what", "median ms", "worst ms"],
        vec![
            [
                "from the kill to a shard's next turn".into(),
                format!("{:.0}", median(recovered.iter().map(|one| one.after_ms))),
                format!("{worst:.0}"),
            ],
            [
                "the same, beyond what its lease had to live when it was killed".into(),
                format!("{:.1}", median(recovered.iter().map(|one| one.late_ms))),
                format!("{worst_late:.1}"),
            ],
        ],
    );
    report.goal(
        "SIGKILL of an owner to its lanes running again",
        &format!("lease + {} ms = {:.0} ms", MARGIN.as_millis(), lease_ms + MARGIN.as_secs_f64() * 1000.0),
        format!(
            "{worst:.0} ms at most, {worst_late:.0} ms beyond the rest of the lease; {} shards, {sent} turns, none lost",
            recovered.len()
        ),
        worst_late <= MARGIN.as_secs_f64() * 1000.0,
    );
    Ok(())
}

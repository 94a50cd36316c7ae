//! `stargazer shards`: who owns what, since when, and what is stuck and why.

use bus::{Stuck, Survey};
use serde_json::{Value, json};
use service::Exit;

use super::{Connected, age, refused, table::table};
use crate::{Refusal, arguments::Look, say};

/// Shows it.
pub(super) async fn shards(arguments: &Look, deployment: &Connected) -> Result<Exit, Refusal> {
    let (mut rows, mut stuck) = (Vec::new(), Vec::new());
    for role in deployment.roles() {
        let members = deployment.bus.members(&role).await.map_err(|error| refused(&error))?;
        let all = deployment.bus.survey(&role).await.map_err(|error| refused(&error))?;
        if arguments.json {
            all.iter().for_each(|found| say::answer(told(found, &members)));
            continue;
        }
        for found in all {
            let reasons = found.stuck.iter().map(|one| format!("{} shard {}: {}", found.role, found.shard, why(one)));
            stuck.extend(reasons);
            rows.push(cells(&found, &members));
        }
    }
    if !arguments.json {
        say::answer(table(&["ROLE", "SHARD", "OWNER", "SINCE", "LEASE", "PENDING", "STUCK"], rows));
        stuck.iter().for_each(say::answer);
    }
    Ok(Exit::Clean)
}

fn owner(found: &Survey) -> String {
    match (&found.owner.instance, found.owner.lease) {
        (Some(instance), Some(_)) if instance != "-" => instance.clone(),
        // It gave the shard up, or fell silent.
        _ => "nobody".into(),
    }
}

fn cells(found: &Survey, members: &[String]) -> [String; 7] {
    let owner = owner(found);
    let is_alive = owner == "nobody" || members.contains(&owner);
    [
        found.role.to_string(),
        found.shard.to_string(),
        if is_alive { owner.clone() } else { format!("{owner} (leaving)") },
        found.owner.since_ms.filter(|_| owner != "nobody").map_or_else(|| "-".into(), |ms| age::short(age::since(ms))),
        found.owner.lease.map_or_else(|| "-".into(), age::short),
        found.lag.pending.to_string(),
        found.stuck.len().to_string(),
    ]
}

fn why(stuck: &Stuck) -> String {
    let Stuck { entry, failures, deaths, waits } = stuck;
    let mut reasons = Vec::new();
    if *failures > 0 {
        reasons.push(format!("failed {}", times(*failures)));
    }
    if *deaths > 0 {
        reasons.push(format!("its owner died {} while it ran", times(*deaths)));
    }
    let now = waits.map_or_else(|| "is tried now".to_owned(), |left| format!("is tried again in {}", age::short(left)));
    format!("entry {entry} {}, {now}", reasons.join(", "))
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn told(found: &Survey, members: &[String]) -> Value {
    let stuck: Vec<Value> = (found.stuck.iter())
        .map(|one| {
            json!({
                "entry": one.entry.to_string(), "failures": one.failures, "deaths": one.deaths,
                "waits_ms": one.waits.map(|left| left.as_millis() as u64),
            })
        })
        .collect();
    json!({
        "role": found.role.to_string(), "shard": found.shard.number(), "owner": owner(found),
        "since_ms": found.owner.since_ms, "lease_ms": found.owner.lease.map(|lease| lease.as_millis() as u64),
        "members": members, "pending": found.lag.pending, "stuck": stuck,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn reasons_are_told_in_words() {
        let stuck =
            Stuck { entry: "5-1".parse().unwrap(), failures: 2, deaths: 0, waits: Some(Duration::from_millis(900)) };
        assert_eq!(why(&stuck), "entry 5-1 failed 2 times, is tried again in 900ms");
        let died = Stuck { failures: 0, deaths: 3, waits: None, ..stuck };
        assert_eq!(why(&died), "entry 5-1 its owner died 3 times while it ran, is tried now");
    }
}

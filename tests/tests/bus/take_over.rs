//! Shards that change hands, by a death or by plan.

use std::{collections::HashMap, sync::Arc};

use bus::{Role, Shards};
use tests::{RedisServer, eventually, until};

use super::{Running, send, start, wait_done};

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_owners_turn_is_run_by_another() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    send(&bus, &["a:1:hang".into(), "a:2".into()]).await;
    let first = start(&bus, "worker-1");
    eventually("the turn began", || async { (!first.script.began.lock().unwrap().is_empty()).then_some(()) }).await;
    first.task.abort();
    let second = start(&bus, "worker-2");
    eventually("it began again", || async { (!second.script.began.lock().unwrap().is_empty()).then_some(()) }).await;
    assert_eq!(second.script.began.lock().unwrap()[0], "a:1:hang");
    second.task.abort();
}

/// What a turn did outside before its owner died is known to the run after it, and goes with its commit.
#[tokio::test(flavor = "multi_thread")]
async fn the_journal_outlives_the_owner_of_a_turn() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    send(&bus, &["a:1:effects".into()]).await;
    let first = start(&bus, "worker-1");
    eventually("the effect was made", || async {
        first.script.done.lock().unwrap().contains_key("the effect").then_some(())
    })
    .await;
    let journal = bus.names().notes(&Role::Inbound, bus.names().shards.of("a"), "a:1:effects");
    // Two calls, and the run that noted last.
    assert_eq!(redis.command(["HGETALL", &journal]).await.list().len(), 6);
    assert_eq!(redis.command(["PTTL", &journal]).await.number(), -1, "it is kept while the turn is unfinished");
    first.task.abort();
    let second = start(&bus, "worker-2");
    wait_done(&second.script, "a", &[1]).await;
    eventually("the journal is gone", || async {
        (redis.command(["EXISTS", &journal]).await.number() == 0).then_some(())
    })
    .await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_gets_its_share_and_nothing_runs_twice() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let first = start(&bus, "worker-1");
    let payloads = |from: u32| -> Vec<String> { (from..from + 400).map(|n| format!("lane{}:{n}", n % 40)).collect() };
    send(&bus, &payloads(0)).await;
    let second = start(&bus, "worker-2");
    eventually("the second works too", || async {
        send(&bus, &payloads(0)).await; // copies, which must not run again
        let fresh: Vec<_> = (0..40).map(|lane| format!("lane{lane}:{}", 1000 + rand())).collect();
        send(&bus, &fresh).await;
        (!second.script.done.lock().unwrap().is_empty()).then_some(())
    })
    .await;
    let scripts = [Arc::clone(&first.script), Arc::clone(&second.script)];
    let times = || {
        let mut times = HashMap::<(String, u32), u32>::new();
        for script in &scripts {
            for (lane, numbers) in script.done.lock().unwrap().iter() {
                numbers.iter().for_each(|number| *times.entry((lane.clone(), *number)).or_default() += 1);
            }
        }
        times
    };
    eventually("everything ran", || async { (times().keys().filter(|(_, n)| *n < 400).count() == 400).then_some(()) })
        .await;
    first.stop().await;
    second.stop().await;
    let doubled: Vec<_> = times().into_iter().filter(|(_, times)| *times > 1).collect();
    assert!(doubled.is_empty(), "ran more than once: {doubled:?}");
}

fn rand() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Lanes that are far behind move to a newcomer and back, with their running turns left to who began them.
#[tokio::test(flavor = "multi_thread")]
async fn lanes_that_are_far_behind_keep_their_order_over_moves() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let first = start(&bus, "worker-1");
    let payloads: Vec<_> = (0..8)
        .flat_map(|lane| (0..150).map(move |n| format!("lane{lane}:{n}{}", if n == 0 { ":wait" } else { "" })))
        .collect();
    send(&bus, &payloads).await;
    eventually("the turns began", || async { (first.script.began.lock().unwrap().len() == 8).then_some(()) }).await;
    let second = start(&bus, "worker-2");
    let owned_by_second = || async {
        let owners = bus.survey(&Role::Inbound).await.unwrap().into_iter().filter_map(|shard| shard.owner.instance);
        owners.filter(|owner| owner == "worker-2").count()
    };
    until("the newcomer has its share", || async { owned_by_second().await > 0 }).await;
    second.stop().await;
    let outbound = |lane: u32| {
        let shard = bus.names().shards.of(&format!("lane{lane}"));
        bus.names().stream(&Role::Outbound("test".into()), shard)
    };
    for lane in 0..8 {
        let expected: Vec<u32> = (0..150).collect();
        eventually("everything was done in order", || async {
            first.script.release.notify_waiters();
            let entries = redis.command(["XRANGE", &outbound(lane), "-", "+"]).await;
            let data = entries.list().iter().map(|entry| entry.list()[1].list()[1].text().to_owned());
            let done: Vec<u32> = data
                .filter_map(|data| data.strip_prefix(&format!("lane{lane}:"))?.split(':').next()?.parse().ok())
                .collect();
            assert!(expected.starts_with(&done), "lane {lane}: {done:?}");
            (done == expected).then_some(())
        })
        .await;
    }
    first.stop().await;
}

/// A planned stop hands the shards over at once: lanes without a running turn go on, and the turn that runs ends where it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_planned_stop_holds_no_lane_up_and_repeats_no_turn() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let first = start(&bus, "worker-1");
    send(&bus, &["a:1:wait".into(), "a:2".into()]).await;
    eventually("the turn began", || async { (!first.script.began.lock().unwrap().is_empty()).then_some(()) }).await;
    let second = start(&bus, "worker-2");
    first.stop.cancel();
    let lanes: Vec<_> = (0..50).map(|n| format!("lane{n}:1")).collect();
    send(&bus, &lanes).await;
    for n in 0..50 {
        let lane = format!("lane{n}");
        eventually("every other lane goes on", || async {
            let is_done = |running: &Running| running.script.done.lock().unwrap().contains_key(&lane);
            (is_done(&first) || is_done(&second)).then_some(())
        })
        .await;
    }
    assert!(first.script.done.lock().unwrap().get("a").is_none(), "its turn still runs");
    first.script.release.notify_one();
    wait_done(&first.script, "a", &[1]).await;
    wait_done(&second.script, "a", &[2]).await;
    first.stop().await;
    second.stop().await;
}

//! Order within lanes, and what joins or skips a turn.

use bus::{Role, Shards};
use tests::{RedisServer, eventually};

use super::{send, start, wait_done};

#[tokio::test(flavor = "multi_thread")]
async fn lanes_keep_their_order() {
    for shards in [1, 16] {
        let redis = RedisServer::new().await;
        let bus = redis.bus(Shards::new(shards).unwrap()).await;
        let payloads: Vec<_> = (0..2000).map(|n| format!("lane{}:{n}", n % 20)).collect();
        send(&bus, &payloads).await;
        let worker = start(&bus, "worker-1");
        for lane in 0..20 {
            let expected: Vec<u32> = (0..2000).filter(|n| n % 20 == lane).collect();
            wait_done(&worker.script, &format!("lane{lane}"), &expected).await;
        }
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_an_event_runs_once() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    send(&bus, &["a:1".into(), "a:1".into(), "a:2".into()]).await;
    let worker = start(&bus, "worker-1");
    wait_done(&worker.script, "a", &[1, 2]).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn controls_reach_the_running_turn_and_end_with_it() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let worker = start(&bus, "worker-1");
    send(&bus, &["a:1:until-control".into(), "a:2".into()]).await;
    eventually("the turn began", || async { (!worker.script.began.lock().unwrap().is_empty()).then_some(()) }).await;
    send(&bus, &["a:3:control".into()]).await;
    wait_done(&worker.script, "a", &[1, 2]).await;
    worker.stop().await;
}

/// A change of a message that waits or runs is part of its turn; one that comes later has a turn of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_joins_its_message_while_that_is_unfinished() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let worker = start(&bus, "worker-1");
    let payloads = ["a:1:wait", "a:2", "a:3:edit-1:wait", "a:4:edit-2", "a:5", "a:6:edit-9"];
    send(&bus, &payloads.map(str::to_owned)).await;
    eventually("the turn began", || async { (!worker.script.began.lock().unwrap().is_empty()).then_some(()) }).await;
    worker.script.release.notify_one();
    wait_done(&worker.script, "a", &[1, 3, 2, 4, 5, 6]).await;
    let began = worker.script.began.lock().unwrap().clone();
    assert_eq!(began, ["a:1:wait", "a:2", "a:5", "a:6:edit-9"]);
    let inbound = bus.names().stream(&Role::Inbound, bus.names().shards.of("a"));
    eventually("all are acked", || async {
        let pending = redis.command(["XPENDING", &inbound, "sg:workers"]).await.list()[0].number();
        (pending == 0).then_some(())
    })
    .await;
    worker.stop().await;
}

/// What needs no turn is settled in batches, in order, once; a turn between them has its place.
#[tokio::test(flavor = "multi_thread")]
async fn entries_without_a_turn_are_settled_in_batches() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::new(1).unwrap()).await;
    let payloads: Vec<_> = (0..1000)
        .map(|n| if n % 100 == 50 { format!("lane{}:{n}", n % 3) } else { format!("lane{}:{n}:quiet", n % 3) })
        .collect();
    send(&bus, &payloads).await;
    send(&bus, &payloads[..100]).await;
    redis.command(["CONFIG", "RESETSTAT"]).await;
    let worker = start(&bus, "worker-1");
    let inbound = bus.names().stream(&Role::Inbound, bus.names().shards.of("a"));
    eventually("all are acked", || async {
        let groups = redis.command(["XINFO", "GROUPS", &inbound]).await;
        let group = groups.list().first()?.list();
        (group[5].number() == 0 && group[11].number() == 0).then_some(())
    })
    .await;
    for lane in 0..3 {
        let history = redis.command(["LRANGE", &format!("sg:history:lane{lane}"), "0", "-1"]).await;
        let remembered: Vec<_> = history.list().iter().map(|one| one.text().to_owned()).collect();
        let of_lane = |payload: &&String| payload.starts_with(&format!("lane{lane}:")) && payload.ends_with("quiet");
        let all: Vec<_> = payloads.iter().filter(of_lane).cloned().collect();
        assert_eq!(remembered, all[all.len() - 100..]);
    }
    let stats = redis.command(["INFO", "commandstats"]).await.text().to_owned();
    let acks = stats.lines().find_map(|line| line.strip_prefix("cmdstat_xack:calls=")?.split(',').next()?.parse().ok());
    assert!(acks.is_some_and(|acks: u32| acks < 200), "1100 entries took {acks:?} acknowledgements");
    worker.stop().await;
}

/// A lane that does not move holds few bodies and no other lane up, however much comes for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_lane_leaves_the_window_to_others() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::new(1).unwrap()).await;
    let worker = start(&bus, "worker-1");
    let behind: Vec<_> = (0..2000).map(|n| if n == 0 { "stuck:0:wait".into() } else { format!("stuck:{n}") }).collect();
    send(&bus, &behind).await;
    send(&bus, &(0..2000).map(|n| format!("lane{}:{n}", n % 10)).collect::<Vec<_>>()).await;
    for lane in 0..10 {
        let expected: Vec<u32> = (0..2000).filter(|n| n % 10 == lane).collect();
        wait_done(&worker.script, &format!("lane{lane}"), &expected).await;
    }
    worker.script.release.notify_one();
    wait_done(&worker.script, "stuck", &(0..2000).collect::<Vec<_>>()).await;
    worker.stop().await;
}

//! A Redis that dies, is emptied, full, or half open.

use std::time::Duration;

use bus::{Bus, BusConfig, Entry, Error, Log, LogBounds, Names, Producer, Queue, Role, Shards};
use tests::{FaultProxy, RedisServer, eventually, until};

use super::{send, start, start_with, wait_done};

#[tokio::test(flavor = "multi_thread")]
async fn redis_killed_and_restarted_costs_no_entry() {
    let mut redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let worker = start(&bus, "worker-1");
    send(&bus, &["a:1".into()]).await;
    wait_done(&worker.script, "a", &[1]).await;
    send(&bus, &["a:2:wait".into(), "a:3".into()]).await;
    eventually("the turn began", || async { (worker.script.began.lock().unwrap().len() == 2).then_some(()) }).await;
    redis.kill();
    worker.script.release.notify_one();
    redis.start().await;
    eventually("an entry is taken", || async {
        Producer::new(bus.clone())
            .append(&[Entry {
                stream: bus.names().stream(&Role::Inbound, bus.names().shards.of("a")),
                data: "a:4".into(),
                trace_id: "t".into(),
            }])
            .await
            .ok()
    })
    .await;
    wait_done(&worker.script, "a", &[1, 2, 3, 4]).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_redis_is_a_state_to_recover_from() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let worker = start(&bus, "worker-1");
    send(&bus, &["a:1".into()]).await;
    wait_done(&worker.script, "a", &[1]).await;
    redis.flush();
    send(&bus, &["a:2".into()]).await;
    wait_done(&worker.script, "a", &[1, 2]).await;
    worker.stop().await;
}

/// Without the group nothing can be settled, and with a full window nothing is read that would tell that it is gone. What comes
/// again then comes in order, whatever the lanes still held.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_deleted_while_the_window_is_full_is_made_again() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::new(1).unwrap()).await;
    // Not the platform that the handler answers to, or it would answer itself.
    let role = Role::Outbound("another".into());
    let worker = start_with(&bus, "gateway-1", |config| {
        config.role = role.clone();
        config.turns_max = 1;
        config.window_entries = 9;
    });
    let stream = bus.names().stream(&role, bus.names().shards.of("a"));
    let entry = |data: String| Entry { stream: stream.clone(), data: data.into(), trace_id: "t".into() };
    let lanes = ["a", "b", "c", "d", "e", "f"];
    let both = lanes.into_iter().flat_map(|lane| [format!("{lane}:1"), format!("{lane}:2")]);
    let entries: Vec<_> = std::iter::once("first:1:wait".to_owned()).chain(both).map(entry).collect();
    Producer::new(bus.clone()).append(&entries).await.unwrap();
    until("the turn began", || async { !worker.script.began.lock().unwrap().is_empty() }).await;
    let deleted = redis.command(["XGROUP", "DESTROY", &stream, &bus.names().group(&role)]).await;
    assert_eq!(deleted.number(), 1);
    until("everything is done", || async {
        // More than once: all of the stream is new to the group that is made.
        worker.script.release.notify_one();
        let done = worker.script.done.lock().unwrap();
        lanes.iter().all(|lane| done.get(*lane).is_some_and(|done| done.last() == Some(&2)))
    })
    .await;
    for lane in lanes {
        let done = worker.script.done.lock().unwrap()[lane].clone();
        assert!(done.is_sorted(), "{lane} was done in the order {done:?}");
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_a_redis_that_is_gone() {
    let mut redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let worker = start(&bus, "worker-1");
    send(&bus, &["a:1".into()]).await;
    wait_done(&worker.script, "a", &[1]).await;
    redis.kill();
    tests::within("the consumer stops", worker.stop()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_number_of_shards_is_refused() {
    let redis = RedisServer::new().await;
    redis.bus(Shards::DEFAULT).await.check_topology().await.unwrap();
    let error = redis.bus(Shards::new(8).unwrap()).await.check_topology().await.unwrap_err();
    assert!(matches!(error, Error::Topology { ref stored, configured: 8, .. } if stored == "16"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bound_of_a_queue_counts_what_is_unfinished() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let worker = start(&bus, "worker-1");
    let log = Log::new(bus.clone(), LogBounds { entries: 100, ttl: Duration::from_secs(60) });
    let shard = bus.names().shards.of("a");
    let key = bus.names().webchat_log(shard, "a");
    let stream = bus.names().stream(&Role::Inbound, shard);
    for number in 1..=12 {
        let queue =
            Queue { stream: stream.clone(), bound: 3, data: format!("a:{number}").into(), trace_id: "t".into() };
        log.append(&key, &format!("id-{number}"), b"x", Some(&queue)).await.unwrap();
        wait_done(&worker.script, "a", &(1..=number).collect::<Vec<_>>()).await;
        eventually("it is acked", || async {
            redis.command(["XPENDING", &stream, "sg:workers"]).await.list()[0].number().eq(&0).then_some(())
        })
        .await;
    }
    worker.stop().await;
}

#[tokio::test]
async fn a_connection_that_is_half_open_is_replaced() {
    let redis = RedisServer::new().await;
    let proxy = FaultProxy::new(redis.socket(), None).await;
    let bus = Bus::connect(BusConfig { url: proxy.url(), names: Names::default() }).await.unwrap();
    bus.ping().await.unwrap();
    proxy.half_open();
    let error = bus.ping().await.unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error}");
    until("redis answers on another connection", || async { bus.ping().await.is_ok() }).await;
}

//! What cannot be run, and what does not belong.

use bus::{Entry, Producer, Role, Shards};
use tests::{RedisServer, eventually};

use super::{send, start, wait_done};

#[tokio::test(flavor = "multi_thread")]
async fn failures_and_panics_are_retried_then_given_up() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let worker = start(&bus, "worker-1");
    send(&bus, &["a:1:fail".into(), "a:2:panic".into(), "a:3".into(), "not readable".into()]).await;
    wait_done(&worker.script, "a", &[2, 3]).await;
    // Given up in one step with the ack and the message to the user.
    for (lane, error, actions) in [("a", "scripted: as told", 3), ("not readable", "undecodable: not lane:number", 0)] {
        let shard = bus.names().shards.of(lane);
        let letters = bus.names().dead_letters(&Role::Inbound, shard);
        let letter = eventually("a dead letter", || async {
            let found = redis.command(["XRANGE", &letters, "-", "+"]).await;
            let fields = found.list().first()?.list()[1].list().to_vec();
            Some(fields.iter().map(|field| field.text().to_owned()).collect::<Vec<_>>())
        })
        .await;
        assert_eq!(letter[4..6], ["error", error], "{letter:?}");
        let outbound = bus.names().stream(&Role::Outbound("test".into()), shard);
        let inbound = bus.names().stream(&Role::Inbound, shard);
        eventually("answers and notice are out, and nothing is pending", || async {
            let out = redis.command(["XLEN", &outbound]).await.number();
            let pending = redis.command(["XPENDING", &inbound, "sg:workers"]).await.list()[0].number();
            (out == actions && pending == 0).then_some(())
        })
        .await;
    }
    worker.stop().await;
}

/// Entries that somebody took by hand ring the doorbell, and are not for us; what comes after them is.
#[tokio::test(flavor = "multi_thread")]
async fn who_reads_from_the_group_by_hand_holds_nobody_up() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::new(1).unwrap()).await;
    let worker = start(&bus, "worker-1");
    send(&bus, &["a:1".into()]).await;
    wait_done(&worker.script, "a", &[1]).await;
    // In one step, so that the worker has no chance.
    let script = "redis.call('XADD', KEYS[1], '*', 'data', 'a:2', 'ts', '1', 'trace_id', 't') \
                  return redis.call('XREADGROUP', 'GROUP', ARGV[1], 'somebody', 'STREAMS', KEYS[1], '>')";
    let stream = bus.names().stream(&Role::Inbound, bus.names().shards.of("a"));
    redis.command(["EVAL", script, "1", &stream, "sg:workers"]).await;
    // A reader that spins never waits at its doorbell.
    eventually("the reader rests", || async {
        redis.command(["INFO", "clients"]).await.text().contains("blocked_clients:1").then_some(())
    })
    .await;
    send(&bus, &["b:3".into()]).await;
    wait_done(&worker.script, "b", &[3]).await;
    worker.stop().await;
}

/// A writer that computes shards wrongly would give a lane two owners and two histories.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_in_another_lanes_shard_is_given_up() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let worker = start(&bus, "worker-1");
    let home = bus.names().shards.of("a");
    let other = bus.names().shards.all().find(|shard| *shard != home).unwrap();
    let entry = Entry { stream: bus.names().stream(&Role::Inbound, other), data: "a:1".into(), trace_id: "t".into() };
    Producer::new(bus.clone()).append(&[entry]).await.unwrap();
    let letters = bus.names().dead_letters(&Role::Inbound, other);
    let error = eventually("a dead letter", || async {
        let found = redis.command(["XRANGE", &letters, "-", "+"]).await;
        Some(found.list().first()?.list()[1].list()[5].text().to_owned())
    })
    .await;
    assert_eq!(error, format!("misrouted: lane a belongs to shard {home}, and the entry was written to shard {other}"));
    send(&bus, &["a:2".into()]).await;
    wait_done(&worker.script, "a", &[2]).await;
    worker.stop().await;
}

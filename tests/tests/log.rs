//! Logs and pub/sub on a real redis-server.

use std::time::Duration;

use bus::{Error, Log, LogBounds, LogEntry, Push, Queue, Recent, Records, Role, Shards};
use tests::{RedisServer, eventually};
use tokio_util::sync::CancellationToken;

/// What one gateway appended and Redis forgot is appended again, but not behind what another gateway has taken since.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_forgotten_does_not_come_behind_what_came_later() {
    let mut redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let bounds = LogBounds { entries: 100, ttl: Duration::from_secs(60) };
    let gateway = || {
        let recent = Recent::new(bus.clone());
        (Log::new(bus.clone(), bounds).with_recent(recent.clone()), recent)
    };
    let ((one, of_one), (other, _)) = (gateway(), gateway());
    of_one.look().await.unwrap();
    let shard = bus.names().shards.of("webchat:c");
    let queue =
        Queue { stream: bus.names().stream(&Role::Inbound, shard), bound: 9, data: "x".into(), trace_id: "t".into() };
    let [quiet, busy] = ["quiet", "busy"].map(|chat| bus.names().webchat_log(shard, chat));
    for key in [&quiet, &busy] {
        for id in ["a", "b"] {
            one.append(key, id, id.as_bytes(), Some(&queue)).await.unwrap();
        }
        redis.command(["DEL", key, &format!("{key}:ids")]).await;
    }
    redis.kill();
    redis.start().await;
    let later = |before: u64| async move {
        while bus::unix_ms() <= before {
            tokio::task::yield_now().await;
        }
    };
    later(bus::unix_ms()).await;
    eventually("another gateway takes what comes later", || async {
        other.append(&busy, "c", b"c", Some(&queue)).await.ok()
    })
    .await;
    let again = eventually("it is looked", || async { of_one.look().await.ok() }).await;
    assert_eq!(again, 2, "of the quiet chat");
    let texts = |entries: Vec<LogEntry>| entries.into_iter().map(|entry| entry.data).collect::<Vec<_>>();
    assert_eq!(texts(one.read(&quiet, 0, 10).await.unwrap()), ["a", "b"]);
    assert_eq!(texts(one.read(&busy, 0, 10).await.unwrap()), ["c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_takes_an_id_once_and_a_full_queue_takes_nothing() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let log = Log::new(bus.clone(), LogBounds { entries: 100, ttl: Duration::from_secs(60) });
    let shard = bus.names().shards.of("webchat:c");
    let key = bus.names().webchat_log(shard, "c");
    let queue =
        Queue { stream: bus.names().stream(&Role::Inbound, shard), bound: 2, data: "x".into(), trace_id: "t".into() };
    for (id, number, is_new) in [("a", 1, true), ("b", 2, true), ("a", 1, false)] {
        let appended = log.append(&key, id, id.as_bytes(), Some(&queue)).await.unwrap();
        assert_eq!((appended.number, appended.is_new), (number, is_new), "{id}");
    }
    assert!(matches!(log.append(&key, "c", b"c", Some(&queue)).await, Err(Error::Full { bound: 2, .. })));
    assert_eq!(log.read(&key, 1, 10).await.unwrap(), [LogEntry { number: 2, data: "b".into() }]);
    assert_eq!(log.newest(&key, 1).await.unwrap()[0].number, 2);
    assert_eq!(log.append_to_existing("sg:webchat:{1}:gone", "a", b"a").await.unwrap(), None);
    log.remove(&key).await.unwrap();
    assert!(log.read(&key, 0, 10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_hear_what_is_announced_and_of_holes() {
    for shards in [1, 16] {
        let mut redis = RedisServer::new().await;
        let bus = redis.bus(Shards::new(shards).unwrap()).await;
        let stop = CancellationToken::new();
        let (subscription, mut pushes, work) = bus.subscribe(stop.clone());
        let task = spawn(work);
        let records = Records::new(bus.clone());
        subscription.add("sg:webchat:{1}:c").await.unwrap();
        records.notify("sg:webchat:{1}:c", b"1 hello").await.unwrap();
        let heard = tests::within("a push", async {
            loop {
                if let Push::Message { channel, payload } = pushes.recv().await.unwrap() {
                    return (channel, payload);
                }
            }
        })
        .await;
        assert_eq!((&*heard.0, heard.1.as_ref()), ("sg:webchat:{1}:c", b"1 hello".as_ref()));
        redis.kill();
        redis.start().await;
        tests::within("the hole is announced", async {
            while !matches!(pushes.recv().await.unwrap(), Push::Away) {}
            while !matches!(pushes.recv().await.unwrap(), Push::Gap) {}
        })
        .await;
        eventually("it hears again", || async { records.notify("sg:webchat:{1}:c", b"2 again").await.ok() }).await;
        tests::within("a push after the hole", async {
            while !matches!(pushes.recv().await.unwrap(), Push::Message { .. }) {}
        })
        .await;
        stop.cancel();
        task.await.unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "the test owns the task and awaits it")]
fn spawn(work: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
    tokio::spawn(work)
}

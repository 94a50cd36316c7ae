//! `durability = "replicated"`: what was answered is on a replica, and where none answers, that is said.

use std::time::Duration;

use bus::{Bus, Durability, Entry, EntryId, Error, Log, LogBounds, Producer, Queue, Role, Shards};
use tests::{RedisServer, Signal, until, within};

/// How long a replica has in these tests.
const TIMEOUT: Duration = Duration::from_secs(1);

async fn replicated(redis: &RedisServer) -> (Bus, String) {
    let bus = redis.bus(Shards::DEFAULT).await.with_durability(Durability::Replicated(TIMEOUT));
    let stream = bus.names().stream(&Role::Inbound, bus.names().shards.of("a"));
    (bus, stream)
}

async fn append(bus: &Bus, stream: &str, data: &'static str) -> Result<EntryId, Error> {
    let entry = Entry { stream: stream.to_owned(), data: data.into(), trace_id: "t".into() };
    Ok(Producer::new(bus.clone()).append(&[entry]).await?.remove(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_appended_is_on_the_replica_when_it_is_answered() {
    let (mut master, replica) = RedisServer::with_replica().await;
    let (bus, stream) = replicated(&master).await;
    for number in 1..=50 {
        append(&bus, &stream, "x").await.unwrap();
        assert_eq!(replica.command(["XLEN", &stream]).await.number(), number);
    }
    // Many at once share their waits.
    let all = (0..100).map(|_| append(&bus, &stream, "x"));
    let all = within("all are answered", futures_util::future::join_all(all)).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(replica.command(["XLEN", &stream]).await.number(), 150);
    // The server dies; the replica that takes over has it all.
    master.kill();
    assert!(matches!(append(&bus, &stream, "x").await, Err(Error::Unreachable(_))));
    replica.command(["REPLICAOF", "NO", "ONE"]).await;
    assert_eq!(replica.command(["XLEN", &stream]).await.number(), 150);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_replica_an_append_is_an_error_and_may_be_repeated() {
    let (master, replica) = RedisServer::with_replica().await;
    let (bus, stream) = replicated(&master).await;
    append(&bus, &stream, "first").await.unwrap();
    replica.signal(Signal::STOP);
    let all = (0..20).map(|_| append(&bus, &stream, "second"));
    let all = within("who waits together is told together", futures_util::future::join_all(all)).await;
    assert!(all.iter().all(|one| matches!(one, Err(Error::Unreplicated { .. }))), "{all:?}");
    let log = Log::new(bus.clone(), LogBounds { entries: 10, ttl: Duration::from_secs(60) });
    let key = bus.names().webchat_log(bus.names().shards.of("a"), "a");
    let queue = Queue { stream: stream.clone(), bound: 1000, data: "third".into(), trace_id: "t".into() };
    let refused = log.append(&key, "id", b"third", Some(&queue)).await;
    assert!(matches!(refused, Err(Error::Unreplicated { .. })), "{refused:?}");
    replica.signal(Signal::CONT);
    until("it is taken again", || async { append(&bus, &stream, "fourth").await.is_ok() }).await;
    let again = log.append(&key, "id", b"third", Some(&queue)).await.unwrap();
    assert!(!again.is_new, "it was done, and only the replica was missing");
    let on_both = [&master, &replica].map(|redis| redis.command(["XLEN", &stream]));
    let [one, other] = on_both;
    assert_eq!(one.await.number(), other.await.number());
}

#[tokio::test(flavor = "multi_thread")]
async fn other_commands_do_not_wait_for_the_replica() {
    let (master, replica) = RedisServer::with_replica().await;
    let bus = master.bus(Shards::DEFAULT).await.with_durability(Durability::Replicated(Duration::from_secs(600)));
    let stream = bus.names().stream(&Role::Inbound, bus.names().shards.of("a"));
    append(&bus, &stream, "first").await.unwrap();
    replica.signal(Signal::STOP);
    tokio::select! {
        biased;
        done = append(&bus, &stream, "second") => panic!("{done:?}"),
        () = async {
            until("it is written", || async { master.command(["XLEN", &stream]).await.number() == 2 }).await;
            within("a ping is answered", bus.ping()).await.unwrap();
        } => {}
    }
    replica.signal(Signal::CONT);
}

//! `durability = "replicated"`: what was answered is on a replica, and where none answers, that is said.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bus::{
    Action, Bus, Commit, Consumer, Durability, Entry, EntryId, Error, Failure, Handler, Log, LogBounds, Outcome,
    Producer, Queue, Role, Route, RouteError, Shards, Turn, Way,
};
use bytes::Bytes;
use tests::{Pair, RedisServer, Signal, consumer_config, until, within};
use tokio_util::sync::CancellationToken;

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

/// Notes that it begins, and answers.
#[derive(Default)]
struct Noting {
    is_noted: AtomicBool,
}

impl Handler for Noting {
    fn route(&self, payload: &Bytes) -> Result<Route, RouteError> {
        let cause = String::from_utf8_lossy(payload).into();
        let lane = if payload.ends_with(b"note") { "another" } else { "a" };
        Ok(Route { lane: lane.into(), cause, way: Way::Turn })
    }

    async fn run(&self, turn: &mut Turn) -> Outcome {
        let payload = turn.facts().payload.clone();
        if payload.ends_with(b"note") {
            if turn.note_once(&[("state", b"sending")]).await.is_err() {
                return Outcome::Wait(Duration::from_millis(10));
            }
            self.is_noted.store(true, Ordering::Relaxed);
        }
        let action = Action { platform: "test".into(), data: payload, trace_id: "t".into() };
        Outcome::Commit(Commit { actions: vec![action], ..Commit::default() })
    }

    fn notice(&self, _: &Bytes, _: &Failure) -> Option<Action> {
        None
    }
}

/// A lane goes on, and a send begins, when a replica has the commit or the note before it.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_and_a_note_wait_for_the_replica() {
    let (master, replica) = RedisServer::with_replica().await;
    let shards = Shards::new(1).unwrap();
    let bus = master.bus(shards).await.with_durability(Durability::Replicated(Duration::from_secs(600)));
    let (noting, stop) = (Arc::new(Noting::default()), CancellationToken::new());
    let config = consumer_config(Role::Inbound, "worker-1");
    let work = Consumer::new(bus.clone(), config, Arc::clone(&noting)).run(stop.clone());
    let shard = bus.names().shards.of("a");
    let [stream, answers, attempts, notes] = [
        bus.names().stream(&Role::Inbound, shard),
        bus.names().stream(&Role::Outbound("test".into()), shard),
        bus.names().attempts(&Role::Inbound, shard),
        bus.names().notes(&Role::Inbound, shard, "note"),
    ];
    let say = |data| master.command(["XADD", stream.as_str(), "*", "data", data, "ts", "1", "trace_id", "t"]);
    let count = |command, key| {
        let asked = master.command([command, key]);
        async { asked.await.number() }
    };
    let test = async {
        replica.signal(Signal::STOP);
        say("first").await;
        say("second").await;
        until("the first is committed", || async { count("XLEN", &answers).await == 1 }).await;
        for _ in 0..50 {
            within("others are answered", bus.ping()).await.unwrap();
        }
        assert_eq!(count("HLEN", &attempts).await, 0, "the second has begun before its time");
        assert_eq!(count("XLEN", &answers).await, 1, "the second has even ended");
        replica.signal(Signal::CONT);
        until("the second is committed", || async { count("XLEN", &answers).await == 2 }).await;

        replica.signal(Signal::STOP);
        say("note").await;
        until("it is noted", || async { count("EXISTS", &notes).await == 1 }).await;
        for _ in 0..50 {
            within("others are answered", bus.ping()).await.unwrap();
        }
        assert!(!noting.is_noted.load(Ordering::Relaxed), "the turn goes on before its time");
        replica.signal(Signal::CONT);
        until("the turn goes on", || async { noting.is_noted.load(Ordering::Relaxed) }).await;
        stop.cancel();
    };
    tokio::join!(work, test);
}

/// The daemons by their setting: what a visitor has seen is on the replica.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_visitor_has_seen_outlives_the_server() {
    let (master, replica) = RedisServer::with_replica().await;
    let mut pair = Pair::on(master, &[("SG_BUS__DURABILITY", "replicated")]).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    visitor.open(&chat).await;
    for _ in 0..5 {
        let id = visitor.say(&chat, "hello").await;
        visitor.answer(&chat, &id).await;
    }
    pair.redis.kill();
    replica.command(["REPLICAOF", "NO", "ONE"]).await;
    let shards = Shards::DEFAULT;
    let lane = format!("webchat:{chat}");
    let bus = replica.bus(shards).await;
    let log = bus.names().webchat_log(shards.of(&lane), &chat);
    assert_eq!(replica.command(["XLEN", &log]).await.number(), 10, "five messages and their answers");
    let history = bus.names().history(&Role::Inbound, shards.of(&lane), &lane);
    assert_eq!(replica.command(["LLEN", &history]).await.number(), 10);
}

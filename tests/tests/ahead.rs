//! What goes ahead of an action's own turn, on a real Redis: notes under the fence, and leave to do something outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

use std::{sync::Arc, time::Duration};

use bus::{
    Action, Ahead, Bus, Commit, Consumer, Earlier, Entry, Error, Failure, Handler, Holding, Holdings, KeptNotes, Notes,
    Outcome, Producer, Role, Route, RouteError, Shards, Turn, Way,
};
use bytes::Bytes;
use tests::{RedisServer, consumer_config, eventually, within};
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;

const KEPT: Duration = Duration::from_secs(100);
const LANE: &str = "test:lane";

/// Notes that its send begins, and ends when it is let.
#[derive(Debug, Default)]
struct Sends {
    found: Mutex<Vec<Notes>>,
    may_end: Notify,
}

impl Handler for Sends {
    fn route(&self, payload: &Bytes) -> Result<Route, RouteError> {
        let cause = String::from_utf8_lossy(payload).into();
        Ok(Route { lane: LANE.into(), cause, way: Way::Turn })
    }

    async fn run(&self, turn: &mut Turn) -> Outcome {
        let notes = turn.note_once(&[("state", b"sending")]).await.unwrap();
        self.found.lock().await.push(notes);
        assert!(matches!(turn.note_of("another", &[("over", b"1")], KEPT).await, Ok(Ahead::Noted(_))));
        self.may_end.notified().await;
        let fields = vec![("state".to_owned(), Bytes::from_static(b"sent"))];
        Outcome::Commit(Commit { notes: Some(KeptNotes { fields, ttl: KEPT }), ..Commit::default() })
    }

    fn notice(&self, _: &Bytes, _: &Failure) -> Option<Action> {
        None
    }
}

struct World {
    redis: RedisServer,
    bus: Bus,
    sends: Arc<Sends>,
    holdings: Holdings,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl World {
    async fn new() -> Self {
        let redis = RedisServer::new().await;
        let bus = redis.bus(Shards::DEFAULT).await;
        let config = consumer_config(role(), "gateway-1");
        let (sends, stop) = (Arc::new(Sends::default()), CancellationToken::new());
        let consumer = Consumer::new(bus.clone(), config, Arc::clone(&sends));
        let holdings = consumer.holdings();
        let task = spawn(consumer.run(stop.clone()));
        Self { redis, bus, sends, holdings, stop, task }
    }

    async fn holding(&self) -> Holding {
        eventually("the shard is held", || async { self.holdings.of(self.bus.names().shards.of(LANE)) }).await
    }

    async fn send(&self, payload: &'static str) {
        let stream = self.bus.names().stream(&role(), self.bus.names().shards.of(LANE));
        let entry = Entry { stream, data: payload.into(), trace_id: "t".into() };
        Producer::new(self.bus.clone()).append(&[entry]).await.unwrap();
    }

    fn record(&self, key: &str) -> String {
        self.bus.names().notes(&role(), self.bus.names().shards.of(LANE), key)
    }

    fn fence(&self) -> String {
        self.bus.names().fence(&role(), self.bus.names().shards.of(LANE))
    }

    async fn ttl(&self, key: &str) -> i64 {
        self.redis.command(["PTTL", &self.record(key)]).await.number()
    }
}

#[expect(clippy::disallowed_methods, reason = "the test owns the task and awaits it")]
fn spawn(work: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
    tokio::spawn(work)
}

fn role() -> Role {
    Role::Outbound("test".into())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_ahead_of_an_action_is_taken_up_by_its_turn() {
    let world = World::new().await;
    let outside = world.holding().await.enter().unwrap();
    assert!(outside.until().is_some_and(|until| until <= tokio::time::Instant::now() + Duration::from_millis(800)));
    let note = async |value: &[u8]| outside.note_once("key", &[("preview", value)], KEPT).await.unwrap();
    assert!(matches!(note(b"1").await, Ahead::Noted(notes) if notes.get("preview").is_none()));
    assert!(matches!(note(b"2").await, Ahead::Noted(notes) if notes.text("preview") == Some("1")));
    assert!(matches!(note(b"3").await, Ahead::Noted(notes) if notes.text("preview") == Some("1")));
    assert!(matches!(outside.note("key", &[("preview", b"4")], KEPT).await, Ok(Ahead::Noted(_))));
    assert!(world.ttl("key").await > 0, "what nobody takes up goes");
    assert_eq!(outside.earlier(None).await.unwrap(), Earlier::Settled, "nothing stands there");

    world.send("key").await;
    let found = eventually("its turn began", || async { world.sends.found.lock().await.first().cloned() }).await;
    assert_eq!(found.text("preview"), Some("4"));
    assert!(!found.had_ended(), "that it would expire did not mean that");
    assert_eq!(world.ttl("key").await, -1, "it is kept while the turn is unfinished");
    assert!(matches!(note(b"5").await, Ahead::Late(notes) if notes.text("state") == Some("sending")));
    let earlier = outside.earlier(None).await.unwrap();
    let Earlier::Unsettled(entry) = earlier else { panic!("{earlier:?}") };
    assert_eq!(outside.earlier(Some(entry)).await.unwrap(), earlier);

    world.sends.may_end.notify_one();
    eventually("it is settled", || async {
        (outside.earlier(Some(entry)).await.unwrap() == Earlier::Settled).then_some(())
    })
    .await;
    let left = world.redis.command(["HGETALL", &world.record("key")]).await;
    assert_eq!(left.list().iter().map(|one| one.text().to_owned()).collect::<Vec<_>>(), ["state", "sent"]);
    // Of another action, which a turn has ended: nothing goes ahead of it any more, and that goes as well.
    assert!(matches!(outside.note_once("another", &[("preview", b"1")], KEPT).await, Ok(Ahead::Late(_))));
    assert!(world.ttl("another").await > 0);

    // What came after that entry is not waited for.
    world.send("next").await;
    eventually("its turn began", || async { (world.sends.found.lock().await.len() == 2).then_some(()) }).await;
    assert_eq!(outside.earlier(Some(entry)).await.unwrap(), Earlier::Settled);
    assert!(matches!(outside.earlier(None).await, Ok(Earlier::Unsettled(other)) if other > entry));
    world.sends.may_end.notify_one();

    world.redis.command(["SET", &world.fence(), "gateway-2:9:x"]).await;
    assert!(matches!(outside.note_once("late", &[("preview", b"1")], KEPT).await, Err(Error::Fenced { .. })));
    assert_eq!(world.redis.command(["EXISTS", &world.record("late")]).await.number(), 0);
    assert_eq!(outside.until(), None);
    drop(outside);
    world.stop.cancel();
    within("it stops", world.task).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_is_handed_over_when_nothing_is_under_way_outside() {
    let world = World::new().await;
    let holding = world.holding().await;
    let outside = holding.enter().unwrap();
    world.stop.cancel();
    eventually("it is being given up", || async { holding.is_over().then_some(()) }).await;
    assert!(holding.enter().is_none(), "nothing more is begun");
    // Other shards are given up at once, this one is not.
    let others = || world.redis.command(["KEYS", "sg:lock:shard:*"]);
    eventually("the others are", || async { (others().await.list().len() == 1).then_some(()) }).await;
    let fence = world.fence();
    let held = world.redis.command(["GET", &fence]).await;
    assert!(held.text().starts_with("gateway-1:"), "{}", held.text());
    assert!(matches!(outside.note_once("key", &[("preview", b"1")], KEPT).await, Ok(Ahead::Noted(_))));
    drop(outside);
    let World { redis, task, .. } = world;
    within("it stops", task).await.unwrap();
    assert!(redis.command(["GET", &fence]).await.text().starts_with("-:"));
}

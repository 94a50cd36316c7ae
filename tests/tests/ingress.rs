//! Events that a platform cannot be asked for again, while Redis goes away and comes back, and while nobody reads them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

use std::time::Duration;

use bus::{Bus, BusConfig, Names, Role, Shards};
use codec::Inbound;
use gateway::ingress::{Bounds, Ingress, Receipt, Refused};
use tests::{FaultProxy, RedisServer, until, within};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const BOUNDS: Bounds = Bounds { entries: 1000, bytes: 1 << 20 };
const DRAIN: Duration = Duration::from_millis(500);

/// An ingress at work.
struct Work {
    ingress: Ingress,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Work {
    fn new(bus: &Bus, stream_bound: u64, bounds: Bounds) -> Self {
        let ingress = Ingress::new(bus.clone(), stream_bound, bounds);
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        tasks.spawn(ingress.clone().run(stop.clone(), DRAIN));
        Self { ingress, stop, tasks }
    }

    fn say(&self, channel: &str, number: usize) -> Result<Receipt, Refused> {
        self.ingress.accept(Inbound {
            channel_key: format!("test:{channel}"),
            platform: "test".into(),
            channel_id: channel.into(),
            user_id: "u".into(),
            message_id: number.to_string(),
            content: format!("number {number}."),
            event_id: Some(format!("test:{channel}:{number}")),
            ..Inbound::default()
        })
    }

    async fn stop(mut self) {
        self.stop.cancel();
        within("the ingress stops", async { while self.tasks.join_next().await.is_some() {} }).await;
    }
}

/// What lies in the stream of a channel, without the copies that follow the first of a cause.
async fn said(bus: &Bus, redis: &RedisServer, channel: &str) -> Vec<String> {
    let shard = bus.names().shards.of(&format!("test:{channel}"));
    let stream = bus.names().stream(&Role::Inbound, shard);
    let mut said: Vec<String> = Vec::new();
    for entry in redis.command(["XRANGE", &stream, "-", "+"]).await.list() {
        let envelope = entry.list()[1].list()[1].text();
        let (_, content) = envelope.split_once("number ").unwrap();
        let content = format!("number {}", content.split('.').next().unwrap());
        if envelope.contains(&format!("test:{channel}:")) && !said.contains(&content) {
            said.push(content);
        }
    }
    said
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| format!("number {number}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_come_while_redis_is_away_are_written_in_order_when_it_is_back() {
    let mut redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let work = Work::new(&bus, 1000, BOUNDS);
    let channels = ["a", "b", "c"];
    let mut receipts = Vec::new();
    for number in 0..20 {
        receipts.extend(channels.map(|channel| work.say(channel, number).unwrap()));
    }
    redis.kill();
    for number in 20..60 {
        receipts.extend(channels.map(|channel| work.say(channel, number).unwrap()));
    }
    until("it says so", || async { work.ingress.fault().is_some_and(|fault| fault.contains("they are kept")) }).await;
    redis.start().await;
    for number in 60..80 {
        receipts.extend(channels.map(|channel| work.say(channel, number).unwrap()));
    }
    for receipt in receipts {
        assert!(within("it is in its stream", receipt.appended()).await);
    }
    assert_eq!(work.ingress.fault(), None);
    for channel in channels {
        assert_eq!(said(&bus, &redis, channel).await, numbers(0..80), "{channel}");
    }
    work.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_answer_is_lost_is_written_again() {
    let redis = RedisServer::new().await;
    let proxy = FaultProxy::new(redis.socket(), None).await;
    let bus = Bus::connect(BusConfig { url: proxy.url(), names: Names::default() }).await.unwrap();
    let work = Work::new(&bus, 1000, BOUNDS);
    assert!(work.say("a", 0).unwrap().appended().await);
    let mut last = None;
    for number in 1..40 {
        if number % 8 == 0 {
            proxy.reset();
        }
        last = Some(work.say("a", number).unwrap());
        tokio::task::yield_now().await;
    }
    assert!(within("the last is in its stream", last.unwrap().appended()).await);
    assert_eq!(said(&bus, &redis, "a").await, numbers(0..40));
    work.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_kept_is_refused_and_the_rest_is_not_forgotten() {
    let mut redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let work = Work::new(&bus, 1000, Bounds { entries: 10, bytes: 1 << 20 });
    redis.kill();
    let mut receipts: Vec<_> = (0..10).map(|number| work.say("a", number).unwrap()).collect();
    let refused = work.say("a", 10).unwrap_err();
    assert!(matches!(refused, Refused::BufferFull), "{refused}");
    assert!(work.ingress.fault().is_some());
    redis.start().await;
    assert!(within("the last is in its stream", receipts.pop().unwrap().appended()).await);
    assert!(within("there is room again", work.say("a", 11).unwrap().appended()).await);
    let expected: Vec<_> = numbers(0..10).into_iter().chain(numbers(11..12)).collect();
    assert_eq!(said(&bus, &redis, "a").await, expected);
    work.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_stream_slows_its_own_events_and_no_others() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let work = Work::new(&bus, 5, Bounds { entries: 10, bytes: 1 << 20 });
    let mut receipts: Vec<_> = (0..5).map(|number| work.say("a", number).unwrap()).collect();
    assert!(within("it has room for five", receipts.pop().unwrap().appended()).await);
    let sixth = work.say("a", 5).unwrap();
    until("it says so", || async { work.ingress.fault().is_some_and(|fault| fault.contains("full")) }).await;
    for number in 6..10 {
        work.say("a", number).unwrap();
    }
    let refused = work.say("a", 10).unwrap_err();
    assert!(matches!(refused, Refused::StreamFull { .. }), "{refused}");
    assert!(within("another stream has room", work.say("b", 0).unwrap().appended()).await);
    // A worker reads and finishes them.
    let stream = bus.names().stream(&Role::Inbound, bus.names().shards.of("test:a"));
    redis.command(["XGROUP", "CREATE", &stream, "sg:workers", "0"]).await;
    until("all were read", || async {
        let read = redis.command(["XREADGROUP", "GROUP", "sg:workers", "w", "STREAMS", &stream, ">"]).await;
        if matches!(read, tests::Reply::Nil) {
            return work.ingress.fault().is_none();
        }
        for entry in read.list()[0].list()[1].list() {
            let id = entry.list()[0].text().to_owned();
            redis.command(["XACK", &stream, "sg:workers", &id]).await;
        }
        false
    })
    .await;
    assert!(within("the sixth is in its stream", sixth.appended()).await);
    assert_eq!(said(&bus, &redis, "a").await, numbers(0..10));
    work.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_writes_what_is_left_and_does_not_wait_for_ever() {
    let mut redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let work = Work::new(&bus, 1000, BOUNDS);
    for number in 0..100 {
        work.say("a", number).unwrap();
    }
    let ingress = work.ingress.clone();
    work.stop().await;
    assert_eq!(said(&bus, &redis, "a").await, numbers(0..100));
    assert!(matches!(ingress.accept(Inbound::default()), Err(Refused::Stopping)));

    let work = Work::new(&bus, 1000, BOUNDS);
    redis.kill();
    let receipt = work.say("a", 100).unwrap();
    work.stop().await;
    assert!(!receipt.appended().await, "nobody says that it was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_redis_forgot_is_appended_again_before_anything_new() {
    let mut redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let work = Work::new(&bus, 1000, BOUNDS);
    for number in 0..5 {
        assert!(within("it is in its stream", work.say("a", number).unwrap().appended()).await);
    }
    let written = redis.written();
    for number in 5..10 {
        assert!(within("it is in its stream", work.say("a", number).unwrap().appended()).await);
    }
    redis.kill();
    redis.forget_after(written);
    let next = work.say("a", 10).unwrap();
    redis.start().await;
    assert!(within("it is in its stream", next.appended()).await);
    assert_eq!(said(&bus, &redis, "a").await, numbers(0..11));
    // Also when nothing new comes.
    redis.kill();
    redis.forget_after(written);
    redis.start().await;
    until("all are there again", || async { said(&bus, &redis, "a").await == numbers(0..11) }).await;
    // A restart that forgets nothing appends nothing again.
    let stream = bus.names().stream(&Role::Inbound, bus.names().shards.of("test:a"));
    let length = redis.command(["XLEN", &stream]).await.number();
    redis.kill();
    redis.start().await;
    assert!(within("it is in its stream", work.say("a", 11).unwrap().appended()).await);
    assert_eq!(redis.command(["XLEN", &stream]).await.number(), length + 1);
    work.stop().await;
}

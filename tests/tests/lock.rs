//! The lock over all processes, on a real redis-server: one holder at a time, in turn, and nobody holds it for ever.

use std::{
    cell::Cell,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bus::{Bus, DistributedLock, LeaseConfig, LockError, Shards};
use tests::{RedisServer, until, within};
use tokio::task::JoinSet;

const LEASE: LeaseConfig = LeaseConfig { ttl: Duration::from_millis(600), renew: Duration::from_millis(150) };
/// Longer than any test waits.
const LONG: Duration = Duration::from_secs(60);

fn lock(bus: &Bus) -> DistributedLock {
    DistributedLock::new(bus.clone(), "import", LEASE)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_at_a_time_whatever_the_crowd() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let (inside, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut crowd = JoinSet::new();
    for _ in 0..8 {
        let (lock, inside, rounds) = (lock(&bus), Arc::clone(&inside), Arc::clone(&rounds));
        crowd.spawn(async move {
            for _ in 0..10 {
                lock.run(LONG, async || {
                    assert!(!inside.swap(true, Ordering::SeqCst), "two are inside");
                    tokio::task::yield_now().await;
                    rounds.fetch_add(1, Ordering::SeqCst);
                    inside.store(false, Ordering::SeqCst);
                })
                .await
                .unwrap();
            }
        });
    }
    within("everybody was inside ten times", crowd.join_all()).await;
    assert_eq!(rounds.load(Ordering::SeqCst), 80);
    for key in ["sg:lock:import", "{sg:lock:import}:queue", "{sg:lock:import}:alive"] {
        assert_eq!(redis.command(["EXISTS", key]).await.number(), 0, "{key} is left");
    }
}

/// Whoever comes first is served first, however eager the others are.
#[tokio::test(flavor = "multi_thread")]
async fn waiters_are_served_in_turn() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let served = Arc::new(Mutex::new(Vec::new()));
    let mut waiters = JoinSet::new();
    lock(&bus)
        .run(LONG, async || {
            for waiter in 0..5 {
                let (lock, served) = (lock(&bus), Arc::clone(&served));
                waiters.spawn(async move {
                    lock.run(LONG, async || served.lock().unwrap().push(waiter)).await.unwrap();
                });
                until("it has its place", || async {
                    redis.command(["ZCARD", "{sg:lock:import}:queue"]).await.number() == i64::from(waiter) + 1
                })
                .await;
            }
        })
        .await
        .unwrap();
    // One that does not wait gets no turn before them.
    let eager = lock(&bus).run(Duration::ZERO, async || ()).await;
    assert!(matches!(eager, Err(LockError::Taken { .. })), "{eager:?}");
    within("all were served", waiters.join_all()).await;
    assert_eq!(*served.lock().unwrap(), [0, 1, 2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_has_an_end() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let wait = Duration::from_millis(100);
    lock(&bus)
        .run(LONG, async || {
            let began = Instant::now();
            let refused = lock(&bus).run(wait, async || ()).await;
            assert!(began.elapsed() >= wait);
            assert!(
                refused.unwrap_err().to_string().starts_with("lock sg:lock:import was not free within 100ms"),
                "it names the lock"
            );
        })
        .await
        .unwrap();
    // Its place is free as well.
    lock(&bus).run(Duration::ZERO, async || ()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn work_longer_than_the_lease_keeps_the_lock() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let renewed = || async { redis.command(["PTTL", "sg:lock:import"]).await.number() };
    lock(&bus)
        .run(LONG, async || {
            for _ in 0..3 {
                until("the lease has run down", || async { renewed().await < 500 }).await;
                until("it is renewed", || async { renewed().await > 500 }).await;
            }
        })
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_dropped_when_the_lock_is_lost() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let began = Cell::new(false);
    let lost = lock(&bus)
        .run(LONG, async || {
            redis.command(["SET", "sg:lock:import", "another"]).await;
            began.set(true);
            std::future::pending::<()>().await;
        })
        .await;
    assert!(matches!(lost, Err(LockError::Lost { .. })), "{lost:?}");
    assert!(began.get());
    assert_eq!(redis.command(["GET", "sg:lock:import"]).await.text(), "another", "the other's lock is not touched");
}

/// Redis is gone: the work ends with the lease, since others may hold the lock from then on.
#[tokio::test(flavor = "multi_thread")]
async fn work_ends_with_its_lease_when_redis_is_gone() {
    let mut redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let lost = lock(&bus)
        .run(LONG, async || {
            redis.kill();
            std::future::pending::<()>().await;
        })
        .await;
    assert!(matches!(lost, Err(LockError::Lost { .. })), "{lost:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_and_a_waiter_that_die_hold_nobody_up() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let mut dead = JoinSet::new();
    for name in ["holder", "waiter"] {
        let lock = lock(&bus);
        dead.spawn(async move { lock.run(LONG, async || std::future::pending::<()>().await).await });
        let key = if name == "holder" { "sg:lock:import" } else { "{sg:lock:import}:queue" };
        until(name, || async { redis.command(["EXISTS", key]).await.number() == 1 }).await;
    }
    dead.shutdown().await;
    within("the next one", lock(&bus).run(LONG, async || ())).await.unwrap();
}

//! A budget that several gateways of one bot share.

use std::time::{Duration, Instant};

use bus::{Budget, Shards};
use gateway::pacing::{Pacer, Rank, SharedBudget, Told, Want};
use tests::{RedisServer, until};

#[tokio::test]
async fn places_are_given_once_and_come_back() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let budget = || Budget::new(bus.clone(), "discord", 10, 0.5);
    assert_eq!(budget().take(4).await.unwrap(), (4, Duration::ZERO));
    // At half a place a second none comes back while this runs, however slow the machine is: two seconds are waited for.
    let (given, _) = budget().take(100).await.unwrap();
    assert!((6..=7).contains(&given), "{given}");
    let (none, pause) = budget().take(1).await.unwrap();
    assert!(none == 0 && pause > Duration::ZERO && pause <= Duration::from_secs(2), "{none} {pause:?}");
    let ttl = redis.command(["PTTL", "sg:budget:discord"]).await.number();
    assert!((1..=21_000).contains(&ttl), "{ttl}: it is forgotten once it is full again");
    assert_eq!(Budget::new(bus.clone(), "other", 10, 0.5).take(1).await.unwrap().0, 1, "another bot");
}

/// However many gateways ask, together they stay within what one may.
#[tokio::test(flavor = "multi_thread")]
async fn gateways_of_one_bot_share_it() {
    const LIMIT: u32 = 50;
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let mut gateways = tokio::task::JoinSet::new();
    let began = Instant::now();
    for number in 0..3 {
        let share = SharedBudget::new(bus.clone(), "discord", LIMIT, Duration::from_secs(1));
        let pacer = Pacer::new(LIMIT, Duration::from_secs(1), Some(std::sync::Arc::new(share)));
        gateways.spawn(async move {
            let mut times = Vec::new();
            for request in 0..30 {
                let major = format!("{number}-{request}");
                let until = tokio::time::Instant::now() + Duration::from_secs(60);
                let want = Want { route: "POST", major: &major, rank: Rank::Final, is_whole: true, until };
                pacer.place(want).await.unwrap().told(&Told::Nothing).await;
                times.push(began.elapsed());
            }
            times
        });
    }
    let mut times: Vec<Duration> = Vec::new();
    while let Some(done) = gateways.join_next().await {
        times.extend(done.unwrap());
    }
    times.sort();
    assert_eq!(times.len(), 90);
    // Ten at once and 32.5 a second: so many cannot have been had sooner.
    assert!(times[89] >= Duration::from_millis(2400), "{:?}", times[89]);
}

#[tokio::test]
async fn what_is_refused_is_counted_in_windows_of_all() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let budget = || Budget::new(bus.clone(), "discord", 10, 0.5);
    let window = Duration::from_secs(600);
    for count in 1..=3 {
        let (all, left) = budget().refused(window).await.unwrap();
        assert!(all == count && left > Duration::from_secs(500) && left <= window, "{all} {left:?}");
    }
    assert_eq!(Budget::new(bus.clone(), "other", 10, 0.5).refused(window).await.unwrap().0, 1, "another bot");
    redis.command(["PEXPIRE", "sg:budget:discord:refused", "1"]).await;
    until("the window is over", async || redis.command(["EXISTS", "sg:budget:discord:refused"]).await.number() == 0)
        .await;
    assert_eq!(budget().refused(window).await.unwrap().0, 1, "it begins anew");
}

#[tokio::test]
async fn what_one_was_told_the_other_knows() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let [one, other] = [(); 2].map(|()| Budget::new(bus.clone(), "discord", 10, 0.1));
    assert_eq!(one.bucket_of("POST messages").await.unwrap(), None);
    one.name("POST messages", "abc").await.unwrap();
    other.name("POST messages", "another").await.unwrap();
    assert_eq!(other.bucket_of("POST messages").await.unwrap().as_deref(), Some("abc"), "the first name stays");
    // A part of it. The longer pause rules, whoever comes first.
    one.close("abc 1", Duration::from_secs(60)).await.unwrap();
    other.close("abc 1", Duration::from_secs(5)).await.unwrap();
    let pause = other.closed("abc 1").await.unwrap();
    assert!(pause > Duration::from_secs(50) && pause <= Duration::from_secs(60), "{pause:?}");
    assert_eq!(other.closed("abc 2").await.unwrap(), Duration::ZERO);
    // What is over takes no room.
    for number in 0..50 {
        one.close(&format!("abc {number}"), Duration::from_millis(1)).await.unwrap();
    }
    until("it is forgotten", || async {
        one.close("abc 1", Duration::from_millis(1)).await.unwrap();
        redis.command(["ZCARD", "sg:budget:discord:closed"]).await.number() == 1
    })
    .await;
    // All of it, whatever there is.
    let fresh = Budget::new(bus, "other", 10, 10.0);
    fresh.shut(Duration::from_secs(60)).await.unwrap();
    fresh.shut(Duration::from_secs(1)).await.unwrap();
    let (given, pause) = fresh.take(5).await.unwrap();
    assert!(given == 0 && pause > Duration::from_secs(50), "{pause:?}");
}

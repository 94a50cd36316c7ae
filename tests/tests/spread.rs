//! What gateways of one bot share in Redis, on a real redis-server: the division of its connections, the turnstile before them, and
//! how far its channels were read.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

use std::{collections::BTreeSet, time::Duration};

use bus::{Division, Shards, Spread, Turnstile, TurnstileRules, Watermarks};
use tests::{RedisServer, until};

const TTL: Duration = Duration::from_secs(1);

/// A member, and what it holds.
struct Member(Spread, Vec<u32>);

impl Member {
    /// Ticks, and does as it is told.
    async fn tick(&mut self, of: u32) -> Division {
        let division = self.0.tick(of, false, &self.1).await.unwrap();
        self.1 = division.held.difference(&division.leave).copied().collect();
        division
    }
}

async fn members(redis: &RedisServer, count: usize) -> Vec<Member> {
    let bus = redis.bus(Shards::DEFAULT).await;
    let member = |number| Member(Spread::new(bus.clone(), "discord", &format!("gateway-{number}"), TTL), Vec::new());
    (0..count).map(member).collect()
}

/// Everything is held, by nobody twice, and nobody has two more than another.
fn is_even(members: &[Member], of: u32) -> bool {
    let all: Vec<u32> = members.iter().flat_map(|member| member.1.iter().copied()).collect();
    let counts: Vec<usize> = members.iter().map(|member| member.1.len()).collect();
    let distinct: BTreeSet<u32> = all.iter().copied().collect();
    assert_eq!(distinct.len(), all.len(), "one is held twice: {all:?}");
    distinct.len() == of as usize && counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1
}

#[tokio::test]
async fn parts_are_spread_evenly_whoever_comes_and_goes() {
    for of in [1, 4, 5, 16] {
        let redis = RedisServer::new().await;
        let mut members = members(&redis, 3).await;
        members[0].tick(of).await;
        assert_eq!(members[0].1.len(), of as usize, "who is alone has all");
        let first = members[0].1.clone();
        for _ in 0..3 {
            for member in &mut members {
                member.tick(of).await;
            }
        }
        assert!(is_even(&members, of), "{:?}", members.iter().map(|member| &member.1).collect::<Vec<_>>());
        assert!(members[0].1.iter().all(|part| first.contains(part)), "what need not move stays");
        let before = members[1].1.clone();
        members[0].0.leave().await.unwrap();
        members.remove(0);
        for member in &mut members {
            member.tick(of).await;
        }
        for member in &mut members {
            member.tick(of).await;
        }
        assert!(is_even(&members, of) && before.iter().all(|part| members[0].1.contains(part)));
    }
}

#[tokio::test]
async fn what_a_silent_member_held_is_free_after_its_lease() {
    let redis = RedisServer::new().await;
    let mut members = members(&redis, 2).await;
    for _ in 0..3 {
        for member in &mut members {
            member.tick(4).await;
        }
    }
    assert!(is_even(&members, 4));
    let silent = members.remove(0);
    let other = tokio::sync::Mutex::new(members.remove(0));
    until("the other has all", || async {
        let mut other = other.lock().await;
        other.tick(4).await;
        other.1.len() == 4
    })
    .await;
    let woken = silent.0.tick(4, false, &silent.1).await.unwrap();
    assert!(woken.held.is_empty(), "what it had is another's: {woken:?}");
}

#[tokio::test]
async fn when_redis_was_away_or_forgot_everybody_keeps_what_they_had() {
    let redis = RedisServer::new().await;
    let mut members = members(&redis, 3).await;
    // The third one stands by.
    for _ in 0..3 {
        for member in &mut members {
            member.tick(2).await;
        }
    }
    let before: Vec<Vec<u32>> = members.iter().map(|member| member.1.clone()).collect();
    assert_eq!(before, [vec![0], vec![1], vec![]]);
    // Nobody was heard for longer than a lease. It is who has nothing that comes first.
    let deadline = |member: usize| {
        let (redis, field) = (&redis, format!("@gateway-{member}"));
        async move { redis.command(["HGET", "sg:lock:connect:discord", &field]).await.text().parse::<u64>().unwrap() }
    };
    let last = deadline(2).await.max(deadline(0).await).max(deadline(1).await);
    until("all leases are over", || async {
        let now = redis.command(["TIME"]).await.list()[0].text().parse::<u64>().unwrap();
        now * 1000 > last
    })
    .await;
    for member in [2, 0, 1] {
        members[member].tick(2).await;
    }
    // Redis forgot, and again that one comes first.
    redis.command(["FLUSHALL"]).await;
    for member in [2, 0, 1, 2] {
        members[member].tick(2).await;
    }
    let after: Vec<Vec<u32>> = members.iter().map(|member| member.1.clone()).collect();
    assert_eq!(after, before);
    // Who does not come back in the time that it was given is counted out.
    let others = tokio::sync::Mutex::new(members.split_off(1));
    until("what it had is taken", || async {
        let mut others = others.lock().await;
        for member in others.iter_mut() {
            member.tick(2).await;
        }
        is_even(&others, 2)
    })
    .await;
}

#[tokio::test]
async fn the_number_of_those_who_are_there_rules_unless_one_insists() {
    let redis = RedisServer::new().await;
    let mut members = members(&redis, 2).await;
    members[0].tick(4).await;
    let told = members[1].tick(5).await;
    assert_eq!((told.of, told.held.len(), told.members), (4, 0, 2));
    let told = members[1].0.tick(5, true, &[]).await.unwrap();
    assert_eq!(told.of, 5);
    assert_eq!(members[0].tick(4).await.of, 5);
    for _ in 0..3 {
        for member in &mut members {
            member.tick(5).await;
        }
    }
    assert!(is_even(&members, 5));
    members[0].0.say("idle").await.unwrap();
    assert_eq!(members[1].tick(5).await.note.as_deref(), Some("idle"));
}

#[tokio::test]
async fn who_passes_again_and_again_waits_longer_each_time() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let rules = TurnstileRules {
        every: Duration::from_millis(50),
        free: 2,
        first_pause: Duration::from_secs(100),
        longest_pause: Duration::from_secs(300),
        calm: Duration::from_secs(1_000),
    };
    let (gate, none) = (Turnstile::new(bus.clone(), "discord", rules), Duration::ZERO);
    let again = |lane, who| {
        let gate = &gate;
        async move { gate.pass(lane, who, none).await.unwrap().is_none() }
    };
    assert!(again(0, 0).await);
    let waits = gate.pass(0, 1, none).await.unwrap();
    assert!(waits.lane > none && waits.lane <= rules.every && waits.own.is_zero(), "{waits:?}");
    assert!(gate.look(1, 2, none).await.unwrap().is_none(), "another lane");
    until("the lane is free", || again(0, 1)).await;
    until("a second time is free", || again(0, 0)).await;
    let waits = gate.look(0, 0, none).await.unwrap();
    assert!(waits.own > Duration::from_secs(90) && waits.own <= rules.first_pause && waits.count == 2, "{waits:?}");
    // All are kept apart where few are left of the day.
    let waits = gate.look(3, 9, Duration::from_secs(60)).await.unwrap();
    assert!(waits.own > Duration::from_secs(50), "{waits:?}");
    // The next pauses, as if the last pass were long ago.
    for (count, pause) in [(3, 200), (4, 300), (40, 300)] {
        let now = redis.command(["TIME"]).await.list()[0].text().to_owned();
        let field = format!("{now}000 {count}");
        redis.command(["HSET", "sg:lock:identify:discord", "w:0", &field]).await;
        let waits = gate.look(5, 0, none).await.unwrap();
        assert!(waits.own > Duration::from_secs(pause - 10) && waits.own <= Duration::from_secs(pause), "{waits:?}");
    }
    redis.command(["HSET", "sg:lock:identify:discord", "w:0", "1000 40"]).await;
    assert!(gate.look(5, 0, none).await.unwrap().is_none(), "who was calm is new");
}

#[tokio::test]
async fn marks_are_only_raised_and_the_highest_are_kept() {
    let redis = RedisServer::new().await;
    let marks = Watermarks::new(redis.bus(Shards::DEFAULT).await, "discord", 3, Duration::from_secs(60));
    let id = |ms: u64| ms << 22;
    marks.raise(&[(1, id(500_000_000_000)), (2, id(400_000_000_000))]).await.unwrap();
    marks.raise(&[(1, id(300_000_000_000)), (3, 7)]).await.unwrap();
    let told = marks.of(&[1, 2, 3, 4]).await.unwrap();
    assert_eq!(told, [Some(id(500_000_000_000)), Some(id(400_000_000_000)), Some(7), None]);
    // Two messages of one millisecond are two.
    marks.raise(&[(1, id(500_000_000_000) + 1)]).await.unwrap();
    assert_eq!(marks.of(&[1]).await.unwrap(), [Some(id(500_000_000_000) + 1)]);
    marks.raise(&[(4, id(450_000_000_000))]).await.unwrap();
    assert_eq!(marks.of(&[3]).await.unwrap(), [None], "the lowest went");
    let highest: Vec<u64> = marks.highest(2).await.unwrap().into_iter().map(|(of, _)| of).collect();
    assert_eq!(highest, [1, 4]);
    assert!(marks.of(&[]).await.unwrap().is_empty());
}

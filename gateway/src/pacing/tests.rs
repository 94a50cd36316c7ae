//! The pacer against a platform that counts: fixed windows by bucket and for the bot as a whole, answers after a while.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use proptest::prelude::*;
use tokio::time::{Instant, sleep};

use super::{
    whole::{Rate, Tokens},
    *,
};

const WINDOW: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(1);

/// A platform that lets so many through in each window.
#[derive(Debug, Default)]
struct Platform {
    limit: u32,
    whole: u32,
    windows: Mutex<HashMap<String, (Instant, u32)>>,
    log: Mutex<Vec<(Rank, Instant)>>,
}

impl Platform {
    fn new(limit: u32, whole: u32) -> Arc<Self> {
        Arc::new(Self { limit, whole, ..Self::default() })
    }

    /// Counts a request in its window; what is left of it, and for how long.
    fn count(&self, bucket: &str, limit: u32, length: Duration) -> Result<(u32, Duration), Duration> {
        let (mut windows, now) = (self.windows.lock().unwrap(), Instant::now());
        let window = windows.entry(bucket.to_owned()).or_insert((now, 0));
        if now >= window.0 + length {
            *window = (now, 0);
        }
        let left = window.0 + length - now;
        if window.1 >= limit {
            return Err(left);
        }
        window.1 += 1;
        Ok((limit - window.1, left))
    }

    async fn ask(&self, rank: Rank, bucket: &str, delay: Duration) -> Told {
        sleep(delay / 2).await;
        let whole = self.count("", self.whole, WHOLE);
        let counted = self.count(bucket, self.limit, WINDOW);
        self.log.lock().unwrap().push((rank, Instant::now()));
        sleep(delay / 2).await;
        match (whole, counted) {
            (Err(pause), _) => Told::LimitedAll(pause),
            (_, Err(pause)) => Told::Limited(pause),
            (_, Ok((remaining, left))) => Told::Budget {
                bucket: Some("b".into()),
                limit: self.limit,
                remaining,
                // The answer was on its way meanwhile.
                reset_after: left.saturating_sub(delay / 2),
            },
        }
    }
}

fn want<'a>(route: &'a str, major: &'a str, rank: Rank) -> Want<'a> {
    Want { route, major, rank, is_whole: true, until: Instant::now() + Duration::from_secs(3600) }
}

/// All gateways of a bot, on one clock.
#[derive(Debug)]
struct Shared {
    tokens: Mutex<Tokens>,
    shut: Mutex<Instant>,
    names: Mutex<HashMap<String, String>>,
    closed: Mutex<HashMap<String, Instant>>,
    refused: Mutex<u32>,
}

impl Shared {
    fn new(whole: u32) -> Arc<Self> {
        let (now, nothing) = (Instant::now(), Mutex::default());
        let tokens = Mutex::new(Tokens::new(Rate::of(whole, WHOLE, 1.0), now));
        Arc::new(Self {
            tokens,
            shut: Mutex::new(now),
            names: nothing,
            closed: Mutex::default(),
            refused: Mutex::default(),
        })
    }
}

#[async_trait]
impl Share for Shared {
    async fn reserve(&self, wanted: u32) -> Result<(u32, Duration), NotShared> {
        sleep(Duration::from_millis(2)).await;
        let (mut tokens, now) = (self.tokens.lock().unwrap(), Instant::now());
        let shut = *self.shut.lock().unwrap() - now;
        if !shut.is_zero() {
            return Ok((0, shut));
        }
        let mut given = 0;
        while given < wanted {
            match tokens.look(0.0, now) {
                Ok(()) => tokens.take(),
                Err(at) => return Ok((given, at - now)),
            }
            given += 1;
        }
        Ok((given, Duration::ZERO))
    }

    async fn shut(&self, pause: Duration) -> Result<(), NotShared> {
        *self.shut.lock().unwrap() = Instant::now() + pause;
        Ok(())
    }

    async fn bucket_of(&self, route: &str) -> Result<Option<String>, NotShared> {
        Ok(self.names.lock().unwrap().get(route).cloned())
    }

    async fn name(&self, route: &str, bucket: &str) -> Result<(), NotShared> {
        self.names.lock().unwrap().insert(route.to_owned(), bucket.to_owned());
        Ok(())
    }

    async fn closed(&self, line: &str) -> Result<Duration, NotShared> {
        let until = self.closed.lock().unwrap().get(line).copied();
        Ok(until.map_or(Duration::ZERO, |until| until - Instant::now()))
    }

    async fn close(&self, line: &str, pause: Duration) -> Result<(), NotShared> {
        self.closed.lock().unwrap().insert(line.to_owned(), Instant::now() + pause);
        Ok(())
    }

    async fn refused(&self, window: Duration) -> Result<(u32, Duration), NotShared> {
        let mut count = self.refused.lock().unwrap();
        *count += 1;
        Ok((*count, window))
    }
}

fn block_on(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(work);
}

#[test]
fn a_final_goes_before_edits_and_edits_leave_it_a_place() {
    block_on(async {
        let (pacer, platform) = (Pacer::new(50, WHOLE, None), Platform::new(5, 50));
        let ask = async |rank| {
            let place = pacer.place(want("PATCH", "1", rank)).await.unwrap();
            place.told(&platform.ask(rank, "1", Duration::from_millis(20)).await).await;
        };
        ask(Rank::Part).await;
        assert_eq!(pacer.cadence("PATCH", "1"), Some(Duration::from_millis(4990) / 4));
        for _ in 0..3 {
            ask(Rank::Edit).await;
        }
        // One place is left, and it is not for an edit.
        assert!(pacer.place_now(want("PATCH", "1", Rank::Edit)).await.is_none());
        let began = Instant::now();
        ask(Rank::Final).await;
        assert!(began.elapsed() < Duration::from_millis(50));
    });
}

#[test]
fn the_most_urgent_goes_first_whoever_came_first() {
    block_on(async {
        // One in each window, so that the order shows.
        let (pacer, platform) = (Pacer::new(50, WHOLE, None), Platform::new(1, 50));
        let ask = async |rank| {
            let place = pacer.place(want("PATCH", "1", rank)).await.unwrap();
            place.told(&platform.ask(rank, "1", Duration::from_millis(20)).await).await;
        };
        ask(Rank::Edit).await;
        tokio::join!(ask(Rank::Typing), ask(Rank::Edit), ask(Rank::File), ask(Rank::Final), ask(Rank::Part));
        let log = platform.log.lock().unwrap();
        let ranks: Vec<_> = log[1..].iter().map(|(rank, _)| *rank).collect();
        assert_eq!(ranks, [Rank::Final, Rank::Part, Rank::File, Rank::Edit, Rank::Typing]);
    });
}

#[test]
fn a_limit_that_nobody_could_know_is_obeyed_by_all_that_it_is_about() {
    block_on(async {
        let pacer = Pacer::new(50, WHOLE, None);
        pacer.place(want("POST", "1", Rank::Final)).await.unwrap().told(&Told::Limited(Duration::from_secs(3))).await;
        let began = Instant::now();
        pacer.place(want("POST", "2", Rank::Final)).await.unwrap().told(&Told::Nothing).await;
        assert_eq!(began.elapsed(), Duration::ZERO, "another channel");
        pacer
            .place(want("POST", "1", Rank::Final))
            .await
            .unwrap()
            .told(&Told::LimitedAll(Duration::from_secs(7)))
            .await;
        assert_eq!(began.elapsed().as_secs(), 3);
        pacer.place(want("POST", "2", Rank::Final)).await.unwrap().told(&Told::Nothing).await;
        assert_eq!(began.elapsed().as_secs(), 10);
        let click = Want { is_whole: false, ..want("CLICK", "3", Rank::Click) };
        pacer.place(click).await.unwrap().told(&Told::LimitedAll(Duration::from_secs(60))).await;
        let late = Want { until: Instant::now() + Duration::from_secs(5), ..want("POST", "2", Rank::Final) };
        assert_eq!(pacer.place(late).await.unwrap_err(), Late);
        assert!(pacer.place(click).await.is_ok(), "a click does not count there");
    });
}

#[test]
fn answers_that_tell_nothing_use_no_place_up_for_good() {
    block_on(async {
        let pacer = Pacer::new(50, WHOLE, None);
        let told = Told::Budget { bucket: Some("b".into()), limit: 1, remaining: 0, reset_after: WINDOW };
        pacer.place(want("POST", "1", Rank::Final)).await.unwrap().told(&told).await;
        for told in [Told::Nothing, Told::Unknown, Told::LimitedAll(WINDOW), Told::Nothing] {
            let began = Instant::now();
            pacer.place(want("POST", "1", Rank::Final)).await.unwrap().told(&told).await;
            assert!(began.elapsed() < WINDOW * 3, "{told:?}");
        }
    });
}

#[test]
fn a_place_that_was_dropped_is_used_by_the_next_one() {
    block_on(async {
        let pacer = Pacer::new(50, WHOLE, None);
        let told = |remaining| Told::Budget {
            bucket: Some("b".into()),
            limit: 1,
            remaining,
            reset_after: Duration::from_secs(5),
        };
        pacer.place(want("POST", "1", Rank::Final)).await.unwrap().told(&told(0)).await;
        let began = Instant::now();
        {
            let first = pacer.place(want("POST", "1", Rank::Final));
            let gone = tokio::time::timeout(Duration::from_secs(1), first).await;
            assert!(gone.is_err(), "it gave up while it waited");
        }
        let place = pacer.place(want("PUT", "1", Rank::Part)).await.unwrap();
        drop(place);
        assert_eq!(began.elapsed().as_secs(), 1, "another route, whose bucket is not known yet");
        pacer.place(want("POST", "1", Rank::Part)).await.unwrap().told(&told(0)).await;
        assert_eq!(began.elapsed().as_secs(), 5);
    });
}

#[test]
fn what_one_gateway_was_told_another_one_knows() {
    block_on(async {
        let share = Shared::new(50);
        let [one, other] = [(); 2].map(|()| Pacer::new(50, WHOLE, Some(Arc::clone(&share) as Arc<dyn Share>)));
        let told = |remaining| Told::Budget { bucket: Some("b".into()), limit: 5, remaining, reset_after: WINDOW };
        one.place(want("PATCH", "2", Rank::Final)).await.unwrap().told(&told(4)).await;
        one.place(want("POST", "1", Rank::Final)).await.unwrap().told(&told(0)).await;
        // The channel goes on at the other one, which has not asked for anything before.
        let began = Instant::now();
        assert!(other.place_now(want("PATCH", "1", Rank::Edit)).await.is_none());
        other.place(want("PATCH", "2", Rank::Final)).await.unwrap().told(&told(3)).await;
        assert!(began.elapsed() < WHOLE, "another channel");
        other.place(want("PATCH", "1", Rank::Final)).await.unwrap().told(&told(4)).await;
        assert_eq!(began.elapsed().as_secs(), WINDOW.as_secs());
        // The bot as a whole.
        let began = Instant::now();
        one.place(want("POST", "3", Rank::Final)).await.unwrap().told(&Told::LimitedAll(WINDOW)).await;
        assert!(other.place_now(want("POST", "4", Rank::Edit)).await.is_none());
        other.place(want("POST", "4", Rank::Final)).await.unwrap().told(&told(4)).await;
        assert_eq!(began.elapsed().as_secs(), WINDOW.as_secs());
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// However requests come, no limit is met once it can be known, everything goes in the end, and what is urgent waits for
    /// nothing that passes.
    #[test]
    fn no_limit_is_met(
        limit in 1..8_u32,
        whole in 5..60_u32,
        gateways in 1..4_usize,
        moves in proptest::bool::ANY,
        requests in proptest::collection::vec((0..4_usize, 0..7_usize, 0..400_u64, 1..300_u64), 1..120),
    ) {
        block_on(async {
            let platform = Platform::new(limit, whole);
            let share = Shared::new(whole);
            let shared = (gateways > 1).then(|| Arc::clone(&share) as Arc<dyn Share>);
            let lanes: [_; 4] = std::array::from_fn(|_| Arc::new(tokio::sync::Mutex::new(())));
            let pacers: Vec<_> = (0..gateways).map(|_| Pacer::new(whole, WHOLE, shared.clone())).collect();
            // Which bucket a route has is known from its first use.
            for (pacer, route) in pacers.iter().flat_map(|pacer| [(pacer, "POST"), (pacer, "PATCH")]) {
                let place = pacer.place(want(route, "first", Rank::Final)).await.unwrap();
                let told = platform.ask(Rank::Final, &format!("first {route}"), Duration::ZERO).await;
                place.told(&told).await;
                sleep(WINDOW).await;
            }
            platform.log.lock().unwrap().clear();
            let mut tasks = tokio::task::JoinSet::new();
            for (channel, rank, at, delay) in requests.clone() {
                // A channel is one gateway's, and then perhaps another's, which goes on where the one before has ended.
                let turn = if moves { at / 50 } else { 0 } as usize;
                let (pacer, platform) = (pacers[(channel + turn) % gateways].clone(), Arc::clone(&platform));
                let lane = moves.then(|| Arc::clone(&lanes[channel]));
                tasks.spawn(async move {
                    sleep(Duration::from_millis(at * 5)).await;
                    let lane = lane.map(tokio::sync::Mutex::lock_owned);
                    let _lane = match lane {
                        Some(lane) => Some(lane.await),
                        None => None,
                    };
                    let (channel, rank) = (channel.to_string(), Rank::ALL[rank]);
                    let route = if rank.is_passing() { "PATCH" } else { "POST" };
                    let place = pacer.place(want(route, &channel, rank)).await.unwrap();
                    let told = platform.ask(rank, &channel, Duration::from_millis(delay)).await;
                    let is_limited = matches!(told, Told::Limited(_) | Told::LimitedAll(_));
                    place.told(&told).await;
                    is_limited
                });
            }
            let mut limited = 0;
            while let Some(done) = tasks.join_next().await {
                limited += usize::from(done.unwrap());
            }
            assert_eq!(platform.log.lock().unwrap().len(), requests.len());
            assert_eq!(limited, 0, "a limit was met");
        });
    }
}

/// Whether a request may go within a second.
async fn goes(pacer: &Pacer) -> bool {
    let until = Instant::now() + Duration::from_secs(1);
    pacer.place(Want { until, ..want("r", "1", Rank::Final) }).await.is_ok()
}

#[test]
fn who_is_refused_too_often_asks_for_nothing_until_the_window_is_over() {
    block_on(async {
        let pacer = Pacer::new(50, WHOLE, None).with_refusals(10, Duration::from_secs(600));
        for _ in 0..9 {
            pacer.refused().await;
        }
        sleep(Duration::from_secs(500)).await;
        assert!(goes(&pacer).await, "not yet");
        pacer.refused().await;
        assert!(!goes(&pacer).await);
        sleep(Duration::from_secs(101)).await;
        assert!(goes(&pacer).await, "the window is over");
        pacer.refused().await;
        assert!(goes(&pacer).await, "and counts anew");
    });
}

#[test]
fn refusals_of_all_gateways_count_together() {
    block_on(async {
        let share = Shared::new(50);
        let pacer = |()| {
            let share = Some(Arc::clone(&share) as Arc<dyn Share>);
            Pacer::new(50, WHOLE, share).with_refusals(10, Duration::from_secs(600))
        };
        let [one, other] = [(); 2].map(pacer);
        for _ in 0..5 {
            one.refused().await;
            other.refused().await;
        }
        assert!(!goes(&one).await);
        assert!(!goes(&other).await);
    });
}

//! The bus on a real redis-server: order, take-over, retries, dead letters, logs and previews.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so at once, and one panic is a case"
)]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bus::{
    Action, Bus, BusConfig, Commit, Consumer, ConsumerConfig, Effect, Entry, Error, Failure, Handler, HistoryWrite,
    LeaseConfig, Log, LogBounds, Names, Outcome, Producer, Queue, Role, Route, RouteError, Shards, Turn, Way,
};
use bytes::Bytes;
use tests::{FaultProxy, RedisServer, eventually, until};
use tokio_util::sync::CancellationToken;

/// What a scripted handler does with a payload `lane:number[:command]`.
#[derive(Default)]
struct Script {
    /// Payloads in the order in which their turns ended well, by lane.
    done: Mutex<HashMap<String, Vec<u32>>>,
    /// Payloads in the order in which turns began.
    began: Mutex<Vec<String>>,
    release: tokio::sync::Notify,
}

fn parts(payload: &Bytes) -> Option<(String, u32, String)> {
    let text = std::str::from_utf8(payload).ok()?;
    let mut parts = text.splitn(3, ':');
    Some((parts.next()?.to_owned(), parts.next()?.parse().ok()?, parts.next().unwrap_or_default().to_owned()))
}

impl Handler for Script {
    fn route(&self, payload: &Bytes) -> Result<Route, RouteError> {
        let (lane, _, command) = parts(payload).ok_or_else(|| RouteError("not lane:number".into()))?;
        let way = match command.as_str() {
            "control" => Way::Control,
            "quiet" => Way::Record,
            _ => command.strip_prefix("edit-").map_or(Way::Turn, |of| Way::Change(format!("{lane}:{of}").into())),
        };
        Ok(Route { lane: lane.into(), cause: String::from_utf8_lossy(payload).into(), way })
    }

    fn record(&self, payload: &Bytes) -> Result<Option<HistoryWrite>, RouteError> {
        let push = vec![payload.clone()];
        Ok(Some(HistoryWrite { clear: false, drop_newest: 0, push, keep: 100, ttl: Duration::from_secs(60) }))
    }

    async fn run(&self, turn: &mut Turn) -> Outcome {
        let payload = turn.facts().payload.clone();
        let (lane, number, command) = parts(&payload).unwrap();
        self.began.lock().unwrap().push(String::from_utf8_lossy(&payload).into_owned());
        match command.as_str() {
            "hang" => std::future::pending().await,
            "wait" => self.release.notified().await,
            "effects" => {
                // One that was made before, one that was begun, one that is new: in the run after the owner's death.
                let known = [turn.begin_effect(1).await.unwrap(), turn.begin_effect(2).await.unwrap()];
                if known == [Effect::New, Effect::New] {
                    turn.end_effect(1, b"result").await.unwrap();
                    self.done.lock().unwrap().insert("the effect".into(), vec![]);
                    std::future::pending::<()>().await;
                }
                assert_eq!(known, [Effect::Done("result".into()), Effect::Begun]);
                assert_eq!(turn.begin_effect(3).await.unwrap(), Effect::New);
            }
            "until-control" => drop(turn.control().await),
            "fail" => return Outcome::Retry(Failure { code: "scripted", error: "as told".into() }),
            "panic" if turn.facts().attempt.failures == 0 => panic!("as told"),
            _ => {}
        }
        let mut done = vec![number];
        while let Some(control) = turn.waiting_control() {
            done.extend(parts(&control.payload).map(|(_, number, _)| number));
        }
        self.done.lock().unwrap().entry(lane).or_default().extend(done);
        let action = Action { platform: "test".into(), data: payload, trace_id: turn.facts().trace_id.clone() };
        Outcome::Commit(Commit { actions: vec![action], ..Commit::default() })
    }

    fn notice(&self, payload: &Bytes, _: &Failure) -> Option<Action> {
        Some(Action { platform: "test".into(), data: payload.clone(), trace_id: "notice".into() })
    }
}

struct Running {
    script: Arc<Script>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

fn start(bus: &Bus, instance: &str) -> Running {
    let (script, stop) = (Arc::new(Script::default()), CancellationToken::new());
    let config = ConsumerConfig {
        role: Role::Inbound,
        instance: instance.into(),
        lease: LeaseConfig { ttl: Duration::from_millis(800), renew: Duration::from_millis(200) },
        turns_max: 64,
        window_entries: 512,
        window_bytes: 1 << 20,
        failures_max: 2,
        deaths_max: 10,
        drain: Duration::from_secs(5),
        stuck_after: Duration::from_secs(600),
    };
    let consumer = Consumer::new(bus.clone(), config, Arc::clone(&script));
    let stopped = stop.clone();
    let task = spawn(consumer.run(stopped));
    Running { script, stop, task }
}

#[expect(clippy::disallowed_methods, reason = "the test owns the task and awaits it")]
fn spawn(work: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
    tokio::spawn(work)
}

async fn send(bus: &Bus, payloads: &[String]) {
    let entry = |payload: &String| {
        let lane = payload.split(':').next().unwrap();
        let stream = bus.names().stream(&Role::Inbound, bus.names().shards.of(lane));
        Entry { stream, data: payload.clone().into(), trace_id: "t".into() }
    };
    let entries: Vec<_> = payloads.iter().map(entry).collect();
    Producer::new(bus.clone()).append(&entries).await.unwrap();
}

async fn wait_done(script: &Script, lane: &str, numbers: &[u32]) {
    eventually(&format!("lane {lane} is done"), || async {
        (script.done.lock().unwrap().get(lane).map(Vec::as_slice) == Some(numbers)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_keep_their_order() {
    for shards in [1, 16] {
        let redis = RedisServer::new().await;
        let bus = redis.bus(Shards::new(shards).unwrap()).await;
        let payloads: Vec<_> = (0..2000).map(|n| format!("lane{}:{n}", n % 20)).collect();
        send(&bus, &payloads).await;
        let worker = start(&bus, "worker-1");
        for lane in 0..20 {
            let expected: Vec<u32> = (0..2000).filter(|n| n % 20 == lane).collect();
            wait_done(&worker.script, &format!("lane{lane}"), &expected).await;
        }
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_an_event_runs_once() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    send(&bus, &["a:1".into(), "a:1".into(), "a:2".into()]).await;
    let worker = start(&bus, "worker-1");
    wait_done(&worker.script, "a", &[1, 2]).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_owners_turn_is_run_by_another() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    send(&bus, &["a:1:hang".into(), "a:2".into()]).await;
    let first = start(&bus, "worker-1");
    eventually("the turn began", || async { (!first.script.began.lock().unwrap().is_empty()).then_some(()) }).await;
    first.task.abort();
    let second = start(&bus, "worker-2");
    eventually("it began again", || async { (!second.script.began.lock().unwrap().is_empty()).then_some(()) }).await;
    assert_eq!(second.script.began.lock().unwrap()[0], "a:1:hang");
    second.task.abort();
}

/// What a turn did outside before its owner died is known to the run after it, and goes with its commit.
#[tokio::test(flavor = "multi_thread")]
async fn the_journal_outlives_the_owner_of_a_turn() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    send(&bus, &["a:1:effects".into()]).await;
    let first = start(&bus, "worker-1");
    eventually("the effect was made", || async {
        first.script.done.lock().unwrap().contains_key("the effect").then_some(())
    })
    .await;
    let journal = bus.names().notes(&Role::Inbound, bus.names().shards.of("a"), "a:1:effects");
    assert_eq!(redis.command(["HGETALL", &journal]).await.list().len(), 4);
    assert_eq!(redis.command(["PTTL", &journal]).await.number(), -1, "it is kept while the turn is unfinished");
    first.task.abort();
    let second = start(&bus, "worker-2");
    wait_done(&second.script, "a", &[1]).await;
    eventually("the journal is gone", || async {
        (redis.command(["EXISTS", &journal]).await.number() == 0).then_some(())
    })
    .await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_gets_its_share_and_nothing_runs_twice() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let first = start(&bus, "worker-1");
    let payloads = |from: u32| -> Vec<String> { (from..from + 400).map(|n| format!("lane{}:{n}", n % 40)).collect() };
    send(&bus, &payloads(0)).await;
    let second = start(&bus, "worker-2");
    eventually("the second works too", || async {
        send(&bus, &payloads(0)).await; // copies, which must not run again
        let fresh: Vec<_> = (0..40).map(|lane| format!("lane{lane}:{}", 1000 + rand())).collect();
        send(&bus, &fresh).await;
        (!second.script.done.lock().unwrap().is_empty()).then_some(())
    })
    .await;
    let scripts = [Arc::clone(&first.script), Arc::clone(&second.script)];
    let times = || {
        let mut times = HashMap::<(String, u32), u32>::new();
        for script in &scripts {
            for (lane, numbers) in script.done.lock().unwrap().iter() {
                numbers.iter().for_each(|number| *times.entry((lane.clone(), *number)).or_default() += 1);
            }
        }
        times
    };
    eventually("everything ran", || async { (times().keys().filter(|(_, n)| *n < 400).count() == 400).then_some(()) })
        .await;
    first.stop().await;
    second.stop().await;
    let doubled: Vec<_> = times().into_iter().filter(|(_, times)| *times > 1).collect();
    assert!(doubled.is_empty(), "ran more than once: {doubled:?}");
}

fn rand() -> u32 {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[tokio::test(flavor = "multi_thread")]
async fn controls_reach_the_running_turn_and_end_with_it() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let worker = start(&bus, "worker-1");
    send(&bus, &["a:1:until-control".into(), "a:2".into()]).await;
    eventually("the turn began", || async { (!worker.script.began.lock().unwrap().is_empty()).then_some(()) }).await;
    send(&bus, &["a:3:control".into()]).await;
    wait_done(&worker.script, "a", &[1, 2]).await;
    worker.stop().await;
}

/// A change of a message that waits or runs is part of its turn; one that comes later has a turn of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_joins_its_message_while_that_is_unfinished() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let worker = start(&bus, "worker-1");
    let payloads = ["a:1:wait", "a:2", "a:3:edit-1:wait", "a:4:edit-2", "a:5", "a:6:edit-9"];
    send(&bus, &payloads.map(str::to_owned)).await;
    eventually("the turn began", || async { (!worker.script.began.lock().unwrap().is_empty()).then_some(()) }).await;
    worker.script.release.notify_one();
    wait_done(&worker.script, "a", &[1, 3, 2, 4, 5, 6]).await;
    let began = worker.script.began.lock().unwrap().clone();
    assert_eq!(began, ["a:1:wait", "a:2", "a:5", "a:6:edit-9"]);
    let inbound = bus.names().stream(&Role::Inbound, bus.names().shards.of("a"));
    eventually("all are acked", || async {
        let pending = redis.command(["XPENDING", &inbound, "sg:workers"]).await.list()[0].number();
        (pending == 0).then_some(())
    })
    .await;
    worker.stop().await;
}

/// What needs no turn is settled in batches, in order, once; a turn between them has its place.
#[tokio::test(flavor = "multi_thread")]
async fn entries_without_a_turn_are_settled_in_batches() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::new(1).unwrap()).await;
    let payloads: Vec<_> = (0..1000)
        .map(|n| if n % 100 == 50 { format!("lane{}:{n}", n % 3) } else { format!("lane{}:{n}:quiet", n % 3) })
        .collect();
    send(&bus, &payloads).await;
    send(&bus, &payloads[..100]).await;
    redis.command(["CONFIG", "RESETSTAT"]).await;
    let worker = start(&bus, "worker-1");
    let inbound = bus.names().stream(&Role::Inbound, bus.names().shards.of("a"));
    eventually("all are acked", || async {
        let groups = redis.command(["XINFO", "GROUPS", &inbound]).await;
        let group = groups.list().first()?.list();
        (group[5].number() == 0 && group[11].number() == 0).then_some(())
    })
    .await;
    for lane in 0..3 {
        let history = redis.command(["LRANGE", &format!("sg:history:lane{lane}"), "0", "-1"]).await;
        let remembered: Vec<_> = history.list().iter().map(|one| one.text().to_owned()).collect();
        let of_lane = |payload: &&String| payload.starts_with(&format!("lane{lane}:")) && payload.ends_with("quiet");
        let all: Vec<_> = payloads.iter().filter(of_lane).cloned().collect();
        assert_eq!(remembered, all[all.len() - 100..]);
    }
    let stats = redis.command(["INFO", "commandstats"]).await.text().to_owned();
    let acks = stats.lines().find_map(|line| line.strip_prefix("cmdstat_xack:calls=")?.split(',').next()?.parse().ok());
    assert!(acks.is_some_and(|acks: u32| acks < 200), "1100 entries took {acks:?} acknowledgements");
    worker.stop().await;
}

/// A lane that does not move holds few bodies and no other lane up, however much comes for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_lane_leaves_the_window_to_others() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::new(1).unwrap()).await;
    let worker = start(&bus, "worker-1");
    let behind: Vec<_> = (0..2000).map(|n| if n == 0 { "stuck:0:wait".into() } else { format!("stuck:{n}") }).collect();
    send(&bus, &behind).await;
    send(&bus, &(0..2000).map(|n| format!("lane{}:{n}", n % 10)).collect::<Vec<_>>()).await;
    for lane in 0..10 {
        let expected: Vec<u32> = (0..2000).filter(|n| n % 10 == lane).collect();
        wait_done(&worker.script, &format!("lane{lane}"), &expected).await;
    }
    worker.script.release.notify_one();
    wait_done(&worker.script, "stuck", &(0..2000).collect::<Vec<_>>()).await;
    worker.stop().await;
}

/// Lanes that are far behind move to a newcomer and back, with their running turns left to who began them.
#[tokio::test(flavor = "multi_thread")]
async fn lanes_that_are_far_behind_keep_their_order_over_moves() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let first = start(&bus, "worker-1");
    let payloads: Vec<_> = (0..8)
        .flat_map(|lane| (0..150).map(move |n| format!("lane{lane}:{n}{}", if n == 0 { ":wait" } else { "" })))
        .collect();
    send(&bus, &payloads).await;
    eventually("the turns began", || async { (first.script.began.lock().unwrap().len() == 8).then_some(()) }).await;
    let second = start(&bus, "worker-2");
    let owned_by_second = || async {
        let owners = bus.survey(&Role::Inbound).await.unwrap().into_iter().filter_map(|shard| shard.owner.instance);
        owners.filter(|owner| owner == "worker-2").count()
    };
    until("the newcomer has its share", || async { owned_by_second().await > 0 }).await;
    second.stop().await;
    let outbound = |lane: u32| {
        let shard = bus.names().shards.of(&format!("lane{lane}"));
        bus.names().stream(&Role::Outbound("test".into()), shard)
    };
    for lane in 0..8 {
        let expected: Vec<u32> = (0..150).collect();
        eventually("everything was done in order", || async {
            first.script.release.notify_waiters();
            let entries = redis.command(["XRANGE", &outbound(lane), "-", "+"]).await;
            let data = entries.list().iter().map(|entry| entry.list()[1].list()[1].text().to_owned());
            let done: Vec<u32> = data
                .filter_map(|data| data.strip_prefix(&format!("lane{lane}:"))?.split(':').next()?.parse().ok())
                .collect();
            assert!(expected.starts_with(&done), "lane {lane}: {done:?}");
            (done == expected).then_some(())
        })
        .await;
    }
    first.stop().await;
}

/// A planned stop hands the shards over at once: lanes without a running turn go on, and the turn that runs ends where it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_planned_stop_holds_no_lane_up_and_repeats_no_turn() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let first = start(&bus, "worker-1");
    send(&bus, &["a:1:wait".into(), "a:2".into()]).await;
    eventually("the turn began", || async { (!first.script.began.lock().unwrap().is_empty()).then_some(()) }).await;
    let second = start(&bus, "worker-2");
    first.stop.cancel();
    let lanes: Vec<_> = (0..50).map(|n| format!("lane{n}:1")).collect();
    send(&bus, &lanes).await;
    for n in 0..50 {
        let lane = format!("lane{n}");
        eventually("every other lane goes on", || async {
            let is_done = |running: &Running| running.script.done.lock().unwrap().contains_key(&lane);
            (is_done(&first) || is_done(&second)).then_some(())
        })
        .await;
    }
    assert!(first.script.done.lock().unwrap().get("a").is_none(), "its turn still runs");
    first.script.release.notify_one();
    wait_done(&first.script, "a", &[1]).await;
    wait_done(&second.script, "a", &[2]).await;
    first.stop().await;
    second.stop().await;
}

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

#[tokio::test(flavor = "multi_thread")]
async fn redis_killed_and_restarted_costs_no_entry() {
    let mut redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let worker = start(&bus, "worker-1");
    send(&bus, &["a:1".into()]).await;
    wait_done(&worker.script, "a", &[1]).await;
    send(&bus, &["a:2:wait".into(), "a:3".into()]).await;
    eventually("the turn began", || async { (worker.script.began.lock().unwrap().len() == 2).then_some(()) }).await;
    redis.kill();
    worker.script.release.notify_one();
    redis.start().await;
    eventually("an entry is taken", || async {
        Producer::new(bus.clone())
            .append(&[Entry {
                stream: bus.names().stream(&Role::Inbound, bus.names().shards.of("a")),
                data: "a:4".into(),
                trace_id: "t".into(),
            }])
            .await
            .ok()
    })
    .await;
    wait_done(&worker.script, "a", &[1, 2, 3, 4]).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_redis_is_a_state_to_recover_from() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let worker = start(&bus, "worker-1");
    send(&bus, &["a:1".into()]).await;
    wait_done(&worker.script, "a", &[1]).await;
    redis.flush();
    send(&bus, &["a:2".into()]).await;
    wait_done(&worker.script, "a", &[1, 2]).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_does_not_wait_for_a_redis_that_is_gone() {
    let mut redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let worker = start(&bus, "worker-1");
    send(&bus, &["a:1".into()]).await;
    wait_done(&worker.script, "a", &[1]).await;
    redis.kill();
    tests::within("the consumer stops", worker.stop()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_number_of_shards_is_refused() {
    let redis = RedisServer::new().await;
    redis.bus(Shards::DEFAULT).await.check_topology().await.unwrap();
    let error = redis.bus(Shards::new(8).unwrap()).await.check_topology().await.unwrap_err();
    assert!(matches!(error, Error::Topology { ref stored, configured: 8, .. } if stored == "16"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bound_of_a_queue_counts_what_is_unfinished() {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let worker = start(&bus, "worker-1");
    let log = Log::new(bus.clone(), LogBounds { entries: 100, ttl: Duration::from_secs(60) });
    let shard = bus.names().shards.of("a");
    let key = bus.names().webchat_log(shard, "a");
    let stream = bus.names().stream(&Role::Inbound, shard);
    for number in 1..=12 {
        let queue =
            Queue { stream: stream.clone(), bound: 3, data: format!("a:{number}").into(), trace_id: "t".into() };
        log.append(&key, &format!("id-{number}"), b"x", Some(&queue)).await.unwrap();
        wait_done(&worker.script, "a", &(1..=number).collect::<Vec<_>>()).await;
        eventually("it is acked", || async {
            redis.command(["XPENDING", &stream, "sg:workers"]).await.list()[0].number().eq(&0).then_some(())
        })
        .await;
    }
    worker.stop().await;
}

#[tokio::test]
async fn a_connection_that_is_half_open_is_replaced() {
    let redis = RedisServer::new().await;
    let proxy = FaultProxy::new(redis.socket(), None).await;
    let bus = Bus::connect(BusConfig { url: proxy.url(), names: Names::default() }).await.unwrap();
    bus.ping().await.unwrap();
    proxy.half_open();
    let error = bus.ping().await.unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error}");
    until("redis answers on another connection", || async { bus.ping().await.is_ok() }).await;
}

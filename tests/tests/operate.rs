//! The operator's tools on a real deployment: what they show, and what they do to dead letters.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

use std::process::Command;

use bus::{Bus, LetterId, Place, Role, Shards};
use codec::Inbound;
use serde_json::Value;
use tests::{Answer, ModelServer, Pair, Program, RedisServer, Settings, until};

/// What `stargazer` with these arguments ended with, and what it printed.
struct Said {
    code: i32,
    out: String,
    err: String,
}

impl Said {
    fn json(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn stargazer(settings: &Settings, arguments: &[&str]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(Program::Cli.path());
    let output = command.args(arguments).env_clear().envs(settings).current_dir(folder.path()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn on(redis: &RedisServer) -> Settings {
    [("SG_REDIS_URL".to_owned(), redis.url())].into()
}

async fn deployment() -> (RedisServer, Bus, Settings) {
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    bus.check_topology().await.unwrap();
    let settings = on(&redis);
    (redis, bus, settings)
}

fn message(lane: &str, id: &str, text: &str) -> Inbound {
    Inbound {
        channel_key: lane.into(),
        platform: "webchat".into(),
        channel_id: lane.split_once(':').unwrap().1.into(),
        user_id: "u".into(),
        message_id: id.into(),
        event_id: Some(format!("webchat:{id}")),
        content: text.into(),
        is_addressed: true,
        ..Inbound::example()
    }
}

/// Writes a dead letter as the daemons do.
async fn bury(redis: &RedisServer, bus: &Bus, lane: &str, data: &[u8], ts: &str, error: &str) -> LetterId {
    let shard = bus.names().shards.of(lane);
    let (letters, stream) =
        (bus.names().dead_letters(&Role::Inbound, shard), bus.names().stream(&Role::Inbound, shard));
    let fields: [(&str, &[u8]); 7] = [
        ("original_stream", stream.as_bytes()),
        ("original_msg_id", b"5-1"),
        ("error", error.as_bytes()),
        ("attempt", b"3"),
        ("data", data),
        ("ts", ts.as_bytes()),
        ("trace_id", b"trace-1"),
    ];
    let mut command: Vec<&[u8]> = vec![b"XADD", letters.as_bytes(), b"*"];
    command.extend(fields.iter().flat_map(|(name, value)| [name.as_bytes(), value]));
    let entry = redis.command_bytes(&command).await.text().parse().unwrap();
    LetterId { place: Place::Shard(shard), entry }
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_of_all_shards_are_one_list() {
    let (redis, bus, settings) = deployment().await;
    assert_eq!(stargazer(&settings, &["dlq", "list"]).out, "no dead letters\n");
    let mut ids = Vec::new();
    for lane in ["webchat:a", "webchat:b", "webchat:c"] {
        let data = message(lane, lane, "Hello").to_bytes();
        ids.push(bury(&redis, &bus, lane, &data, "1000", "panic: the turn panicked").await);
    }
    let broken = bury(&redis, &bus, "webchat:a", b"\xff\xff", "2000", "undecodable: \u{1b}[31mnot a map").await;
    let mut by_age = [ids.clone(), vec![broken.clone()]].concat();
    by_age.sort_by_key(|id| (id.entry, id.place.clone()));

    let list = stargazer(&settings, &["dlq", "list"]);
    let lines: Vec<_> = list.out.lines().collect();
    assert_eq!((list.code, lines.len()), (0, 5), "{}", list.out);
    for (line, id) in lines[1..].iter().zip(&by_age) {
        assert!(line.trim_start().starts_with(&id.to_string()), "the oldest first: {}", list.out);
    }
    let of_b = lines.iter().find(|line| line.contains("webchat:b")).unwrap();
    assert!(of_b.contains(&ids[1].to_string()) && of_b.contains("panic: the turn panicked"), "{}", list.out);
    assert!(!list.out.contains('\u{1b}'), "what others wrote does not colour the screen");

    let found = |arguments: &[&str]| {
        let said = stargazer(&settings, &[&["dlq", "list", "--json"], arguments].concat());
        said.json().iter().map(|letter| letter["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found(&["--lane", "webchat:b"]), [ids[1].to_string()]);
    assert_eq!(found(&["--code", "undecodable"]), [broken.to_string()]);
    assert_eq!(found(&["--limit", "2"]).len(), 2);
    assert_eq!(found(&["--role", "inbound", "--trace", "trace-1", "--newer-than", "1h"]).len(), 4);
    assert_eq!(found(&["--role", "outbound:webchat"]).len() + found(&["--older-than", "1h"]).len(), 0);

    let shown = stargazer(&settings, &["dlq", "show", &ids[0].to_string()]).out;
    for part in ["webchat:a", "panic: the turn panicked", "1970-01-01T00:00:01.000Z", r#""content": "Hello""#] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(stargazer(&settings, &["dlq", "show", &broken.to_string()]).out.contains("not readable; its bytes: ffff"));
    let json = &stargazer(&settings, &["dlq", "show", "--json", &ids[0].to_string()]).json()[0];
    assert_eq!(json["hex"], codec::inspect::hex(&message("webchat:a", "webchat:a", "Hello").to_bytes()));
    for (wrong, told) in [("0/1-1", "there is no dead letter 0/1-1"), ("nonsense", "they look like 7/1763700000123-0")]
    {
        let refused = stargazer(&settings, &["dlq", "show", wrong]);
        assert!(refused.code == 64 && refused.err.contains(told), "{}", refused.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_keeps_the_order_of_lanes_and_a_purge_removes() {
    let (redis, bus, settings) = deployment().await;
    let lane = "webchat:a";
    // The first one was replayed before and failed again, so it lies behind the one that followed it.
    for (ts, text) in [("2000", "second"), ("1000", "first"), ("3000", "third")] {
        bury(&redis, &bus, lane, &message(lane, text, text).to_bytes(), ts, "panic: x").await;
    }
    let gone = bury(&redis, &bus, "webchat:b", &message("webchat:b", "b", "b").to_bytes(), "1", "scripted: x").await;

    for command in ["replay", "purge"] {
        let refused = stargazer(&settings, &["dlq", command]);
        assert!(refused.code == 64 && refused.err.contains("nothing is chosen"), "{}", refused.err);
        let dry = stargazer(&settings, &["dlq", command, "--all", "--dry-run"]);
        assert!(dry.out.ends_with("nothing was changed\n") && dry.out.lines().count() == 5, "{}", dry.out);
    }
    let purged = stargazer(&settings, &["dlq", "purge", &gone.to_string()]);
    assert!(purged.code == 0 && purged.out.ends_with("1 of 1 purged\n"), "{}", purged.out);
    let replayed = stargazer(&settings, &["dlq", "replay", "--lane", lane, "--json"]);
    assert!(replayed.json().iter().all(|letter| letter["result"] == "replayed"), "{}", replayed.out);
    assert_eq!(stargazer(&settings, &["dlq", "list"]).out, "no dead letters\n");

    let stream = bus.names().stream(&Role::Inbound, bus.names().shards.of(lane));
    let entries = redis.command(["XRANGE", &stream, "-", "+"]).await;
    let times: Vec<_> = entries.list().iter().map(|entry| entry.list()[1].list()[3].text().to_owned()).collect();
    assert_eq!(times, ["1000", "2000", "3000"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_cannot_be_meant_is_refused() {
    let (redis, bus, settings) = deployment().await;
    bury(&redis, &bus, "webchat:a", b"x", "1", "panic: x").await;
    let refused = stargazer(&settings, &["dlq", "purge", "--role", "inbuond"]);
    assert!(refused.code == 64 && refused.err.contains("the roles are inbound, outbound:webchat"), "{}", refused.err);
    let vague = stargazer(&settings, &["dlq", "purge", "--older-than", "soon"]);
    assert!(vague.code == 64 && vague.err.contains("like 90s, 15m, 2h or 30days"), "{}", vague.err);
    assert_eq!(stargazer(&settings, &["dlq", "list", "--code", "never"]).out, "no dead letter is like that\n");
    assert_eq!(stargazer(&settings, &["dlq", "list", "--role", "inbound", "--json"]).json().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_stops_at_a_full_stream() {
    let (redis, bus, mut settings) = deployment().await;
    settings.insert("SG_BUS__BACKLOG".into(), "1000".into());
    let lane = "webchat:a";
    let stream = bus.names().stream(&Role::Inbound, bus.names().shards.of(lane));
    for _ in 0..1000 {
        redis.command(["XADD", &stream, "*", "data", "x"]).await;
    }
    bury(&redis, &bus, lane, b"x", "1", "panic: x").await;
    let refused = stargazer(&settings, &["dlq", "replay", "--all"]);
    assert!(refused.code == 64 && refused.err.contains("1000 unfinished entries, its bound"), "{}", refused.err);
    assert!(refused.out.contains("0 of 1 replayed"), "{}", refused.out);
    assert_eq!(stargazer(&settings, &["dlq", "list", "--json"]).json().len(), 1, "it is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_replayed_is_answered() {
    let pair = Pair::new().await;
    let bus = pair.redis.bus(Shards::DEFAULT).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let id = visitor.say(&chat, "Hello").await;
    visitor.answer(&chat, &id).await;
    let lane = format!("webchat:{chat}");
    let lost = Inbound { channel_id: chat.clone(), ..message(&lane, "lost", "Are you there?") };
    bury(&pair.redis, &bus, &lane, &lost.to_bytes(), "1", "owner_died: its owner died 10 times while it ran").await;
    let replayed = stargazer(&on(&pair.redis), &["dlq", "replay", "--code", "owner_died"]);
    assert!(replayed.out.ends_with("1 of 1 replayed\n"), "{} {}", replayed.out, replayed.err);
    let is_answer = |line: &String| line.starts_with("message: ") && line.contains("Are you there?");
    visitor.wait("it is answered", |visitor| visitor.story(&chat).iter().any(is_answer).then_some(())).await;
    until("it is finished", || async { pair.unfinished().await == 0 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_owns_what_and_what_waits_is_shown() {
    let pair = Pair::new().await;
    let settings = on(&pair.redis);
    let shards = stargazer(&settings, &["shards", "--json"]).json();
    assert_eq!(shards.len(), 34, "16 of each role, and the plain stream beside them");
    for shard in &shards {
        let prefix = if shard["role"].as_str().unwrap().ends_with("inbound") { "worker-" } else { "gateway-" };
        assert!(shard["owner"].as_str().unwrap().starts_with(prefix), "{shard}");
        assert!(shard["lease_ms"].as_u64().is_some_and(|left| left <= 1000), "{shard}");
        assert_eq!(shard["members"].as_array().unwrap().len(), 1);
    }
    assert!(stargazer(&settings, &["lag"]).out.starts_with("nothing waits"));
    // A message that nobody takes, and one that failed.
    pair.workers[0].signal(tests::Signal::STOP);
    pair.redis.command(["XADD", "sg:stream:inbound:{3}", "*", "data", "x"]).await;
    pair.redis.command(["HSET", "sg:attempts:{3}:inbound", "5-1", "2 1 99999999999999 -"]).await;
    let lag = stargazer(&settings, &["lag"]).out;
    let row: Vec<_> = lag.lines().nth(1).unwrap().split_whitespace().collect();
    // The worker's last read may have been on its way when it was stopped.
    assert!(row[..2] == ["inbound", "3"] && [["1", "0"], ["0", "1"]].contains(&[row[2], row[3]]), "{lag}");
    let shown = stargazer(&settings, &["shards"]).out;
    assert!(shown.contains("inbound shard 3: entry 5-1 failed 2 times, its owner died once while it ran"), "{shown}");
    let nobody = || {
        let shards = stargazer(&settings, &["shards", "--json"]).json();
        shards.iter().filter(|shard| shard["owner"] == "nobody").count()
    };
    until("the frozen worker's leases ended", || async { nobody() == 17 }).await;
    pair.workers[0].signal(tests::Signal::CONT);
}

#[tokio::test(flavor = "multi_thread")]
async fn depth_and_age_are_measured() {
    let model = ModelServer::new().await;
    model.script(Answer::stream().token("Endless").stall());
    let pair = Pair::with_model(&model).await;
    let bus = pair.redis.bus(Shards::DEFAULT).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let id = visitor.say(&chat, "Go").await;
    visitor.wait_preview(&id, "Endless").await;
    bury(&pair.redis, &bus, "webchat:a", b"x", "1", "panic: x").await;
    let metric = |name: &'static str| pair.workers[0].metric(name);
    until("the running turn is pending, and has an age", || async {
        metric("stargazer_stream_pending").await == 1.0 && metric("stargazer_stream_oldest_seconds").await > 0.0
    })
    .await;
    until("the dead letter is counted", || async { metric("stargazer_dead_letters").await == 1.0 }).await;
    visitor.stop(&chat).await;
    until("nothing waits any more", || async {
        metric("stargazer_stream_pending").await == 0.0 && metric("stargazer_stream_oldest_seconds").await == 0.0
    })
    .await;
}

#[test]
fn without_a_deployment_it_is_said_what_to_do() {
    let nowhere = [("SG_REDIS_URL".to_owned(), "unix:///nonexistent/redis.sock".to_owned())].into();
    let refused = stargazer(&nowhere, &["lag"]);
    assert!(refused.code == 1 && refused.err.contains("SG_REDIS_URL"), "{}", refused.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_redis_and_another_layout_are_told_apart() {
    let redis = RedisServer::new().await;
    let settings = on(&redis);
    let empty = stargazer(&settings, &["dlq", "list"]);
    assert!(empty.code == 64 && empty.err.contains("nothing of Stargazer is in this Redis"), "{}", empty.err);
    redis.bus(Shards::new(4).unwrap()).await.check_topology().await.unwrap();
    let other = stargazer(&settings, &["lag"]);
    assert!(other.code == 64 && other.err.contains("set bus.shards = 4"), "{}", other.err);
}

//! HELLO, IDENTIFY, READY and RESUME.

use std::time::Duration;

use serde_json::{Value, json};
use tests::discord::{BotRules, Intents, RawBot, RawSocket};

use crate::{READS, Scene};

/// The code with which an IDENTIFY of these fields is closed.
async fn refused(raw: &RawBot, fields: Value) -> u16 {
    let mut socket = raw.connect().await;
    socket.identify(fields).await;
    socket.closed().await.code
}

#[tokio::test]
async fn identify_is_checked() {
    let rules = BotRules { privileged: Intents::MESSAGE_CONTENT, ..BotRules::default() };
    let scene = Scene::with(|builder| builder.shard_guilds_max(0), rules).await;
    let raw = &scene.raw;
    assert_eq!(refused(raw, json!({ "token": "nobody's", "intents": 0 })).await, 4004);
    assert_eq!(refused(raw, json!({ "intents": 1 << 17 })).await, 4013, "no intent has this bit");
    assert_eq!(refused(raw, json!({ "intents": 1 << 1 })).await, 4014, "the members were not turned on");
    assert_eq!(refused(raw, json!({ "intents": 0, "shard": [2, 2] })).await, 4010);
    assert_eq!(refused(raw, json!({ "intents": 0, "shard": [0] })).await, 4010);
    assert_eq!(refused(raw, json!({ "intents": 0 })).await, 4011, "the shard has more guilds than it may");
    assert_eq!(refused(raw, json!({ "shard": [0, 1] })).await, 4002, "intents are needed");
    assert_eq!(scene.server.identifies(), 0);
}

#[tokio::test]
async fn the_address_says_version_encoding_and_packing() {
    let scene = Scene::new().await;
    let code = async |query: &str| scene.raw.connect_with(query).await.closed().await.code;
    assert_eq!(code("v=9&encoding=json").await, 4012);
    assert_eq!(code("encoding=json").await, 4012);
    assert_eq!(code("v=10&encoding=etf").await, 4002, "documented, but not spoken here");
    assert_eq!(code("v=10&encoding=json&compress=zstd-stream").await, 4002, "nor is this");
}

#[tokio::test]
async fn ready_comes_first_then_the_guilds() {
    let scene = Scene::new().await;
    let mut socket = scene.raw.connect().await;
    socket.identify(json!({ "intents": READS.0 })).await;
    let ready = socket.frame().await;
    assert_eq!((&ready["t"], &ready["s"]), (&json!("READY"), &json!(1)));
    assert_eq!(ready["d"]["guilds"], json!([{ "id": scene.guild, "unavailable": true }]));
    assert_eq!(ready["d"]["user"]["id"], json!(scene.bot.id));
    assert_eq!(ready["d"]["application"]["id"], json!(scene.bot.id));
    assert_eq!(ready["d"]["resume_gateway_url"], json!(scene.server.gateway_url()));
    let guild = socket.frame().await;
    assert_eq!((&guild["t"], &guild["s"]), (&json!("GUILD_CREATE"), &json!(2)));
    assert_eq!(guild["d"]["channels"][0]["id"], json!(scene.channel));
    let members = guild["d"]["members"].as_array().unwrap();
    assert_eq!(members.len(), 1, "without the intent for members the bot alone: {members:?}");
    // And a second IDENTIFY is one too many.
    socket.identify(json!({ "intents": 0 })).await;
    assert_eq!(socket.closed().await.code, 4005);
}

#[tokio::test]
async fn a_session_can_be_sent_elsewhere_to_be_resumed() {
    let scene = Scene::new().await;
    scene.server.resume_at("ws://127.0.0.1:9");
    let mut socket = scene.raw.connect().await;
    socket.identify(json!({ "intents": READS.0 })).await;
    assert_eq!(socket.event("READY").await["resume_gateway_url"], "ws://127.0.0.1:9");
    assert_ne!(scene.server.gateway_url(), "ws://127.0.0.1:9", "who identifies comes here");
}

#[tokio::test]
async fn one_key_identifies_once_in_five_seconds() {
    let rules = BotRules { max_concurrency: 2, ..BotRules::default() };
    let scene = Scene::with(|builder| builder, rules).await;
    let op = async |shard: u64| {
        let mut socket = scene.raw.connect().await;
        socket.identify(json!({ "intents": 0, "shard": [shard, 4] })).await;
        (socket.frame().await["op"].as_u64().unwrap(), socket)
    };
    let (first, _socket) = op(0).await;
    let (second, _socket) = op(1).await;
    assert_eq!((first, second), (0, 0), "keys 0 and 1");
    let (third, mut socket) = op(2).await;
    assert_eq!((third, scene.server.identifies_broken()), (9, 1), "key 0 again");
    scene.clock.advance(Duration::from_secs(5));
    // The socket is still good.
    socket.identify(json!({ "intents": 0, "shard": [2, 4] })).await;
    assert_eq!(socket.frame().await["t"], "READY");
}

#[tokio::test]
async fn starts_of_a_day_are_counted() {
    let rules = BotRules { starts_max: 2, max_concurrency: 16, shards: 3, ..BotRules::default() };
    let scene = Scene::with(|builder| builder.identify_every(Duration::ZERO), rules).await;
    let left = async || scene.raw.ask("GET", "/gateway/bot", &Value::Null).await.json;
    let told = left().await;
    assert_eq!((&told["shards"], &told["url"]), (&json!(3), &json!(scene.server.gateway_url())));
    let day = 24 * 60 * 60 * 1000;
    let limit = json!({ "total": 2, "remaining": 2, "reset_after": day, "max_concurrency": 16 });
    assert_eq!(told["session_start_limit"], limit);
    let mut first = scene.raw.identify(READS).await;
    let _second = scene.raw.identify(READS).await;
    assert_eq!(left().await["session_start_limit"]["remaining"], 0);
    // "All active sessions for the app will be terminated, the bot token will be reset."
    assert_eq!(refused(&scene.raw, json!({ "intents": 0 })).await, 4004);
    assert_eq!(first.closed().await.code, 4004);
    assert_eq!(scene.raw.ask("GET", "/users/@me", &Value::Null).await.status(), 401);
}

async fn resumed(scene: &Scene, before: &RawSocket) -> RawSocket {
    let mut socket = scene.raw.connect().await;
    socket.resume(&before.session, before.sequence).await;
    socket
}

#[tokio::test]
async fn resume_brings_what_was_missed() {
    let scene = Scene::new().await;
    let mut socket = scene.raw.identify(READS).await;
    socket.event("GUILD_CREATE").await;
    scene.server.cut(scene.bot.id);
    assert_eq!(socket.closed().await.code, 1006);
    for text in ["one", "two"] {
        scene.alice.says(scene.channel, text);
    }
    let mut again = resumed(&scene, &socket).await;
    assert_eq!(again.event("MESSAGE_CREATE").await["content"], "one");
    assert_eq!(again.event("MESSAGE_CREATE").await["content"], "two");
    again.event("RESUMED").await;
    scene.alice.says(scene.channel, "three");
    assert_eq!(again.event("MESSAGE_CREATE").await["content"], "three");
    assert_eq!((scene.server.identifies(), scene.server.resumes()), (1, 1));
    // A session has one socket: who resumes it elsewhere ends the other.
    let mut third = resumed(&scene, &again).await;
    third.event("RESUMED").await;
    assert_eq!(again.closed().await.code, 4000);
}

#[tokio::test]
async fn resume_is_refused_where_something_would_be_missing() {
    let scene = Scene::with(
        |builder| builder.replay(Duration::from_secs(60), 3).identify_every(Duration::ZERO),
        BotRules::default(),
    )
    .await;
    let start = async || {
        let mut socket = scene.raw.identify(READS).await;
        socket.event("GUILD_CREATE").await;
        scene.server.cut(scene.bot.id);
        socket.closed().await;
        scene.server.wait("it is gone", |server| (server.sockets(scene.bot.id) == 0).then_some(())).await;
        socket
    };
    // Too late.
    let socket = start().await;
    scene.clock.advance(Duration::from_secs(60));
    let mut again = resumed(&scene, &socket).await;
    assert_eq!(again.frame().await, json!({ "op": 9, "d": false }));
    // Too much.
    let socket = start().await;
    for text in ["1", "2", "3", "4"] {
        scene.alice.says(scene.channel, text);
    }
    let mut again = resumed(&scene, &socket).await;
    assert_eq!(again.frame().await, json!({ "op": 9, "d": false }));
    // Never sent; and another bot's.
    let mut socket = start().await;
    let stranger = RawBot::new(&scene.server, &scene.server.add_bot("other", BotRules::default()));
    let mut theirs = stranger.connect().await;
    theirs.resume(&socket.session, socket.sequence).await;
    assert_eq!(theirs.frame().await, json!({ "op": 9, "d": false }));
    socket.sequence += 100;
    assert_eq!(resumed(&scene, &socket).await.closed().await.code, 4007);
}

#[tokio::test]
async fn a_normal_close_ends_the_session_and_another_does_not() {
    let scene = Scene::with(|builder| builder.identify_every(Duration::ZERO), BotRules::default()).await;
    for (code, goes_on) in [(1000, false), (1001, false), (4900, true)] {
        let mut socket = scene.raw.identify(READS).await;
        socket.event("GUILD_CREATE").await;
        let (session, sequence) = (socket.session.clone(), socket.sequence);
        socket.close(code).await;
        scene.server.wait("it is gone", |server| (server.sockets(scene.bot.id) == 0).then_some(())).await;
        let mut again = scene.raw.connect().await;
        again.resume(&session, sequence).await;
        assert_eq!(again.frame().await["t"] == "RESUMED", goes_on, "after {code}");
    }
}

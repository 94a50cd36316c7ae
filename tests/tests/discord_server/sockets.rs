//! Heartbeats, limits and events of a socket, and what can happen to it.

use std::{io::Read as _, time::Duration};

use flate2::{Decompress, FlushDecompress, read::ZlibDecoder};
use serde_json::{Value, json};
use tests::discord::{BotRules, CloseCode, Intents, Permissions, RawBot, RawSocket};
use tokio_tungstenite::tungstenite::Message;

use crate::{READS, Scene};

#[tokio::test]
async fn who_is_silent_for_too_long_is_closed_and_can_resume() {
    let scene = Scene::with(|builder| builder.heartbeat(Duration::from_secs(40)), BotRules::default()).await;
    let mut socket = scene.raw.identify(READS).await;
    for _ in 0..3 {
        scene.clock.advance(Duration::from_secs(40));
        socket.beat().await;
        socket.op(11).await;
    }
    scene.clock.advance(Duration::from_secs(60));
    assert_eq!(socket.closed().await.code, 4009);
    let mut again = scene.raw.connect().await;
    again.resume(&socket.session, socket.sequence).await;
    again.event("RESUMED").await;
}

#[tokio::test]
async fn more_than_120_payloads_a_minute_are_too_many() {
    let scene = Scene::new().await;
    let mut socket = scene.raw.identify(READS).await;
    for _ in 0..119 {
        socket.beat().await;
    }
    for _ in 0..119 {
        socket.op(11).await;
    }
    scene.clock.advance(Duration::from_secs(60));
    for _ in 0..121 {
        socket.beat().await;
    }
    assert_eq!(socket.closed().await.code, 4008);
}

#[tokio::test]
async fn what_a_client_may_not_say_closes_the_socket() {
    let scene = Scene::with(|builder| builder.identify_every(Duration::ZERO), BotRules::default()).await;
    let code = async |text: &str, mut socket: RawSocket| {
        socket.text(text).await;
        socket.closed().await.code
    };
    assert_eq!(code("{", scene.raw.connect().await).await, 4002);
    assert_eq!(code(r#"{"d":1}"#, scene.raw.connect().await).await, 4002);
    assert_eq!(code(&json!({ "op": 1, "d": "x".repeat(4096) }).to_string(), scene.raw.connect().await).await, 4002);
    assert_eq!(code(r#"{"op":3,"d":{}}"#, scene.raw.connect().await).await, 4003);
    assert_eq!(code(r#"{"op":77,"d":{}}"#, scene.raw.identify(READS).await).await, 4001);
    let known: Vec<_> = CloseCode::ALL.iter().filter(|code| !code.may_reconnect()).map(|code| code.code()).collect();
    assert_eq!(known, [4004, 4010, 4011, 4012, 4013, 4014]);
}

#[tokio::test]
async fn intents_choose_the_events() {
    let scene = Scene::with(|builder| builder.identify_every(Duration::ZERO), BotRules::default()).await;
    let dm = scene.alice.opens_dm(&scene.bot);
    let heard = async |intents: u64| {
        let mut socket = scene.raw.identify(Intents(intents)).await;
        socket.names().await;
        let id = scene.alice.says(scene.channel, "here");
        scene.alice.reacts(id, "👍");
        scene.alice.unreacts(id, "👍");
        scene.alice.types(scene.channel);
        scene.alice.edits(id, "there");
        scene.alice.deletes(id);
        scene.alice.says(dm, "in private");
        socket.names().await
    };
    assert_eq!(heard(1).await, [""; 0], "guilds alone");
    assert_eq!(heard(1 << 9).await, ["MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE"]);
    assert_eq!(heard(1 << 10).await, ["MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE"]);
    assert_eq!(heard(1 << 11).await, ["TYPING_START"]);
    assert_eq!(heard(1 << 12).await, ["MESSAGE_CREATE"]);
}

#[tokio::test]
async fn content_is_for_who_may_read_it() {
    let scene = Scene::new().await;
    let mut socket = scene.raw.identify(Intents(READS.0 & !Intents::MESSAGE_CONTENT.0)).await;
    let mut next = async || socket.event("MESSAGE_CREATE").await["content"].clone();
    scene.alice.says(scene.channel, "secret");
    assert_eq!(next().await, "");
    scene.alice.says(scene.channel, &format!("<@{}> look", scene.bot.id));
    assert_eq!(next().await, format!("<@{}> look", scene.bot.id), "it is mentioned");
    scene.raw.ask("POST", &scene.messages(), &json!({ "content": "mine" })).await;
    assert_eq!(next().await, "mine");
    let dm = scene.alice.opens_dm(&scene.bot);
    scene.alice.says(dm, "in private");
    assert_eq!(next().await, "in private");
}

#[tokio::test]
async fn events_go_to_the_shard_of_their_guild() {
    let rules = BotRules { max_concurrency: 16, ..BotRules::default() };
    let scene = Scene::with(|builder| builder, rules).await;
    // An id of the next millisecond is of the next shard.
    scene.clock.advance(Duration::from_millis(1));
    let other = scene.server.add_guild("other", &scene.alice, &[scene.bot.id]);
    let there = scene.server.add_channel(other, "general");
    assert_ne!(scene.guild.shard(2), other.shard(2));
    let mut sockets = Vec::new();
    for shard in 0..2 {
        let mut socket = scene.raw.connect().await;
        socket.identify(json!({ "intents": READS.0, "shard": [shard, 2] })).await;
        socket.event("GUILD_CREATE").await;
        sockets.push(socket);
    }
    let dm = scene.alice.opens_dm(&scene.bot);
    for (place, shard) in [(scene.channel, scene.guild.shard(2)), (there, other.shard(2)), (dm, 0)] {
        scene.alice.says(place, "hello");
        for (at, socket) in sockets.iter_mut().enumerate() {
            let expected = if at as u64 == shard { &["MESSAGE_CREATE"][..] } else { &[] };
            assert_eq!(socket.names().await, expected, "shard {at} about {place}");
        }
    }
}

#[tokio::test]
async fn nobody_hears_of_a_channel_that_is_closed_to_them() {
    let scene = Scene::new().await;
    let mut socket = scene.raw.identify(READS).await;
    socket.names().await;
    scene.server.deny(scene.channel, scene.bot.id, Permissions::VIEW_CHANNEL);
    scene.alice.says(scene.channel, "among us");
    assert_eq!(socket.names().await, [""; 0]);
    let stranger = RawBot::new(&scene.server, &scene.server.add_bot("stranger", BotRules::default()));
    let mut theirs = stranger.identify(READS).await;
    scene.alice.says(scene.channel, "still");
    assert_eq!(theirs.names().await, [""; 0], "no member of the guild");
}

#[tokio::test]
async fn reconnects_and_invalid_sessions_are_sent_on_demand() {
    let scene = Scene::with(|builder| builder.identify_every(Duration::ZERO), BotRules::default()).await;
    let mut socket = scene.raw.identify(READS).await;
    scene.server.reconnect_wave();
    assert_eq!(socket.op(7).await, json!({ "op": 7, "d": null }));
    scene.server.ask_heartbeat(scene.bot.id);
    socket.op(1).await;
    scene.server.invalidate(scene.bot.id, true);
    assert_eq!(socket.op(9).await["d"], true);
    scene.alice.says(scene.channel, "it goes on");
    socket.event("MESSAGE_CREATE").await;
    scene.server.invalidate(scene.bot.id, false);
    assert_eq!(socket.op(9).await["d"], false);
    scene.alice.says(scene.channel, "it does not");
    assert_eq!(socket.names().await, [""; 0]);
    let mut socket = scene.raw.identify(READS).await;
    scene.server.close(scene.bot.id, 4009, "Session timed out.");
    assert_eq!(socket.closed().await.code, 4009);
}

#[tokio::test]
async fn a_stalled_socket_says_nothing_and_its_session_can_move_on() {
    let scene = Scene::new().await;
    let mut socket = scene.raw.identify(READS).await;
    socket.names().await;
    scene.server.stall(scene.bot.id);
    scene.alice.says(scene.channel, "anybody?");
    socket.beat().await;
    let mut again = scene.raw.connect().await;
    again.resume(&socket.session, socket.sequence).await;
    assert_eq!(again.event("MESSAGE_CREATE").await["content"], "anybody?");
}

#[tokio::test]
async fn events_are_lost_and_doubled_on_demand() {
    let scene = Scene::with(|builder| builder.identify_every(Duration::ZERO), BotRules::default()).await;
    let mut socket = scene.raw.identify(READS).await;
    socket.names().await;
    let say = |text: &str| scene.alice.says(scene.channel, text);
    scene.server.lose(scene.bot.id, 1);
    say("lost");
    say("heard");
    assert_eq!(socket.event("MESSAGE_CREATE").await["content"], "heard", "and the numbers have no gap");
    scene.server.double(scene.bot.id, 1);
    say("twice");
    let (first, second) = (socket.event("MESSAGE_CREATE").await, socket.event("MESSAGE_CREATE").await);
    assert_eq!(first, second);
    scene.server.gap(scene.bot.id);
    say("lost");
    say("lost, too");
    assert_eq!(socket.names().await, [""; 0]);
    let mut socket = scene.raw.identify(READS).await;
    say("heard again");
    assert_eq!(socket.event("MESSAGE_CREATE").await["content"], "heard again");
}

#[tokio::test]
async fn members_are_told_when_asked_for() {
    let scene = Scene::new().await;
    let mut socket = scene.raw.identify(Intents(READS.0 | 1 << 1)).await;
    let asked = json!({ "guild_id": scene.guild, "query": "", "limit": 0, "nonce": "n" });
    socket.send(&json!({ "op": 8, "d": asked })).await;
    let chunk = socket.event("GUILD_MEMBERS_CHUNK").await;
    assert_eq!((chunk["members"].as_array().unwrap().len(), &chunk["nonce"]), (2, &json!("n")));
}

fn inflated(stream: &mut Decompress, bytes: &[u8]) -> Value {
    let mut text = Vec::with_capacity(1 << 16);
    stream.decompress_vec(bytes, &mut text, FlushDecompress::Sync).unwrap();
    serde_json::from_slice(&text).unwrap()
}

#[tokio::test]
async fn packed_sockets_say_the_same() {
    let scene = Scene::with(|builder| builder.identify_every(Duration::ZERO), BotRules::default()).await;
    let mut socket = scene.raw.connect_with("v=10&encoding=json&compress=zlib-stream").await;
    let mut stream = Decompress::new(true);
    let mut next = async |socket: &mut RawSocket| {
        let Ok(Message::Binary(bytes)) = socket.message().await else { panic!("packed frames are binary") };
        assert!(bytes.ends_with(&[0, 0, 0xff, 0xff]), "whole messages end with a flush");
        inflated(&mut stream, &bytes)
    };
    assert_eq!(next(&mut socket).await["op"], 10);
    socket.identify(json!({ "intents": READS.0 })).await;
    assert_eq!(next(&mut socket).await["t"], "READY");
    assert_eq!(next(&mut socket).await["d"]["id"], json!(scene.guild));
    // And by payload: the large ones.
    let mut socket = scene.raw.connect().await;
    socket.identify(json!({ "intents": READS.0, "compress": true })).await;
    let mut names = Vec::new();
    while names.len() < 2 {
        let frame: Value = match socket.message().await {
            Ok(Message::Text(text)) => serde_json::from_str(&text).unwrap(),
            Ok(Message::Binary(bytes)) => {
                let mut text = String::new();
                ZlibDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
                serde_json::from_str(&text).unwrap()
            }
            other => panic!("{other:?}"),
        };
        names.push(frame["t"].as_str().unwrap().to_owned());
    }
    assert_eq!(names, ["READY", "GUILD_CREATE"]);
}

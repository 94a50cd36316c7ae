//! What goes wrong, as scripted and by chance.

use std::{collections::HashSet, time::Duration};

use serde_json::{Value, json};
use tests::{
    Gate,
    discord::{BotRules, Clock, DiscordServer, Fault, Odds, RawBot, SocketFault, When},
};

use crate::{READS, Scene};

#[tokio::test]
async fn a_fault_comes_before_or_after_the_deed() {
    let scene = Scene::free().await;
    let send = async |text: &str| scene.raw.try_ask("POST", &scene.messages(), &json!({ "content": text })).await;
    let script = |fault| scene.server.script("POST", "/messages", fault);
    script(Fault::Status(502, When::Before));
    script(Fault::Status(503, When::After));
    script(Fault::Cut(When::Before));
    script(Fault::Cut(When::After));
    assert_eq!(send("1").await.unwrap().status(), 502);
    assert_eq!(send("2").await.unwrap().status(), 503);
    assert!(send("3").await.is_none() && send("4").await.is_none());
    assert_eq!(send("5").await.unwrap().status(), 200);
    assert_eq!(scene.server.screen(scene.channel), ["bot: 2", "bot: 4", "bot: 5"]);
    let told: Vec<_> = scene.server.exchanges().iter().map(|one| (one.status, one.had_fault)).collect();
    assert_eq!(told, [(Some(502), true), (Some(503), true), (None, true), (None, true), (Some(200), false)]);
}

#[tokio::test]
async fn an_answer_is_held_or_slow() {
    let scene = Scene::free().await;
    let gate = Gate::new();
    scene.server.script("POST", "/messages", Fault::Held(gate.clone(), When::After));
    scene.server.script("GET", "/users", Fault::Slow(Duration::from_secs(9), When::Before));
    let (path, body) = (scene.messages(), json!({ "content": "hello" }));
    let send = scene.raw.ask("POST", &path, &body);
    let look = async {
        scene.server.wait_seen(scene.channel, "hello").await;
        gate.release(1);
    };
    assert_eq!(tokio::join!(send, look).0.status(), 200);
    let ask = scene.raw.ask("GET", "/users/@me", &Value::Null);
    let turn = async {
        scene.server.wait("it was asked", |server| (server.exchanges().len() == 2).then_some(())).await;
        scene.clock.advance(Duration::from_secs(9));
    };
    assert_eq!(tokio::join!(ask, turn).0.status(), 200);
}

#[tokio::test]
async fn a_seed_draws_what_happens_to_sockets() {
    let drawn = async |seed| {
        let server = DiscordServer::new(seed).await;
        let bot = server.add_bot("bot", BotRules::default());
        (0..30).map(|_| server.disturb(bot.id)).collect::<Vec<_>>()
    };
    let (one, again, other) = (drawn(1).await, drawn(1).await, drawn(2).await);
    assert_eq!(one, again);
    assert_ne!(one, other);
    let kinds: HashSet<_> = one.iter().map(std::mem::discriminant).collect();
    assert_eq!(kinds.len(), 7, "all of them occur: {one:?}");
    let scene = Scene::new().await;
    let mut socket = scene.raw.identify(READS).await;
    socket.names().await;
    scene.server.befall(scene.bot.id, SocketFault::Double(1));
    scene.alice.says(scene.channel, "hello");
    assert_eq!(socket.names().await, ["MESSAGE_CREATE"; 2]);
    scene.server.befall(scene.bot.id, SocketFault::Close(4008));
    assert_eq!(socket.closed().await.code, 4008);
}

#[tokio::test]
async fn the_same_seed_brings_the_same_faults() {
    let run = async |seed| {
        let clock = Clock::stopped();
        let server = DiscordServer::builder(seed).clock(&clock).without_limits().start().await;
        let (alice, bot) = (server.add_user("alice"), server.add_bot("bot", BotRules::default()));
        let guild = server.add_guild("home", &alice, &[bot.id]);
        let path = format!("/channels/{}/messages", server.add_channel(guild, "general"));
        let odds = Odds { status: 200, cut: 200, shared: 100, global: 100, ..Odds::default() };
        server.chances(odds);
        let (raw, mut met) = (RawBot::new(&server, &bot), Vec::new());
        for _ in 0..40 {
            let reply = raw.try_ask("POST", &path, &json!({ "content": "hello" })).await;
            clock.advance(Duration::from_secs(1));
            met.push(reply.map(|reply| (reply.status(), reply.json["retry_after"].as_f64())));
        }
        met
    };
    let (one, again, other) = (run(1).await, run(1).await, run(2).await);
    assert_eq!(one, again);
    assert_ne!(one, other);
    let kinds = |status: u16| one.iter().flatten().any(|(met, _)| *met / 100 * 100 == status);
    assert!(kinds(200) && kinds(500) && kinds(400) && one.contains(&None), "{one:?}");
}

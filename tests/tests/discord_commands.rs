//! Slash commands on a simulated Discord: registered, and answered where people used them.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{
    Answer, Gate, Pair,
    discord::{Fault, Home, Permissions, RawBot, Scope, Snowflake, When},
    until,
};

/// A pair whose command is registered.
async fn pair(home: &Home) -> Pair {
    let command = |key: &str| format!("SG_PLATFORM__DISCORD__COMMANDS__0__{key}");
    let settings = [
        (command("NAME"), "ask".to_owned()),
        (command("DESCRIPTION"), "Asks the crab.".to_owned()),
        (command("OPTION"), "text".to_owned()),
        (command("OPTION_REQUIRED"), "false".to_owned()),
    ];
    let pair = home.pair(settings.into()).await;
    home.server.wait("the command is there", |_| (home.asked("PUT", "/commands") > 0).then_some(())).await;
    pair
}

fn uses(home: &Home, text: &str) -> Snowflake {
    let options = if text.is_empty() { json!([]) } else { json!([{ "name": "text", "type": 3, "value": text }]) };
    home.alice.runs(&home.bot, home.channel, "ask", &options)
}

#[tokio::test]
async fn a_command_is_registered_once_and_answered_in_its_place() {
    let home = Home::new(1).await;
    let raw = RawBot::new(&home.server, &home.bot);
    let mut pair = pair(&home).await;
    let known = raw.ask("GET", &format!("/applications/{}/commands", home.bot.id), &Value::Null).await.json;
    assert_eq!((&known[0]["name"], &known[0]["options"][0]["required"]), (&json!("ask"), &json!(false)));
    home.model.script(Answer::text("because"));
    let used = uses(&home, "why?");
    home.hears(&["because"]).await;
    assert_eq!(
        (home.server.answered(used), home.asked("PATCH", "@original"), home.asked("POST", "/messages")),
        (Some(5), 1, 0)
    );
    assert!(format!("{:?}", home.model.requests()[0]).contains("why?"));
    // What it said is remembered, and what is there needs no second registration.
    pair.gateway.kill9();
    pair.gateway.restart();
    pair.gateway.wait_ready().await;
    home.model.script(Answer::text("as I said"));
    uses(&home, "");
    home.hears(&["because", "as I said"]).await;
    let asked = format!("{:?}", home.model.requests()[1]);
    assert!(asked.contains("because") && asked.contains("/ask"), "{asked}");
    assert_eq!((home.asked("PUT", "/commands"), home.server.limits_broken()), (1, 0));
    assert_eq!(pair.redis.command(["KEYS", "sg:interaction:discord:*"]).await.list().len(), 2);
    let ttl = pair.redis.command(["TTL", &format!("sg:interaction:discord:{used}")]).await.number();
    assert!((1..=900).contains(&ttl), "{ttl}");
}

#[tokio::test]
async fn whatever_an_answer_to_a_command_meets_it_is_there_once() {
    let home = Home::new(2).await;
    let _pair = pair(&home).await;
    let mut said = Vec::new();
    for (number, fault) in [
        Fault::Status(502, When::After),
        Fault::Cut(When::After),
        Fault::Cut(When::Before),
        Fault::TooMany(Scope::User, Duration::from_millis(300)),
    ]
    .into_iter()
    .enumerate()
    {
        home.server.script("PATCH", "@original", fault);
        said.push(format!("answer {number}"));
        home.model.script(Answer::text(&said[number]));
        uses(&home, "again?");
        home.hears(&said.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    // It is not acknowledged at once, and the answer is there before that.
    home.server.script("POST", "/callback", Fault::Status(503, When::Before));
    home.model.script(Answer::text("late"));
    uses(&home, "and now?");
    said.push("late".into());
    home.hears(&said.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!((home.asked("POST", "/messages"), home.server.limits_broken()), (0, 0));
}

#[tokio::test]
async fn an_answer_grows_in_its_place_and_goes_on_below() {
    let home = Home::new(3).await;
    let pair = pair(&home).await;
    let gate = Gate::new();
    let words: Vec<String> = (0..600).map(|n| format!("w{n} ")).collect();
    home.model.script(Answer::paced(&gate, words.iter().map(String::as_str)));
    uses(&home, "everything");
    gate.release(5);
    home.server.wait_seen(home.channel, "w0").await;
    assert_eq!(home.said().len(), 1);
    gate.open();
    let whole = |home: &Home| home.said().join(" ").split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let all: Vec<String> = words.iter().map(|word| word.trim().to_owned()).collect();
    home.server.wait("all of it", |_| (whole(&home) == all).then_some(())).await;
    assert!(home.said().len() > 1);
    until("nothing is left to do", || async { pair.unfinished().await == 0 }).await;
    assert_eq!((home.asked("PATCH", "@original"), home.server.limits_broken()), (1, 0));
}

#[tokio::test]
async fn who_stops_an_answer_before_it_began_sees_no_thinking_any_more() {
    let home = Home::new(4).await;
    let pair = pair(&home).await;
    let gate = Gate::new();
    home.model.script(Answer::paced(&gate, ["never", "seen"]));
    uses(&home, "hello?");
    home.hears(&["(thinking)"]).await;
    home.model.request(0).await;
    let stop = codec::Inbound {
        channel_key: format!("discord:{}", home.channel),
        kind: codec::Kind::Interaction,
        platform: "discord".into(),
        channel_id: home.channel.to_string(),
        user_id: "1".into(),
        message_id: "1".into(),
        timestamp: 1.0,
        custom_id: "sg:stop".into(),
        event_id: Some("discord:interaction:1".into()),
        trace_id: "t".into(),
        ..codec::Inbound::default()
    };
    pair.append("sg:stream:inbound", &stop.to_bytes()).await;
    home.hears(&[]).await;
    assert_eq!(pair.dead_letters().await, Vec::<String>::new());
}

#[tokio::test]
async fn where_the_bot_may_not_write_a_command_is_answered_all_the_same() {
    let home = Home::new(5).await;
    home.server.deny(home.channel, home.bot.id, Permissions::VIEW_CHANNEL);
    let pair = pair(&home).await;
    let words: Vec<String> = (0..900).map(|n| format!("w{n}")).collect();
    home.model.script(Answer::text(&words.join(" ")));
    uses(&home, "everything");
    let whole = |home: &Home| home.said().join(" ").split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    home.server.wait("all of it", |_| (whole(&home) == words).then_some(())).await;
    until("nothing is left to do", || async { pair.unfinished().await == 0 }).await;
    assert_eq!((home.said().len() > 1, home.server.invalid_requests(), home.server.limits_broken()), (true, 0, 0));
}

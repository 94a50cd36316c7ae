//! What is asked of a simulated Discord by `rpc` actions, and how the gateway answers.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so at once")]

use std::time::Duration;

use bus::{Role, Shards, unix_ms};
use codec::{ActionType, AnswerView, Outbound, Raw};
use serde_json::{Value, json};
use tests::{
    Gate, ModelServer, PATIENCE, Pair, Settings,
    discord::{Fault, Home, Permissions, Snowflake, When},
    eventually,
};

const ANSWERS: &str = "sg:stream:reply:service-1";

/// A service that asks through the gateway, and counts what it asked.
struct Service {
    pair: Pair,
    asked: u32,
}

/// Where it publishes: on the stream of everybody, or on that of the lane's shard.
#[derive(Debug, Clone, Copy)]
enum By {
    Plain,
    Shard,
}

impl Service {
    async fn new(home: &Home) -> Self {
        Self { pair: home.pair(Settings::new()).await, asked: 0 }
    }

    /// Asks on the plain stream, with patience.
    async fn asks(&mut self, method: &str, args: Value) -> Result<Value, String> {
        self.asks_by(By::Plain, "discord", method, args, later(PATIENCE)).await
    }

    /// The result, or the code of the refusal.
    async fn asks_by(
        &mut self,
        by: By,
        platform: &str,
        method: &str,
        args: Value,
        deadline: u64,
    ) -> Result<Value, String> {
        self.asked += 1;
        let key = format!("service:{}:0", self.asked);
        let lane = format!("{platform}:{}", args["channel_id"].as_str().unwrap_or_default());
        let stream = match by {
            By::Plain => format!("sg:stream:outbound:{platform}"),
            By::Shard => {
                let bus = self.pair.redis.bus(Shards::DEFAULT).await;
                bus.names().stream(&Role::Outbound(platform.into()), bus.names().shards.of(&lane))
            }
        };
        let action = Outbound {
            channel_key: Some(lane),
            platform: platform.into(),
            action: ActionType::Rpc,
            message_key: Some(key.clone()),
            method: Some(method.into()),
            args: Raw::new(rmp_serde::to_vec_named(&args).unwrap().into()).ok(),
            reply_stream: Some(ANSWERS.into()),
            deadline: Some(deadline),
            trace_id: "t".into(),
            ..Outbound::default()
        };
        assert_eq!(action.validate(), Ok(()));
        self.pair.append(&stream, &action.to_bytes()).await;
        eventually(&format!("{method} is answered"), || self.answer(&key)).await
    }

    async fn answer(&self, key: &str) -> Option<Result<Value, String>> {
        let entries = self.pair.redis.command(["XRANGE", ANSWERS, "-", "+"]).await;
        entries.list().iter().find_map(|entry| {
            let answer = AnswerView::decode(entry.list()[1].list()[1].bytes()).unwrap();
            (answer.id == key).then(|| match (answer.ok, answer.result, answer.error) {
                (true, Some(result), None) => Ok(rmp_serde::from_slice(result.as_bytes()).unwrap()),
                (false, None, Some(refusal)) => Err(refusal.code.into()),
                other => panic!("{other:?}"),
            })
        })
    }

    /// The messages of a history.
    async fn reads(&mut self, by: By, args: Value) -> Vec<Value> {
        let told = self.asks_by(by, "discord", "history", args, later(PATIENCE)).await.unwrap();
        told["messages"].as_array().unwrap().clone()
    }
}

fn contents(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["content"].as_str().unwrap()).collect()
}

/// A deadline.
fn later(by: Duration) -> u64 {
    unix_ms() + by.as_millis() as u64
}

#[tokio::test]
async fn a_history_is_told_oldest_first_and_page_by_page() {
    let home = Home::new(1).await;
    let mut service = Service::new(&home).await;
    let first = home.alice.says(home.channel, "first");
    let asked = home.asks("and you?");
    home.hears(&[ModelServer::SAYS]).await;
    // To a person: a reply to the bot would be answered.
    let last = home.alice.replies(first, "last");
    let question = format!("<@{}> and you?", home.bot.id);
    let all = ["first", &*question, ModelServer::SAYS, "last"];
    let told = service.reads(By::Shard, json!({ "channel_id": home.channel, "limit": 1_000 })).await;
    assert_eq!(contents(&told), all, "as many as one answer can have");
    let page = service.reads(By::Plain, json!({ "channel_id": home.channel, "limit": 2 })).await;
    assert_eq!(contents(&page), all[2..], "the newest two");
    let before = json!({ "channel_id": home.channel, "limit": 2, "before": page[0]["message_id"] });
    assert_eq!(contents(&service.reads(By::Shard, before).await), all[..2], "and those before them");
    let before = json!({ "channel_id": home.channel, "before": first });
    assert_eq!(contents(&service.reads(By::Plain, before).await), [""; 0], "nothing was earlier");
    let message = |at: usize| &told[at];
    let alice = json!({
        "message_id": asked, "user_id": home.alice.id, "username": "alice", "is_bot": false, "content": question,
        "timestamp": asked.time().as_millis() as f64 / 1000.0, "reply_to": null,
    });
    assert_eq!(*message(1), alice);
    let bot = (&message(2)["user_id"], &message(2)["username"], &message(2)["is_bot"]);
    assert_eq!(bot, (&json!(home.bot.id), &json!("crab"), &json!(true)));
    assert_eq!((&message(3)["message_id"], &message(3)["reply_to"]), (&json!(last), &json!(first)));
    assert_eq!((service.pair.dead_letters().await, home.server.limits_broken()), (Vec::new(), 0));
}

#[tokio::test]
async fn a_channel_and_a_member_are_told() {
    let home = Home::new(2).await;
    let mut service = Service::new(&home).await;
    let topic = home.alice.says(home.channel, "a topic");
    let thread = home.alice.starts_thread(topic, "topic");
    let channel = service.asks("channel", json!({ "channel_id": home.channel })).await.unwrap();
    let expected = json!({
        "channel_id": home.channel, "name": "general", "topic": null, "guild_id": home.guild, "parent_id": null, "type": 0,
    });
    assert_eq!(channel, expected);
    let thread = service.asks("channel", json!({ "channel_id": thread })).await.unwrap();
    assert_eq!((&thread["parent_id"], &thread["type"]), (&json!(home.channel), &json!(11)));
    for (user, name, is_bot) in [(home.alice.id, "alice", false), (home.bot.id, "crab", true)] {
        let told = service.asks("member", json!({ "guild_id": home.guild, "user_id": user })).await.unwrap();
        let shown = (&told["user_id"], &told["username"], &told["is_bot"], &told["roles"]);
        assert_eq!(shown, (&json!(user), &json!(name), &json!(is_bot), &json!([])));
        assert!(told["joined_at"].is_string(), "{told}");
    }
}

#[tokio::test]
async fn what_a_platform_can_do_is_told_as_it_stands_in_redis() {
    let home = Home::new(3).await;
    let mut service = Service::new(&home).await;
    for (platform, longest) in [("discord", json!(2000)), ("webchat", Value::Null)] {
        let told = service.asks_by(By::Plain, platform, "capabilities", json!({}), later(PATIENCE)).await.unwrap();
        let kept = service.pair.redis.command(["GET", &format!("sg:capabilities:{platform}")]).await;
        assert_eq!(told, serde_json::from_str::<Value>(kept.text()).unwrap());
        assert_eq!((&told["text"]["text"], &told["edits"]), (&longest, &json!(true)), "{platform}: {told}");
    }
}

#[tokio::test]
async fn what_cannot_be_told_has_a_code() {
    let home = Home::new(4).await;
    let closed = home.server.add_channel(home.guild, "closed");
    home.server.deny(closed, home.bot.id, Permissions::VIEW_CHANNEL);
    let mut service = Service::new(&home).await;
    let nowhere = Snowflake(1);
    let in_guild = |user: Value| json!({ "guild_id": home.guild, "user_id": user });
    for (method, args, code) in [
        ("history", json!({ "channel_id": closed }), "forbidden"),
        ("channel", json!({ "channel_id": closed }), "forbidden"),
        ("history", json!({ "channel_id": nowhere }), "channel_gone"),
        ("channel", json!({ "channel_id": nowhere }), "channel_gone"),
        ("member", in_guild(json!(nowhere)), "invalid"),
    ] {
        assert_eq!(service.asks(method, args.clone()).await, Err(code.into()), "{method} {args}");
    }
    let asked = || {
        let paths = home.server.exchanges().into_iter().map(|exchange| exchange.path);
        let is_ours =
            |path: &String| path.starts_with("/channels/") || path.contains("/members/") || path == "/users/@me";
        paths.filter(is_ours).count()
    };
    let before = asked();
    for (method, args, code) in [
        ("history", json!({}), "bad_arguments"),
        ("history", json!({ "channel_id": home.channel, "before": "yesterday" }), "bad_arguments"),
        ("channel", json!({ "channel_id": "../users/@me" }), "bad_arguments"),
        ("member", in_guild(Value::Null), "bad_arguments"),
        ("ban", in_guild(json!(home.alice.id)), "unknown_method"),
    ] {
        assert_eq!(service.asks(method, args.clone()).await, Err(code.into()), "{method} {args}");
    }
    let here = json!({ "channel_id": home.channel });
    for by in [By::Plain, By::Shard] {
        assert_eq!(service.asks_by(by, "discord", "history", here.clone(), 1).await, Err("timeout".into()), "{by:?}");
    }
    assert_eq!(asked(), before, "for none of them Discord was asked");
    assert_eq!((service.pair.dead_letters().await, home.server.limits_broken()), (Vec::new(), 0));
}

#[tokio::test]
async fn an_answer_that_comes_after_the_deadline_holds_its_lane_no_longer() {
    let home = Home::new(5).await;
    let mut service = Service::new(&home).await;
    home.alice.says(home.channel, "hello");
    let gate = Gate::new();
    let (here, soon) = (json!({ "channel_id": home.channel }), Duration::from_millis(500));
    for by in [By::Plain, By::Shard] {
        home.server.script("GET", "/messages?limit=50", Fault::Held(gate.clone(), When::Before));
        let told = service.asks_by(by, "discord", "history", here.clone(), later(soon)).await;
        assert_eq!(told, Err("timeout".into()), "{by:?}");
        assert_eq!(contents(&service.reads(by, here.clone()).await), ["hello"], "the next one in the lane");
    }
    gate.open();
}

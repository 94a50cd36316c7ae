//! Channels, threads, guilds, people, reactions and commands.

use serde_json::{Value, json};
use tests::discord::{BotRules, DiscordBuilder, Intents};

use crate::{READS, Scene};

#[tokio::test]
async fn reactions_are_added_counted_and_removed() {
    let scene = Scene::free().await;
    let mut socket = scene.raw.identify(READS).await;
    let message = scene.alice.says(scene.channel, "hello");
    let path = |emoji: &str| format!("{}/reactions/{emoji}", scene.message(message));
    let (thumb, custom) = ("%F0%9F%91%8D", "party:123");
    let ask = async |method: &str, path: String| scene.raw.ask(method, &path, &Value::Null).await;
    assert_eq!(ask("PUT", path(thumb) + "/@me").await.status(), 204);
    let told = socket.event("MESSAGE_REACTION_ADD").await;
    assert_eq!((&told["user_id"], &told["emoji"]["name"]), (&json!(scene.bot.id), &json!("👍")));
    assert_eq!(ask("PUT", path(custom) + "/@me").await.status(), 204);
    assert_eq!(ask("PUT", path("thumb") + "/@me").await.failure(), (400, 10014));
    scene.alice.reacts(message, "👍");
    let shown = scene.raw.ask("GET", &scene.message(message), &Value::Null).await.json["reactions"].clone();
    assert_eq!(
        (&shown[0]["count"], &shown[0]["me"], &shown[1]["emoji"]["id"]),
        (&json!(2), &json!(true), &json!("123"))
    );
    assert_eq!(ask("GET", path(thumb)).await.json.as_array().unwrap().len(), 2);
    assert_eq!(ask("DELETE", format!("{}/{}", path(thumb), scene.alice.id)).await.failure(), (403, 50013));
    assert_eq!(ask("DELETE", path(thumb) + "/@me").await.status(), 204);
    assert_eq!(ask("DELETE", path(thumb) + "/@me").await.failure(), (400, 10014), "not there any more");
    socket.event("MESSAGE_REACTION_REMOVE").await;
    let seen = scene.server.seen(scene.channel).remove(0).reactions;
    assert_eq!(seen, [("👍".to_owned(), vec!["alice".to_owned()]), ("party".to_owned(), vec!["bot".to_owned()])]);
}

#[tokio::test]
async fn a_thread_has_the_id_of_its_message() {
    let scene = Scene::free().await;
    let mut socket = scene.raw.identify(READS).await;
    let message = scene.alice.says(scene.channel, "a topic");
    let path = format!("{}/threads", scene.message(message));
    let made = scene.raw.ask("POST", &path, &json!({ "name": "topic" })).await;
    assert_eq!((made.id(), &made.json["type"], &made.json["parent_id"]), (message, &json!(11), &json!(scene.channel)));
    assert_eq!(socket.event("THREAD_CREATE").await["id"], json!(message));
    assert_eq!(socket.event("MESSAGE_UPDATE").await["flags"], 1 << 5);
    assert_eq!(scene.raw.ask("POST", &path, &json!({ "name": "topic" })).await.failure(), (400, 160_004));
    let inside = format!("/channels/{message}/messages");
    assert_eq!(scene.raw.ask("POST", &inside, &json!({ "content": "inside" })).await.status(), 200);
    assert_eq!(scene.server.screen(message), ["bot: inside"]);
    let alone = format!("/channels/{}/threads", scene.channel);
    let nameless = scene.raw.ask("POST", &alone, &json!({ "name": "", "type": 11 })).await;
    assert_eq!(nameless.failure(), (400, 50035));
    let other = scene.raw.ask("POST", &alone, &json!({ "name": "other", "type": 11 })).await.id();
    assert_eq!(scene.server.threads(scene.channel), [message, other]);
    assert_eq!(
        scene.raw.ask("PUT", &format!("/channels/{other}/thread-members/@me"), &Value::Null).await.status(),
        204
    );
    let nested = scene.raw.ask("POST", &format!("/channels/{other}/threads"), &json!({ "name": "deeper" })).await;
    assert_eq!(nested.failure(), (400, 50024));
    let theirs = scene.alice.starts_thread(scene.alice.says(scene.channel, "mine"), "mine");
    scene.alice.says(theirs, "in mine");
    assert_eq!(socket.event("MESSAGE_CREATE").await["content"], "inside");
    scene.alice.joins(other);
}

#[tokio::test]
async fn a_deleted_channel_is_gone_with_its_threads() {
    let scene = Scene::free().await;
    let mut socket = scene.raw.identify(READS).await;
    let thread = scene.alice.starts_thread(scene.alice.says(scene.channel, "a topic"), "topic");
    let other = scene.server.add_channel(scene.guild, "other");
    scene.server.delete_channel(scene.channel);
    let told = socket.event("CHANNEL_DELETE").await;
    assert_eq!((&told["id"], &told["guild_id"]), (&json!(scene.channel), &json!(scene.guild)));
    for place in [scene.channel, thread] {
        let path = format!("/channels/{place}/messages");
        assert_eq!(scene.raw.ask("POST", &path, &json!({ "content": "anyone?" })).await.failure(), (404, 10003));
        assert_eq!(scene.raw.ask("GET", &format!("/channels/{place}"), &Value::Null).await.failure(), (404, 10003));
    }
    let left = scene.raw.ask("GET", &format!("/guilds/{}/channels", scene.guild), &Value::Null).await.json;
    assert_eq!((&left[0]["id"], left.as_array().unwrap().len()), (&json!(other), 1));
}

#[tokio::test]
async fn guilds_and_people_are_shown() {
    let rules = BotRules { privileged: Intents(0), ..BotRules::default() };
    let scene = Scene::with(DiscordBuilder::without_limits, rules).await;
    let get = async |path: String| scene.raw.ask("GET", &path, &Value::Null).await;
    let guild = format!("/guilds/{}", scene.guild);
    assert_eq!(get(guild.clone()).await.json["name"], "home");
    assert_eq!(get(format!("{guild}/channels")).await.json[0]["name"], "general");
    assert_eq!(get(format!("{guild}/roles")).await.json[0]["name"], "@everyone");
    assert_eq!(get(format!("{guild}/members/{}", scene.alice.id)).await.json["user"]["username"], "alice");
    assert_eq!(get(format!("{guild}/members/1")).await.failure(), (404, 10007));
    assert_eq!(get(format!("{guild}/members")).await.failure(), (403, 50001), "the intent is not turned on");
    assert_eq!(get("/guilds/1".into()).await.failure(), (404, 10004));
    let bob = scene.server.add_user("bob");
    let closed = scene.server.add_guild("elsewhere", &bob, &[]);
    assert_eq!(get(format!("/guilds/{closed}")).await.failure(), (403, 50001));
    assert_eq!(get("/users/@me".into()).await.json["bot"], true);
    assert_eq!(get(format!("/users/{}", bob.id)).await.json["username"], "bob");
    assert_eq!(get("/oauth2/applications/@me".into()).await.json["id"], json!(scene.bot.id));
    assert_eq!(get("/gateway".into()).await.json["url"], json!(scene.server.gateway_url()));
    assert_eq!(get("/no/such/path".into()).await.failure(), (404, 0));
    let mut socket = scene.raw.identify(Intents(1)).await;
    scene.server.add_member(closed, scene.bot.id);
    assert_eq!(socket.event("GUILD_CREATE").await["name"], "home");
    assert_eq!(socket.event("GUILD_CREATE").await["name"], "elsewhere", "it was taken in");
}

#[tokio::test]
async fn commands_are_kept_as_they_were_last_written() {
    let scene = Scene::free().await;
    let everywhere = format!("/applications/{}/commands", scene.bot.id);
    let here = format!("/applications/{}/guilds/{}/commands", scene.bot.id, scene.guild);
    let command = |name: &str| json!({ "name": name, "description": "does it", "type": 1 });
    let put = async |path: &str, commands: Value| scene.raw.ask("PUT", path, &commands).await;
    let made = put(&everywhere, json!([command("ask"), command("stop")])).await;
    assert_eq!((made.status(), &made.json[0]["application_id"]), (200, &json!(scene.bot.id)));
    assert_eq!(put(&everywhere, json!([command("ask")])).await.json.as_array().unwrap().len(), 1);
    assert_eq!(scene.raw.ask("GET", &everywhere, &Value::Null).await.json.as_array().unwrap().len(), 1);
    assert_eq!(scene.raw.ask("POST", &here, &command("local")).await.json["guild_id"], json!(scene.guild));
    for name in ["", "Big", "two words", &"n".repeat(33)] {
        assert_eq!(put(&everywhere, json!([command(name)])).await.failure(), (400, 50035), "{name}");
    }
    assert_eq!(put("/applications/1/commands", json!([])).await.failure(), (403, 50001));
}

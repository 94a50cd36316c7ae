//! Messages: what is taken, what is refused, what is remembered.

use std::time::Duration;

use serde_json::{Value, json};
use tests::discord::{BotRules, Intents, Permissions, Snowflake};

use crate::{READS, Scene};

#[tokio::test]
async fn a_message_is_sent_edited_read_and_deleted() {
    let scene = Scene::free().await;
    let mut socket = scene.raw.identify(READS).await;
    let sent = scene.raw.ask("POST", &scene.messages(), &json!({ "content": "hello", "nonce": 7 })).await;
    assert_eq!(
        (&sent.json["content"], &sent.json["nonce"], &sent.json["type"]),
        (&json!("hello"), &json!(7), &json!(0))
    );
    let told = socket.event("MESSAGE_CREATE").await;
    assert_eq!((&told["id"], &told["guild_id"], &told["nonce"]), (&json!(sent.id()), &json!(scene.guild), &json!(7)));
    let edited = scene.raw.ask("PATCH", &scene.message(sent.id()), &json!({ "content": "hello, you" })).await;
    assert_eq!(edited.json["content"], "hello, you");
    assert!(edited.json["edited_timestamp"].is_string());
    assert_eq!(socket.event("MESSAGE_UPDATE").await["content"], "hello, you");
    assert_eq!(scene.server.screen(scene.channel), ["bot: hello, you"]);
    assert_eq!(scene.server.seen(scene.channel)[0].earlier, ["hello"]);
    assert_eq!(scene.raw.ask("DELETE", &scene.message(sent.id()), &Value::Null).await.status(), 204);
    assert_eq!(socket.event("MESSAGE_DELETE").await["id"], json!(sent.id()));
    for method in ["GET", "PATCH", "DELETE"] {
        let gone = scene.raw.ask(method, &scene.message(sent.id()), &json!({ "content": "?" })).await;
        assert_eq!(gone.failure(), (404, 10008), "{method}");
    }
    assert!(scene.server.seen(scene.channel)[0].is_deleted);
}

#[tokio::test]
async fn an_enforced_nonce_makes_one_message_of_two_requests() {
    let scene = Scene::free().await;
    let other = scene.server.add_channel(scene.guild, "other");
    let send = async |path: &str, nonce: &str, enforce: bool, text: &str| {
        scene.raw.ask("POST", path, &json!({ "content": text, "nonce": nonce, "enforce_nonce": enforce })).await
    };
    let here = scene.messages();
    let first = send(&here, "n", true, "one").await;
    let again = send(&here, "n", true, "another text").await;
    assert_eq!((again.status(), again.id(), &again.json["content"]), (200, first.id(), &json!("one")));
    let elsewhere = send(&format!("/channels/{other}/messages"), "n", true, "one").await;
    assert_eq!(elsewhere.id(), first.id(), "it is of the author, whatever the channel");
    assert_ne!(send(&here, "n", false, "two").await.id(), first.id(), "only who enforces it is held to it");
    assert_ne!(send(&here, "m", true, "three").await.id(), first.id());
    assert_eq!(scene.server.screen(scene.channel), ["bot: one", "bot: two", "bot: three"]);
    scene.raw.ask("DELETE", &scene.message(first.id()), &Value::Null).await;
    assert_eq!(send(&here, "n", true, "one").await.failure(), (404, 10008), "what it stood for is gone");
    scene.clock.advance(Duration::from_secs(180));
    assert_ne!(send(&here, "n", true, "one").await.id(), first.id(), "after a few minutes it is forgotten");
}

#[tokio::test]
async fn forms_are_checked() {
    let scene = Scene::free().await;
    let wrong = async |body: Value, field: &str, code: &str| {
        let refused = scene.raw.ask("POST", &scene.messages(), &body).await;
        assert_eq!(refused.failure(), (400, 50035), "{body}");
        let place = field.split('.').fold(&refused.json["errors"], |place, part| &place[part]);
        assert_eq!(place["_errors"][0]["code"], code, "{}", refused.json);
    };
    let send = async |body: Value| scene.raw.ask("POST", &scene.messages(), &body).await;
    let long = "ä".repeat(2000);
    assert_eq!(send(json!({ "content": long })).await.status(), 200, "characters count, not bytes");
    wrong(json!({ "content": format!("{long}!") }), "content", "BASE_TYPE_MAX_LENGTH").await;
    wrong(json!({ "content": "x", "nonce": "n".repeat(26) }), "nonce", "BASE_TYPE_MAX_LENGTH").await;
    assert_eq!(send(json!({ "content": "x", "nonce": "n".repeat(25) })).await.status(), 200);
    for empty in [json!({}), json!({ "content": " \n" }), json!({ "embeds": [], "tts": false })] {
        assert_eq!(send(empty).await.failure(), (400, 50006));
    }
    let unknown = json!({ "content": "x", "message_reference": { "message_id": "1" } });
    wrong(unknown.clone(), "message_reference", "REPLIES_UNKNOWN_MESSAGE").await;
    let mut lax = unknown;
    lax["message_reference"]["fail_if_not_exists"] = json!(false);
    assert_eq!(send(lax).await.json["type"], 0, "a reply to nothing is a message");
    let row = |buttons: Vec<Value>| json!({ "type": 1, "components": buttons });
    let button = |id: &str, label: &str| json!({ "type": 2, "style": 1, "custom_id": id, "label": label });
    let with = |rows: Vec<Value>| json!({ "content": "x", "components": rows });
    let (long_id, long_label) = ("i".repeat(101), "l".repeat(81));
    wrong(with(vec![row(vec![button("a", "A")]); 6]), "components", "BASE_TYPE_BAD_LENGTH").await;
    let six = (0..6).map(|n| button(&n.to_string(), "A")).collect();
    wrong(with(vec![row(six)]), "components.0.components", "BASE_TYPE_BAD_LENGTH").await;
    wrong(with(vec![row(vec![button(&long_id, "A")])]), "components.0.components.0.custom_id", "BASE_TYPE_MAX_LENGTH")
        .await;
    wrong(with(vec![row(vec![button("a", &long_label)])]), "components.0.components.0.label", "BASE_TYPE_MAX_LENGTH")
        .await;
    let twice = vec![row(vec![button("a", "A"), button("a", "B")])];
    wrong(with(twice), "components.0.components.1.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED").await;
    wrong(with(vec![button("a", "A")]), "components.0.type", "UNION_TYPE_CHOICES").await;
    assert_eq!(send(with(vec![row(vec![button("a", "A"), button("b", "B")])])).await.status(), 200);
    let embeds = vec![json!({ "title": "t" }); 11];
    wrong(json!({ "embeds": embeds }), "embeds", "BASE_TYPE_MAX_LENGTH").await;
}

#[tokio::test]
async fn who_may_not_is_refused_by_the_right_code() {
    let scene = Scene::free().await;
    let hello = json!({ "content": "hello" });
    let send = async || scene.raw.ask("POST", &scene.messages(), &hello).await.failure();
    assert_eq!(scene.raw.ask("POST", "/channels/1/messages", &hello).await.failure(), (404, 10003));
    assert_eq!(scene.raw.ask("POST", "/channels/x/messages", &hello).await.failure(), (400, 50035));
    let theirs = scene.alice.says(scene.channel, "mine");
    let edit = scene.raw.ask("PATCH", &scene.message(theirs), &hello).await;
    assert_eq!(edit.failure(), (403, 50005));
    let delete = async || scene.raw.ask("DELETE", &scene.message(theirs), &Value::Null).await;
    assert_eq!(delete().await.failure(), (403, 50013));
    scene.server.deny(scene.channel, scene.bot.id, Permissions::SEND_MESSAGES);
    assert_eq!(send().await, (403, 50013));
    scene.server.deny(scene.channel, scene.bot.id, Permissions::VIEW_CHANNEL);
    assert_eq!(send().await, (403, 50001));
    scene.server.allow(scene.channel, scene.bot.id, Permissions::MANAGE_MESSAGES);
    assert_eq!(delete().await.status(), 204, "it may now");
    let opened = scene.raw.ask("POST", "/users/@me/channels", &json!({ "recipient_id": scene.alice.id })).await;
    let dm = format!("/channels/{}/messages", opened.id());
    assert_eq!(scene.raw.ask("POST", &dm, &hello).await.status(), 200);
    scene.alice.closes_dms(true);
    assert_eq!(scene.raw.ask("POST", &dm, &hello).await.failure(), (403, 50007));
    assert_eq!(
        scene.raw.ask("POST", "/users/@me/channels", &json!({ "recipient_id": "1" })).await.failure(),
        (404, 10013)
    );
}

#[tokio::test]
async fn history_is_read_by_page() {
    let scene = Scene::free().await;
    let ids: Vec<Snowflake> = (0..7).map(|n| scene.alice.says(scene.channel, &n.to_string())).collect();
    scene.alice.deletes(ids[3]);
    let read = async |query: &str| {
        let page = scene.raw.ask("GET", &format!("{}?{query}", scene.messages()), &Value::Null).await;
        let texts = page.json.as_array().cloned().unwrap_or_else(|| panic!("{query}: {}", page.json));
        texts.iter().map(|message| message["content"].as_str().unwrap().to_owned()).collect::<String>()
    };
    assert_eq!(read("").await, "654210", "newest first, without what was deleted");
    assert_eq!(read("limit=2").await, "65");
    assert_eq!(read(&format!("before={}&limit=2", ids[4])).await, "21");
    assert_eq!(read(&format!("after={}&limit=2", ids[1])).await, "42");
    assert_eq!(read(&format!("around={}&limit=3", ids[4])).await, "542");
    for limit in ["0", "101", "x"] {
        let refused = scene.raw.ask("GET", &format!("{}?limit={limit}", scene.messages()), &Value::Null).await;
        assert_eq!(refused.failure(), (400, 50035), "{limit}");
    }
    scene.server.deny(scene.channel, scene.bot.id, Permissions::READ_MESSAGE_HISTORY);
    assert_eq!(read("").await, "", "who may not read has nothing to read");
}

#[tokio::test]
async fn without_the_intent_for_content_http_shows_none_either() {
    let rules = BotRules { privileged: Intents(0), ..BotRules::default() };
    let scene = Scene::with(|builder| builder, rules).await;
    let theirs = scene.alice.says(scene.channel, "secret");
    assert_eq!(scene.raw.ask("GET", &scene.message(theirs), &Value::Null).await.json["content"], "");
    assert_eq!(scene.raw.ask("POST", &scene.messages(), &json!({ "content": "mine" })).await.json["content"], "mine");
}

#[tokio::test]
async fn mentions_are_those_that_are_allowed() {
    let scene = Scene::free().await;
    let text = format!("<@{}> @everyone", scene.alice.id);
    let send = async |allowed: Value| {
        let mut body = json!({ "content": text });
        if !allowed.is_null() {
            body["allowed_mentions"] = allowed;
        }
        let sent = scene.raw.ask("POST", &scene.messages(), &body).await.json;
        (sent["mentions"].as_array().unwrap().len(), sent["mention_everyone"].as_bool().unwrap())
    };
    assert_eq!(send(Value::Null).await, (1, true));
    assert_eq!(send(json!({ "parse": [] })).await, (0, false));
    assert_eq!(send(json!({ "parse": ["everyone"], "users": [scene.alice.id] })).await, (1, true));
    let asked = scene.alice.says(scene.channel, "?");
    let reference = json!({ "message_id": asked });
    let reply =
        scene.raw.ask("POST", &scene.messages(), &json!({ "content": "!", "message_reference": reference })).await.json;
    assert_eq!((&reply["type"], &reply["referenced_message"]["content"]), (&json!(19), &json!("?")));
    assert_eq!(reply["mentions"][0]["id"], json!(scene.alice.id), "a reply mentions whom it replies to");
}

#[tokio::test]
async fn files_come_as_parts_and_are_fetched_by_an_address_that_expires() {
    let scene = Scene::free().await;
    let payload = json!({ "content": "look", "attachments": [{ "id": 0, "description": "a poem" }] });
    let sent = scene.raw.upload(&scene.messages(), &payload, &[("poem.txt", "roses"), ("more.txt", "violets")]).await;
    assert_eq!(sent.status(), 200, "{}", sent.json);
    let files = &sent.json["attachments"];
    assert_eq!(
        (&files[0]["filename"], &files[0]["size"], &files[0]["description"]),
        (&json!("poem.txt"), &json!(5), &json!("a poem"))
    );
    assert_eq!((&files[1]["filename"], &files[1]["content_type"]), (&json!("more.txt"), &json!("text/plain")));
    let url = files[0]["url"].as_str().unwrap();
    let fetched = scene.raw.fetch(url).await;
    assert_eq!(
        (fetched.status, fetched.body.as_str(), fetched.header("content-type")),
        (200, "roses", Some("text/plain"))
    );
    assert_eq!(scene.raw.fetch(&url.replace("ex=", "ex=f")).await.status, 404, "the time is signed");
    assert_eq!(scene.raw.fetch(url.split('?').next().unwrap()).await.status, 404);
    scene.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(scene.raw.fetch(url).await.status, 404);
    let again = scene.raw.ask("GET", &scene.message(sent.id()), &Value::Null).await;
    assert_eq!(
        scene.raw.fetch(again.json["attachments"][0]["url"].as_str().unwrap()).await.status,
        200,
        "a new address"
    );
    // Files alone are a message; a file that is named has to be there; too large a one is refused.
    assert_eq!(scene.raw.upload(&scene.messages(), &json!({}), &[("a.txt", "a")]).await.status(), 200);
    let missing = json!({ "attachments": [{ "id": 3 }] });
    assert_eq!(scene.raw.upload(&scene.messages(), &missing, &[("a.txt", "a")]).await.failure(), (400, 50035));
    let large = "x".repeat((10 << 20) + 1);
    assert_eq!(scene.raw.upload(&scene.messages(), &json!({}), &[("a.txt", &large)]).await.failure(), (413, 40005));
    scene.server.deny(scene.channel, scene.bot.id, Permissions::ATTACH_FILES);
    assert_eq!(scene.raw.upload(&scene.messages(), &json!({}), &[("a.txt", "a")]).await.failure(), (403, 50013));
    let edited = scene.raw.ask("PATCH", &scene.message(sent.id()), &json!({ "attachments": [] })).await;
    assert_eq!(edited.json["attachments"], json!([]), "those that are not named any more are gone");
}

#[tokio::test]
async fn many_are_deleted_at_once() {
    let scene = Scene::free().await;
    let mut socket = scene.raw.identify(READS).await;
    let path = format!("{}/bulk-delete", scene.messages());
    let ids: Vec<_> = (0..3).map(|n| scene.alice.says(scene.channel, &n.to_string())).collect();
    let delete = async |ids: &[Snowflake]| scene.raw.ask("POST", &path, &json!({ "messages": ids })).await;
    assert_eq!(delete(&ids).await.failure(), (403, 50013));
    scene.server.allow(scene.channel, scene.bot.id, Permissions::MANAGE_MESSAGES);
    assert_eq!(delete(&ids[..1]).await.failure(), (400, 50016));
    assert_eq!(delete(&ids[..2]).await.status(), 204);
    assert_eq!(socket.event("MESSAGE_DELETE_BULK").await["ids"], json!(ids[..2]));
    scene.clock.advance(Duration::from_secs(15 * 24 * 60 * 60));
    let new = scene.alice.says(scene.channel, "new");
    assert_eq!(delete(&[ids[2], new]).await.failure(), (400, 50034), "two weeks");
    scene.alice.purges(scene.channel, &[ids[2], new]);
    assert_eq!(scene.server.screen(scene.channel), [""; 0]);
}

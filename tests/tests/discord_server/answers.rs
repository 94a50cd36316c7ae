//! Buttons and slash commands, and answers in time.

use std::time::Duration;

use serde_json::{Value, json};
use tests::discord::Snowflake;

use crate::{READS, Scene};

/// A message with a button, sent by the bot.
async fn with_button(scene: &Scene) -> Snowflake {
    let button = json!({ "type": 2, "style": 1, "custom_id": "stop", "label": "Stop" });
    let body = json!({ "content": "press", "components": [{ "type": 1, "components": [button] }] });
    scene.raw.ask("POST", &scene.messages(), &body).await.id()
}

fn callback(event: &Value) -> String {
    format!("/interactions/{}/{}/callback", event["id"].as_str().unwrap(), event["token"].as_str().unwrap())
}

#[tokio::test]
async fn a_button_updates_its_message() {
    let scene = Scene::free().await;
    let mut socket = scene.raw.identify(READS).await;
    let message = with_button(&scene).await;
    let clicked = scene.alice.clicks(message, "stop");
    let event = socket.event("INTERACTION_CREATE").await;
    assert_eq!(
        (&event["id"], &event["type"], &event["data"]["custom_id"]),
        (&json!(clicked), &json!(3), &json!("stop"))
    );
    assert_eq!((&event["message"]["id"], &event["member"]["user"]["username"]), (&json!(message), &json!("alice")));
    let update = json!({ "type": 7, "data": { "content": "stopped", "components": [] } });
    assert_eq!(scene.raw.ask("POST", &callback(&event), &update).await.status(), 204);
    assert_eq!(scene.server.answered(clicked), Some(7));
    let seen = scene.server.seen(scene.channel).remove(0);
    assert_eq!((seen.content.as_str(), seen.buttons.len()), ("stopped", 0));
    assert_eq!(socket.event("MESSAGE_UPDATE").await["content"], "stopped");
    assert_eq!(scene.raw.ask("POST", &callback(&event), &update).await.failure(), (400, 40060), "once is enough");
}

#[tokio::test]
async fn an_answer_after_three_seconds_is_too_late() {
    let scene = Scene::free().await;
    let mut socket = scene.raw.identify(READS).await;
    let message = with_button(&scene).await;
    scene.alice.clicks(message, "stop");
    let event = socket.event("INTERACTION_CREATE").await;
    scene.clock.advance(Duration::from_millis(3001));
    let late = scene.raw.ask("POST", &callback(&event), &json!({ "type": 6 })).await;
    assert_eq!(late.failure(), (404, 10062));
    let unknown = scene.raw.ask("POST", "/interactions/1/x/callback", &json!({ "type": 6 })).await;
    assert_eq!(unknown.failure(), (404, 10062));
}

#[tokio::test]
async fn a_command_thinks_answers_and_follows_up() {
    let scene = Scene::free().await;
    let mut socket = scene.raw.identify(READS).await;
    let path = format!("/applications/{}/commands", scene.bot.id);
    scene.raw.ask("PUT", &path, &json!([{ "name": "ask", "description": "asks" }])).await;
    scene.alice.runs(&scene.bot, scene.channel, "ask", &json!([{ "name": "text", "type": 3, "value": "why?" }]));
    let event = socket.event("INTERACTION_CREATE").await;
    assert_eq!((&event["type"], &event["data"]["options"][0]["value"]), (&json!(2), &json!("why?")));
    let update = scene.raw.ask("POST", &callback(&event), &json!({ "type": 7, "data": { "content": "x" } })).await;
    assert_eq!(update.failure(), (400, 50035), "there is no message to update");
    let told = scene.raw.ask("POST", &(callback(&event) + "?with_response=true"), &json!({ "type": 5 })).await;
    assert_eq!(told.json["interaction"]["response_message_loading"], true);
    assert!(scene.server.seen(scene.channel)[0].is_thinking);
    let hook = format!("/webhooks/{}/{}", scene.bot.id, event["token"].as_str().unwrap());
    let original = format!("{hook}/messages/@original");
    let edited = scene.raw.ask("PATCH", &original, &json!({ "content": "because" })).await;
    assert_eq!((edited.status(), &edited.json["content"], &edited.json["flags"]), (200, &json!("because"), &json!(0)));
    assert_eq!(scene.raw.ask("GET", &original, &Value::Null).await.id(), edited.id());
    let more = scene.raw.ask("POST", &hook, &json!({ "content": "and more", "flags": 64 })).await;
    assert_eq!(more.json["flags"], 64);
    let seen = scene.server.seen(scene.channel);
    assert_eq!((seen[0].is_thinking, seen[1].only_for.as_deref()), (false, Some("alice")));
    let read = scene.raw.ask("GET", &scene.messages(), &Value::Null).await.json;
    assert_eq!(read.as_array().unwrap().len(), 1, "what one person sees is in nobody's history");
    assert_eq!(scene.raw.ask("DELETE", &format!("{hook}/messages/{}", more.id()), &Value::Null).await.status(), 204);
    assert_eq!(scene.raw.ask("DELETE", &original, &Value::Null).await.status(), 204);
    assert_eq!(scene.raw.ask("GET", &original, &Value::Null).await.failure(), (404, 10008));
    scene.clock.advance(Duration::from_secs(900));
    let expired = scene.raw.ask("POST", &hook, &json!({ "content": "late" })).await;
    assert_eq!(expired.failure(), (401, 50027), "a token lives 15 minutes");
}

#[tokio::test]
async fn in_private_the_person_is_named_at_the_top() {
    let scene = Scene::free().await;
    let mut socket = scene.raw.identify(READS).await;
    let path = format!("/applications/{}/commands", scene.bot.id);
    scene.raw.ask("PUT", &path, &json!([{ "name": "ask", "description": "asks" }])).await;
    let dm = scene.alice.opens_dm(&scene.bot);
    let id = scene.alice.runs(&scene.bot, dm, "ask", &json!([]));
    let event = socket.event("INTERACTION_CREATE").await;
    assert_eq!(
        (&event["user"]["id"], &event["guild_id"], &event["context"]),
        (&json!(scene.alice.id), &Value::Null, &json!(1))
    );
    let answer = json!({ "type": 4, "data": { "content": "here" } });
    assert_eq!(scene.raw.ask("POST", &callback(&event), &answer).await.status(), 204);
    assert_eq!(scene.server.answered(id), Some(4));
    assert_eq!(scene.server.screen(dm), ["bot: here"]);
}

//! Rate limits of HTTP, on a clock that the test moves.

use std::time::Duration;

use serde_json::{Value, json};
use tests::discord::{BotRules, Fault, Group, Scope};

use crate::Scene;

#[tokio::test]
async fn a_bucket_is_a_window_that_begins_with_its_first_request() {
    let scene = Scene::new().await;
    let send = async || scene.raw.ask("POST", &scene.messages(), &json!({ "content": "hello" })).await;
    for left in [4.0, 3.0, 2.0, 1.0, 0.0] {
        let sent = send().await;
        assert_eq!(sent.status(), 200);
        assert_eq!((sent.number("x-ratelimit-limit"), sent.number("x-ratelimit-remaining")), (Some(5.0), Some(left)));
        scene.clock.advance(Duration::from_millis(500));
    }
    let refused = send().await;
    assert_eq!(refused.status(), 429);
    let after = 2.5;
    assert_eq!(
        refused.json,
        json!({ "message": "You are being rate limited.", "retry_after": after, "global": false })
    );
    assert_eq!(refused.number("x-ratelimit-reset-after"), Some(after));
    assert_eq!(
        refused.number("x-ratelimit-reset"),
        Some((scene.clock.now() + Duration::from_secs_f64(after)).as_secs_f64())
    );
    assert_eq!(refused.number("retry-after"), Some(3.0), "whole seconds, rounded up");
    assert_eq!(refused.response.header("x-ratelimit-scope"), Some("user"));
    assert_eq!(scene.server.limits_broken(), 1, "the fifth answer said that nothing was left");
    scene.clock.advance(Duration::from_millis(2499));
    assert_eq!(send().await.status(), 429);
    scene.clock.advance(Duration::from_millis(1));
    assert_eq!(send().await.number("x-ratelimit-remaining"), Some(4.0), "all of the window comes back at once");
}

#[tokio::test]
async fn buckets_are_of_a_route_and_of_its_channel() {
    let scene = Scene::new().await;
    let other = scene.server.add_channel(scene.guild, "other");
    let elsewhere = format!("/channels/{other}/messages");
    let mut last = None;
    for _ in 0..5 {
        last = Some(scene.raw.ask("POST", &scene.messages(), &json!({ "content": "hello" })).await);
    }
    let (last, there) = (last.unwrap(), scene.raw.ask("POST", &elsewhere, &json!({ "content": "hello" })).await);
    assert_eq!((last.number("x-ratelimit-remaining"), there.number("x-ratelimit-remaining")), (Some(0.0), Some(4.0)));
    assert_eq!(
        last.response.header("x-ratelimit-bucket"),
        there.response.header("x-ratelimit-bucket"),
        "the name leaves the channel out"
    );
    let edited = scene.raw.ask("PATCH", &scene.message(last.id()), &json!({ "content": "more" })).await;
    assert_eq!(edited.status(), 429, "edits share the bucket of sends");
    let read = scene.raw.ask("GET", &scene.messages(), &Value::Null).await;
    assert_eq!(read.status(), 200, "reading does not");
    let put = format!("{}/reactions/%F0%9F%91%8D/@me", scene.message(last.id()));
    let react = async || scene.raw.ask("PUT", &put, &Value::Null).await.status();
    assert_eq!((react().await, react().await), (204, 429), "reactions have a narrow one of their own");
    scene.clock.advance(Duration::from_millis(250));
    assert_eq!(react().await, 204);
}

#[tokio::test]
async fn fifty_a_second_are_global() {
    let scene =
        Scene::with(|builder| builder.limit(Group::Other, 1000, Duration::from_secs(10)), BotRules::default()).await;
    let ask = async || scene.raw.ask("GET", "/users/@me", &Value::Null).await;
    for _ in 0..50 {
        assert_eq!(ask().await.status(), 200);
    }
    let refused = ask().await;
    assert_eq!((refused.status(), &refused.json["global"]), (429, &json!(true)));
    assert_eq!(refused.response.header("x-ratelimit-global"), Some("true"));
    assert_eq!(refused.response.header("x-ratelimit-scope"), Some("global"));
    assert_eq!(refused.number("x-ratelimit-limit"), None, "no word of the route");
    assert_eq!(scene.server.limits_broken(), 0, "nothing had told of it");
    assert_eq!(ask().await.status(), 429);
    assert_eq!(scene.server.limits_broken(), 1, "now something had");
    let path = format!("/webhooks/{}/no-such-token", scene.bot.id);
    let hook = scene.raw.ask("POST", &path, &json!({ "content": "hello" })).await;
    assert_eq!(hook.failure(), (401, 50027), "interactions are not bound to it");
    scene.clock.advance(Duration::from_secs(1));
    assert_eq!(ask().await.status(), 200);
}

#[tokio::test]
async fn invalid_requests_are_counted() {
    let scene = Scene::free().await;
    let nobody = scene.raw.ask("GET", "/channels/1", &Value::Null).await;
    assert_eq!((nobody.failure(), scene.server.invalid_requests()), ((404, 10003), 0), "a 404 is not invalid");
    scene.server.script("GET", "/users", Fault::TooMany(Scope::Shared, Duration::from_secs(1)));
    let shared = scene.raw.ask("GET", "/users/@me", &Value::Null).await;
    assert_eq!(shared.response.header("x-ratelimit-scope"), Some("shared"));
    assert_eq!((shared.status(), scene.server.invalid_requests()), (429, 0), "nor is what others used up");
    scene.clock.advance(Duration::from_secs(1));
    scene.server.script("GET", "/users", Fault::TooMany(Scope::Global, Duration::from_secs(7)));
    let ask = async || scene.raw.ask("GET", "/users/@me", &Value::Null).await;
    let told = json!({ "message": "You are being rate limited.", "retry_after": 7.0, "global": true });
    assert_eq!(ask().await.json, told);
    assert_eq!((scene.server.invalid_requests(), scene.server.limits_broken()), (1, 0));
    scene.clock.advance(Duration::from_secs(6));
    assert_eq!(ask().await.json["retry_after"], 1.0, "it was told to wait");
    assert_eq!((scene.server.invalid_requests(), scene.server.limits_broken()), (2, 1));
    scene.clock.advance(Duration::from_secs(1));
    assert_eq!(ask().await.status(), 200);
    scene.clock.advance(Duration::from_secs(600));
    assert_eq!(scene.server.invalid_requests(), 0, "after ten minutes they are forgotten");
}

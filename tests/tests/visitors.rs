//! Visitors who ask for what cannot be, by mistake or on purpose: each is told, and no other is disturbed.

use serde_json::json;
use tests::{Pair, WebChatClient, until};
use tokio_tungstenite::tungstenite::{Bytes, Message};

#[tokio::test]
async fn requests_that_cannot_be_done_are_refused_by_a_code() {
    let limits = [("SG_PLATFORM__WEBCHAT__CHATS_MAX", "2"), ("SG_PLATFORM__WEBCHAT__TEXT_MAX", "1 KiB")];
    let pair = Pair::with(&limits).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let nowhere = "A".repeat(22);
    let cases = [
        (json!({ "t": "send", "chat": chat, "text": " \n " }), "blank"),
        (json!({ "t": "send", "chat": chat, "text": "x".repeat(1025) }), "too_long"),
        (json!({ "t": "send", "chat": chat, "text": "x".repeat(5000) }), "too_long"),
        (json!({ "t": "send", "chat": nowhere, "text": "x" }), "not_found"),
        (json!({ "t": "send", "chat": "../../etc", "text": "x" }), "not_found"),
        (json!({ "t": "send", "id": "short", "chat": chat, "text": "x" }), "malformed"),
        (json!({ "t": "send", "id": "no spaces in it", "chat": chat, "text": "x" }), "malformed"),
        (json!({ "t": "rename", "chat": chat, "title": "" }), "blank"),
        (json!({ "t": "rename", "chat": chat, "title": "x".repeat(121) }), "too_long"),
        (json!({ "t": "stop", "chat": chat }), "nothing_running"),
    ];
    for (frame, code) in cases {
        let answer = visitor.ask(frame.clone()).await;
        assert_eq!((answer["t"].as_str(), answer["code"].as_str()), (Some("refused"), Some(code)), "{frame}");
        assert!(answer["message"].as_str().is_some_and(|message| message.len() > 5), "{answer}");
    }
    visitor.new_chat().await;
    assert_eq!(visitor.ask(json!({ "t": "new" })).await["code"], "too_many_chats");
    assert_eq!(visitor.story(&chat), [""; 0], "nothing of it was said");
    let id = visitor.say(&chat, &"x".repeat(1024)).await;
    visitor.answer(&chat, &id).await;
}

#[tokio::test]
async fn a_visitor_who_is_too_fast_is_slowed_down() {
    let pair = Pair::with(&[("SG_PLATFORM__WEBCHAT__MESSAGES_PER_MINUTE", "3")]).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let mut codes = Vec::new();
    for number in 0..4 {
        codes
            .push(visitor.ask(json!({ "t": "send", "chat": chat, "text": format!("{number}") })).await["code"].clone());
    }
    assert_eq!(codes, [json!(null), json!(null), json!("rate"), json!("rate")], "one of the three was the new chat");
    let mut other = pair.visitor().await;
    let chat = other.new_chat().await;
    other.say(&chat, "I may").await;
}

#[tokio::test]
async fn what_is_no_request_closes_its_socket_and_no_other() {
    let pair = Pair::new().await;
    let mut bystander = pair.visitor().await;
    let chat = bystander.new_chat().await;
    let text = |text: &str| Message::text(text.to_owned());
    let cases = [
        (text("{"), 1008),
        (text("[]"), 1008),
        (text(r#"{"t":"shout"}"#), 1008),
        (text(r#"{"t":"open","chat":"AAAAAAAAAAAAAAAAAAAAAA","after":-1}"#), 1008),
        (text(r#"{"t":"send","id":"12345678","chat":"AAAAAAAAAAAAAAAAAAAAAA","text":null}"#), 1008),
        (text(&"[".repeat(50_000)), 1008),
        (Message::Binary(Bytes::from_static(&[0, 1, 2])), 1008),
        (text(&format!(r#"{{"t":"send","text":"{}"}}"#, "x".repeat(200 << 10))), 1009),
    ];
    for (message, code) in cases {
        let mut visitor = pair.visitor().await;
        visitor.message(message.clone()).await;
        let closed = visitor.closed().await;
        let said = message.to_string().chars().take(60).collect::<String>();
        assert_eq!(closed.code, code, "{said}: {closed:?}");
        assert!(!closed.reason.is_empty(), "{said}: the reason is told");
    }
    let id = bystander.say(&chat, "All quiet?").await;
    bystander.answer(&chat, &id).await;
    assert_eq!(pair.gateway.log().with("panicked"), [""; 0]);
}

#[tokio::test]
async fn sockets_of_other_pages_are_not_opened() {
    let pair = Pair::with(&[("SG_PLATFORM__WEBCHAT__ALLOWED_ORIGINS", "https://friend.example")]).await;
    let own = format!("http://{}", pair.address());
    let page = WebChatClient::page(pair.address()).await;
    let cookie = page.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let forged = format!("{cookie}x");
    let cases = [
        (&[("origin", own.as_str()), ("cookie", &cookie)][..], 101),
        (&[("origin", "https://friend.example"), ("cookie", &cookie)], 101),
        (&[("origin", "https://evil.example"), ("cookie", &cookie)], 403),
        (&[("origin", "null"), ("cookie", &cookie)], 403),
        (&[("origin", own.as_str())], 401),
        (&[("origin", own.as_str()), ("cookie", &forged)], 401),
    ];
    for (headers, status) in cases {
        assert_eq!(WebChatClient::knock(pair.address(), headers).await, status, "{headers:?}");
    }
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let flags = page.header("set-cookie").unwrap();
    assert!(flags.contains("HttpOnly") && flags.contains("SameSite=Strict"), "{flags}");
}

#[tokio::test]
async fn news_that_cannot_be_read_close_no_socket_and_follow() {
    let pair = Pair::new().await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    visitor.ask(json!({ "t": "rename", "chat": chat, "title": "Before" })).await;
    let title = |visitor: &WebChatClient| {
        let list = visitor.frames().iter().rfind(|frame| frame["t"] == "chats")?;
        list["chats"][0]["title"].as_str().map(str::to_owned)
    };
    visitor.wait("the title", |visitor| (title(visitor)? == "Before").then_some(())).await;
    pair.redis.command(["ACL", "SETUSER", "default", "-hgetall"]).await;
    visitor.ask(json!({ "t": "rename", "chat": chat, "title": "After" })).await;
    until("the list was asked for", || async {
        format!("{:?}", pair.redis.command(["INFO", "errorstats"]).await).contains("NOPERM")
    })
    .await;
    pair.redis.command(["ACL", "SETUSER", "default", "+hgetall"]).await;
    visitor.wait("the title", |visitor| (title(visitor)? == "After").then_some(())).await;
}

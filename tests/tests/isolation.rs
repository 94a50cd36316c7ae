//! What one visitor, one slow turn or one half-open connection does, the others do not feel.

use std::io::Write;

use serde_json::json;
use tests::{Answer, FreePort, Gate, ModelServer, Pair, Signal, WebChatClient, within};

#[tokio::test]
async fn visitors_may_choose_the_same_request_id() {
    let model = ModelServer::new().await;
    let pair = Pair::with_model(&model).await;
    for _ in 0..4 {
        let mut visitors = [pair.visitor().await, pair.visitor().await];
        let mut chats = Vec::new();
        for visitor in &mut visitors {
            let chat = visitor.new_chat().await;
            visitor.open(&chat).await;
            visitor.request(&json!({ "t": "send", "id": "message-1", "chat": chat, "text": "hello" })).await;
            chats.push(chat);
        }
        for (visitor, chat) in visitors.iter_mut().zip(&chats) {
            assert_eq!(visitor.answer(chat, "message-1").await["text"], ModelServer::SAYS);
        }
    }
}

#[tokio::test]
async fn a_second_block_has_its_own_name_and_its_own_chats() {
    let port = FreePort::new();
    let address = port.address().to_string();
    let pair = Pair::with(&[("SG_PLATFORM__SUPPORT__TYPE", "webchat"), ("SG_PLATFORM__SUPPORT__ADDR", &address)]).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let mut elsewhere = visitor.at(port.address()).await;
    assert_eq!(elsewhere.frames()[0]["chats"], json!([]), "the same browser, another block");
    let other = elsewhere.new_chat().await;
    elsewhere.open(&other).await;
    let id = elsewhere.say(&other, "Hello?").await;
    let entry = elsewhere
        .wait("an answer", |visitor| {
            visitor.entries(&other).into_iter().find(|entry| entry["kind"] == "message").cloned()
        })
        .await;
    assert_eq!(entry["key"], format!("support:{other}:{id}:0"));
    assert_eq!(elsewhere.entries(&other)[0]["cause"], format!("support:{other}:{id}"));
    assert_ne!(chat, other);
}

#[tokio::test]
async fn a_request_that_is_half_sent_does_not_hold_up_a_stop() {
    let mut pair = Pair::new().await;
    let mut half = std::net::TcpStream::connect(pair.address()).unwrap();
    half.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").unwrap();
    // A whole request behind it: then the half one has been taken, too.
    WebChatClient::page(pair.address()).await;
    pair.gateway.signal(Signal::TERM);
    assert_eq!(within("the gateway ends", pair.gateway.exit_code()).await, 0);
}

#[tokio::test]
async fn a_worker_that_finishes_one_turn_holds_up_no_other_chat() {
    let (model, gate) = (ModelServer::new().await, Gate::new());
    model.script(Answer::stream().token("slow").wait(&gate).done());
    let mut pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let slow = visitor.new_chat().await;
    let id = visitor.say(&slow, "Take your time").await;
    visitor.wait_preview(&id, "slow").await;
    pair.workers[0].signal(Signal::TERM);
    pair.add_worker().await;
    // On every shard but the one that the slow turn is on.
    let mut answered = 0;
    while answered < 4 {
        let chat = visitor.new_chat().await;
        if !pair.shares_shard(&chat, &slow).await {
            let id = visitor.say(&chat, "Quick?").await;
            visitor.answer(&chat, &id).await;
            answered += 1;
        }
        visitor.request(&json!({ "t": "close", "chat": chat })).await;
    }
    assert!(visitor.entries(&slow).iter().all(|entry| entry["kind"] != "message"), "it still runs");
    gate.open();
    assert_eq!(visitor.answer(&slow, &id).await["text"], "slow");
    assert_eq!(pair.workers[0].exit_code().await, 0);
}

#[tokio::test]
async fn a_newcomer_freezes_nobody_and_stop_still_works() {
    let (model, gate) = (ModelServer::new().await, Gate::new());
    model.otherwise(Answer::text("quick"));
    let mut pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let mut running = Vec::new();
    for _ in 0..4 {
        model.script(Answer::stream().token("slow").wait(&gate).done());
        let chat = visitor.new_chat().await;
        let id = visitor.say(&chat, "Slow").await;
        visitor.wait_preview(&id, "slow").await;
        running.push((chat, id));
    }
    for _ in 0..3 {
        pair.add_worker().await;
    }
    for _ in 0..8 {
        let chat = visitor.new_chat().await;
        let id = visitor.say(&chat, "Quick?").await;
        assert_eq!(visitor.answer(&chat, &id).await["text"], "quick");
        visitor.request(&json!({ "t": "close", "chat": chat })).await;
    }
    for (chat, id) in &running {
        assert_eq!(visitor.stop(chat).await["t"], "ok");
        assert_eq!(visitor.answer(chat, id).await["text"], "slow");
    }
}

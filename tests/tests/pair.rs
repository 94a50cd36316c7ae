//! The pair as its users know it: a visitor speaks, the model's answer comes while it is written, and nothing is said twice.

use serde_json::json;
use tests::{Answer, Ended, Gate, ModelServer, Pair, until};

#[tokio::test]
async fn an_answer_is_shown_while_it_is_written() {
    let (model, gate) = (ModelServer::new().await, Gate::new());
    model.script(Answer::paced(&gate, ["Once ", "upon ", "a time"]));
    let pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let id = visitor.say(&chat, "A story, please").await;
    for text in ["Once ", "Once upon ", "Once upon a time"] {
        gate.release(1);
        visitor.wait_preview(&id, text).await;
    }
    assert_eq!(visitor.story(&chat), ["user: A story, please"], "the answer is not whole yet");
    gate.open();
    let answer = visitor.answer(&chat, &id).await;
    assert_eq!(
        (answer["text"].as_str(), answer["key"].as_str()),
        (Some("Once upon a time"), Some(&*format!("webchat:{chat}:{id}:0")))
    );
    assert_eq!(visitor.story(&chat), ["user: A story, please", "message: Once upon a time"]);
}

#[tokio::test]
async fn without_a_model_the_echo_says_how_to_set_one() {
    let pair = Pair::new().await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let id = visitor.say(&chat, "Anybody there?").await;
    let answer = visitor.answer(&chat, &id).await["text"].as_str().unwrap().to_owned();
    assert!(answer.contains("> Anybody there?") && answer.contains("SG_MODEL_BASE_URL"), "{answer}");
}

#[tokio::test]
async fn the_model_is_told_what_was_said_before() {
    let model = ModelServer::new().await;
    let pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    model.script(Answer::text("I am well."));
    let id = visitor.say(&chat, "How are you?").await;
    visitor.answer(&chat, &id).await;
    let id = visitor.say(&chat, "Why?").await;
    visitor.answer(&chat, &id).await;
    assert_eq!(model.request(1).await.conversation(), ["user: How are you?", "assistant: I am well.", "user: Why?"]);
    // Another chat knows nothing of it.
    let other = visitor.new_chat().await;
    let id = visitor.say(&other, "Who are you?").await;
    visitor.answer(&other, &id).await;
    assert_eq!(model.request(2).await.conversation(), ["user: Who are you?"]);
}

#[tokio::test]
async fn messages_of_one_chat_are_answered_in_their_order() {
    let model = ModelServer::new().await;
    let mut pair = Pair::with_model(&model).await;
    pair.add_worker().await;
    let mut visitor = pair.visitor().await;
    let mut chats = Vec::new();
    for _ in 0..6 {
        chats.push(visitor.new_chat().await);
    }
    let mut last = Vec::new();
    for round in 0..5 {
        last.clear();
        for chat in &chats {
            last.push(visitor.say(chat, &format!("number {round}")).await);
        }
    }
    for (chat, id) in chats.iter().zip(&last) {
        visitor.answer(chat, id).await;
        let story = visitor.story(chat);
        let said: Vec<_> = story.iter().filter(|line| line.starts_with("user")).cloned().collect();
        assert_eq!(said, (0..5).map(|round| format!("user: number {round}")).collect::<Vec<_>>());
        let answered: Vec<_> = visitor.entries(chat).into_iter().filter(|entry| entry["kind"] == "message").collect();
        let asked: Vec<_> = visitor.entries(chat).into_iter().filter(|entry| entry["kind"] == "user").collect();
        let keys: Vec<_> = asked.iter().map(|entry| format!("{}:0", entry["cause"].as_str().unwrap())).collect();
        assert_eq!(answered.iter().map(|entry| entry["key"].as_str().unwrap()).collect::<Vec<_>>(), keys, "{story:#?}");
    }
    until("nothing is left", || async { pair.unfinished().await == 0 }).await;
}

#[tokio::test]
async fn a_request_that_is_sent_again_is_done_once() {
    let model = ModelServer::new().await;
    let pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let frame = json!({ "t": "send", "id": "the-same-id-1", "chat": chat, "text": "hello" });
    let first = visitor.ask(frame.clone()).await;
    visitor.answer(&chat, "the-same-id-1").await;
    assert_eq!(visitor.ask(frame.clone()).await, first);
    let (other, port) = pair.another_gateway().await;
    let mut elsewhere = visitor.at(port.address()).await;
    assert_eq!(elsewhere.ask(frame).await, first, "any gateway knows it");
    drop(other);
    let id = visitor.say(&chat, "bye").await;
    visitor.answer(&chat, &id).await;
    let says = format!("message: {}", ModelServer::SAYS);
    assert_eq!(visitor.story(&chat), ["user: hello", &says, "user: bye", &says]);
    let made = visitor.ask(json!({ "t": "new", "id": "one-new-chat" })).await;
    assert_eq!(visitor.ask(json!({ "t": "new", "id": "one-new-chat" })).await["chat"], made["chat"]);
}

#[tokio::test]
async fn stop_ends_the_answer_and_keeps_what_was_written() {
    let model = ModelServer::new().await;
    model.script(Answer::stream().token("Half of ").token("it").stall());
    let pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let id = visitor.say(&chat, "Tell me all").await;
    visitor.wait_preview(&id, "Half of it").await;
    assert_eq!(visitor.stop(&chat).await["t"], "ok");
    let answer = visitor.answer(&chat, &id).await;
    assert_eq!(answer["text"], "Half of it");
    assert_eq!(model.request(0).await.ended().await, Ended::ClientLeft, "the model need not go on");
    assert_eq!(visitor.story(&chat), ["user: Tell me all", "stop", "message: Half of it"]);
    let late = visitor.stop(&chat).await;
    assert_eq!((late["t"].as_str(), late["code"].as_str()), (Some("refused"), Some("nothing_running")));
    let id = visitor.say(&chat, "Thanks").await;
    visitor.answer(&chat, &id).await;
    let history = model.request(1).await.conversation();
    assert_eq!(history, ["user: Tell me all", "assistant: Half of it", "user: Thanks"]);
}

#[tokio::test]
async fn stop_before_the_first_word_frees_the_chat() {
    let model = ModelServer::new().await;
    model.script(Answer::silent());
    let pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let id = visitor.say(&chat, "Hello?").await;
    let request = model.request(0).await;
    assert_eq!(visitor.stop(&chat).await["t"], "ok");
    assert_eq!(request.ended().await, Ended::ClientLeft);
    // Some entry has to say that nothing more comes, or the page would wait forever.
    let cause = format!("webchat:{chat}:{id}:");
    let ends = |entry: &&serde_json::Value| entry["key"].as_str().is_some_and(|key| key.starts_with(&cause));
    visitor.wait("an entry of its cause", |visitor| visitor.entries(&chat).into_iter().find(ends).cloned()).await;
    let id = visitor.say(&chat, "And now?").await;
    assert_eq!(visitor.answer(&chat, &id).await["text"], ModelServer::SAYS);
}

#[tokio::test]
async fn regenerate_puts_another_answer_in_the_place_of_the_last() {
    let model = ModelServer::new().await;
    model.script(Answer::text("First try"));
    model.script(Answer::text("Second try"));
    let pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let asked = visitor.say(&chat, "Try").await;
    let first = visitor.answer(&chat, &asked).await["key"].as_str().unwrap().to_owned();
    let again = visitor.regenerate(&chat, &first).await;
    assert_eq!(visitor.answer(&chat, &again).await["text"], "Second try");
    assert_eq!(model.request(1).await.conversation(), ["user: Try"], "the model does not see what it replaces");
    let deleted = |entry: &&&serde_json::Value| entry["kind"] == "delete" && entry["target"] == first;
    assert_eq!(visitor.entries(&chat).iter().filter(deleted).count(), 1, "{:#?}", visitor.story(&chat));
    let id = visitor.say(&chat, "Good").await;
    visitor.answer(&chat, &id).await;
    assert_eq!(model.request(2).await.conversation(), ["user: Try", "assistant: Second try", "user: Good"]);
}

#[tokio::test]
async fn tabs_see_the_same_and_a_reload_loses_nothing() {
    let (model, gate) = (ModelServer::new().await, Gate::new());
    model.script(Answer::paced(&gate, ["Grüße ", "aus ", "🌍!"]));
    let pair = Pair::with_model(&model).await;
    let mut first = pair.visitor().await;
    let chat = first.new_chat().await;
    let mut second = first.another_tab().await;
    second.open(&chat).await;
    let id = first.say(&chat, "Grüße?").await;
    gate.release(2);
    first.wait_preview(&id, "Grüße aus ").await;
    second.wait_preview(&id, "Grüße aus ").await;
    // A third tab comes in the middle and asks for what it missed.
    let mut third = first.another_tab().await;
    third.open(&chat).await;
    third.request(&json!({ "t": "preview", "chat": chat, "key": format!("webchat:{chat}:{id}:0") })).await;
    third.wait_preview(&id, "Grüße aus ").await;
    gate.open();
    for tab in [&mut first, &mut second, &mut third] {
        assert_eq!(tab.answer(&chat, &id).await["text"], "Grüße aus 🌍!");
        assert_eq!(tab.story(&chat), ["user: Grüße?", "message: Grüße aus 🌍!"]);
    }
    // The same visitor at another gateway.
    let (_other, port) = pair.another_gateway().await;
    let mut elsewhere = first.at(port.address()).await;
    elsewhere.open(&chat).await;
    let id = elsewhere.say(&chat, "Still there?").await;
    elsewhere.answer(&chat, &id).await;
    first.answer(&chat, &id).await;
    assert_eq!(first.story(&chat), elsewhere.story(&chat));
}

#[tokio::test]
async fn chats_belong_to_their_visitor() {
    let pair = Pair::new().await;
    let (mut one, mut other) = (pair.visitor().await, pair.visitor().await);
    let chat = one.new_chat().await;
    for frame in [
        json!({ "t": "send", "chat": chat, "text": "let me in" }),
        json!({ "t": "rename", "chat": chat, "title": "mine" }),
        json!({ "t": "stop", "chat": chat }),
        json!({ "t": "regenerate", "chat": chat, "target": "webchat:x:0" }),
    ] {
        assert_eq!(other.ask(frame).await["code"], "not_found");
    }
    // A chat that is not there is as good as deleted; that it is another's is not told, and it stays.
    assert_eq!(other.ask(json!({ "t": "delete", "chat": chat })).await["t"], "ok");
    assert_eq!(one.ask(json!({ "t": "rename", "chat": chat, "title": "Sterne" })).await["t"], "ok");
    let mut tab = one.another_tab().await;
    let title = |tab: &tests::WebChatClient| tab.frames().last().map(|frame| frame["chats"][0]["title"].clone());
    assert_eq!(title(&tab), Some(json!("Sterne")));
    assert_eq!(one.ask(json!({ "t": "delete", "chat": chat })).await["t"], "ok");
    tab.wait("the other tab is told", |tab| (tab.frames().last()?["chats"].as_array()?.is_empty()).then_some(())).await;
    assert_eq!(one.ask(json!({ "t": "send", "chat": chat, "text": "gone?" })).await["code"], "not_found");
}

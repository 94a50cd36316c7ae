//! What the model is told of a conversation: as it reads now, whatever was changed, deleted or sent along.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

use codec::Inbound;
use serde_json::{Value, json};
use tests::{Answer, Gate, ModelServer, Pair, WebChatClient, until};

/// Says something and waits for its answer: its id, and the key of the answer.
async fn says(visitor: &mut WebChatClient, chat: &str, text: &str) -> (String, String) {
    let id = visitor.say(chat, text).await;
    let key = visitor.answer(chat, &id).await["key"].as_str().unwrap().to_owned();
    (id, key)
}

async fn asks(visitor: &mut WebChatClient, request: Value) {
    let answer = visitor.ask(request.clone()).await;
    assert_eq!(answer["t"], "ok", "{request}: {answer}");
}

/// A pair that asks this model, with these settings as well.
async fn pair_with(model: &ModelServer, more: &[(&str, &str)]) -> Pair {
    let url = model.base_url();
    let settings = [("SG_MODEL_BASE_URL", url.as_str()), ("SG_MODEL_NAME", ModelServer::MODEL)];
    Pair::with(&[&settings, more].concat()).await
}

/// What the model was asked last.
fn asked_last(model: &ModelServer) -> Vec<String> {
    model.requests().last().unwrap().conversation()
}

#[tokio::test]
async fn what_is_changed_after_its_answer_is_told_as_it_reads_now() {
    let model = ModelServer::new().await;
    let pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let (id, key) = says(&mut visitor, &chat, "capital of Frnace").await;
    asks(&mut visitor, json!({"t": "edit", "chat": chat, "target": id, "text": "capital of Germany"})).await;
    // Another answer to it answers what it says now.
    let again = visitor.regenerate(&chat, &key).await;
    visitor.answer(&chat, &again).await;
    assert_eq!(asked_last(&model), ["user: capital of Germany"]);
    says(&mut visitor, &chat, "and of Spain?").await;
    let said = format!("assistant: {}", ModelServer::SAYS);
    assert_eq!(asked_last(&model), ["user: capital of Germany", &said, "user: and of Spain?"]);
}

#[tokio::test]
async fn what_is_deleted_is_not_told_any_more() {
    let model = ModelServer::new().await;
    let pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let (id, _) = says(&mut visitor, &chat, "my password is HUNTER2").await;
    asks(&mut visitor, json!({"t": "retract", "chat": chat, "target": id})).await;
    says(&mut visitor, &chat, "and now?").await;
    let asked = asked_last(&model);
    assert!(asked[0].starts_with("user: [deleted at 2") && asked.len() == 3, "{asked:?}");
    let history = pair.redis.command(["KEYS", "sg:history:*"]).await.list()[0].text().to_owned();
    let kept = pair.redis.command(["LRANGE", &history, "0", "-1"]).await;
    assert!(!format!("{kept:?}").contains("HUNTER2"), "nor is it kept");
}

#[tokio::test]
async fn an_answer_goes_with_its_message_where_that_is_set() {
    let model = ModelServer::new().await;
    let pair = pair_with(&model, &[("SG_INFERENCE__RETRACT_DELETED", "true")]).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let (id, key) = says(&mut visitor, &chat, "my password is HUNTER2").await;
    asks(&mut visitor, json!({"t": "retract", "chat": chat, "target": id})).await;
    let is_gone = |entry: &&Value| entry["kind"] == "delete" && entry["target"] == key;
    visitor.wait("the answer goes", |visitor| visitor.entries(&chat).into_iter().find(is_gone).map(|_| ())).await;
    let (id, key) = says(&mut visitor, &chat, "and now?").await;
    let asked = asked_last(&model);
    assert!(asked[0].starts_with("user: [deleted at ") && asked[1] == "user: and now?", "{asked:?}");
    // Also one that was given in the place of another.
    let again = visitor.regenerate(&chat, &key).await;
    let key = visitor.answer(&chat, &again).await["key"].as_str().unwrap().to_owned();
    asks(&mut visitor, json!({"t": "retract", "chat": chat, "target": id})).await;
    let is_gone = |entry: &&Value| entry["kind"] == "delete" && entry["target"] == key;
    visitor.wait("that goes, too", |visitor| visitor.entries(&chat).into_iter().find(is_gone).map(|_| ())).await;
}

#[tokio::test]
async fn files_that_come_along_are_named() {
    let model = ModelServer::new().await;
    let pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let uploaded = visitor.ask_http("POST", &format!("/files/{chat}?name=notes.txt"), "text/plain", "abc").await;
    let file: Value = serde_json::from_str(&uploaded.body).unwrap();
    asks(&mut visitor, json!({"t": "send", "chat": chat, "text": "", "files": [file]})).await;
    until("it is answered", || async { pair.unfinished().await == 0 && !model.requests().is_empty() }).await;
    assert_eq!(asked_last(&model), ["user: [file: notes.txt (text/plain, 3 B)]"]);
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_ask_again() {
    let model = ModelServer::new().await;
    let pair = pair_with(&model, &[("SG_ACCESS__USER_PER_MINUTE", "1")]).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    says(&mut visitor, &chat, "one").await;
    let id = visitor.say(&chat, "two").await;
    let told = visitor.answer(&chat, &id).await["text"].as_str().unwrap().to_owned();
    assert!(told.starts_with("That is more than I may answer for now. Please ask again in "), "{told}");
    assert_eq!(model.requests().len(), 1);
    // Others are answered meanwhile.
    let mut other = pair.visitor().await;
    let chat = other.new_chat().await;
    says(&mut other, &chat, "three").await;
    assert_eq!(asked_last(&model), ["user: three"]);
}

#[tokio::test]
async fn an_answer_that_begins_anew_counts_once() {
    let (model, gate) = (ModelServer::new().await, Gate::new());
    model.script(Answer::paced(&gate, ["The ", "first"]));
    model.script(Answer::text("The second"));
    let pair = pair_with(&model, &[("SG_ACCESS__USER_PER_MINUTE", "1")]).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let id = visitor.say(&chat, "one").await;
    gate.release(1);
    visitor.wait_preview(&id, "The").await;
    asks(&mut visitor, json!({"t": "edit", "chat": chat, "target": id, "text": "another"})).await;
    assert_eq!(visitor.answer(&chat, &id).await["text"], "The second");
}

#[tokio::test]
async fn who_is_denied_is_not_answered_and_is_remembered() {
    let model = ModelServer::new().await;
    let pair = pair_with(&model, &[("SG_ACCESS__DEFAULT_DENY", "true"), ("SG_ACCESS__ALLOW", "platform:other")]).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    visitor.say(&chat, "one").await;
    until("it is done", || async { pair.unfinished().await == 0 }).await;
    until("it is counted", || async { pair.workers[0].metric("stargazer_questions_refused_total").await >= 1.0 }).await;
    assert_eq!(model.requests().len(), 0);
    let history = pair.redis.command(["KEYS", "sg:history:*"]).await.list()[0].text().to_owned();
    assert_eq!(pair.redis.command(["LLEN", &history]).await.number(), 1);
}

#[tokio::test]
async fn commands_are_done_and_not_asked() {
    let model = ModelServer::new().await;
    let pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let told = async |visitor: &mut WebChatClient, command: &str| {
        let id = visitor.say(&chat, command).await;
        visitor.answer(&chat, &id).await["text"].as_str().unwrap().to_owned()
    };
    says(&mut visitor, &chat, "one").await;
    assert!(told(&mut visitor, "/help").await.contains("`/forget me`: forget what you have said"));
    assert_eq!(told(&mut visitor, "/model").await, format!("`{}` answers here.", ModelServer::MODEL));
    assert_eq!(told(&mut visitor, "/stop").await, "Nothing is being written.");
    says(&mut visitor, &chat, "two").await;
    let said = format!("assistant: {}", ModelServer::SAYS);
    assert_eq!(asked_last(&model), ["user: one", &said, "user: two"], "nothing of them is remembered");
    told(&mut visitor, "/forget me").await;
    says(&mut visitor, &chat, "three").await;
    assert_eq!(asked_last(&model), [&said, &said, "user: three"]);
    told(&mut visitor, "/new").await;
    says(&mut visitor, &chat, "four").await;
    assert_eq!(asked_last(&model), ["user: four"]);
    assert_eq!(model.requests().len(), 4);
}

#[tokio::test]
async fn a_typed_stop_ends_the_running_answer() {
    let (model, gate) = (ModelServer::new().await, Gate::new());
    model.script(Answer::stream().wait(&gate).token("Never to be ").stall());
    let pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let running = visitor.say(&chat, "wait for it").await;
    gate.open();
    visitor.wait_preview(&running, "Never to be").await;
    visitor.say(&chat, "/stop").await;
    assert_eq!(visitor.answer(&chat, &running).await["text"], "Never to be ");
    until("both are done", || async { pair.unfinished().await == 0 }).await;
}

#[tokio::test]
async fn a_room_has_a_persona_a_model_and_words_of_its_own() {
    let model = ModelServer::new().await;
    let room = |key: &str| format!("SG_INFERENCE__ROOMS__0__{key}");
    let [applies_to, persona, name, triggers] = ["APPLIES_TO", "PERSONA", "MODEL", "TRIGGERS"].map(room);
    let settings = [
        (applies_to.as_str(), "channel:town:square"),
        (&persona, "You are a crier."),
        (&name, "loud"),
        (&triggers, "oyez"),
    ];
    let pair = pair_with(&model, &settings).await;
    let say = async |channel: &str, number: u32, text: &str| {
        let inbound = Inbound {
            channel_key: format!("town:{channel}"),
            platform: "town".into(),
            channel_id: channel.into(),
            user_id: "u".into(),
            username: "Ada".into(),
            message_id: number.to_string(),
            event_id: Some(format!("town:{channel}:{number}")),
            content: text.into(),
            timestamp: 1.0,
            room_name: Some(channel.into()),
            ..Inbound::default()
        };
        pair.append("sg:stream:inbound", &inbound.to_bytes()).await;
    };
    say("market", 1, "oyez oyez").await;
    say("square", 2, "just talking").await;
    say("square", 3, "Oyez, what news?").await;
    until("all is settled", || async { pair.unfinished().await == 0 && !model.requests().is_empty() }).await;
    let requests = model.requests();
    assert_eq!(requests.len(), 1, "no other room has that word");
    assert_eq!(requests[0].body["model"], "loud");
    let system = requests[0].body["messages"][0]["content"].as_str().unwrap();
    assert!(system.ends_with("You are a crier."), "{system}");
    let asked = requests[0].conversation();
    assert!(asked[0].ends_with("Ada (u) [Message ID: 2] : just talking") && asked.len() == 2, "{asked:?}");
}

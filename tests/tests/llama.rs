//! A real model: llama.cpp with small, real weights. What it says is nonsense; that it is passed on as it comes is the point.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

use std::collections::BTreeMap;

use futures_util::StreamExt;
use inference::model::{ChatMessage, Client, Delta, Model, Role};
use service::{Settings, Source};
use tests::{LlamaServer, Pair, until, within};

fn question() -> Vec<ChatMessage> {
    vec![ChatMessage { role: Role::User, content: "Tell me a long story about the stars.".into() }]
}

fn client(server: &LlamaServer, tokens: &str) -> Client {
    let environment = BTreeMap::from([
        ("SG_MODEL_BASE_URL".to_owned(), server.base_url()),
        ("SG_MODEL_NAME".to_owned(), LlamaServer::MODEL.to_owned()),
        ("SG_MODEL__MAX_TOKENS".to_owned(), tokens.to_owned()),
        // The same words each time.
        ("SG_MODEL__TEMPERATURE".to_owned(), "0".to_owned()),
    ]);
    let settings = Settings::read(Source::new(None, &environment)).unwrap();
    Client::new(&server.base_url(), LlamaServer::MODEL, &settings.model).unwrap()
}

#[tokio::test]
async fn a_real_model_streams_and_is_left_at_once() {
    let Some(server) = LlamaServer::new().await else { return };
    let pieces: Vec<_> = within("the answer ends", client(&server, "24").ask(question()).collect()).await;
    let texts = pieces.iter().filter(|piece| matches!(piece, Ok(Delta::Text(_)))).count();
    assert!(texts > 5, "it came in pieces: {pieces:?}");
    let counted = pieces.iter().find_map(|piece| if let Ok(Delta::Usage(usage)) = piece { Some(*usage) } else { None });
    assert!(counted.is_some_and(|usage| usage.prompt > 5 && usage.completion > 5), "{counted:?}");
    assert!(pieces.iter().all(Result::is_ok), "{pieces:?}");
    // Dropping the stream frees the model's slot.
    let mut stream = client(&server, "2000").ask(question());
    assert!(matches!(within("a first piece", stream.next()).await, Some(Ok(_))));
    assert_eq!(server.busy().await, 1);
    drop(stream);
    until("the slot is free", || async { server.busy().await == 0 }).await;
}

#[tokio::test]
async fn a_visitor_talks_to_a_real_model() {
    let Some(server) = LlamaServer::new().await else { return };
    let url = server.base_url();
    let settings = [
        ("SG_MODEL_BASE_URL", url.as_str()),
        ("SG_MODEL_NAME", LlamaServer::MODEL),
        ("SG_MODEL__MAX_TOKENS", "40"),
        // The same words each time.
        ("SG_MODEL__TEMPERATURE", "0"),
    ];
    let mut pair = Pair::with(&settings).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let id = visitor.say(&chat, "Tell me about the stars.").await;
    let text = visitor.answer(&chat, &id).await["text"].as_str().unwrap().to_owned();
    assert!(text.len() > 20, "{text}");
    let seen = visitor.frames().iter().filter(|frame| frame["t"] == "preview").count();
    assert!(seen > 3, "it was shown while it was written: {seen} previews");
    // Stopped in the middle, and killed in the middle.
    let id = visitor.say(&chat, "Tell me more.").await;
    visitor.wait("it begins", |visitor| (!visitor.preview(&id).is_empty()).then_some(())).await;
    assert_eq!(visitor.stop(&chat).await["t"], "ok");
    visitor.answer(&chat, &id).await;
    until("the model rests", || async { server.busy().await == 0 }).await;
    let id = visitor.say(&chat, "And more.").await;
    visitor.wait("it begins", |visitor| (!visitor.preview(&id).is_empty()).then_some(())).await;
    pair.workers[0].restart();
    visitor.answer(&chat, &id).await;
    assert_eq!(visitor.story(&chat).iter().filter(|line| line.starts_with("message")).count(), 3);
}

//! What a Redis that forgets its last moment makes of a conversation.

use tests::{Answer, FreePort, Gate, ModelServer, Pair, Process, Program, RedisServer, WebChatClient};

/// `appendfsync everysec`, and a machine that loses power: the commit of the first answer is gone, and the second turn runs.
#[tokio::test]
async fn a_commit_that_redis_forgot_is_made_again_before_the_next() {
    let (model, first, second) = (ModelServer::new().await, Gate::new(), Gate::new());
    model.script(Answer::stream().token("one").wait(&first).done());
    model.script(Answer::stream().token("two").wait(&second).done());
    model.script(Answer::text("one"));
    model.otherwise(Answer::text("two"));
    let (mut redis, port) = (RedisServer::with_fsync("everysec").await, FreePort::new());
    let mut settings = Pair::settings_on(&redis);
    let own = [
        ("SG_MODEL_BASE_URL", model.base_url()),
        ("SG_MODEL_NAME", ModelServer::MODEL.into()),
        ("SG_WEBCHAT_ADDR", port.to_string()),
    ];
    settings.extend(own.map(|(name, value)| (name.to_owned(), value)));
    let mut gateway = Process::start(Program::Gateway, settings.clone());
    let mut worker = Process::start(Program::Inference, settings);
    gateway.wait_ready().await;
    worker.wait_ready().await;
    let mut visitor = WebChatClient::new(port.address()).await;
    let chat = visitor.new_chat().await;
    let one = visitor.say(&chat, "first").await;
    let two = visitor.say(&chat, "second").await;
    visitor.wait_preview(&one, "one").await;
    let safe = redis.written();
    first.open();
    visitor.answer(&chat, &one).await;
    visitor.wait_preview(&two, "two").await;
    redis.kill();
    redis.forget_after(safe);
    redis.start().await;
    second.open();
    let mut again = visitor.another_tab().await;
    again.open(&chat).await;
    again.answer(&chat, &one).await;
    again.answer(&chat, &two).await;
    assert_eq!(again.story(&chat), ["user: first", "user: second", "message: one", "message: two"]);
}

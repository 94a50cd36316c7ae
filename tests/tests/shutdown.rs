//! Stopping with work in flight: the first signal drains, the second ends at once, and nothing is lost either way.

use tests::{Answer, Gate, ModelServer, Pair, Signal, until};

#[tokio::test]
async fn a_worker_finishes_its_turn_before_it_ends() {
    let (model, gate) = (ModelServer::new().await, Gate::new());
    model.script(Answer::paced(&gate, ["Let me ", "finish"]));
    let mut pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let id = visitor.say(&chat, "Hurry").await;
    gate.release(1);
    visitor.wait_preview(&id, "Let me ").await;
    pair.workers[0].signal(Signal::TERM);
    pair.workers[0].wait_not_ready().await;
    // It takes nothing new while it drains; what comes now is for the next worker.
    let later = visitor.say(&chat, "Later").await;
    gate.open();
    assert_eq!(visitor.answer(&chat, &id).await["text"], "Let me finish");
    assert_eq!(pair.workers[0].exit_code().await, 0);
    assert_eq!(
        pair.redis.command(["KEYS", "sg:registry:service:*inference*"]).await.list(),
        [],
        "it left the registry"
    );
    pair.add_worker().await;
    visitor.answer(&chat, &later).await;
    let says = format!("message: {}", ModelServer::SAYS);
    // The second message was taken while the first was answered.
    assert_eq!(visitor.story(&chat), ["user: Hurry", "user: Later", "message: Let me finish", &says]);
}

#[tokio::test]
async fn a_turn_that_outlives_the_drain_is_left_for_another() {
    let model = ModelServer::new().await;
    model.script(Answer::stream().token("Endless").stall());
    let url = model.base_url();
    let mut pair =
        Pair::with(&[("SG_MODEL_BASE_URL", &url), ("SG_MODEL_NAME", "scripted"), ("SG_SHUTDOWN__DRAIN", "300ms")])
            .await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let id = visitor.say(&chat, "Go").await;
    visitor.wait_preview(&id, "Endless").await;
    pair.workers[0].signal(Signal::INT);
    assert_eq!(pair.workers[0].exit_code().await, 0, "a planned stop is clean, also with work left");
    pair.add_worker().await;
    assert_eq!(visitor.answer(&chat, &id).await["text"], ModelServer::SAYS);
    assert_eq!(visitor.story(&chat).len(), 2);
}

#[tokio::test]
async fn the_second_signal_ends_at_once() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let model = ModelServer::new().await;
        model.script(Answer::stream().token("Endless").stall());
        let mut pair = Pair::with_model(&model).await;
        let mut visitor = pair.visitor().await;
        let chat = visitor.new_chat().await;
        let id = visitor.say(&chat, "Go").await;
        visitor.wait_preview(&id, "Endless").await;
        pair.workers[0].signal(signal);
        pair.workers[0].wait_not_ready().await;
        pair.workers[0].signal(signal);
        assert_eq!(pair.workers[0].exit_code().await, code);
        pair.workers[0].log().line("second signal").await;
        pair.add_worker().await;
        assert_eq!(visitor.answer(&chat, &id).await["text"], ModelServer::SAYS);
    }
}

#[tokio::test]
async fn a_gateway_sends_its_visitors_away_and_forgets_nothing() {
    let (model, gate) = (ModelServer::new().await, Gate::new());
    model.script(Answer::paced(&gate, ["Wait ", "for me"]));
    let mut pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let id = visitor.say(&chat, "Go").await;
    gate.release(1);
    visitor.wait_preview(&id, "Wait ").await;
    pair.gateway.signal(Signal::TERM);
    assert_eq!(visitor.closed().await.code, 1001);
    assert_eq!(pair.gateway.exit_code().await, 0);
    assert_eq!(pair.redis.command(["KEYS", "sg:registry:service:*gateway*"]).await.list(), [], "it left the registry");
    pair.gateway.restart();
    visitor.reconnect().await;
    visitor.open(&chat).await;
    gate.open();
    assert_eq!(visitor.answer(&chat, &id).await["text"], "Wait for me");
    assert_eq!(visitor.story(&chat), ["user: Go", "message: Wait for me"]);
}

#[tokio::test]
async fn idle_daemons_end_cleanly_and_say_so() {
    let mut pair = Pair::new().await;
    pair.gateway.signal(Signal::INT);
    pair.workers[0].signal(Signal::TERM);
    assert_eq!(pair.gateway.exit_code().await, 0);
    assert_eq!(pair.workers[0].exit_code().await, 0);
    for process in [&pair.gateway, &pair.workers[0]] {
        process.log().line("stopping").await;
        process.log().line("stopped").await;
    }
    until("nothing holds entries", || async { pair.unfinished().await == 0 }).await;
}

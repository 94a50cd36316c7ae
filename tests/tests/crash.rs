//! What is killed, frozen or restarted in the middle costs no message and says none twice.

use serde_json::json;
use tests::{Answer, Ended, Gate, ModelServer, Pair, Signal, until};

fn says() -> String {
    format!("message: {}", ModelServer::SAYS)
}

#[tokio::test]
async fn a_turn_whose_worker_is_killed_is_answered_once_by_another() {
    let model = ModelServer::new().await;
    model.script(Answer::stream().token("Once ").token("upon").stall());
    model.script(Answer::text("Once upon a time"));
    let mut pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let id = visitor.say(&chat, "A story").await;
    visitor.wait_preview(&id, "Once upon").await;
    pair.workers[0].kill9();
    assert_eq!(model.request(0).await.ended().await, Ended::ClientLeft);
    pair.add_worker().await;
    assert_eq!(visitor.answer(&chat, &id).await["text"], "Once upon a time");
    // A second message ends the wait for what should not come.
    let next = visitor.say(&chat, "Another").await;
    visitor.answer(&chat, &next).await;
    assert_eq!(visitor.story(&chat), ["user: A story", "message: Once upon a time", "user: Another", &says()]);
    assert_eq!(model.requests().len(), 3);
    assert_eq!(pair.dead_letters().await, [""; 0]);
    until("nothing is left", || async { pair.unfinished().await == 0 }).await;
}

#[tokio::test]
async fn a_worker_that_was_frozen_comes_back_too_late_to_speak() {
    let (model, gate) = (ModelServer::new().await, Gate::new());
    model.script(Answer::stream().token("From the first").wait(&gate).done());
    model.script(Answer::text("From the second"));
    let mut pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let id = visitor.say(&chat, "Who?").await;
    visitor.wait_preview(&id, "From the first").await;
    pair.workers[0].signal(Signal::STOP);
    pair.add_worker().await;
    assert_eq!(visitor.answer(&chat, &id).await["text"], "From the second");
    gate.open();
    pair.workers[0].signal(Signal::CONT);
    // It notices, gives the shards back that it should not have, and works on beside the other.
    pair.workers[0].wait_ready().await;
    let next = visitor.say(&chat, "And now?").await;
    visitor.answer(&chat, &next).await;
    assert_eq!(visitor.story(&chat), ["user: Who?", "message: From the second", "user: And now?", &says()]);
}

#[tokio::test]
async fn a_reply_on_its_way_through_a_killed_gateway_is_delivered_once() {
    let (model, gate) = (ModelServer::new().await, Gate::new());
    model.script(Answer::paced(&gate, ["On ", "its ", "way"]));
    let mut pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let id = visitor.say(&chat, "Go").await;
    gate.release(1);
    visitor.wait_preview(&id, "On ").await;
    pair.gateway.kill9();
    assert_eq!(visitor.closed().await.code, 1006);
    gate.open();
    assert_eq!(model.request(0).await.ended().await, Ended::Served);
    until("the reply is committed", || async { pair.unfinished().await == 0 }).await;
    pair.gateway.restart();
    pair.gateway.wait_ready().await;
    visitor.reconnect().await;
    visitor.open(&chat).await;
    assert_eq!(visitor.answer(&chat, &id).await["text"], "On its way");
    let next = visitor.say(&chat, "Again").await;
    visitor.answer(&chat, &next).await;
    assert_eq!(visitor.story(&chat), ["user: Go", "message: On its way", "user: Again", &says()]);
}

#[tokio::test]
async fn a_frozen_gateway_does_not_deliver_what_another_has_delivered() {
    let (model, gate) = (ModelServer::new().await, Gate::new());
    model.script(Answer::paced(&gate, ["Said ", "once"]));
    let mut pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let id = visitor.say(&chat, "Speak").await;
    gate.release(1);
    visitor.wait_preview(&id, "Said ").await;
    pair.gateway.signal(Signal::STOP);
    let (_other, port) = pair.another_gateway().await;
    let mut elsewhere = visitor.at(port.address()).await;
    elsewhere.open(&chat).await;
    gate.open();
    assert_eq!(elsewhere.answer(&chat, &id).await["text"], "Said once");
    pair.gateway.signal(Signal::CONT);
    pair.gateway.wait_ready().await;
    // The tab that was open on the frozen one goes on there.
    assert_eq!(visitor.answer(&chat, &id).await["text"], "Said once");
    let next = visitor.say(&chat, "More").await;
    visitor.answer(&chat, &next).await;
    elsewhere.answer(&chat, &next).await;
    for tab in [&visitor, &elsewhere] {
        assert_eq!(tab.story(&chat), ["user: Speak", "message: Said once", "user: More", &says()]);
    }
}

#[tokio::test]
async fn a_request_whose_gateway_dies_before_it_answers_can_be_sent_again() {
    let model = ModelServer::new().await;
    let mut pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    for round in 0..3 {
        let id = format!("request-{round}");
        let frame = json!({ "t": "send", "id": id, "chat": chat, "text": format!("round {round}") });
        visitor.request(&frame).await;
        pair.gateway.restart();
        visitor.reconnect().await;
        visitor.open(&chat).await;
        assert_eq!(visitor.ask(frame).await["t"], "ok");
        visitor.answer(&chat, &id).await;
    }
    let expected: Vec<_> = (0..3).flat_map(|round| [format!("user: round {round}"), says()]).collect();
    assert_eq!(visitor.story(&chat), expected);
}

#[tokio::test]
async fn kills_at_every_step_of_an_answer_cost_nothing() {
    const TOKENS: [&str; 4] = ["a ", "b ", "c ", "d"];
    let model = ModelServer::new().await;
    let mut pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let mut expected = Vec::new();
    for round in 0..=TOKENS.len() {
        // The worker and the gateway die in turn, after this many tokens.
        let gate = Gate::new();
        model.script(Answer::paced(&gate, TOKENS));
        model.otherwise(Answer::stream().tokens(TOKENS).done());
        let before = model.requests().len();
        let id = visitor.say(&chat, &format!("round {round}")).await;
        model.request(before).await;
        gate.release(round);
        visitor.wait_preview(&id, &TOKENS[..round].concat()).await;
        if round % 2 == 0 {
            pair.workers[0].restart();
        } else {
            pair.gateway.restart();
            visitor.reconnect().await;
            visitor.open(&chat).await;
        }
        gate.open();
        assert_eq!(visitor.answer(&chat, &id).await["text"], "a b c d");
        expected.extend([format!("user: round {round}"), "message: a b c d".into()]);
    }
    assert_eq!(visitor.story(&chat), expected);
    assert_eq!(pair.dead_letters().await, [""; 0]);
}

#[tokio::test]
async fn a_redis_that_restarts_in_the_middle_costs_no_answer() {
    let (model, gate) = (ModelServer::new().await, Gate::new());
    model.script(Answer::paced(&gate, ["Through ", "the ", "storm"]));
    let mut pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let id = visitor.say(&chat, "Hold on").await;
    gate.release(1);
    visitor.wait_preview(&id, "Through ").await;
    pair.redis.kill();
    gate.open();
    pair.redis.start().await;
    // The socket may have been closed meanwhile, or not: a new one shows what there is.
    visitor.reconnect().await;
    visitor.open(&chat).await;
    assert_eq!(visitor.answer(&chat, &id).await["text"], "Through the storm");
    let next = visitor.say(&chat, "And on").await;
    visitor.answer(&chat, &next).await;
    assert_eq!(visitor.story(&chat), ["user: Hold on", "message: Through the storm", "user: And on", &says()]);
}

#[tokio::test]
async fn what_is_sent_while_redis_is_away_is_refused_and_arrives_once_and_in_order_when_it_is_back() {
    let model = ModelServer::new().await;
    let mut pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let frame = |number: usize| json!({ "t": "send", "id": format!("request-{number}"), "chat": chat, "text": format!("number {number}") });
    pair.redis.kill();
    for number in 0..3 {
        let refused = visitor.ask(frame(number)).await;
        assert_eq!((refused["t"].as_str(), refused["code"].as_str()), (Some("refused"), Some("unavailable")));
    }
    let is_ready = |visitor: &tests::WebChatClient| {
        let told = visitor.frames().iter().rfind(|frame| frame["t"] == "state");
        told.and_then(|frame| frame["ready"].as_bool())
    };
    visitor.wait("the page is told", |visitor| (is_ready(visitor) == Some(false)).then_some(())).await;
    pair.redis.start().await;
    visitor.wait("the page is told again", |visitor| (is_ready(visitor) == Some(true)).then_some(())).await;
    // As the page does: what was refused so is sent again under its id, one after the other.
    for number in 0..3 {
        loop {
            let answered = visitor.ask(frame(number)).await;
            if answered["t"] == "ok" {
                break;
            }
            assert_eq!(answered["code"], "unavailable");
        }
    }
    visitor.answer(&chat, "request-2").await;
    let said = visitor.story(&chat).into_iter().filter(|line| line.starts_with("user")).collect::<Vec<_>>();
    assert_eq!(said, ["user: number 0", "user: number 1", "user: number 2"]);
    until("nothing is left", || async { pair.unfinished().await == 0 }).await;
}

#[tokio::test]
async fn a_message_that_redis_forgot_is_there_again_and_answered_once() {
    let (model, gate) = (ModelServer::new().await, Gate::new());
    model.script(Answer::text("First answer"));
    model.script(Answer::paced(&gate, ["Second ", "answer"]));
    let mut pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let first = visitor.say(&chat, "First").await;
    visitor.answer(&chat, &first).await;
    until("nothing is left", || async { pair.unfinished().await == 0 }).await;
    let written = pair.redis.written();
    let second = visitor.say(&chat, "Second").await;
    model.request(1).await;
    pair.redis.kill();
    pair.redis.forget_after(written);
    pair.redis.start().await;
    visitor.reconnect().await;
    visitor.open(&chat).await;
    // The turn that runs ends with the entry's copy behind it.
    gate.open();
    assert_eq!(visitor.answer(&chat, &second).await["text"], "Second answer");
    assert_eq!(
        visitor.story(&chat),
        ["user: First", "message: First answer", "user: Second", "message: Second answer"]
    );
    until("nothing is left", || async { pair.unfinished().await == 0 }).await;
    assert_eq!(model.requests().len(), 2);
}

//! The model client against a scripted server: whatever a provider does, the right pieces or one honest error come out.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so at once")]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use inference::model::{ChatMessage, Client, Delta, Model, ModelError, Role, Usage};
use serde_json::json;
use service::{Settings, Source};
use tests::{Answer, Ended, FreePort, Gate, ModelServer, within};

const USAGE: Delta = Delta::Usage(Usage { prompt: 3, completion: 5 });

fn client_with(server: &ModelServer, extra: &[(&str, &str)]) -> Client {
    client_at(&server.base_url(), extra)
}

fn client_at(base_url: &str, extra: &[(&str, &str)]) -> Client {
    let mut environment = BTreeMap::from([
        ("SG_MODEL_BASE_URL".to_owned(), base_url.to_owned()),
        ("SG_MODEL_NAME".to_owned(), ModelServer::MODEL.to_owned()),
    ]);
    environment.extend(extra.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let settings = Settings::read(Source::new(None, &environment)).unwrap();
    Client::new(base_url, ModelServer::MODEL, &settings.model).unwrap()
}

fn question() -> Vec<ChatMessage> {
    let message = |role, content: &str| ChatMessage { role, content: content.into() };
    vec![message(Role::System, "be brief"), message(Role::User, "hello?")]
}

async fn ask(client: &Client) -> Vec<Result<Delta, ModelError>> {
    within("the stream ends", client.ask(question()).collect()).await
}

/// What comes out when the server plays `answer`.
async fn outcome(answer: Answer) -> Vec<Result<Delta, ModelError>> {
    let server = ModelServer::new().await;
    server.script(answer);
    ask(&client_with(&server, &[])).await
}

fn text(text: &str) -> Result<Delta, ModelError> {
    Ok(Delta::Text(text.into()))
}

/// The error of an answer that had one, which has to be its last piece.
async fn error(answer: Answer) -> ModelError {
    let mut pieces = outcome(answer).await;
    let error = pieces.pop().unwrap().unwrap_err();
    assert!(pieces.iter().all(Result::is_ok), "one error, and it is the last: {pieces:?}");
    error
}

#[tokio::test]
async fn an_answer_comes_in_the_pieces_that_the_model_made() {
    let server = ModelServer::new().await;
    let client = client_with(&server, &[("SG_MODEL_API_KEY", "sk-secret"), ("SG_MODEL__MAX_TOKENS", "77")]);
    server.script(Answer::text("one two three"));
    assert_eq!(ask(&client).await, [text("one "), text("two "), text("three"), Ok(USAGE)]);
    let request = server.request(0).await;
    assert_eq!(request.header("authorization"), Some("Bearer sk-secret"));
    assert_eq!(request.conversation(), ["user: hello?"]);
    assert_eq!(request.body["messages"][0], json!({ "role": "system", "content": "be brief" }));
    assert_eq!((&request.body["stream"], &request.body["max_tokens"]), (&json!(true), &json!(77)));
    assert_eq!(request.body["stream_options"]["include_usage"], true);
}

#[tokio::test]
async fn pieces_are_given_on_when_they_come() {
    let (server, gate) = (ModelServer::new().await, Gate::new());
    server.script(Answer::paced(&gate, ["one", "two"]));
    let mut stream = client_with(&server, &[]).ask(question());
    for expected in ["one", "two"] {
        gate.release(1);
        assert_eq!(within("a piece", stream.next()).await, Some(text(expected)));
    }
    gate.open();
    assert_eq!(within("the usage", stream.next()).await, Some(Ok(USAGE)));
    assert_eq!(within("the end", stream.next()).await, None);
}

#[tokio::test]
async fn what_providers_add_and_leave_out_changes_nothing() {
    let whole = [text("Grüße, "), text("世界 🌍"), Ok(USAGE)];
    let tokens = |answer: Answer| answer.token("Grüße, ").token("世界 🌍");
    let null = json!({ "choices": [{ "delta": { "role": "assistant", "content": null, "tool_calls": null }, "finish_reason": null }] });
    let bare = json!({ "choices": [{ "delta": {} }] });
    let forms = [
        tokens(Answer::stream()).done(),
        tokens(Answer::stream().crlf()).done(),
        tokens(Answer::stream().bytewise()).done(),
        tokens(Answer::stream().crlf().bytewise().comment("split anywhere")).done(),
        tokens(Answer::stream().until_close()).done(),
        tokens(Answer::stream().comment("OPENROUTER PROCESSING").event(&null).event(&bare))
            .comment("still here")
            .done(),
        tokens(Answer::stream().raw("event: message\nid: 7\nretry: 3\n")).done(),
        tokens(Answer::stream().event(&json!({ "id": "only", "prompt_filter_results": [] })))
            .event(&json!({ "choices": [] }))
            .done(),
        // Without [DONE], and without anything after the reason.
        tokens(Answer::stream()).finish("stop").usage(3, 5),
        // The connection breaks when all was said.
        tokens(Answer::stream()).finish("stop").usage(3, 5).cut(),
    ];
    for (number, form) in forms.into_iter().enumerate() {
        assert_eq!(outcome(form).await, whole, "form {number}");
    }
}

#[tokio::test]
async fn an_endpoint_that_ignores_stream_is_understood() {
    assert_eq!(outcome(Answer::completion("all at once")).await, [text("all at once"), Ok(USAGE)]);
}

#[tokio::test]
async fn reasoning_is_work_but_no_text() {
    let answer = Answer::stream().thought("hmm").token("ok").done();
    assert_eq!(outcome(answer).await, [Ok(Delta::Thinking), text("ok"), Ok(USAGE)]);
}

#[tokio::test]
async fn an_answer_that_reached_its_bound_says_so() {
    let answer = Answer::stream().token("too").finish("length").raw("data: [DONE]\n\n");
    assert_eq!(outcome(answer).await, [text("too"), Ok(Delta::TooLong)]);
}

#[tokio::test]
async fn refusals_name_what_to_do() {
    let body = |message: &str| json!({ "error": { "message": message, "type": "invalid_request_error" } });
    let cases: [(Answer, &str, &[&str]); 9] = [
        (Answer::status(401, &body("bad key")), "key", &["401", "bad key", "SG_MODEL_API_KEY"]),
        (Answer::status(403, &body("not yours")), "key", &["403", "not yours", "SG_MODEL_API_KEY"]),
        (
            Answer::status(404, &body("no such model")),
            "not_found",
            &["no such model", "SG_MODEL_NAME", "SG_MODEL_BASE_URL", "/v1"],
        ),
        (Answer::status(429, &body("too fast")).header("Retry-After", "7"), "rate_limited", &["too fast", "slow down"]),
        (Answer::status(500, &body("it broke")), "upstream", &["500", "it broke"]),
        (
            Answer::status(503, &json!({ "error": { "message": "Loading model" } })),
            "upstream",
            &["503", "Loading model"],
        ),
        (Answer::html(502, "<html>Bad Gateway</html>"), "upstream", &["502", "Bad Gateway"]),
        (
            Answer::html(200, "<html>Welcome to my router</html>"),
            "not_a_model",
            &["Welcome to my router", "SG_MODEL_BASE_URL"],
        ),
        (Answer::status(200, &json!({ "status": "ok" })), "not_a_model", &["SG_MODEL_BASE_URL"]),
    ];
    for (answer, code, words) in cases {
        let error = error(answer).await;
        assert_eq!(error.code(), code, "{error}");
        let line = error.to_string();
        assert!(words.iter().all(|word| line.contains(word)) && !line.contains('\n'), "{line}");
        assert!(!error.for_user().contains("http") && !error.for_user().contains("SG_"), "{}", error.for_user());
    }
}

#[tokio::test]
async fn an_error_inside_the_stream_ends_it() {
    let failed = outcome(Answer::stream().token("half").error("overloaded").token("never").done()).await;
    assert_eq!(failed[0], text("half"));
    assert!(matches!(&failed[1..], [Err(ModelError::Upstream { detail, .. })] if detail == "overloaded"), "{failed:?}");
    assert!(matches!(error(Answer::stream().raw("data: {broken\n\n")).await, ModelError::Cut(_)));
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_no_whole_answer() {
    for answer in [
        Answer::stream().token("half").cut(),
        Answer::stream().until_close().token("half").cut(),
        Answer::stream().bytewise().token("half").cut(),
        // It ends in good order, but without a reason.
        Answer::stream().token("half"),
        Answer::stream().token("half").raw("data: {\"choices\":[{\"del").cut(),
    ] {
        let pieces = outcome(answer).await;
        assert!(
            matches!(&pieces[..], [Ok(Delta::Text(half)), Err(ModelError::Cut(_))] if half == "half"),
            "{pieces:?}"
        );
    }
    let error = error(Answer::stream().cut()).await;
    assert!(matches!(error, ModelError::Cut(_)), "{error:?}");
}

#[tokio::test]
async fn nobody_there_is_said_with_the_address() {
    let nobody = FreePort::new();
    let url = format!("http://{nobody}/v1");
    let pieces = ask(&client_at(&url, &[])).await;
    let [Err(error @ ModelError::Unreachable { .. })] = &pieces[..] else { panic!("{pieces:?}") };
    let line = error.to_string();
    assert!(line.contains(&url) && line.contains("refused") && line.contains("SG_MODEL_BASE_URL"), "{line}");
}

#[tokio::test]
async fn each_timeout_has_its_own_words() {
    let soon = [
        ("SG_MODEL__FIRST_TOKEN_TIMEOUT", "300ms"),
        ("SG_MODEL__TOKEN_TIMEOUT", "200ms"),
        ("SG_MODEL__TOTAL_TIMEOUT", "30s"),
    ];
    let server = ModelServer::new().await;
    let client = client_with(&server, &soon);
    let cases = [
        (Answer::silent(), ModelError::NoFirstToken(Duration::from_millis(300))),
        (Answer::stream().stall(), ModelError::NoFirstToken(Duration::from_millis(300))),
        // Keep-alives are no tokens.
        (
            (0..1000).fold(Answer::stream(), |answer, _| answer.comment("wait")).stall(),
            ModelError::NoFirstToken(Duration::from_millis(300)),
        ),
        (Answer::stream().token("half").stall(), ModelError::Stalled(Duration::from_millis(200))),
    ];
    for (index, (answer, expected)) in cases.into_iter().enumerate() {
        server.script(answer);
        let pieces = ask(&client).await;
        assert_eq!(pieces.last(), Some(&Err(expected)), "{pieces:?}");
        assert_eq!(server.request(index).await.ended().await, Ended::ClientLeft);
    }
}

#[tokio::test]
async fn keep_alives_do_not_hold_a_timeout_off() {
    let server = ModelServer::new().await;
    let client =
        client_with(&server, &[("SG_MODEL__FIRST_TOKEN_TIMEOUT", "300ms"), ("SG_MODEL__TOKEN_TIMEOUT", "300ms")]);
    let gate = Gate::new();
    server.script((0..10_000).fold(Answer::stream(), |answer, _| answer.wait(&gate).comment("still loading")));
    let begun = Instant::now();
    let (pieces, ()) = tokio::join!(ask(&client), async {
        let request = server.request(0).await;
        // One comment about every 10 ms, for as long as the client listens.
        while request.has_ended().is_none() {
            gate.release(1);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert_eq!(pieces, [Err(ModelError::NoFirstToken(Duration::from_millis(300)))]);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn the_total_timeout_ends_an_answer_that_never_ends() {
    let server = ModelServer::new().await;
    let soon = [
        ("SG_MODEL__FIRST_TOKEN_TIMEOUT", "500ms"),
        ("SG_MODEL__TOKEN_TIMEOUT", "500ms"),
        ("SG_MODEL__TOTAL_TIMEOUT", "700ms"),
    ];
    server.script(Answer::stream().flood(1 << 40));
    let mut stream = client_with(&server, &soon).ask(question());
    let mut last = None;
    within("the flood ends", async {
        while let Some(piece) = stream.next().await {
            last = Some(piece);
        }
    })
    .await;
    assert_eq!(last, Some(Err(ModelError::TookTooLong(Duration::from_millis(700)))));
    assert_eq!(server.request(0).await.ended().await, Ended::ClientLeft);
}

#[tokio::test]
async fn dropping_the_stream_ends_the_request_at_the_model() {
    let server = ModelServer::new().await;
    let client = client_with(&server, &[]);
    let answers = [
        Answer::silent(),
        Answer::stream().stall(),
        Answer::stream().token("half").stall(),
        Answer::stream().flood(1 << 30),
    ];
    for (index, answer) in answers.into_iter().enumerate() {
        server.script(answer);
        let mut stream = client.ask(question());
        let request = tokio::select! {
            request = server.request(index) => request,
            Some(_) = stream.next() => server.request(index).await,
        };
        assert_eq!(request.has_ended(), None);
        drop(stream);
        assert_eq!(request.ended().await, Ended::ClientLeft, "answer {index}");
    }
}

#[tokio::test]
async fn a_flood_is_passed_on_without_loss() {
    let server = ModelServer::new().await;
    server.script(Answer::stream().flood(8 << 20).done());
    let pieces = ask(&client_with(&server, &[])).await;
    let bytes: usize = pieces.iter().map(|piece| if let Ok(Delta::Text(text)) = piece { text.len() } else { 0 }).sum();
    assert!(bytes >= 8 << 20 && pieces.iter().all(Result::is_ok), "{bytes}");
}

#[tokio::test]
async fn an_event_without_end_is_refused() {
    let endless =
        (0..40).fold(Answer::stream().token("half").raw("data: "), |answer, _| answer.raw("x".repeat(64 << 10)));
    let error = error(endless.stall()).await;
    assert!(matches!(&error, ModelError::Cut(cause) if cause.contains("bytes")), "{error:?}");
}

//! What is wrong is said in one clear line that names what to do, and costs nothing that was right.

use std::net::TcpListener;

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
};

use tests::{Answer, FreePort, ModelServer, Pair, Process, Program, RedisServer, Settings, WebChatClient, until};

const DAEMONS: [Program; 2] = [Program::Gateway, Program::Inference];

fn settings(of: &[(&str, &str)]) -> Settings {
    of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Starts it, and expects it to end with `code` and one line that has all of `words`.
async fn refuses(program: Program, settings: Settings, code: i32, words: &[&str]) {
    let mut process = Process::start(program, settings);
    assert_eq!(process.exit_code().await, code);
    let line = process.log().line(words[0]).await;
    assert!(words.iter().all(|word| line.contains(word)), "`{line}` lacks one of {words:?}");
    assert_eq!(process.log().with("panicked"), [""; 0]);
}

#[tokio::test]
async fn every_wrong_setting_is_named_at_once() {
    for program in DAEMONS {
        let wrong = settings(&[
            ("SG_BUS__SHARDS", "12"),
            ("SG_BUS__LEASE_TTL", "soon"),
            ("SG_BUZ__SHARDS", "16"),
            ("SG_MODEL_BASE_URL", "localhost:11434"),
            ("SG_MODEL_API_KAY", "sk-secret"),
            ("SG_WEBCHAT_ADDR", "8080"),
        ]);
        let mut process = Process::start(program, wrong);
        assert_eq!(process.exit_code().await, 64);
        let lines = [
            &["bus.shards", "power of two"][..],
            &["bus.lease_ttl", "soon", "SG_BUS__LEASE_TTL"],
            &["SG_BUZ__SHARDS", "bus.shards"],
            &["model.base_url", "http://"],
            &["model.name", "SG_MODEL_NAME"],
            &["SG_MODEL_API_KAY", "SG_MODEL_API_KEY"],
            &["platform.webchat.addr", "127.0.0.1:8080"],
        ];
        for words in lines {
            process.log().line(words[0]).await;
            let found = process.log().lines().into_iter().any(|line| words.iter().all(|word| line.contains(word)));
            assert!(found, "no line has {words:?}: {:#?}", process.log().lines());
        }
        assert_eq!(process.log().with("sk-secret"), [""; 0], "secrets are not shown");
    }
}

#[tokio::test]
async fn a_settings_file_that_cannot_be_read_is_named() {
    for program in DAEMONS {
        refuses(program, settings(&[("SG_CONFIG", "not-there.toml")]), 64, &["not-there.toml", "cannot be read"]).await;
    }
}

#[tokio::test]
async fn without_redis_nothing_starts() {
    for program in DAEMONS {
        let nobody = FreePort::new();
        let url = format!("redis://{nobody}");
        refuses(program, settings(&[("SG_REDIS_URL", &url)]), 1, &["SG_REDIS_URL", "refused"]).await;
    }
    refuses(Program::Inference, settings(&[("SG_REDIS_URL", "unix:///not/there.sock")]), 1, &["SG_REDIS_URL"]).await;
    refuses(Program::Inference, settings(&[("SG_REDIS_URL", "not a url")]), 64, &["redis.url"]).await;
}

/// Answers like a Redis that reads its file: to every command of the first `connections`. After them it is the real one.
async fn loads_first(listener: tokio::net::TcpListener, redis: &RedisServer, connections: usize) {
    let (mut served, mut open) = (0, JoinSet::new());
    loop {
        let Ok((mut client, _)) = listener.accept().await else { return };
        served += 1;
        let socket = redis.socket().clone();
        let is_loading = served <= connections;
        open.spawn(async move {
            if !is_loading {
                let Ok(mut server) = tokio::net::UnixStream::connect(socket).await else { return };
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                return;
            }
            let mut read = [0; 4096];
            while let Ok(count @ 1..) = client.read(&mut read).await {
                let commands = read[..count].iter().filter(|byte| **byte == b'*').count();
                let answer = "-LOADING Redis is loading the dataset in memory\r\n".repeat(commands);
                if client.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
    }
}

#[tokio::test]
async fn a_redis_that_loads_its_data_is_waited_for() {
    let redis = RedisServer::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let mut settings = Pair::settings_on(&redis);
    settings.insert("SG_REDIS_URL".into(), format!("redis://{}", listener.local_addr().expect("it listens")));
    let started = async {
        let mut worker = Process::start(Program::Inference, settings);
        worker.wait_ready().await;
        worker.log().line("redis is still loading its data").await;
    };
    tokio::select! {
        () = loads_first(listener, &redis, 3) => panic!("nobody listens any more"),
        () = started => {}
    }
}

#[tokio::test]
async fn a_redis_that_wants_a_password_is_named() {
    let redis = RedisServer::new().await;
    redis.command(["CONFIG", "SET", "requirepass", "sesame"]).await;
    for program in DAEMONS {
        refuses(program, Pair::settings_on(&redis), 1, &["SG_REDIS_URL", "NOAUTH"]).await;
        let mut wrong = Pair::settings_on(&redis);
        wrong.insert("SG_REDIS_URL".into(), format!("{}?pass=guess", redis.url()));
        let mut process = Process::start(program, wrong);
        assert_eq!(process.exit_code().await, 1);
        assert_eq!(process.log().with("guess"), [""; 0], "secrets are not shown");
    }
    let mut right = Pair::settings_on(&redis);
    right.insert("SG_REDIS_URL".into(), format!("{}?pass=sesame", redis.url()));
    Process::start(Program::Inference, right).wait_ready().await;
}

#[tokio::test]
async fn another_number_of_shards_is_refused() {
    let redis = RedisServer::new().await;
    Process::start(Program::Inference, Pair::settings_on(&redis)).wait_ready().await;
    let mut other = Pair::settings_on(&redis);
    other.insert("SG_BUS__SHARDS".into(), "4".into());
    refuses(Program::Gateway, other, 64, &["bus.shards", "16", "4"]).await;
}

#[tokio::test]
async fn a_busy_port_is_named_with_the_setting_that_changes_it() {
    let redis = RedisServer::new().await;
    for program in DAEMONS {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut all = Pair::settings_on(&redis);
        all.insert("SG_WEBCHAT_ADDR".into(), FreePort::new().to_string());
        all.insert("SG_HEALTH_PORT".into(), taken.local_addr().unwrap().port().to_string());
        refuses(program, all, 64, &["SG_HEALTH_PORT", &taken.local_addr().unwrap().to_string()]).await;
    }
}

#[tokio::test]
async fn a_page_whose_port_is_busy_is_tried_again() {
    let redis = RedisServer::new().await;
    let port = FreePort::new();
    let taken = TcpListener::bind(port.address()).unwrap();
    let mut all = Pair::settings_on(&redis);
    all.insert("SG_WEBCHAT_ADDR".into(), port.to_string());
    let mut gateway = Process::start(Program::Gateway, all);
    let line = gateway.log().line("SG_WEBCHAT_ADDR").await;
    assert!(line.contains(&port.to_string()), "{line}");
    let report = gateway.get("/readyz").await.unwrap();
    assert_eq!(report.status, 503);
    assert!(report.body.contains("SG_WEBCHAT_ADDR"), "{}", report.body);
    drop(taken);
    gateway.wait_ready().await;
    WebChatClient::new(port.address()).await;
}

#[tokio::test]
async fn a_model_that_cannot_answer_is_told_honestly() {
    let model = ModelServer::new().await;
    let url = model.base_url();
    let pair = Pair::with(&[
        ("SG_MODEL_BASE_URL", &url),
        ("SG_MODEL_NAME", ModelServer::MODEL),
        ("SG_MODEL_API_KEY", "sk-secret-key"),
        ("SG_MODEL__FIRST_TOKEN_TIMEOUT", "500ms"),
        ("SG_MODEL__TOKEN_TIMEOUT", "500ms"),
    ])
    .await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let error = |message: &str| json!({ "error": { "message": message } });
    let cases: [(Answer, &str, &[&str]); 7] = [
        (Answer::status(401, &error("wrong key")), "not set up correctly", &["wrong key", "SG_MODEL_API_KEY"]),
        (Answer::status(404, &error("no such model")), "not set up correctly", &["no such model", "SG_MODEL_NAME"]),
        (Answer::status(429, &error("quota is used up")), "too many requests", &["quota is used up"]),
        (Answer::status(500, &error("kernel panic")), "failed to answer", &["kernel panic", "500"]),
        (Answer::html(200, "<html>my router</html>"), "not set up correctly", &["my router", "SG_MODEL_BASE_URL"]),
        (Answer::stream().stall(), "in time", &["first_token_timeout"]),
        (Answer::stream().token("Half of ").token("the truth").stall(), "cut off", &["token_timeout"]),
    ];
    for (answer, told, logged) in cases {
        model.script(answer);
        let id = visitor.say(&chat, "Are you there?").await;
        let text = visitor.answer(&chat, &id).await["text"].as_str().unwrap().to_owned();
        assert!(text.contains(told), "`{text}` does not say `{told}`");
        assert!(!text.contains("SG_") && !text.contains("http"), "`{text}` shows our insides");
        let log = pair.workers[0].log();
        log.line(logged[0]).await;
        let lines = log.with(logged[0]);
        assert!(
            lines.iter().any(|line| logged.iter().all(|word| line.contains(word))),
            "{lines:?} lacks one of {logged:?}"
        );
    }
    let story = visitor.story(&chat);
    assert!(story.last().unwrap().contains("Half of the truth"), "what was written stays: {story:#?}");
    assert_eq!(pair.workers[0].log().with("sk-secret-key"), [""; 0], "secrets are not shown");
    // Nothing of it stands in the way of the next.
    let id = visitor.say(&chat, "And now?").await;
    assert_eq!(visitor.answer(&chat, &id).await["text"], ModelServer::SAYS);
    assert_eq!(pair.dead_letters().await, [""; 0], "none of it was a failed turn");
}

#[tokio::test]
async fn a_model_at_a_wrong_address_is_told_and_logged() {
    let nobody = FreePort::new();
    let url = format!("http://{nobody}/v1");
    let pair = Pair::with(&[("SG_MODEL_BASE_URL", &url), ("SG_MODEL_NAME", "any")]).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let id = visitor.say(&chat, "Are you there?").await;
    let text = visitor.answer(&chat, &id).await["text"].as_str().unwrap().to_owned();
    assert!(text.contains("can't reach my language model"), "{text}");
    let line = pair.workers[0].log().line("SG_MODEL_BASE_URL").await;
    assert!(line.contains(&url), "{line}");
}

#[tokio::test]
async fn entries_that_cannot_be_read_become_dead_letters() {
    let model = ModelServer::new().await;
    let pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    let empty: &[u8] = &[0x80];
    let garbage: [&[u8]; 4] = [b"not msgpack", empty, &[0xdf, 0xff, 0xff, 0xff, 0xff], b""];
    let mut count = 0;
    for stream in ["sg:stream:inbound", "sg:stream:outbound:webchat"] {
        for shard in 0..16 {
            let stream = format!("{stream}:{{{shard}}}");
            for bytes in garbage {
                let entry: [&[u8]; 9] =
                    [b"XADD", stream.as_bytes(), b"*", b"data", bytes, b"ts", b"1", b"trace_id", b"t"];
                pair.redis.command_bytes(&entry).await;
                count += 1;
            }
            pair.redis.command(["XADD", &stream, "*", "nothing", "known"]).await;
            count += 1;
        }
    }
    until("all of them are dead letters", || async { pair.dead_letters().await.len() == count }).await;
    let reasons = pair.dead_letters().await;
    assert!(reasons.iter().all(|reason| !reason.is_empty()), "{reasons:?}");
    for process in [&pair.gateway, &pair.workers[0]] {
        process.log().line("dead letters").await;
    }
    let id = visitor.say(&chat, "Still here?").await;
    assert_eq!(visitor.answer(&chat, &id).await["text"], ModelServer::SAYS);
    until("nothing is left", || async { pair.unfinished().await == 0 }).await;
}

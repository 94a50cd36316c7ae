//! Plain streams beside sharded ones: what another service publishes as if there were one stream, and one platform.

use std::sync::Arc;

use bus::{Consumer, Role, Shards};
use codec::{ActionType, Inbound, Outbound};
use inference::drain::Drain;
use tests::{Answer, ModelServer, Pair, RedisServer, WebChatClient, consumer_config, eventually, until};
use tokio_util::sync::CancellationToken;

fn message(chat: &str, number: u32) -> Inbound {
    Inbound {
        channel_key: format!("webchat:{chat}"),
        platform: "webchat".into(),
        channel_id: chat.into(),
        user_id: "u".into(),
        message_id: format!("m{number}"),
        timestamp: 1.0,
        content: format!("number {number}"),
        is_addressed: true,
        is_dm: true,
        ..Inbound::default()
    }
}

/// The bot's messages in a chat, once there are so many.
async fn messages(visitor: &mut WebChatClient, chat: &str, count: usize) -> Vec<String> {
    let found = |visitor: &WebChatClient| {
        let entries = visitor.entries(chat).into_iter().filter(|entry| entry["kind"] == "message");
        let texts: Vec<String> = entries.map(|entry| entry["text"].as_str().unwrap_or_default().to_owned()).collect();
        (texts.len() >= count).then_some(texts)
    };
    visitor.wait("the messages", found).await
}

/// Without an event's identity, from another service, while the worker that moves them is killed.
#[tokio::test]
async fn what_is_published_on_the_plain_inbound_stream_is_answered_once_and_in_order() {
    let model = ModelServer::new().await;
    for number in 0..12 {
        model.script(Answer::text(&format!("answer {number}")));
    }
    let mut pair = Pair::with_model(&model).await;
    pair.add_worker().await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    visitor.open(&chat).await;
    // A chat's log begins with its first message.
    visitor.say(&chat, "hello").await;
    assert_eq!(messages(&mut visitor, &chat, 1).await, ["answer 0"]);
    for number in 1..12 {
        pair.append("sg:stream:inbound", &message(&chat, number).to_bytes()).await;
        if number == 5 {
            pair.workers.remove(0).kill9();
        }
    }
    let expected: Vec<_> = (0..12).map(|number| format!("answer {number}")).collect();
    assert_eq!(messages(&mut visitor, &chat, 12).await, expected);
    until("nothing is left", || async { pair.unfinished().await == 0 }).await;
    let left = pair.redis.command(["XPENDING", "sg:stream:inbound", "sg:workers"]).await;
    assert_eq!(left.list()[0].number(), 0);
    assert_eq!(messages(&mut visitor, &chat, 12).await.len(), 12, "and no more");
}

/// A shard that is at its bound takes no more; what is meant for it waits, in order, and nothing of it is lost.
#[tokio::test]
async fn what_is_meant_for_a_full_shard_waits_on_the_plain_stream() {
    const BOUND: i64 = 3;
    let redis = RedisServer::new().await;
    let bus = redis.bus(Shards::DEFAULT).await;
    let config = consumer_config(Role::PlainInbound, "worker-1");
    let stop = CancellationToken::new();
    let drain = Consumer::new(bus.clone(), config, Arc::new(Drain::new(bus.clone(), BOUND as u64))).run(stop.clone());
    let shard = bus.names().shards.of("webchat:chat");
    let stream = bus.names().stream(&Role::Inbound, shard);
    let length = || async { redis.command(["XLEN", &stream]).await.number() };
    let plain = "sg:stream:inbound";
    let test = async {
        for (number, trace) in ["t0", "t1", "t2", "t3", "t4"].into_iter().enumerate() {
            let data = message("chat", number as u32).to_bytes();
            let trace = trace.as_bytes();
            let command: [&[u8]; 9] =
                [b"XADD", plain.as_bytes(), b"*", b"data", &data, b"ts", b"1", b"trace_id", trace];
            redis.command_bytes(&command).await;
        }
        until("it is full", || async { length().await == BOUND }).await;
        let pending = || async { redis.command(["XPENDING", plain, "sg:workers"]).await.list()[0].number() };
        until("the others wait", || async { pending().await == 2 }).await;
        // A worker has finished with two of them.
        let first = redis.command(["XRANGE", &stream, "-", "+", "COUNT", "2"]).await;
        for entry in first.list() {
            redis.command(["XDEL", &stream, entry.list()[0].text()]).await;
        }
        until("they follow", || async { pending().await == 0 }).await;
        assert_eq!(length().await, BOUND);
        let contents = redis.command(["XRANGE", &stream, "-", "+"]).await;
        let traces: Vec<&str> = contents.list().iter().map(|entry| entry.list()[1].list()[5].text()).collect();
        assert_eq!(traces, ["t2", "t3", "t4"]);
        stop.cancel();
    };
    tokio::join!(drain, test);
}

#[tokio::test]
async fn what_nobody_can_read_lies_among_the_dead_letters_of_its_stream() {
    let model = ModelServer::new().await;
    let pair = Pair::with_model(&model).await;
    pair.append("sg:stream:inbound", b"\xff").await;
    let key = "sg:stream:dlq:{sg:stream:inbound}";
    let letter = eventually("a dead letter", || async {
        let found = pair.redis.command(["XRANGE", key, "-", "+"]).await;
        let fields = found.list().first()?.list()[1].list().to_vec();
        Some(fields.iter().map(|field| field.text().to_owned()).collect::<Vec<_>>())
    })
    .await;
    assert_eq!(letter[..2], ["original_stream", "sg:stream:inbound"]);
    assert!(letter[5].starts_with("undecodable: "), "{letter:?}");
}

#[tokio::test]
async fn an_action_on_the_plain_outbound_stream_is_carried_out_once() {
    let model = ModelServer::new().await;
    let pair = Pair::with_model(&model).await;
    let mut visitor = pair.visitor().await;
    let chat = visitor.new_chat().await;
    visitor.open(&chat).await;
    visitor.say(&chat, "hello").await;
    messages(&mut visitor, &chat, 1).await;
    let notice = Outbound {
        channel_id: Some(chat.clone()),
        platform: "webchat".into(),
        action: ActionType::Message,
        message_key: Some("notice:1:0".into()),
        trace_id: "t".into(),
        text: "maintenance at noon".into(),
        ..Outbound::default()
    };
    for _ in 0..2 {
        pair.append("sg:stream:outbound:webchat", &notice.to_bytes()).await;
    }
    let shown = messages(&mut visitor, &chat, 2).await;
    assert_eq!(shown[1], "maintenance at noon");
    let group = || async { pair.redis.command(["XINFO", "GROUPS", "sg:stream:outbound:webchat"]).await };
    until("both are settled", || async {
        let groups = group().await;
        let state = groups.list().first().map(|group| (group.list()[5].number(), group.list()[11].number()));
        state == Some((0, 0))
    })
    .await;
    assert_eq!(messages(&mut visitor, &chat, 2).await.len(), 2, "the second is a copy");
}

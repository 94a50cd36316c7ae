//! The gateway's egress on a platform that can do little, or refuses.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on says so at once")]

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bus::{Bus, Consumer, Role, Shards};
use codec::{ActionType, AnswerView, Button, Outbound, OutboundView, PlatformName, Raw};
use gateway::{
    egress::Egress,
    platform::{
        Accepted, CallError, Capabilities, Count, FileLimits, Limits, Part, Permanent, Platform, RunError, SendError,
        Settling, Sought, Started,
    },
};
use serde_json::{Value, json};
use tests::{RedisServer, consumer_config, eventually, until};
use tokio_util::sync::CancellationToken;

/// Notes what it is asked for, and answers as it is told to.
#[derive(Debug)]
struct Noting {
    name: PlatformName,
    can: Capabilities,
    sent: Mutex<Vec<String>>,
    /// Messages that were made so far, the number of the last one being its id.
    made: AtomicU64,
    /// The next message is made without its file.
    loses_file: AtomicBool,
    /// So many texts are shown shortened that messages are given.
    shortens: AtomicU64,
    /// What the next requests are answered with.
    refusals: Mutex<VecDeque<SendError>>,
}

impl Noting {
    fn new(can: Capabilities) -> Arc<Self> {
        let name = PlatformName::new("noting").unwrap();
        let [made, shortens] = [0, 0].map(AtomicU64::new);
        let loses_file = AtomicBool::new(false);
        Arc::new(Self { name, can, sent: Mutex::default(), made, loses_file, shortens, refusals: Mutex::default() })
    }

    fn refuse(&self, errors: impl IntoIterator<Item = SendError>) {
        self.refusals.lock().unwrap().extend(errors);
    }

    fn sent(&self) -> Vec<String> {
        self.sent.lock().unwrap().clone()
    }

    fn note(&self, what: String) -> Result<(), SendError> {
        let poisoned = || what.contains("poison").then(|| SendError::Unknown("it answered 500".into()));
        let refusal = self.refusals.lock().unwrap().pop_front().or_else(poisoned);
        let mut sent = self.sent.lock().unwrap();
        match refusal {
            Some(error) => {
                sent.push(format!("refused {what}"));
                Err(error)
            }
            None => {
                sent.push(what);
                Ok(())
            }
        }
    }
}

#[async_trait]
impl Platform for Noting {
    fn name(&self) -> &PlatformName {
        &self.name
    }

    async fn run(&self, _: &Started, stop: CancellationToken) -> Result<(), RunError> {
        stop.cancelled().await;
        Ok(())
    }

    fn settling(&self) -> Settling {
        Settling { repeats_within: Duration::from_secs(60), can_be_asked: false }
    }

    fn capabilities(&self) -> &Capabilities {
        &self.can
    }

    async fn send(&self, part: &Part<'_, '_>) -> Result<Accepted, SendError> {
        let file = part.file.as_ref().map(|file| format!(" + {} {}", file.name, file.bytes.len()));
        let buttons: usize = part.buttons.iter().map(Vec::len).sum();
        let buttons = if buttons > 0 { format!(" + {buttons} buttons") } else { String::new() };
        self.note(format!("send {}{}{buttons}", part.text, file.unwrap_or_default()))?;
        let id = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        let lacks_file = part.file.is_some() && self.loses_file.swap(false, Ordering::Relaxed);
        Ok(Accepted { lacks_file, ..Accepted::new(id.to_string()) })
    }

    async fn apply(&self, action: &OutboundView<'_>) -> Result<(), SendError> {
        self.note(format!("apply {} to {}", action.action, action.target.unwrap_or("nothing")))
    }

    async fn look_up(&self, _: &Sought<'_, '_>) -> Result<Option<Accepted>, SendError> {
        unreachable!("it cannot be asked")
    }

    async fn amend(&self, part: &Part<'_, '_>, id: &str) -> Result<Accepted, SendError> {
        let file = if part.file.is_some() { " with its file" } else { "" };
        self.note(format!("amend {id} {}{file}", part.text))?;
        let text = self.shortens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        let text = text.is_ok().then(|| part.text.chars().take(3).collect());
        Ok(Accepted { text, ..Accepted::new(id.to_owned()) })
    }

    async fn retract(&self, _: &OutboundView<'_>, id: &str) -> Result<(), SendError> {
        self.note(format!("retract {id}"))
    }

    async fn call(&self, method: &str, args: &Value, key: &str) -> Result<Value, CallError> {
        match method {
            "echo" => Ok(json!({ "args": args, "key": key })),
            "slow" => std::future::pending().await,
            "strict" => Err(CallError::BadArguments("`limit` is to be a number".into())),
            "forbidden" => Err(SendError::Refused(Permanent::Forbidden, "no permission".into()).into()),
            other => Err(CallError::UnknownMethod(other.to_owned())),
        }
    }

    fn address(&self) -> Option<String> {
        None
    }
}

/// One shard, so that everything is on one stream.
struct World {
    redis: RedisServer,
    bus: Bus,
    platform: Arc<Noting>,
    number: u32,
}

const STREAM: &str = "sg:stream:outbound:noting";
const ANSWERS: &str = "sg:stream:reply:worker-1";

impl World {
    /// Runs `test` beside an egress.
    async fn with(can: Capabilities, test: impl AsyncFnOnce(&mut Self)) {
        let redis = RedisServer::new().await;
        let bus = redis.bus(Shards::new(1).unwrap()).await;
        let platform = Noting::new(can);
        let egress = Egress::new(Arc::clone(&platform) as _, &bus).with_tries(2);
        let config = consumer_config(Role::Outbound("noting".into()), "gateway-1");
        let stop = CancellationToken::new();
        let running = Consumer::new(bus.clone(), config, Arc::new(egress)).run(stop.clone());
        let mut world = Self { redis, bus, platform, number: 0 };
        let test = async {
            test(&mut world).await;
            stop.cancel();
        };
        tokio::join!(running, test);
    }

    async fn act(&mut self, action: Outbound) -> String {
        self.act_in("room", action).await
    }

    async fn act_in(&mut self, channel: &str, action: Outbound) -> String {
        self.number += 1;
        let key = format!("noting:{}:0", self.number);
        let action = Outbound {
            channel_id: Some(channel.into()),
            platform: "noting".into(),
            message_key: Some(key.clone()),
            trace_id: "t".into(),
            ..action
        };
        assert_eq!(action.validate(), Ok(()));
        let data = action.to_bytes();
        let command: [&[u8]; 9] = [b"XADD", STREAM.as_bytes(), b"*", b"data", &data, b"ts", b"1", b"trace_id", b"t"];
        self.redis.command_bytes(&command).await;
        key
    }

    async fn sent(&self, count: usize) -> Vec<String> {
        let platform = &self.platform;
        until("it is sent", || async { platform.sent().len() >= count }).await;
        platform.sent()
    }

    async fn call(&mut self, method: &str, args: Value, patience: Duration) -> (bool, Value) {
        let key = self
            .act(Outbound {
                action: ActionType::Rpc,
                method: Some(method.into()),
                args: Raw::new(rmp_serde::to_vec_named(&args).unwrap().into()).ok(),
                reply_stream: Some(ANSWERS.into()),
                deadline: Some(bus::unix_ms() + patience.as_millis() as u64),
                ..Outbound::default()
            })
            .await;
        let redis = &self.redis;
        eventually("an answer", || async {
            let entries = redis.command(["XRANGE", ANSWERS, "-", "+"]).await;
            entries.list().iter().find_map(|entry| {
                let fields = entry.list()[1].list();
                assert_eq!([fields[0].text(), fields[2].text(), fields[4].text()], ["data", "ts", "trace_id"]);
                let answer = AnswerView::decode(fields[1].bytes()).unwrap();
                (answer.id == key).then(|| match (answer.result, answer.error) {
                    (Some(result), None) => (answer.ok, rmp_serde::from_slice(result.as_bytes()).unwrap()),
                    (None, Some(error)) => (answer.ok, json!([error.code, error.message])),
                    both => panic!("{both:?}"),
                })
            })
        })
        .await
    }

    async fn letters(&self, count: usize) -> Vec<String> {
        let redis = &self.redis;
        eventually("dead letters", || async {
            let found = redis.command(["XRANGE", "sg:stream:dlq", "-", "+"]).await;
            let errors: Vec<_> =
                found.list().iter().map(|letter| letter.list()[1].list()[5].text().to_owned()).collect();
            (errors.len() >= count).then_some(errors)
        })
        .await
    }
}

fn says(text: &str) -> Outbound {
    Outbound { action: ActionType::Message, text: text.into(), ..Outbound::default() }
}

#[tokio::test]
async fn what_cannot_be_shown_is_told_in_words_or_counted() {
    World::with(Capabilities::TEXT_ONLY, async |world| {
        let button = Button { label: "Yes".into(), custom_id: Some("yes".into()), ..Button::default() };
        let buttons = vec![vec![button]];
        world.act(Outbound { action: ActionType::Buttons, text: "Sure?".into(), buttons, ..Outbound::default() }).await;
        let file = Outbound { action: ActionType::File, filename: Some("../a.txt".into()), ..Outbound::default() };
        world.act(Outbound { data: Some("hello".into()), ..file.clone() }).await;
        world.act(Outbound { media_key: Some("sg:media:gone".into()), ..file }).await;
        let target = || Some("noting:1:0".to_owned());
        world.act(Outbound { action: ActionType::Edit, target_key: target(), ..says("better") }).await;
        for action in [ActionType::Delete, ActionType::Reaction] {
            world.act(Outbound { action, target_key: target(), emoji: "👍".into(), ..Outbound::default() }).await;
        }
        world.act(says("last")).await;
        let expected = [
            "send Sure?\n\n1. Yes",
            "send [a.txt (5 B): files cannot be sent here]",
            "send [a.txt: not kept any more]",
            "send ✏️ better",
            "send last",
        ];
        assert_eq!(world.sent(5).await, expected);
    })
    .await;
}

#[tokio::test]
async fn what_is_beyond_the_parts_goes_as_a_file() {
    let limits = Limits { text: 256, count: Count::Chars, parts: 2 };
    let files = Some(FileLimits { bytes: 4096 });
    World::with(Capabilities { text: Some(limits), files, ..Capabilities::TEXT_ONLY }, async |world| {
        let text = "word ".repeat(160);
        world.act(says(&text)).await;
        let sent = world.sent(2).await;
        assert_eq!(sent.len(), 2, "{sent:?}");
        assert!(sent[1].contains(" more characters in the file] + rest.md "), "{}", sent[1]);
        // What does not fit into a file either is told as before.
        world.act(says(&"word ".repeat(1600))).await;
        let sent = world.sent(4).await;
        assert!(sent[3].contains("[cut here: ") && !sent[3].contains("rest.md"), "{}", sent[3]);
        let whole = Outbound { action: ActionType::File, filename: Some("a".into()), ..says("look") };
        world.act(Outbound { data: Some("hello".into()), ..whole }).await;
        assert_eq!(world.sent(5).await[4], "send look + a 5");
    })
    .await;
}

#[tokio::test]
async fn what_an_earlier_action_made_is_found_by_its_key() {
    let text = Some(Limits { text: 256, count: Count::Chars, parts: 4 });
    let can = Capabilities { text, edits: true, deletes: true, reactions: true, ..Capabilities::TEXT_ONLY };
    World::with(can, async |world| {
        let words = |word: &str, count: usize| [word].repeat(count).join(" ");
        let key = world.act(says(&words("one", 90))).await;
        assert_eq!(world.sent(2).await.len(), 2);
        let about = |action: ActionType| Outbound { action, target_key: Some(key.clone()), ..Outbound::default() };
        world.act(Outbound { emoji: "👍".into(), ..about(ActionType::Reaction) }).await;
        // A longer text goes on in messages of its own, a shorter one takes away what it does not need.
        let longer = world.act(Outbound { text: words("two", 150), ..about(ActionType::Edit) }).await;
        let sent = world.sent(6).await;
        assert_eq!(sent[2], "apply reaction to 2");
        let begins: Vec<_> = sent[3..].iter().map(|sent| &sent[..11]).collect();
        assert_eq!(begins, ["amend 1 two", "amend 2 two", "send two tw"]);
        // Of what is changed again, all messages are known, whichever action made them; a reaction is about the last one.
        world.act(Outbound { text: words("too", 151), ..about(ActionType::Edit) }).await;
        world.act(Outbound { emoji: "👍".into(), ..about(ActionType::Reaction) }).await;
        let sent = world.sent(10).await;
        let begins: Vec<_> = sent[6..9].iter().map(|sent| &sent[..11]).collect();
        assert_eq!(begins, ["amend 1 too", "amend 2 too", "amend 3 too"]);
        assert_eq!(sent[9], "apply reaction to 3");
        world.act(Outbound { text: "three".into(), ..about(ActionType::Edit) }).await;
        assert_eq!(world.sent(13).await[10..], ["amend 1 three", "retract 2", "retract 3"]);
        world.act(Outbound { target_key: Some(longer), ..about(ActionType::Delete) }).await;
        world.act(about(ActionType::Delete)).await;
        assert_eq!(world.sent(15).await[13..], ["retract 3", "retract 1"]);
        // What the platform has from elsewhere is told by its own id.
        let target = || Some("77".to_owned());
        world.act(Outbound { action: ActionType::Edit, target: target(), ..says("four") }).await;
        world.act(Outbound { action: ActionType::Delete, target: target(), ..Outbound::default() }).await;
        assert_eq!(world.sent(17).await[15..], ["amend 77 four", "retract 77"]);
        world.platform.refuse([SendError::Gone("no such message".into())]);
        world.act(Outbound { action: ActionType::Edit, target: target(), ..says("five") }).await;
        assert_eq!(world.letters(1).await, ["gone: the message is not there any more: no such message"]);
    })
    .await;
}

#[tokio::test]
async fn a_file_that_did_not_arrive_is_brought_along_again() {
    let files = Some(FileLimits { bytes: 4096 });
    World::with(Capabilities { files, edits: true, ..Capabilities::TEXT_ONLY }, async |world| {
        world.platform.loses_file.store(true, Ordering::Relaxed);
        let file = Outbound { action: ActionType::File, filename: Some("a".into()), ..says("look") };
        world.act(Outbound { data: Some("hello".into()), ..file }).await;
        assert_eq!(world.sent(2).await, ["send look + a 5", "amend 1 look with its file"]);
    })
    .await;
}

#[tokio::test]
async fn a_text_that_is_shown_shortened_is_given_again() {
    World::with(Capabilities { edits: true, ..Capabilities::TEXT_ONLY }, async |world| {
        let first = world.act(says("first")).await;
        world.sent(1).await;
        world.platform.shortens.store(1, Ordering::Relaxed);
        let edit = |text: &str| Outbound { action: ActionType::Edit, target_key: Some(first.clone()), ..says(text) };
        world.act(edit("second")).await;
        assert_eq!(world.sent(3).await[1..], ["amend 1 second", "amend 1 second"]);
        // One that does so every time is not asked for ever.
        world.platform.shortens.store(u64::MAX, Ordering::Relaxed);
        world.act(edit("third")).await;
        world.act(says("after")).await;
        assert_eq!(world.sent(7).await[3..], ["amend 1 third", "amend 1 third", "amend 1 third", "send after"]);
    })
    .await;
}

#[tokio::test]
async fn an_action_that_alone_fails_is_given_up_and_its_lane_goes_on() {
    World::with(Capabilities::TEXT_ONLY, async |world| {
        // As often as a platform fails that does nothing else: that is no fault of the action's.
        world.act(says("poison")).await;
        world.act(says("after")).await;
        world.sent(4).await;
        for number in 0..2 {
            let before = world.platform.sent().len();
            world.act_in("another room", says(&format!("fine {number}"))).await;
            world.sent(before + 2).await;
        }
        let letters = world.letters(1).await;
        assert!(letters[0].starts_with("failing: noting failed over it again and again"), "{letters:?}");
        until("its lane goes on", || async { world.platform.sent().contains(&"send after".to_owned()) }).await;
        assert!(letters[0].contains("it answered 500"), "{letters:?}");
    })
    .await;
}

#[tokio::test]
async fn a_refusal_for_good_is_a_dead_letter_and_a_limit_is_waited_for_in_the_lane() {
    World::with(Capabilities::TEXT_ONLY, async |world| {
        let permanent = [Permanent::Forbidden, Permanent::ChannelGone, Permanent::Blocked, Permanent::Invalid];
        world.platform.refuse(permanent.map(|why| SendError::Refused(why, "no".into())));
        for why in permanent {
            world.act(says(why.code())).await;
        }
        let letters = world.letters(4).await;
        for (letter, why) in letters.iter().zip(permanent) {
            assert_eq!(*letter, format!("{}: the platform refused: no", why.code()));
        }
        world.platform.refuse([SendError::Limited(Duration::from_millis(1)), SendError::Away("restarts".into())]);
        world.act(says("first")).await;
        world.act(says("second")).await;
        let sent = world.sent(8).await;
        assert_eq!(sent[4..], ["refused send first", "refused send first", "send first", "send second"]);
    })
    .await;
}

#[tokio::test]
async fn calls_are_answered_with_a_result_or_a_code() {
    const LONG: Duration = Duration::from_secs(30);
    World::with(Capabilities::TEXT_ONLY, async |world| {
        let (ok, result) = world.call("echo", json!({"limit": 5, "big": u64::MAX}), LONG).await;
        assert!(ok);
        assert_eq!(result, json!({"args": {"limit": 5, "big": u64::MAX}, "key": "noting:1:0"}));
        let (ok, can) = world.call("capabilities", json!({}), LONG).await;
        assert!(ok && can["edits"] == false && can["buttons"].is_null(), "{can}");
        for (method, code) in [("lock", "unknown_method"), ("strict", "bad_arguments"), ("forbidden", "forbidden")] {
            let (ok, error) = world.call(method, json!({}), LONG).await;
            assert!(!ok && error[0] == code, "{method}: {error}");
        }
        let (ok, error) = world.call("slow", json!({}), Duration::from_millis(50)).await;
        assert!(!ok && error[0] == "timeout", "{error}");
        let ttl = world.redis.command(["TTL", ANSWERS]).await.number();
        assert!((3500..=3600).contains(&ttl), "{ttl}");
        // Nothing is written to a stream of ours on somebody's word.
        let elsewhere = Outbound {
            action: ActionType::Rpc,
            method: Some("echo".into()),
            reply_stream: Some(STREAM.into()),
            deadline: Some(u64::MAX),
            ..Outbound::default()
        };
        world.act(elsewhere).await;
        assert!(world.letters(1).await[0].starts_with("invalid: "));
        // Nor does an answer that cannot be written hold up what is said.
        world.redis.command(["SET", "sg:stream:reply:odd", "no stream"]).await;
        let odd = Outbound {
            action: ActionType::Rpc,
            method: Some("echo".into()),
            reply_stream: Some("sg:stream:reply:odd".into()),
            deadline: Some(u64::MAX),
            ..Outbound::default()
        };
        world.act(odd).await;
        world.act(says("after")).await;
        until("its lane goes on", || async { world.platform.sent().contains(&"send after".to_owned()) }).await;
        assert_eq!(world.bus.names().shards.count(), 1);
    })
    .await;
}

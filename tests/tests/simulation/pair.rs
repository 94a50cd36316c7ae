//! Worlds of the pair: the worker's own turns and the gateway's own egress on one log, with a scripted model and a scripted
//! platform, under the same faults as the bus alone.

use std::{collections::BTreeMap, sync::Arc};

use bus::{
    Action, Bus, Failure, Handler, HistoryWrite, Outcome, Previews, Role, Route, RouteError, Turn, reply::Value,
};
use bytes::Bytes;
use codec::{Inbound, InboundView, Kind, event_id};
use fastrand::Rng;
use gateway::egress::split::{Rest, split};
use inference::{Setup, turn::Turns};
use service::{Settings, Source};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    check::{dead_letters, edit_of},
    handlers::{PLATFORM, time},
    model::{self, answer},
    platform::{LIMITS, Offer, Scripted},
    world::World,
};

/// What is said of a message that was given up, as far as it is alike.
const GIVEN_UP: &str =
    "Something went wrong, and I could not answer this message. Whoever runs me finds it among the dead letters.";

/// What the processes of such a world share.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    settings: Arc<Settings>,
    pub(crate) platform: Arc<Scripted>,
    offer: Offer,
}

impl Pair {
    pub(crate) fn new(seed: u64, rng: Rng) -> Self {
        let offer = [Offer::Dedupes, Offer::CanBeAsked, Offer::Nothing][(seed % 3) as usize];
        let settings = Settings::read(Source::new(None, &BTreeMap::new())).unwrap();
        Self { settings: Arc::new(settings), platform: Arc::new(Scripted::new(offer, rng)), offer }
    }

    /// A worker's turns, and the work beside them.
    pub(crate) fn turns(
        &self,
        bus: &Bus,
        stop: &CancellationToken,
    ) -> (Failing, impl Future<Output = ()> + Send + use<>) {
        let (previews, publishing) = Previews::new(bus.clone(), stop.clone());
        let setup = Setup::with_model(Arc::clone(&self.settings), Arc::new(model::Scripted)).unwrap();
        let turns = Turns::new(watch::channel(Arc::new(setup)).1, previews, bus.clone());
        (Failing { turns, fails: self.offer != Offer::Nothing }, publishing)
    }

    /// What a platform's event becomes: `lane:number[:kind[:of]]` is what was said.
    pub(crate) fn envelope(payload: &str) -> Bytes {
        let (lane, rest) = payload.split_once(':').unwrap();
        let (edit, delete) = (edit_of(payload), delete_of(payload));
        let message_id = edit.as_deref().or(delete.as_deref()).unwrap_or(payload);
        let (kind, id) = match (&edit, &delete) {
            (Some(_), _) => (Kind::Edit, event_id::edit(PLATFORM, message_id, rest)),
            (_, Some(_)) => (Kind::Delete, event_id::delete(PLATFORM, message_id)),
            _ => (Kind::Message, event_id::message(PLATFORM, message_id)),
        };
        let inbound = Inbound {
            channel_key: format!("{PLATFORM}:{lane}"),
            kind,
            platform: PLATFORM.into(),
            channel_id: lane.into(),
            user_id: "ada".into(),
            content: payload.into(),
            message_id: message_id.into(),
            event_id: Some(id),
            timestamp: 1.0,
            is_dm: true,
            is_addressed: !payload.ends_with(":quiet"),
            ..Inbound::default()
        };
        inbound.to_bytes()
    }
}

/// A worker's turns of which some fail in the middle, as often as they are tried.
#[derive(Debug)]
pub(crate) struct Failing {
    turns: Turns,
    /// Where the notice of that may be doubtful, it is not looked at.
    fails: bool,
}

impl Handler for Failing {
    fn route(&self, payload: &Bytes) -> Result<Route, RouteError> {
        self.turns.route(payload)
    }

    fn record(&self, payload: &Bytes) -> Result<Option<HistoryWrite>, RouteError> {
        self.turns.record(payload)
    }

    async fn run(&self, turn: &mut Turn) -> Outcome {
        let payload = turn.facts().payload.clone();
        let inbound = InboundView::decode(&payload).unwrap();
        let fails = self.fails && inbound.kind == Kind::Message && inbound.content.ends_with(":poison");
        if !fails {
            return self.turns.run(turn).await;
        }
        let _ = tokio::time::timeout(time(&inbound.content, 150), self.turns.run(turn)).await;
        Outcome::Retry(Failure { code: "scripted", error: "as told".into() })
    }

    fn notice(&self, payload: &Bytes, failure: &Failure) -> Option<Action> {
        self.turns.notice(payload, failure)
    }
}

/// The message that this one deletes, as the beginning of its payload.
fn delete_of(payload: &str) -> Option<String> {
    let (lane, rest) = payload.split_once(':')?;
    let (_, of) = rest.split_once(":delete:")?;
    Some(format!("{lane}:{of}"))
}

/// Messages that are answered, in the order in which they were sent.
fn asked(world: &World) -> impl Iterator<Item = &String> {
    let is_asked =
        |payload: &&String| edit_of(payload).is_none() && delete_of(payload).is_none() && !payload.ends_with(":quiet");
    world.sent.iter().filter(is_asked)
}

fn is_deleted(world: &World, message: &String) -> bool {
    world.sent.iter().any(|delete| delete_of(delete).as_ref() == Some(message))
}

pub(crate) fn is_done(world: &World, pair: &Pair) -> bool {
    let deleted = asked(world).filter(|message| is_deleted(world, message)).count();
    let shown = pair.platform.shown().iter().filter(|shown| !shown.is_further()).count();
    shown + dead_letters(world).len() + deleted >= asked(world).count()
}

/// The messages that an answer becomes: with every word of it, or with the number of characters that are missing.
fn parts_of(answer: &str) -> Vec<String> {
    let split = split(answer, &LIMITS, true);
    let texts: Vec<String> = split.texts(Rest::Cut).into_iter().map(Into::into).collect();
    let is_word = |word: &&str| !word.starts_with("```");
    let words = |text: &str| text.split_whitespace().filter(is_word).map(str::to_owned).collect::<Vec<_>>();
    let (said, mut shown) = (words(answer), words(&texts.join("\n")));
    if !split.rest.is_empty() {
        let notice = ["[cut", "here:", &split.rest.trim().chars().count().to_string(), "more", "characters]"];
        assert_eq!(shown.split_off(shown.len() - notice.len()), notice);
        shown.extend(words(split.rest));
    }
    assert_eq!(shown, said, "another text than was written");
    texts
}

/// I2 and I3 as a user sees them: each message has one answer, which is to what it says or to what an edit made of it, in the
/// order of the messages, as all of its parts behind one another; and nothing is left of what was shown while it was written.
/// One that was given up has the notice of that, and one that was deleted may have none. Where the platform offers nothing, an
/// answer may be missing, all of it or its end, that is among the dead letters instead.
pub(crate) fn check(world: &World, pair: &Pair) {
    let (seed, shown, letters) = (world.seed, pair.platform.shown(), dead_letters(world));
    let odd: Vec<_> = letters.iter().filter(|letter| !letter.contains("scripted: as told")).collect();
    assert!(pair.offer == Offer::Nothing || odd.is_empty(), "seed {seed}: given up: {odd:?}");
    let mut by_lane: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for message in asked(world) {
        by_lane.entry(message.split(':').next().unwrap()).or_default().push(message);
    }
    let mut count = 0;
    for (lane, messages) in by_lane {
        let mut shown = shown.iter().filter(|shown| shown.channel == lane).peekable();
        for message in messages {
            let edits = world.sent.iter().filter(|edit| edit_of(edit).as_ref() == Some(message));
            let mut answers: Vec<String> = std::iter::once(message).chain(edits).map(|said| answer(said)).collect();
            if pair.offer != Offer::Nothing && message.ends_with(":poison") {
                answers = vec![GIVEN_UP.into()];
            }
            let is_begun = |texts: &Vec<String>| shown.peek().is_some_and(|shown| shown.text == texts[0]);
            let expected = answers.iter().map(|answer| parts_of(answer)).find(is_begun).unwrap_or_default();
            let mut texts = expected.iter().peekable();
            while let Some(shown) = shown.next_if(|shown| texts.peek().is_some_and(|text| shown.text == **text)) {
                assert!(shown.is_further() || texts.len() == expected.len(), "seed {seed}: {shown:?} in the middle");
                texts.next();
                count += 1;
            }
            let is_answered = !expected.is_empty() && texts.len() == 0;
            let is_given_up = odd.iter().any(|letter| answers.iter().any(|answer| letter.contains(answer.as_str())));
            assert!(
                is_answered || is_given_up || expected.is_empty() && is_deleted(world, message),
                "seed {seed}: {message} has {:?} in the place of its answer, or of the last {} parts of that",
                shown.peek(),
                texts.len()
            );
        }
        let more: Vec<_> = shown.collect();
        assert!(more.is_empty(), "seed {seed}: {lane} has more than was asked: {more:?}");
    }
    assert_eq!(count, shown.len(), "seed {seed}: answers in lanes where nothing was asked");
    assert_eq!(pair.platform.met().refused, 0, "seed {seed}: texts that the platform has no room for");
    records(world);
}

/// What was noted of a preview ends with its action, and what is left of a send expires.
fn records(world: &World) {
    let (seed, names) = (world.seed, world.bus.names());
    for message in asked(world) {
        let lane = format!("{PLATFORM}:{}", message.split(':').next().unwrap());
        let key = codec::names::message_key(&event_id::message(PLATFORM, message), 0);
        let record = names.notes(&Role::Outbound(PLATFORM.into()), names.shards.of(&lane), &key);
        let is = |field: &[u8]| {
            world.server.command(&[b"HGET", record.as_bytes(), field]).is_ok_and(|value| value != Value::Nil)
        };
        assert!(!(is(b"state") && is(b"preview")), "seed {seed}: {message} is sent, and its preview is still noted");
        let ttl = world.server.command(&[b"PTTL", record.as_bytes()]).unwrap();
        assert_ne!(ttl, Value::Int(-1), "seed {seed}: what was noted of {message} is kept for ever");
    }
}

//! Worlds of the pair: the worker's own turns and the gateway's own egress on one log, with a scripted model and a scripted
//! platform, under the same faults as the bus alone.

use std::{collections::BTreeMap, sync::Arc};

use bus::{Bus, Previews};
use bytes::Bytes;
use codec::{Inbound, Kind, event_id};
use fastrand::Rng;
use inference::turn::Turns;
use service::{Settings, Source};
use tokio_util::sync::CancellationToken;

use super::{
    check::{dead_letters, edit_of},
    handlers::PLATFORM,
    model::{self, answer},
    platform::{Offer, Scripted},
    world::World,
};

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
    ) -> (Turns, impl Future<Output = ()> + Send + use<>) {
        let (previews, publishing) = Previews::new(bus.clone(), stop.clone());
        (Turns::new(Arc::clone(&self.settings), Arc::new(model::Scripted), previews).unwrap(), publishing)
    }

    /// What a platform's event becomes: `lane:number[:kind[:of]]` is what was said.
    pub(crate) fn envelope(payload: &str) -> Bytes {
        let (lane, rest) = payload.split_once(':').unwrap();
        let of = edit_of(payload);
        let message_id = of.as_deref().unwrap_or(payload);
        let inbound = Inbound {
            channel_key: format!("{PLATFORM}:{lane}"),
            kind: if of.is_some() { Kind::Edit } else { Kind::Message },
            platform: PLATFORM.into(),
            channel_id: lane.into(),
            user_id: "ada".into(),
            content: payload.into(),
            message_id: message_id.into(),
            event_id: Some(match of {
                Some(_) => event_id::edit(PLATFORM, message_id, rest),
                None => event_id::message(PLATFORM, message_id),
            }),
            timestamp: 1.0,
            is_dm: true,
            is_addressed: !payload.ends_with(":quiet"),
            ..Inbound::default()
        };
        inbound.to_bytes()
    }
}

/// Messages that are answered, in the order in which they were sent.
fn asked(world: &World) -> impl Iterator<Item = &String> {
    world.sent.iter().filter(|payload| edit_of(payload).is_none() && !payload.ends_with(":quiet"))
}

pub(crate) fn is_done(world: &World, pair: &Pair) -> bool {
    pair.platform.shown().len() + dead_letters(world).len() >= asked(world).count()
}

/// I2 and I3 as a user sees them: each message has one answer, which is to what it says or to what an edit made of it, in the
/// order of the messages. Where the platform offers nothing, an answer may be missing that is among the dead letters instead.
pub(crate) fn check(world: &World, pair: &Pair) {
    let (seed, shown, letters) = (world.seed, pair.platform.shown(), dead_letters(world));
    assert!(pair.offer == Offer::Nothing || letters.is_empty(), "seed {seed}: given up: {letters:?}");
    let mut by_lane: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for message in asked(world) {
        by_lane.entry(message.split(':').next().unwrap()).or_default().push(message);
    }
    let mut count = 0;
    for (lane, messages) in by_lane {
        let mut shown = shown.iter().filter(|shown| shown.channel == lane).peekable();
        for message in messages {
            let edits = world.sent.iter().filter(|edit| edit_of(edit).as_ref() == Some(message));
            let answers: Vec<String> = std::iter::once(message).chain(edits).map(|said| answer(said)).collect();
            let is_answered = shown.peek().is_some_and(|shown| answers.contains(&shown.text));
            let is_given_up =
                letters.iter().any(|letter| answers.iter().any(|answer| letter.contains(answer.as_str())));
            assert!(is_answered || is_given_up, "seed {seed}: {message} has {:?} in its answer's place", shown.peek());
            if is_answered {
                shown.next();
                count += 1;
            }
        }
        assert!(shown.next().is_none(), "seed {seed}: {lane} has more than was asked");
    }
    assert_eq!(count, shown.len(), "seed {seed}: answers in lanes where nothing was asked");
}

//! A platform as bots meet them: it loses answers, is away at times, and can dedupe, be asked, or neither.

use std::{sync::Mutex, time::Duration};

use async_trait::async_trait;
use codec::{ActionType, OutboundView, PlatformName};
use fastrand::Rng;
use gateway::{
    egress::text_hash,
    platform::{Accepted, Part, Platform, RunError, SendError, Settling, Sought, Started},
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// What a platform offers to a bot that did not hear what became of a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offer {
    /// It takes a repeat for the same send for a while, and can be asked after that.
    Dedupes,
    /// It can be asked what it has.
    CanBeAsked,
    Nothing,
}

/// For so long a repeat is known there; what a bot may rely on is less.
const DEDUPES_FOR: Duration = Duration::from_secs(4);
const RELIED_ON: Duration = Duration::from_secs(3);

/// A message that it shows.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) channel: String,
    pub(crate) text: String,
    key: String,
    at: Instant,
}

#[derive(Debug)]
pub(crate) struct Scripted {
    name: PlatformName,
    offer: Offer,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    shown: Vec<Shown>,
    rng: Rng,
    is_calm: bool,
    lost_answers: u64,
    repeats: u64,
}

impl Scripted {
    pub(crate) fn new(offer: Offer, rng: Rng) -> Self {
        let state = State { shown: Vec::new(), rng, is_calm: false, lost_answers: 0, repeats: 0 };
        Self { name: PlatformName::new("sim").unwrap(), offer, state: Mutex::new(state) }
    }

    /// From now on it is well.
    pub(crate) fn calm(&self) {
        self.state.lock().unwrap().is_calm = true;
    }

    pub(crate) fn shown(&self) -> Vec<Shown> {
        self.state.lock().unwrap().shown.clone()
    }

    /// Answers that were lost, and sends that it knew already.
    pub(crate) fn met(&self) -> (u64, u64) {
        let state = self.state.lock().unwrap();
        (state.lost_answers, state.repeats)
    }

    /// The way there and the way back of a request, either of which may be lost.
    async fn request<T>(&self, work: impl FnOnce(&mut State) -> T) -> Result<T, SendError> {
        let (there, back, fate) = {
            let mut state = self.state.lock().unwrap();
            let fate = if state.is_calm { 99 } else { state.rng.u8(..100) };
            (state.rng.u64(1..40), state.rng.u64(1..40), fate)
        };
        tokio::time::sleep(Duration::from_millis(there)).await;
        match fate {
            0..4 => return Err(SendError::Away("busy".into())),
            4..6 => return Err(SendError::Unknown("it never got there".into())),
            _ => {}
        }
        let done = work(&mut self.state.lock().unwrap());
        tokio::time::sleep(Duration::from_millis(back)).await;
        if fate < 16 {
            self.state.lock().unwrap().lost_answers += 1;
            return Err(SendError::Unknown("the answer was lost".into()));
        }
        Ok(done)
    }
}

fn accepted((id, shown): (usize, &Shown)) -> Accepted {
    Accepted { id: id.to_string(), text: Some(shown.text.clone()) }
}

#[async_trait]
impl Platform for Scripted {
    fn name(&self) -> &PlatformName {
        &self.name
    }

    async fn run(&self, _: &Started, stop: CancellationToken) -> Result<(), RunError> {
        stop.cancelled().await;
        Ok(())
    }

    fn settling(&self) -> Settling {
        match self.offer {
            Offer::Dedupes => Settling { repeats_within: RELIED_ON, can_be_asked: true },
            Offer::CanBeAsked => Settling { repeats_within: Duration::ZERO, can_be_asked: true },
            Offer::Nothing => Settling { repeats_within: Duration::ZERO, can_be_asked: false },
        }
    }

    async fn send(&self, part: &Part<'_, '_>) -> Result<Accepted, SendError> {
        let dedupes = self.offer == Offer::Dedupes;
        self.request(|state| {
            let is_known = |(_, shown): &(usize, &Shown)| shown.key == part.key && shown.at.elapsed() < DEDUPES_FOR;
            if let Some(known) = state.shown.iter().enumerate().find(is_known).filter(|_| dedupes) {
                state.repeats += 1;
                return accepted(known);
            }
            let channel = part.action.channel_id.unwrap_or_default().to_owned();
            let shown = Shown { channel, text: part.text.to_owned(), key: part.key.clone(), at: Instant::now() };
            state.shown.push(shown);
            accepted((state.shown.len() - 1, &state.shown[state.shown.len() - 1]))
        })
        .await
    }

    async fn apply(&self, action: &OutboundView<'_>) -> Result<(), SendError> {
        let key = action.target_key.map(|key| format!("{key}.0"));
        self.request(|state| {
            if action.action == ActionType::Delete {
                state.shown.retain(|shown| Some(&shown.key) != key.as_ref());
            }
        })
        .await
    }

    /// By the text, as one reads a channel; the key is the bot's own affair.
    async fn look_up(&self, sought: &Sought<'_, '_>) -> Result<Option<Accepted>, SendError> {
        let channel = sought.part.action.channel_id.unwrap_or_default();
        self.request(|state| {
            let is_it = |(_, shown): &(usize, &Shown)| {
                shown.channel == channel
                    && [sought.hash, &text_hash(sought.part.text)].contains(&text_hash(&shown.text).as_str())
            };
            state.shown.iter().enumerate().find(is_it).map(accepted)
        })
        .await
    }

    async fn amend(&self, part: &Part<'_, '_>, id: &str) -> Result<(), SendError> {
        self.request(|state| {
            if let Some(shown) = id.parse::<usize>().ok().and_then(|id| state.shown.get_mut(id)) {
                part.text.clone_into(&mut shown.text);
            }
        })
        .await
    }

    fn address(&self) -> Option<String> {
        None
    }
}

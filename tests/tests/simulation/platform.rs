//! A platform as bots meet them: it loses answers, is away at times, takes no long texts, and can dedupe, be asked, or neither.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use codec::{ActionType, OutboundView, PlatformName};
use fastrand::Rng;
use gateway::{
    egress::text_hash,
    platform::{Accepted, Capabilities, Count, Limits, Part, Platform, RunError, SendError, Settling, Sought, Started},
};
use tests::SimServer;
use tokio::{sync::oneshot, time::Instant};
use tokio_util::sync::CancellationToken;

use super::shown::{Met, Shown};

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

/// What one message of it holds.
pub(crate) const LIMITS: Limits = Limits { text: 256, count: Count::Chars, parts: 8 };

const CAPABILITIES: Capabilities =
    Capabilities { text: Some(LIMITS), edits: true, deletes: true, typing: true, ..Capabilities::TEXT_ONLY };

/// How often a message of it may be edited while its text is being written.
const PREVIEW_EVERY: Duration = Duration::from_millis(40);

/// How long it takes until it is known what became of a scripted request.
const PATIENCE: Duration = Duration::from_millis(300);

#[derive(Debug)]
pub(crate) struct Scripted {
    name: PlatformName,
    offer: Offer,
    /// When the world began, and with it the server's clock.
    began: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    shown: Vec<Shown>,
    /// Messages that were made so far.
    made: u64,
    met: Met,
    /// Requests on their way there, by when they arrive.
    under_way: BTreeMap<(Instant, u64), Arrival>,
    sent: u64,
    /// Of these, one that never gets there.
    lost: Option<u64>,
    /// What becomes of the next tries of a second part.
    second_part: VecDeque<Fate>,
    held_up: Duration,
    rng: Rng,
    is_calm: bool,
}

impl Scripted {
    pub(crate) fn new(offer: Offer, rng: Rng) -> Self {
        let state = State {
            shown: Vec::new(),
            made: 0,
            met: Met::default(),
            under_way: BTreeMap::new(),
            sent: 0,
            lost: None,
            second_part: VecDeque::new(),
            held_up: Duration::ZERO,
            rng,
            is_calm: false,
        };
        Self { name: PlatformName::new("sim").unwrap(), offer, began: Instant::now(), state: Mutex::new(state) }
    }

    /// From now on it is well.
    pub(crate) fn calm(&self) {
        self.lock().is_calm = true;
    }

    pub(crate) fn shown(&self) -> Vec<Shown> {
        self.lock().shown.clone()
    }

    pub(crate) fn met(&self) -> Met {
        self.lock().met
    }

    /// The request with this number, from 1, never gets there.
    pub(crate) fn lose(&self, number: u64) {
        self.lock().lost = Some(number);
    }

    /// What becomes of the next tries of a second part.
    pub(crate) fn second_part_meets(&self, fates: impl IntoIterator<Item = Fate>) {
        self.lock().second_part.extend(fates);
    }

    /// What is asked for a preview takes so much longer on its way there.
    pub(crate) fn hold_previews_up(&self, by: Duration) {
        self.lock().held_up = by;
    }

    /// What it has no room for it refuses.
    fn check(&self, text: &str) -> Result<(), SendError> {
        let length = LIMITS.count.len(text);
        if length <= LIMITS.text {
            return Ok(());
        }
        self.lock().met.refused += 1;
        Err(SendError::Unsupported(format!("a text of {length} characters")))
    }

    /// The way there and the way back of a request, either of which may be lost. What was sent arrives, also when nobody waits
    /// for its answer any more.
    async fn request<T: Send + 'static>(
        &self,
        extra: Duration,
        work: impl FnOnce(&mut State, Instant) -> T + Send + 'static,
    ) -> Result<T, SendError> {
        let fate = {
            let mut state = self.lock();
            if state.is_calm { Fate::Answered } else { Fate::of(state.rng.u8(..100)) }
        };
        self.request_that_meets(fate, extra, work).await
    }

    async fn request_that_meets<T: Send + 'static>(
        &self,
        fate: Fate,
        extra: Duration,
        work: impl FnOnce(&mut State, Instant) -> T + Send + 'static,
    ) -> Result<T, SendError> {
        let (answer, mut answered) = oneshot::channel();
        let (at, back, fate) = {
            let mut state = self.lock();
            let (there, back) = (state.rng.u64(1..40), state.rng.u64(1..40));
            let at = Instant::now() + Duration::from_millis(there) + extra;
            state.sent += 1;
            let number = state.sent;
            let fate = if state.lost == Some(number) { Fate::NeverThere } else { fate };
            if matches!(fate, Fate::Answered | Fate::AnswerLost) {
                let arrival = Arrival(Box::new(move |state, at| _ = answer.send(work(state, at))));
                state.under_way.insert((at, number), arrival);
            }
            (at, back, fate)
        };
        tokio::time::sleep_until(at).await;
        match fate {
            Fate::Busy => return Err(SendError::Away("busy".into())),
            Fate::NeverThere => return Err(SendError::Unknown("it never got there".into())),
            Fate::AnswerLost | Fate::Answered => drop(self.lock()),
        }
        tokio::time::sleep(Duration::from_millis(back)).await;
        if fate == Fate::AnswerLost {
            self.lock().met.lost_answers += 1;
            return Err(SendError::Unknown("the answer was lost".into()));
        }
        Ok(answered.try_recv().unwrap())
    }

    /// The platform as it is now: with everything that has arrived.
    fn lock(&self) -> MutexGuard<'_, State> {
        let (mut state, now) = (self.state.lock().unwrap(), Instant::now());
        while let Some(first) = state.under_way.first_entry().filter(|first| first.key().0 <= now) {
            let ((at, _), Arrival(work)) = first.remove_entry();
            work(&mut state, at);
        }
        state
    }
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is refused for now.
    Busy,
    NeverThere,
    AnswerLost,
    Answered,
}

impl Fate {
    /// Of a hundred.
    fn of(chance: u8) -> Self {
        match chance {
            0..4 => Self::Busy,
            4..6 => Self::NeverThere,
            6..16 => Self::AnswerLost,
            _ => Self::Answered,
        }
    }
}

/// What a request does when it arrives.
struct Arrival(Work);

type Work = Box<dyn FnOnce(&mut State, Instant) + Send>;

impl fmt::Debug for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Arrival")
    }
}

fn is_preview(part: &Part<'_, '_>) -> bool {
    part.key.ends_with(".preview")
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

    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    async fn send(&self, part: &Part<'_, '_>) -> Result<Accepted, SendError> {
        self.check(&part.text)?;
        let dedupes = self.offer == Offer::Dedupes;
        let (key, is_preview, text) = (part.key.clone(), is_preview(part), part.text.to_string());
        let channel = part.action.channel_id.unwrap_or_default().to_owned();
        let scripted = if key.ends_with(".1") { self.lock().second_part.pop_front() } else { None };
        let work = move |state: &mut State, at: Instant| {
            let is_known = |shown: &&Shown| shown.key == key && at.duration_since(shown.at) < DEDUPES_FOR;
            if let Some(known) = state.shown.iter().find(is_known).filter(|_| dedupes) {
                state.met.repeats += 1;
                return known.accepted();
            }
            state.made += 1;
            state.met.previews += u64::from(is_preview);
            let shown = Shown { id: state.made, channel, text, key, at };
            state.met.further += u64::from(shown.is_further());
            state.shown.push(shown.clone());
            shown.accepted()
        };
        match scripted {
            Some(fate) => {
                let answer = self.request_that_meets(fate, Duration::ZERO, work).await;
                // Whatever it meets, it is waited for.
                tokio::time::sleep(PATIENCE).await;
                answer
            }
            None => self.request(Duration::ZERO, work).await,
        }
    }

    async fn apply(&self, action: &OutboundView<'_>) -> Result<(), SendError> {
        let key = action.target_key.map(str::to_owned);
        let (is_delete, is_typing) = (action.action == ActionType::Delete, action.action == ActionType::Typing);
        self.request(Duration::ZERO, move |state, _| {
            state.met.typings += u64::from(is_typing);
            if is_delete {
                let key_of = |shown: &Shown| shown.key.rsplit_once('.').map(|(key, _)| key.to_owned());
                state.shown.retain(|shown| key_of(shown) != key);
            }
        })
        .await
    }

    /// By time and text, as one reads a channel; the key is the bot's own affair.
    async fn look_up(&self, sought: &Sought<'_, '_>) -> Result<Option<Accepted>, SendError> {
        let channel = sought.part.action.channel_id.unwrap_or_default().to_owned();
        let since = self.began + Duration::from_millis(sought.since_ms.saturating_sub(SimServer::EPOCH_MS));
        let hashes = [sought.hash.to_owned(), text_hash(&sought.part.text)];
        self.request(Duration::ZERO, move |state, _| {
            let is_it = |shown: &&Shown| {
                shown.channel == channel && shown.at >= since && hashes.contains(&text_hash(&shown.text))
            };
            state.shown.iter().find(is_it).map(Shown::accepted)
        })
        .await
    }

    async fn amend(&self, part: &Part<'_, '_>, id: &str) -> Result<Accepted, SendError> {
        self.check(&part.text)?;
        let (is_preview, text, id) = (is_preview(part), part.text.to_string(), id.to_owned());
        let extra = if is_preview { self.lock().held_up } else { Duration::ZERO };
        self.request(extra, move |state, _| {
            state.met.preview_edits += u64::from(is_preview);
            let shown = state.shown.iter_mut().find(|shown| shown.id.to_string() == id);
            let shown = shown.ok_or(SendError::Gone(id))?;
            shown.text = text;
            Ok(shown.accepted())
        })
        .await?
    }

    async fn retract(&self, _: &OutboundView<'_>, id: &str) -> Result<(), SendError> {
        let id = id.to_owned();
        self.request(Duration::ZERO, move |state, _| {
            let before = state.shown.len();
            state.shown.retain(|shown| shown.id.to_string() != id);
            state.met.retracted += (before - state.shown.len()) as u64;
        })
        .await
    }

    fn preview_every(&self) -> Option<Duration> {
        (self.offer != Offer::Nothing).then_some(PREVIEW_EVERY)
    }

    fn address(&self) -> Option<String> {
        None
    }
}

//! The gates of all previews of one platform, shared by who shows them and by who carries the actions out.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bus::Holding;
use codec::PreviewFrameView;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::gate::{Answer, Gate, Request};
use crate::platform::Capabilities;

/// Running texts at once. Frames of further ones are dropped; their final texts come all the same.
const GATES_MAX: usize = 4096;
/// Bytes of all running texts.
const BYTES_MAX: usize = 64 << 20;
/// Actions that have come lately: a late frame of one begins nothing. Redis knows it for longer, at the price of a question.
const SHUT_MAX: usize = 8192;
/// A text that has not grown for so long is forgotten; one that goes on is found again by its record.
const QUIET_MAX: Duration = Duration::from_secs(10 * 60);
/// How long the request under way is waited for when its action has come: it makes no further step, and is over by the lease's
/// end. After that the action waits for its next try.
const UNDER_WAY_MAX: Duration = Duration::from_secs(10);
/// How often it is shown that somebody writes: it is seen for ten seconds.
const TYPING_EVERY: Duration = Duration::from_secs(8);
/// An answer that begins sooner than this needs no notice.
const TYPING_AFTER: Duration = Duration::from_millis(500);
/// And that only while a worker says that it is at it, which it does every four seconds at least.
const SILENT_MAX: Duration = Duration::from_secs(10);
/// A text that has not grown for so long does not show any more that somebody writes.
const STILL_MIN: Duration = Duration::from_secs(5);
/// Pause before it is looked again whether what is earlier has been settled.
const BEHIND_AGAIN: Duration = Duration::from_millis(50);

/// See the module.
#[derive(Debug, Default)]
pub(in crate::egress) struct Gates {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By the action's key.
    gates: BTreeMap<String, Entry>,
    /// The one gate of each lane: its turns run one after the other, so a text of the next one says that this one has ended.
    lanes: BTreeMap<String, String>,
    shut: Shut,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    gate: Gate,
    place: Whereabouts,
    holding: Holding,
    due: Instant,
    typing_due: Instant,
    heard: Instant,
    grown: Instant,
    asking: Option<UnderWay>,
}

/// A request under way.
#[derive(Debug, Clone, Default)]
struct UnderWay {
    /// Cancelled when it has ended.
    ended: CancellationToken,
    /// Cancelled when the action has come: no further step of it is made.
    shut: CancellationToken,
}

/// Where a preview is shown.
#[derive(Debug, Clone)]
pub(super) struct Whereabouts {
    pub(super) lane: String,
    pub(super) channel_id: String,
    pub(super) thread_id: Option<String>,
    pub(super) reply_to: Option<String>,
}

/// A request that is to be made now.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) key: String,
    pub(super) request: Request,
    pub(super) place: Whereabouts,
    pub(super) holding: Holding,
    /// To be cancelled when it has ended.
    pub(super) ended: CancellationToken,
    /// Cancelled when nothing more is to be begun.
    pub(super) shut: CancellationToken,
}

/// The newest keys of actions that have come.
#[derive(Debug, Default)]
struct Shut {
    order: VecDeque<String>,
    /// Each with whether its preview is in doubt.
    keys: HashMap<String, bool>,
}

impl Shut {
    fn add(&mut self, key: &str, is_in_doubt: bool) {
        if let Some(known) = self.keys.get_mut(key) {
            *known |= is_in_doubt;
            return;
        }
        self.keys.insert(key.to_owned(), is_in_doubt);
        self.order.push_back(key.to_owned());
        if self.order.len() > SHUT_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.keys.remove(&oldest);
        }
    }
}

impl Gates {
    /// A frame came in; `holding` tells who owns a lane. False when there was no room for it.
    pub(super) fn frame(&self, frame: &PreviewFrameView<'_>, holding: impl FnOnce(&str) -> Option<Holding>) -> bool {
        let (mut state, key, now) = (self.lock(), frame.message_key, Instant::now());
        if state.shut.keys.contains_key(key) {
            return true;
        }
        if state.gates.get(key).is_some_and(|entry| entry.holding.is_over()) && !state.forget(key) {
            return true;
        }
        if !state.gates.contains_key(key) {
            let (Some(lane), Some(channel)) = (frame.channel_key, frame.channel_id) else { return true };
            let Some(holding) = holding(lane) else { return true };
            if state.gates.len() >= GATES_MAX {
                return false;
            }
            if let Some(before) = state.lanes.insert(lane.to_owned(), key.to_owned()) {
                state.shut(&before);
            }
            let place = Whereabouts {
                lane: lane.to_owned(),
                channel_id: channel.to_owned(),
                thread_id: frame.thread_id.map(str::to_owned),
                reply_to: frame.reply_to.map(str::to_owned),
            };
            let entry = Entry {
                gate: Gate::default(),
                place,
                holding,
                due: now,
                typing_due: now + TYPING_AFTER,
                heard: now,
                grown: now,
                asking: None,
            };
            state.gates.insert(key.to_owned(), entry);
        }
        if state.bytes + frame.text.len() > BYTES_MAX {
            return false;
        }
        state.change(key, |entry| {
            entry.heard = now;
            if entry.gate.frame(frame) {
                entry.grown = now;
            }
        });
        true
    }

    /// Up to `room` requests that are due on a platform that can so much, each text at most once in `every`. What has ended is
    /// forgotten.
    pub(super) fn due(&self, every: Duration, can: &Capabilities, room: usize) -> Vec<Asked> {
        let (mut state, now) = (self.lock(), Instant::now());
        let is_over = |entry: &Entry| {
            entry.gate.is_shut() || entry.holding.is_over() || now.duration_since(entry.heard) >= QUIET_MAX
        };
        let over: Vec<String> =
            state.gates.iter().filter(|(_, entry)| is_over(entry)).map(|(key, _)| key.clone()).collect();
        over.iter().for_each(|key| _ = state.forget(key));
        // Who has waited for longest comes first, or those that wait for a lane would take all the room at each look.
        let mut due: Vec<_> = state.gates.iter_mut().filter(|(_, entry)| entry.is_due(now)).collect();
        due.sort_by_key(|(_, entry)| entry.due);
        let asked = due.into_iter().filter_map(|(key, entry)| {
            let request = entry.request(now, every, can)?;
            let UnderWay { ended, shut } = entry.asking.insert(UnderWay::default()).clone();
            let (key, place, holding) = (key.clone(), entry.place.clone(), entry.holding.clone());
            Some(Asked { key, request, place, holding, ended, shut })
        });
        asked.take(room).collect()
    }

    /// A request has ended so.
    pub(super) fn answered(&self, key: &str, answer: Answer) {
        let (mut state, now) = (self.lock(), Instant::now());
        let (is_over, is_in_doubt) = (answer == Answer::Over, answer == Answer::Doubt);
        state.change(key, |entry| {
            entry.asking = None;
            if matches!(answer, Answer::Behind(_)) {
                entry.due = entry.due.min(now + BEHIND_AGAIN);
            }
            entry.gate.answered(answer);
        });
        if is_in_doubt && state.shut.keys.contains_key(key) {
            state.shut.add(key, true);
        }
        if is_over {
            state.shut(key);
        }
    }

    /// The action has come: nothing is asked for its preview any more.
    pub(in crate::egress) fn shut(&self, key: &str) {
        self.lock().shut(key);
    }

    /// The same, and waits for the request under way; none when that takes too long. Gives whether an edit of it may yet be done.
    pub(in crate::egress) async fn shut_and_wait(&self, key: &str) -> Option<bool> {
        let under_way = {
            let mut state = self.lock();
            state.shut(key);
            state.gates.get(key).and_then(|entry| entry.asking.clone())
        };
        if let Some(UnderWay { ended, .. }) = under_way {
            tokio::time::timeout(UNDER_WAY_MAX, ended.cancelled()).await.ok()?;
        }
        Some(self.lock().shut.keys.get(key).copied().unwrap_or(false))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().gates.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Held for a few lines, never across an await.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn is_due(&self, now: Instant) -> bool {
        self.due <= now || self.typing_due <= now
    }

    /// What is to be asked for it now: a text, or else that somebody writes.
    fn request(&mut self, now: Instant, every: Duration, can: &Capabilities) -> Option<Request> {
        if self.due <= now
            && let Some(request) = self.gate.request(can.text.as_ref())
        {
            self.due = now + every;
            return Some(request);
        }
        let is_at_it = now.duration_since(self.heard) < SILENT_MAX;
        let is_still = !self.gate.is_shown() || now.duration_since(self.grown) >= STILL_MIN;
        if !can.typing || self.typing_due > now || !is_at_it || !is_still {
            return None;
        }
        let request = self.gate.typing()?;
        self.typing_due = now + TYPING_EVERY;
        Some(request)
    }
}

impl State {
    fn shut(&mut self, key: &str) {
        let entry = self.gates.get_mut(key);
        let is_in_doubt = entry.as_ref().is_some_and(|entry| entry.gate.is_in_doubt());
        if let Some(entry) = entry {
            entry.gate.shut();
            if let Some(under_way) = &entry.asking {
                under_way.shut.cancel();
            }
        }
        self.shut.add(key, is_in_doubt);
        self.forget(key);
    }

    /// Forgets a gate, unless something of it is under way: who shuts it waits for that.
    fn forget(&mut self, key: &str) -> bool {
        let is_over = |under_way: &UnderWay| under_way.ended.is_cancelled();
        let is_idle = self.gates.get(key).is_some_and(|entry| entry.asking.as_ref().is_none_or(is_over));
        if is_idle && let Some(entry) = self.gates.remove(key) {
            self.bytes -= entry.gate.bytes();
            if self.lanes.get(&entry.place.lane).is_some_and(|current| current == key) {
                self.lanes.remove(&entry.place.lane);
            }
        }
        is_idle
    }

    fn change(&mut self, key: &str, change: impl FnOnce(&mut Entry)) {
        let Some(entry) = self.gates.get_mut(key) else { return };
        let before = entry.gate.bytes();
        change(entry);
        self.bytes = self.bytes - before + entry.gate.bytes();
    }
}

//! Places for requests, given in the order of their ranks: first one of the bucket, then one of the bot as a whole.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, sleep_until},
};

use super::{
    Rank, Share, Told,
    lines::Lines,
    others::Reserving,
    queue::Queue,
    refusals::Refusals,
    whole::{Places, Whole},
};

/// Requests that may wait at once; more are refused, and come again with their action.
const WAITING_MAX: usize = 16 * 1024;
/// Pause before it is looked again whether who is reserving places has got them: they may have been stopped.
const RESERVING: Duration = Duration::from_millis(200);

/// What wants a place.
#[derive(Debug, Clone, Copy)]
pub struct Want<'a> {
    /// The kind of request: method and path, without ids.
    pub route: &'a str,
    /// What the platform counts apart: a channel, a server, a webhook.
    pub major: &'a str,
    /// How urgent it is.
    pub rank: Rank,
    /// It counts against the budget of the bot as a whole.
    pub is_whole: bool,
    /// It is of no use after this.
    pub until: Instant,
}

/// There was no place in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the platform's budget had no place for it in time")]
pub struct Late;

/// See the module. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Pacer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    share: Option<Arc<dyn Share>>,
    /// Told when somebody has reserved places: if more wait, another one is to reserve for them.
    reserved: Notify,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) lines: Lines,
    /// Those with a place of their bucket.
    pub(super) whole: Queue<Grant, Grant>,
    pub(super) places: Places,
    pub(super) refusals: Option<Refusals>,
    waiting: usize,
    number: u64,
}

/// A place of a bucket. One that nobody took is given back.
#[derive(Debug)]
pub(super) struct Grant(Option<Of>);

/// What a request is about.
#[derive(Debug, Clone)]
pub(super) struct Of {
    pacer: Pacer,
    pub(super) route: Arc<str>,
    pub(super) major: Arc<str>,
    /// It is about something that others of the bot may ask about as well: what does not count against the whole is one's own.
    pub(super) is_whole: bool,
}

/// A request may go. Dropped without a word of what came of it, it counts as one without an answer.
#[derive(Debug)]
pub struct Place(Option<Of>);

/// When a request that waits is to be looked at again.
enum Next {
    At(Instant),
    /// When something else has happened.
    Later,
    Reserve,
}

impl Pacer {
    /// For a bot that may ask for `limit` things in each `window`, alone or with the others of `share`.
    #[must_use]
    pub fn new(limit: u32, window: Duration, share: Option<Arc<dyn Share>>) -> Self {
        let places = Places::new(limit, window, share.is_some());
        let (lines, whole) = (Lines::default(), Queue::default());
        let state = State { lines, whole, places, refusals: None, waiting: 0, number: 0 };
        Self(Arc::new(Inner { state: Mutex::new(state), share, reserved: Notify::new() }))
    }

    /// Waits for a place. May be dropped at any time.
    ///
    /// # Errors
    /// [`Late`] when there was none in time, or too many wait.
    pub async fn place(&self, want: Want<'_>) -> Result<Place, Late> {
        let of = self.of(&want);
        self.ask_others(&of).await;
        // Told before the channel, so that it outlives it: when it is over, nobody waits there any more.
        let waiting = Waiting::new(&of)?;
        let (granted, mut place) = oneshot::channel();
        waiting.stand(want.rank, want.is_whole, granted);
        loop {
            let changed = self.changed(&of);
            // Before the look, so that nothing is missed after it.
            let changed = changed.notified();
            let reserved = self.reserved().notified();
            let next = self.give(&of);
            if let Ok(grant) = place.try_recv() {
                if matches!(next, Next::Reserve) {
                    // More wait than there are places; the word that one is to reserve may have been ours.
                    self.reserved().notify_one();
                }
                return Ok(grant.take());
            }
            let again = match next {
                Next::Reserve => match Reserving::begin(self) {
                    Some(reserving) => {
                        reserving.reserve().await;
                        continue;
                    }
                    None => (Instant::now() + RESERVING).min(want.until),
                },
                Next::At(at) => at.min(want.until),
                Next::Later => want.until,
            };
            tokio::select! {
                biased;
                grant = &mut place => return grant.map(Grant::take).map_err(|_| Late),
                () = sleep_until(again) => if again == want.until {
                    return Err(Late);
                },
                () = changed => {}
                () = reserved, if matches!(next, Next::Reserve) => {}
            }
        }
    }

    /// A place that is free now, for something that the next one of its kind makes old: a text that is still growing. Waits for
    /// nothing but a word of those that share the budget, once.
    pub async fn place_now(&self, want: Want<'_>) -> Option<Place> {
        let of = self.of(&want);
        self.ask_others(&of).await;
        if want.is_whole
            && self.look(want.rank) == Whole::Reserve
            && let Some(reserving) = Reserving::begin(self)
        {
            reserving.reserve().await;
        }
        self.free_place(want, of)
    }

    fn of(&self, want: &Want<'_>) -> Of {
        Of { pacer: self.clone(), route: want.route.into(), major: want.major.into(), is_whole: want.is_whole }
    }

    fn look(&self, rank: Rank) -> Whole {
        self.lock().places.look(rank, Instant::now())
    }

    fn free_place(&self, want: Want<'_>, of: Of) -> Option<Place> {
        let (now, mut left, mut gone) = (Instant::now(), Vec::new(), Vec::new());
        let mut state = self.lock();
        // Who has a place of their bucket goes first.
        if want.is_whole && state.whole.first(&mut gone).is_some() {
            drop(state);
            return None;
        }
        let line = state.lines.of(want.route, want.major, now);
        if line.queue.first(&mut left).is_some() || line.bucket.look(want.rank, now).is_err() {
            return None;
        }
        if want.is_whole && state.places.look(want.rank, now) != Whole::Go {
            return None;
        }
        if want.is_whole {
            state.places.take(now);
        }
        state.lines.of(want.route, want.major, now).bucket.take();
        Some(Place(Some(of)))
    }

    /// How often something that passes may go there, for as long as nothing else does. None while nothing is known.
    #[must_use]
    pub fn cadence(&self, route: &str, major: &str) -> Option<Duration> {
        self.lock().lines.of(route, major, Instant::now()).bucket.cadence()
    }

    /// Lets those of a line go that may, and then those of all lines.
    fn give(&self, of: &Of) -> Next {
        let now = Instant::now();
        // Their own drop takes the lock, so they outlive it.
        let mut left = Vec::new();
        let mut state = self.lock();
        let next = state.give(of, now, &mut left);
        drop(state);
        next
    }

    fn changed(&self, of: &Of) -> Arc<Notify> {
        Arc::clone(&self.lock().lines.of(&of.route, &of.major, Instant::now()).changed)
    }

    /// Whether the bucket's name is news.
    fn told(&self, of: &Of, told: &Told) -> bool {
        let now = Instant::now();
        let mut state = self.lock();
        let mut is_new_name = false;
        match told {
            Told::Budget { bucket: Some(name), .. } => is_new_name = state.lines.learn(&of.route, name),
            Told::LimitedAll(pause) => state.places.shut(*pause, now),
            _ => {}
        }
        let line = state.lines.of(&of.route, &of.major, now);
        line.bucket.told(told, now);
        line.changed.notify_waiters();
        is_new_name
    }

    pub(super) fn share(&self) -> Option<&dyn Share> {
        self.0.share.as_deref()
    }

    pub(super) fn reserved(&self) -> &Notify {
        &self.0.reserved
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Held for a few lines, never across an await.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn give(&mut self, of: &Of, now: Instant, left: &mut Vec<Grant>) -> Next {
        let line = self.lines.of(&of.route, &of.major, now);
        let mut again = None;
        while let Some(((rank, _), _)) = line.queue.first(&mut Vec::new()) {
            if let Err(at) = line.bucket.look(rank, now) {
                again = at;
                break;
            }
            let Some((standing, granted, is_whole)) = line.queue.pop() else { break };
            line.bucket.take();
            let grant = Grant(Some(of.clone()));
            if is_whole {
                self.whole.push(standing, granted, grant);
            } else if let Err(grant) = granted.send(grant) {
                left.push(grant);
            }
        }
        match self.give_whole(now, left) {
            Next::At(at) => Next::At(again.map_or(at, |again| again.min(at))),
            Next::Later => again.map_or(Next::Later, Next::At),
            Next::Reserve => Next::Reserve,
        }
    }

    fn give_whole(&mut self, now: Instant, left: &mut Vec<Grant>) -> Next {
        while let Some(((rank, _), _)) = self.whole.first(left) {
            match self.places.look(rank, now) {
                Whole::Go => self.places.take(now),
                Whole::Wait(at) => return Next::At(at),
                Whole::Reserve => return Next::Reserve,
            }
            if let Some((_, granted, grant)) = self.whole.pop()
                && let Err(grant) = granted.send(grant)
            {
                left.push(grant);
            }
        }
        Next::Later
    }
}

impl Grant {
    fn take(mut self) -> Place {
        Place(self.0.take())
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        if let Some(of) = self.0.take() {
            let mut state = of.pacer.lock();
            let line = state.lines.of(&of.route, &of.major, Instant::now());
            line.bucket.give_back();
            line.changed.notify_waiters();
        }
    }
}

impl Place {
    /// The platform answered, or did not. What others have to know of it they know then.
    pub async fn told(mut self, told: &Told) {
        if let Some(of) = self.0.take() {
            let is_new_name = of.pacer.told(&of, told);
            of.pacer.tell_others(&of, told, is_new_name).await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(of) = self.0.take() {
            of.pacer.told(&of, &Told::Unknown);
        }
    }
}

/// Somebody waits. Who leaves may hold a place of their bucket already, which others wait for.
struct Waiting<'a>(&'a Of);

impl<'a> Waiting<'a> {
    fn new(of: &'a Of) -> Result<Self, Late> {
        let mut state = of.pacer.lock();
        if state.waiting >= WAITING_MAX {
            return Err(Late);
        }
        state.waiting += 1;
        Ok(Self(of))
    }

    fn stand(&self, rank: Rank, is_whole: bool, granted: oneshot::Sender<Grant>) {
        let mut state = self.0.pacer.lock();
        state.number += 1;
        let standing = (rank, state.number);
        state.lines.of(&self.0.route, &self.0.major, Instant::now()).queue.push(standing, granted, is_whole);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.0.pacer.lock();
        state.waiting -= 1;
        state.lines.of(&self.0.route, &self.0.major, Instant::now()).changed.notify_waiters();
    }
}

//! What gateways of one bot ask and tell each other: places of the bot as a whole, and where nothing is left.
//!
//! A line that goes on at another gateway has a window there that the one before may have used up; and what a bot as a whole was
//! told, only the one that asked has heard.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{NotShared, Pacer, Share, Told, bucket::PAUSE_MAX, pacer::Of};

/// Places that are asked for together at most.
const BATCH: u32 = 5;
/// Who does not hear from the others within this goes on alone: a request must not wait longer for them than for the platform.
pub(super) const WITHIN: Duration = Duration::from_millis(250);

impl Pacer {
    /// Asks whether another one has used a line up: one round trip to Redis before a request to the platform.
    pub(super) async fn ask_others(&self, of: &Of) {
        let Some(share) = self.share().filter(|_| of.is_whole) else { return };
        let is_named = {
            let state = self.lock();
            if state.places.is_alone(Instant::now()) {
                return;
            }
            state.lines.is_named(&of.route)
        };
        let asked = async {
            if !is_named && let Some(name) = share.bucket_of(&of.route).await? {
                self.lock().lines.learn(&of.route, &name);
            }
            let line = self.lock().lines.name(&of.route, &of.major);
            share.closed(&line).await
        };
        match in_time(asked).await {
            Ok(Duration::ZERO) => {}
            Ok(pause) => {
                let (mut state, now) = (self.lock(), Instant::now());
                state.lines.of(&of.route, &of.major, now).bucket.close(pause, now);
            }
            Err(error) => self.is_alone(&error),
        }
    }

    /// Tells the others what they could not know, and must.
    pub(super) async fn tell_others(&self, of: &Of, told: &Told, is_new_name: bool) {
        let Some(share) = self.share().filter(|_| of.is_whole) else { return };
        let (name, closed) = match told {
            Told::Budget { bucket, remaining, reset_after, .. } => {
                (bucket.as_ref().filter(|_| is_new_name), (*remaining == 0).then_some(*reset_after))
            }
            Told::Limited(pause) => (None, Some(*pause)),
            Told::LimitedAll(_) => (None, None),
            Told::Nothing | Told::Unknown => return,
        };
        let telling = async {
            if let Told::LimitedAll(pause) = told {
                share.shut((*pause).min(PAUSE_MAX)).await?;
            }
            if let Some(pause) = closed {
                let line = self.lock().lines.name(&of.route, &of.major);
                share.close(&line, pause.min(PAUSE_MAX)).await?;
            }
            if let Some(name) = name {
                share.name(&of.route, name).await?;
            }
            Ok(())
        };
        if !self.lock().places.is_alone(Instant::now())
            && let Err(error) = in_time(telling).await
        {
            self.is_alone(&error);
        }
    }

    fn is_alone(&self, error: &NotShared) {
        if self.lock().places.alone(Instant::now()) {
            tracing::warn!(%error, "a part of it is used that is surely ours, until it can be asked again");
        }
    }
}

async fn in_time<T>(asked: impl Future<Output = Result<T, NotShared>>) -> Result<T, NotShared> {
    timeout(WITHIN, asked).await.unwrap_or_else(|_| Err(NotShared(format!("no answer within {WITHIN:?}"))))
}

/// Somebody reserves places of the bot as a whole for all who wait; however that ends, another one may.
pub(super) struct Reserving<'a>(&'a Pacer, &'a dyn Share);

impl<'a> Reserving<'a> {
    /// None while somebody does.
    pub(super) fn begin(pacer: &'a Pacer) -> Option<Self> {
        let share = pacer.share()?;
        let is_free = pacer.lock().places.begin_reserving();
        // Made only then: its drop would end the other's, and takes the lock.
        if is_free { Some(Self(pacer, share)) } else { None }
    }

    pub(super) async fn reserve(&self) {
        let wanted = u32::try_from(self.0.lock().whole.len()).unwrap_or(BATCH).clamp(1, BATCH);
        match in_time(self.1.reserve(wanted)).await {
            Ok((given, pause)) => self.0.lock().places.reserved(given, pause, Instant::now()),
            Err(error) => self.0.is_alone(&error),
        }
    }
}

impl Drop for Reserving<'_> {
    fn drop(&mut self) {
        self.0.lock().places.end_reserving();
        self.0.reserved().notify_one();
    }
}

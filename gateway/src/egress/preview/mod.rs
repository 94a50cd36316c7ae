//! Previews: a text that is still being written, shown as one message that is edited until the final one takes its place.
//!
//! Frames come by pub/sub for the shards that are owned. Each action has a gate, which its final text shuts. A message that was
//! begun is noted in Redis under the fence, so that whoever owns the shard next goes on in it, or takes it away.

mod channels;
mod gate;
mod gates;
mod record;
mod show;

use std::{sync::Arc, time::Duration};

use bus::{Bus, Holdings, Push};
use tokio::{sync::mpsc, task::JoinSet, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::platform::Platform;
use channels::Channels;
use gate::Answer;
use gates::Asked;
pub(super) use gates::Gates;
pub(super) use record::{Fate, ID, OVER, PREVIEW, PreviewRecord};
use show::show;

/// Requests under way at once, of all previews of a platform.
const REQUESTS_MAX: usize = 64;
/// How often it is looked which previews are due, as a part of the pause between two requests of one.
const LOOKS: u32 = 4;
/// Bounds of that.
const LOOK_MIN: Duration = Duration::from_millis(5);
const LOOK_MAX: Duration = Duration::from_millis(250);

/// Shows what is being written, until `stop`; then ends what is under way.
pub(super) async fn run(
    platform: Arc<dyn Platform>,
    gates: Arc<Gates>,
    every: Duration,
    bus: Bus,
    holdings: Holdings,
    stop: CancellationToken,
) {
    let (subscription, mut pushes, subscribing) = bus.subscribe(CancellationToken::new());
    let channels = Channels::new(subscription, Arc::clone(bus.names()), platform.name().to_string());
    let shown = metrics::counter!("stargazer_previews_shown_total", "platform" => platform.name().to_string());
    let showing = Showing { platform, gates, bus, holdings, shown, requests: JoinSet::new() };
    // In one task: whoever drops it ends both.
    tokio::select! {
        biased;
        () = showing.run(every, channels, &mut pushes, &stop) => {}
        () = subscribing => {}
    }
}

struct Showing {
    platform: Arc<dyn Platform>,
    gates: Arc<Gates>,
    bus: Bus,
    holdings: Holdings,
    shown: metrics::Counter,
    requests: JoinSet<()>,
}

impl Showing {
    async fn run(
        mut self,
        every: Duration,
        mut channels: Channels,
        pushes: &mut mpsc::Receiver<Push>,
        stop: &CancellationToken,
    ) {
        let mut look = tokio::time::interval((every / LOOKS).clamp(LOOK_MIN, LOOK_MAX));
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        channels.want(self.holdings.shards());
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(ended) = self.requests.join_next() => if let Err(error) = ended {
                    tracing::error!(%error, "a preview's request broke");
                },
                is_there = self.holdings.changed() => {
                    if !is_there {
                        break;
                    }
                    channels.want(self.holdings.shards());
                }
                () = channels.changed() => {}
                _ = look.tick(), if !self.gates.is_empty() => self.ask(),
                push = pushes.recv() => match push {
                    Some(Push::Message { payload, .. }) => self.take(&payload),
                    // The next full text makes up for what is lost.
                    Some(Push::Away | Push::Gap) => {}
                    None => break,
                },
            }
        }
        while self.requests.join_next().await.is_some() {}
    }

    fn take(&self, payload: &[u8]) {
        let holding = |lane: &str| self.holdings.of(self.bus.names().shards.of(lane));
        for frame in codec::frames(payload) {
            match frame {
                Ok(frame) if self.gates.frame(&frame, holding) => {}
                Ok(_) => metrics::counter!("stargazer_previews_dropped_total").increment(1),
                Err(error) => tracing::warn!(%error, "a preview cannot be read"),
            }
        }
    }

    fn ask(&mut self) {
        let room = REQUESTS_MAX - self.requests.len().min(REQUESTS_MAX);
        let Some(every) = self.platform.preview_every() else { return };
        for asked in self.gates.due(every, self.platform.capabilities(), room) {
            let (platform, gates, shown) = (Arc::clone(&self.platform), Arc::clone(&self.gates), self.shown.clone());
            self.requests.spawn(async move {
                let Asked { key, ended, .. } = &asked;
                // However this ends, nobody waits for it any more.
                let _ended = ended.clone().drop_guard();
                let answer = show(&*platform, &asked).await;
                if matches!(answer, Answer::Shown { .. }) {
                    shown.increment(1);
                }
                gates.answered(key, answer);
            });
        }
    }
}

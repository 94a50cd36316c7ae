//! Previews: what is being written, on its way to whoever shows it. Not durable, but under the fence like everything else.
//!
//! Frames are gathered per channel and published at most once each 10 ms. A frame that finds its queue full is dropped: the
//! next full text makes up for it.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use bytes::Bytes;
use redis::Script;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{Bus, LaneKey, Role, lease::Pass};

static PUBLISH: LazyLock<Script> =
    LazyLock::new(|| Script::new(concat!(include_str!("lease/may.lua"), include_str!("preview.lua"))));

/// How long frames are gathered.
const GATHER: Duration = Duration::from_millis(10);
/// Frames that wait to be gathered.
const FRAMES_MAX: usize = 4096;

/// The publisher of one process. Clones share one queue.
#[derive(Debug, Clone)]
pub struct Previews {
    frames: mpsc::Sender<Frame>,
}

#[derive(Debug)]
struct Frame {
    pass: Arc<Pass>,
    platform: Arc<str>,
    data: Bytes,
}

/// One payload: of a channel, by a token, and by a guest of one lane where the frames are a guest's.
type PayloadKey = (String, String, Option<LaneKey>);

/// Where a turn puts its frames.
#[derive(Debug, Clone)]
pub struct PreviewSink {
    frames: mpsc::Sender<Frame>,
    pass: Arc<Pass>,
    platform: Arc<str>,
}

impl Previews {
    /// A publisher, and the work that its owner has to run until `stop` is cancelled.
    pub fn new(bus: Bus, stop: CancellationToken) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (sender, frames) = mpsc::channel(FRAMES_MAX);
        let work = async move {
            stop.run_until_cancelled(publish(bus, frames)).await;
        };
        (Self { frames: sender }, work)
    }

    pub(crate) fn sink(&self, pass: Arc<Pass>, platform: &str) -> PreviewSink {
        PreviewSink { frames: self.frames.clone(), pass, platform: platform.into() }
    }
}

impl PreviewSink {
    /// Hands a frame over; false when it was dropped.
    pub fn send(&self, data: Bytes) -> bool {
        let frame = Frame { pass: Arc::clone(&self.pass), platform: Arc::clone(&self.platform), data };
        let sent = self.frames.try_send(frame).is_ok();
        if !sent {
            metrics::counter!("stargazer_previews_dropped_total").increment(1);
        }
        sent
    }

    /// The tenure's number: rises from run to run, so that frames of an earlier run can be told apart.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.pass.tenure().epoch()
    }
}

async fn publish(bus: Bus, mut frames: mpsc::Receiver<Frame>) {
    let published = metrics::counter!("stargazer_preview_publishes_total");
    let mut gathered = Vec::with_capacity(FRAMES_MAX);
    while frames.recv_many(&mut gathered, FRAMES_MAX).await > 0 {
        // One payload for each channel of each tenure: the frames one after the other, in order. A guest has a right to its
        // own lane only, so its frames go alone.
        let mut payloads: BTreeMap<PayloadKey, (Arc<Pass>, Vec<u8>)> = BTreeMap::new();
        for frame in gathered.drain(..).filter(|frame| !frame.pass.is_lost()) {
            let tenure = frame.pass.tenure();
            let channel = bus.names().previews(&frame.platform, tenure.shard());
            let lane = tenure.is_handed_over().then(|| Arc::clone(frame.pass.lane()));
            let key = (channel, tenure.token().to_owned(), lane);
            payloads.entry(key).or_insert_with(|| (frame.pass, Vec::new())).1.extend_from_slice(&frame.data);
        }
        let sends = payloads.into_iter().map(|((channel, token, _), (pass, payload))| {
            let (mut connection, command) = (bus.shared(), bus.names().publish(&channel));
            let shard = pass.tenure().shard();
            let (fence, guests) = (bus.names().fence(&Role::Inbound, shard), bus.names().guests(&Role::Inbound, shard));
            async move {
                let mut script = PUBLISH.key(fence);
                script.key(guests).key(channel).arg(token).arg(&**pass.lane()).arg(payload).arg(command);
                match script.invoke_async::<bool>(&mut connection).await {
                    Ok(true) => {}
                    Ok(false) => _ = pass.refused(),
                    Err(error) => tracing::debug!(%error, "previews lost"),
                }
            }
        });
        published.increment(sends.len() as u64);
        tokio::join!(futures_util::future::join_all(sends), tokio::time::sleep(GATHER));
    }
}

//! Pub/sub for what need not be durable: previews and notices.
//!
//! Messages may be lost whenever the connection breaks or a reader falls behind. Each such hole is announced as
//! [`Push::Gap`], so that whoever mirrors a log reads it again.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    Bus,
    line::{Inbox, Line, Seen},
};
use crate::Error;

/// Pushes that wait for their reader. A reader that is further behind than this is told of a gap.
const PUSHES_MAX: usize = 4096;
/// Requests that wait for the connection.
const REQUESTS_MAX: usize = 1024;
/// How long a subscription may wait for its confirmation.
pub(super) const CONFIRM_TIMEOUT: Duration = Duration::from_secs(2);
/// Pause before a lost connection is made again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(200);

/// Something that came by pub/sub.
#[derive(Debug, Clone)]
pub enum Push {
    /// A message on a channel.
    Message {
        /// Name of the channel.
        channel: Arc<str>,
        /// Its bytes.
        payload: Bytes,
    },
    /// The connection broke: nothing comes for now.
    Away,
    /// Messages come (again), but some may have been lost on every channel.
    Gap,
}

/// A handle to add and drop channels. Clones share one connection.
#[derive(Debug, Clone)]
pub struct Subscription {
    requests: mpsc::Sender<Request>,
}

#[derive(Debug)]
enum Request {
    Add { channel: Arc<str>, confirmed: oneshot::Sender<()> },
    Drop { channel: Arc<str> },
}

impl Subscription {
    /// Adds a channel, as often as it is used; when this returns, no later message of it is missed but with a [`Push::Gap`].
    ///
    /// # Errors
    /// [`Error::Unreachable`] when the subscription is not confirmed in time.
    pub async fn add(&self, channel: &str) -> Result<(), Error> {
        let (confirmed, confirmation) = oneshot::channel();
        let gone = || Error::Unreachable(format!("the subscription to {channel} was not confirmed"));
        let add = self.requests.send(Request::Add { channel: channel.into(), confirmed });
        match tokio::time::timeout(CONFIRM_TIMEOUT, add).await {
            Ok(Ok(())) => {}
            _ => return Err(gone()),
        }
        match tokio::time::timeout(CONFIRM_TIMEOUT, confirmation).await {
            Ok(Ok(())) => Ok(()),
            _ => {
                self.drop(channel).await;
                Err(gone())
            }
        }
    }

    /// Takes one [`Subscription::add`] back; the last one drops the channel.
    pub async fn drop(&self, channel: &str) {
        // A queue that stays full belongs to a connection that is away; the channel then outlives its use, at worst unheard.
        let drop = self.requests.send(Request::Drop { channel: channel.into() });
        let _ = tokio::time::timeout(CONFIRM_TIMEOUT, drop).await;
    }
}

impl Bus {
    /// A subscriber: the handle, what comes in, and the work that the caller has to run until `stop` is cancelled.
    pub fn subscribe(
        &self,
        stop: CancellationToken,
    ) -> (Subscription, mpsc::Receiver<Push>, impl Future<Output = ()> + Send + 'static) {
        let (requests, waiting) = mpsc::channel(REQUESTS_MAX);
        let (pushes, received) = mpsc::channel(PUSHES_MAX);
        let subscriber = Subscriber { bus: self.clone(), waiting, pushes, channels: BTreeMap::new() };
        let work = async move {
            stop.run_until_cancelled(subscriber.run()).await;
        };
        (Subscription { requests }, received, work)
    }
}

impl Bus {
    /// What comes on one channel, and the work that the caller has to run until `stop` is cancelled.
    pub fn listen(
        &self,
        channel: &'static str,
        stop: CancellationToken,
    ) -> (mpsc::Receiver<Push>, impl Future<Output = ()> + Send + 'static) {
        let (subscription, pushes, work) = self.subscribe(stop);
        let work = async move {
            // Once it is added, the subscriber keeps it over every new connection.
            let adding = async {
                while subscription.add(channel).await.is_err() {}
                std::future::pending::<()>().await;
            };
            tokio::select! {
                biased;
                () = work => {}
                () = adding => {}
            }
        };
        (pushes, work)
    }
}

struct Subscriber {
    bus: Bus,
    waiting: mpsc::Receiver<Request>,
    pushes: mpsc::Sender<Push>,
    channels: BTreeMap<Arc<str>, Channel>,
}

/// A channel that is subscribed to.
#[derive(Default)]
struct Channel {
    /// How often it was added and not dropped.
    users: usize,
    /// Those who wait to be told that it is subscribed to.
    waiting: Vec<oneshot::Sender<()>>,
}

impl Subscriber {
    async fn run(mut self) {
        loop {
            if let Err(error) = self.serve().await {
                let (first, channels) = (self.channels.keys().next(), self.channels.len());
                tracing::warn!(%error, ?first, channels, "subscriber lost its connection, connecting again");
            }
            if self.waiting.is_closed() {
                return;
            }
            let _ = self.pushes.send(Push::Away).await;
            tokio::time::sleep(RECONNECT_PAUSE).await;
        }
    }

    async fn serve(&mut self) -> Result<(), Error> {
        let (seen, mut events) = mpsc::channel(REQUESTS_MAX);
        let overflowed = Arc::new(AtomicBool::new(false));
        let inbox = Inbox { seen, pushes: self.pushes.clone(), overflowed: Arc::clone(&overflowed) };
        let mut line = Line::connect(&self.bus.link, inbox).await?;
        for channel in self.channels.keys() {
            line.send(self.is_sharded(channel), true, channel).await?;
        }
        // Once this is answered, every channel above is subscribed to.
        line.ping().await?;
        let _ = self.pushes.send(Push::Gap).await;
        // A connection without traffic may be half open; a ping finds out, and also flushes the announcement of an overflow.
        let mut probe = tokio::time::interval(Duration::from_secs(2));
        loop {
            tokio::select! {
                biased;
                seen = events.recv() => match seen {
                    Some(Seen::Confirmed(channel)) => {
                        for waiting in self.channels.get_mut(&channel).map(|channel| std::mem::take(&mut channel.waiting)).unwrap_or_default() {
                            let _ = waiting.send(());
                        }
                    }
                    Some(Seen::Broken) | None => return Err(Error::Unreachable("connection closed".into())),
                },
                request = self.waiting.recv() => match request {
                    Some(Request::Add { channel, confirmed }) => {
                        let known = self.channels.entry(Arc::clone(&channel)).or_default();
                        known.users += 1;
                        known.waiting.push(confirmed);
                        line.send(self.is_sharded(&channel), true, &channel).await?;
                    }
                    Some(Request::Drop { channel }) => {
                        let Some(known) = self.channels.get_mut(&channel) else { continue };
                        known.users -= 1;
                        if known.users == 0 {
                            self.channels.remove(&channel);
                            line.send(self.is_sharded(&channel), false, &channel).await?;
                        }
                    }
                    None => return Ok(()),
                },
                _ = probe.tick() => {
                    line.ping().await?;
                    if overflowed.swap(false, Ordering::AcqRel) {
                        metrics::counter!("stargazer_pushes_dropped_total").increment(1);
                        let _ = self.pushes.send(Push::Gap).await;
                    }
                }
            }
        }
    }

    fn is_sharded(&self, channel: &str) -> bool {
        self.bus.names().is_sharded_channel(channel)
    }
}

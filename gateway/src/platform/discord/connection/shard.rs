//! A shard of Discord's that is ours, kept connected: resumed where that can be, identified anew through the gate else, and less
//! and less often where it does not hold.

use std::time::Duration;

use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

use super::{
    Shards,
    gate::{Shut, jitter},
    refusal::End,
    session::{Listening, Session, Socket},
};
use crate::platform::discord::gap::{Gaps, Job};

/// A connection that held for this long was a good one.
const GOOD: Duration = Duration::from_secs(60);
/// Pauses between two tries, after the first.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Many shards that are told to come again at once do not do so in the same moment.
const AT_ONCE: Duration = Duration::from_millis(300);

/// Tries of a session that did not get through: it is given up for a new one. One that Discord greets and then leaves without an
/// answer counts for several, since the way is good and each takes a minute.
const RESUMES_MAX: u32 = 6;
const UNANSWERED: u32 = 3;
const ANSWER_LATE: Duration = Duration::from_secs(30);

/// Why a shard is not tried any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Resharded(u16),
    Refused(u16),
}

/// Keeps a shard connected. Dropping it ends its socket at once.
pub(super) async fn keep(shards: &Shards, shard: u32, jobs: mpsc::Sender<Job>) -> Ended {
    let _away = Away { shards, shard };
    let gaps = Gaps::new(shard, jobs.downgrade());
    let mut session: Option<Session> = None;
    let (mut pause, mut in_vain) = (Pause::default(), 0);
    loop {
        let connected = match &session {
            Some(session) => resume(shards, session).await.map_err(Shut),
            None => shards.gate.pass(shards, shard).await,
        };
        let began = Instant::now();
        let (end, since) = match connected {
            Ok(socket) => {
                let mut listening =
                    Listening { shards, shard, socket, session: &mut session, gaps: &gaps, since: None };
                let end = listening.run().await;
                let since = listening.since;
                (end, since)
            }
            Err(Shut(error)) => {
                tracing::debug!(platform = %shards.shared.name, shard, error, "no connection to discord's gateway");
                (if session.is_some() { End::Resume } else { End::Anew }, None)
            }
        };
        shards.set_connected(shard, false);
        let waited = if began.elapsed() >= ANSWER_LATE { UNANSWERED } else { 1 };
        in_vain = if since.is_some() { 0 } else { in_vain + waited };
        match end {
            End::Resume if in_vain >= RESUMES_MAX => {
                tracing::info!(platform = %shards.shared.name, shard, "the session cannot be resumed; a new one is begun");
                (session, in_vain) = (None, 0);
                // The gate has its own pauses, and these were for another address.
                pause = Pause::default();
            }
            End::Resume => {}
            End::Anew => session = None,
            End::Resharded(code) => return Ended::Resharded(code),
            End::Refused(code) => return Ended::Refused(code),
        }
        sleep(pause.next(since)).await;
    }
}

async fn resume(shards: &Shards, session: &Session) -> Result<Socket, String> {
    let mut socket = Socket::open(&session.url).await?;
    socket.resume(shards, session).await?;
    Ok(socket)
}

/// Not connected any more, however it ended.
struct Away<'a> {
    shards: &'a Shards,
    shard: u32,
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        self.shards.set_connected(self.shard, false);
    }
}

/// How long to wait before the next try: not at all after a good connection, and longer each time else.
#[derive(Debug, Default)]
struct Pause(u32);

impl Pause {
    fn next(&mut self, since: Option<Instant>) -> Duration {
        self.after(since.is_some_and(|since| since.elapsed() >= GOOD))
    }

    fn after(&mut self, was_good: bool) -> Duration {
        if was_good {
            self.0 = 0;
        }
        let base = if self.0 == 0 { Duration::ZERO } else { PAUSE_MIN * 2u32.pow((self.0 - 1).min(6)) };
        self.0 = self.0.saturating_add(1);
        base.min(PAUSE_MAX) + jitter(AT_ONCE.max(base.min(PAUSE_MAX) / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_does_not_hold_is_tried_less_often() {
        let mut pause = Pause::default();
        assert!(pause.after(true) <= AT_ONCE);
        let pauses: Vec<Duration> = (0..10).map(|_| pause.after(false)).collect();
        assert!(pauses[0] >= PAUSE_MIN && pauses[0] <= PAUSE_MIN * 2, "{pauses:?}");
        assert!(pauses[9] >= PAUSE_MAX && pauses[9] <= PAUSE_MAX * 2, "{pauses:?}");
        assert!(pause.after(true) <= AT_ONCE);
    }
}

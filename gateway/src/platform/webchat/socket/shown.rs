//! What a socket shows of its chats: everything that is logged, in order, and what is being written.

use std::sync::Arc;

use bus::Error;

use super::{AWAY, Close, Open, Socket, Step};
use crate::platform::webchat::{
    frames::{ServerFrame, entry_frame},
    hub::Live,
    ids::is_id,
};

/// Chats that one socket may have open.
const CHATS_OPEN_MAX: usize = 8;
/// Entries that are read from a log at once.
const PAGE: usize = 200;

impl Socket {
    /// Subscribes first and reads then, so that nothing falls between; what comes twice is told by its number.
    pub(super) async fn open(&mut self, chat: Arc<str>, after: u64) -> Step {
        if !is_id(&chat) {
            return Err(Close::policy("no chat has such an id"));
        }
        if let Some(open) = self.open.get_mut(&chat) {
            (open.sent, open.is_complete) = (after, false);
            return self.catch_up(&chat).await;
        }
        if self.open.len() >= CHATS_OPEN_MAX {
            return Err(Close::policy("too many open chats"));
        }
        match self.shared.chats.get(&self.visitor, &chat).await {
            Ok(Some(_)) => {}
            // Deleted in another tab, or never there: the list says which chats there are.
            Ok(None) => return self.list().await,
            Err(error) => return unreachable(&error),
        }
        self.shared.hub.open(&chat, self.id);
        self.open.insert(Arc::clone(&chat), Open { sent: after, ..Open::default() });
        for channel in [self.shared.log_key(&chat), self.shared.preview_channel(&chat)] {
            if let Err(error) = self.shared.subscription.add(&channel).await {
                // A chat that misses its news would look alive. The page asks again.
                return unreachable(&error);
            }
            if let Some(open) = self.open.get_mut(&chat) {
                open.channels.push(channel);
            }
        }
        self.catch_up(&chat).await
    }

    pub(super) async fn close(&mut self, chat: &Arc<str>) {
        if let Some(open) = self.open.remove(chat) {
            self.shared.hub.close(chat, self.id);
            for channel in open.channels {
                self.shared.subscription.drop(&channel).await;
            }
        }
    }

    pub(super) async fn show(&mut self, item: Live) -> Step {
        match item {
            Live::Preview { chat, frame } if self.open.contains_key(&chat) => self.text(frame).await,
            Live::Typing { chat, frame } if self.open.contains_key(&chat) => self.text(frame).await,
            Live::Preview { .. } | Live::Typing { .. } => Ok(()),
            Live::Chats => self.list().await,
            Live::Reachable(true) => {
                self.is_reachable = true;
                self.frame(&ServerFrame::State { ready: true, message: "" }).await
            }
            Live::Reachable(false) => {
                self.is_reachable = false;
                self.unready().await
            }
            Live::Resync => self.resync().await,
            Live::Entry { chat, number, frame } => match self.open.get_mut(&chat) {
                Some(open) if number == open.sent + 1 && open.is_complete => {
                    open.sent = number;
                    self.text(frame).await
                }
                // Something between was not announced to us.
                Some(open) if number > open.sent => self.catch_up(&chat).await,
                _ => Ok(()),
            },
        }
    }

    /// A socket whose news could not be read stays, and reads it a little later: were all of them closed, all their
    /// pages would come back at once.
    pub(super) fn or_behind(&mut self, shown: Step) -> Step {
        match shown {
            Err(close) if close == AWAY => {
                self.is_behind = true;
                Ok(())
            }
            shown => shown,
        }
    }

    /// Reads everything anew that this socket shows.
    pub(super) async fn resync(&mut self) -> Step {
        let open: Vec<_> = self.open.keys().cloned().collect();
        for chat in open {
            self.catch_up(&chat).await?;
        }
        self.list().await
    }

    /// Sends what the log has after the last entry that was sent.
    async fn catch_up(&mut self, chat: &Arc<str>) -> Step {
        let key = self.shared.log_key(chat);
        loop {
            let Some(after) = self.open.get(chat).map(|open| open.sent) else { return Ok(()) };
            let entries = match self.shared.log.read(&key, after, PAGE).await {
                Ok(entries) => entries,
                Err(error) => return unreachable(&error),
            };
            let is_last = entries.len() < PAGE;
            for entry in entries {
                if let Some(frame) = entry_frame(chat, entry.number, &entry.data) {
                    self.text(frame.into()).await?;
                }
                if let Some(open) = self.open.get_mut(chat) {
                    open.sent = entry.number;
                }
            }
            if is_last {
                return self.opened(chat, &key).await;
            }
        }
    }

    /// Says once that the replay is complete.
    async fn opened(&mut self, chat: &Arc<str>, key: &str) -> Step {
        if self.open.get(chat).is_none_or(|open| open.is_complete) {
            return Ok(());
        }
        let ends =
            async { Ok::<_, Error>((self.shared.log.read(key, 0, 1).await?, self.shared.log.newest(key, 1).await?)) };
        let (oldest, newest) = match ends.await {
            Ok(ends) => ends,
            Err(error) => return unreachable(&error),
        };
        let number = |entries: &[bus::LogEntry]| entries.first().map_or(0, |entry| entry.number);
        let (first, last) = (number(&oldest), number(&newest));
        if let Some(open) = self.open.get_mut(chat) {
            open.is_complete = true;
            // A log that is shorter than what the page has was lost; the page starts over when it learns the last number.
            open.sent = open.sent.min(last);
        }
        let n = self.open.get(chat).map_or(last, |open| open.sent);
        self.frame(&ServerFrame::Opened { chat, n, first }).await
    }

    pub(super) async fn list(&mut self) -> Step {
        match self.shared.chats.list(&self.visitor).await {
            Ok(chats) => self.frame(&ServerFrame::Chats { chats: &chats }).await,
            Err(error) => unreachable(&error),
        }
    }
}

/// What could not be read from Redis.
pub(super) fn unreachable(error: &Error) -> Step {
    tracing::debug!(%error, "a socket could not be served for now");
    Err(AWAY)
}

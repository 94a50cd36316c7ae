//! Which sockets show which chats, and what is being written in them.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::extract::ws::Utf8Bytes;
use codec::PreviewFrameView;
use tokio::sync::mpsc;

use super::{frames::ServerFrame, running::cause_of};
use crate::growing::Growing;

/// Live items that a socket may have waiting. One that reads slower than this is closed and comes back.
const LIVE_MAX: usize = 1024;
/// Running texts of one chat; there is one but for moments.
const PREVIEWS_MAX: usize = 4;
/// Answered causes of one chat that are remembered; late frames follow within a moment.
const ENDED_MAX: usize = 32;

/// What reaches a socket from elsewhere.
#[derive(Debug, Clone)]
pub(super) enum Live {
    /// An entry of a chat's log.
    Entry { chat: Arc<str>, number: u64, frame: Utf8Bytes },
    /// A piece of a running text.
    Preview { chat: Arc<str>, frame: Utf8Bytes },
    /// Somebody writes in a chat, or has stopped to.
    Typing { chat: Arc<str>, frame: Utf8Bytes },
    /// The visitor's list of chats changed.
    Chats,
    /// Some of the above may have been lost.
    Resync,
    /// Whether Redis can be reached.
    Reachable(bool),
}

/// A socket's place in the hub.
pub(super) type SocketId = u64;
type Sender = mpsc::Sender<Live>;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Hub {
    next: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    sockets: HashMap<SocketId, Sender>,
    visitors: HashMap<Arc<str>, Vec<SocketId>>,
    chats: HashMap<Arc<str>, Chat>,
    /// The chat of a running text, since only some of its frames say it.
    keys: HashMap<String, Arc<str>>,
}

#[derive(Debug, Default)]
struct Chat {
    sockets: Vec<SocketId>,
    /// Running texts by key, the oldest first.
    previews: Vec<(String, Text)>,
    /// Causes that the log has answered lately: a frame that comes after its final text begins nothing.
    ended: VecDeque<String>,
}

impl Chat {
    fn end(&mut self, cause: &str) {
        self.previews.retain(|(key, _)| cause_of(key) != cause);
        if !self.ended.iter().any(|ended| ended == cause) {
            self.ended.push_back(cause.to_owned());
        }
        if self.ended.len() > ENDED_MAX {
            self.ended.pop_front();
        }
    }
}

/// A running text, counted for browsers.
#[derive(Debug, Default)]
struct Text {
    growing: Growing,
    /// Its length as JavaScript counts.
    utf16: usize,
}

impl Text {
    /// What a frame adds: where, and which text.
    fn take<'a>(&mut self, frame: &PreviewFrameView<'a>) -> Option<(usize, &'a str)> {
        let (at, new) = self.growing.take(frame)?;
        let at = if at == 0 { 0 } else { self.utf16 };
        self.utf16 = at + new.encode_utf16().count();
        Some((at, new))
    }
}

impl Hub {
    /// A new socket of a visitor, and what will reach it.
    pub(super) fn enter(&self, visitor: &Arc<str>) -> (SocketId, mpsc::Receiver<Live>) {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, live) = mpsc::channel(LIVE_MAX);
        let mut state = self.lock();
        state.sockets.insert(id, sender);
        state.visitors.entry(Arc::clone(visitor)).or_default().push(id);
        (id, live)
    }

    /// The socket is closed.
    pub(super) fn leave(&self, visitor: &Arc<str>, socket: SocketId) {
        let mut state = self.lock();
        state.sockets.remove(&socket);
        if let Some(sockets) = state.visitors.get_mut(visitor) {
            sockets.retain(|other| *other != socket);
            if sockets.is_empty() {
                state.visitors.remove(visitor);
            }
        }
    }

    pub(super) fn open(&self, chat: &Arc<str>, socket: SocketId) {
        self.lock().chats.entry(Arc::clone(chat)).or_default().sockets.push(socket);
    }

    pub(super) fn close(&self, chat: &Arc<str>, socket: SocketId) {
        let mut state = self.lock();
        if let Some(open) = state.chats.get_mut(chat) {
            open.sockets.retain(|other| *other != socket);
            if open.sockets.is_empty() {
                state.chats.remove(chat);
                state.keys.retain(|_, of| of != chat);
            }
        }
    }

    /// The whole of a running text, as a frame that replaces everything.
    pub(super) fn preview(&self, chat: &str, key: &str) -> Option<String> {
        let state = self.lock();
        let text = &state.chats.get(chat)?.previews.iter().find(|(known, _)| known == key)?.1.growing.text();
        Some(ServerFrame::Preview { chat, key, at: 0, text }.to_json())
    }

    /// An entry was appended to a chat's log; `ended` are the keys whose previews it ends.
    pub(super) fn entry(&self, chat: &str, number: u64, frame: String, ended: &[&str]) {
        let mut state = self.lock();
        let State { chats, sockets, keys, .. } = &mut *state;
        let Some((chat, open)) = chats.get_key_value(chat).map(|(chat, _)| Arc::clone(chat)).and_then(|chat| {
            let open = chats.get_mut(&chat)?;
            Some((chat, open))
        }) else {
            return;
        };
        for key in ended {
            open.end(cause_of(key));
            keys.retain(|running, of| *of != chat || cause_of(running) != cause_of(key));
        }
        let live = Live::Entry { chat, number, frame: frame.into() };
        send(sockets, &open.sockets, &live);
    }

    /// A frame of a running text came in.
    pub(super) fn preview_frame(&self, frame: &PreviewFrameView<'_>) {
        let mut state = self.lock();
        let State { chats, sockets, keys, .. } = &mut *state;
        let chat = match (frame.channel_id, keys.get(frame.message_key)) {
            (_, Some(chat)) => Arc::clone(chat),
            (Some(id), None) => {
                let Some((chat, open)) = chats.get_key_value(id) else { return };
                if open.ended.iter().any(|cause| cause == cause_of(frame.message_key)) {
                    return;
                }
                keys.insert(frame.message_key.to_owned(), Arc::clone(chat));
                Arc::clone(chat)
            }
            (None, None) => return,
        };
        let Some(open) = chats.get_mut(&chat) else { return };
        if !open.previews.iter().any(|(key, _)| key == frame.message_key) {
            if open.previews.len() >= PREVIEWS_MAX {
                keys.remove(&open.previews.remove(0).0);
            }
            open.previews.push((frame.message_key.to_owned(), Text::default()));
        }
        let Some((_, text)) = open.previews.iter_mut().find(|(key, _)| key == frame.message_key) else { return };
        if let Some((at, text)) = text.take(frame) {
            let frame = ServerFrame::Preview { chat: &chat, key: frame.message_key, at, text }.to_json().into();
            send(sockets, &open.sockets, &Live::Preview { chat, frame });
        }
    }

    /// Somebody began or stopped to write.
    pub(super) fn typing(&self, chat: &str, on: bool) {
        let mut state = self.lock();
        let State { chats, sockets, .. } = &mut *state;
        if let Some((chat, open)) = chats.get_key_value(chat) {
            let frame = ServerFrame::Typing { chat, on }.to_json().into();
            send(sockets, &open.sockets, &Live::Typing { chat: Arc::clone(chat), frame });
        }
    }

    /// Entries may have been missed, and with them the end of a running text: those that still run come whole again.
    pub(super) fn forget_previews(&self) {
        let mut state = self.lock();
        state.keys.clear();
        state.chats.values_mut().for_each(|chat| chat.previews.clear());
    }

    /// Sockets of one visitor.
    pub(super) fn sockets_of(&self, visitor: &Arc<str>) -> usize {
        self.lock().visitors.get(visitor).map_or(0, Vec::len)
    }

    /// A visitor's list of chats changed.
    pub(super) fn chats_changed(&self, visitor: &str) {
        let mut state = self.lock();
        let State { visitors, sockets, .. } = &mut *state;
        if let Some(to) = visitors.get(visitor) {
            send(sockets, to, &Live::Chats);
        }
    }

    /// Tells every socket.
    pub(super) fn tell_all(&self, live: &Live) {
        self.lock().sockets.retain(|_, socket| socket.try_send(live.clone()).is_ok());
    }

    pub(super) fn sockets(&self) -> usize {
        self.lock().sockets.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Held for a few lines, never across an await.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends to some sockets. One whose queue is full loses its place here, and finds its queue ended once it has read it.
fn send(sockets: &mut HashMap<SocketId, Sender>, to: &[SocketId], live: &Live) {
    for id in to {
        if sockets.get(id).is_some_and(|socket| socket.try_send(live.clone()).is_err()) {
            sockets.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use codec::PreviewFrame;

    use super::*;

    #[test]
    fn a_frame_after_the_final_text_begins_nothing() {
        let (hub, chat, visitor) = (Hub::default(), Arc::<str>::from("chat"), Arc::<str>::from("visitor"));
        let (socket, mut live) = hub.enter(&visitor);
        hub.open(&chat, socket);
        let frame = |key: &str| {
            let frame = PreviewFrame {
                message_key: key.into(),
                channel_id: Some("chat".into()),
                text: "text".into(),
                ..PreviewFrame::default()
            };
            hub.preview_frame(&PreviewFrameView::decode(&frame.to_bytes()).unwrap());
        };
        frame("a:0");
        assert!(matches!(live.try_recv(), Ok(Live::Preview { .. })));
        hub.entry("chat", 1, "{}".into(), &["a:dead"]);
        assert!(matches!(live.try_recv(), Ok(Live::Entry { .. })));
        frame("a:0");
        assert!(live.try_recv().is_err() && hub.preview("chat", "a:0").is_none());
        // However many begin and never end, a new one is shown.
        for key in ["b:0", "c:0", "d:0", "e:0", "f:0"] {
            frame(key);
            assert!(matches!(live.try_recv(), Ok(Live::Preview { .. })), "{key}");
        }
    }

    fn take(text: &mut Text, epoch: u64, offset: u64, piece: &str) -> Option<(usize, String)> {
        let bytes = crate::growing::tests::frame(epoch, offset, piece);
        let frame = PreviewFrameView::decode(&bytes).unwrap();
        text.take(&frame).map(|(at, text)| (at, text.to_owned()))
    }

    #[test]
    fn a_running_text_is_counted_as_javascript_counts() {
        let mut text = Text::default();
        assert_eq!(take(&mut text, 1, 0, "a😀"), Some((0, "a😀".into())));
        assert_eq!(take(&mut text, 1, 5, "b"), Some((3, "b".into())));
        assert_eq!(take(&mut text, 1, 0, "a😀bcd"), Some((4, "cd".into())), "a full text adds what is new");
        assert_eq!(take(&mut text, 1, 0, "other"), Some((0, "other".into())));
        assert_eq!(take(&mut text, 1, 5, "x"), Some((5, "x".into())));
        assert_eq!(take(&mut text, 2, 7, "x"), None, "of a run whose beginning was lost");
        assert_eq!(take(&mut text, 2, 0, "new"), Some((0, "new".into())));
    }
}

//! One browser's socket, from welcome to close.

use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use bus::Error;
use governor::DefaultDirectRateLimiter;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Shared,
    files::FILES_MAX,
    frames::{Bounds, ClientFrame, Reacting, ServerFrame, entry_frame},
    hub::{Live, SocketId},
    ids::{is_id, is_request_id},
    limits::Limits,
    requests::{Done, Refusal},
};

/// Version of the protocol.
const PROTO: u32 = 1;
/// Between two pings.
const PING: Duration = Duration::from_secs(20);
/// A socket that said nothing for this long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long a frame may take to be written before the browser counts as too slow.
const WRITE_MAX: Duration = Duration::from_secs(10);
/// Chats that one socket may have open.
const CHATS_OPEN_MAX: usize = 8;
/// Entries that are read from a log at once.
const PAGE: usize = 200;

/// Bytes of a frame: a text whose every byte JSON has to escape, and room for the rest.
pub(super) fn frame_max(shared: &Shared) -> usize {
    usize::try_from(shared.settings.text_max.as_u64()).unwrap_or(usize::MAX).saturating_mul(6).saturating_add(4096)
}

/// How long a socket whose news could not be read waits until it asks again.
const AGAIN: Duration = Duration::from_secs(1);

/// Why a socket is closed by us.
#[derive(PartialEq, Eq)]
struct Close {
    code: u16,
    reason: &'static str,
}

/// Nothing is lost by it: the page comes back, and asks for what it has not.
const AWAY: Close = Close { code: 1013, reason: "redis is away; try again" };
const GOING_AWAY: Close = Close { code: 1001, reason: "the gateway stops" };
const TOO_SLOW: Close = Close { code: 1013, reason: "you read too slowly" };
const TOO_LARGE: Close = Close { code: 1009, reason: "a frame that is too large" };
const SILENT: Close = Close { code: 1001, reason: "you have been silent" };

impl Close {
    fn policy(reason: &'static str) -> Self {
        Self { code: 1008, reason }
    }
}

/// Whether the loop goes on.
type Step = Result<(), Close>;

struct Socket {
    shared: Arc<Shared>,
    socket: WebSocket,
    id: SocketId,
    visitor: Arc<str>,
    address: IpAddr,
    frames: DefaultDirectRateLimiter,
    open: HashMap<Arc<str>, Open>,
    /// Whether there is news that could not be read.
    is_behind: bool,
    /// Whether Redis is there, as far as was told. When it comes back, everything is read anew.
    is_reachable: bool,
}

/// A chat that this socket shows.
#[derive(Debug, Default)]
struct Open {
    /// Number of the last entry that was sent.
    sent: u64,
    /// `opened` was sent.
    is_complete: bool,
    /// The channels that were added for it.
    channels: Vec<String>,
}

/// Serves one socket.
pub(super) async fn run(
    shared: Arc<Shared>,
    socket: WebSocket,
    visitor: Arc<str>,
    address: IpAddr,
    stop: CancellationToken,
) {
    let (id, live) = shared.hub.enter(&visitor);
    let frames = Limits::frames();
    let mut this = Socket {
        shared,
        socket,
        id,
        visitor,
        address,
        frames,
        open: HashMap::new(),
        is_behind: false,
        is_reachable: true,
    };
    let changes = this.shared.chats.key(&this.visitor);
    // Without it other tabs' changes of the list show at the next visit only; no reason to refuse a chat.
    let is_listening = this.shared.subscription.add(&changes).await.is_ok();
    if let Err(Close { code, reason }) = this.serve(live, stop).await {
        let close = Message::Close(Some(CloseFrame { code, reason: Utf8Bytes::from_static(reason) }));
        let _ = timeout(WRITE_MAX, this.socket.send(close)).await;
    }
    let open: Vec<_> = this.open.keys().cloned().collect();
    for chat in open {
        this.close(&chat).await;
    }
    this.shared.hub.leave(&this.visitor, this.id);
    if is_listening {
        this.shared.subscription.drop(&changes).await;
    }
}

impl Socket {
    /// Ends well when the browser closes.
    async fn serve(&mut self, mut live: mpsc::Receiver<Live>, stop: CancellationToken) -> Step {
        self.welcome().await?;
        let mut ping = tokio::time::interval(PING);
        let mut again = tokio::time::interval(AGAIN);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Err(GOING_AWAY),
                message = self.socket.recv() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => self.take(&text).await?,
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Binary(_))) => return Err(Close::policy("binary frames are not part of the protocol")),
                        Some(Ok(Message::Close(_))) | None => return Ok(()),
                        Some(Err(error)) => {
                            tracing::debug!(%error, "socket broke");
                            return Err(TOO_LARGE);
                        }
                    }
                }
                item = live.recv() => match item {
                    Some(item) => {
                        let shown = self.show(item).await;
                        self.or_behind(shown)?;
                    }
                    None => return Err(TOO_SLOW),
                },
                _ = again.tick(), if self.is_behind && self.is_reachable => {
                    self.is_behind = false;
                    let shown = self.resync().await;
                    self.or_behind(shown)?;
                }
                _ = ping.tick() => {
                    if heard.elapsed() >= SILENCE_MAX {
                        return Err(SILENT);
                    }
                    self.send(Message::Ping(axum::body::Bytes::new())).await?;
                }
            }
        }
    }

    async fn welcome(&mut self) -> Step {
        let limits = Bounds {
            text_max: self.shared.settings.text_max.as_u64(),
            chats_max: self.shared.settings.chats_max,
            file_max: self.shared.files.bytes_max,
            files_max: FILES_MAX,
        };
        match self.shared.chats.list(&self.visitor).await {
            Ok(chats) => self.frame(&ServerFrame::Welcome { proto: PROTO, chats: &chats, limits }).await,
            // The page comes back by itself, and until then shows that it has no connection.
            Err(error) => unreachable(&error),
        }
    }

    async fn take(&mut self, text: &str) -> Step {
        if text.len() > frame_max(&self.shared) {
            return Err(TOO_LARGE);
        }
        if self.frames.check().is_err() {
            return Err(Close::policy("too many frames"));
        }
        let Ok(frame) = serde_json::from_str::<ClientFrame>(text) else {
            return Err(Close::policy("a frame that is no request of the protocol"));
        };
        match frame {
            ClientFrame::Ping => self.frame(&ServerFrame::Pong).await,
            ClientFrame::Open { chat, after } => self.open(chat.into(), after).await,
            ClientFrame::Close { chat } => {
                self.close(&chat.into()).await;
                Ok(())
            }
            ClientFrame::Preview { chat, key } => match self.shared.hub.preview(&chat, &key) {
                Some(frame) if self.open.contains_key(chat.as_str()) => self.text(frame.into()).await,
                _ => Ok(()),
            },
            request => {
                let id = request.id().unwrap_or_default().to_owned();
                let answer = self.request(&id, request).await;
                self.answer(&id, answer).await
            }
        }
    }

    async fn request(&mut self, id: &str, frame: ClientFrame) -> Result<Done, Refusal> {
        if !is_request_id(id) {
            return Err(Refusal::new("malformed", "An id has 8 to 36 characters of A-Z, a-z, 0-9, _ and -."));
        }
        if costs(&frame) && !self.shared.limits.allow_message(&self.visitor, self.address) {
            return Err(Refusal::new("rate", "That was a bit fast. Please wait a moment."));
        }
        let (shared, visitor) = (&self.shared, &self.visitor);
        match frame {
            ClientFrame::Send(sending) => shared.say(visitor, sending).await,
            ClientFrame::Stop { chat, .. } => shared.stop(visitor, id, &chat).await,
            ClientFrame::Regenerate { chat, target, .. } => shared.regenerate(visitor, id, &chat, &target).await,
            ClientFrame::Edit { chat, target, text, .. } => shared.change(visitor, id, &chat, &target, &text).await,
            ClientFrame::Retract { chat, target, .. } => shared.retract(visitor, id, &chat, &target).await,
            ClientFrame::React(Reacting { chat, target, emoji, removed, .. }) => {
                shared.react(visitor, id, &chat, (&target, &emoji, removed)).await
            }
            ClientFrame::Press { chat, target, button, .. } => {
                shared.press(visitor, id, &chat, (&target, &button)).await
            }
            ClientFrame::New { .. } => shared.new_chat(visitor, id).await,
            ClientFrame::Rename { chat, title, .. } => shared.rename(visitor, &chat, &title).await,
            ClientFrame::Delete { chat, .. } => shared.delete(visitor, id, &chat).await,
            ClientFrame::Open { .. } | ClientFrame::Close { .. } | ClientFrame::Preview { .. } | ClientFrame::Ping => {
                Ok(Done::default())
            }
        }
    }

    async fn answer(&mut self, id: &str, answer: Result<Done, Refusal>) -> Step {
        match answer {
            Ok(done) => self.frame(&ServerFrame::Ok { id, n: done.number, chat: done.chat.as_deref() }).await,
            Err(Refusal { code, message }) => {
                metrics::counter!("stargazer_webchat_refused_total", "reason" => code).increment(1);
                self.frame(&ServerFrame::Refused { id, code, message: &message }).await
            }
        }
    }

    /// Subscribes first and reads then, so that nothing falls between; what comes twice is told by its number.
    async fn open(&mut self, chat: Arc<str>, after: u64) -> Step {
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

    async fn close(&mut self, chat: &Arc<str>) {
        if let Some(open) = self.open.remove(chat) {
            self.shared.hub.close(chat, self.id);
            for channel in open.channels {
                self.shared.subscription.drop(&channel).await;
            }
        }
    }

    async fn show(&mut self, item: Live) -> Step {
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
    fn or_behind(&mut self, shown: Step) -> Step {
        match shown {
            Err(close) if close == AWAY => {
                self.is_behind = true;
                Ok(())
            }
            shown => shown,
        }
    }

    /// Reads everything anew that this socket shows.
    async fn resync(&mut self) -> Step {
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

    async fn list(&mut self) -> Step {
        match self.shared.chats.list(&self.visitor).await {
            Ok(chats) => self.frame(&ServerFrame::Chats { chats: &chats }).await,
            Err(error) => unreachable(&error),
        }
    }

    async fn unready(&mut self) -> Step {
        let message = "Messages can't be taken right now; they will be sent when that is over.";
        self.frame(&ServerFrame::State { ready: false, message }).await
    }

    async fn frame(&mut self, frame: &ServerFrame<'_>) -> Step {
        self.text(frame.to_json().into()).await
    }

    async fn text(&mut self, text: Utf8Bytes) -> Step {
        self.send(Message::Text(text)).await
    }

    async fn send(&mut self, message: Message) -> Step {
        match timeout(WRITE_MAX, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Close { code: 1006, reason: "" }),
            Err(_) => Err(TOO_SLOW),
        }
    }
}

/// Whether it makes work for others than this gateway.
fn costs(frame: &ClientFrame) -> bool {
    match frame {
        ClientFrame::Send(_)
        | ClientFrame::Regenerate { .. }
        | ClientFrame::New { .. }
        | ClientFrame::Edit { .. }
        | ClientFrame::Retract { .. }
        | ClientFrame::React(_)
        | ClientFrame::Press { .. } => true,
        ClientFrame::Open { .. }
        | ClientFrame::Close { .. }
        | ClientFrame::Stop { .. }
        | ClientFrame::Rename { .. }
        | ClientFrame::Delete { .. }
        | ClientFrame::Preview { .. }
        | ClientFrame::Ping => false,
    }
}

/// What could not be read from Redis.
fn unreachable(error: &Error) -> Step {
    tracing::debug!(%error, "a socket could not be served for now");
    Err(AWAY)
}

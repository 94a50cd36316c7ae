//! One browser's socket, from welcome to close: [`asked`] has what the browser asks for, [`shown`] what it is shown.

mod asked;
mod shown;

use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use governor::DefaultDirectRateLimiter;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Shared,
    files::FILES_MAX,
    frames::{Bounds, ClientFrame, ServerFrame},
    hub::{Live, SocketId},
    limits::Limits,
};
use shown::unreachable;

/// Version of the protocol.
const PROTO: u32 = 1;
/// Between two pings.
const PING: Duration = Duration::from_secs(20);
/// A socket that said nothing for this long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long a frame may take to be written before the browser counts as too slow.
const WRITE_MAX: Duration = Duration::from_secs(10);

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
                        let was_behind = self.is_behind;
                        self.or_behind(shown)?;
                        if self.is_behind && !was_behind {
                            again.reset();
                        }
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

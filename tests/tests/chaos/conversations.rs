//! Visitors who talk through all of it, as the page does: what was not confirmed is said again under its id, the texts of one
//! chat one after the other; whose gateway is silent goes to another; and who comes back reads on from the last number seen.

use std::{
    collections::{BTreeMap, HashSet},
    future::pending,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use fastrand::Rng;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    sync::watch,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use super::{
    checker::{Conversation, Said},
    model,
};

/// How long a visitor waits for a socket.
const DIAL_MAX: Duration = Duration::from_secs(1);
/// How long what was said may go without a word from the gateway; the page waits for 10 s.
const CONFIRM_MAX: Duration = Duration::from_secs(3);
/// Silence after which the gateway is asked whether it is there, and how long it may take to say so.
const SILENCE: Duration = Duration::from_millis(1500);

/// When each chat's last answered question was said: from it follows when a fault is over for all of them.
pub(crate) type Board = watch::Sender<Vec<Instant>>;

/// What visitors are told.
#[derive(Clone)]
pub(crate) struct Calls {
    /// Nothing new is to be said.
    pub(crate) stop: watch::Receiver<bool>,
    /// Redis was started again.
    pub(crate) restarts: watch::Receiver<u64>,
}

pub(crate) struct Visitor {
    pub(crate) index: usize,
    pub(crate) gateways: Vec<SocketAddr>,
    pub(crate) cookie: String,
    pub(crate) chat: String,
    pub(crate) rng: Rng,
    pub(crate) board: Arc<Board>,
    pub(crate) calls: Calls,
    /// Questions that are said without waiting for an answer.
    pub(crate) burst: usize,
    pub(crate) may_forget: bool,
    pub(crate) log: Log,
}

/// What a visitor said, and what is known of it.
#[derive(Debug, Default)]
pub(crate) struct Log {
    said: Vec<Question>,
    live: BTreeMap<u64, Value>,
    broken: Vec<String>,
}

#[derive(Debug)]
struct Question {
    id: String,
    text: String,
    at: Instant,
    confirmed: bool,
    /// Answered, or forgotten with all that follows from it.
    settled: bool,
}

type Socket = WebSocketStream<TcpStream>;

/// Why a socket is left.
enum Left {
    /// It broke, or its gateway is silent.
    Lost,
    /// What it showed may not be true any more.
    Reload,
    /// Everything that was said is answered, and there is nothing more to say.
    Done,
}

/// One socket's time.
struct Session {
    socket: Socket,
    /// The replay is complete.
    opened: bool,
    replayed: HashSet<String>,
    /// What was sent and is not confirmed, and since when.
    in_flight: Option<(usize, Instant)>,
    /// When something may be said again.
    speak_at: Instant,
    heard: Instant,
    asked: bool,
}

impl Visitor {
    /// Talks until told to stop and everything is answered; then reads it all again, as a new tab does.
    pub(crate) async fn talk(mut self) -> Conversation {
        let mut gateway = self.index;
        loop {
            let address = self.gateways[gateway % self.gateways.len()];
            match self.session(address).await {
                Left::Done => break,
                Left::Reload => {}
                Left::Lost => gateway += 1,
            }
            tokio::time::sleep(Duration::from_millis(self.rng.u64(20..120))).await;
        }
        let said = |question: Question| Said { id: question.id, text: question.text };
        Conversation {
            chat: self.chat,
            said: self.log.said.into_iter().map(said).collect(),
            live: self.log.live,
            log: Vec::new(),
            broken: self.log.broken,
        }
    }

    async fn session(&mut self, address: SocketAddr) -> Left {
        let Some(socket) = dial(address, &self.cookie).await else { return Left::Lost };
        let now = Instant::now();
        let (opened, asked, replayed) = (false, false, HashSet::new());
        let mut session = Session { socket, opened, replayed, in_flight: None, speak_at: now, heard: now, asked };
        self.calls.restarts.mark_unchanged();
        let after = if self.may_forget { 0 } else { self.log.live.keys().last().copied().unwrap_or(0) };
        if !session.send(json!({ "t": "open", "chat": self.chat, "after": after })).await {
            return Left::Lost;
        }
        loop {
            if *self.calls.stop.borrow() && self.log.said.iter().all(|question| question.settled) {
                return Left::Done;
            }
            let Some(wake) = self.speak(&mut session).await else { return Left::Lost };
            let restarts =
                async { if self.may_forget { self.calls.restarts.changed().await } else { pending().await } };
            tokio::select! {
                message = session.socket.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        (session.heard, session.asked) = (Instant::now(), false);
                        let frame: Value = serde_json::from_str(&text).expect("frames are JSON");
                        self.take(&mut session, &frame);
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Left::Lost,
                    Some(Ok(_)) => (session.heard, session.asked) = (Instant::now(), false),
                },
                () = sleep_until(wake) => {}
                _ = self.calls.stop.changed() => {}
                _ = restarts => return Left::Reload,
            }
        }
    }

    /// Says what is to be said now; when to look again, or nothing when the gateway has been silent for too long.
    async fn speak(&mut self, session: &mut Session) -> Option<Instant> {
        let now = Instant::now();
        let silent_until = session.heard + if session.asked { SILENCE * 2 } else { SILENCE };
        let mut wake = silent_until;
        if now >= silent_until {
            if session.asked || !session.send(json!({ "t": "ping" })).await {
                return None;
            }
            session.asked = true;
            wake = session.heard + SILENCE * 2;
        }
        if let Some((_, since)) = session.in_flight {
            return (now < since + CONFIRM_MAX).then_some(wake.min(since + CONFIRM_MAX));
        }
        if !session.opened {
            return Some(wake);
        }
        if now < session.speak_at {
            return Some(wake.min(session.speak_at));
        }
        if !*self.calls.stop.borrow() && self.log.said.iter().rev().take(self.burst).all(|question| question.settled) {
            self.think();
        }
        if let Some(index) = self.log.said.iter().position(|question| !question.confirmed) {
            let Question { id, text, .. } = &self.log.said[index];
            if !session.send(json!({ "t": "send", "id": id, "chat": self.chat, "text": text })).await {
                return None;
            }
            session.in_flight = Some((index, now));
            wake = wake.min(now + CONFIRM_MAX);
        }
        Some(wake)
    }

    /// Has the next questions ready.
    fn think(&mut self) {
        for _ in 0..self.burst {
            let number = self.log.said.len();
            self.log.said.push(Question {
                id: format!("chaos-{}-{number}", self.index),
                text: model::question(self.index, number),
                at: Instant::now(),
                confirmed: false,
                settled: false,
            });
        }
    }

    fn take(&mut self, session: &mut Session, frame: &Value) {
        match frame["t"].as_str().unwrap_or_default() {
            "entry" => self.entry(session, frame),
            "opened" => {
                session.opened = true;
                self.forget(session);
            }
            "ok" => {
                if let Some((index, _)) = session.in_flight.filter(|(index, _)| self.log.said[*index].id == frame["id"])
                {
                    self.log.said[index].confirmed = true;
                    session.in_flight = None;
                }
            }
            "refused" => {
                session.in_flight = None;
                session.speak_at = Instant::now() + Duration::from_millis(self.rng.u64(50..250));
                if !["rate", "busy", "unavailable"].contains(&frame["code"].as_str().unwrap_or_default()) {
                    self.log.broken.push(format!("{}: refused for good: {frame}", self.chat));
                }
            }
            _ => {}
        }
    }

    fn entry(&mut self, session: &mut Session, entry: &Value) {
        if entry["kind"] == "user" {
            session.replayed.insert(entry["id"].as_str().unwrap_or_default().to_owned());
        }
        let answered = entry["key"].as_str().and_then(|key| key.split(':').nth(2)).and_then(|id| id.rsplit('-').next());
        if let Some(question) = answered.and_then(|number| self.log.said.get_mut(number.parse::<usize>().ok()?)) {
            question.settled = true;
            let at = question.at;
            self.board.send_modify(|board| board[self.index] = board[self.index].max(at));
            session.speak_at = Instant::now() + Duration::from_millis(self.rng.u64(..150));
        }
        let number = entry["n"].as_u64().unwrap_or_default();
        if let Some(known) = self.log.live.insert(number, entry.clone())
            && known != *entry
            && !self.may_forget
        {
            self.log.broken.push(format!("entry {number} was {known}, and is {entry}"));
        }
    }

    /// What was confirmed and is not in the log that a restarted Redis has, will not be answered.
    fn forget(&mut self, session: &Session) {
        if self.may_forget {
            let unknown = |question: &&mut Question| question.confirmed && !session.replayed.contains(&question.id);
            self.log.said.iter_mut().filter(unknown).for_each(|question| question.settled = true);
        }
    }
}

impl Session {
    async fn send(&mut self, frame: Value) -> bool {
        matches!(timeout(DIAL_MAX, self.socket.send(Message::text(frame.to_string()))).await, Ok(Ok(())))
    }
}

async fn dial(address: SocketAddr, cookie: &str) -> Option<Socket> {
    let mut request = format!("ws://{address}/ws").into_client_request().ok()?;
    for (name, value) in [("cookie", cookie), ("origin", &format!("http://{address}"))] {
        request.headers_mut().insert(name, HeaderValue::from_str(value).ok()?);
    }
    let dialled = timeout(DIAL_MAX, async { client_async(request, TcpStream::connect(address).await?).await });
    Some(dialled.await.ok()?.ok()?.0)
}

/// The whole log of a chat, as a new tab at this gateway is shown it.
pub(crate) async fn reread(address: SocketAddr, cookie: &str, chat: &str) -> Option<Vec<Value>> {
    let mut socket = dial(address, cookie).await?;
    let open = json!({ "t": "open", "chat": chat, "after": 0 });
    socket.send(Message::text(open.to_string())).await.ok()?;
    let mut log = Vec::new();
    while let Some(Ok(message)) = timeout(CONFIRM_MAX, socket.next()).await.ok()? {
        let Message::Text(text) = message else { continue };
        let frame: Value = serde_json::from_str(&text).expect("frames are JSON");
        match frame["t"].as_str().unwrap_or_default() {
            "entry" => log.push(frame),
            "opened" => return Some(log),
            _ => {}
        }
    }
    None
}

//! A visitor without a browser: speaks the protocol of `docs/webchat.md`, and checks what must hold of every log.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::{Response, eventually, http, within};

/// How a socket was closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The close code; 1006 when the connection just ended.
    pub code: u16,
    /// The gateway's words.
    pub reason: String,
}

/// One visitor with one socket. Everything that came is kept, over reconnects.
#[derive(Debug)]
pub struct WebChatClient {
    address: SocketAddr,
    cookie: String,
    socket: Option<WebSocketStream<TcpStream>>,
    frames: Vec<Value>,
    /// By chat: the log by number.
    logs: HashMap<String, BTreeMap<u64, Value>>,
    /// By key: UTF-16 code units of a running answer.
    previews: HashMap<String, Vec<u16>>,
}

impl WebChatClient {
    /// A new visitor: gets the page and its cookie, and opens a socket.
    pub async fn new(address: SocketAddr) -> Self {
        let page = Self::page(address).await;
        let cookie = page.header("set-cookie").expect("the page sets a cookie");
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Self::with_cookie(address, cookie).await
    }

    /// The page itself.
    pub async fn page(address: SocketAddr) -> Response {
        eventually("the page is served", || async {
            http::get(address, "/").await.ok().filter(|page| page.status == 200)
        })
        .await
    }

    async fn with_cookie(address: SocketAddr, cookie: String) -> Self {
        let (frames, logs, previews) = (Vec::new(), HashMap::new(), HashMap::new());
        let mut client = Self { address, cookie, socket: None, frames, logs, previews };
        client.reconnect().await;
        client
    }

    /// What says who this visitor is, to any gateway.
    #[must_use]
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// What this visitor gets for a request of their own: `kind` is the type of its body.
    pub async fn ask_http(&self, method: &str, path: &str, kind: &str, body: &str) -> Response {
        let headers = [("Cookie", self.cookie()), ("Content-Type", kind)];
        http::ask(self.address, http::Ask { method, path, headers: &headers, body }).await.expect("an answer")
    }

    /// The same visitor in another tab.
    pub async fn another_tab(&self) -> Self {
        Self::with_cookie(self.address, self.cookie.clone()).await
    }

    /// The same visitor at another gateway.
    pub async fn at(&self, address: SocketAddr) -> Self {
        Self::with_cookie(address, self.cookie.clone()).await
    }

    /// Tries to open a socket with any headers; the HTTP status that it gets.
    pub async fn knock(address: SocketAddr, headers: &[(&'static str, &str)]) -> u16 {
        match Self::dial(address, headers).await {
            Ok(_) => 101,
            Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
            Err(error) => panic!("no HTTP answer: {error}"),
        }
    }

    /// Opens a new socket, and waits for its welcome. A gateway that is not there yet is waited for.
    pub async fn reconnect(&mut self) {
        self.socket = None;
        let (address, cookie, origin) = (self.address, self.cookie.clone(), format!("http://{}", self.address));
        let socket = eventually("the socket opens", || async {
            Self::dial(address, &[("cookie", &cookie), ("origin", &origin)]).await.ok()
        });
        self.socket = Some(socket.await);
        let before = self.frames.len();
        self.wait("welcome", |client| {
            client.frames[before..].iter().any(|frame| frame["t"] == "welcome").then_some(())
        })
        .await;
    }

    async fn dial(
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> tungstenite::Result<WebSocketStream<TcpStream>> {
        let mut request = format!("ws://{address}/ws").into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).expect("a header"));
        }
        let stream = TcpStream::connect(address).await?;
        Ok(client_async(request, stream).await?.0)
    }

    /// Every frame that came, over all sockets.
    #[must_use]
    pub fn frames(&self) -> &[Value] {
        &self.frames
    }

    /// Reads frames until `find` finds what it looks for in what this visitor knows. The socket has to stay.
    pub async fn wait<T>(&mut self, what: &str, find: impl Fn(&Self) -> Option<T>) -> T {
        within(what, async {
            loop {
                if let Some(found) = find(self) {
                    return found;
                }
                if let Err(closed) = self.read().await {
                    panic!("{what}: the socket was closed: {closed:?}");
                }
            }
        })
        .await
    }

    /// Reads until the socket is closed.
    pub async fn closed(&mut self) -> Closed {
        within("the socket is closed", async {
            loop {
                if let Err(closed) = self.read().await {
                    return closed;
                }
            }
        })
        .await
    }

    /// Takes one frame in.
    async fn read(&mut self) -> Result<(), Closed> {
        let lost = || Closed { code: 1006, reason: String::new() };
        let socket = self.socket.as_mut().ok_or_else(lost)?;
        let text = match socket.next().await {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Close(Some(frame)))) => {
                return Err(Closed { code: frame.code.into(), reason: frame.reason.to_string() });
            }
            Some(Ok(Message::Close(None)) | Err(_)) | None => return Err(lost()),
            Some(Ok(_)) => return Ok(()),
        };
        let frame: Value = serde_json::from_str(&text).expect("frames are JSON");
        match frame["t"].as_str().expect("a frame has its type") {
            "entry" => self.log(&frame),
            "preview" => self.preview_came(&frame).await,
            _ => {}
        }
        self.frames.push(frame);
        Ok(())
    }

    /// The same number is always the same entry, for every tab, gateway and time.
    fn log(&mut self, entry: &Value) {
        let log = self.logs.entry(entry["chat"].as_str().expect("an entry has a chat").to_owned()).or_default();
        let number = entry["n"].as_u64().expect("an entry has a number");
        if let Some(known) = log.insert(number, entry.clone()) {
            assert_eq!(&known, entry, "entry {number} was another one before");
        }
    }

    async fn preview_came(&mut self, frame: &Value) {
        let (key, at) =
            (frame["key"].as_str().expect("a preview has a key"), frame["at"].as_u64().expect("and a place") as usize);
        let known = self.previews.entry(key.to_owned()).or_default();
        if at > known.len() {
            self.request(&json!({ "t": "preview", "chat": frame["chat"], "key": key })).await;
            return;
        }
        known.truncate(at);
        known.extend(frame["text"].as_str().expect("and a text").encode_utf16());
    }

    /// Sends any frame.
    pub async fn request(&mut self, frame: &Value) {
        self.message(Message::text(frame.to_string())).await;
    }

    /// Sends anything at all.
    pub async fn message(&mut self, message: Message) {
        if let Some(socket) = &mut self.socket {
            // A socket that is closed says so when it is read.
            let _ = socket.send(message).await;
        }
    }

    /// Sends a request, with a new id where it has none, and waits for `ok` or `refused`.
    pub async fn ask(&mut self, mut frame: Value) -> Value {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        if frame["id"].is_null() {
            frame["id"] = format!("req-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)).into();
        }
        let before = self.frames.len();
        self.request(&frame).await;
        let id = frame["id"].clone();
        let is_answer = move |answer: &&Value| answer["id"] == id && (answer["t"] == "ok" || answer["t"] == "refused");
        self.wait(&format!("an answer to {frame}"), |client| client.frames[before..].iter().find(&is_answer).cloned())
            .await
    }

    async fn done(&mut self, frame: Value) -> Value {
        let answer = self.ask(frame).await;
        assert_eq!(answer["t"], "ok", "refused: {answer}");
        answer
    }

    /// Makes a chat and opens it: its id.
    pub async fn new_chat(&mut self) -> String {
        let chat = self.done(json!({ "t": "new" })).await["chat"].as_str().expect("ok of new has a chat").to_owned();
        self.open(&chat).await;
        chat
    }

    /// Opens a chat from the last entry that this visitor knows, and waits until it is replayed.
    pub async fn open(&mut self, chat: &str) {
        let after = self.logs.get(chat).and_then(|log| log.keys().last()).copied().unwrap_or(0);
        let before = self.frames.len();
        self.request(&json!({ "t": "open", "chat": chat, "after": after })).await;
        let is_opened = |frame: &Value| frame["t"] == "opened" && frame["chat"] == chat;
        self.wait("opened", |client| client.frames[before..].iter().any(is_opened).then_some(())).await;
    }

    /// Says something: the request's id, from which the answer has its key.
    pub async fn say(&mut self, chat: &str, text: &str) -> String {
        self.done(json!({ "t": "send", "chat": chat, "text": text })).await["id"].as_str().expect("an id").to_owned()
    }

    /// Asks to stop the running answer.
    pub async fn stop(&mut self, chat: &str) -> Value {
        self.ask(json!({ "t": "stop", "chat": chat })).await
    }

    /// Asks for another answer in place of `target`: the request's id.
    pub async fn regenerate(&mut self, chat: &str, target: &str) -> String {
        let answer = self.done(json!({ "t": "regenerate", "chat": chat, "target": target })).await;
        answer["id"].as_str().expect("an id").to_owned()
    }

    /// Waits for the answer to the request `id`, or for the word that there is none: its entry.
    pub async fn answer(&mut self, chat: &str, id: &str) -> Value {
        let key = format!("webchat:{chat}:{id}:");
        let is_answer = |entry: &&Value| {
            entry["kind"] == "message" && entry["key"].as_str().is_some_and(|known| known.starts_with(&key))
        };
        self.wait(&format!("the answer {key}"), |client| client.entries(chat).into_iter().find(is_answer).cloned())
            .await
    }

    /// Waits until the running answer to the request `id` shows `text`.
    pub async fn wait_preview(&mut self, id: &str, text: &str) {
        self.wait(&format!("a preview with `{text}`"), |client| client.preview(id).contains(text).then_some(())).await;
    }

    /// What the running answer to the request `id` shows so far.
    #[must_use]
    pub fn preview(&self, id: &str) -> String {
        let end = format!(":{id}:0");
        let known = self.previews.iter().find(|(key, _)| key.ends_with(&end));
        known.map(|(_, units)| units).map_or_else(String::new, |units| String::from_utf16_lossy(units))
    }

    /// The log of a chat in order. Numbers have no gaps, from the first that is known.
    #[must_use]
    pub fn entries(&self, chat: &str) -> Vec<&Value> {
        self.logs.get(chat).map_or_else(Vec::new, |log| log.values().collect())
    }

    /// The log in short: `user: text`, `message: text`, `stop`, and so on. Fails where numbers have gaps.
    #[must_use]
    pub fn story(&self, chat: &str) -> Vec<String> {
        let entries = self.entries(chat);
        for (index, entry) in entries.iter().enumerate() {
            assert_eq!(entry["n"], index + 1, "numbers have no gaps: {entries:#?}");
        }
        let short = |entry: &&Value| match (&entry["kind"], entry["text"].as_str()) {
            (kind, Some(text)) => format!("{}: {text}", kind.as_str().unwrap_or_default()),
            (kind, None) => kind.as_str().unwrap_or_default().to_owned(),
        };
        entries.iter().map(short).collect()
    }
}
